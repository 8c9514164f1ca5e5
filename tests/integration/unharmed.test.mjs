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
import { serverForFile } from '../support/server.mjs';

const kAttacker = '127.0.0.2'; // the good client comes from 127.0.0.1
const kRounds = 200;
const kTimes = 2;
const kFloorMs = 25 * kSlowness; // less is the machine's, on which the attackers run too
const kFlooded = 'ackwire_limit_hits_total{limit="session_frame_rate"}';
const kStormed = 'ackwire_limit_hits_total{limit="connect_rate"}';

const server = await serverForFile({
  flags: ['--session-frame-rate', '100', '--connect-rate', '1500'],
});
const long = 'x'.repeat(100_000);
for (let n = 0; n < 2; n += 1) await publish(server, 'long', long);

function start(file, workerData) {
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
let clients = 0;
async function p99() {
  clients += 1;
  const worker = start('good_client.mjs', { channel: `good/${clients}`, rounds: kRounds });
  const [took] = await once(worker, 'message'); // an error of the worker's rejects this
  await worker.terminate();
  return took.sort((a, b) => a - b)[Math.floor(took.length * 0.99)];
}

const kWays = {
  'slow header': { connections: 500 },
  'slow body': { connections: 500 },
  'slow reading': { connections: 500 },
  'slow frames': { connections: 500 },
  'ping flood': { connections: 50 },
  'connect storm': { connections: 20 },
};

for (const [way, { connections }] of Object.entries(kWays))
  test(`a good client is unharmed by ${way} of ${connections} connections`, async (t) => {
    const usual = await p99();
    const attacker = start('attacker.mjs', { way, connections, from: kAttacker, channel: 'long' });
    await once(attacker, 'message');
    const attacked = await p99();
    const seen = await stop(attacker);
    const [before, under] = [usual, attacked].map((ms) => ms.toFixed(1));
    t.diagnostic(`${way}: p99 ${under} ms, before ${before} ms; ${JSON.stringify(seen)}`);
    assert.ok(seen.opened >= connections, JSON.stringify(seen));
    const most = Math.max(kFloorMs, kTimes * usual);
    assert.ok(attacked <= most, `p99 ${under} ms, before ${before} ms`);
  });

test('those who flood and storm were held back', async () => {
  const metrics = await metricsOf(server);
  for (const name of [kFlooded, kStormed]) assert.ok(metrics[name] > 0, `${name} ${metrics[name]}`);
});
