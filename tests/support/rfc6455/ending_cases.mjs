// RFC 6455, 5.5.1, 7 and 10: close handling, and what is too big.

import {
  binary,
  closing,
  cont,
  fragments,
  frame,
  opcode,
  ping,
  pong,
  text,
} from '../raw_web_socket.mjs';
import { hex, quoted, say, typeFor } from './say.mjs';

const kNormal = 1000;
const kProtocolError = 1002;
const kTooBig = 1009;
const kBadFrame = 4502;

const kCodes = [
  1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4999,
];
// 1004 to 1006 and 1015 are never sent, 1016 to 2999 are nobody's yet.
const kBadCodes = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999];
const kReason123 = 'é'.repeat(61) + '!';

const kClosing = [
  ...kCodes.map((code) => ({
    name: `a close with ${code} is echoed`,
    send: [closing(code, 'the reason')],
    close: code,
  })),
  ...kBadCodes.map((code) => ({
    name: `a close with ${code} is refused`,
    send: [closing(code)],
    close: kProtocolError,
  })),
  ...[5000, 65_535].map((code) => ({
    name: `a close with ${code}, of which the RFC says nothing`,
    send: [closing(code)],
    close: [kProtocolError, code],
  })),
  { name: 'a close without a code', send: [frame(opcode.close)], close: [kNormal, undefined] },
  { name: 'a close of one byte', send: [frame(opcode.close, 'x')], close: kProtocolError },
  { name: 'a close without a reason', send: [closing(1000)], close: 1000 },
  { name: 'a close of 125 bytes', send: [closing(1000, kReason123)], close: 1000 },
  { name: 'a close of 126 bytes', send: [closing(1000, 'x'.repeat(124))], close: kProtocolError },
  // The RFC wants such a connection failed; 1007 is about text messages.
  ...['ff', 'c3', 'eda080', 'f4908080', 'c0af'].map((bytes) => ({
    name: `a close whose reason is not UTF-8: ${bytes}`,
    send: [closing(1000, hex(bytes))],
    close: [1002, 1007],
  })),
  { name: 'a close as the first frame', bare: true, send: [closing(1000)], close: 1000 },
  {
    name: 'a close after a message',
    send: [text(say('last')), 1, closing(1000)],
    texts: [quoted('last')],
    close: 1000,
  },
  {
    name: 'a close within a message drops it',
    send: [text('{"type":', { fin: false }), closing(1001)],
    close: 1001,
  },
  { name: 'a ping after the close is not answered', send: [closing(1000), ping('x')], close: 1000 },
  {
    name: 'text after the close is not answered',
    send: [closing(1000), text(say('late'))],
    close: 1000,
  },
  { name: 'a second close is not answered', send: [closing(1000), closing(1001)], close: 1000 },
  {
    name: 'what is no frame after the close goes unheard',
    send: [closing(1000), frame(3, 'x', { masked: false })],
    close: 1000,
  },
  {
    name: '256 KiB after the close do not break the connection',
    send: [closing(1000), text('x'.repeat(256 * 1024))],
    close: 1000,
  },
  {
    name: '256 KiB after a protocol error do not break the connection',
    send: [frame(3), text('x'.repeat(256 * 1024))],
    close: kProtocolError,
  },
  {
    name: 'the first frame is not connect',
    bare: true,
    send: [text(say('x'))],
    close: kBadFrame,
  },
  {
    name: 'the server closes, and frames that were under way go unheard',
    send: [text('no frame'), ping('x'), text(say('x')), pong('x')],
    pongs: [],
    close: kBadFrame,
  },
];

const kMost = 1024 * 1024; // bytes of one message
const kTimes = (count, part) => Array.from({ length: count }, () => part);
const whole = (name, bytes) => ({
  name,
  send: [text(say(typeFor(bytes)))],
  texts: [quoted(typeFor(bytes))],
});
// Only the head of a frame is sent: the answer does not wait for more.
const declared = (name, head) => ({ name, send: [hex(head)], close: [kProtocolError, kTooBig] });
const tooBig = (name, ...send) => ({ name, send, close: kTooBig });
const inParts = (bytes, part) => {
  const payload = say(typeFor(bytes));
  const parts = [];
  for (let at = 0; at < bytes; at += part) parts.push(payload.subarray(at, at + part));
  return fragments(...parts);
};

const kLimits = [
  whole('a message of 64 KiB', 64 * 1024),
  whole('a message of 256 KiB', 256 * 1024),
  whole('a message of 1 MiB, the most', kMost),
  tooBig('a message of a byte more', text(say(typeFor(kMost + 1)))),
  tooBig('a message of 4 MiB', text(say(typeFor(4 * kMost)))),
  tooBig('binary data of 1 MiB and a byte', binary(Buffer.alloc(kMost + 1))),
  ...[64, 1000, 65_536].map((part) => ({
    name: `1 MiB in fragments of ${part} bytes`,
    send: inParts(kMost, part),
    texts: [quoted(typeFor(kMost))],
  })),
  ...[64, 1000, 65_536].map((part) =>
    tooBig(`a byte more in fragments of ${part} bytes`, ...inParts(kMost + 1, part)),
  ),
  tooBig(
    'fragments without an end',
    text('x', { fin: false }),
    ...kTimes(64, cont(Buffer.alloc(32 * 1024, 0x78), { fin: false })),
  ),
  tooBig(
    'empty fragments without an end',
    text('', { fin: false }),
    Buffer.alloc(9 * kMost, cont('', { fin: false })),
  ),
  declared('a frame that is said to have 1 MiB and a byte', '81ff 0000000000100001 00000000'),
  declared('a frame that is said to have 4 GiB', '81ff 0000000100000000 00000000'),
  declared('a frame that is said to have 2^63-1 bytes', '81ff 7fffffffffffffff 00000000'),
  declared('binary data that is said to have 2^63-1 bytes', '82ff 7fffffffffffffff 00000000'),
  declared('a fragment that is said to have 2^63-1 bytes', '01ff 7fffffffffffffff 00000000'),
  declared('a length of 2^63, whose highest bit must be 0', '81ff 8000000000000000 00000000'),
  declared('a length of 2^64-1', '81ff ffffffffffffffff 00000000'),
  {
    name: 'a continuation that takes the message over the limit',
    send: [text('x', { fin: false }), hex('80ff 0000000000100000 00000000')],
    close: kTooBig,
  },
  {
    name: 'a continuation of 2^64-1 bytes does not wrap around',
    send: [text('xx', { fin: false }), hex('80ff ffffffffffffffff 00000000')],
    close: [kProtocolError, kTooBig],
  },
  { ...declared('2^63-1 bytes before connect', '81ff 7fffffffffffffff 00000000'), bare: true },
  {
    name: 'more than 64 KiB before connect',
    bare: true,
    send: [text(JSON.stringify({ type: 'connect', client: 'x'.repeat(65_536) }))],
    close: kBadFrame,
  },
];

export const kEndingClasses = { 'close handling': kClosing, limits: kLimits };
