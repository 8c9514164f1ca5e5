// Connections come and go; what is owed stays.

import assert from 'node:assert/strict';
import test, { after, afterEach } from 'node:test';
import { Client, dropAll } from '../support/client.mjs';
import { within } from '../support/eventually.mjs';
import { grpcClients, toMs } from '../support/grpc.mjs';
import { publish, publishMany } from '../support/http.mjs';
import { serverForFile, withServer } from '../support/server.mjs';
import { explained, floorOf, floorReaches, offline } from '../support/state.mjs';

const flags = ['--backoff', '100ms,200ms', '--max-disconnects', '3'];
const server = await serverForFile({ flags });
const rpc = grpcClients(server.grpc);
after(() => rpc.close());
afterEach(dropAll);

const seqs = (items) => items.map((item) => item.message.seq);
const attempts = (items) => items.map((item) => [item.message.seq, item.attempt]);

// A client subscribed to a channel of its name, with `count` messages delivered.
async function delivered(client, count, fields = {}) {
  const connected = await Client.connect(server, {
    client,
    subscriptions: [{ channel: client }],
    ...fields,
  });
  await publishMany(server, client, count);
  return [connected, await connected.collect(count)];
}

async function lose(client) {
  await client.drop();
  await offline(rpc, client.name);
}

const again = (client, fields = {}) => Client.connect(server, { client, ...fields });

test('a second connection of the same client takes over: the older is closed 4500', async () => {
  const [first] = await delivered('takeover', 3);
  const second = await again('takeover');
  assert.equal((await first.closed).code, 4500);
  assert.notEqual(second.welcome.session, first.welcome.session);
  assert.equal(second.welcome.resumed, false);
  assert.deepEqual(attempts(await second.collect(3)), [
    [1, 2],
    [2, 2],
    [3, 2],
  ]);
  const { online, session } = await rpc.deliveries.getClient({ client: 'takeover' });
  assert.deepEqual([online, session.id], [true, second.welcome.session]);
});

test('of many connections of a client at once one stays and gets everything', async () => {
  await rpc.subscriptions.subscribe({ client: 'stampede', channel: 'stampede' });
  await publishMany(server, 'stampede', 5);
  const sockets = await Promise.all(Array.from({ length: 8 }, () => Client.open(server)));
  for (const one of sockets) one.send({ type: 'connect', client: 'stampede' });
  const ends = [];
  for (const one of sockets) one.closed.then((end) => ends.push(end.code));
  await within(
    10_000,
    new Promise((resolve) => {
      for (const one of sockets) one.closed.then(() => ends.length === 7 && resolve());
    }),
    () => `7 of 8 to be closed; ${JSON.stringify(ends)}`,
  );
  assert.deepEqual(ends, Array(7).fill(4500));
  const [stayed] = sockets.filter((one) => !one.end);
  assert.deepEqual(seqs(await stayed.collect(5)), [1, 2, 3, 4, 5]);
});

test('clients of one user are each owed everything', async () => {
  const phone = await again('bob/phone', { subscriptions: [{ channel: 'bob' }] });
  const laptop = await again('bob/laptop', { subscriptions: [{ channel: 'bob' }] });
  await publish(server, 'bob', 1);
  phone.ack(await phone.nextDelivery());
  assert.equal((await laptop.nextDelivery()).message.seq, 1);
});

test('what was in flight at a disconnection is due at once on return', async () => {
  const [client, items] = await delivered('dropped', 3);
  await client.confirm(items[0]);
  await lose(client);
  const due = await explained(rpc, 'dropped', 'dropped', 2, 'PENDING', 'CLIENT_OFFLINE');
  assert.deepEqual(
    due.attempts.map((one) => [one.number, one.session, one.reason]),
    [[1, client.welcome.session, 'REASON_DISCONNECTED']],
  );
  const back = await again('dropped');
  assert.deepEqual(attempts(await back.collect(2)), [
    [2, 2],
    [3, 2],
  ]);
});

test('resume keeps session and count, acknowledges, and sends the rest at once', async () => {
  const [client, items] = await delivered('resume', 5);
  await lose(client);
  const back = await again('resume', {
    resume: { session: client.welcome.session, delivery: items[2].delivery },
  });
  assert.deepEqual([back.welcome.resumed, back.welcome.session], [true, client.welcome.session]);
  const rest = await back.collect(2);
  assert.deepEqual(
    rest.map((item) => [item.delivery, item.message.seq, item.attempt]),
    [
      [6, 4, 2],
      [7, 5, 2],
    ],
  );
  await floorReaches(rpc, 'resume', 'resume', 3);
  await publish(server, 'resume', 6);
  assert.equal((await back.nextDelivery()).delivery, 8);
});

