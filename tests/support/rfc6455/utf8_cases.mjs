// RFC 6455, 8.1, and the bytes of Markus Kuhn's UTF-8 stress test, as the Autobahn suite has them.

import { cont, fragments, ping, text } from '../raw_web_socket.mjs';
import { bytesOf, hex, quoted, say } from './say.mjs';

const kBadPayload = 1007;
const kBadFrame = 4502;
const kKosme = 'cebae1bdb9cf83cebcceb5'; // κόσμε

const kBefore = Buffer.from('{"type":"');
const kAfter = Buffer.from('","id":1}');

const good = (name, digits) => ({
  name,
  send: [text(say(hex(digits)))],
  texts: [quoted(hex(digits).toString())],
});
const bad = (name, digits) => ({ name, send: [text(say(hex(digits)))], close: kBadPayload });
// The same with each byte in a fragment of its own.
const singly = (example, digits) => ({
  ...example,
  name: `${example.name}, each byte a fragment`,
  send: fragments(...bytesOf(say(hex(digits)))),
});
const both = (make, name, digits) => [make(name, digits), singly(make(name, digits), digits)];

const kValid = [
  ...both(good, 'κόσμε', kKosme),
  ...both(good, 'two, three and four bytes', 'c3a9 e282ac f09f9880'),
  ...both(good, 'the first of each length', '20 c280 e0a080 f0908080'),
  ...both(good, 'the last of each length', '7f dfbf efbfbf f48fbfbf'),
  ...both(good, 'around the surrogates', 'ed9fbf ee8080'),
  ...both(good, 'a byte order mark is text as any', 'efbbbf 61'),
  ...both(good, 'U+FFFD, the replacement', 'efbfbd'),
  {
    name: 'a fragment ends within a code point, an empty one follows',
    send: fragments(
      Buffer.concat([kBefore, hex('e2')]),
      '',
      hex('82'),
      '',
      Buffer.concat([hex('ac'), kAfter]),
    ),
    texts: [quoted('€')],
  },
  {
    name: 'a ping within a code point',
    send: [
      text(Buffer.concat([kBefore, hex('f09f')]), { fin: false }),
      ping('within'),
      cont(Buffer.concat([hex('9880'), kAfter])),
    ],
    texts: [quoted('😀')],
    pongs: ['within'],
  },
  {
    name: 'code points at every place of a machine word',
    send: Array.from({ length: 17 }, (_, at) => text(say(`${'x'.repeat(at)}€😀é`, at))),
    texts: Array.from({ length: 17 }, (_, at) => quoted(`${'x'.repeat(at)}€😀é`, at)),
  },
  {
    name: 'the byte 00 is valid UTF-8, and no JSON',
    send: [text(say(hex('00')))],
    close: kBadFrame,
  },
];

// The last two code points of each plane, and the 32 in the midst of the first.
const kPlanes = Array.from({ length: 17 }, (_, plane) => plane * 0x10000 + 0xfffe);
const kNonCharacters = [...kPlanes, 0xfdd0, 0xfdee].map((code) =>
  good(
    `U+${code.toString(16).toUpperCase()} and the next`,
    Buffer.from(String.fromCodePoint(code, code + 1)).toString('hex'),
  ),
);

const kInvalid = [
  ...both(bad, 'a surrogate among letters', `${kKosme} eda080 656469746564`),
  ...both(bad, 'a continuation byte alone: 80', '80'),
  ...both(bad, 'a continuation byte alone: bf', 'bf'),
  ...[2, 3, 4, 5, 6, 7].map((count) =>
    bad(`${count} continuation bytes`, '80bf'.repeat(4).slice(0, 2 * count)),
  ),
  bad(
    'all 64 continuation bytes',
    Array.from({ length: 64 }, (_, at) => (0x80 + at).toString(16)).join(''),
  ),
];

// Every byte that cannot stand alone, with a space behind it.
const range = (first, last) => Array.from({ length: last - first + 1 }, (_, at) => first + at);
const kLonely = [
  ...range(0xc0, 0xdf).filter((byte) => byte % 8 === 0),
  ...range(0xe0, 0xef).filter((byte) => byte % 4 === 0 || byte === 0xed),
  ...range(0xf0, 0xff),
].map((byte) => bad(`${byte.toString(16)} and a space`, `${byte.toString(16)}20`));

