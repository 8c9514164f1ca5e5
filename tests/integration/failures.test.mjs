// Deliveries that failed: listed by everything they can be listed by, watched live, and shown by
// ackctl; what is told of them agrees with explain and with the metrics.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import test, { after, afterEach } from 'node:test';
import { ackctl, kProgram } from '../support/ackctl.mjs';
import { Client, dropAll } from '../support/client.mjs';
import { kSlowness, within } from '../support/eventually.mjs';
import { answers, grpcClients, readAll, status, toMs } from '../support/grpc.mjs';
import { publish, publishMany, request } from '../support/http.mjs';
import { serverForFile } from '../support/server.mjs';
import { explained, offline } from '../support/state.mjs';

const kAckWait = `${300 * kSlowness}ms`;
const server = await serverForFile({
  flags: ['--backoff', '50ms', '--max-attempts', '2', '--ack-wait', kAckWait],
});
let rpc = grpcClients(server.grpc);
after(() => rpc.close());
afterEach(dropAll);

const kFar = 60_000;

// A client that is subscribed to a channel of its name, with `count` messages delivered.
async function delivered(client, count) {
  const connected = await Client.connect(server, { client, subscriptions: [{ channel: client }] });
  await publishMany(server, client, count);
  return [connected, await connected.collect(count)];
}

async function list(filter, fields = {}) {
  const { failures } = await rpc.deliveries.listFailures({ filter, oldestFirst: true, ...fields });
  return failures;
}

const short = (failure) => {
  const seqs = [failure.firstSeq, failure.lastSeq];
  const now = failure.now.map((each) => `${each.count} ${each.state.slice(15)}`).join(', ');
  return `${failure.reason.slice(7)} ${seqs.join('-')} attempt ${failure.attempt}: ${now}`;
};

const lines = async (filter, fields) => (await list(filter, fields)).map(short);

async function failuresTotal(reason) {
  const { body } = await request(server.admin, { path: '/metrics' });
  const line = body
    .split('\n')
    .find((each) => each.startsWith(`ackwire_delivery_failures_total{reason="${reason}"}`));
  return Number(line?.split(' ').at(-1) ?? 0);
}

test('a nack, with the client’s words, its session and when', async () => {
  const [client, [first]] = await delivered('nack', 2);
  client.nack(first, { delayMs: kFar, reason: 'database away' });
  await explained(rpc, 'nack', 'nack', 1, 'BACKOFF', 'NACK');
  const [failure, recalled] = await list({ client: 'nack' });
  assert.equal(short(failure), 'NACK 1-1 attempt 1: 1 BACKOFF');
  assert.equal(short(recalled), 'RECALLED 2-2 attempt 1: 1 PENDING');
  assert.deepEqual(
    [failure.client, failure.channel, failure.detail, failure.session],
    ['nack', 'nack', 'database away', client.welcome.session],
  );
  assert.ok(Math.abs(toMs(failure.at) - Date.now()) < kFar);
  assert.ok(failure.id < recalled.id);
});

test('what has become of the deliveries since: retried, acknowledged, parked', async () => {
  const [client, items] = await delivered('since', 3);
  client.nack(items.slice(0, 1), { reason: 'once' });
  await client.confirm(await client.nextDelivery((item) => item.message.seq === 1));
  const second = await client.nextDelivery((item) => item.message.seq === 2);
  client.nack(second, { final: true, reason: 'never' });
  await explained(rpc, 'since', 'since', 2, 'PARKED', 'REJECTED');
  assert.deepEqual((await lines({ client: 'since' })).slice(0, 3), [
    'NACK 1-1 attempt 1: 1 ACKED',
    'RECALLED 2-3 attempt 1: 1 PENDING, 1 PARKED',
    'REJECTED 2-2 attempt 2: 1 PARKED',
  ]);
  assert.deepEqual(await lines({ client: 'since', reasons: ['REASON_REJECTED'], openOnly: true }), [
    'REJECTED 2-2 attempt 2: 1 PARKED',
  ]);
  assert.deepEqual(await lines({ client: 'since', reasons: ['REASON_NACK'], openOnly: true }), []);
});

