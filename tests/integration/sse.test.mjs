// What a client is owed, received as events; what it answers, by calls.

import assert from 'node:assert/strict';
import test, { after, afterEach } from 'node:test';
import { Client, dropAll } from '../support/client.mjs';
import { dropStreams, EventStream, SmallEventSource } from '../support/event_stream.mjs';
import { eventually, within } from '../support/eventually.mjs';
import { grpcClients } from '../support/grpc.mjs';
import { publish, publishMany, raw, request, split } from '../support/http.mjs';
import { serverForFile, withServer } from '../support/server.mjs';
import { explained, floorOf, floorReaches, offline } from '../support/state.mjs';

const server = await serverForFile({ flags: ['--backoff', '100ms,200ms'] });
const rpc = grpcClients(server.grpc);
after(() => rpc.close());
afterEach(() => Promise.all([dropStreams(), dropAll()]));

const numbers = (items) => items.map((item) => [item.delivery, item.message.seq, item.attempt]);

// A client with a channel of its own name, of which it has got `count` messages.
async function received(client, count, query = {}) {
  const stream = await EventStream.open(server, { client, channels: client, ...query });
  await publishMany(server, client, count);
  return [stream, await stream.collect(count)];
}

async function lose(stream) {
  await stream.drop();
  await offline(rpc, stream.name);
}

// Answers a call that is to succeed.
async function confirmed(stream, call, fields) {
  const { status, body } = await stream.post(call, fields);
  assert.deepEqual([status, body], [200, '{"confirmed":true}']);
}

test('a stream says what it is, and begins with the welcome', async () => {
  const stream = await EventStream.open(server, { client: 'heads/tv', channels: 'heads' });
  const { headers } = stream.answer;
  assert.equal(headers['content-type'], 'text/event-stream; charset=utf-8');
  assert.equal(headers['cache-control'], 'no-store');
  assert.equal(headers['x-accel-buffering'], 'no');
  assert.equal(headers['transfer-encoding'], 'chunked');
  const { client, resumed, subscriptions } = stream.welcome;
  assert.deepEqual([client, resumed], ['heads/tv', false]);
  assert.deepEqual(subscriptions, [{ channel: 'heads', floor: 0, lastSeq: 0 }]);
  assert.equal(stream.lastEventId, `${stream.session}:0`);
  assert.ok(stream.reader.retryMs >= 1000 && stream.reader.retryMs < 3000);
});

test('deliveries come as events, with ids, and payloads with line ends as they are', async () => {
  const client = 'events';
  const stream = await EventStream.open(server, { client, channels: `${client},other/1` });
  const body = '{"payload":{\n  "text":\r\n    "a\\nb"\r}}';
  const path = '/v1/channels/events/messages';
  assert.equal((await request(server.http, { method: 'POST', path, body })).status, 201);
  const first = await stream.nextEvent('deliveries');
  assert.equal(first.lastEventId, `${stream.session}:1`);
  assert.deepEqual(first.frame.items[0].message.payload, { text: 'a\nb' });
  assert.ok(first.data.includes('\n'), 'the payload is in several lines');
  await publish(server, 'other/1', 'x');
  const second = await stream.nextEvent('deliveries');
  assert.equal(second.lastEventId, `${stream.session}:2`);
  assert.equal(second.frame.items[0].message.channel, 'other/1');
});

test('channels with commas and percent signs, and where they begin', async () => {
  const names = ['a,b', '50%', 'c%2Cd'];
  for (const name of names) await publish(server, name, 'before');
  const channels = names
    .map((name) => name.replaceAll('%', '%25').replaceAll(',', '%2C'))
    .join(',');
  const stream = await EventStream.open(server, { client: 'escapes', channels, from: 'first' });
  const items = await stream.collect(3);
  assert.deepEqual(items.map(({ message }) => message.channel).sort(), [...names].sort());
});

