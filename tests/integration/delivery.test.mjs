// From the log to the client and back: order, windows and acknowledgements.

import assert from 'node:assert/strict';
import test, { after, afterEach } from 'node:test';
import { Client, dropAll } from '../support/client.mjs';
import { eventually } from '../support/eventually.mjs';
import { answers, grpcClients } from '../support/grpc.mjs';
import { post, publish, publishMany, request, channelPath } from '../support/http.mjs';
import { serverForFile } from '../support/server.mjs';
import { explained, floorOf, floorReaches, offline } from '../support/state.mjs';

const server = await serverForFile();
const rpc = grpcClients(server.grpc);
after(() => rpc.close());
afterEach(dropAll);

const seqs = (items) => items.map((item) => item.message.seq);
const numbers = (items) => items.map((item) => item.delivery);
const run = (first, last) => Array.from({ length: last - first + 1 }, (_, n) => first + n);

function connect(client, channels, fields = {}) {
  return Client.connect(server, {
    client,
    subscriptions: channels.map((channel) => ({ channel })),
    ...fields,
  });
}

test('welcome names session, epoch, window, heartbeat and subscriptions', async () => {
  const { epoch } = await publish(server, 'welcome', 1);
  const client = await connect('alice/phone', ['welcome']);
  const { session, maxFrameBytes, ...rest } = client.welcome;
  assert.match(session, /^s-.+/);
  assert.ok(maxFrameBytes >= 1024);
  assert.deepEqual(rest, {
    type: 'welcome',
    epoch,
    client: 'alice/phone',
    window: 256,
    pingIntervalMs: 30_000,
    pingTimeoutMs: 45_000,
    resumed: false,
    subscriptions: [{ channel: 'welcome', floor: 1, lastSeq: 1 }],
  });
});

test('a window is what connect asks for, at most 4,096', async () => {
  assert.equal((await connect('narrow', [], { window: 3 })).welcome.window, 3);
  assert.equal((await connect('widest', [], { window: 4096 })).welcome.window, 4096);
  assert.equal((await connect('too-wide', [], { window: 100_000 })).welcome.window, 4096);
});

test('a delivery carries the whole message, its number and the attempt', async () => {
  const client = await connect('whole', ['whole']);
  const stored = await publish(
    server,
    'whole',
    { text: 'hi' },
    { sender: 'bob', type: 7, headers: { a: 'b' }, messageId: 'w-1', ttlMs: 600_000 },
  );
  const item = await client.nextDelivery();
  assert.deepEqual([item.delivery, item.attempt, item.replay], [1, 1, '']);
  assert.deepEqual(
    item.message,
    (await request(server.http, { path: channelPath('whole', 1) })).json,
  );
  const {
    channel,
    seq,
    position,
    messageId,
    sender,
    kind,
    refersTo,
    type,
    contentType,
    payload,
    headers,
    publishedAt,
  } = item.message;
  assert.deepEqual(
    {
      channel,
      seq,
      position,
      messageId,
      sender,
      kind,
      refersTo,
      type,
      contentType,
      payload,
      headers,
      publishedAt,
    },
    {
      channel: 'whole',
      seq: 1,
      position: stored.position,
      messageId: 'w-1',
      sender: 'bob',
      kind: 'created',
      refersTo: 0,
      type: 7,
      contentType: 'application/json',
      payload: { text: 'hi' },
      headers: { a: 'b' },
      publishedAt: stored.publishedAt,
    },
  );
});

test('edits and withdrawals are delivered like any message', async () => {
  const client = await connect('kinds', ['kinds']);
  await publish(server, 'kinds', 'a', { sender: 'bob' });
  await request(server.http, {
    method: 'PUT',
    path: channelPath('kinds', 1),
    body: { contentType: 'application/json', payload: 'b', sender: 'bob' },
  });
  await request(server.http, {
    method: 'DELETE',
    path: channelPath('kinds', 1),
    body: { sender: 'bob' },
  });
  const kinds = (await client.collect(3)).map(({ message }) => [message.kind, message.refersTo]);
  assert.deepEqual(kinds, [
    ['created', 0],
    ['edited', 1],
    ['deleted', 1],
  ]);
});

test('deliveries count from 1 over all channels; each channel is in order of seq', async () => {
  const client = await connect('order', ['order/a', 'order/b']);
  for (let n = 0; n < 30; ++n) await publish(server, n % 3 ? 'order/a' : 'order/b', n);
  const items = await client.collect(30);
  assert.deepEqual(numbers(items), run(1, 30));
  assert.deepEqual(seqs(items.filter((item) => item.message.channel === 'order/a')), run(1, 20));
  assert.deepEqual(seqs(items.filter((item) => item.message.channel === 'order/b')), run(1, 10));
});

test('every subscriber gets each message', async () => {
  const clients = await Promise.all(run(1, 10).map((n) => connect(`fan/${n}`, ['fan'])));
  await publishMany(server, 'fan', 5);
  for (const client of clients) assert.deepEqual(seqs(await client.collect(5)), run(1, 5));
});

