// Drain: SIGTERM or `ackctl drain` empties the server bit by bit, and then it ends.

import assert from 'node:assert/strict';
import test, { afterEach } from 'node:test';
import WebSocket from 'ws';
import { ackctl } from '../support/ackctl.mjs';
import { Client, dropAll } from '../support/client.mjs';
import { eventually, kSlowness, within } from '../support/eventually.mjs';
import { grpcClients, status } from '../support/grpc.mjs';
import { publish, request } from '../support/http.mjs';
import { metricsOf } from '../support/metrics.mjs';
import { withServer } from '../support/server.mjs';
import { explained } from '../support/state.mjs';

const kEndMs = 15_000;
const kLong = '10m';

afterEach(dropAll);

// A server with these times, and its gRPC clients.
async function serving(t, { grace = '0s', spread = '1s', timeout = '30m' }) {
  const times = ['--drain-grace', grace, '--drain-spread', spread, '--drain-timeout', timeout];
  const server = await withServer(t, { flags: times });
  const rpc = grpcClients(server.grpc);
  t.after(() => rpc.close());
  return { server, rpc };
}

const subscribed = (server, client, channel) =>
  Client.connect(server, { client, subscriptions: [{ channel }] });

const ended = (server) => within(kEndMs, server.exited, () => `the end\n${server.stderr}`);

// All is well until now: the server ends with 0.
async function endsWell(server) {
  assert.deepEqual(await ended(server), { code: 0, signal: null });
}

const readyz = (server) => request(server.admin, { path: '/readyz' });
const isDraining = (server) =>
  eventually(async () => (await readyz(server)).status === 503, '/readyz to be 503');

// Whether a connection may be used again once it has been answered.
async function keptAlive(server) {
  const path = '/v1/openapi.yaml';
  const answer = await request(server.http, { path, headers: { connection: 'keep-alive' } });
  assert.equal(answer.status, 200);
  return answer.headers.connection !== 'close';
}

// Asks for a WebSocket, and promises what it gets instead: {status, headers, json}.
function refusedUpgrade(server) {
  const socket = new WebSocket(`ws://${server.http}/v1/ws`, ['ackwire.v1.json']);
  return new Promise((resolve, reject) => {
    socket.once('open', () => reject(new Error('a session was opened')));
    socket.once('error', reject);
    socket.once('unexpected-response', (_, answer) => {
      let body = '';
      answer.on('data', (bytes) => (body += bytes));
      answer.on('end', () =>
        resolve({ status: answer.statusCode, headers: answer.headers, json: JSON.parse(body) }),
      );
    });
  });
}

test('within the grace only readiness changes', async (t) => {
  const { server, rpc } = await serving(t, { grace: kLong });
  const before = await subscribed(server, 'before', 'room');
  assert.equal((await rpc.health.check()).status, 'SERVING');
  assert.match((await ackctl('--server', server.grpc, 'status')).stdout, /^Draining +no$/m);
  server.child.kill('SIGTERM');
  await isDraining(server);
  assert.match((await readyz(server)).body, /^draining/);
  assert.equal((await request(server.admin, { path: '/healthz' })).status, 200);
  assert.equal((await rpc.health.check()).status, 'NOT_SERVING');
  assert.equal((await rpc.admin.getStatus()).draining, true);
  assert.match((await ackctl('--server', server.grpc, 'status')).stdout, /^Draining +yes$/m);
  const after = await subscribed(server, 'after', 'room');
  const answer = await publish(server, 'room', 'still here');
  for (const client of [before, after]) {
    const item = await client.nextDelivery();
    assert.equal(item.message.seq, answer.seq);
    await client.confirm(item);
    assert.deepEqual(client.frames, []); // no word of a drain
  }
  assert.equal(await keptAlive(server), true);
});