test('an acknowledgement is answered once it is on disk', async () => {
  const [stream] = await received('acks', 3);
  const flying = await explained(rpc, 'acks', 'acks', 3, 'IN_FLIGHT');
  assert.deepEqual(
    flying.attempts.map((one) => [one.number, one.session, one.transport]),
    [[1, stream.session, 'sse']],
  );
  await confirmed(stream, 'ack', { upTo: 2 });
  assert.equal(await floorOf(rpc, 'acks', 'acks'), 2);
  await confirmed(stream, 'ack', { deliveries: [3] });
  assert.equal(await floorOf(rpc, 'acks', 'acks'), 3);
  await confirmed(stream, 'ack', { upTo: 3 });
  await explained(rpc, 'acks', 'acks', 3, 'ACKED');
});

test('an acknowledgement of what was never sent, or in no session, is refused', async () => {
  const [stream] = await received('unknown', 1);
  const never = await stream.post('ack', { upTo: 9 });
  assert.deepEqual([never.status, never.json.error.code], [404, 'unknown_delivery']);
  const { session } = stream;
  await lose(stream);
  const gone = await stream.post('ack', { upTo: 1 });
  assert.deepEqual([gone.status, gone.json.error.code], [404, 'not_found']);
  assert.match(gone.json.error.message, new RegExp(`^session: ${session} is not connected`));
});

test('a nack has it sent again, a final one parks it, working gives more time', async () => {
  const [stream] = await received('nacks', 1);
  await confirmed(stream, 'nack', { deliveries: [1], reason: 'busy' });
  const failed = await explained(rpc, 'nacks', 'nacks', 1, 'IN_FLIGHT');
  assert.deepEqual([failed.attempts[0].reason, failed.attempts[0].detail], ['REASON_NACK', 'busy']);
  assert.deepEqual(numbers(await stream.collect(1)), [[2, 1, 2]]);
  await confirmed(stream, 'working', { deliveries: [2] });
  await confirmed(stream, 'nack', { deliveries: [2], final: true });
  await explained(rpc, 'nacks', 'nacks', 1, 'PARKED', 'REJECTED');
});

test('Last-Event-ID: what arrived stays in flight, the rest is sent again', async () => {
  const client = 'comes-back';
  const [before] = await received(client, 2);
  const arrived = before.lastEventId;
  await publish(server, client, 'third');
  await before.collect(1);
  await lose(before);
  const stream = await EventStream.open(server, { client }, { 'last-event-id': arrived });
  assert.deepEqual([stream.welcome.resumed, stream.session], [true, before.session]);
  assert.deepEqual(numbers(await stream.collect(1)), [[4, 3, 2]]);
  const flying = await explained(rpc, client, client, 1, 'IN_FLIGHT');
  assert.deepEqual(
    flying.attempts.map((one) => [one.number, one.reason, one.transport]),
    [
      [1, 'REASON_DISCONNECTED', 'sse'],
      [1, 'REASON_UNSPECIFIED', 'sse'],
    ],
  );
  assert.equal(await floorOf(rpc, client, client), 0);
  await confirmed(stream, 'ack', { upTo: 2 });
  assert.equal(await floorOf(rpc, client, client), 2);
  await confirmed(stream, 'ack', { upTo: 4 });
  assert.equal(await floorOf(rpc, client, client), 3);
});

test('what stayed in flight and is not acknowledged in its time comes again', async (t) => {
  const own = await withServer(t, { flags: ['--ack-wait', '1s', '--backoff', '100ms'] });
  const ownRpc = grpcClients(own.grpc);
  t.after(() => ownRpc.close());
  const before = await EventStream.open(own, { client: 'forgets', channels: 'forgets' });
  await publish(own, 'forgets', 1);
  await before.collect(1);
  await before.drop();
  await offline(ownRpc, 'forgets');
  const stream = await before.reopen();
  assert.deepEqual(numbers(await stream.collect(1)), [[2, 1, 2]]);
  const { attempts } = await explained(ownRpc, 'forgets', 'forgets', 1, 'IN_FLIGHT');
  assert.deepEqual(
    attempts.map((one) => [one.number, one.reason]),
    [
      [1, 'REASON_DISCONNECTED'],
      [1, 'REASON_ACK_TIMEOUT'],
      [2, 'REASON_UNSPECIFIED'],
    ],
  );
});

