// What channel policies keep no longer is gone from the log, whoever was owed it is told, and what
// somebody may still want replayed outlives it. Subscriptions of clients that stay away end.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, afterEach } from 'node:test';
import { ackctl } from '../support/ackctl.mjs';
import { Client, dropAll } from '../support/client.mjs';
import { eventually } from '../support/eventually.mjs';
import { grpcClients, toMs } from '../support/grpc.mjs';
import { history, publish, publishMany } from '../support/http.mjs';
import { serverForFile } from '../support/server.mjs';
import { explained, floorReaches, offline } from '../support/state.mjs';

const kPolicies = `
[[channel]]
match = "few/*"
retention_messages = 2

[[channel]]
match = "small/*"
retention_bytes = "3500"

[[channel]]
match = "young/*"
retention_age = "1s"

[[channel]]
match = "mourned/*"
retention_messages = 1
parked_age = "1ms"

[[channel]]
match = "left/*"
subscription_expires_after = "1s"
`;
const kWaitMs = 30_000; // what the contract gives retention
const kGathersMs = 15_000; // how long what is to go may gather

const directory = await mkdtemp(join(tmpdir(), 'ackwire-retention-'));
after(() => rm(directory, { recursive: true }));
const file = join(directory, 'policies.toml');
await writeFile(file, kPolicies);

const server = await serverForFile({ flags: ['--config', file, '--backoff', '1ms'] });
let rpc = grpcClients(server.grpc);
after(() => rpc.close());
afterEach(dropAll);

const firstSeqIs = (channel, seq) =>
  eventually(
    async () => {
      const { channels } = await rpc.messages.listChannels({ prefix: channel });
      return channels[0].firstSeq === seq;
    },
    `${channel} to begin with seq ${seq}`,
    kWaitMs,
  );
const storedSeqs = async (channel) =>
  (await history(server, channel)).json.messages.map((message) => message.seq);

test('the newest so many messages stay', async () => {
  await publishMany(server, 'few/1', 5);
  await firstSeqIs('few/1', 4);
  assert.deepEqual(await storedSeqs('few/1'), [4, 5]);
});

// The oldest first. What is gone is explained by the log at once; that a client lacks it is on
// record soon after.
async function failuresOf(client) {
  const asked = { filter: { client }, oldestFirst: true };
  return (await rpc.deliveries.listFailures(asked)).failures;
}

test('what passes the limit again gathers for a while, and goes together', async () => {
  await rpc.subscriptions.subscribe({ client: 'absent', channel: 'few/6' });
  await publishMany(server, 'few/6', 3);
  await firstSeqIs('few/6', 2);
  for (let n = 0; n < 3; ++n) await publish(server, 'few/6', 'one more');
  await firstSeqIs('few/6', 5);
  await explained(rpc, 'absent', 'few/6', 4, 'ABANDONED', 'RETENTION', kWaitMs);
  await eventually(async () => (await failuresOf('absent')).length > 1, 'both records', kWaitMs);
  const failures = await failuresOf('absent');
  assert.deepEqual(
    failures.map(({ firstSeq, lastSeq }) => [firstSeq, lastSeq]),
    [
      [1, 1],
      [2, 4],
    ],
  );
  const between = toMs(failures[1].at) - toMs(failures[0].at);
  assert.ok(between >= kGathersMs / 2, `${between} ms`); // each is recorded a moment later
});

test('what is left takes no more than so many bytes', async () => {
  for (let n = 0; n < 10; ++n) await publish(server, 'small/1', 'x'.repeat(1000));
  await firstSeqIs('small/1', 8);
  assert.deepEqual(await storedSeqs('small/1'), [8, 9, 10]);
});

test('what is older goes, what comes later stays', async () => {
  await publishMany(server, 'young/1', 3);
  await firstSeqIs('young/1', 4);
  assert.deepEqual(await storedSeqs('young/1'), []);
  assert.equal((await publish(server, 'young/1', 'new')).seq, 4);
});

test('a message that is gone says so, and its id is free again', async () => {
  await publish(server, 'few/2', 'first', { messageId: 'one' });
  await publishMany(server, 'few/2', 2);
  await firstSeqIs('few/2', 2);
  const gone = await history(server, 'few/2', '/1');
  assert.equal(gone.status, 404);
  assert.match(gone.json.error.message, /seq: 1 of few\/2 was removed by retention/);
  const again = await publish(server, 'few/2', 'second', { messageId: 'one' });
  assert.deepEqual([again.seq, again.duplicate ?? false], [4, false]);
});

test('a client that was away gets what is left, one failure tells of the rest', async () => {
  await rpc.subscriptions.subscribe({ client: 'away', channel: 'few/3' });
  await publishMany(server, 'few/3', 6);
  await firstSeqIs('few/3', 5);
  await explained(rpc, 'away', 'few/3', 1, 'ABANDONED', 'RETENTION', kWaitMs);
  await eventually(async () => (await failuresOf('away')).length > 0, 'the record', kWaitMs);
  assert.deepEqual(
    (await failuresOf('away')).map(({ firstSeq, lastSeq, reason }) => [firstSeq, lastSeq, reason]),
    [[1, 4, 'REASON_RETENTION']],
    'one record for what was taken at once',
  );
  const client = await Client.connect(server, { client: 'away' });
  const items = await client.collect(2);
  assert.deepEqual(
    items.map((item) => item.message.seq),
    [5, 6],
  );
  await client.confirmUpTo(items[1]);
  await floorReaches(rpc, 'away', 'few/3', 6);
});

