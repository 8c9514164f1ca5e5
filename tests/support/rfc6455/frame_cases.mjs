// RFC 6455, 5: framing, pings and pongs, reserved bits, opcodes, fragmentation. The classes are
// those of the Autobahn test suite; what a case is, says driver.mjs.

import { binary, cont, fragments, frame, ping, pong, text } from '../raw_web_socket.mjs';
import { bytesOf, hex, quoted, say, typeFor } from './say.mjs';

const kProtocolError = 1002;
const kUnsupportedData = 1003;
const kBadFrame = 4502;

// One message that is answered by its quote, sent in these frames.
const answered = (name, type, send) => ({ name, send, texts: [quoted(type)] });
const refused = (name, ...send) => ({ name, send, close: kProtocolError });
// The same after a message, and its answer: that one is not lost.
const refusedLater = (name, ...send) => ({
  name,
  send: [text(say('before')), 1, ...send],
  texts: [quoted('before')],
  close: kProtocolError,
});

const kLengths = [125, 126, 127, 128, 65_535, 65_536];

const kFraming = [
  { name: 'an empty text message is no frame of Ackwire', send: [text('')], close: kBadFrame },
  ...kLengths.map((length) =>
    answered(`text of ${length} bytes`, typeFor(length), [text(say(typeFor(length)))]),
  ),
  { name: 'empty binary data', send: [binary('')], close: kUnsupportedData },
  ...kLengths.map((length) => ({
    name: `binary data of ${length} bytes`,
    send: [binary(Buffer.alloc(length, 0xfe))],
    close: kUnsupportedData,
  })),
  answered('a mask of zeros', 'm', [text(say('m'), { mask: hex('00000000') })]),
  answered('a mask of ones', 'm', [text(say('m'), { mask: hex('ffffffff') })]),
  {
    name: 'each frame has a mask of its own',
    send: ['01020304', 'fffe0080', '7f00ff01'].map((mask, at) =>
      text(say(`m${at}`, at), { mask: hex(mask) }),
    ),
    texts: [0, 1, 2].map((at) => quoted(`m${at}`, at)),
  },
  refused('text without a mask', text(say('x'), { masked: false })),
  refused('empty text without a mask', text('', { masked: false })),
  refused('a ping without a mask', ping('x', { masked: false })),
  refused('a close without a mask', frame(8, hex('03e8'), { masked: false })),
  refusedLater('text without a mask after text with one', text(say('x'), { masked: false })),
  refused('a fragment without a mask', text('{', { fin: false }), cont('}', { masked: false })),
  refused('125 bytes in a length of 16 bits', text(say(typeFor(125)), { form: 16 })),
  refused('no bytes in a length of 16 bits', text('', { form: 16 })),
  refused('125 bytes in a length of 64 bits', text(say(typeFor(125)), { form: 64 })),
  refused('65,535 bytes in a length of 64 bits', text(say(typeFor(65_535)), { form: 64 })),
  answered('126 bytes in a length of 16 bits', typeFor(126), [text(say(typeFor(126)))]),
  {
    name: '100 messages at once are answered in their order',
    send: Array.from({ length: 100 }, (_, at) => text(say(`n${at}`, at))),
    texts: Array.from({ length: 100 }, (_, at) => quoted(`n${at}`, at)),
  },
];

const answeredPing = (name, payload) => ({ name, send: [ping(payload)], pongs: [payload] });
const kLongest = Buffer.alloc(125, 0xfe);
const kTen = Array.from({ length: 10 }, (_, at) => `payload ${at}`);

const kPings = [
  answeredPing('a ping without a payload', ''),
  answeredPing('a ping with a payload', 'Hello, world!'),
  answeredPing('a ping whose payload is not UTF-8', hex('00fffefdfcfb00ff')),
  answeredPing('a ping of 125 bytes', kLongest),
  refused('a ping of 126 bytes', ping(Buffer.alloc(126, 0xfe))),
  { name: 'a pong that nobody asked for, empty', send: [pong('')] },
  { name: 'a pong that nobody asked for, with a payload', send: [pong('unsolicited')] },
  {
    name: 'a pong that nobody asked for, then a ping',
    send: [pong('unsolicited'), ping('asked')],
    pongs: ['asked'],
  },
  { name: 'ten pings are answered, each', send: kTen.map((each) => ping(each)), pongs: kTen },
  {
    name: 'the same payload ten times over',
    send: kTen.map(() => ping('same')),
    pongs: kTen.map(() => 'same'),
  },
  {
    name: 'pings before connect are answered',
    bare: true,
    send: [ping('early'), ping('')],
    pongs: ['early', ''],
  },
  {
    name: 'pings between the messages',
    send: [text(say('a', 1)), ping('1'), text(say('b', 2)), ping('2')],
    texts: [quoted('a', 1), quoted('b', 2)],
    pongs: ['1', '2'],
  },
  refused('a pong of 126 bytes', pong(Buffer.alloc(126))),
];

