// Clients that read nothing: each is closed at its limit, others are served as before, and the
// memory is given back; and what is told from them: who has gone, and who reads slowly.
//
// ACKWIRE_CLIENTS names another number of them.

import assert from 'node:assert/strict';
import net from 'node:net';
import test from 'node:test';
import { eventually, kSlowness, within } from '../support/eventually.mjs';
import { goodP99, mostUnharmed } from '../support/good_p99.mjs';
import { publish, split } from '../support/http.mjs';
import { metricsOf } from '../support/metrics.mjs';
import { residentMiB, socketsOf } from '../support/process.mjs';
import { RawWebSocket, ServerFrames, text } from '../support/raw_web_socket.mjs';
import { withServer } from '../support/server.mjs';

const kReaders = Number(process.env.ACKWIRE_CLIENTS ?? 200);
const kOpenedAtOnce = 50;
const kPayload = 'x'.repeat(250_000);
const kMessages = 32; // more than a socket's buffers take
const kWaitMs = 60_000;
const kMemoryMiB = 64; // what a server may keep of what passed through it
const kClosed = 'ackwire_session_closes_total{code="4002"}';
const kSessions = 'ackwire_sessions{transport="websocket"}';

const kStallMs = 2000;
const kStall = ['--write-stall', `${kStallMs}ms`];
const connectFrame = (client) =>
  text(JSON.stringify({ type: 'connect', client, subscriptions: [{ channel: 'stuck' }] }));

async function openStuck(server, n) {
  const socket = await RawWebSocket.open(server.http, { timeoutMs: kWaitMs });
  await socket.write(connectFrame(`stuck/${n}`));
  await socket.waitFor(() => socket.frames.texts.length === 1, 'welcome');
  socket.socket.pause();
  return socket;
}

test('clients that read nothing are closed, and harm nobody', async (t) => {
  const server = await withServer(t, { flags: kStall });
  for (let n = 0; n < kMessages; n += 1) await publish(server, 'warm-up', kPayload);
  const usual = await goodP99(server, 'good/before');
  const before = await residentMiB(server);
  const sockets = [];
  for (let from = 0; from < kReaders; from += kOpenedAtOnce) {
    const some = Array.from({ length: Math.min(kOpenedAtOnce, kReaders - from) }, (_, n) =>
      openStuck(server, from + n),
    );
    sockets.push(...(await Promise.all(some)));
  }
  t.after(() => sockets.forEach((socket) => socket.discard()));
  for (let n = 0; n < kMessages; n += 1) await publish(server, 'stuck', kPayload);
  const meanwhile = await goodP99(server, 'good/meanwhile');
  const most = await residentMiB(server);
  const closed = async () => (await metricsOf(server))[kClosed] === kReaders;
  await eventually(closed, `${kReaders} closes 4002`, kWaitMs);
  await eventually(async () => (await metricsOf(server))[kSessions] === 0, 'no session', kWaitMs);
  const given = async () => (await residentMiB(server)) < before + kMemoryMiB;
  // Under a sanitizer what was freed stays for a while.
  const back = `memory back to ${before} MiB and ${kMemoryMiB}`;
  if (kSlowness === 1) await eventually(given, back, kWaitMs);
  const after = await residentMiB(server);
  const [ms, msUsual] = [meanwhile, usual].map((each) => each.toFixed(1));
  const memory = [before, most, after].map((each) => each.toFixed(0)).join(', ');
  t.diagnostic(
    `${kReaders} closed 4002; p99 ${ms} ms, before ${msUsual} ms; memory before, meanwhile and ` +
      `after: ${memory} MiB`,
  );
  assert.ok(meanwhile <= mostUnharmed(usual), `p99 ${ms} ms, before ${msUsual} ms`);
});

