// Who may open an event stream, and answer in it, where the server has keys.

import assert from 'node:assert/strict';
import test, { afterEach } from 'node:test';
import { dropStreams, EventStream } from '../support/event_stream.mjs';
import { publish, request } from '../support/http.mjs';
import { metricsOf } from '../support/metrics.mjs';
import { serverForFile, withServer } from '../support/server.mjs';
import { bearer, inSeconds, issue } from '../support/tokens.mjs';

const server = await serverForFile({ tokens: true });
afterEach(dropStreams);

test('a page opens with a ticket, which serves its reconnects', async () => {
  const client = 'alice/tv';
  const post = (headers, body = { client }) =>
    request(server.http, { method: 'POST', path: '/v1/tickets', headers, body, anonymous: true });
  const token = issue('alice', { subscribe: ['tv/*'] });
  const { status, headers, json } = await post(bearer(token));
  assert.deepEqual([status, headers['cache-control']], [200, 'no-store']);
  const validMs = Date.parse(json.expiresAt) - Date.now();
  assert.ok(validMs > 50_000 && validMs <= 60_000, `valid for ${validMs} ms`);
  assert.equal((await post({})).status, 401);
  assert.equal((await post(bearer(token), { client: 'bob' })).status, 403);
  assert.equal((await post(bearer(token), { client: 7 })).status, 400);

  const refused = async (query) => (await EventStream.ask(server, query)).status;
  const { ticket } = json;
  assert.equal(await refused({ client }), 401);
  assert.equal(await refused({ client, ticket: ticket.slice(0, -1) }), 401);
  assert.equal(await refused({ client: 'alice/phone', ticket }), 403);
  assert.equal(await refused({ client, ticket, token }), 400);

  const stream = await EventStream.open(server, { client, ticket, channels: 'tv/1,radio/1' });
  const denied = await stream.next('error');
  assert.deepEqual([denied.code, denied.message.split(':')[0]], ['permission_denied', 'radio/1']);
  await publish(server, 'tv/1', 'news');
  await stream.collect(1);
  await stream.drop();
  const again = await stream.reopen();
  assert.deepEqual([again.welcome.resumed, again.session], [true, stream.session]);

  const { session } = again;
  const ack = (headers) =>
    request(server.http, {
      method: 'POST',
      path: '/v1/ack',
      headers,
      body: { session, upTo: 1 },
      anonymous: true,
    });
  assert.equal((await ack({})).status, 401);
  const others = await ack(bearer(issue('mallory', { subscribe: ['*'] })));
  assert.deepEqual([others.status, others.json.error.code], [404, 'not_found']);
  assert.equal((await ack(bearer(token))).status, 200);
});

test('a stream ends with its token, and so does its ticket', async () => {
  const client = 'alice';
  // Refused from then on: clocks may differ by a minute.
  const token = issue('alice', { subscribe: ['*'] }, { exp: inSeconds(-58) });
  const headers = bearer(token);
  const path = '/v1/tickets';
  const { json } = await request(server.http, { method: 'POST', path, headers, body: { client } });
  const { ticket } = json;
  const stream = await EventStream.open(server, { client, ticket });
  assert.equal((await stream.next('close')).code, 4003);
  const last = { 'last-event-id': stream.lastEventId };
  assert.equal((await EventStream.ask(server, { client, ticket }, last)).status, 401);
});

test('a stream may be opened with a token', async () => {
  const headers = bearer(issue('alice', { subscribe: ['*'] }));
  await EventStream.open(server, { client: 'alice/app' }, headers);
  assert.equal((await EventStream.ask(server, { client: 'bob' }, headers)).status, 403);
  assert.equal((await EventStream.ask(server, { client: 'alice' }, bearer('x'))).status, 401);
});

const askTicket = (of, client) =>
  request(of.http, {
    method: 'POST',
    path: '/v1/tickets',
    headers: bearer(issue(client.split('/')[0], { subscribe: ['*'] })),
    body: { client },
  });

test('a user has at most 100 tickets at a time, whatever others have', async () => {
  const kTickets = 100;
  for (let n = 0; n < kTickets; n += 1)
    assert.equal((await askTicket(server, `carol/${n}`)).status, 200, `ticket ${n}`);
  const over = await askTicket(server, 'carol/more');
  assert.deepEqual([over.status, over.json.error?.code], [429, 'resource_exhausted']);
  assert.equal((await askTicket(server, 'dave')).status, 200);
  assert.equal((await metricsOf(server))['ackwire_limit_hits_total{limit="tickets"}'], 1);
});

test('after a restart a ticket is worth nothing, and a new one opens again', async (t) => {
  const flags = ['--drain-grace', '0s', '--drain-spread', '300ms'];
  const own = await withServer(t, { tokens: true, flags });
  const client = 'alice/tv';
  const open = async () => {
    const { ticket } = (await askTicket(own, client)).json;
    return EventStream.open(own, { client, ticket, channels: 'tv' });
  };
  const before = await open();
  await publish(own, 'tv', 1);
  await before.collect(1);
  own.child.kill('SIGTERM');
  await before.next('draining');
  assert.equal((await before.next('close')).code, 1012);
  assert.equal(await before.ended, 'whole');
  assert.equal((await own.exited).code, 0);
  await own.launch();
  const { query, lastEventId } = before;
  const again = await EventStream.ask(own, query, { 'last-event-id': lastEventId });
  assert.equal(again.status, 401);
  const after = await open();
  assert.equal((await after.collect(1))[0].message.seq, 1);
});
