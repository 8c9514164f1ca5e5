// What the claims of a token allow: over each call, each subscription and each delivery.

import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { Client } from '../support/client.mjs';
import { eventually } from '../support/eventually.mjs';
import { answers, grpcClients, refusedWith, status } from '../support/grpc.mjs';
import { channelPath, post, request } from '../support/http.mjs';
import { metricsOf } from '../support/metrics.mjs';
import { serverForFile } from '../support/server.mjs';
import { bearer, inSeconds, issue, operator } from '../support/tokens.mjs';

const kSkewSeconds = 60; // how far clocks may be apart
const server = await serverForFile({ tokens: true });
const root = operator();
const rpc = grpcClients(server.grpc);
after(() => rpc.close());

const call = (method, path, token, body) =>
  request(server.http, { method, path, body, headers: bearer(token) });
const publish = (channel, token, fields = {}) =>
  post(
    server,
    channel,
    { contentType: 'application/json', payload: { text: 'hi' }, ...fields },
    bearer(token),
  );

test('the sender is the user, or whom publishAs names', async () => {
  const alice = issue('alice', { subscribe: ['senders'], publish: ['senders'] });
  const bot = issue('bot', { publish: ['senders'], publishAs: true });
  assert.equal((await publish('senders', alice)).status, 201);
  const asBob = await publish('senders', alice, { sender: 'bob' });
  assert.equal(asBob.status, 403);
  assert.match(asBob.json.error.message, /publishAs/);
  assert.equal((await publish('senders', bot, { sender: 'bob' })).status, 201);
  const { messages } = (await call('GET', channelPath('senders'), alice)).json;
  assert.deepEqual(
    messages.map(({ seq, sender }) => [seq, sender]),
    [
      [1, 'alice'],
      [2, 'bob'],
    ],
  );
  // An edit is its sender's to make, or publishAs'.
  const edit = (seq, token) =>
    call('PUT', channelPath('senders', seq), token, { contentType: 'text/plain', payload: 'x' });
  assert.equal((await edit(2, alice)).status, 403);
  assert.equal((await edit(1, alice)).status, 201);
  assert.equal((await edit(1, bot)).status, 201);
});

test('claims decide over channels, and do not tell whether these exist', async () => {
  await publish('secret', root);
  const alice = issue('alice', { subscribe: ['room/*'], publish: ['room/a', 'talk/*'] });
  const of = (answer) => [answer.status, answer.json.error?.message];
  for (const path of [channelPath('secret'), channelPath('secret', 1), channelPath('secret', 9)]) {
    const [code, said] = of(await call('GET', path, alice));
    assert.equal(code, 403);
    assert.deepEqual(of(await call('GET', path.replace('secret', 'absent'), alice)), [code, said]);
  }
  assert.equal((await call('GET', channelPath('secret', 1, 'receipts'), alice)).status, 403);
  assert.equal((await publish('room/b', alice)).status, 403);
  assert.equal((await publish('talk/b', alice)).status, 201);
  assert.equal((await call('GET', channelPath('talk/b'), alice)).status, 403);
  const asAlice = bearer(alice);
  const denied = (promise) => refusedWith(promise, status.PERMISSION_DENIED);
  await denied(rpc.messages.publish({ channel: 'room/b' }, asAlice));
  await denied(rpc.messages.getMessage({ channel: 'secret', seq: 1 }, asAlice));
  await denied(answers(rpc.messages.read({ channel: 'secret' }, asAlice)));
  await denied(answers(rpc.messages.read({}, asAlice)));
  await denied(rpc.messages.listChannels({}, asAlice));
  await rpc.messages.listChannels({ prefix: 'room/' }, asAlice);
});

test('a stream of publishes is held to the claims, message by message', async () => {
  const token = issue('alice', { publish: ['stream/mine'] });
  const stream = rpc.messages.publishStream(bearer(token));
  const got = answers(stream);
  stream.write({ requests: [{ channel: 'stream/mine' }, { channel: 'stream/other' }] });
  stream.end();
  const [{ results }] = await got;
  assert.equal(results[0].published.seq, 1);
  assert.equal(results[1].error.code, status.PERMISSION_DENIED);
  const refused = rpc.messages.publishStream(bearer('x.y.z'));
  await refusedWith(answers(refused), status.UNAUTHENTICATED);
});

