// A thread that attacks in one way, from an address of its own: it says so once all its connections
// are up, opens each again that the server ends, and goes on until it is told to stop and at least
// `ended` of them have come to their end; then it says what it saw. Asked for `open` it says how
// many were open at a time since it was asked last, in the mean: not those that connect just then.

import net from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { ServerFrames, closing, ping, text } from './raw_web_socket.mjs';

const { http, way, connections, from, channel, ended: endedMin = 0 } = workerData;
const [host, port] = http.split(':');
const kHost = `Host: ${http}\r\n`;
const kDripMs = 250;
const kFloodMs = 20;
const kPingsAtOnce = 50;
const kUpgrade =
  `GET /v1/ws HTTP/1.1\r\nHost: ${http}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
const kRead = `GET /v1/channels/${channel}/messages HTTP/1.1\r\nHost: ${http}\r\n\r\n`;
const kConnect = (n) => text(JSON.stringify({ type: 'connect', client: `attacker/${n}` }));
const kFlood = Buffer.concat(Array.from({ length: kPingsAtOnce }, () => ping('x')));

// How a connection begins, what it says then to the answer, and what again and again.
const kWays = {
  'slow header': { begin: `GET / HTTP/1.1\r\n${kHost}X: `, drip: 'x' },
  'slow body': {
    begin: `POST /v1/channels/x/messages HTTP/1.1\r\n${kHost}Content-Length: 99999\r\n\r\n`,
    drip: ' ',
  },
  // Who reads nothing sees by writing that the server has gone.
  'slow reading': { begin: kRead.repeat(4), drip: 'G', deaf: true },
  'slow frames': { begin: kUpgrade, then: () => Buffer.from([0x81, 0xfe, 0x40, 0x00]), drip: 'x' },
  'ping flood': { begin: kUpgrade, then: kConnect, drip: kFlood, everyMs: kFloodMs },
  'connect storm': { begin: '\r\n', brief: true },
  takeovers: { begin: kUpgrade, then: () => kConnect(0), closes: true },
};
const { begin, then, drip, deaf, everyMs = kDripMs, brief, closes } = kWays[way];
const sockets = new Set();
const dripping = new Set();
const connected = new Set();
const seen = { opened: 0, ended: 0 };
let counts = []; // of those connected, since the last question
let stopped = false;

// Answers the server's close frame, so that the connection ends as it should.
function answerClose(socket) {
  const frames = new ServerFrames();
  socket.on('data', (bytes) => {
    frames.push(bytes);
    if (frames.close) socket.end(closing(1000));
  });
}

function begun(socket, n) {
  socket.write(then(n), () => dripping.add(socket));
  if (closes) answerClose(socket);
}

function open(n) {
  const socket = net.connect({ host, port, localAddress: from, noDelay: true });
  sockets.add(socket);
  return new Promise((resolve) => {
    socket.once('connect', () => {
      seen.opened += 1;
      connected.add(socket);
      socket.write(begin);
      if (deaf) socket.pause();
      if (then) socket.once('data', () => begun(socket, n));
      else dripping.add(socket);
      if (brief) socket.end();
      if (!deaf) socket.resume();
      resolve();
    });
    socket.on('error', () => {});
    socket.once('close', () => {
      seen.ended += 1;
      if (enough()) whenEnough?.();
      for (const each of [sockets, connected, dripping]) each.delete(socket);
      resolve();
      if (!stopped) void open(n);
    });
  });
}

const timer = setInterval(() => {
  counts.push(connected.size);
  if (drip) for (const socket of dripping) socket.write(drip);
}, everyMs);

function tellOpen() {
  counts.push(connected.size);
  parentPort.postMessage(counts.reduce((sum, count) => sum + count, 0) / counts.length);
  counts = [];
}

const enough = () => seen.ended >= endedMin;
let whenEnough;
async function stop() {
  if (!enough()) await new Promise((resolve) => (whenEnough = resolve));
  stopped = true;
  clearInterval(timer);
  for (const socket of sockets) socket.destroy();
  parentPort.postMessage(seen);
  parentPort.close();
}

await Promise.all(Array.from({ length: connections }, (_, n) => open(n)));
counts = [];
parentPort.on('message', (word) => (word === 'open' ? tellOpen() : stop()));
parentPort.postMessage('up');
