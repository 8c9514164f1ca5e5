// Under attack a good client is served as before: a round of publishing, delivery and
// acknowledgement takes at most twice the time at the 99th percentile.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { goodP99, mostUnharmed } from '../support/good_p99.mjs';
import { publish } from '../support/http.mjs';
import { metricsOf } from '../support/metrics.mjs';
import { withServer } from '../support/server.mjs';

const kAttacker = '127.0.0.2'; // the good client comes from 127.0.0.1
const kTries = 3;
const kOpenMin = 0.9; // of the connections, in the mean of a try
const kLongMessages = 2; // so many of 100 KB are what is read slowly

// What each attack is, how many connections it ends at least, whether they are to stay open all the
// while, and the limit that holds it back, where it is not time.
const kWays = {
  'slow header': { connections: 500, stays: true },
  'slow body': { connections: 500, stays: true },
  'slow reading': { connections: 500, stays: true },
  'slow frames': { connections: 500, stays: true },
  'ping flood': {
    connections: 50,
    flags: ['--session-frame-rate', '100'],
    limits: ['session_frame_rate', 'session_errors'],
  },
  'connect storm': { connections: 20, flags: ['--connect-rate', '50'], limits: ['connect_rate'] },
  takeovers: { connections: 20, ended: 5000 }, // one client again and again
};

function start(server, workerData) {
  const path = fileURLToPath(new URL('../support/attacker.mjs', import.meta.url));
  return new Worker(path, { workerData: { http: server.http, ...workerData } });
}

async function ask(attacker, word) {
  const said = once(attacker, 'message');
  attacker.postMessage(word);
  const [answer] = await said;
  return answer;
}

for (const [way, attack] of Object.entries(kWays)) {
  const { connections, ended = 0, stays = false, flags = [], limits = [] } = attack;
  test(`a good client is unharmed by ${way} of ${connections} connections`, async (t) => {
    const server = await withServer(t, { flags });
    for (let n = 0; n < kLongMessages; n += 1) await publish(server, 'long', 'x'.repeat(100_000));
    const usual = await goodP99(server, 'good/before');
    const attacker = start(server, { way, connections, ended, from: kAttacker, channel: 'long' });
    t.after(() => attacker.terminate());
    await once(attacker, 'message');
    let attacked;
    // What an attack does lasts as long as it does; what the machine does is over the next time.
    for (let n = 0; n < kTries && !(attacked <= mostUnharmed(usual)); n += 1) {
      attacked = await goodP99(server, `good/meanwhile-${n}`);
      const open = await ask(attacker, 'open');
      if (stays) assert.ok(open >= kOpenMin * connections, `${open} connections were open`);
    }
    const seen = await ask(attacker, 'stop');
    const [before, under] = [usual, attacked].map((ms) => ms.toFixed(1));
    t.diagnostic(`${way}: p99 ${under} ms, before ${before} ms; ${JSON.stringify(seen)}`);
    assert.ok(seen.opened >= connections && seen.ended >= ended, JSON.stringify(seen));
    assert.ok(attacked <= mostUnharmed(usual), `p99 ${under} ms, before ${before} ms`);
    const metrics = await metricsOf(server);
    for (const limit of limits) {
      const hits = metrics[`ackwire_limit_hits_total{limit="${limit}"}`];
      assert.ok(hits > 0, `${limit} was met ${hits} times`);
    }
  });
}