test('what is about other clients takes admin', async () => {
  const alice = bearer(issue('alice', { subscribe: ['own/*'] }));
  const denied = (promise) => refusedWith(promise, status.PERMISSION_DENIED);
  const ofBob = { client: 'bob/phone', channel: 'own/1' };
  const own = { client: 'alice/phone', channel: 'own/1' };
  await rpc.subscriptions.subscribe(own, alice);
  await denied(rpc.subscriptions.subscribe(ofBob, alice));
  await denied(rpc.subscriptions.subscribe({ ...own, channel: 'room/1' }, alice));
  await denied(rpc.subscriptions.subscribeMany({ requests: [own, ofBob] }, alice));
  await denied(rpc.subscriptions.unsubscribe(ofBob, alice));
  await denied(rpc.subscriptions.listSubscriptions({ channel: 'own/1' }, alice));
  await rpc.subscriptions.listSubscriptions({ client: 'alice/phone' }, alice);
  await denied(rpc.deliveries.explainDelivery({ ...ofBob, seq: 1 }, alice));
  await rpc.deliveries.explainDelivery({ ...own, seq: 1 }, alice);
  await denied(rpc.deliveries.getClient({ client: 'bob/phone' }, alice));
  await rpc.deliveries.getClient({ client: 'alice/phone' }, alice);
  await denied(rpc.deliveries.listFailures({}, alice));
  await rpc.deliveries.listFailures({ filter: { client: 'alice/phone' } }, alice);
  await denied(answers(rpc.deliveries.watchFailures({}, alice)));
  await denied(rpc.deliveries.listClients({}, alice));
  await denied(rpc.admin.getStatus({}, alice));
  await denied(rpc.admin.forgetClient({ client: 'alice/phone' }, alice));
  await denied(rpc.admin.drain({}, alice));
  await denied(rpc.admin.redact({ channel: 'own/1', seq: 1 }, alice));
  await denied(rpc.admin.planReplay({}, alice));
  await denied(answers(rpc.admin.backup({ directory: '/tmp/never' }, alice)));
  const json = await request(server.admin, {
    method: 'POST',
    path: '/v1/admin/GetStatus',
    headers: alice,
  });
  assert.equal(json.status, 403, json.body);
  const known = await rpc.subscriptions.listSubscriptions({ client: 'bob/phone' }, bearer(root));
  assert.deepEqual(known.subscriptions, []);
});

test('receipts count for whoever may read, and name clients to operators only', async () => {
  await rpc.subscriptions.subscribe({ client: 'bob/phone', channel: 'ticks' }, bearer(root));
  await publish('ticks', root);
  const alice = bearer(issue('alice', { subscribe: ['ticks'] }));
  const question = { channel: 'ticks', seq: 1, maxClients: 10 };
  const seen = await rpc.deliveries.getReceipts(question, alice);
  assert.deepEqual([seen.owed, seen.deliveries], [1, []]);
  const all = await rpc.deliveries.getReceipts(question, bearer(root));
  assert.deepEqual(
    all.deliveries.map((each) => each.client),
    ['bob/phone'],
  );
});

test('a session is its user, and subscribes to what its token allows', async () => {
  const token = issue('carol', { subscribe: ['club/*'] });
  const other = await Client.open(server);
  other.send({ type: 'connect', client: 'alice/phone', token });
  assert.equal((await other.closed).code, 4501, "another user's client");
  const client = await Client.connect(server, {
    client: 'carol/phone',
    token,
    subscriptions: [{ channel: 'club/1' }, { channel: 'vault' }],
  });
  assert.deepEqual(
    client.welcome.subscriptions.map((each) => each.channel),
    ['club/1'],
  );
  const atConnect = await client.next('error');
  assert.deepEqual([atConnect.id, atConnect.code], [0, 'permission_denied']);
  assert.match(atConnect.message, /^vault: /);
  client.send({ type: 'subscribe', id: 5, channel: 'vault' });
  const error = await client.next('error');
  assert.deepEqual([error.id, error.code, error.retryable], [5, 'permission_denied', false]);
  await client.subscribe('club/2');
  await publish('club/2', root);
  assert.equal((await client.nextDelivery()).message.channel, 'club/2');
  await client.drop();
});

test('the header of the upgrade will do where connect has no token', async () => {
  const token = issue('dora', { subscribe: ['club/*'] });
  const client = await Client.open(server, { headers: bearer(token) });
  client.send({ type: 'connect', client: 'dora' });
  assert.equal((await client.next('welcome')).client, 'dora');
  await client.drop();
});

test('a session ends when its token does', async () => {
  const soon = issue('erin', {}, { exp: inSeconds(2 - kSkewSeconds) });
  const client = await Client.connect(server, { client: 'erin', token: soon });
  const end = await client.closed;
  assert.deepEqual(end, { code: 4003, reason: 'the token has expired' });
});