test('each reason is listed, counted by the metric, and what explain says', async () => {
  const before = {};
  const reasons = ['ack_timeout', 'max_attempts', 'disconnected', 'expired', 'unsubscribed'];
  for (const reason of reasons) before[reason] = await failuresTotal(reason);

  const [silent] = await delivered('silent', 1);
  await explained(rpc, 'silent', 'silent', 1, 'PARKED', 'MAX_ATTEMPTS');
  assert.deepEqual(await lines({ client: 'silent' }), [
    'ACK_TIMEOUT 1-1 attempt 1: 1 PARKED',
    'ACK_TIMEOUT 1-1 attempt 2: 1 PARKED',
    'MAX_ATTEMPTS 1-1 attempt 2: 1 PARKED',
  ]);
  await silent.close();

  const [lost] = await delivered('lost', 4);
  await lost.drop();
  await offline(rpc, 'lost');
  await explained(rpc, 'lost', 'lost', 4, 'PENDING', 'CLIENT_OFFLINE');
  assert.deepEqual(await lines({ client: 'lost', reasons: ['REASON_DISCONNECTED'] }), [
    'DISCONNECTED 1-4 attempt 1: 4 PENDING',
  ]);

  await rpc.subscriptions.subscribe({ client: 'late', channel: 'late' });
  await publish(server, 'late', 1, { ttlMs: 1 });
  await publish(server, 'late', 2);
  const late = await Client.connect(server, { client: 'late' });
  await late.confirm(await late.nextDelivery());
  await explained(rpc, 'late', 'late', 1, 'ABANDONED', 'EXPIRED');
  assert.deepEqual(await lines({ client: 'late' }), ['EXPIRED 1-1 attempt 0: 1 ABANDONED']);

  await rpc.subscriptions.subscribe({ client: 'gone', channel: 'gone' });
  await publishMany(server, 'gone', 3);
  await rpc.subscriptions.unsubscribe({ client: 'gone', channel: 'gone' });
  await explained(rpc, 'gone', 'gone', 3, 'ABANDONED', 'UNSUBSCRIBED');
  assert.deepEqual(await lines({ client: 'gone' }), ['UNSUBSCRIBED 1-3 attempt 0: 3 ABANDONED']);

  const counted = {};
  for (const reason of reasons) counted[reason] = (await failuresTotal(reason)) - before[reason];
  assert.deepEqual(counted, {
    ack_timeout: 2,
    max_attempts: 1,
    disconnected: 4,
    expired: 1,
    unsubscribed: 3,
  });
});

test('what fails together is one failure for each channel', async () => {
  const channels = ['both/a', 'both/b'];
  const client = await Client.connect(server, {
    client: 'both',
    subscriptions: channels.map((channel) => ({ channel })),
  });
  for (let n = 0; n < 10; ++n) await publish(server, channels[n % 2], n);
  await client.collect(10);
  await client.drop();
  await offline(rpc, 'both');
  await explained(rpc, 'both', 'both/b', 5, 'PENDING', 'CLIENT_OFFLINE');
  assert.deepEqual(
    (await list({ client: 'both' })).map((each) => [each.channel, short(each)]),
    channels.map((channel) => [channel, 'DISCONNECTED 1-5 attempt 1: 5 PENDING']),
  );
});

