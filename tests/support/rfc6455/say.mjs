// What a case says to Ackwire, and what it hears. Ackwire echoes nothing; but it quotes the type of
// a frame that it does not know, up to 64 bytes of it, and of a longer one it says the length. So
// the quote proves that a message arrived whole.

const kQuotedBytesMax = 64;

// A frame of an unknown type, as the payload of a message.
export const say = (type, id = 1) =>
  Buffer.concat([Buffer.from('{"type":"'), Buffer.from(type), Buffer.from(`","id":${id}}`)]);

// The answer to it.
export function quoted(type, id = 1) {
  const bytes = Buffer.byteLength(type);
  return {
    type: 'error',
    id,
    code: 'invalid_argument',
    quotes: bytes <= kQuotedBytesMax ? `"${type}"` : `a string of ${bytes} bytes`,
  };
}

// A type that makes the payload so many bytes long.
export const typeFor = (payloadBytes) => 'x'.repeat(payloadBytes - say('').length);

// The bytes that a hexadecimal text stands for; what is between them is for people.
export const hex = (digits) => Buffer.from(digits.replaceAll(' ', ''), 'hex');

export const bytesOf = (payload) => [...Buffer.from(payload)].map((byte) => Buffer.from([byte]));
