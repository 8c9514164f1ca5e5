// An incident, from its beginning to its repair: real chat, many clients, of which a third refuses
// everything for a while and a tenth acknowledges nothing. Afterwards a replay delivers what was
// parked, and does exactly what its plan said; also to those who come back later.
//
// ACKWIRE_CHAT names another file of lines {"room","at","sender","text"}, ACKWIRE_CLIENTS another
// number of clients.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';
import { ackctl } from '../support/ackctl.mjs';
import { eventually } from '../support/eventually.mjs';
import { grpcClients } from '../support/grpc.mjs';
import { Recorder } from '../support/recorder.mjs';
import { withServer } from '../support/server.mjs';

const kChat =
  process.env.ACKWIRE_CHAT ??
  fileURLToPath(new URL('../../tools/demo/sample.jsonl', import.meta.url));
const kClients = Number(process.env.ACKWIRE_CLIENTS ?? 300);
const kNotes = Number(process.env.ACKWIRE_NOTES ?? 200);
const kSettleMs = 120_000;
const kFlags = ['--backoff', '20ms', '--max-attempts', '2', '--ack-wait', '700ms'];

// Acts on every delivery by its mood.
class Listener {
  constructor(server, client, mood) {
    Object.assign(this, { server, client, mood, replayed: 0 });
  }

  async connect() {
    const socket = new WebSocket(`ws://${this.server.http}/v1/ws`, ['ackwire.v1.json']);
    this.socket = socket;
    await new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.once('open', () => this.send({ type: 'connect', client: this.client }));
      socket.on('message', (data) => {
        const frame = JSON.parse(data.toString());
        if (frame.type === 'welcome') resolve();
        if (frame.type === 'ping') this.send({ type: 'pong' });
        if (frame.type === 'deliveries') this.received(frame.items);
      });
    });
    return this;
  }

  received(items) {
    const deliveries = items.map((item) => item.delivery);
    this.replayed += items.filter((item) => item.replay !== '').length;
    if (this.mood === 'well') this.send({ type: 'ack', deliveries });
    if (this.mood === 'refusing') this.send({ type: 'nack', deliveries, reason: 'out of memory' });
  }

  send(frame) {
    this.socket.send(JSON.stringify(frame));
  }

  async drop() {
    const closed = new Promise((resolve) => this.socket.once('close', resolve));
    this.socket.terminate();
    await closed;
  }
}

function sendersOf(path) {
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  return [...new Set(lines.map((line) => JSON.parse(line).sender))].slice(0, kClients);
}

const moodOf = (index) => (index % 3 === 0 ? 'refusing' : index % 10 === 1 ? 'silent' : 'well');

async function settled(rpc) {
  return eventually(
    async () => {
      const status = await rpc.admin.getStatus();
      return status.undeliveredOnline === 0 && status;
    },
    'everything that is owed to connected clients to be settled',
    kSettleMs,
  );
}

// Those of clients that are not well many times: most is to be asked of them.
async function subscriptionsOf(rpc, listeners) {
  const lists = await Promise.all(
    listeners.map(({ client }) => rpc.subscriptions.listSubscriptions({ client })),
  );
  const kTimes = 20;
  return lists.flatMap(({ subscriptions }, at) =>
    listeners[at].mood === 'well' ? subscriptions : Array(kTimes).fill(subscriptions).flat(),
  );
}

// The incident, over: what it parked, and everybody well.
async function incident(server, rpc, tool) {
  const listeners = sendersOf(kChat).map(
    (sender, index) => new Listener(server, sender, moodOf(index)),
  );
  // Whoever speaks in a room listens to it, from the first message on.
  const imported = await tool('import', kChat, '--subscribe-senders');
  assert.equal(imported.code, 0, imported.stderr);
  const recorder = new Recorder(rpc, await subscriptionsOf(rpc, listeners));
  recorder.start();
  await Promise.all(listeners.map((each) => each.connect()));
  await eventually(
    async () => (await rpc.admin.getStatus()).parked >= listeners.length / 3,
    'as many parked deliveries as there are clients that refuse',
    kSettleMs,
  );
  for (const each of listeners) each.mood = 'well';
  const { parked } = await settled(rpc);
  return { listeners, parked, recorder };
}

const skippedOf = (replay) => replay.skipped.reduce((sum, each) => sum + each.count, 0);

async function replayed(rpc, tool, { listeners, away }) {
  const { json: plan } = await tool('-o', 'json', 'replay', 'plan', '--failed');
  assert.equal(plan.offlineClients > 0, away.length > 0);
  const started = await tool('-o', 'json', 'replay', 'start', plan.plan, '--wait');
  assert.equal(started.code, 0, started.stderr);
  let replay = started.json;
  if (away.length > 0) {
    assert.equal(replay.state, 'waiting');
    assert.equal(replay.acked + replay.waitingOffline, plan.deliveries);
    await Promise.all(away.map((each) => each.connect()));
    replay = await eventually(async () => {
      const { json } = await tool('-o', 'json', 'replay', 'show', replay.id);
      return json.state === 'done' && json;
    }, 'the replay to be done');
  }
  assert.deepEqual(
    [replay.state, replay.total, replay.acked, replay.failed, skippedOf(replay)],
    ['done', plan.deliveries, plan.deliveries, 0, 0],
  );
  const sent = listeners.reduce((sum, each) => sum + each.replayed, 0);
  assert.equal(sent, plan.deliveries, 'each was sent once');
  assert.equal(listeners.filter((each) => each.replayed > 0).length, plan.clients);
  assert.equal((await rpc.admin.getStatus()).parked, 0);
  return plan;
}

async function run(t, { someAway }) {
  const server = await withServer(t, { flags: kFlags });
  const rpc = grpcClients(server.grpc);
  t.after(() => rpc.close());
  const tool = (...words) => ackctl('--server', server.grpc, ...words);
  const { listeners, parked, recorder } = await incident(server, rpc, tool);
  const words = ['failures', '--open', '--reason', 'max_attempts', '--limit', 100_000];
  const { json: list } = await tool('-o', 'json', ...words);
  const nameOf = (failure) => [failure.client, failure.channel, failure.firstSeq].join();
  const named = new Set(list.failures.map(nameOf));
  assert.equal(named.size, parked, 'each parked delivery is listed as out of attempts');
  const away = listeners.filter((_, index) => someAway && index % 10 === 0);
  await Promise.all(away.map((each) => each.drop()));
  await eventually(
    async () => (await rpc.admin.getStatus()).sessions === listeners.length - away.length,
    'the server to notice who is gone',
  );
  const plan = await replayed(rpc, tool, { listeners, away });
  assert.equal(plan.deliveries, parked, 'the plan is all that is parked');
  await recorder.stop(kNotes);
  const unsettled = await recorder.check();
  assert.ok(unsettled > 0, 'some were asked about while they were not settled');
  t.diagnostic(
    `${listeners.length} clients; planned, and done: ${plan.deliveries} deliveries of ` +
      `${plan.messages} messages to ${plan.clients} clients, ${plan.offlineClients} offline; ` +
      `${recorder.notes.length} of ${recorder.asked} answers noted meanwhile, ${unsettled} of ` +
      `deliveries that were not settled: the past is told as it was noted`,
  );
  await Promise.all(listeners.map((each) => each.drop()));
}

test('an incident is repaired by a replay that does what its plan said', (t) =>
  run(t, { someAway: false }));

test('those who are away then get theirs when they come back', (t) => run(t, { someAway: true }));
