// What fails is delivered again, in its place, and parked in the end. `patient` gives clients all
// the time they want, so that deliveries fail by nacks only; `hasty` has a short ack-wait; `late`
// has one too, and retries much later.

import assert from 'node:assert/strict';
import test, { after, afterEach } from 'node:test';
import { Client, dropAll } from '../support/client.mjs';
import { grpcClients, toMs } from '../support/grpc.mjs';
import { publish, publishMany } from '../support/http.mjs';
import { serverForFile } from '../support/server.mjs';
import { explained, floorReaches } from '../support/state.mjs';

const kAckWaitMs = 500;
const kBackoffMs = [100, 200];
const kClockMs = 2; // what rounding to milliseconds may take off

const retrying = ['--backoff', kBackoffMs.map((ms) => `${ms}ms`).join(), '--max-attempts', '3'];
const patient = await serverForFile({ flags: retrying });
const hasty = await serverForFile({ flags: [...retrying, '--ack-wait', `${kAckWaitMs}ms`] });
const late = await serverForFile({ flags: ['--ack-wait', '200ms', '--backoff', '30s'] });
const rpc = grpcClients(patient.grpc);
const hastyRpc = grpcClients(hasty.grpc);
const lateRpc = grpcClients(late.grpc);
after(() => [rpc, hastyRpc, lateRpc].forEach((one) => one.close()));
afterEach(dropAll);

const seqs = (items) => items.map((item) => item.message.seq);

// A client that is subscribed to the channels, with `count` messages in each, all delivered.
async function delivered(server, client, count, channels = [client], fields = {}) {
  const connected = await Client.connect(server, {
    client,
    subscriptions: channels.map((channel) => ({ channel })),
    ...fields,
  });
  for (const channel of channels) await publishMany(server, channel, count);
  return [connected, await connected.collect(count * channels.length)];
}

test('after a nack and the backoff attempt 2 comes under a new number', async () => {
  const [client, [item]] = await delivered(patient, 'nack', 1);
  const start = performance.now();
  client.nack(item, { reason: 'handler threw' });
  const again = await client.nextDelivery();
  const took = performance.now() - start;
  assert.deepEqual([again.message.seq, again.attempt, again.delivery], [1, 2, 2]);
  assert.ok(took >= kBackoffMs[0] * 0.8 - kClockMs, `came after ${took} ms`);
  const { attempts } = await rpc.deliveries.explainDelivery({
    client: 'nack',
    channel: 'nack',
    seq: 1,
  });
  assert.deepEqual(
    attempts.map((one) => [one.number, one.reason, one.detail]),
    [
      [1, 'REASON_NACK', 'handler threw'],
      [2, 'REASON_UNSPECIFIED', ''],
    ],
  );
});

test('a nack with delayMs waits so long if that is longer than the backoff', async () => {
  const [client, [item]] = await delivered(patient, 'delay', 1);
  const start = performance.now();
  client.nack(item, { delayMs: 700 });
  const again = await client.nextDelivery();
  const took = performance.now() - start;
  assert.equal(again.attempt, 2);
  assert.ok(took >= 700 - kClockMs, `came after ${took} ms`);
  const second = performance.now();
  client.nack(again, { delayMs: 1 });
  assert.equal((await client.nextDelivery()).attempt, 3);
  assert.ok(performance.now() - second >= kBackoffMs[1] * 0.8 - kClockMs);
});

test('a nack recalls the later ones of the channel; they come after it, in order', async () => {
  const [client, items] = await delivered(patient, 'recall', 4);
  client.nack(items[1]);
  const again = await client.nextDelivery();
  assert.deepEqual([again.message.seq, again.attempt], [2, 2]);
  await client.barrier();
  assert.deepEqual(seqs(client.untaken), [], 'nothing comes before the failed one is settled');
  const waiting = await explained(rpc, 'recall', 'recall', 3, 'PENDING', 'WAITING_FOR_EARLIER');
  assert.equal(waiting.blockedBySeq, 2);
  assert.deepEqual(
    waiting.attempts.map((one) => [one.number, one.reason]),
    [[1, 'REASON_RECALLED']],
  );
  await explained(rpc, 'recall', 'recall', 1, 'IN_FLIGHT');
  client.ack(again);
  const rest = await client.collect(2);
  assert.deepEqual(
    rest.map((item) => [item.message.seq, item.attempt]),
    [
      [3, 2],
      [4, 2],
    ],
  );
  await client.confirmUpTo(rest[1]);
  await floorReaches(rpc, 'recall', 'recall', 4);
});

test('what is published behind a failing delivery waits for it too', async () => {
  const [client, [item]] = await delivered(patient, 'behind', 1);
  client.nack(item, { delayMs: 1500 });
  await explained(rpc, 'behind', 'behind', 1, 'BACKOFF', 'NACK');
  await publish(patient, 'behind', 2);
  const waiting = await explained(rpc, 'behind', 'behind', 2, 'PENDING', 'WAITING_FOR_EARLIER');
  assert.equal(waiting.blockedBySeq, 1);
  const again = await client.nextDelivery();
  assert.equal(again.message.seq, 1);
  client.ack(again);
  assert.deepEqual(seqs(await client.collect(1)), [2]);
});

