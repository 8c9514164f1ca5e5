// How it was at an earlier time: `at`, by gRPC and by ackctl.

import assert from 'node:assert/strict';
import test, { after, afterEach } from 'node:test';
import { ackctl } from '../support/ackctl.mjs';
import { Client, dropAll } from '../support/client.mjs';
import { grpcClients, toMs, toTimestamp } from '../support/grpc.mjs';
import { publish, publishMany } from '../support/http.mjs';
import { aMoment } from '../support/moment.mjs';
import { serverForFile } from '../support/server.mjs';
import { explained, offline } from '../support/state.mjs';

const server = await serverForFile({ flags: ['--backoff', '100ms', '--max-attempts', '2'] });
const rpc = grpcClients(server.grpc);
after(() => rpc.close());
afterEach(dropAll);

const kNear = 60_000;
const iso = (ms) => new Date(ms).toISOString();

async function then(client, channel, seq, at, state, reason = 'UNSPECIFIED') {
  const delivery = await rpc.deliveries.explainDelivery({
    client,
    channel,
    seq,
    at: toTimestamp(at),
  });
  assert.deepEqual(
    [delivery.state, delivery.reason],
    [`DELIVERY_STATE_${state}`, `REASON_${reason}`],
    delivery.explanation,
  );
  assert.ok(delivery.explanation.startsWith(`At ${iso(at)}: `), delivery.explanation);
  return delivery;
}

// What explain says, at a moment that is returned with it: the moment's notes of a recorder.
async function note(client, channel, seq, state, reason) {
  const now = await explained(rpc, client, channel, seq, state, reason);
  return { at: await aMoment(), now };
}

async function same({ at, now }) {
  const delivery = await rpc.deliveries.explainDelivery({
    client: now.client,
    channel: now.channel,
    seq: now.seq,
    at: toTimestamp(at),
  });
  assert.deepEqual(
    { ...delivery, explanation: '' },
    { ...now, explanation: '' },
    `${now.explanation} | ${delivery.explanation}`,
  );
  assert.equal(delivery.explanation, `At ${iso(at)}: ${now.explanation}`);
}

test('each state of a life, asked for when it is over', async () => {
  const beginning = await aMoment();
  await publish(server, 'life', 'before');
  const unowed = await note('life', 'life', 1, 'NOT_OWED', 'NO_SUBSCRIPTION');
  await rpc.subscriptions.subscribe({ client: 'life', channel: 'life' });
  const early = await note('life', 'life', 1, 'NOT_OWED', 'BEFORE_SUBSCRIPTION');
  const notPublished = await note('life', 'life', 2, 'NOT_OWED', 'NO_SUCH_MESSAGE');
  await publishMany(server, 'life', 4);
  const away = await note('life', 'life', 2, 'PENDING', 'CLIENT_OFFLINE');
  const client = await Client.connect(server, { client: 'life', window: 2 });
  const [second, third] = await client.collect(2);
  const inFlight = await note('life', 'life', 2, 'IN_FLIGHT');
  const full = await note('life', 'life', 4, 'PENDING', 'WINDOW_FULL');
  client.nack(second, { delayMs: kNear, reason: 'not now' });
  const backoff = await note('life', 'life', 2, 'BACKOFF', 'NACK');
  const behind = await note('life', 'life', 3, 'PENDING', 'WAITING_FOR_EARLIER');
  client.nack(second, { final: true, reason: 'never' });
  const parked = await note('life', 'life', 2, 'PARKED', 'REJECTED');
  await client.confirm(await client.nextDelivery((item) => item.message.seq === third.message.seq));
  const acked = await note('life', 'life', 3, 'ACKED');
  await client.unsubscribe('life');
  const ended = await note('life', 'life', 5, 'ABANDONED', 'UNSUBSCRIBED');
  await client.close();
  await offline(rpc, 'life');

  const notes = [unowed, early, notPublished, away, inFlight, full, backoff, behind, parked];
  for (const each of [...notes, acked, ended]) await same(each);
  // What ended the attempts came later.
  await then('life', 'life', 4, acked.at, 'IN_FLIGHT');
  await then('life', 'life', 1, beginning, 'NOT_OWED', 'NO_SUCH_MESSAGE');
});

