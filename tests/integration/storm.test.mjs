// Many connections end at once, each with a window in flight: everything is on record, what fails
// together in one journal record, and publishing goes on as if nothing was.
//
// ACKWIRE_CLIENTS names another number of clients.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import WebSocket from 'ws';
import { eventually, kSlowness } from '../support/eventually.mjs';
import { grpcClients } from '../support/grpc.mjs';
import { publishMany } from '../support/http.mjs';
import { withServer } from '../support/server.mjs';

const kClients = Number(process.env.ACKWIRE_CLIENTS ?? 2000);
const kInFlight = 100;
const kConnectedAtOnce = 100;
const kWaitMs = 120_000;
const kPublishMs = 50 * kSlowness; // at the 99th percentile
const kSlowDisk = 4; // or so much longer than before the storm, where the disk itself is slow
const kQuietPublishes = 200;
const kPlacesOfRecord = 2 ** 24; // a failure's id: its journal record, and its place in it

function connect(server, client, received) {
  const socket = new WebSocket(`ws://${server.http}/v1/ws`, ['ackwire.v1.json']);
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('open', () =>
      socket.send(
        JSON.stringify({ type: 'connect', client, subscriptions: [{ channel: 'storm' }] }),
      ),
    );
    socket.on('message', (data) => {
      const frame = JSON.parse(data.toString());
      if (frame.type === 'welcome') resolve(socket);
      if (frame.type === 'deliveries') received(frame.items.length);
    });
  });
}

async function connectAll(server, received) {
  const sockets = [];
  for (let from = 0; from < kClients; from += kConnectedAtOnce) {
    const some = Array.from({ length: Math.min(kConnectedAtOnce, kClients - from) }, (_, n) =>
      connect(server, `client/${from + n}`, received),
    );
    sockets.push(...(await Promise.all(some)));
  }
  return sockets;
}

// Publishes on a thread of its own, so that what this one is busy with is not measured. Promises a
// function that promises how long each took; without `count` it ends the publishing.
async function publishing(server, count) {
  const worker = new Worker(fileURLToPath(new URL('../support/publisher.mjs', import.meta.url)), {
    workerData: { http: server.http, channel: 'live', count },
  });
  await once(worker, 'message'); // the first is answered
  const ended = once(worker, 'message');
  return async () => {
    if (count === undefined) worker.postMessage('stop');
    const [took] = await ended;
    await worker.terminate();
    return took.sort((a, b) => a - b);
  };
}

const p99Of = (took) => took[Math.floor(took.length * 0.99)];

async function listed(rpc) {
  const found = [];
  let pageToken = '';
  do {
    const filter = { channel: 'storm', reasons: ['REASON_DISCONNECTED'] };
    const page = await rpc.deliveries.listFailures({ filter, pageSize: 1000, pageToken });
    found.push(...page.failures);
    pageToken = page.nextPageToken;
  } while (pageToken);
  return found;
}

test('a storm of disconnections is recorded whole, and slows no publisher', async (t) => {
  const server = await withServer(t, { flags: ['--ack-wait', '10m', '--window', '100'] });
  const rpc = grpcClients(server.grpc);
  t.after(() => rpc.close());
  let received = 0;
  const sockets = await connectAll(server, (items) => (received += items));
  await publishMany(server, 'storm', kInFlight);
  const total = kClients * kInFlight;
  await eventually(() => received === total, `${total} deliveries in flight`, kWaitMs);
  const quiet = p99Of(await (await publishing(server, kQuietPublishes))());
  const stop = await publishing(server);
  for (const socket of sockets) socket.terminate();
  const failures = await eventually(
    async () => {
      const all = await listed(rpc);
      return all.reduce((sum, each) => sum + each.lastSeq - each.firstSeq + 1, 0) === total && all;
    },
    'every delivery in flight to be on record',
    kWaitMs,
  );
  const took = await stop();
  assert.equal(new Set(failures.map((each) => each.client)).size, kClients);
  const records = new Set(failures.map((each) => Math.floor(each.id / kPlacesOfRecord))).size;
  assert.ok(records <= kClients, `${records} journal records`);
  const p99 = p99Of(took);
  const [usual, most, slowest] = [quiet, p99, took.at(-1)].map((ms) => ms.toFixed(1));
  t.diagnostic(
    `${total} deliveries of ${kClients} clients in ${records} journal records; publishing: ` +
      `${took.length} answers, p99 ${most} ms, the slowest ${slowest} ms; before: p99 ${usual} ms`,
  );
  assert.ok(p99 <= Math.max(kPublishMs, kSlowDisk * quiet), `p99 ${p99} ms, before ${quiet} ms`);
});
