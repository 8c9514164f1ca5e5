// Who is to receive what: by gRPC and by WebSocket.

import assert from 'node:assert/strict';
import test, { after, afterEach } from 'node:test';
import { Client, dropAll } from '../support/client.mjs';
import { grpcClients, status, toMs } from '../support/grpc.mjs';
import { publish, publishMany } from '../support/http.mjs';
import { serverForFile } from '../support/server.mjs';

const server = await serverForFile();
const rpc = grpcClients(server.grpc);
after(() => rpc.close());
afterEach(dropAll);

function numbers({ client, channel, startSeq, floor, lastSeq, undelivered, parked }) {
  return { client, channel, startSeq, floor, lastSeq, undelivered, parked };
}

async function listed(request) {
  return (await rpc.subscriptions.listSubscriptions(request)).subscriptions;
}

const seqs = (items) => items.map((item) => item.message.seq);

test('a subscription from new, the default, is owed what is published after it', async () => {
  await publishMany(server, 'new', 3);
  const made = await rpc.subscriptions.subscribe({ client: 'a', channel: 'new' });
  assert.deepEqual(numbers(made), {
    client: 'a',
    channel: 'new',
    startSeq: 4,
    floor: 3,
    lastSeq: 3,
    undelivered: 0,
    parked: 0,
  });
  assert.ok(Math.abs(toMs(made.createdAt) - Date.now()) < 60_000);
  await publish(server, 'new', 4);
  const [now] = await listed({ client: 'a', channel: 'new' });
  assert.deepEqual(numbers(now), {
    client: 'a',
    channel: 'new',
    startSeq: 4,
    floor: 3,
    lastSeq: 4,
    undelivered: 1,
    parked: 0,
  });
  assert.deepEqual(
    numbers(await rpc.subscriptions.subscribe({ client: 'b', channel: 'new', fromNew: true }))
      .startSeq,
    5,
  );
});

test('a subscription from first is owed all that is stored', async () => {
  await publishMany(server, 'first', 3);
  const made = await rpc.subscriptions.subscribe({
    client: 'a',
    channel: 'first',
    fromFirst: true,
  });
  assert.deepEqual(numbers(made), {
    client: 'a',
    channel: 'first',
    startSeq: 1,
    floor: 0,
    lastSeq: 3,
    undelivered: 3,
    parked: 0,
  });
});

test('a subscription from a seq is owed that message and what follows', async () => {
  await publishMany(server, 'from-seq', 5);
  const made = await rpc.subscriptions.subscribe({ client: 's', channel: 'from-seq', fromSeq: 3 });
  assert.deepEqual(numbers(made), {
    client: 's',
    channel: 'from-seq',
    startSeq: 3,
    floor: 2,
    lastSeq: 5,
    undelivered: 3,
    parked: 0,
  });
  const client = await Client.connect(server, { client: 's' });
  assert.deepEqual(seqs(await client.collect(3)), [3, 4, 5]);
});

test('a channel may be subscribed before anything is published to it', async () => {
  const made = await rpc.subscriptions.subscribe({ client: 'early', channel: 'not-yet' });
  assert.deepEqual(numbers(made), {
    client: 'early',
    channel: 'not-yet',
    startSeq: 1,
    floor: 0,
    lastSeq: 0,
    undelivered: 0,
    parked: 0,
  });
  await publish(server, 'not-yet', 1);
  const client = await Client.connect(server, { client: 'early' });
  assert.equal((await client.nextDelivery()).message.seq, 1);
});

test('an existing subscription is returned as it is, wherever the new call begins', async () => {
  await publishMany(server, 'idempotent', 3);
  const made = await rpc.subscriptions.subscribe({
    client: 'i',
    channel: 'idempotent',
    fromSeq: 2,
  });
  for (const again of [{}, { fromFirst: true }, { fromSeq: 3 }, { fromNew: true }]) {
    assert.deepEqual(
      await rpc.subscriptions.subscribe({ client: 'i', channel: 'idempotent', ...again }),
      made,
    );
  }
  assert.equal((await listed({ client: 'i' })).length, 1);
});

test('SubscribeMany answers in the order of the requests', async () => {
  await publishMany(server, 'many/2', 2);
  const requests = [3, 1, 2].map((n) => ({
    client: `many-${n}`,
    channel: `many/${n}`,
    fromFirst: true,
  }));
  const made = (await rpc.subscriptions.subscribeMany({ requests })).subscriptions;
  assert.deepEqual(
    made.map((one) => [one.client, one.channel, one.undelivered]),
    [
      ['many-3', 'many/3', 0],
      ['many-1', 'many/1', 0],
      ['many-2', 'many/2', 2],
    ],
  );
});