async function openStuckStream(server) {
  const [host, port] = split(server.http);
  const socket = net.connect({ host, port, allowHalfOpen: true }).on('error', () => {});
  socket.write(`GET /v1/sse?client=half&channels=stuck HTTP/1.1\r\nHost: ${server.http}\r\n\r\n`);
  const begun = new Promise((resolve) => {
    let got = '';
    socket.setEncoding('latin1').on('data', (part) => {
      got += part;
      if (got.includes('"welcome"')) resolve();
    });
  });
  await within(kWaitMs, begun, () => 'the welcome of a stream');
  return socket.pause();
}

const kHalves = {
  'an event stream': openStuckStream,
  'a WebSocket': async (server) => (await openStuck(server, 'half')).socket,
};

for (const [what, open] of Object.entries(kHalves))
  test(`${what} whose reader ends its side and reads nothing is let go`, async (t) => {
    const server = await withServer(t, { flags: kStall });
    const before = await socketsOf(server);
    const socket = await open(server);
    t.after(() => socket.destroy());
    for (let n = 0; n < kMessages; n += 1) await publish(server, 'stuck', kPayload);
    assert.ok((await socketsOf(server)) > before);
    socket.end();
    const letGo = async () => (await socketsOf(server)) <= before;
    await eventually(letGo, `${before} sockets again`, 2 * kStallMs);
  });

// Three seconds are more than the kernel takes to see room again, and less than a frame takes.
const kSlowBytes = 8 * 1024;
const kSlowEveryMs = 100;
const kSlowStallMs = 3000;
const kSlowMs = 3 * kSlowStallMs;
const kSlowMessages = 12;
const kSlowPayload = '"'.repeat(250_000); // each is two bytes in a frame

// A WebSocket that takes so many bytes every so often, until it is told to take all.
class SlowReader {
  constructor(address, client) {
    const [host, port] = split(address);
    this.frames = new ServerFrames();
    this.slow = true;
    this.ended = false;
    let head = Buffer.alloc(0); // of the answer to the upgrade
    const callback = (size, buffer) => {
      const bytes = Buffer.from(buffer.subarray(0, size));
      if (head === null) this.frames.push(bytes);
      else {
        head = Buffer.concat([head, bytes]);
        const end = head.indexOf('\r\n\r\n');
        if (end >= 0) {
          this.socket.write(connectFrame(client));
          this.frames.push(head.subarray(end + 4));
          head = null;
        }
      }
      return !this.slow; // false: no more is read until it resumes
    };
    const onread = { buffer: Buffer.alloc(kSlowBytes), callback };
    this.socket = net.connect({ host, port, onread });
    this.socket.on('error', () => {}).once('close', () => (this.ended = true));
    this.socket.write(
      `GET /v1/ws HTTP/1.1\r\nHost: ${address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    this.timer = setInterval(() => this.socket.resume(), kSlowEveryMs);
  }

  texts(type) {
    return this.frames.texts.filter((each) => each.startsWith(`{"type":"${type}"`));
  }

  discard() {
    clearInterval(this.timer);
    this.socket.destroy();
  }
}

test('who reads slowly, but always, is not closed', async (t) => {
  const server = await withServer(t, { flags: ['--write-stall', `${kSlowStallMs}ms`] });
  const reader = new SlowReader(server.http, 'snail');
  t.after(() => reader.discard());
  await eventually(() => reader.texts('welcome').length === 1, 'the welcome');
  for (let n = 0; n < kSlowMessages; n += 1)
    await publish(server, 'stuck', kSlowPayload, { contentType: 'text/plain' });
  const until = performance.now() + kSlowMs;
  const slowly = () => reader.ended || performance.now() > until;
  await eventually(slowly, `${kSlowMs} ms of slow reading`, 2 * kSlowMs);
  assert.equal((await metricsOf(server))[kClosed] ?? 0, 0, 'it is not closed 4002');
  assert.ok(!reader.ended);
  reader.slow = false;
  const items = () => reader.texts('deliveries').flatMap((each) => JSON.parse(each).items);
  await eventually(() => items().length === kSlowMessages, 'all of it to arrive', kWaitMs);
});