test('what is published while a client is offline is delivered when it comes', async () => {
  const before = await connect('away', ['away']);
  await before.close();
  await offline(rpc, 'away');
  await publishMany(server, 'away', 20);
  const client = await Client.connect(server, { client: 'away' });
  assert.deepEqual(client.welcome.subscriptions, [{ channel: 'away', floor: 0, lastSeq: 20 }]);
  const items = await client.collect(20);
  assert.deepEqual(seqs(items), run(1, 20));
  assert.ok(items.every((item) => item.attempt === 1));
});

async function publishAtOnce(channel, count) {
  const call = rpc.messages.publishStream();
  const requests = Array.from({ length: 100 }, () => ({ channel, payload: Buffer.from('x') }));
  for (let sent = 0; sent < count; sent += requests.length) call.write({ requests });
  call.end();
  const results = (await answers(call)).flatMap((answer) => answer.results);
  assert.ok(results.every((result) => result.outcome === 'published'));
}

// Acknowledges one after the other, until the payload is "end".
async function take(client, taken) {
  for (let item; item?.message.payload !== 'end';) {
    item = await client.nextDelivery();
    taken.push(item.message.seq);
    client.ackUpTo(item);
  }
}

test('catching up goes over to live without gap or reorder while publishing', async () => {
  const names = ['chaser/1', 'chaser/2', 'chaser/3'];
  await rpc.subscriptions.subscribeMany({
    requests: names.map((client) => ({ client, channel: 'chase' })),
  });
  await publishAtOnce('chase', 3000);
  const clients = names.map((client, n) =>
    Client.connect(server, { client, window: [16, 256, 4096][n] }),
  );
  const readers = (await Promise.all(clients)).map((client) => ({
    client,
    taken: [],
    live: false,
  }));
  const done = Promise.all(readers.map((reader) => take(reader.client, reader.taken)));
  done.catch(() => {}); // awaited below

  // Publishes on until each has caught up, and a while longer. On a busy machine the publisher may
  // be the faster one: so it lets them come close now and then.
  let last = 3000;
  const close = () => readers.every((reader) => reader.taken.length >= last - 1);
  for (let more = 300; more > 0;) {
    last = (await publish(server, 'chase', 'x')).seq;
    for (const reader of readers) reader.live ||= reader.taken.length >= last - 1;
    if (readers.every((reader) => reader.live)) --more;
    if (last % 1000 === 0) await eventually(close, 'the readers to come close');
  }
  await publish(server, 'chase', 'end');
  await done;
  for (const { client, taken } of readers) {
    assert.deepEqual(taken, run(1, last + 1), client.name);
    await floorReaches(rpc, client.name, 'chase', last + 1);
  }
});

test('no more is in flight than the window, over all channels', async () => {
  const client = await connect('window', ['window/a', 'window/b'], { window: 5 });
  for (let n = 0; n < 12; ++n) await publish(server, n % 2 ? 'window/a' : 'window/b', n);
  const first = await client.collect(5);
  await client.barrier();
  assert.equal(client.untaken.length, 0);
  const { session } = await rpc.deliveries.getClient({ client: 'window' });
  assert.deepEqual([session.inFlight, session.sent], [5, 5]);
  client.ack(first[0], first[1]);
  const more = await client.collect(2);
  await client.barrier();
  assert.equal(client.untaken.length, 0);
  client.ackUpTo(more[1]);
  assert.equal((await client.collect(5)).length, 5);
});

test('ack with upTo settles that delivery and all before it', async () => {
  const client = await connect('up-to', ['up-to']);
  await publishMany(server, 'up-to', 5);
  const items = await client.collect(5);
  await client.confirmUpTo(items[2]);
  assert.equal(await floorOf(rpc, 'up-to', 'up-to'), 3);
  assert.equal(
    (await rpc.deliveries.explainDelivery({ client: 'up-to', channel: 'up-to', seq: 3 })).state,
    'DELIVERY_STATE_ACKED',
  );
  assert.equal(
    (await rpc.deliveries.explainDelivery({ client: 'up-to', channel: 'up-to', seq: 4 })).state,
    'DELIVERY_STATE_IN_FLIGHT',
  );
});

test('ack with a list settles just these; the floor waits for the rest', async () => {
  const client = await connect('some', ['some']);
  await publishMany(server, 'some', 5);
  const items = await client.collect(5);
  await client.confirm(items[1], items[3]);
  assert.equal(await floorOf(rpc, 'some', 'some'), 0);
  await explained(rpc, 'some', 'some', 2, 'ACKED');
  await explained(rpc, 'some', 'some', 3, 'IN_FLIGHT');
  await client.confirm(items[0]);
  assert.equal(await floorOf(rpc, 'some', 'some'), 2);
  await client.drop();
  await offline(rpc, 'some');
  const again = await Client.connect(server, { client: 'some' });
  assert.deepEqual(seqs(await again.collect(2)), [3, 5]);
});