test('of many that are away each is told, and so is who has parked it', async () => {
  const away = Array.from({ length: 300 }, (_, n) => `away-${String(n).padStart(3, '0')}`);
  await Promise.all(
    away.map((client) => rpc.subscriptions.subscribe({ client, channel: 'mourned/2' })),
  );
  const parks = await Client.connect(server, {
    client: 'parks',
    subscriptions: [{ channel: 'mourned/2' }],
  });
  await publish(server, 'mourned/2', 'one');
  parks.nack(await parks.nextDelivery(), { final: true });
  await explained(rpc, 'parks', 'mourned/2', 1, 'PARKED');
  parks.socket.terminate();
  await offline(rpc, 'parks');
  await publish(server, 'mourned/2', 'two');
  const told = await eventually(
    async () => {
      const { failures } = await rpc.deliveries.listFailures({
        filter: { channel: 'mourned/2', reasons: ['REASON_RETENTION'] },
        pageSize: 1000,
      });
      return failures.length >= away.length + 1 && failures;
    },
    'all of them to be told',
    kWaitMs,
  );
  assert.deepEqual(told.map(({ client }) => client).sort(), [...away, 'parks']);
  for (const { firstSeq, lastSeq } of told) assert.deepEqual([firstSeq, lastSeq], [1, 1]);
  assert.equal((await rpc.deliveries.getClient({ client: 'parks' })).parked, 0);
  assert.equal((await rpc.deliveries.getClient({ client: away[0] })).undelivered, 1);
});

test('a connected client whose window is full is told at once', async () => {
  const client = await Client.connect(server, {
    client: 'slow',
    window: 1,
    subscriptions: [{ channel: 'few/4' }],
  });
  await publishMany(server, 'few/4', 6);
  const inFlight = await client.nextDelivery();
  assert.equal(inFlight.message.seq, 1);
  const gap = await client.next('gap', () => true, kWaitMs);
  assert.deepEqual(gap, {
    type: 'gap',
    channel: 'few/4',
    firstSeq: 2,
    lastSeq: 4,
    cause: 'retention',
  });
  await client.confirm(inFlight); // it has that one, and its answer counts
  assert.equal((await client.nextDelivery()).message.seq, 5);
  await explained(rpc, 'slow', 'few/4', 1, 'ACKED');
  await explained(rpc, 'slow', 'few/4', 3, 'ABANDONED', 'RETENTION');
});

test('a message with a parked delivery outlives retention, and can be replayed', async () => {
  const client = await Client.connect(server, {
    client: 'picky',
    subscriptions: [{ channel: 'few/5' }],
  });
  await publishMany(server, 'few/5', 2);
  const [first, second] = await client.collect(2);
  client.nack(first, { final: true, reason: 'no' });
  await explained(rpc, 'picky', 'few/5', 1, 'PARKED', 'REJECTED');
  const again = await client.nextDelivery((item) => item.message.seq === 2);
  await client.confirm(again, second);
  await publishMany(server, 'few/5', 3);
  const rest = await client.collect(3);
  await client.confirmUpTo(rest[2]);
  await eventually(
    async () => (await storedSeqs('few/5')).join() === '1,4,5',
    'all but the parked one and the newest two to be gone',
    kWaitMs,
  );
  const { plan } = await rpc.admin.planReplay({ selection: { failed: { client: 'picky' } } });
  await rpc.admin.startReplay({ plan, note: 'test' });
  const replayed = await client.nextDelivery();
  assert.equal(replayed.message.seq, 1);
  assert.deepEqual(replayed.message.payload, { n: 1 });
});

test('beyond parked_age it goes with the rest', async () => {
  const client = await Client.connect(server, {
    client: 'forgotten',
    subscriptions: [{ channel: 'mourned/1' }],
  });
  await publish(server, 'mourned/1', 'one');
  client.nack(await client.nextDelivery(), { final: true });
  await explained(rpc, 'forgotten', 'mourned/1', 1, 'PARKED');
  await publish(server, 'mourned/1', 'two');
  await client.confirm(await client.nextDelivery());
  await explained(rpc, 'forgotten', 'mourned/1', 1, 'ABANDONED', 'RETENTION', kWaitMs);
  assert.equal((await rpc.deliveries.getClient({ client: 'forgotten' })).parked, 0);
});

test('a subscription ends whose client stays away, and no other', async () => {
  const here = await Client.connect(server, {
    client: 'here',
    subscriptions: [{ channel: 'left/1' }],
  });
  const gone = await Client.connect(server, {
    client: 'gone',
    subscriptions: [{ channel: 'left/1' }],
  });
  gone.socket.terminate();
  await offline(rpc, 'gone');
  await publish(server, 'left/1', 'hello');
  const delivery = await explained(
    rpc,
    'gone',
    'left/1',
    1,
    'ABANDONED',
    'SUBSCRIPTION_EXPIRED',
    kWaitMs,
  );
  assert.match(delivery.explanation, /the subscription expired at/);
  const { subscriptions } = await rpc.subscriptions.listSubscriptions({ channel: 'left/1' });
  assert.deepEqual(
    subscriptions.map((each) => each.client),
    ['here'],
  );
  await here.confirm(await here.nextDelivery());
});

test('after a start it is all the same, and the directory is whole', async () => {
  await server.kill();
  await server.launch();
  rpc.close();
  rpc = grpcClients(server.grpc);
  assert.deepEqual(await storedSeqs('few/1'), [4, 5]);
  await explained(rpc, 'away', 'few/3', 1, 'ABANDONED', 'RETENTION');
  await server.stop();
  const { code, stdout, stderr } = await ackctl('verify', server.dataDir);
  assert.equal(code, 0, stdout + stderr);
  await server.launch();
  rpc.close();
  rpc = grpcClients(server.grpc);
});