test('SubscribeMany subscribes all or none', async () => {
  const requests = [
    { client: 'none', channel: 'none/1' },
    { client: 'none', channel: 'none/2 ' },
  ];
  await assert.rejects(
    rpc.subscriptions.subscribeMany({ requests }),
    (error) => error.code === status.INVALID_ARGUMENT,
  );
  assert.deepEqual(await listed({ client: 'none' }), []);
});

test('Unsubscribe says how many messages are abandoned, and nothing more comes', async () => {
  await rpc.subscriptions.subscribe({ client: 'leaver', channel: 'leave' });
  await rpc.subscriptions.subscribe({ client: 'leaver', channel: 'stay' });
  await publishMany(server, 'leave', 4);
  const client = await Client.connect(server, { client: 'leaver', window: 2 });
  const [first] = await client.collect(2);
  await client.confirm(first);
  const { abandoned } = await rpc.subscriptions.unsubscribe({ client: 'leaver', channel: 'leave' });
  assert.equal(abandoned, 3);
  assert.deepEqual(
    (await listed({ client: 'leaver' })).map((one) => one.channel),
    ['stay'],
  );
  await publish(server, 'leave', 5);
  await publish(server, 'stay', 1);
  assert.equal(
    (await client.nextDelivery((item) => item.message.seq === 1 && item.message.channel === 'stay'))
      .message.payload,
    1,
  );
  assert.deepEqual(
    client.untaken.filter((item) => item.message.seq === 5),
    [],
  );
});

test('subscribing again after unsubscribing starts anew', async () => {
  await publishMany(server, 'again', 2);
  await rpc.subscriptions.subscribe({ client: 'again', channel: 'again', fromFirst: true });
  await rpc.subscriptions.unsubscribe({ client: 'again', channel: 'again' });
  const made = await rpc.subscriptions.subscribe({ client: 'again', channel: 'again' });
  assert.deepEqual([made.startSeq, made.undelivered], [3, 0]);
});

test('subscriptions are listed by client, by channel and by both', async () => {
  for (const client of ['l/1', 'l/2', 'l/3']) {
    for (const channel of ['list/x', 'list/y'])
      await rpc.subscriptions.subscribe({ client, channel });
  }
  assert.deepEqual((await listed({ client: 'l/1' })).map((one) => one.channel).sort(), [
    'list/x',
    'list/y',
  ]);
  assert.deepEqual((await listed({ channel: 'list/x' })).map((one) => one.client).sort(), [
    'l/1',
    'l/2',
    'l/3',
  ]);
  assert.deepEqual(
    (await listed({ client: 'l/2', channel: 'list/y' })).map((one) => [one.client, one.channel]),
    [['l/2', 'list/y']],
  );
  assert.deepEqual(await listed({ client: 'nobody' }), []);
  assert.deepEqual(
    await listed({ client: 'l', channel: 'list/x' }),
    [],
    'a user is not its devices',
  );
});

async function paged(request) {
  const all = [];
  let pageToken = '';
  for (let pages = 0; ; ++pages) {
    assert.ok(pages < 20, 'the pages never end');
    const page = await rpc.subscriptions.listSubscriptions({ ...request, pageSize: 3, pageToken });
    assert.ok(page.subscriptions.length <= 3);
    all.push(...page.subscriptions);
    pageToken = page.nextPageToken;
    if (pageToken === '') return all;
  }
}

test('a list is read a page at a time, each subscription once', async () => {
  const requests = Array.from({ length: 8 }, (_, n) => [
    { client: 'pager', channel: `pages/${n}` },
    { client: `pager/${n}`, channel: 'pages' },
  ]).flat();
  await rpc.subscriptions.subscribeMany({ requests });
  const byClient = (await paged({ client: 'pager' })).map((one) => one.channel);
  assert.deepEqual(
    byClient.sort(),
    Array.from({ length: 8 }, (_, n) => `pages/${n}`),
  );
  const byChannel = (await paged({ channel: 'pages' })).map((one) => one.client);
  assert.deepEqual(
    byChannel.sort(),
    Array.from({ length: 8 }, (_, n) => `pager/${n}`),
  );
});

test('a WebSocket client subscribes from new, from first and from a seq', async () => {
  await publishMany(server, 'ws/a', 3);
  await publishMany(server, 'ws/b', 3);
  await publishMany(server, 'ws/c', 3);
  const client = await Client.connect(server, { client: 'ws' });
  assert.deepEqual(await client.subscribe('ws/a', 'new', 7), {
    type: 'subscribed',
    id: 7,
    channel: 'ws/a',
    floor: 3,
    lastSeq: 3,
  });
  assert.deepEqual(await client.subscribe('ws/b', 'first', 8), {
    type: 'subscribed',
    id: 8,
    channel: 'ws/b',
    floor: 0,
    lastSeq: 3,
  });
  assert.deepEqual(seqs(await client.collect(3)), [1, 2, 3]);
  assert.deepEqual(await client.subscribe('ws/c', 3, 9), {
    type: 'subscribed',
    id: 9,
    channel: 'ws/c',
    floor: 2,
    lastSeq: 3,
  });
  assert.deepEqual(seqs(await client.collect(1)), [3]);
  assert.equal(
    (await client.subscribe('ws/c', 'first', 10)).floor,
    2,
    'from counts only when it does not exist yet',
  );
});