// Of κόσμε: every beginning that ends within a code point, as the end of the message.
const kCutOff = [1, 3, 4, 6, 8, 10].flatMap((count) => [
  {
    name: `the message ends after ${count} bytes of κόσμε`,
    send: [text(hex(kKosme).subarray(0, count))],
    close: kBadPayload,
  },
  {
    name: `the message ends after ${count} bytes of κόσμε, with an empty fragment`,
    send: fragments(hex(kKosme).subarray(0, count), ''),
    close: kBadPayload,
  },
]);
const kIncomplete = [
  ...['c2', 'e0a0', 'f09080', 'df', 'efbf', 'f48fbf', 'e0', 'f0', 'f090'].map((digits) =>
    bad(`an incomplete ${digits} before a quotation mark`, digits),
  ),
  ...both(bad, 'incomplete ones, one behind the other', 'c0 e080 f08080 df efbf f7bfbf'),
  {
    name: 'an empty fragment ends it, and the rest comes in the next message',
    send: [
      ...fragments(Buffer.concat([kBefore, hex('e2')]), ''),
      text(Buffer.concat([hex('82ac'), kAfter])),
    ],
    close: kBadPayload,
  },
];

const kImpossible = [
  'fe',
  'ff',
  'fefeffff',
  'f888808080',
  'fc8480808080',
  'f7bfbfbf',
  'fbbfbfbfbf',
  'fdbfbfbfbfbf',
  'f4908080',
  'f5808080',
].flatMap((digits) => both(bad, `impossible: ${digits}`, digits));

const kOverlong = [
  ...['c0af', 'e080af', 'f08080af', 'f8808080af', 'fc80808080af'].map((digits) =>
    bad(`a slash too long: ${digits}`, digits),
  ),
  ...['c1bf', 'e09fbf', 'f08fbfbf', 'f887bfbfbf', 'fc83bfbfbfbf'].map((digits) =>
    bad(`the longest too long: ${digits}`, digits),
  ),
  ...['c080', 'e08080', 'f0808080', 'f880808080', 'fc8080808080'].map((digits) =>
    bad(`a zero too long: ${digits}`, digits),
  ),
];

const kSurrogates = [
  ...['eda080', 'edadbf', 'edae80', 'edafbf', 'edb080', 'edbe80', 'edbfbf'].map((digits) =>
    bad(`one surrogate: ${digits}`, digits),
  ),
  ...[
    'eda080edb080',
    'eda080edbfbf',
    'edadbfedb080',
    'edadbfedbfbf',
    'edae80edb080',
    'edae80edbfbf',
    'edafbfedb080',
    'edafbfedbfbf',
  ].map((digits) => bad(`two surrogates: ${digits}`, digits)),
];

// The server closes though the message, and even the frame, has not ended.
const early = (name, ...send) => ({ name, send, close: kBadPayload });
const kFailFast = [
  early('in a fragment that is not the last', text(hex(`${kKosme} f4908080`), { fin: false })),
  early(
    'in the second of three fragments',
    text(hex(kKosme), { fin: false }),
    cont(hex('f4908080'), { fin: false }),
  ),
  early('after three of four bytes', text(hex(`${kKosme} f49080`), { fin: false })),
  early('after two of four bytes', text(hex(`${kKosme} f490`), { fin: false })),
  early('in the midst of a frame', text(hex(`${kKosme} f4908080`), { length: 1000 })),
  early('within a code point in the midst of a frame', text(hex('eda0'), { length: 1000 })),
  early(
    'by the second byte, in a fragment of its own',
    ...fragments(hex('ed'), hex('a0'), '').slice(0, 2),
  ),
  { ...early('before connect', text(hex('ff'), { fin: false })), bare: true },
];

export const kUtf8Classes = {
  'UTF-8: valid': [...kValid, ...kNonCharacters],
  'UTF-8: invalid': [...kInvalid, ...kLonely, ...kImpossible, ...kOverlong, ...kSurrogates],
  'UTF-8: incomplete': [...kCutOff, ...kIncomplete],
  'UTF-8: found early': kFailFast,
};