test('the last event may stand in the query; one that is none is refused', async () => {
  const [before] = await received('polyfill', 1);
  await lose(before);
  const { lastEventId } = before;
  const stream = await EventStream.open(server, { client: 'polyfill', lastEventId });
  assert.equal(stream.welcome.resumed, true);
  const path = '/v1/sse?client=polyfill&lastEventId=57';
  const { status, json } = await request(server.http, { path });
  assert.deepEqual([status, json.error.code], [400, 'invalid_argument']);
});

test('a session of another life of the server is a new one, and all comes again', async (t) => {
  const own = await withServer(t);
  const before = await EventStream.open(own, { client: 'lives', channels: 'lives' });
  await publishMany(own, 'lives', 2);
  await before.collect(2);
  await own.restart();
  const stream = await before.reopen();
  assert.equal(stream.welcome.resumed, false);
  assert.notEqual(stream.session, before.session);
  assert.deepEqual(numbers(await stream.collect(2)), [
    [1, 1, 2],
    [2, 2, 2],
  ]);
});

test('with ack=written what is written counts as acknowledged', async () => {
  const [stream] = await received('shows', 3, { ack: 'written' });
  await floorReaches(rpc, 'shows', 'shows', 3);
  await lose(stream);
  const again = await stream.reopen();
  await publish(server, 'shows', 4);
  assert.deepEqual(numbers(await again.collect(1)), [[4, 4, 1]]);
});

test('a session that was replaced is told so, and its reconnect gets 204', async () => {
  const [stream] = await received('taken', 1);
  const newer = await EventStream.open(server, { client: 'taken' });
  assert.deepEqual(await stream.next('close'), {
    type: 'close',
    code: 4500,
    reason: 'the client connected elsewhere',
  });
  assert.equal(await stream.ended, 'whole');
  const headers = { 'last-event-id': stream.lastEventId };
  const again = await EventStream.ask(server, { client: 'taken' }, headers);
  assert.equal(again.status, 204);
  assert.equal(await again.ended, 'whole');
  assert.deepEqual(numbers(await newer.collect(1)), [[1, 1, 2]]);
  await confirmed(newer, 'ack', { upTo: 1 });
});

test('a WebSocket takes over from a stream, and goes on in its session', async () => {
  const [stream] = await received('upgrades', 2);
  const resume = { session: stream.session, delivery: 1 };
  const socket = await Client.connect(server, { client: 'upgrades', resume });
  assert.equal((await stream.next('close')).code, 4500);
  assert.equal(socket.welcome.resumed, true);
  assert.deepEqual(numbers(await socket.collect(1)), [[3, 2, 2]]);
  await floorReaches(rpc, 'upgrades', 'upgrades', 1);
});

test('an EventSource comes back by itself, and stops when it is replaced', async () => {
  const client = 'small';
  const source = new SmallEventSource(server, { client, channels: client });
  const connection = async (n) => {
    const stream = await eventually(() => source.streams[n], `connection ${n} of ${client}`);
    stream.welcome = await stream.next('welcome');
    return stream;
  };
  const first = await connection(0);
  await publish(server, client, 1);
  await first.collect(1);
  await confirmed(first, 'ack', { upTo: 1 });
  await rpc.admin.disconnectClient({ client, reason: 'maintenance' });
  const close = await first.next('close');
  assert.deepEqual([close.code, close.reason], [4004, 'maintenance']);
  await publish(server, client, 2);
  const second = await connection(1);
  assert.deepEqual([second.welcome.resumed, second.session], [true, first.session]);
  assert.deepEqual(numbers(await second.collect(1)), [[2, 2, 1]]);
  await EventStream.open(server, { client });
  assert.equal(await within(10_000, source.finished, () => `${client} to stop`), 204);
});

