// What --admin serves: health, readiness and metrics.

import assert from 'node:assert/strict';
import test, { after, afterEach } from 'node:test';
import { Client, dropAll } from '../support/client.mjs';
import { eventually } from '../support/eventually.mjs';
import { grpcClients } from '../support/grpc.mjs';
import { post, publish, publishMany, request } from '../support/http.mjs';
import { serverForFile } from '../support/server.mjs';
import { explained, offline } from '../support/state.mjs';

const server = await serverForFile();
const rpc = grpcClients(server.grpc);
after(() => rpc.close());
afterEach(dropAll);

// Metric lines as {name, labels, value}.
async function metrics() {
  const answer = await request(server.admin, { path: '/metrics' });
  assert.equal(answer.status, 200);
  assert.match(answer.headers['content-type'], /^text\/plain\b/);
  return answer.body
    .split('\n')
    .filter((line) => line && !line.startsWith('#'))
    .map((line) => {
      const parts = /^(\w+)(?:\{(.*)\})? (\S+)/.exec(line);
      assert.ok(parts, `not a metric: ${line}`);
      const labels = Object.fromEntries(
        [...(parts[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [
          name,
          value,
        ]),
      );
      return { name: parts[1], labels, value: Number(parts[3]) };
    });
}

// The sum over all lines of that name that have the labels; 0 when there is none.
function sum(lines, name, labels = {}) {
  return lines
    .filter(
      (line) =>
        line.name === name &&
        Object.entries(labels).every(([label, value]) => line.labels[label] === value),
    )
    .reduce((total, line) => total + line.value, 0);
}

test('/healthz and /readyz are 200 while the server serves', async () => {
  assert.equal((await request(server.admin, { path: '/healthz' })).status, 200);
  assert.equal((await request(server.admin, { path: '/readyz' })).status, 200);
});

test('an unknown path is 404', async () => {
  assert.equal((await request(server.admin, { path: '/no-such-page' })).status, 404);
});

test('the metrics tell the story that was played', async () => {
  const client = await Client.connect(server, { client: 'on', subscriptions: [{ channel: 'm' }] });
  for (const channel of ['m', 'n']) await rpc.subscriptions.subscribe({ client: 'off', channel });
  await publishMany(server, 'm', 4, { sender: 'bob' });
  await rpc.messages.publish({ channel: 'n', payload: Buffer.from('x') });
  await publish(server, 'n', 2, { messageId: 'again' });
  assert.equal(
    (
      await post(
        server,
        'n',
        { contentType: 'application/json', payload: 2, messageId: 'again' },
        { 'Ackwire-Attempt': '2' },
      )
    ).status,
    200,
  );
  assert.equal(
    (await post(server, 'bad channel', { contentType: 'text/plain', payload: 'x' })).status,
    400,
  );
  assert.equal(
    (await post(server, 'm', { contentType: 'text/plain', payload: 'x', expectedSeq: 9 })).status,
    409,
  );
  await rpc.messages.publish({ channel: '' }).then(
    () => assert.fail('accepted'),
    () => {},
  );
  const items = await client.collect(4);
  await client.confirm(items[0], items[1]);
  client.nack(items[2], { reason: 'no', final: true });
  await explained(rpc, 'on', 'm', 3, 'PARKED');
  const again = await client.nextDelivery();
  assert.deepEqual([again.message.seq, again.attempt], [4, 2]);

  const check = async () => {
    const lines = await metrics();
    const is = (name, labels, value) =>
      assert.equal(sum(lines, name, labels), value, `${name} ${JSON.stringify(labels)}`);
    is('ackwire_messages_published_total', {}, 6);
    is('ackwire_publish_rejected_total', { code: 'invalid_argument', transport: 'http' }, 1);
    is('ackwire_publish_rejected_total', { code: 'aborted', transport: 'http' }, 1);
    is('ackwire_publish_rejected_total', { code: 'invalid_argument', transport: 'grpc' }, 1);
    is('ackwire_publish_retries_total', {}, 1);
    is('ackwire_deliveries_acked_total', {}, 2);
    is('ackwire_delivery_failures_total', { reason: 'rejected' }, 1);
    is('ackwire_undelivered', { presence: 'online' }, 1);
    is('ackwire_undelivered', { presence: 'offline' }, 6);
    is('ackwire_parked', {}, 1);
    is('ackwire_blocked_subscriptions', {}, 0);
    is('ackwire_sessions', { transport: 'websocket' }, 1);
    is('ackwire_log_last_position', {}, 6);
    is('ackwire_outbox_depth', {}, 0);
    is('ackwire_ack_seconds_count', {}, 2);
    const attempts = lines.filter((line) => line.name === 'ackwire_delivery_attempts_total');
    assert.ok(
      attempts.every((line) => line.labels.result),
      'each attempt has a result',
    );
    // Two acked and one rejected; the recalled one and the one in flight may be counted too.
    assert.ok(
      [3, 4, 5].includes(sum(attempts, 'ackwire_delivery_attempts_total')),
      JSON.stringify(attempts),
    );
    assert.ok(sum(lines, 'ackwire_publish_seconds_count') >= 6);
    assert.ok(sum(lines, 'ackwire_ack_seconds_sum') > 0);
    assert.ok(sum(lines, 'ackwire_store_bytes') > 0);
    assert.ok(sum(lines, 'ackwire_disk_free_bytes') > 0);
    assert.ok(sum(lines, 'ackwire_journal_bytes') > 0);
    assert.ok(sum(lines, 'ackwire_journal_oldest_seconds') > 0);
    return true;
  };
  await eventually(check, 'the metrics to be those of the story');
});

test('the oldest undelivered ages, apart for online and offline clients', async () => {
  await eventually(async () => {
    const lines = await metrics();
    const age = (presence) => sum(lines, 'ackwire_undelivered_oldest_seconds', { presence });
    return age('offline') > 0 && age('offline') < 600;
  }, 'the age of what is undelivered to offline clients');
});

test('a closed session is counted by its code, and what it is owed is offline then', async () => {
  const before = sum(await metrics(), 'ackwire_session_closes_total', { code: '1000' });
  const client = await Client.connect(server, { client: 'on' });
  await client.close(1000);
  await offline(rpc, 'on');
  await eventually(async () => {
    const lines = await metrics();
    return (
      sum(lines, 'ackwire_session_closes_total', { code: '1000' }) === before + 1 &&
      sum(lines, 'ackwire_sessions', { transport: 'websocket' }) === 0 &&
      sum(lines, 'ackwire_undelivered', { presence: 'online' }) === 0 &&
      sum(lines, 'ackwire_undelivered', { presence: 'offline' }) === 7
    );
  }, 'the closed session in the metrics');
});

test('a subscription held up by a failing delivery is counted as blocked', async () => {
  const client = await Client.connect(server, {
    client: 'blocked',
    subscriptions: [{ channel: 'blocked' }],
  });
  await publishMany(server, 'blocked', 2);
  const [first] = await client.collect(2);
  client.nack(first, { delayMs: 60_000 });
  await eventually(
    async () => sum(await metrics(), 'ackwire_blocked_subscriptions') === 1,
    'one blocked subscription',
  );
  // The journal is flushed, and its events are counted, a few milliseconds later.
  await eventually(
    async () => sum(await metrics(), 'ackwire_delivery_failures_total', { reason: 'nack' }) === 1,
    'the refusal in the failures',
  );
});

test('all metrics that the contract names are there, with help and type', async () => {
  const { body } = await request(server.admin, { path: '/metrics' });
  const names = [
    'ackwire_messages_published_total',
    'ackwire_publish_rejected_total',
    'ackwire_publish_retries_total',
    'ackwire_publish_seconds',
    'ackwire_delivery_attempts_total',
    'ackwire_delivery_failures_total',
    'ackwire_deliveries_acked_total',
    'ackwire_ack_seconds',
    'ackwire_undelivered',
    'ackwire_undelivered_oldest_seconds',
    'ackwire_parked',
    'ackwire_blocked_subscriptions',
    'ackwire_outbox_depth',
    'ackwire_outbox_oldest_seconds',
    'ackwire_sessions',
    'ackwire_session_closes_total',
    'ackwire_log_last_position',
    'ackwire_store_bytes',
    'ackwire_disk_free_bytes',
    'ackwire_messages_unheard',
    'ackwire_journal_bytes',
    'ackwire_journal_oldest_seconds',
  ];
  for (const name of names) {
    assert.match(body, new RegExp(`^# HELP ${name} \\S`, 'm'));
    assert.match(body, new RegExp(`^# TYPE ${name} (counter|gauge|histogram|summary)$`, 'm'));
    assert.match(body, new RegExp(`^${name}(_count|_sum|_bucket)?[ {]`, 'm'));
  }
});
