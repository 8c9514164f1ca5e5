// A forgotten client was never there, for whoever asks, and no byte of it stays on the disk.

import assert from 'node:assert/strict';
import test, { after, afterEach } from 'node:test';
import { ackctl } from '../support/ackctl.mjs';
import { Client, dropAll } from '../support/client.mjs';
import { aSecret, erased, filesWith } from '../support/erased.mjs';
import { eventually } from '../support/eventually.mjs';
import { grpcClients, status, toMs } from '../support/grpc.mjs';
import { publish, publishMany } from '../support/http.mjs';
import { serverForFile } from '../support/server.mjs';
import { explained, offline } from '../support/state.mjs';

const server = await serverForFile({ flags: ['--backoff', '10m'] });
let rpc = grpcClients(server.grpc);
after(() => rpc.close());
afterEach(dropAll);

async function serveAgain() {
  await server.launch();
  rpc.close();
  rpc = grpcClients(server.grpc);
}

const forget = (client) => rpc.admin.forgetClient({ client, note: 'ticket 812' });
const failures = async (fields) => (await rpc.deliveries.listFailures(fields)).failures;
const statusNow = () => rpc.admin.getStatus({});

// Has one of everything on record: acknowledgements, failures, parked and undelivered messages, a
// session, and its words.
async function live(client, channel, words) {
  const connection = await Client.connect(server, { client, subscriptions: [{ channel }] });
  await publishMany(server, channel, 4);
  const items = await connection.collect(4);
  await connection.confirm(items[0]);
  connection.nack(items[1], { reason: words, final: true });
  await explained(rpc, client, channel, items[1].message.seq, 'PARKED');
  const [third] = await connection.collect(2); // sent again, because the second failed
  connection.nack(third, { reason: words });
  await explained(rpc, client, channel, third.message.seq, 'BACKOFF');
  return { connection };
}

async function neverSeen(client, channel, seq) {
  await assert.rejects(rpc.deliveries.getClient({ client }), { code: status.NOT_FOUND });
  const { clients } = await rpc.deliveries.listClients({});
  assert.ok(!clients.some(({ id }) => id === client));
  const { subscriptions } = await rpc.subscriptions.listSubscriptions({ client });
  assert.deepEqual(subscriptions, []);
  await eventually(
    async () => (await failures({ filter: { client } })).length === 0,
    'its failures to be listed no more',
  );
  const delivery = await rpc.deliveries.explainDelivery({ client, channel, seq });
  assert.equal(delivery.state, 'DELIVERY_STATE_NOT_OWED');
}

// RocksDB's list of its files names bounds of tables, until the next start.
const nameErased = (client) =>
  eventually(
    async () => (await filesWith(server, client)).every((path) => /MANIFEST-\d+$/.test(path)),
    'its name to be gone from the disk',
  );

async function verified() {
  await server.stop();
  const { code, stdout, stderr } = await ackctl('verify', server.dataDir);
  assert.equal(code, 0, stdout + stderr);
}

test('nobody knows of it any more, at once; its bytes leave the disk', async () => {
  const [client, words] = [`alice/${aSecret()}`, aSecret()];
  const other = await live('bob', 'room/1', 'not now');
  const { connection } = await live(client, 'room/1', words);
  const before = await statusNow();
  const { subscriptions, abandoned, erasedBy } = await forget(client);
  assert.equal(subscriptions, 1);
  assert.equal(abandoned, 2); // one in flight and one that waits; the parked one is dismissed
  assert.ok(toMs(erasedBy) > Date.now());
  assert.equal((await connection.closed).code, 4004);
  await neverSeen(client, 'room/1', 2);
  const now = await statusNow();
  assert.equal(now.clients, before.clients - 1);
  assert.equal(now.undelivered, before.undelivered - 2);
  assert.equal(now.parked, before.parked - 1);
  await erased(server, words);
  await nameErased(client);
  await verified();
  await serveAgain();
  assert.deepEqual(await filesWith(server, client), []);
  assert.equal((await statusNow()).clients, now.clients);
  const left = await failures({ filter: { channel: 'room/1' } });
  assert.ok(left.length > 0 && left.every((failure) => failure.client === 'bob'));
  other.connection.drop();
});

