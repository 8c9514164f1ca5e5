// proto/openapi.yaml and the server say the same: each operation with each answer that is described
// is brought about, and nothing is answered that is not described.

import assert from 'node:assert/strict';
import { readFile, rename } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import test from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { damage, kDamagedBytes } from '../support/damage.mjs';
import { EventStream } from '../support/event_stream.mjs';
import { grpcClients } from '../support/grpc.mjs';
import { publish, request } from '../support/http.mjs';
import { assertFits, Description } from '../support/openapi.mjs';
import { serverForFile, withServer } from '../support/server.mjs';
import { stallWriter } from '../support/stalled_writer.mjs';

const kFile = fileURLToPath(new URL('../../proto/openapi.yaml', import.meta.url));
const kPath = '/v1/openapi.yaml';
const text = await readFile(kFile, 'utf8');
const description = new Description(text);
const server = await serverForFile();

const kPublish = 'publishMessage';
const kEdit = 'editMessage';
const kWithdraw = 'withdrawMessage';
const kWrites = [kPublish, kEdit, kWithdraw];
const kPayloadBytesMax = 256 * 1024;

// A channel of its own whose seq 1 is alice's, with the id `first`.
let channels = 0;
async function makeChannel(on = server, payload = 'first', fields = {}) {
  channels += 1;
  const channel = `openapi/${channels}`;
  await publish(on, channel, payload, { sender: 'alice', messageId: 'first', ...fields });
  return channel;
}

// Writes to the channel; a change is of seq 1. A withdrawal says who and which in the URL and the
// headers.
function write(id, channel, { seq = 1, ...fields } = {}, on = server) {
  const path = id === kPublish ? { channel } : { channel, seq };
  if (id !== kWithdraw) {
    const body = { payload: 'more', ...fields };
    return description.call(on, id, { path, body });
  }
  const { sender, messageId, ...others } = fields;
  return description.call(on, id, {
    path,
    query: sender === undefined ? {} : { sender },
    headers: messageId === undefined ? {} : { 'Idempotency-Key': messageId },
    body: Object.keys(others).length === 0 ? undefined : others,
  });
}

async function expectStatus(answer, status) {
  const { status: got, body } = await answer;
  assert.equal(got, status, body.slice(0, 300));
}

// Every operation with parameters that are right, but for headers beyond what HTTP takes.
function callsOf(channel) {
  const path = { channel, seq: 1 };
  return description.operations.map(({ id, body }) => [
    id,
    { path, body: body && { payload: 'more' }, unlisted: { 'x-long': 'x'.repeat(8192) } },
  ]);
}

test('the file is valid OpenAPI, and its examples are what it describes', async () => {
  assert.deepEqual(await new Validator().validate(kFile), { valid: true });
  const bodies = description.operations.flatMap(({ id, responses }) =>
    Object.entries(responses).map(([key, { content }]) => [`${id} ${key}`, content]),
  );
  const drafts = description.document.components.requestBodies.Draft.content;
  let examples = 0;
  for (const [what, content] of [['Draft', drafts], ...bodies]) {
    const { schema, example, examples: named = {} } = content?.['application/json'] ?? {};
    for (const { value } of [...Object.values(named), ...(example ? [{ value: example }] : [])]) {
      assertFits(schema, value, `the example of ${what}`);
      examples += 1;
    }
  }
  assert.ok(examples > 50, `${examples} examples`);
});

test('the server gives the file as it is', async () => {
  const { body, headers } = await description.call(server, 'readDescription');
  assert.equal(body, text);
  const again = { 'If-None-Match': headers.etag };
  await expectStatus(description.call(server, 'readDescription', { headers: again }), 304);
  const other = { 'If-None-Match': '"another"' };
  await expectStatus(description.call(server, 'readDescription', { headers: other }), 200);
  const twice = new URLSearchParams('a=1&a=2');
  await expectStatus(description.call(server, 'readDescription', { query: twice }), 400);
});

test('what is written is answered as described', async () => {
  for (const id of kWrites) {
    const channel = await makeChannel();
    const fields = { sender: 'alice', messageId: 'once' };
    await expectStatus(write(id, channel, fields), 201);
    await expectStatus(write(id, channel, fields), 200);
    await expectStatus(write(id, channel, { sender: 'a*' }), 400);
    await expectStatus(write(id, channel, { messageId: 'first' }), 409);
    await expectStatus(write(id, channel, { expectedSeq: 7 }), 409);
    await expectStatus(write(id, channel, { payload: 'x'.repeat(kPayloadBytesMax + 1) }), 413);
  }
});