test('resume works while the lost connection is still open at the server', async () => {
  const [client, items] = await delivered('half-open', 2);
  const back = await again('half-open', {
    resume: { session: client.welcome.session, delivery: items[0].delivery },
  });
  assert.equal((await client.closed).code, 4500);
  assert.deepEqual([back.welcome.resumed, back.welcome.session], [true, client.welcome.session]);
  assert.deepEqual(
    (await back.collect(1)).map((item) => [item.delivery, item.message.seq]),
    [[3, 2]],
  );
});

test('resume with delivery 0 acknowledges nothing', async () => {
  const [client] = await delivered('resume-none', 2);
  await lose(client);
  const back = await again('resume-none', {
    resume: { session: client.welcome.session, delivery: 0 },
  });
  assert.equal(back.welcome.resumed, true);
  assert.deepEqual(attempts(await back.collect(2)), [
    [1, 2],
    [2, 2],
  ]);
  assert.equal(await floorOf(rpc, 'resume-none', 'resume-none'), 0);
});

test('resume before a nack: the nacked and what it recalled come in order', async () => {
  const client = await again('resume-nack', {
    subscriptions: [{ channel: 'rn/a' }, { channel: 'rn/b' }],
  });
  await publish(server, 'rn/a', 1);
  const done = await client.nextDelivery();
  await publishMany(server, 'rn/b', 2);
  const [nacked] = await client.collect(2);
  client.nack(nacked, { delayMs: 1500 });
  await explained(rpc, 'resume-nack', 'rn/b', 1, 'BACKOFF');
  await lose(client);
  const back = await again('resume-nack', {
    resume: { session: client.welcome.session, delivery: done.delivery },
  });
  assert.equal(back.welcome.resumed, true);
  const first = await back.nextDelivery();
  assert.deepEqual([first.message.channel, first.message.seq, first.attempt], ['rn/b', 1, 2]);
  back.ack(first);
  const second = await back.nextDelivery();
  assert.deepEqual([second.message.channel, second.message.seq, second.attempt], ['rn/b', 2, 2]);
  await explained(rpc, 'resume-nack', 'rn/a', 1, 'ACKED');
});

test('upTo after a resume leaves out what was sent beyond the resumed point', async () => {
  const [client, items] = await delivered('beyond', 4);
  await lose(client);
  const back = await again('beyond', {
    window: 1,
    resume: { session: client.welcome.session, delivery: items[0].delivery },
  });
  const second = await back.nextDelivery();
  assert.deepEqual([second.delivery, second.message.seq], [5, 2]);
  await back.confirmUpTo(second);
  const third = await back.nextDelivery();
  assert.deepEqual([third.delivery, third.message.seq, third.attempt], [6, 3, 2]);
  assert.equal(await floorOf(rpc, 'beyond', 'beyond'), 2);
});

test('resume of an unknown session, or of another client’s, is a new session', async () => {
  const [client] = await delivered('stranger', 2);
  await lose(client);
  const back = await again('stranger', { resume: { session: 's-nobody', delivery: 2 } });
  assert.equal(back.welcome.resumed, false);
  assert.notEqual(back.welcome.session, 's-nobody');
  assert.deepEqual(attempts(await back.collect(2)), [
    [1, 2],
    [2, 2],
  ]);
  const thief = await again('thief', { resume: { session: back.welcome.session, delivery: 2 } });
  assert.equal(thief.welcome.resumed, false);
  assert.notEqual(thief.welcome.session, back.welcome.session);
  assert.equal(await floorOf(rpc, 'stranger', 'stranger'), 0);
});

test('after max-disconnects the oldest in flight is parked and the rest flows', async () => {
  const [first] = await delivered('crasher', 3);
  await lose(first);
  for (let disconnects = 2; disconnects <= 3; ++disconnects) {
    const client = await again('crasher');
    assert.deepEqual(attempts(await client.collect(3)), [
      [1, disconnects],
      [2, disconnects],
      [3, disconnects],
    ]);
    await lose(client);
  }
  const parked = await explained(rpc, 'crasher', 'crasher', 1, 'PARKED');
  assert.deepEqual(
    parked.attempts.map((one) => one.reason),
    Array(3).fill('REASON_DISCONNECTED'),
  );
  const client = await again('crasher');
  const rest = await client.collect(2);
  assert.deepEqual(seqs(rest), [2, 3]);
  await client.confirmUpTo(rest[1]);
  await floorReaches(rpc, 'crasher', 'crasher', 3);
});

test('an acknowledgement between disconnections starts the count anew', async () => {
  const [first] = await delivered('survivor', 2);
  await lose(first);
  const second = await again('survivor');
  await second.collect(2);
  await lose(second);
  const third = await again('survivor');
  const items = await third.collect(2);
  await third.confirm(items[0]);
  await lose(third);
  const fourth = await again('survivor');
  assert.deepEqual(attempts(await fourth.collect(1)), [[2, 4]]);
});

test('being taken over does not count as a disconnection', async () => {
  await delivered('replaced', 1);
  let client;
  for (let times = 1; times <= 5; ++times) {
    client = await again('replaced');
    await client.collect(1);
  }
  await explained(rpc, 'replaced', 'replaced', 1, 'IN_FLIGHT');
});