test('connect subscribes, and welcome lists all subscriptions and their floors', async () => {
  await publishMany(server, 'connect/a', 2);
  await rpc.subscriptions.subscribe({ client: 'connector', channel: 'connect/old' });
  const client = await Client.connect(server, {
    client: 'connector',
    subscriptions: [{ channel: 'connect/a', from: 'first' }, { channel: 'connect/b' }],
  });
  const byName = [...client.welcome.subscriptions].sort((a, b) =>
    a.channel.localeCompare(b.channel),
  );
  assert.deepEqual(byName, [
    { channel: 'connect/a', floor: 0, lastSeq: 2 },
    { channel: 'connect/b', floor: 0, lastSeq: 0 },
    { channel: 'connect/old', floor: 0, lastSeq: 0 },
  ]);
  assert.equal((await listed({ client: 'connector' })).length, 3);
});

test('welcome is sent once the subscriptions of connect are on disk', async () => {
  const client = await Client.connect(server, {
    client: 'durable',
    subscriptions: [{ channel: 'durable' }],
  });
  assert.equal(client.welcome.client, 'durable');
  await server.kill();
  await server.launch();
  rpc.moveTo(server.grpc);
  assert.equal(
    (await rpc.subscriptions.listSubscriptions({ client: 'durable' })).subscriptions.length,
    1,
  );
});

test('what does not fit the welcome frame follows as subscribed with id 0', async () => {
  const maxFrameBytes = 65_536;
  const channels = Array.from({ length: 600 }, (_, n) => `${'long-name-'.repeat(20)}${n}`);
  const requests = channels.map((channel) => ({ client: 'wide', channel }));
  await rpc.subscriptions.subscribeMany({ requests });
  const client = await Client.connect(server, { client: 'wide', maxFrameBytes });
  assert.equal(client.welcome.maxFrameBytes, maxFrameBytes);
  assert.ok(client.welcomeBytes <= maxFrameBytes && client.welcomeBytes > maxFrameBytes - 300);
  const seen = client.welcome.subscriptions.map((one) => one.channel);
  while (seen.length < channels.length)
    seen.push((await client.next('subscribed', (frame) => frame.id === 0)).channel);
  assert.deepEqual(seen.sort(), channels.sort());
});

test('a client subscribed from elsewhere gets subscribed with id 0, and deliveries', async () => {
  const client = await Client.connect(server, { client: 'elsewhere' });
  await publishMany(server, 'else', 2);
  await rpc.subscriptions.subscribe({ client: 'elsewhere', channel: 'else' });
  assert.deepEqual(await client.next('subscribed'), {
    type: 'subscribed',
    id: 0,
    channel: 'else',
    floor: 2,
    lastSeq: 2,
  });
  await publish(server, 'else', 3);
  assert.equal((await client.nextDelivery()).message.seq, 3);
});

test('a WebSocket client unsubscribes and is told how many were abandoned', async () => {
  const client = await Client.connect(server, {
    client: 'quitter',
    window: 1,
    subscriptions: [{ channel: 'quit' }],
  });
  await publishMany(server, 'quit', 3);
  await client.nextDelivery();
  const frame = await client.unsubscribe('quit');
  assert.deepEqual([frame.channel, frame.abandoned], ['quit', 3]);
  assert.deepEqual(
    (await rpc.subscriptions.listSubscriptions({ client: 'quitter' })).subscriptions,
    [],
  );
});

test('the start is exact, also while messages are published', async () => {
  let publishing = true;
  let last = 0;
  const publisher = (async () => {
    while (publishing || last < 200) last = (await publish(server, 'exact', 0)).seq;
  })();
  const clients = [];
  for (let n = 0; n < 5; ++n) {
    const client = await Client.connect(server, { client: `exact-${n}` });
    const { floor } = await client.subscribe('exact', 'new');
    clients.push({ client, start: floor + 1 });
  }
  publishing = false;
  await publisher;
  for (const { client, start } of clients) {
    const items = [];
    while (items.at(-1)?.message.seq !== last) {
      items.push(await client.nextDelivery());
      client.ackUpTo(items.at(-1));
    }
    assert.deepEqual(
      seqs(items),
      Array.from({ length: last - start + 1 }, (_, n) => start + n),
    );
  }
});
