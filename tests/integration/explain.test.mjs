// Why does this client have, or not have, this message? Each state and reason, brought about.

import assert from 'node:assert/strict';
import test, { after, afterEach } from 'node:test';
import { Client, dropAll } from '../support/client.mjs';
import { grpcClients, toMs } from '../support/grpc.mjs';
import { publish, publishMany } from '../support/http.mjs';
import { serverForFile } from '../support/server.mjs';
import { explained, offline } from '../support/state.mjs';

const server = await serverForFile({ flags: ['--backoff', '100ms', '--max-attempts', '2'] });
const rpc = grpcClients(server.grpc);
after(() => rpc.close());
afterEach(dropAll);

const kNear = 60_000;
const near = (timestamp) =>
  assert.ok(Math.abs(toMs(timestamp) - Date.now()) < kNear, JSON.stringify(timestamp));

async function is(client, channel, seq, state, reason) {
  const delivery = await explained(rpc, client, channel, seq, state, reason);
  assert.deepEqual([delivery.client, delivery.channel, delivery.seq], [client, channel, seq]);
  assert.match(delivery.explanation, /\S+ \S+/, 'a sentence for a person');
  return delivery;
}

// A client that is subscribed to a channel of its name, with `count` messages delivered.
async function delivered(client, count, fields = {}) {
  const connected = await Client.connect(server, {
    client,
    subscriptions: [{ channel: client }],
    ...fields,
  });
  await publishMany(server, client, count);
  return [connected, await connected.collect(Math.min(count, fields.window ?? count))];
}

test('not owed: no such message', async () => {
  await rpc.subscriptions.subscribe({ client: 'none', channel: 'none' });
  await is('none', 'none', 1, 'NOT_OWED', 'NO_SUCH_MESSAGE');
  await is('none', 'no-such-channel', 1, 'NOT_OWED', 'NO_SUCH_MESSAGE');
  const byId = await rpc.deliveries.explainDelivery({
    client: 'none',
    channel: 'none',
    messageId: 'nothing',
  });
  assert.deepEqual(
    [byId.state, byId.reason],
    ['DELIVERY_STATE_NOT_OWED', 'REASON_NO_SUCH_MESSAGE'],
  );
});

test('not owed: no subscription', async () => {
  await publish(server, 'unsubscribed', 1);
  await is('stranger', 'unsubscribed', 1, 'NOT_OWED', 'NO_SUBSCRIPTION');
});

test('not owed: published before the subscription began', async () => {
  await publishMany(server, 'before', 2);
  await rpc.subscriptions.subscribe({ client: 'before', channel: 'before' });
  await is('before', 'before', 2, 'NOT_OWED', 'BEFORE_SUBSCRIPTION');
  await publish(server, 'before', 3);
  await is('before', 'before', 3, 'PENDING');
});

test('pending: the client is offline', async () => {
  await rpc.subscriptions.subscribe({ client: 'offline', channel: 'offline' });
  const { publishedAt, messageId } = await publish(server, 'offline', 1);
  const delivery = await is('offline', 'offline', 1, 'PENDING', 'CLIENT_OFFLINE');
  assert.equal(toMs(delivery.publishedAt), Date.parse(publishedAt));
  assert.deepEqual(
    [delivery.attempts, delivery.attemptsMax, delivery.messageId, delivery.settledAt],
    [[], 2, messageId, null],
  );
});

test('pending: the window is full', async () => {
  await delivered('full', 3, { window: 2 });
  await is('full', 'full', 2, 'IN_FLIGHT');
  const delivery = await is('full', 'full', 3, 'PENDING', 'WINDOW_FULL');
  assert.deepEqual(delivery.attempts, []);
});

test('pending: waiting for an earlier message, which is named', async () => {
  const [client, items] = await delivered('waiting', 3);
  client.nack(items[1], { delayMs: kNear });
  const delivery = await is('waiting', 'waiting', 3, 'PENDING', 'WAITING_FOR_EARLIER');
  assert.equal(delivery.blockedBySeq, 2);
  assert.deepEqual(
    delivery.attempts.map((one) => one.reason),
    ['REASON_RECALLED'],
  );
  await publish(server, 'waiting', 4);
  assert.equal(
    (await is('waiting', 'waiting', 4, 'PENDING', 'WAITING_FOR_EARLIER')).blockedBySeq,
    2,
  );
});

test('in flight: with the attempt, its session, transport and address', async () => {
  const [client] = await delivered('flying', 1);
  const delivery = await is('flying', 'flying', 1, 'IN_FLIGHT');
  assert.equal(delivery.attempts.length, 1);
  const [attempt] = delivery.attempts;
  assert.deepEqual(
    [attempt.number, attempt.session, attempt.transport, attempt.reason, attempt.endedAt],
    [1, client.welcome.session, 'websocket', 'REASON_UNSPECIFIED', null],
  );
  assert.match(attempt.remoteAddress, /^127\.0\.0\.1\b/);
  near(attempt.sentAt);
});

test('backoff: with the failed attempt and when the next one comes', async () => {
  const [client, [item]] = await delivered('backoff', 1);
  client.nack(item, { delayMs: kNear, reason: 'database away' });
  const delivery = await is('backoff', 'backoff', 1, 'BACKOFF', 'NACK');
  const wait = toMs(delivery.nextAttemptAt) - toMs(delivery.attempts[0].endedAt);
  assert.ok(wait >= kNear - 5 && wait < kNear + 5_000, `next attempt ${wait} ms after the nack`);
  const [{ number, session, reason, detail }] = delivery.attempts;
  assert.deepEqual(
    [number, session, reason, detail],
    [1, client.welcome.session, 'REASON_NACK', 'database away'],
  );
  assert.equal(delivery.attemptsMax, 2);
});