test('upTo leaves out what was nacked and what the nack recalled', async () => {
  const [client, items] = await delivered(patient, 'skip', 4);
  client.nack(items[1], { delayMs: 200 });
  await client.confirmUpTo(items[3]);
  await explained(rpc, 'skip', 'skip', 1, 'ACKED');
  const [second] = await client.collect(1);
  assert.deepEqual([second.message.seq, second.attempt], [2, 2]);
  await client.confirmUpTo(second);
  assert.deepEqual(
    (await client.collect(2)).map((item) => [item.message.seq, item.attempt]),
    [
      [3, 2],
      [4, 2],
    ],
  );
});

test('what was acknowledged behind a nacked delivery does not come again', async () => {
  const [client, items] = await delivered(patient, 'acked-behind', 4);
  await client.confirm(items[2]);
  client.nack(items[1]);
  const again = await client.nextDelivery();
  assert.equal(again.message.seq, 2);
  client.ack(items[0], again);
  const last = await client.nextDelivery();
  assert.equal(last.message.seq, 4);
  await client.confirm(last);
  await floorReaches(rpc, 'acked-behind', 'acked-behind', 4);
  assert.equal(client.untaken.length, 0);
});

test('other channels are not held up', async () => {
  const [client, items] = await delivered(patient, 'held', 1, ['held/a', 'held/b']);
  client.nack(
    items.find((item) => item.message.channel === 'held/a'),
    { delayMs: 60_000 },
  );
  await explained(rpc, 'held', 'held/a', 1, 'BACKOFF');
  await publishMany(patient, 'held/b', 5);
  const flowing = await client.collect(5);
  assert.ok(flowing.every((item) => item.message.channel === 'held/b'));
  assert.deepEqual(seqs(flowing), [2, 3, 4, 5, 6]);
});

test('a final nack parks at once, and the rest flows', async () => {
  const [client, items] = await delivered(patient, 'final', 3);
  client.nack(items[0], { final: true, reason: 'no such customer' });
  assert.deepEqual(
    (await client.collect(2)).map((item) => [item.message.seq, item.attempt]),
    [
      [2, 2],
      [3, 2],
    ],
  );
  const parked = await explained(rpc, 'final', 'final', 1, 'PARKED', 'REJECTED');
  assert.deepEqual(
    parked.attempts.map((one) => [one.number, one.reason, one.detail]),
    [[1, 'REASON_REJECTED', 'no such customer']],
  );
  const {
    subscriptions: [{ parked: count }],
  } = await rpc.subscriptions.listSubscriptions({ client: 'final', channel: 'final' });
  assert.equal(count, 1);
});

test('after max-attempts nacks a delivery is parked, and the rest flows', async () => {
  const [client, [first, second]] = await delivered(patient, 'attempts', 2);
  assert.equal(second.message.seq, 2);
  let item = first;
  for (let attempt = 1; attempt <= 3; ++attempt) {
    assert.deepEqual([item.message.seq, item.attempt], [1, attempt]);
    client.nack(item, { reason: `failure ${attempt}` });
    item = await client.nextDelivery();
  }
  assert.equal(item.message.seq, 2);
  const parked = await explained(rpc, 'attempts', 'attempts', 1, 'PARKED', 'MAX_ATTEMPTS');
  assert.deepEqual(
    parked.attempts.map((one) => one.detail),
    ['failure 1', 'failure 2', 'failure 3'],
  );
  await client.confirm(item);
  await floorReaches(rpc, 'attempts', 'attempts', 2);
});

test('recalled attempts are not counted towards max-attempts', async () => {
  const [client, [first]] = await delivered(patient, 'uncounted', 2);
  let item = first;
  for (let attempt = 1; attempt <= 3; ++attempt) {
    client.nack(item);
    item = await client.nextDelivery();
  }
  for (let failures = 1; failures <= 3; ++failures) {
    assert.equal(item.message.seq, 2, `failure ${failures} of the second`);
    await explained(rpc, 'uncounted', 'uncounted', 2, 'IN_FLIGHT');
    client.nack(item);
    if (failures < 3) item = await client.nextDelivery();
  }
  await explained(rpc, 'uncounted', 'uncounted', 2, 'PARKED', 'MAX_ATTEMPTS');
});

