// Who may open an event stream, and answer in it, where the server has keys.

import assert from 'node:assert/strict';
import test, { afterEach } from 'node:test';
import { dropStreams, EventStream } from '../support/event_stream.mjs';
import { publish, request } from '../support/http.mjs';
import { serverForFile } from '../support/server.mjs';
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