test('a refreshed session lives on, with what the new token allows', async () => {
  const token = (rights, rest) => issue('fred', rights, rest);
  const both = { subscribe: ['tea', 'milk'] };
  const client = await Client.connect(server, {
    client: 'fred/phone',
    token: token(both, { exp: inSeconds(3 - kSkewSeconds) }),
    subscriptions: [{ channel: 'tea' }, { channel: 'milk' }],
  });
  await publish('milk', root);
  const inFlight = await client.nextDelivery();
  client.send({ type: 'refresh', id: 7, token: token({ subscribe: ['tea'] }) });
  assert.equal((await client.next('refreshed')).id, 7);
  await publish('milk', root);
  await publish('tea', root);
  assert.equal((await client.nextDelivery()).message.channel, 'tea');
  client.send({ type: 'ack', id: 8, deliveries: [inFlight.delivery] });
  const denied = await client.next('error');
  assert.deepEqual([denied.id, denied.code], [8, 'permission_denied']);

  const question = { client: 'fred/phone', channel: 'milk', seq: 1 };
  const explained = await rpc.deliveries.explainDelivery(question, bearer(root));
  assert.deepEqual(
    [explained.state, explained.reason],
    ['DELIVERY_STATE_PENDING', 'REASON_FORBIDDEN'],
  );
  // Given back, it comes, and in order.
  client.send({ type: 'refresh', id: 9, token: token(both) });
  await client.next('refreshed');
  const again = await client.collect(2);
  assert.deepEqual(
    again.map(({ message, attempt }) => [message.channel, message.seq, attempt]),
    [
      ['milk', 1, 2],
      ['milk', 2, 1],
    ],
  );
  client.send({ type: 'refresh', id: 10, token: issue('eve', both) });
  assert.equal((await client.closed).code, 4501);
});

test('what the token does not allow stays owed, and is told once', async () => {
  const question = { client: 'gina/phone', channel: 'cellar' };
  await rpc.subscriptions.subscribe(question, bearer(root));
  for (let n = 0; n < 3; ++n) await publish('cellar', root);
  const before = await metricsOf(server);
  const client = await Client.connect(server, {
    client: 'gina/phone',
    token: issue('gina', { subscribe: ['attic'] }),
  });
  const failures = await eventually(async () => {
    const list = await rpc.deliveries.listFailures({ filter: question }, bearer(root));
    return list.failures.length > 0 && list.failures;
  }, 'the refusal to be on record');
  assert.deepEqual(
    failures.map(({ reason, firstSeq, lastSeq }) => [reason, firstSeq, lastSeq]),
    [['REASON_FORBIDDEN', 1, 1]],
  );
  const name = 'ackwire_delivery_failures_total{reason="forbidden"}';
  assert.equal((await metricsOf(server))[name] - (before[name] ?? 0), 1);
  for (const seq of [1, 2, 3]) {
    const { state, reason } = await rpc.deliveries.explainDelivery(
      { ...question, seq },
      bearer(root),
    );
    assert.deepEqual([state, reason], ['DELIVERY_STATE_PENDING', 'REASON_FORBIDDEN']);
  }
  assert.deepEqual(client.untaken, []);
  client.send({ type: 'refresh', id: 1, token: issue('gina', { subscribe: ['cellar'] }) });
  assert.deepEqual(
    (await client.collect(3)).map((item) => item.message.seq),
    [1, 2, 3],
  );
  await client.drop();
});

// What a session was told of its user's messages, by the time that it hears of one in `last`.
async function receiptsUntil(session, last) {
  const told = [];
  while (!told.some(({ channel, acked }) => channel === last && acked === 1))
    told.push(...(await session.next('receipts')).items);
  return [...new Set(told.map(({ channel }) => channel))].sort();
}

// A reader of everything, and a session of another user that is told receipts.
async function readerAndAuthor(user, channels, token) {
  const reader = await Client.connect(server, {
    client: `reader-of-${user}`,
    token: issue(`reader-of-${user}`, { subscribe: ['*'] }),
    subscriptions: channels.map((channel) => ({ channel })),
  });
  const author = await Client.connect(server, { client: `${user}/tv`, token, receipts: true });
  const read = async (channel) => {
    const item = await reader.nextDelivery(({ message }) => message.channel === channel);
    await reader.confirm(item);
  };
  return { author, read, leave: () => Promise.all([author.drop(), reader.drop()]) };
}

test('receipts are told of channels that the token may read', async () => {
  const token = issue('ida', { subscribe: ['hall'], publish: ['whisper', 'hall'] });
  const { author, read, leave } = await readerAndAuthor('ida', ['whisper', 'hall'], token);
  for (const channel of ['whisper', 'hall']) {
    await publish(channel, token);
    await read(channel);
  }
  assert.deepEqual(await receiptsUntil(author, 'hall'), ['hall']);
  await leave();
});

test('a refresh takes receipts away too, of messages that were told of before', async () => {
  const channels = ['yard', 'porch'];
  const token = issue('jim', { subscribe: channels, publish: channels });
  const { author, read, leave } = await readerAndAuthor('jim', channels, token);
  await publish('yard', token);
  await author.next('receipts', ({ items }) => items.some(({ channel }) => channel === 'yard'));
  author.send({ type: 'refresh', id: 1, token: issue('jim', { subscribe: ['porch'] }) });
  await author.next('refreshed');
  author.frames = author.frames.filter(({ type }) => type !== 'receipts');
  await read('yard');
  await publish('porch', token);
  await read('porch');
  assert.deepEqual(await receiptsUntil(author, 'porch'), ['porch']);
  await leave();
});