test('what is in flight still was in flight then', async () => {
  const client = await Client.connect(server, {
    client: 'still',
    subscriptions: [{ channel: 'still' }],
  });
  const before = await aMoment();
  await publish(server, 'still', 1);
  await client.nextDelivery();
  const sent = await note('still', 'still', 1, 'IN_FLIGHT');
  await same(sent);
  await then('still', 'still', 1, before, 'NOT_OWED', 'NO_SUCH_MESSAGE');
  const was = await rpc.deliveries.getClient({ client: 'still', at: toTimestamp(sent.at) });
  assert.deepEqual(
    [was.online, was.undelivered, was.session.id, was.session.inFlight, was.session.sent],
    [true, 1, client.welcome.session, 1, 1],
  );
});

test('a client as it was: offline, online, owed', async () => {
  await rpc.subscriptions.subscribe({ client: 'was', channel: 'was' });
  await publishMany(server, 'was', 3);
  const away = await aMoment();
  const client = await Client.connect(server, { client: 'was' });
  const items = await client.collect(3);
  await client.confirm(items[0]);
  const here = await aMoment();
  await client.confirmUpTo(items[2]);
  await client.close();
  await offline(rpc, 'was');
  const gone = await aMoment();
  const shown = async (at) => {
    const was = await rpc.deliveries.getClient({ client: 'was', at: toTimestamp(at) });
    return [was.online, was.subscriptions, was.undelivered, was.session?.inFlight ?? null];
  };
  assert.deepEqual(await shown(away), [false, 1, 3, null]);
  assert.deepEqual(await shown(here), [true, 1, 2, 2]);
  assert.deepEqual(await shown(gone), [false, 1, 0, null]);
});

test('a time in the future is refused, and one before the log is said to be', async () => {
  await publish(server, 'times', 1);
  const future = { at: toTimestamp(Date.now() + kNear), client: 'times' };
  const refused = { code: 3, details: /^at: .* is in the future/ };
  await assert.rejects(
    rpc.deliveries.explainDelivery({ ...future, channel: 'times', seq: 1 }),
    refused,
  );
  await assert.rejects(rpc.deliveries.getClient(future), refused);
  const long = Date.parse('2001-02-03T04:05:06.789Z');
  const delivery = await then('times', 'times', 1, long, 'NOT_OWED', 'NO_SUCH_MESSAGE');
  assert.match(delivery.explanation, /nothing is on record yet: the log begins at 20/);
  await assert.rejects(rpc.deliveries.getClient({ client: 'times', at: toTimestamp(long) }), {
    code: 5,
    details: /neither subscribed nor connected at 2001-.*; nothing is on record before 20/,
  });
});

test('ackctl tells it, and takes times as they are written', async () => {
  await rpc.subscriptions.subscribe({ client: 'told', channel: 'told' });
  const { messageId } = await publish(server, 'told', 1);
  const pending = await aMoment();
  const client = await Client.connect(server, { client: 'told' });
  await client.confirm(await client.nextDelivery());
  const ctl = (...words) => ackctl('--server', server.grpc, ...words);
  const told = await ctl('explain', 'told', 'told', '--id', messageId, '--at', iso(pending));
  assert.equal(told.code, 0, told.stderr);
  assert.match(told.stdout, new RegExp(`^At ${iso(pending)}: told has not acknowledged seq 1`));
  const json = await ctl('-o', 'json', 'explain', 'told', 'told', 1, '--at', iso(pending));
  assert.deepEqual([json.json.state, json.json.reason], ['pending', 'client_offline']);
  const was = await ctl('-o', 'json', 'client', 'told', '--at', iso(pending));
  assert.deepEqual([was.json.online, was.json.undelivered], [false, 1]);
  const relative = await ctl('explain', 'told', 'told', 1, '--at', '-15m');
  assert.equal(relative.code, 0, relative.stderr);
  assert.match(relative.stdout, /nothing is on record yet|there is no/);
  const now = await ctl('-o', 'json', 'explain', 'told', 'told', 1);
  assert.equal(now.json.state, 'acked');
  assert.equal(toMs(toTimestamp(pending)), pending);
});