test('what is changed is answered as described', async () => {
  for (const id of [kEdit, kWithdraw]) {
    const channel = await makeChannel();
    await expectStatus(write(id, channel, { sender: 'mallory' }), 403);
    await expectStatus(write(id, channel, { seq: 9 }), 404);
    await expectStatus(write(id, channel), 201);
    await expectStatus(write(id, channel, { seq: 2 }), 409);
  }
});

test('the headers of a write are taken as described', async () => {
  const channel = await makeChannel();
  const headers = {
    'Idempotency-Key': 'by-header',
    'Ackwire-Attempt': '2',
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  };
  const body = { payload: 'traced' };
  const { json } = await description.call(server, kPublish, { path: { channel }, headers, body });
  const path = { channel, seq: json.seq };
  const { json: message } = await description.call(server, 'readMessage', { path });
  assert.equal(message.messageId, 'by-header');
  assert.deepEqual(message.headers, { traceparent: headers.traceparent });
  assert.match(await metric('ackwire_publish_retries_total'), /^[1-9]/);
});

async function metric(name) {
  const { body } = await request(server.admin, { path: '/metrics' });
  return new RegExp(`^${name} (.*)$`, 'm').exec(body)?.[1] ?? `no ${name}`;
}

test('what is read is answered as described', async () => {
  const channel = await makeChannel();
  await write(kEdit, channel, { contentType: 'text/plain', headers: { a: 'b' }, ttlMs: 60_000 });
  await write(kWithdraw, channel);
  await description.call(server, kPublish, {
    path: { channel },
    body: { contentType: 'image/png', payloadBase64: 'iVBORw0KGgo=' },
  });
  for (let seq = 1; seq <= 4; seq += 1) {
    const { json } = await description.call(server, 'readMessage', { path: { channel, seq } });
    const forms = ['payload', 'payloadBase64'].filter((form) => form in json);
    assert.deepEqual(forms, [seq === 4 ? 'payloadBase64' : 'payload']);
  }
  for (const id of ['readMessage', 'readReceipts']) {
    await expectStatus(description.call(server, id, { path: { channel, seq: 1 } }), 200);
    await expectStatus(description.call(server, id, { path: { channel, seq: 5 } }), 404);
    await expectStatus(description.call(server, id, { path: { channel, seq: 0 } }), 400);
  }
  const read = (fields) =>
    description.call(server, 'readMessages', { path: { channel }, ...fields });
  const { headers } = await read({ query: { from: 1, limit: 2 } });
  await expectStatus(read({ headers: { 'If-None-Match': headers.etag } }), 200);
  const same = { query: { from: 1, limit: 2 }, headers: { 'If-None-Match': headers.etag } };
  await expectStatus(read(same), 304);
  const { json } = await read({ query: { reverse: true, limit: 3 } });
  assert.deepEqual([json.messages.length, json.next], [3, 1]);
  await expectStatus(read({ query: { reverse: 'maybe' } }), 400);
});

// A client that is subscribed to a channel of its own, and was sent a message of it.
let clients = 0;
async function receiving() {
  clients += 1;
  const client = `openapi/receiver${clients}`;
  const stream = await EventStream.open(server, { client, channels: client });
  await publish(server, client, 'first');
  await stream.collect(1);
  return stream;
}

