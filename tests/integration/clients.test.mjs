// The operator's view of clients and of the server: the numbers are those of the story that was
// played.

import assert from 'node:assert/strict';
import test, { after, afterEach } from 'node:test';
import { ackctl } from '../support/ackctl.mjs';
import { Client, dropAll } from '../support/client.mjs';
import { eventually } from '../support/eventually.mjs';
import { grpcClients, status, toMs } from '../support/grpc.mjs';
import { publish, publishMany } from '../support/http.mjs';
import { metricsOf } from '../support/metrics.mjs';
import { serverForFile, withServer } from '../support/server.mjs';
import { explained, offline } from '../support/state.mjs';

const server = await serverForFile();
const rpc = grpcClients(server.grpc);
after(() => rpc.close());
afterEach(dropAll);

const get = (client) => rpc.deliveries.getClient({ client });
const list = async (request) => (await rpc.deliveries.listClients(request)).clients;
const near = (timestamp) =>
  assert.ok(Math.abs(toMs(timestamp) - Date.now()) < 60_000, JSON.stringify(timestamp));

test('a client nobody knows is NOT_FOUND', async () => {
  await assert.rejects(
    get('nobody'),
    (error) => error.code === status.NOT_FOUND && error.details.includes('nobody'),
  );
});

test('GetClient of an offline client counts what it is owed', async () => {
  for (const channel of ['off/a', 'off/b'])
    await rpc.subscriptions.subscribe({ client: 'off', channel });
  const first = await publish(server, 'off/a', 1);
  await publishMany(server, 'off/b', 2);
  const client = await get('off');
  assert.deepEqual(
    [
      client.id,
      client.online,
      client.paused,
      client.subscriptions,
      client.undelivered,
      client.parked,
      client.session,
    ],
    ['off', false, false, 2, 3, 0, null],
  );
  assert.equal(toMs(client.oldestUndeliveredAt), Date.parse(first.publishedAt));
});

test('GetClient of a connected client shows its session', async () => {
  const client = await Client.connect(server, { client: 'on', subscriptions: [{ channel: 'on' }] });
  await publishMany(server, 'on', 5);
  const items = await client.collect(5);
  await client.confirm(items[0], items[1]);
  const { online, undelivered, session } = await get('on');
  assert.deepEqual([online, undelivered], [true, 3]);
  const { connectedAt, remoteAddress, ...rest } = session;
  near(connectedAt);
  assert.match(remoteAddress, /^127\.0\.0\.1\b/);
  assert.deepEqual(rest, {
    id: client.welcome.session,
    transport: 'websocket',
    protocol: 'ackwire.v1.json',
    inFlight: 3,
    sent: 5,
    acked: 2,
  });
});

test('undelivered goes to 0 with the acknowledgements, and nothing is oldest then', async () => {
  const client = await Client.connect(server, {
    client: 'done',
    subscriptions: [{ channel: 'done' }],
  });
  await publishMany(server, 'done', 3);
  await client.confirmUpTo((await client.collect(3))[2]);
  const { undelivered, oldestUndeliveredAt } = await get('done');
  assert.deepEqual([undelivered, oldestUndeliveredAt], [0, null]);
  await client.close();
  await offline(rpc, 'done');
  const { undelivered: then, lastSeenAt, session } = await get('done');
  assert.deepEqual([then, session], [0, null]);
  near(lastSeenAt);
});

test('parked deliveries are counted as parked and no longer as undelivered', async () => {
  const client = await Client.connect(server, {
    client: 'parker',
    subscriptions: [{ channel: 'parker' }],
  });
  await publishMany(server, 'parker', 2);
  const [first] = await client.collect(2);
  client.nack(first, { final: true });
  await explained(rpc, 'parker', 'parker', 1, 'PARKED');
  const { undelivered, parked } = await get('parker');
  assert.deepEqual([undelivered, parked], [1, 1]);
});

test('ListClients by prefix, online only and undelivered only', async () => {
  for (const n of [1, 2, 3, 4])
    await rpc.subscriptions.subscribe({ client: `team/${n}`, channel: `team-${n % 2}` });
  const one = await Client.connect(server, { client: 'team/1' });
  await Client.connect(server, { client: 'team/2' });
  await publish(server, 'team-1', 1);
  const ids = async (request) =>
    (await list({ prefix: 'team/', ...request })).map((client) => client.id).sort();
  assert.deepEqual(await ids({}), ['team/1', 'team/2', 'team/3', 'team/4']);
  assert.deepEqual(await ids({ onlineOnly: true }), ['team/1', 'team/2']);
  assert.deepEqual(await ids({ undeliveredOnly: true }), ['team/1', 'team/3']);
  assert.deepEqual(await ids({ onlineOnly: true, undeliveredOnly: true }), ['team/1']);
  await one.confirm(await one.nextDelivery());
  assert.deepEqual(await ids({ undeliveredOnly: true }), ['team/3']);
  assert.deepEqual(await list({ prefix: 'no-such-team' }), []);
});