test('its user hears what becomes of its messages, if it asks', async () => {
  const stream = await EventStream.open(server, { client: 'author/tv', receipts: true });
  const reader = await EventStream.open(server, { client: 'reads', channels: 'news' });
  await publish(server, 'news', 'hi', { sender: 'author' });
  await reader.collect(1);
  await confirmed(reader, 'ack', { upTo: 1 });
  const acked = await eventually(async () => {
    const { items } = await stream.next('receipts');
    return items.find((item) => item.channel === 'news' && item.acked === 1);
  }, 'the receipt');
  assert.deepEqual([acked.seq, acked.owed], [1, 1]);
});

test('a change of its subscriptions from elsewhere is told', async () => {
  const stream = await EventStream.open(server, { client: 'elsewhere' });
  await rpc.subscriptions.subscribe({ client: 'elsewhere', channel: 'later' });
  assert.equal((await stream.next('subscribed')).channel, 'later');
  await rpc.subscriptions.unsubscribe({ client: 'elsewhere', channel: 'later' });
  assert.equal((await stream.next('unsubscribed')).channel, 'later');
});

test('it is pinged, and its silence closes nothing', async (t) => {
  const own = await withServer(t, {
    flags: ['--ping-interval', '100ms', '--ping-timeout', '250ms'],
  });
  const stream = await EventStream.open(own, { client: 'silent', channels: 'silent' });
  for (let n = 0; n < 5; n += 1) await stream.next('ping');
  await publish(own, 'silent', 1);
  assert.deepEqual(numbers(await stream.collect(1)), [[1, 1, 1]]);
});

test('a reader that takes no bytes is closed, and goes on from what arrived', async (t) => {
  const own = await withServer(t, { flags: ['--write-stall', '300ms'] });
  const ownRpc = grpcClients(own.grpc);
  t.after(() => ownRpc.close());
  const client = 'slow';
  const stream = await EventStream.open(own, { client, channels: client });
  stream.answer.pause();
  const count = 100; // more than two kernels' buffers take
  const payload = '.'.repeat(250_000);
  for (let n = 1; n <= count; n += 1) await publish(own, client, payload);
  await offline(ownRpc, client);
  const { failures } = await ownRpc.deliveries.listFailures({ client });
  assert.ok(failures.length > 0);
  for (const { reason } of failures) assert.equal(reason, 'REASON_SLOW_CONSUMER');
  stream.answer.resume();
  await stream.ended;
  const arrived = Number(/:(\d+)$/.exec(stream.lastEventId)[1]);
  assert.ok(arrived < count, `${arrived} arrived`);
  const again = await stream.reopen();
  assert.equal(again.welcome.resumed, true);
  const [next] = await again.collect(1);
  assert.equal(next.message.seq, arrived + 1);
});

test('a server that stops says so, and the stream ends', async (t) => {
  const own = await withServer(t);
  const stream = await EventStream.open(own, { client: 'stops' });
  await own.stop();
  assert.equal((await stream.next('close')).code, 1001);
  assert.equal(await stream.ended, 'whole');
});

test('what is asked for wrongly is refused before there is a stream', async () => {
  const refused = async (query, headers) => {
    const { status, json } = await request(server.http, { path: `/v1/sse${query}`, headers });
    assert.equal(status, 400);
    return json.error.message;
  };
  assert.match(await refused(''), /^client: /);
  assert.match(await refused('?client=a%20b'), /^client: /);
  assert.match(await refused('?client=a&channels=b,*'), /^channels\[1\]: /);
  assert.match(await refused('?client=a&from=later'), /^from: must be new, first or a seq/);
  assert.match(await refused('?client=a&ack=read'), /^ack: must be written or left out/);
  assert.match(await refused('?client=a', { 'last-event-id': 'x' }), /^Last-Event-ID: must be/);
});

