// A server that keeps RFC 6455 but for the one fault it is given, to see that the driver finds it.
// It answers the first bytes after the upgrade, and then the second ones, whatever they are: the
// driver's ping and its close.

import { once } from 'node:events';
import net from 'node:net';
import { acceptOf, closing, frame, opcode } from '../raw_web_socket.mjs';

const plain = (code, payload, options) => frame(code, payload, { masked: false, ...options });
const kPong = plain(opcode.pong, 'and it goes on');
const kClose = closing(1000, '', { masked: false });

// {name, first, second, end, found}: the answers, how the connection ends, what the driver says.
const fault = (name, found, answers) => ({ name, found, ...answers });
const before = (name, found, ...frames) =>
  fault(name, found, { first: Buffer.concat([...frames, kPong]) });

export const kFaults = [
  fault('none', null, {}),
  before('a masked frame', /a masked frame/, frame(opcode.pong, '')),
  before('a reserved bit', /reserved bits 4/, plain(opcode.pong, '', { rsv: 4 })),
  before('a reserved opcode', /opcode 3/, plain(3, '')),
  before('text nobody asked for', /said \["x"\]/, plain(opcode.text, 'x')),
  before('text that is not UTF-8', /not UTF-8/, plain(opcode.text, Buffer.from([0xc0, 0xaf]))),
  before('a length too long by 16 bits', /longer form/, plain(opcode.text, 'x', { form: 16 })),
  before('a length too long by 64 bits', /longer form/, plain(opcode.text, 'x', { form: 64 })),
  before('a fragmented ping', /fragmented control/, plain(opcode.ping, '', { fin: false })),
  before('a ping of 126 bytes', /126 bytes/, plain(opcode.ping, 'x'.repeat(126))),
  before('a continuation of nothing', /continuation of nothing/, plain(opcode.cont, 'x')),
  before(
    'a message within a message',
    /within a message/,
    plain(opcode.text, 'x', { fin: false }),
    plain(opcode.text, 'x'),
  ),
  before('a pong too many', /ponged/, kPong),
  fault('another pong', /ponged/, { first: plain(opcode.pong, 'and it goes of') }),
  fault('no pong', /waited .* answers/, { first: Buffer.alloc(0) }),
  fault('another close code', /closed .*1001/, { second: closing(1001, '', { masked: false }) }),
  fault('a close code nobody may send', /nobody may send/, {
    second: closing(1005, '', { masked: false }),
  }),
  fault('a close frame of one byte', /one byte/, { second: plain(opcode.close, 'x') }),
  fault('a reason that is not UTF-8', /reason that is not UTF-8/, {
    second: closing(1000, Buffer.from([0xff]), { masked: false }),
  }),
  fault('a frame after the close', /after the close/, { second: Buffer.concat([kClose, kPong]) }),
  fault('half a frame after the close', /no whole frame/, {
    second: Buffer.concat([kClose, kPong.subarray(0, 5)]),
  }),
  fault('no close frame', /before a close frame/, { second: Buffer.alloc(0) }),
  fault('a connection left open', /waited .* the end/, { end: () => {} }),
];

// Promises {address, close}.
export async function startFaultyServer(faulty) {
  const { first = kPong, second = kClose, end = (socket) => socket.end() } = faulty;
  const sockets = new Set();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    const answers = [
      (request) => {
        const key = /^sec-websocket-key: *(\S+)/im.exec(request)[1];
        return (
          'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n' +
          `Sec-WebSocket-Accept: ${acceptOf(key)}\r\n\r\n`
        );
      },
      () => first,
      () => second,
    ];
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      const answer = answers.shift();
      if (!answer) return;
      socket.write(answer(bytes.toString('latin1')), () => {
        if (answers.length === 0) end(socket);
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${server.address().port}`,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