test('subscriptions, floors and retries survive a restart', async (t) => {
  const own = await withServer(t, { flags });
  const ownRpc = grpcClients(own.grpc);
  t.after(() => ownRpc.close());
  const client = await Client.connect(own, {
    client: 'keeper',
    subscriptions: [{ channel: 'kept' }, { channel: 'idle' }],
  });
  await publishMany(own, 'kept', 4);
  const items = await client.collect(4);
  await client.confirm(items[0], items[3]);
  client.nack(items[1], { delayMs: 3_000, reason: 'busy' });
  const before = await explained(ownRpc, 'keeper', 'kept', 2, 'BACKOFF', 'NACK');
  await own.restart();
  ownRpc.moveTo(own.grpc);
  assert.ok([1001, 1006, 1012].includes((await client.closed).code));
  const listed = (await ownRpc.subscriptions.listSubscriptions({ client: 'keeper' })).subscriptions;
  assert.deepEqual(listed.map((one) => [one.channel, one.floor, one.undelivered]).sort(), [
    ['idle', 0, 0],
    ['kept', 1, 2],
  ]);
  const kept = await ownRpc.deliveries.explainDelivery({
    client: 'keeper',
    channel: 'kept',
    seq: 2,
  });
  assert.deepEqual(
    kept.attempts.map((one) => [one.number, one.reason, one.detail]),
    [[1, 'REASON_NACK', 'busy']],
  );
  if (kept.nextAttemptAt) assert.equal(toMs(kept.nextAttemptAt), toMs(before.nextAttemptAt));
  const back = await Client.connect(own, { client: 'keeper' });
  assert.deepEqual(
    back.welcome.subscriptions.sort((a, b) => a.channel.localeCompare(b.channel)),
    [
      { channel: 'idle', floor: 0, lastSeq: 0 },
      { channel: 'kept', floor: 1, lastSeq: 4 },
    ],
  );
  const second = await back.nextDelivery();
  assert.deepEqual([second.message.seq, second.attempt], [2, 2]);
  assert.ok(Date.now() >= toMs(before.nextAttemptAt) - 5, 'the retry waits for its time');
  back.ack(second);
  assert.deepEqual(attempts(await back.collect(1)), [[3, 2]]);
});

test('what was confirmed survives a kill, and what was not comes again', async (t) => {
  const own = await withServer(t, { flags });
  const client = await Client.connect(own, {
    client: 'killed',
    subscriptions: [{ channel: 'kill' }],
  });
  await publishMany(own, 'kill', 6);
  const items = await client.collect(6);
  await client.confirm(items[0], items[1], items[3]);
  await own.kill();
  await client.closed;
  await own.launch();
  const back = await Client.connect(own, { client: 'killed' });
  assert.equal(back.welcome.resumed, false);
  assert.deepEqual(back.welcome.subscriptions, [{ channel: 'kill', floor: 2, lastSeq: 6 }]);
  assert.deepEqual(seqs(await back.collect(3)), [3, 5, 6]);
});

test('a session of before a restart is not resumed', async (t) => {
  const own = await withServer(t, { flags });
  const client = await Client.connect(own, { client: 'old', subscriptions: [{ channel: 'old' }] });
  await publishMany(own, 'old', 2);
  await client.collect(2);
  await own.restart();
  const back = await Client.connect(own, {
    client: 'old',
    resume: { session: client.welcome.session, delivery: 2 },
  });
  assert.equal(back.welcome.resumed, false);
  assert.deepEqual(seqs(await back.collect(2)), [1, 2]);
});

test('the server pings; any frame proves a client alive, silence closes it 4001', async (t) => {
  const own = await withServer(t, {
    flags: ['--ping-interval', '200ms', '--ping-timeout', '1500ms'],
  });
  const answering = await Client.connect(own, { client: 'answering' });
  const talking = await Client.connect(own, {
    client: 'talking',
    pong: false,
    subscriptions: [{ channel: 'talk' }],
  });
  const silent = await Client.connect(own, { client: 'silent', pong: false });
  assert.deepEqual([silent.welcome.pingIntervalMs, silent.welcome.pingTimeoutMs], [200, 1500]);
  const talk = setInterval(() => talking.send({ type: 'subscribe', id: 1, channel: 'talk' }), 200);
  t.after(() => clearInterval(talk));
  const end = await within(10_000, silent.closed, () => 'the silent client to be closed');
  assert.equal(end.code, 4001);
  assert.ok(silent.pings >= 2, `${silent.pings} pings`);
  await answering.waitFor(() => (answering.pings >= 8 ? true : undefined), '8 pings');
  assert.equal(answering.end, undefined);
  assert.equal(talking.end, undefined);
  await publish(own, 'talk', 1);
  await talking.nextDelivery();
});