test('other methods are answered, and open no session', async () => {
  const path = '/v1/sse?client=methods&channels=methods';
  const head = await request(server.http, { method: 'HEAD', path });
  assert.equal(head.status, 200);
  assert.equal(head.headers['content-type'], 'text/event-stream; charset=utf-8');
  const options = await request(server.http, { method: 'OPTIONS', path });
  assert.deepEqual([options.status, options.headers.allow], [204, 'GET, HEAD, OPTIONS']);
  const post = await request(server.http, { method: 'POST', path, body: {} });
  assert.deepEqual([post.status, post.headers.allow], [405, 'GET, HEAD, OPTIONS']);
  const { clients } = await rpc.deliveries.listClients({});
  assert.ok(!clients.some(({ client }) => client === 'methods'));
});

test('in HTTP/1.0 the body is not chunked, and ends with the connection', async () => {
  const [host, port] = split(server.http);
  const client = 'old';
  const answer = raw(host, port, `GET /v1/sse?client=${client} HTTP/1.0\r\nHost: ${host}\r\n\r\n`);
  await eventually(
    async () => (await rpc.deliveries.getClient({ client })).online,
    `${client} to be online`,
  );
  await rpc.admin.disconnectClient({ client, reason: 'enough' });
  const [head, body] = (await answer).split('\r\n\r\n');
  assert.match(head, /^HTTP\/1\.0 200 OK\r\n/);
  assert.doesNotMatch(head, /transfer-encoding/i);
  assert.match(body, /^event: welcome\nid: s-\w+:0\nretry: \d+\ndata: {"type":"welcome"/);
  assert.match(body, /\n\nevent: close\nretry: \d+\ndata: {"type":"close","code":4004,.*}\n\n$/);
});

test('sessions are counted by their transport', async (t) => {
  const own = await withServer(t);
  await EventStream.open(own, { client: 'counted/1' });
  await EventStream.open(own, { client: 'counted/2' });
  await Client.connect(own, { client: 'counted/3' });
  const { body } = await request(own.admin, { path: '/metrics' });
  assert.match(body, /^ackwire_sessions{transport="sse"} 2$/m);
  assert.match(body, /^ackwire_sessions{transport="websocket"} 1$/m);
});

const draining = (spread) => ['--drain-grace', '0s', '--drain-spread', spread];

test('a drain tells each stream when to come back, and ends it', async (t) => {
  const own = await withServer(t, { flags: draining('300ms') });
  const stream = await EventStream.open(own, { client: 'drained' });
  own.child.kill('SIGTERM');
  const { reconnectAfterMs } = await stream.next('draining');
  assert.equal((await stream.next('close')).code, 1012);
  assert.equal(await stream.ended, 'whole');
  assert.equal(stream.reader.retryMs, reconnectAfterMs);
  assert.equal((await own.exited).code, 0);
});

test('who comes during a drain is told when to come back', async (t) => {
  const own = await withServer(t, { flags: [...draining('10m'), '--drain-timeout', '11m'] });
  const before = await EventStream.open(own, { client: 'before' });
  own.child.kill('SIGTERM');
  await before.next('draining');
  const stream = await EventStream.ask(own, { client: 'during' });
  assert.equal(stream.status, 200);
  const { reconnectAfterMs, reason } = await stream.next('draining');
  assert.ok(reconnectAfterMs >= 0 && reconnectAfterMs < 600_000, reconnectAfterMs);
  assert.equal(reason, 'restart');
  assert.equal((await stream.next('close')).code, 1012);
  assert.equal(await stream.ended, 'whole');
  assert.equal(stream.reader.retryMs, reconnectAfterMs);
});