test('after it each session is told, goes on, and is closed; then the server ends', async (t) => {
  const spreadMs = 3000 * kSlowness; // what is asked below is asked within it
  const { server, rpc } = await serving(t, { spread: `${spreadMs}ms` });
  const clients = await Promise.all(
    Array.from({ length: 20 }, (_, n) => subscribed(server, `client/${n}`, 'room')),
  );
  const told = await ackctl('--server', server.grpc, 'drain', '-o', 'json');
  assert.deepEqual([told.code, told.json], [0, { sessions: 20 }]);
  for (const client of clients) {
    const { reconnectAfterMs, backoffFactor, reason } = await client.next('draining');
    assert.ok(reconnectAfterMs >= 0 && reconnectAfterMs < spreadMs, reconnectAfterMs);
    assert.deepEqual([backoffFactor, typeof reason], [2, 'string']);
    client.reconnectAfterMs = reconnectAfterMs;
  }
  assert.equal(new Set(clients.map((client) => client.reconnectAfterMs)).size > 10, true);

  const refusal = await refusedUpgrade(server);
  assert.deepEqual([refusal.status, refusal.headers['retry-after']], [503, `${spreadMs / 1000}`]);
  assert.equal(refusal.headers.connection, 'close');
  const { code, retryable, retryAfterMs } = refusal.json.error;
  assert.deepEqual([code, retryable, retryAfterMs], ['unavailable', true, spreadMs]);

  // One that is still there is sent what is published now, and its acknowledgement counts.
  assert.equal(await keptAlive(server), false);
  const { seq } = await publish(server, 'room', 'to those who are left');
  const left = clients.filter((client) => !client.end);
  assert.ok(left.length > 0);
  const last = await Promise.any(
    left.map(async (client) => {
      const item = await client.nextDelivery();
      assert.equal(item.message.seq, seq);
      await client.confirm(item);
      return client;
    }),
  );
  assert.ok(last);
  const again = await rpc.admin.drain({});
  assert.ok(again.sessions <= 20);

  const closed = await eventually(async () => {
    const count = (await metricsOf(server))['ackwire_session_closes_total{code="1012"}'];
    return count > 0 && count < 20 && count;
  }, 'some of the closes to be counted while others go on');
  assert.ok(closed);
  for (const client of clients) assert.equal((await client.closed).code, 1012);
  await endsWell(server);
  assert.match(server.stderr, /drain: begun by Drain from .*20 sessions/);
  assert.match(server.stderr, /drain: the grace is over; 20 sessions/);
  assert.match(server.stderr, /drain: no session is left/);
});

test('closes come bit by bit', async (t) => {
  const { server } = await serving(t, { spread: '2s' });
  const clients = await Promise.all(
    Array.from({ length: 40 }, (_, n) => subscribed(server, `client/${n}`, 'room')),
  );
  const closedAt = clients.map((client) => client.closed.then(() => performance.now()));
  server.child.kill('SIGTERM');
  const times = (await Promise.all(closedAt)).sort((a, b) => a - b);
  await endsWell(server);
  // Each half of the spread has about half.
  const span = times.at(-1) - times[0];
  assert.ok(span > 1000, `all within ${span} ms`);
  const early = times.filter((time) => time - times[0] < span / 2).length;
  assert.ok(early > 8 && early < 32, `${early} of 40 in the first half`);
});

test('without sessions it ends with the grace, not before', async (t) => {
  const { server } = await serving(t, { grace: '700ms' });
  const from = performance.now();
  server.child.kill('SIGTERM');
  await isDraining(server);
  await endsWell(server);
  assert.ok(performance.now() - from >= 700);
});