const kReserved = [
  ...[1, 2, 3, 4, 5, 6, 7].flatMap((rsv) => [
    refused(`bits ${rsv} in a text`, text(say('x'), { rsv })),
    refused(`bits ${rsv} in a ping`, ping('x', { rsv })),
  ]),
  refusedLater('bits 4 in a text after a good one', text(say('x'), { rsv: 4 }), ping('unheard')),
  refusedLater('bits 1 in an empty text', text('', { rsv: 1 })),
  refused('bits 5 in binary data', binary('x', { rsv: 5 })),
  refused('bits 6 in a pong', pong('x', { rsv: 6 })),
  refused('bits 7 in a close', frame(8, hex('03e8'), { rsv: 7 })),
  refused('bits 2 in a continuation', text('{', { fin: false }), cont('}', { rsv: 2 })),
  refused('bits 4 in a first fragment', text('{', { fin: false, rsv: 4 }), cont('}')),
];

const kOpcodes = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((code) => [
  refused(`opcode ${code}, empty`, frame(code)),
  refused(`opcode ${code} with a payload`, frame(code, 'reserved')),
  refusedLater(`opcode ${code} after a text`, frame(code, 'reserved'), ping('unheard')),
]);
kOpcodes.push(
  refused('opcode 3 within a message', text('{', { fin: false }), frame(3, 'x'), cont('}')),
  refused('opcode 11 within a message', text('{', { fin: false }), frame(11, 'x'), cont('}')),
);

const kParts = ['{"type":', '"par', 'ts","id":1}'];
const kStart = text('{"type":', { fin: false });
const kEndPayload = '"parts","id":1}';
const kEnd = cont(kEndPayload);
const kConnect = Buffer.from('{"type":"connect","client":"rfc6455/fragments"}');

const kFragmentation = [
  refused('a ping in two fragments', ping('a', { fin: false }), cont('b')),
  refused('a pong in two fragments', pong('a', { fin: false }), cont('b')),
  refused('a close in two fragments', frame(8, hex('03e8'), { fin: false }), cont('b')),
  refused('a first fragment of a ping within a message', kStart, ping('a', { fin: false })),
  answered('two fragments', 'parts', [kStart, kEnd]),
  answered('three fragments', 'parts', fragments(...kParts)),
  answered('each byte a fragment', 'parts', fragments(...bytesOf(kParts.join('')))),
  answered('the first fragment empty', 'parts', fragments('', ...kParts)),
  answered('the last fragment empty', 'parts', fragments(...kParts, '')),
  answered('empty ones between', 'parts', fragments('', '', ...kParts.flatMap((p) => [p, '']))),
  {
    name: 'nothing but empty fragments is an empty message',
    send: fragments('', '', ''),
    close: kBadFrame,
  },
  {
    name: 'a ping between two fragments',
    send: [kStart, ping('between'), kEnd],
    texts: [quoted('parts')],
    pongs: ['between'],
  },
  {
    name: 'a ping between two fragments is answered before the message ends',
    send: [kStart, ping('between'), 1, kEnd],
    texts: [quoted('parts')],
    pongs: ['between'],
  },
  {
    name: 'pings and pongs among five fragments',
    send: fragments('{"type"', ':"pa', 'rts"', ',"id"', ':1}').flatMap((each, at) => [
      each,
      pong(''),
      ping(`${at}`),
    ]),
    texts: [quoted('parts')],
    pongs: ['0', '1', '2', '3', '4'],
  },
  {
    name: 'empty pings around the last fragment but an empty one',
    send: [kStart, ping(''), cont(kEndPayload, { fin: false }), ping(''), cont('')],
    texts: [quoted('parts')],
    pongs: ['', ''],
  },
  refused('a continuation of nothing', cont('x'), text(say('x'))),
  refused('a continuation of nothing, not the last', cont('x', { fin: false }), text(say('x'))),
  refused('an empty continuation of nothing', cont('')),
  refusedLater('a continuation of a message that has ended', cont('x'), text(say('x'))),
  {
    name: 'a continuation after a fragmented message',
    send: [kStart, kEnd, 1, cont('x')],
    texts: [quoted('parts')],
    close: kProtocolError,
  },
  refused('a new text within a message', kStart, text(say('x'))),
  refused('a new fragmented text within a message', kStart, ...fragments('{', '}')),
  refused('binary data within a text', kStart, binary('x')),
  refused('text within binary data', binary('x', { fin: false }), text(say('x'))),
  refused('a new text after three fragments', ...fragments('a', 'b', 'c', '').slice(0, 3), kStart),
  {
    name: 'binary data in three fragments',
    send: [binary('a', { fin: false }), cont('b', { fin: false }), cont('c')],
    close: kUnsupportedData,
  },
  {
    name: 'connect in fragments is answered by welcome',
    bare: true,
    send: fragments(...bytesOf(kConnect)),
    texts: [{ type: 'welcome', client: 'rfc6455/fragments' }],
  },
  {
    name: 'two fragmented messages, one behind the other',
    send: [...fragments(...bytesOf(say('one', 1))), ...fragments(...bytesOf(say('two', 2)))],
    texts: [quoted('one', 1), quoted('two', 2)],
  },
  answered('fragments of 16 and 64 bits of length', typeFor(70_000), [
    ...fragments(
      say(typeFor(70_000)).subarray(0, 200),
      say(typeFor(70_000)).subarray(200, 66_000),
      say(typeFor(70_000)).subarray(66_000),
    ),
  ]),
  answered('1,000 fragments', typeFor(1000), fragments(...bytesOf(say(typeFor(1000))))),
];

export const kFrameClasses = {
  framing: kFraming,
  'ping/pong': kPings,
  'reserved bits': kReserved,
  opcodes: kOpcodes,
  fragmentation: kFragmentation,
};