test('acked: with when, and in which session', async () => {
  const [client, items] = await delivered('acked', 2);
  await client.confirmUpTo(items[1]);
  const delivery = await is('acked', 'acked', 1, 'ACKED');
  near(delivery.settledAt);
  assert.equal(delivery.nextAttemptAt, null);
  const last = delivery.attempts.at(-1);
  assert.deepEqual(
    [last.number, last.session, last.reason],
    [1, client.welcome.session, 'REASON_UNSPECIFIED'],
  );
});

test('acked after a failure tells the whole story', async () => {
  const [client, [item]] = await delivered('story', 1);
  client.nack(item, { reason: 'first time' });
  await client.confirm(await client.nextDelivery());
  const delivery = await is('story', 'story', 1, 'ACKED');
  assert.deepEqual(
    delivery.attempts.map((one) => [one.number, one.reason, one.detail]),
    [
      [1, 'REASON_NACK', 'first time'],
      [2, 'REASON_UNSPECIFIED', ''],
    ],
  );
});

test('parked: out of attempts', async () => {
  const [client, [first]] = await delivered('parked', 1);
  client.nack(first, { reason: 'one' });
  client.nack(await client.nextDelivery(), { reason: 'two' });
  const delivery = await is('parked', 'parked', 1, 'PARKED', 'MAX_ATTEMPTS');
  near(delivery.settledAt);
  assert.deepEqual(
    delivery.attempts.map((one) => [one.number, one.reason, one.detail]),
    [
      [1, 'REASON_NACK', 'one'],
      [2, 'REASON_NACK', 'two'],
    ],
  );
  assert.equal(delivery.nextAttemptAt, null);
});

test('parked: rejected by a final nack, with the client’s own words', async () => {
  const [client, [item]] = await delivered('rejected', 1);
  client.nack(item, { final: true, reason: 'kein Kunde „x“' });
  const delivery = await is('rejected', 'rejected', 1, 'PARKED', 'REJECTED');
  assert.deepEqual(
    delivery.attempts.map((one) => [one.number, one.reason, one.detail]),
    [[1, 'REASON_REJECTED', 'kein Kunde „x“']],
  );
});

test('abandoned: unsubscribed; what comes after is not owed', async () => {
  await rpc.subscriptions.subscribe({ client: 'gone', channel: 'gone' });
  await publishMany(server, 'gone', 2);
  await rpc.subscriptions.unsubscribe({ client: 'gone', channel: 'gone' });
  await publish(server, 'gone', 3);
  near((await is('gone', 'gone', 1, 'ABANDONED', 'UNSUBSCRIBED')).settledAt);
  await is('gone', 'gone', 2, 'ABANDONED', 'UNSUBSCRIBED');
  await is('gone', 'gone', 3, 'NOT_OWED', 'NO_SUBSCRIPTION');
});

test('abandoned: expired', async () => {
  await rpc.subscriptions.subscribe({ client: 'expired', channel: 'expired' });
  await publish(server, 'expired', 1, { ttlMs: 20 });
  await is('expired', 'expired', 1, 'ABANDONED', 'EXPIRED');
  const client = await Client.connect(server, { client: 'expired' });
  await publish(server, 'expired', 2);
  assert.equal((await client.nextDelivery()).message.seq, 2);
  await is('expired', 'expired', 1, 'ABANDONED', 'EXPIRED');
});

test('an attempt that a lost connection ended has the reason and the close code', async () => {
  const [client] = await delivered('lost', 1);
  await client.drop();
  await offline(rpc, 'lost');
  const delivery = await is('lost', 'lost', 1, 'PENDING', 'CLIENT_OFFLINE');
  assert.deepEqual(
    delivery.attempts.map((one) => [one.number, one.session, one.reason]),
    [[1, client.welcome.session, 'REASON_DISCONNECTED']],
  );
  assert.match(delivery.attempts[0].detail, /1006/);
  near(delivery.attempts[0].endedAt);
});

test('by message id the answer is the same as by seq', async () => {
  await rpc.subscriptions.subscribe({ client: 'by-id', channel: 'by-id' });
  await publish(server, 'by-id', 1, { messageId: 'the-id' });
  const bySeq = await is('by-id', 'by-id', 1, 'PENDING', 'CLIENT_OFFLINE');
  assert.deepEqual(
    await rpc.deliveries.explainDelivery({
      client: 'by-id',
      channel: 'by-id',
      messageId: 'the-id',
    }),
    bySeq,
  );
});

test('the story is the same after a restart', async () => {
  const tell = async () =>
    Promise.all(
      [
        ['story', 'ACKED'],
        ['parked', 'PARKED'],
        ['rejected', 'PARKED'],
        ['gone', 'ABANDONED'],
      ].map(async ([name, state]) => {
        const { explanation, ...delivery } = await is(name, name, 1, state);
        return delivery;
      }),
    );
  const before = await tell();
  await server.restart();
  rpc.moveTo(server.grpc);
  assert.deepEqual(await tell(), before);
});
