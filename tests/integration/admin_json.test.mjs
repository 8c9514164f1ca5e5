// POST /v1/admin/{Method}: what gRPC serves to operators, as JSON.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test, { after, afterEach } from 'node:test';
import { Client, dropAll } from '../support/client.mjs';
import { grpcClients } from '../support/grpc.mjs';
import { publish, publishMany, request } from '../support/http.mjs';
import { serverForFile, withServer } from '../support/server.mjs';
import { explained } from '../support/state.mjs';

const server = await serverForFile({ flags: ['--max-attempts', '1'] });
const rpc = grpcClients(server.grpc);
after(() => rpc.close());
afterEach(dropAll);

const kJson = { 'content-type': 'application/json' };

const call = (method, body, options = {}) =>
  request(server.admin, {
    method: 'POST',
    path: `/v1/admin/${method}`,
    body,
    headers: body === undefined ? {} : kJson,
    ...options,
  });

async function answer(method, body) {
  const { status, json, body: text } = await call(method, body);
  assert.equal(status, 200, text);
  return json;
}

const named = (method, body, message) => refused(method, body, 400, 'invalid_argument', message);

async function refused(method, body, status, code, message) {
  const answered = await call(method, body);
  assert.equal(answered.status, status, answered.body);
  assert.equal(answered.json.error.code, code);
  assert.match(answered.json.error.message, message);
  return answered;
}