test('without an ack, attempt 2 of the same seq comes after ack-wait and backoff', async () => {
  const [client, [first]] = await delivered(hasty, 'timeout', 1);
  const second = await client.nextDelivery();
  assert.deepEqual([second.message.channel, second.message.seq, second.attempt], ['timeout', 1, 2]);
  assert.notEqual(second.delivery, first.delivery);
  assert.deepEqual(second.message, first.message);
  const { attempts } = await hastyRpc.deliveries.explainDelivery({
    client: 'timeout',
    channel: 'timeout',
    seq: 1,
  });
  assert.equal(attempts[0].reason, 'REASON_ACK_TIMEOUT');
  const waited = toMs(attempts[0].endedAt) - toMs(attempts[0].sentAt);
  assert.ok(waited >= kAckWaitMs - kClockMs, `the attempt ended after ${waited} ms`);
  const backoff = toMs(attempts[1].sentAt) - toMs(attempts[0].endedAt);
  assert.ok(backoff >= kBackoffMs[0] * 0.8 - kClockMs, `the next came ${backoff} ms later`);
  client.ack(second);
});

test('what is never acknowledged is parked, one after the other in order', async () => {
  await hastyRpc.subscriptions.subscribe({ client: 'never', channel: 'never' });
  await publishMany(hasty, 'never', 3);
  const client = await Client.connect(hasty, { client: 'never' });
  await explained(hastyRpc, 'never', 'never', 3, 'PARKED', 'MAX_ATTEMPTS', 30_000);
  await client.barrier();
  assert.deepEqual(
    client.untaken.map((item) => [item.message.seq, item.attempt]),
    [
      [1, 1],
      [2, 1],
      [3, 1], // 1 fails, 2 and 3 are recalled
      [1, 2],
      [1, 3], // and parked
      [2, 2],
      [3, 2], // 2 fails, 3 is recalled
      [2, 3],
      [2, 4],
      [3, 3],
      [3, 4],
      [3, 5],
    ],
  );
  for (const seq of [1, 2]) {
    const { attempts } = await explained(hastyRpc, 'never', 'never', seq, 'PARKED', 'MAX_ATTEMPTS');
    assert.equal(attempts.filter((one) => one.reason === 'REASON_ACK_TIMEOUT').length, 3);
    assert.equal(attempts.filter((one) => one.reason === 'REASON_RECALLED').length, seq - 1);
  }
});

test('working starts the deadline anew', async () => {
  const [client, [item]] = await delivered(hasty, 'working', 1);
  const [other, [untouched]] = await delivered(hasty, 'not-working', 1);
  client.working(item);
  // As long as the other one needs for two attempts, this one stays in its first.
  const keep = setInterval(() => client.working(item), kAckWaitMs / 6);
  try {
    const second = await other.nextDelivery();
    assert.deepEqual([second.attempt, untouched.attempt], [2, 1]);
    assert.equal((await other.nextDelivery()).attempt, 3);
  } finally {
    clearInterval(keep);
  }
  const { state, attempts } = await hastyRpc.deliveries.explainDelivery({
    client: 'working',
    channel: 'working',
    seq: 1,
  });
  assert.deepEqual([state, attempts.length], ['DELIVERY_STATE_IN_FLIGHT', 1]);
  assert.equal((await client.nextDelivery()).attempt, 2, 'and without it the deadline passes');
});

test('a batch refused message by message is not sent again with each refusal', async () => {
  const count = 60;
  const [client, items] = await delivered(patient, 'one-by-one', count);
  // It drops nothing, though it should: it also refuses whatever comes again meanwhile.
  const refuse = (item) => client.nack(item, { reason: 'cannot read this', final: true });
  items.forEach(refuse);
  await publish(patient, 'one-by-one', count + 1);
  let item = await client.nextDelivery();
  for (; item.message.seq <= count; item = await client.nextDelivery()) refuse(item);
  assert.equal(item.message.seq, count + 1);
  // A thread that had to wait for its turn may have sent them once more, not once a refusal.
  assert.ok(item.delivery <= 3 * count, `${item.delivery} deliveries for ${count + 1} messages`);
  await client.confirm(item);
  assert.equal((await rpc.deliveries.getClient({ client: 'one-by-one' })).parked, count);
});

test('a late acknowledgement settles too and cancels the retry', async () => {
  const [client, [first]] = await delivered(late, 'late', 1);
  await explained(lateRpc, 'late', 'late', 1, 'BACKOFF', 'ACK_TIMEOUT');
  await client.confirm(first);
  const acked = await explained(lateRpc, 'late', 'late', 1, 'ACKED');
  assert.equal(acked.nextAttemptAt, null);
  await publish(late, 'late', 2);
  const next = await client.nextDelivery();
  assert.deepEqual([next.message.seq, next.attempt], [2, 1]);
  await client.confirm(next);
  await floorReaches(lateRpc, 'late', 'late', 2);
});

test('a late upTo settles what timed out and what the timeout recalled', async () => {
  const [client, items] = await delivered(late, 'late-up-to', 3);
  await explained(lateRpc, 'late-up-to', 'late-up-to', 1, 'BACKOFF', 'ACK_TIMEOUT');
  await explained(lateRpc, 'late-up-to', 'late-up-to', 3, 'PENDING', 'WAITING_FOR_EARLIER');
  await client.confirmUpTo(items[2]);
  await floorReaches(lateRpc, 'late-up-to', 'late-up-to', 3);
});