test('what is left at the timeout is closed at once', async (t) => {
  const { server } = await serving(t, { spread: '24h', timeout: '1s' });
  const clients = await Promise.all(
    Array.from({ length: 5 }, (_, n) => subscribed(server, `client/${n}`, 'room')),
  );
  server.child.kill('SIGTERM');
  for (const client of clients) assert.equal((await client.closed).code, 1012);
  await endsWell(server);
  assert.match(server.stderr, /warning drain: the sessions that are left after 1 s are closed all/);
  assert.match(server.stderr, /5 sessions are left after 1 s; they are closed now/);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  test(`${signal} ends a drain at once and cleanly`, async (t) => {
    const { server } = await serving(t, { grace: kLong });
    const client = await subscribed(server, 'client', 'room');
    server.child.kill('SIGTERM');
    await isDraining(server);
    server.child.kill(signal);
    assert.equal((await client.closed).code, 1001);
    await endsWell(server);
  });
}

test('SIGTERM after `ackctl drain` changes nothing', async (t) => {
  const { server } = await serving(t, { grace: '0s', spread: '1s' });
  const client = await subscribed(server, 'client', 'room');
  assert.equal((await ackctl('--server', server.grpc, 'drain', '--spread', '1s')).code, 0);
  server.child.kill('SIGTERM');
  assert.equal((await client.closed).code, 1012);
  await endsWell(server);
  assert.match(server.stderr, /SIGTERM asks for it again/);
});

test('a drain under way is not begun again with another spread', async (t) => {
  const { server, rpc } = await serving(t, { grace: '500ms', spread: '0s' });
  const client = await subscribed(server, 'client', 'room');
  const first = await rpc.admin.drain({});
  const second = await rpc.admin.drain({ spread: { seconds: 60 } });
  assert.deepEqual([first, second], [{ sessions: 1 }, { sessions: 1 }]);
  assert.equal((await client.next('draining')).reconnectAfterMs, 0);
  assert.equal((await client.closed).code, 1012);
  await endsWell(server);
});

test('what is in flight at the close comes again after the restart', async (t) => {
  const { server, rpc } = await serving(t, { spread: '100ms' });
  const client = await subscribed(server, 'client', 'room');
  await publish(server, 'room', 'in flight');
  await client.nextDelivery();
  server.child.kill('SIGTERM');
  await client.closed;
  await endsWell(server);
  await server.launch();
  rpc.moveTo(server.grpc);
  const story = await explained(rpc, 'client', 'room', 1, 'PENDING', 'CLIENT_OFFLINE');
  assert.deepEqual(
    story.attempts.map(({ reason, detail }) => [reason, detail]),
    [['REASON_DISCONNECTED', 'close code 1012']],
  );
  const back = await subscribed(server, 'client', 'room');
  assert.equal((await back.nextDelivery()).attempt, 2);
});

test('by JSON too; and what is no spread is refused', async (t) => {
  const { server, rpc } = await serving(t, { grace: kLong });
  const wrong = { code: status.INVALID_ARGUMENT, details: /^spread: must be from 0 to 24 h/ };
  for (const seconds of [-1, 90_000]) {
    await assert.rejects(rpc.admin.drain({ spread: { seconds } }), wrong);
  }
  const usage = await ackctl('--server', server.grpc, 'drain', '--spread', 'soon');
  assert.deepEqual([usage.code, usage.stdout], [2, '']);
  assert.match(usage.stderr, /--spread: "soon" is no duration/);
  const beyond = await ackctl('--server', server.grpc, 'drain', '--spread', '2d');
  assert.equal(beyond.code, 1);
  assert.match(beyond.stderr, /--spread: must be from 0 to 24 h/);
  assert.equal((await readyz(server)).status, 200);
  const call = { method: 'POST', path: '/v1/admin/Drain', body: { spreadMs: 1500 } };
  const answer = await request(server.admin, call);
  assert.deepEqual([answer.status, answer.json], [200, { sessions: 0 }]);
  assert.equal((await readyz(server)).status, 503);
});

test('`ackctl drain` says what happens, and its help what that is', async (t) => {
  const { server } = await serving(t, { grace: '25s', spread: '20s', timeout: '60s' }); // default
  const help = (await ackctl('drain', '--help')).stdout;
  const [, spread] = /Example: ackctl drain --spread (\S+)/.exec(help);
  const { code, stdout } = await ackctl('--server', server.grpc, 'drain', '--spread', spread);
  assert.equal(code, 0);
  assert.match(stdout, /^The server drains, with 0 sessions, and then ends\./);
  for (const words of [/\/readyz is 503/, /1012/, /--drain-timeout/, /Example: ackctl drain/]) {
    assert.match(help, words);
  }
});