test('only a number that was never sent is unknown_delivery', async () => {
  const client = await connect('unknown', ['unknown']);
  await publish(server, 'unknown', 1);
  const item = await client.nextDelivery();
  for (const frame of [
    { type: 'ack', deliveries: [9], id: 5 },
    { type: 'ack', upTo: 9, id: 6 },
    { type: 'nack', deliveries: [9] },
    { type: 'working', deliveries: [9] },
  ]) {
    client.send(frame);
    const error = await client.next('error');
    assert.equal(error.code, 'unknown_delivery', JSON.stringify(frame));
    assert.match(error.message, /9/);
    if (frame.id) assert.equal(error.id, frame.id);
  }
  await explained(rpc, 'unknown', 'unknown', 1, 'IN_FLIGHT');
  await client.confirm(item);
});

test('repeating an acknowledgement is silent, and with an id confirmed', async () => {
  const client = await connect('repeat', ['repeat']);
  await publish(server, 'repeat', 1);
  const item = await client.nextDelivery();
  client.ack(item);
  client.ack(item);
  client.ackUpTo(item);
  await client.confirm(item);
  await client.confirmUpTo(item);
  await client.barrier();
  assert.deepEqual(client.frames, []);
  assert.equal(await floorOf(rpc, 'repeat', 'repeat'), 1);
});

test('a nack after the acknowledgement changes nothing', async () => {
  const client = await connect('nack-late', ['nack-late']);
  await publish(server, 'nack-late', 1);
  const item = await client.nextDelivery();
  await client.confirm(item);
  client.nack(item, { final: true });
  await client.barrier();
  await explained(rpc, 'nack-late', 'nack-late', 1, 'ACKED');
});

test('an acknowledgement without id is on disk within 50 ms, and shown in the floor', async () => {
  const client = await connect('flush', ['flush']);
  await publishMany(server, 'flush', 3);
  client.ackUpTo((await client.collect(3))[2]);
  await floorReaches(rpc, 'flush', 'flush', 3);
});

test('an expired message is not delivered; what follows is', async () => {
  await rpc.subscriptions.subscribe({ client: 'expiry', channel: 'expiry' });
  const { publishedAt } = await publish(server, 'expiry', 'late', { ttlMs: 30 });
  await publish(server, 'expiry', 'fine');
  const abandoned = await explained(rpc, 'expiry', 'expiry', 1, 'ABANDONED', 'EXPIRED');
  assert.ok(Date.now() >= Date.parse(publishedAt) + 30);
  assert.notEqual(abandoned.explanation, '');
  const client = await Client.connect(server, { client: 'expiry' });
  const item = await client.nextDelivery();
  assert.equal(item.message.seq, 2);
  await client.confirm(item);
  await floorReaches(rpc, 'expiry', 'expiry', 2);
});

test('a message that is deliverable when its ttl is far off is delivered with it', async () => {
  const client = await connect('mortal', ['mortal']);
  await publish(server, 'mortal', 1, { ttlMs: 3_600_000 });
  const { message } = await client.nextDelivery();
  assert.equal(Date.parse(message.expiresAt) - Date.parse(message.publishedAt), 3_600_000);
});

test('a payload is delivered as JSON value, text or base64', async () => {
  const client = await connect('payloads', ['payloads']);
  await post(server, 'payloads', {
    contentType: 'application/json',
    payload: { deep: [1, { a: null }] },
  });
  await post(server, 'payloads', { contentType: 'text/plain', payload: 'grüße' });
  await post(server, 'payloads', { contentType: 'image/png', payloadBase64: 'iVBORw==' });
  const [value, text, bytes] = (await client.collect(3)).map((item) => item.message);
  assert.deepEqual(value.payload, { deep: [1, { a: null }] });
  assert.equal(text.payload, 'grüße');
  assert.equal(bytes.payloadBase64, 'iVBORw==');
  assert.ok(!('payload' in bytes));
});

test('messages of the largest payload are delivered whole', async () => {
  const client = await connect('large', ['large']);
  const payload = 'p'.repeat(256 * 1024);
  for (let n = 0; n < 8; ++n) await post(server, 'large', { contentType: 'text/plain', payload });
  for (const { message } of await client.collect(8)) assert.ok(message.payload === payload);
});

test('Read and delivery agree', async () => {
  const client = await connect('agree', ['agree']);
  await publishMany(server, 'agree', 50);
  const delivered = (await client.collect(50)).map(({ message }) => [
    message.seq,
    message.position,
    message.messageId,
  ]);
  const read = (await answers(rpc.messages.read({ channel: 'agree' }))).flatMap(
    (answer) => answer.messages,
  );
  assert.deepEqual(
    delivered,
    read.map((message) => [message.seq, message.position, message.messageId]),
  );
});