test('methods of all three services, with and without a body', async () => {
  const subscription = await answer('Subscribe', { client: 'alice/phone', channel: 'room/1' });
  assert.deepEqual(
    [subscription.client, subscription.startSeq, subscription.undelivered],
    ['alice/phone', 1, 0],
  );
  assert.match(subscription.createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  await publish(server, 'room/1', 1);
  const question = { client: 'alice/phone', channel: 'room/1', seq: 1 };
  const delivery = await answer('ExplainDelivery', question);
  assert.deepEqual([delivery.state, delivery.reason], ['pending', 'client_offline']);
  assert.equal(delivery.settledAt, null);
  const receipts = await answer('GetReceipts', { channel: 'room/1', seq: 1, maxClients: 10 });
  assert.deepEqual([receipts.owed, receipts.usersOwed, receipts.deliveries.length], [1, 1, 1]);
  const status = await answer('GetStatus');
  assert.equal(status.acceptingWrites, true);
  assert.equal(typeof status.outboxOldestAgeMs, 'number');
  assert.deepEqual(await answer('GetStatus', '').then((one) => one.epoch), status.epoch);
  assert.deepEqual(await answer('Unsubscribe', { client: 'alice/phone', channel: 'room/1' }), {
    abandoned: 1,
  });
});

test('a filter has its enums, times and lists', async () => {
  const client = await Client.connect(server, {
    client: 'nacking',
    subscriptions: [{ channel: 'filter' }],
  });
  await publishMany(server, 'filter', 2);
  const [first, second] = await client.collect(2);
  client.nack([first, second], { final: true, reason: 'no' });
  await explained(rpc, 'nacking', 'filter', 2, 'PARKED', 'REJECTED');
  const filter = { channel: 'filt*', reasons: ['rejected', 'nack'], since: '2026-01-01T00:00:00Z' };
  const { failures, nextPageToken } = await answer('ListFailures', { filter, pageSize: 10 });
  assert.ok(failures.length > 0);
  assert.equal(failures[0].client, 'nacking');
  assert.equal(failures[0].reason, 'rejected');
  assert.deepEqual(failures.at(-1).now[0].state, 'parked');
  assert.equal(nextPageToken, '');
  const later = { ...filter, since: '2999-01-01T00:00:00.000Z' };
  assert.deepEqual((await answer('ListFailures', { filter: later })).failures, []);
});

test('pages go on where the one before ended', async () => {
  for (const client of ['p/1', 'p/2', 'p/3'])
    await answer('Subscribe', { client, channel: 'pages' });
  const first = await answer('ListClients', { prefix: 'p/', pageSize: 2 });
  const rest = await answer('ListClients', { prefix: 'p/', pageToken: first.nextPageToken });
  assert.deepEqual(
    [...first.clients, ...rest.clients].map((one) => one.id),
    ['p/1', 'p/2', 'p/3'],
  );
});

test('errors of the method have its code, HTTP status, and the field as JSON has it', async () => {
  const absent = (method, body, message) => refused(method, body, 404, 'not_found', message);
  await absent('GetClient', { client: 'nobody' }, /^client: nobody has never/);
  await publish(server, 'there', 1);
  await absent('GetReceipts', { channel: 'there', messageId: 'x' }, /^messageId: there is no x/);
  await named('GetClient', { client: 'a b' }, /^client: /);
  await named('ListClients', { pageToken: '?' }, /^pageToken: /);
});

test('a field that is none, of a wrong type or out of range is named', async () => {
  const filter = (fields, message) => named('ListFailures', { filter: fields }, message);
  await named('ListFailures', { filtre: {} }, /^filtre: there is no such field; .*filter, /);
  await filter({ reson: 'nack' }, /^filter\.reson: there is no such field; .*reasons/);
  await filter({ reasons: ['nak'] }, /^filter\.reasons\[0\]: must be one of ack_.*got "nak"/);
  await filter({ reasons: 'nack' }, /^filter\.reasons: must be a list/);
  await filter({ since: 'yesterday' }, /^filter\.since: must be a time like/);
  await filter(1, /^filter: must be an object/);
  await named('ListFailures', { pageSize: -1 }, /^pageSize: .* from 0 to 4294967295, got -1/);
  await named('ListFailures', { pageSize: 1.5 }, /^pageSize: must be a whole number/);
  await named('ListFailures', { oldestFirst: 'yes' }, /^oldestFirst: must be true or false/);
  await named('GetClient', { client: 7 }, /^client: must be a string, got 7/);
  const twice = { client: 'a', channel: 'c', fromNew: true, fromSeq: 1 };
  await named('Subscribe', twice, /^fromSeq: give this or fromNew, not both/);
  await named('GetStatus', { x: 1 }, /^x: there is no such field; this takes none/);
  await named('GetClient', '[]', /^body: must be a JSON object/);
  await named('GetClient', '{"client":"a","client":"b"}', /client/);
  await named('GetClient', 'client=a', /^body: /);
});

test('null is as if the field were left out', async () => {
  await refused('GetClient', { client: 'nobody', at: null }, 404, 'not_found', /nobody/);
});

test('numbers beyond 2^53 stay what they are', async () => {
  const max = '18446744073709551615';
  await publish(server, 'numbers', 1);
  const { body } = await call('ExplainDelivery', `{"client":"a","channel":"numbers","seq":${max}}`);
  assert.match(body, new RegExp(`"seq":${max},`));
  const beyond = '{"client":"a","channel":"numbers","seq":18446744073709551616}';
  await named('ExplainDelivery', beyond, /^seq: must be a whole number/);
});

test('the methods that are offered are those that are served', async (t) => {
  const other = await withServer(t); // one of the methods drains it
  const url = new URL('../../proto/ackwire/v1/deliveries.proto', import.meta.url);
  const unary = readFileSync(url, 'utf8').matchAll(/rpc (\w+)\(\w+\) returns \((?!stream)/g);
  const { json } = await call('Explode', {});
  const offered = /there are (.*)/.exec(json.error.message)[1].split(', ');
  const served = [];
  for (const [, method] of unary) {
    const at = { method: 'POST', path: `/v1/admin/${method}`, body: {} };
    if ((await request(other.admin, at)).status !== 501) served.push(method);
  }
  assert.deepEqual(offered.sort(), served.sort());
});

test('what is no such call', async () => {
  const none = /^method: there is no such method; there are ExplainDelivery, GetReceipts/;
  for (const method of ['Explode', '', 'Publish']) {
    await refused(method, {}, 404, 'not_found', none);
  }
  await named('WatchFailures', {}, /stream; call it by gRPC, or list failures by ListFailures/);
  await named('Backup', {}, /stream; call it by gRPC/);
  const get = await call('GetStatus', undefined, { method: 'GET' });
  assert.deepEqual([get.status, get.headers.allow], [405, 'POST']);
  const as = (type) => call('GetStatus', '{}', { headers: { 'content-type': type } });
  const text = await as('text/plain');
  assert.equal(text.status, 415);
  assert.match(text.json.error.message, /application\/json/);
  assert.equal((await as('application/json; charset=utf-8')).status, 200);
  // What a page of another site can have a browser send without asking first.
  assert.equal((await call('GetStatus', '{}', { headers: {} })).status, 415);
  assert.equal((await call('GetStatus')).status, 200);
});

test('many calls at once, and one that the server ends under', async (t) => {
  const other = await withServer(t);
  const at = (method) => request(other.admin, { method: 'POST', path: `/v1/admin/${method}` });
  const answers = await Promise.all(Array.from({ length: 200 }, () => at('GetStatus')));
  assert.deepEqual([...new Set(answers.map((one) => one.status))], [200]);
  const open = Array.from({ length: 50 }, () => at('ListClients').catch(() => null));
  await other.stop();
  await Promise.all(open);
});
