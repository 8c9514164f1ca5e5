// Clients that read nothing: each is closed at its limit, others are served as before, and the
// memory is given back.
//
// ACKWIRE_CLIENTS names another number of them.

import assert from 'node:assert/strict';
import test from 'node:test';
import { eventually } from '../support/eventually.mjs';
import { goodP99, mostUnharmed } from '../support/good_p99.mjs';
import { publish } from '../support/http.mjs';
import { metricsOf } from '../support/metrics.mjs';
import { residentMiB } from '../support/process.mjs';
import { RawWebSocket, text } from '../support/raw_web_socket.mjs';
import { withServer } from '../support/server.mjs';

const kReaders = Number(process.env.ACKWIRE_CLIENTS ?? 200);
const kOpenedAtOnce = 50;
const kPayload = 'x'.repeat(250_000);
const kMessages = 32; // more than a socket's buffers take
const kWaitMs = 60_000;
const kMemoryMiB = 64; // what a server may keep of what passed through it
const kClosed = 'ackwire_session_closes_total{code="4002"}';
const kSessions = 'ackwire_sessions{transport="websocket"}';

async function openStuck(server, n) {
  const socket = await RawWebSocket.open(server.http, { timeoutMs: kWaitMs });
  const subscriptions = [{ channel: 'stuck' }];
  const connect = { type: 'connect', client: `stuck/${n}`, subscriptions };
  await socket.write(text(JSON.stringify(connect)));
  await socket.waitFor(() => socket.frames.texts.length === 1, 'welcome');
  socket.socket.pause();
  return socket;
}

test('clients that read nothing are closed, and harm nobody', async (t) => {
  const server = await withServer(t, { flags: ['--write-stall', '2s'] });
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
  await eventually(given, `memory back to ${before} MiB and ${kMemoryMiB}`, kWaitMs);
  const after = await residentMiB(server);
  const [ms, msUsual] = [meanwhile, usual].map((each) => each.toFixed(1));
  const memory = [before, most, after].map((each) => each.toFixed(0)).join(', ');
  t.diagnostic(
    `${kReaders} closed 4002; p99 ${ms} ms, before ${msUsual} ms; memory before, meanwhile and ` +
      `after: ${memory} MiB`,
  );
  assert.ok(meanwhile <= mostUnharmed(usual), `p99 ${ms} ms, before ${msUsual} ms`);
});