test('what ListClients says of a client is what GetClient says', async () => {
  await rpc.subscriptions.subscribe({ client: 'same', channel: 'same' });
  await publishMany(server, 'same', 4);
  assert.deepEqual(await list({ prefix: 'same' }), [await get('same')]);
});

test('ListClients is read a page at a time, each client once', async () => {
  const requests = Array.from({ length: 11 }, (_, n) => ({
    client: `page/${n}`,
    channel: 'pages',
  }));
  await rpc.subscriptions.subscribeMany({ requests });
  const ids = [];
  let pageToken = '';
  for (let pages = 0; pages === 0 || pageToken !== ''; ++pages) {
    assert.ok(pages < 20, 'the pages never end');
    const page = await rpc.deliveries.listClients({ prefix: 'page/', pageSize: 4, pageToken });
    assert.ok(page.clients.length <= 4);
    ids.push(...page.clients.map((client) => client.id));
    pageToken = page.nextPageToken;
  }
  assert.deepEqual(ids.sort(), requests.map((request) => request.client).sort());
});

test('GetStatus counts what is there', async (t) => {
  const own = await withServer(t);
  const ownRpc = grpcClients(own.grpc);
  t.after(() => ownRpc.close());
  const empty = await ownRpc.admin.getStatus();
  assert.notEqual(empty.version, '');
  near(empty.startedAt);
  assert.deepEqual(
    [empty.draining, empty.acceptingWrites, empty.notAcceptingBecause],
    [false, true, ''],
  );
  assert.deepEqual(
    [
      empty.lastPosition,
      empty.undelivered,
      empty.parked,
      empty.sessions,
      empty.clients,
      empty.channels,
    ],
    [0, 0, 0, 0, 0, 0],
  );

  const online = await Client.connect(own, { client: 'online', subscriptions: [{ channel: 'a' }] });
  for (const channel of ['a', 'b'])
    await ownRpc.subscriptions.subscribe({ client: 'offline', channel });
  const { epoch } = (await publishMany(own, 'a', 3))[0];
  await publishMany(own, 'b', 2);
  const items = await online.collect(3);
  await online.confirm(items[0]);
  online.nack(items[1], { final: true });
  await explained(ownRpc, 'online', 'a', 2, 'PARKED');

  const now = await ownRpc.admin.getStatus();
  assert.deepEqual(
    {
      lastPosition: now.lastPosition,
      undelivered: now.undelivered,
      undeliveredOnline: now.undeliveredOnline,
      parked: now.parked,
      sessions: now.sessions,
      clients: now.clients,
      channels: now.channels,
      epoch: now.epoch,
    },
    {
      lastPosition: 5,
      undelivered: 6,
      undeliveredOnline: 1,
      parked: 1,
      sessions: 1,
      clients: 2,
      channels: 2,
      epoch,
    },
  );
  assert.ok(now.dataBytes > 0 && now.freeBytes > 0);
  assert.equal(now.unheard, 0);
  await publishMany(own, 'rom/1', 2); // where nobody is
  assert.equal((await ownRpc.admin.getStatus()).unheard, 2);
  const { channels } = await ownRpc.messages.listChannels({});
  assert.deepEqual(
    channels.map(({ name, unheard }) => [name, unheard]),
    [
      ['a', 0],
      ['b', 0],
      ['rom/1', 2],
    ],
  );
  const told = await ackctl('--server', own.grpc, 'channels', '--unheard');
  assert.match(told.stdout, /^rom\/1 +1 +2 +0 +2 /m);
  assert.equal(told.stdout.trim().split('\n').length, 2);
  const metrics = await metricsOf(own);
  assert.equal(metrics.ackwire_messages_unheard, 2);
  await eventually(
    async () => (await ownRpc.admin.getStatus()).outboxDepth === 0,
    'the outbox to be handed over',
  );

  await own.restart();
  ownRpc.moveTo(own.grpc);
  const again = await ownRpc.admin.getStatus();
  assert.deepEqual(
    [
      again.lastPosition,
      again.undelivered,
      again.undeliveredOnline,
      again.parked,
      again.sessions,
      again.clients,
      again.channels,
      again.epoch,
    ],
    [7, 6, 0, 1, 0, 2, 3, epoch],
  );
});
