// Under attack a good client is served as before: a round of publishing, delivery and
// acknowledgement takes at most twice the time at the 99th percentile.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { kSlowness } from '../support/eventually.mjs';
import { publish } from '../support/http.mjs';
import { metricsOf } from '../support/metrics.mjs';
import { withServer } from '../support/server.mjs';

const kAttacker = '127.0.0.2'; // the good client comes from 127.0.0.1
const kRounds = 200;
const kTimes = 2;
const kTries = 3;
const kFloorMs = 25 * kSlowness; // less is the machine's, on which the attackers run too
const kLongMessages = 2; // so many of 100 KB are what is read slowly

// What each attack is, how many connections it ends at least, and the limit that holds it back,
// where it is not time.
const kWays = {
  'slow header': { connections: 500 },
  'slow body': { connections: 500 },
  'slow reading': { connections: 500 },
  'slow frames': { connections: 500 },
  'ping flood': {
    connections: 50,
    flags: ['--session-frame-rate', '100'],
    limits: ['session_frame_rate', 'session_errors'],
  },
  'connect storm': { connections: 20, flags: ['--connect-rate', '50'], limits: ['connect_rate'] },
  takeovers: { connections: 20, ended: 5000 }, // one client again and again
};

function start(server, file, workerData) {
  const path = fileURLToPath(new URL(`../support/${file}`, import.meta.url));
  return new Worker(path, { workerData: { http: server.http, ...workerData } });
}

async function stop(worker) {
  const said = once(worker, 'message');
  worker.postMessage('stop');
  const [last] = await said;
  await worker.terminate();
  return last;
}

// The 99th percentile of so many rounds of a good client.
async function p99(server, channel) {
  const worker = start(server, 'good_client.mjs', { channel, rounds: kRounds });
  const [took] = await once(worker, 'message'); // an error of the worker's rejects this
  await worker.terminate();
  return took.sort((a, b) => a - b)[Math.floor(took.length * 0.99)];
}

for (const [way, { connections, ended = 0, flags = [], limits = [] }] of Object.entries(kWays))
  test(`a good client is unharmed by ${way} of ${connections} connections`, async (t) => {
    const server = await withServer(t, { flags });
    for (let n = 0; n < kLongMessages; n += 1) await publish(server, 'long', 'x'.repeat(100_000));
    const usual = await p99(server, 'good/before');
    const attack = { way, connections, ended, from: kAttacker, channel: 'long' };
    const attacker = start(server, 'attacker.mjs', attack);
    await once(attacker, 'message');
    const most = Math.max(kFloorMs, kTimes * usual);
    let attacked = await p99(server, 'good/meanwhile');
    // What an attack does lasts as long as it does; what the machine does is over the next time.
    for (let again = 1; attacked > most && again < kTries; again += 1) {
      attacked = await p99(server, `good/meanwhile/${again}`);
    }
    const seen = await stop(attacker);
    const [before, under] = [usual, attacked].map((ms) => ms.toFixed(1));
    t.diagnostic(`${way}: p99 ${under} ms, before ${before} ms; ${JSON.stringify(seen)}`);
    assert.ok(seen.opened >= connections && seen.ended >= ended, JSON.stringify(seen));
    assert.ok(attacked <= most, `p99 ${under} ms, before ${before} ms`);
    const metrics = await metricsOf(server);
    for (const limit of limits) {
      const hits = metrics[`ackwire_limit_hits_total{limit="${limit}"}`];
      assert.ok(hits > 0, `${limit} was met ${hits} times`);
    }
  });