test('by channel, prefix, message id, reason and time; in pages from both ends', async () => {
  for (const name of ['by/a', 'by/b']) {
    const [client, [item]] = await delivered(name, 1);
    client.nack(item, { delayMs: kFar });
    await explained(rpc, name, name, 1, 'BACKOFF');
  }
  const [message] = await readAll(rpc.messages, { channel: 'by/b' });
  assert.equal((await list({ channel: 'by/a' })).length, 1);
  assert.equal((await list({ channel: 'by/*' })).length, 2);
  const byId = await list({ channel: 'by/b', messageId: message.messageId });
  assert.deepEqual(
    byId.map((each) => each.client),
    ['by/b'],
  );
  assert.deepEqual(await list({ channel: 'by/b', messageId: 'no such id' }), []);
  const [first] = byId;
  assert.deepEqual(await list({ channel: 'by/*', since: first.at, until: first.at }), []);
  assert.deepEqual((await list({ channel: 'by/*', since: first.at })).at(-1), first);

  const all = await list({}, { pageSize: 1000 });
  assert.ok(all.length >= 10);
  for (const oldestFirst of [true, false]) {
    const paged = [];
    let pageToken = '';
    do {
      const page = await rpc.deliveries.listFailures({ oldestFirst, pageSize: 3, pageToken });
      paged.push(...page.failures);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    assert.deepEqual(
      paged.map((each) => each.id),
      (oldestFirst ? all : [...all].reverse()).map((each) => each.id),
    );
  }
});

test('what cannot be asked is refused, by the name of what is wrong', async () => {
  const refused = async (filter, pattern, fields) =>
    assert.rejects(list(filter, fields), (error) => {
      assert.equal(error.code, status.INVALID_ARGUMENT);
      assert.match(error.details, pattern);
      return true;
    });
  await refused({ client: 'a b' }, /^client: /);
  await refused({ channel: 'a b' }, /^channel: /);
  await refused({ messageId: 'm' }, /^message_id: give the message's channel/);
  await refused({ channel: 'by/*', messageId: 'm' }, /^message_id: /);
  await refused({ reasons: [99] }, /^reasons: 99 is no reason/);
  await refused({ since: { seconds: 300_000_000_000 } }, /^since: is no time/);
  await refused({}, /^page_token: /, { pageToken: 'nonsense' });
  const { epoch } = await rpc.admin.getStatus({});
  const beyond = rpc.deliveries.watchFailures({ afterId: 2 ** 60 });
  await assert.rejects(answers(beyond), (error) => {
    assert.equal(error.code, status.OUT_OF_RANGE);
    assert.match(error.details, /^after_id: nothing of this log/);
    assert.ok(error.details.includes(epoch));
    return true;
  });
});

test('watched live, and from an id on without a gap, also over a restart', async () => {
  const seen = [];
  const stream = rpc.deliveries.watchFailures({ filter: { client: 'watched' } });
  stream.on('error', () => {});
  const arrived = new Promise((resolve) => {
    stream.on('data', (failure) => {
      seen.push(failure);
      if (seen.length === 2) resolve();
    });
  });
  await new Promise((resolve) => stream.once('metadata', resolve)); // from here on
  const [client, items] = await delivered('watched', 2);
  client.nack(items[1], { delayMs: kFar, reason: 'live' });
  client.nack(items[0], { delayMs: kFar, reason: 'live' });
  await within(10_000, arrived, () => `two failures; there were ${JSON.stringify(seen)}`);
  stream.cancel();
  const all = await list({ client: 'watched' });
  assert.deepEqual(
    seen.map((each) => each.id),
    all.slice(0, 2).map((each) => each.id),
  );
  await server.restart();
  rpc.close();
  rpc = grpcClients(server.grpc);
  const behind = [];
  const again = rpc.deliveries.watchFailures({ filter: { client: 'watched' }, afterId: all[0].id });
  again.on('error', () => {});
  for await (const failure of again) {
    behind.push(failure.id);
    if (behind.length === all.length - 1) break;
  }
  assert.deepEqual(
    behind,
    all.slice(1).map((each) => each.id),
  );
});

test('ackctl failures: a table, JSON, and lines as they come', async () => {
  const at = ['--server', server.grpc];
  const [client, [item]] = await delivered('shown', 1);
  const follower = spawn(kProgram, [...at, 'failures', '--follow', '--client', 'shown']);
  const printed = createInterface({ input: follower.stdout })[Symbol.asyncIterator]();
  assert.match((await printed.next()).value, /^TIME +CLIENT +CHANNEL +SEQS  ATTEMPT  REASON/);
  client.nack(item, { final: true, reason: 'never' });
  const line = await within(10_000, printed.next(), () => 'a line');
  assert.match(line.value, /^\S+Z  shown +shown +1 +1  rejected +parked +never$/);
  follower.kill('SIGINT');
  assert.equal(await new Promise((resolve) => follower.once('close', resolve)), 0);

  const table = await ackctl(...at, 'failures', '--client', 'shown', '--open');
  assert.equal(table.code, 0, table.stderr);
  assert.match(
    table.stdout,
    /^TIME +CLIENT .*\n\S+Z +shown +shown +1 +1  rejected +parked +never\n$/,
  );
  const words = ['failures', '--reason', 'rejected', '--client', 'shown'];
  const { json } = await ackctl(...at, '-o', 'json', ...words);
  assert.deepEqual(
    json.failures.map((each) => [each.client, each.reason, each.firstSeq, each.detail, each.now]),
    [['shown', 'rejected', 1, 'never', [{ state: 'parked', count: 1 }]]],
  );
  const none = await ackctl(...at, 'failures', '--client', 'nobody');
  assert.match(none.stdout, /^No failure on record matches: there is no client nobody; `ackctl c/);
  const nowhere = await ackctl(...at, 'failures', '--channel', 'nowhere');
  assert.equal(nowhere.stdout, 'No failure on record matches: there is no channel nowhere.\n');
  const future = await ackctl(...at, 'failures', '--since', '2999-01-01T00:00:00Z');
  assert.equal(future.stdout, 'No failure on record matches: --since is in the future.\n');
  const both = await ackctl(...at, 'failures', '--channel', 'shown', '--reason', 'expired');
  assert.equal(both.stdout, 'No failure on record matches.\n');
  const refused = await ackctl(...at, 'failures', '--follow', '--channel', 'a b');
  assert.deepEqual([refused.code, refused.stdout], [1, '']);
  assert.match(refused.stderr, /watch failures: --channel: must have no/);
  const ended = await ackctl(...at, 'failures', '--follow', '--until', '-1h');
  assert.equal(ended.code, 2);
  assert.match(ended.stderr, /--until: with --follow/);
  const wrong = await ackctl(...at, 'failures', '--reason', 'bad luck');
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /"bad luck" is no reason of failures; there are ack_timeout, nack/);
});
