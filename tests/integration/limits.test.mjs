// The limits of rates and connections: what a caller over one is told, that it is counted, and that
// others go on.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import test, { afterEach } from 'node:test';
import { Client, dropAll } from '../support/client.mjs';
import { eventually } from '../support/eventually.mjs';
import { grpcClients, status } from '../support/grpc.mjs';
import { post, publish, raw, split } from '../support/http.mjs';
import { metricsOf } from '../support/metrics.mjs';
import { withServer } from '../support/server.mjs';

afterEach(dropAll);

async function hits(limit, of) {
  return (await metricsOf(of))[`ackwire_limit_hits_total{limit="${limit}"}`];
}

// Sends four at once, again and again until one of the answers is a refusal: where all is slow,
// four may take so long that they are within the rate.
function anyOfFour(send, isRefusal) {
  const ask = async () => (await Promise.all([send(), send(), send(), send()])).find(isRefusal);
  return eventually(ask, 'a refusal');
}

test('over a rate is resource_exhausted with a wait; again and again is closed 4007', async (t) => {
  const own = await withServer(t, {
    flags: ['--session-frame-rate', '20', '--publish-rate', '2', '--max-subscriptions', '3'],
  });
  const client = await Client.connect(own, { client: 'quick' });
  const from = performance.now();
  for (let n = 0; n < 100; n += 1) client.send({ type: 'pong' });
  const error = await client.next('error');
  assert.deepEqual([error.code, error.retryable], ['resource_exhausted', true]);
  assert.ok(error.retryAfterMs > 0 && error.retryAfterMs <= 1000, `${error.retryAfterMs}`);
  while (!client.end && performance.now() - from < 10_000) {
    client.send({ type: 'pong' });
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal((await client.closed).code, 4007);
  assert.ok((await hits('session_frame_rate', own)) > 100);
  assert.equal(await hits('session_errors', own), 1);

  const refused = await anyOfFour(
    () => post(own, 'quick', { payload: 1 }),
    (answer) => answer.status === 429,
  );
  assert.equal(refused.json.error.code, 'resource_exhausted');
  assert.equal(refused.headers['retry-after'], '1');
  const other = grpcClients(own.grpc);
  t.after(() => other.close());
  await anyOfFour(
    () => other.messages.publish({ channel: 'quick', sender: 'bob' }).catch((failure) => failure),
    (answer) => answer.code === status.RESOURCE_EXHAUSTED,
  );

  const many = await Client.connect(own, { client: 'many' });
  for (const channel of ['a', 'b', 'c']) await many.subscribe(channel);
  many.send({ type: 'subscribe', id: 9, channel: 'd' });
  const over = await many.next('error');
  assert.deepEqual([over.id, over.code], [9, 'resource_exhausted']);
  await assert.rejects(other.subscriptions.subscribe({ client: 'many', channel: 'd' }), {
    code: status.RESOURCE_EXHAUSTED,
  });
  assert.equal(await hits('subscriptions', own), 2);
});

// An idle connection that stays until the test is over.
async function idle(t, to) {
  const [host, port] = split(to);
  const socket = connect({ host, port });
  t.after(() => socket.destroy());
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  return socket;
}

test('too many connections are 503, from one address 429, with Retry-After', async (t) => {
  const kCases = [
    ['--max-connections', 5, 'connections', 503, 'unavailable'],
    ['--max-unauthenticated', 5, 'unauthenticated', 503, 'unavailable'],
    ['--max-connections-per-address', 5, 'connections_per_address', 429, 'resource_exhausted'],
    ['--connect-rate', 1, 'connect_rate', 429, 'resource_exhausted'],
  ];
  for (const [flag, most, limit, expected, code] of kCases) {
    const own = await withServer(t, { flags: [flag, `${most}`] });
    const sockets = [];
    for (let n = 0; n < most; n += 1) sockets.push(await idle(t, own.http));
    const [host, port] = split(own.http);
    const ask = 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
    // The next, unless it takes this a second to come to it: then there is room in the rate again.
    const answer = await eventually(async () => {
      const text = await raw(host, port, ask);
      if (!text.startsWith(`HTTP/1.1 ${expected} `)) throw new Error(`${flag}: ${text}`);
      return text;
    }, `${flag}: ${expected}`);
    assert.match(answer, /^retry-after: [1-9]\d*\r$/im, flag);
    assert.match(answer, new RegExp(`"code":"${code}"`), flag);
    assert.equal(await hits(limit, own), 1, flag);
    for (const socket of sockets) socket.destroy();
    const served = async () => (await post(own, 'after', { payload: flag })).status === 201;
    await eventually(served, `${flag}: room again`);
  }
});

test('known clients do not count as unauthenticated', async (t) => {
  const own = await withServer(t, { flags: ['--max-unauthenticated', '2'] });
  const clients = [];
  for (let n = 0; n < 6; n += 1) clients.push(await Client.connect(own, { client: `c/${n}` }));
  await publish(own, 'any', 1);
  assert.equal(await hits('unauthenticated', own), 0);
});

test('who was told that it needs a token counts as unauthenticated still', async (t) => {
  const kMost = 3;
  const own = await withServer(t, { tokens: true, flags: ['--max-unauthenticated', `${kMost}`] });
  const ask = 'GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n';
  for (let n = 0; n < kMost; n += 1) {
    const socket = await idle(t, own.http);
    const answered = once(socket.setEncoding('latin1'), 'data');
    socket.write(ask);
    const [answer] = await answered;
    assert.match(answer, /^HTTP\/1\.1 40[14] /);
    assert.doesNotMatch(answer, /^connection: close/im);
  }
  const [host, port] = split(own.http);
  const until = (text) => text.includes('\r\n\r\n');
  assert.match(await raw(host, port, ask, { until }), /^HTTP\/1\.1 503 /);
  assert.equal(await hits('unauthenticated', own), 1);
});