test('it comes back as one that is new, also while it is being erased', async () => {
  const client = `carol/${aSecret()}`;
  await live(client, 'room/2', 'no');
  await forget(client);
  const again = await Client.connect(server, { client, subscriptions: [{ channel: 'room/2' }] });
  assert.equal(again.welcome.resumed, false);
  const { seq } = await publish(server, 'room/2', 'hello');
  const item = await again.nextDelivery();
  assert.equal(item.message.seq, seq);
  assert.equal(item.attempt, 1);
  again.nack(item, { reason: 'again', final: true });
  await explained(rpc, client, 'room/2', seq, 'PARKED');
  again.drop();
  await offline(rpc, client);
  await verified();
  await serveAgain();
  await explained(rpc, client, 'room/2', seq, 'PARKED');
  assert.deepEqual(
    (await failures({ filter: { client } })).map((failure) => failure.detail),
    ['again'],
  );
});

test('ids of failures stay, and what a replay adds up to', async () => {
  const client = `dave/${aSecret()}`;
  const stays = await live('erin', 'room/3', 'no');
  const goes = await live(client, 'room/3', 'no');
  const idsOf = async () =>
    (await failures({ filter: { client: 'erin' } })).map((failure) => failure.id);
  const before = await idsOf();
  goes.connection.drop();
  await offline(rpc, client);
  const selection = { failed: { channel: 'room/3' } };
  const plan = await rpc.admin.planReplay({ selection });
  assert.equal(plan.deliveries, 2);
  const replay = await rpc.admin.startReplay({ plan: plan.plan, note: 'all' });
  await stays.connection.confirm(await stays.connection.nextDelivery((each) => each.replay));
  await forget(client);
  const done = await eventually(async () => {
    const now = await rpc.admin.getReplay({ id: replay.id });
    return now.state === 'REPLAY_STATE_DONE' && now;
  }, 'the replay to be done');
  assert.deepEqual([done.total, done.acked, done.failed], [2, 1, 0]);
  assert.deepEqual(
    done.skipped.map(({ reason, state, count }) => [reason, state, count]),
    [['REASON_UNSUBSCRIBED', 'DELIVERY_STATE_ABANDONED', 1]],
  );
  await nameErased(client);
  assert.deepEqual(await idsOf(), before);
  await verified();
  await serveAgain();
  const after = await rpc.admin.getReplay({ id: replay.id });
  assert.deepEqual([after.total, after.acked, after.skipped], [2, 1, done.skipped]);
});

test('killed in between, it is gone on with after the start; whole at any time', async () => {
  const client = `frank/${aSecret()}`;
  await live(client, 'room/4', 'no');
  await forget(client);
  await server.kill();
  const { code, stdout } = await ackctl('verify', server.dataDir);
  assert.equal(code, 0, stdout);
  await serveAgain();
  await neverSeen(client, 'room/4', 2);
  await nameErased(client);
  await verified();
  await serveAgain();
});

test('one that is not known, and names that are none', async () => {
  await assert.rejects(forget('nobody'), { code: status.NOT_FOUND, details: /nobody has never/ });
  await assert.rejects(forget('two words'), { code: status.INVALID_ARGUMENT });
});

test('ackctl forgets', async () => {
  await rpc.subscriptions.subscribe({ client: 'gone/1', channel: 'room/5' });
  await publishMany(server, 'room/5', 3);
  const done = await ackctl('--server', server.grpc, 'forget', 'gone/1');
  assert.equal(done.code, 0, done.stderr);
  assert.match(
    done.stdout,
    /^gone\/1 is forgotten: 1 subscription ended, 3 undelivered messages abandoned\..*by \d{4}-/,
  );
  const again = await ackctl('--server', server.grpc, 'forget', 'gone/1');
  assert.equal(again.code, 1);
  assert.match(again.stderr, /gone\/1 has never subscribed and never connected/);
});