test('what a client receives is answered as described', async (t) => {
  const open = (query, headers) =>
    description.call(server, 'openEventStream', { query, headers });
  const client = 'openapi/viewer';
  const more = { channels: 'a,b', from: 'first', ack: 'written', window: 3, receipts: true };
  const { body } = await open({ client, ...more, maxFrameBytes: 4096 });
  assert.match(body, /^event: welcome\nid: s-\w+:0\nretry: \d+\ndata: {"type":"welcome"/);
  await expectStatus(open({ client, ack: 'never' }), 400);
  const replaced = await EventStream.open(server, { client });
  const newer = await EventStream.open(server, { client });
  t.after(() => newer.drop());
  const { lastEventId } = replaced;
  await expectStatus(open({ client }, { 'Last-Event-ID': lastEventId }), 204);
  await expectStatus(open({ client, lastEventId }), 204);
});

test('a session that says too much is answered as described', async (t) => {
  const own = await withServer(t, { flags: ['--session-frame-rate', '1'] });
  const stream = await EventStream.open(own, { client: 'openapi/fast' });
  t.after(() => stream.drop());
  const body = { session: stream.session, deliveries: [1] };
  for (const id of ['ackDeliveries', 'refuseDeliveries', 'prolongDeliveries']) {
    let status;
    for (let tries = 0; status !== 429; tries += 1) {
      assert.ok(tries < 50, `${id} was not refused`);
      ({ status } = await description.call(own, id, { body }));
    }
  }
});

test('tickets are given and taken as described', async () => {
  const issue = (body) => description.call(server, 'issueTicket', { body });
  const { json } = await issue({ client: 'openapi/guest' });
  const open = (client, { ticket }) =>
    description.call(server, 'openEventStream', { query: { client, ticket } });
  await expectStatus(open('openapi/guest', json), 200);
  await expectStatus(open('openapi/other', json), 403);
  await expectStatus(open('openapi/guest', { ticket: 'none' }), 401);
  await expectStatus(issue({ client: 'a b' }), 400);
  const many = Array.from({ length: 101 }, () => issue({ client: 'many' }));
  const statuses = (await Promise.all(many)).map(({ status }) => status);
  assert.deepEqual(statuses.sort(), [...Array(100).fill(200), 429]);
});

test('what a client answers is answered as described', async (t) => {
  const answers = {
    ackDeliveries: { upTo: 1 },
    refuseDeliveries: { deliveries: [1], reason: 'busy', delayMs: 5, final: false },
    prolongDeliveries: { deliveries: [1] },
  };
  for (const [id, fields] of Object.entries(answers)) {
    const stream = await receiving();
    t.after(() => stream.drop());
    const answer = (body) =>
      description.call(server, id, { body: { session: stream.session, ...body } });
    const { json } = await answer(fields);
    assert.deepEqual(json, { confirmed: true });
    await expectStatus(answer({ ...fields, session: 's-1' }), 404);
    await expectStatus(answer({ deliveries: [7] }), 404);
    await expectStatus(answer({ deliveries: [] }), 400);
  }
});

test('headers beyond the limit are answered as described', async () => {
  for (const [id, call] of callsOf(await makeChannel())) {
    await expectStatus(description.call(server, id, call), 431);
  }
});

test('a disk that is gone is answered as described', async (t) => {
  const own = await withServer(t);
  const channel = await makeChannel(own);
  const away = `${own.dataDir}-away`;
  await rename(own.dataDir, away);
  try {
    for (const id of kWrites) await expectStatus(write(id, channel, {}, own), 503);
  } finally {
    await rename(away, own.dataDir);
  }
  for (const id of kWrites) await expectStatus(write(id, channel, {}, own), 201);
});

test('a disk that is full is answered as described', async (t) => {
  const own = await withServer(t);
  const channel = await makeChannel(own);
  await own.restart(['--min-free-bytes', `${2 ** 60}`]);
  for (const id of kWrites) await expectStatus(write(id, channel, {}, own), 507);
});

test('what is damaged on disk is answered as described', async (t) => {
  const own = await withServer(t);
  const channel = await makeChannel(own, 'marker:'.padEnd(kDamagedBytes, '.'));
  // A log whose end is damaged is not opened.
  for (let n = 0; n < 3; n += 1) await makeChannel(own, '.'.repeat(kDamagedBytes));
  await own.stop();
  await damage(own.dataDir, 'marker:');
  await own.launch();
  await expectStatus(write(kPublish, channel, { messageId: 'first' }, own), 500);
  await expectStatus(write(kEdit, channel, {}, own), 500);
  await expectStatus(write(kWithdraw, channel, {}, own), 500);
  const path = { channel, seq: 1 };
  for (const id of ['readMessages', 'readMessage', 'readReceipts']) {
    await expectStatus(description.call(own, id, { path }), 500);
  }
});

test('a writer that cannot keep up is answered as described', async (t) => {
  const own = await withServer(t);
  const sender = 'a'.repeat(255);
  const channel = await makeChannel(own, 'first', { sender });
  const goOn = await stallWriter(own);
  const waiting = [];
  // What is taken has no answer before the writer goes on; what is refused has it at once.
  const untilRefused = (id, count, fields) => {
    const answers = Array.from({ length: count }, () => write(id, channel, fields, own));
    waiting.push(...answers);
    const refusals = answers.map(async (answer) => expectStatus(answer, 429));
    return Promise.any(refusals);
  };
  try {
    const kQueuedBytesMax = 64 * 2 ** 20;
    const payload = (bytes) => ({ payload: 'x'.repeat(bytes - 2) });
    await untilRefused(kPublish, kQueuedBytesMax / kPayloadBytesMax + 20, payload(2 ** 18));
    // No more fits in than what is smaller, and withdrawals are small.
    for (const bytes of [2 ** 18, 2 ** 14, 2 ** 10, 2 ** 6]) {
      await untilRefused(kEdit, 20, payload(bytes));
    }
    await untilRefused(kWithdraw, 20, { sender });
  } finally {
    await goOn();
  }
  const statuses = new Set((await Promise.all(waiting)).map(({ status }) => status));
  assert.deepEqual([...statuses].sort(), [201, 429]);
});

test('a path has the methods that are described, and says which', async () => {
  const channel = await makeChannel();
  for (const path of Object.keys(description.document.paths)) {
    const own = description.operations.filter((each) => each.path === path);
    const described = own.map(({ method }) => method);
    const heads = described.includes('GET') ? ['HEAD'] : [];
    const methods = [...described, ...heads, 'OPTIONS'].sort();
    const filled = path.replace('{channel}', encodeURIComponent(channel)).replace('{seq}', 1);
    const sortedAllow = async (method) => {
      const answer = await request(server.http, { method, path: filled });
      return [answer.status, (answer.headers.allow ?? '').split(', ').sort()];
    };
    assert.deepEqual(await sortedAllow('OPTIONS'), [204, methods], path);
    for (const method of ['GET', 'PUT', 'POST', 'DELETE', 'PATCH']) {
      if (!methods.includes(method)) assert.deepEqual(await sortedAllow(method), [405, methods]);
    }
    if (heads.length === 0) continue;
    const [get, head] = await Promise.all(
      ['GET', 'HEAD'].map((method) =>
        request(server.http, { method, path: filled, headers: { 'x-request-id': 'both' } }),
      ),
    );
    assert.deepEqual([head.status, head.body, head.headers], [get.status, '', get.headers], path);
  }
  assert.equal((await request(server.http, { path: `${kPath}/more` })).status, 404);
});

test('receipts are those of the clients that are owed the message', async () => {
  const rpc = grpcClients(server.grpc);
  await rpc.subscriptions.subscribe({ client: 'alice/phone', channel: 'openapi/receipts' });
  rpc.close();
  await publish(server, 'openapi/receipts', 1);
  const path = { channel: 'openapi/receipts', seq: 1 };
  const { json } = await description.call(server, 'readReceipts', { path });
  const expected = { owed: 1, acked: 0, pending: 1, failed: 0, usersOwed: 1, usersReached: 0 };
  assert.deepEqual(json, expected);
});

test('an answer that is not as described is found', () => {
  const own = new Description(text);
  const operation = own.operation('readReceipts');
  const counts = { owed: 1, acked: 0, pending: 1, failed: 0, usersOwed: 1, usersReached: 0 };
  const check = ({ status = 200, headers = {}, json = counts }) =>
    own.check(operation, {
      status,
      headers: {
        'content-type': 'application/json',
        'cache-control': 'no-store',
        'x-request-id': '1',
        ...headers,
      },
      body: JSON.stringify(json),
      json,
    });
  check({});
  const error = { code: 'not_found', message: 'no', retryable: false, retryAfterMs: 0 };
  const { owed, ...others } = counts;
  for (const [wrong, pattern] of [
    [{ status: 201 }, /only 200,400,404,431,5XX are described/],
    [{ status: 404, json: { error } }, /the header cache-control: no-store is not described/],
    [{ headers: { 'x-new': '1' } }, /the header x-new: 1 is not described/],
    [{ headers: { 'cache-control': 'private' } }, /equal to one of the allowed values/],
    [{ headers: { 'content-type': 'text/plain' } }, /of the content type text\/plain nothing/],
    [{ json: { ...counts, more: 1 } }, /must NOT have additional properties/],
    [{ json: others }, /must have required property 'owed'/],
    [{ json: { ...counts, owed: 'one' } }, /owed must be integer/],
    [{ json: { ...counts, owed: -owed } }, /owed must be >= 0/],
  ]) {
    assert.throws(() => check(wrong), pattern, JSON.stringify(wrong));
  }
  const kHeaders = { 'content-type': 'application/json', 'x-request-id': '1' };
  const bare = { status: 404, body: '', headers: kHeaders };
  const known = { ...bare, json: { error } };
  own.check(operation, known);
  const other = { ...bare, json: { error: { ...error, code: 'gone' } } };
  assert.throws(() => own.check(operation, other), /the examples have only not_found/);
  const brought = own.all.filter((each) => !own.missing.includes(each));
  assert.deepEqual(brought, ['readReceipts 200', 'readReceipts 404 not_found']);
});

test('all that is described was brought about', () => {
  assert.deepEqual(description.missing, []);
  assert.ok(description.all.length > 40, `${description.all.length} answers are described`);
});
