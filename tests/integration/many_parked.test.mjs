// Very many deliveries are parked: what is asked about them is answered soon, a replay of all of
// them leaves live traffic alone, and goes on after a kill.
//
// ACKWIRE_PARKED names another number of deliveries.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { eventually, kSlowness } from '../support/eventually.mjs';
import { grpcClients } from '../support/grpc.mjs';
import { publishMany } from '../support/http.mjs';
import { residentMiB } from '../support/process.mjs';
import { withServer } from '../support/server.mjs';

const kParked = Number(process.env.ACKWIRE_PARKED ?? 20_000);
const kClients = kParked < 100_000 ? 100 : 500;
const kMessages = kParked / kClients;
const kRate = Math.min(5000, kParked / 20); // deliveries a second; not over before the kill
const kPlanMs = 2000 * kSlowness;
const kPageMs = 50 * kSlowness;
const kLiveRatio = 1.5;
const kLiveMs = 8000;
const kWaitMs = 3_600_000;

const worker = (name, workerData) =>
  new Worker(fileURLToPath(new URL(`../support/${name}.mjs`, import.meta.url)), { workerData });
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function timed(ask) {
  const from = performance.now();
  const answer = await ask();
  return [answer, performance.now() - from];
}

// The same, and the longest that others who need the read pool wait meanwhile.
async function timedBeside(rpc, ask) {
  let over = false;
  const asked = timed(ask).finally(() => {
    over = true;
  });
  let longest = 0;
  while (!over) {
    const [, ms] = await timed(() => rpc.admin.getStatus({}));
    longest = Math.max(longest, ms);
    await sleep(10);
  }
  return [...(await asked), longest];
}

async function crowdOf(server, well) {
  const where = { http: server.http, channel: 'backlog', clients: kClients };
  const crowd = worker('crowd', { ...where, well });
  await once(crowd, 'message');
  return crowd;
}

// The 99th percentile of what live traffic takes meanwhile.
async function liveP99(server, ms) {
  const live = worker('live', { http: server.http, channel: 'live', everyMs: 2 });
  await sleep(ms);
  live.postMessage('stop');
  const [took] = await once(live, 'message');
  took.sort((a, b) => a - b);
  return took[Math.floor(took.length * 0.99)];
}

test('a million parked deliveries are seen, and replayed beside live traffic', async (t) => {
  const server = await withServer(t, { flags: ['--ack-wait', '10m'] });
  let rpc = grpcClients(server.grpc);
  t.after(() => rpc.close());
  const parked = async () => (await rpc.admin.getStatus({})).parked;
  const say = (what) => t.diagnostic(what);

  const began = { seconds: Math.floor(Date.now() / 1000) };
  let crowd = await crowdOf(server, false);
  const [, published] = await timed(() => publishMany(server, 'backlog', kMessages));
  const [, parking] = await timed(() =>
    eventually(async () => (await parked()) === kParked, `${kParked} parked`, kWaitMs),
  );
  say(
    `${kParked} parked (${kClients} clients, ${kMessages} messages), published in ` +
      `${(published / 1000).toFixed(1)} s, parked ${(parking / 1000).toFixed(1)} s later; ` +
      `${(await residentMiB(server)).toFixed(0)} MiB`,
  );
  const before = await liveP99(server, kLiveMs);

  const selection = { failed: { channel: 'backlog' } };
  const [plan, planMs] = await timed(() =>
    rpc.admin.planReplay({ selection, ratePerSecond: kRate }),
  );
  assert.equal(plan.deliveries, kParked);
  const numbers = ({ plan: _, expiresAt, estimated, ...rest }) => rest;
  const searches = { since: { since: began }, reasons: { reasons: ['REASON_REJECTED'] } };
  for (const [by, filter] of Object.entries(searches)) {
    const [found, ms, longest] = await timedBeside(rpc, () =>
      rpc.admin.planReplay({ selection: { failed: { channel: 'backlog', ...filter } } }),
    );
    say(`plan by ${by} ${ms.toFixed(0)} ms; others waited at most ${longest.toFixed(0)} ms`);
    assert.deepEqual(numbers(found), numbers(plan), `by ${by}`);
  }
  const [, pageMs] = await timed(() => rpc.deliveries.listFailures({}));
  const [, ofOneMs] = await timed(() =>
    rpc.deliveries.listFailures({ filter: { client: 'crowd/7' } }),
  );
  say(
    `plan by channel ${planMs.toFixed(0)} ms; first page of all failures ` +
      `${pageMs.toFixed(0)} ms, of a client's ${ofOneMs.toFixed(0)} ms`,
  );

  crowd.postMessage('well');
  const { id } = await rpc.admin.startReplay({ plan: plan.plan, note: 'many' });
  const progress = () => rpc.admin.getReplay({ id });
  const started = await progress();
  const [meanwhile, liveMs] = await timed(() => liveP99(server, kLiveMs));
  const after = await progress();
  const rate = ((after.acked - started.acked) / liveMs) * 1000;
  say(
    `replaying ${rate.toFixed(0)} a second; live traffic published to confirmed, p99 ` +
      `${before.toFixed(1)} ms before, ${meanwhile.toFixed(1)} ms meanwhile; ` +
      `${(await residentMiB(server)).toFixed(0)} MiB`,
  );

  await server.kill();
  await server.launch();
  rpc.close();
  rpc = grpcClients(server.grpc);
  const goneOn = await progress();
  assert.ok(goneOn.acked > 0 || after.acked === 0, 'what was acknowledged stays so');
  crowd.postMessage('leave');
  crowd = await crowdOf(server, true);
  await eventually(async () => (await progress()).state.endsWith('DONE'), 'its end', kWaitMs);
  const done = await progress();
  say(`killed with ${goneOn.acked} acknowledged, and gone on with: ${done.acked} of ${kParked}`);
  crowd.postMessage('leave');
  assert.deepEqual([done.acked, done.failed, done.skipped], [kParked, 0, []]);
  assert.equal(await parked(), 0);
  assert.ok(planMs <= kPlanMs, `planned in ${planMs} ms`);
  assert.ok(pageMs <= kPageMs && ofOneMs <= kPageMs, `pages in ${pageMs} and ${ofOneMs} ms`);
  if (kParked < 1_000_000) return; // for a machine that does nothing else
  assert.ok(meanwhile <= before * kLiveRatio, `live p99 ${before}, ${meanwhile}`);
});
