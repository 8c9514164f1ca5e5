// Writing by HTTP.

import assert from 'node:assert/strict';
import test from 'node:test';
import { Client } from '../support/client.mjs';
import { channelPath, history, post, publish, request } from '../support/http.mjs';
import { serverForFile } from '../support/server.mjs';

const server = await serverForFile();

const kTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const kUuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function refused(answer, status, code) {
  assert.equal(answer.status, status, answer.body);
  const { error } = answer.json;
  assert.equal(error.code, code);
  assert.equal(typeof error.message, 'string');
  assert.notEqual(error.message, '');
  assert.equal(typeof error.retryable, 'boolean');
  assert.equal(typeof error.retryAfterMs, 'number');
}

async function stored(channel, seq) {
  const answer = await request(server.http, { path: channelPath(channel, seq) });
  assert.equal(answer.status, 200, answer.body);
  return answer.json;
}

function change(method, channel, seq, body) {
  return request(server.http, { method, path: channelPath(channel, seq), body });
}

test('a publish is answered 201 with its place, id, time and epoch', async () => {
  const answer = await post(server, 'answer', {
    contentType: 'text/plain',
    payload: 'hi',
    messageId: 'm-1',
  });
  assert.equal(answer.status, 201, answer.body);
  assert.match(answer.headers['content-type'], /^application\/json/);
  const { channel, seq, position, messageId, publishedAt, duplicate, epoch } = answer.json;
  assert.deepEqual(
    { channel, seq, messageId, duplicate },
    { channel: 'answer', seq: 1, messageId: 'm-1', duplicate: false },
  );
  assert.ok(position >= 1);
  assert.match(publishedAt, kTime);
  assert.ok(Math.abs(Date.parse(publishedAt) - Date.now()) < 60_000);
  assert.equal(typeof epoch, 'string');
  assert.notEqual(epoch, '');
});

test('seqs are dense in each channel and positions in the log, under many writers', async () => {
  const before = (await publish(server, 'dense/0', 0)).position;
  const all = await Promise.all(
    Array.from({ length: 40 }, (_, n) => publish(server, `dense/${n % 4}`, n)),
  );
  for (let channel = 0; channel < 4; ++channel) {
    const seqs = all
      .filter((one) => one.channel === `dense/${channel}`)
      .map((one) => one.seq)
      .sort((a, b) => a - b);
    const first = channel === 0 ? 2 : 1;
    assert.deepEqual(
      seqs,
      Array.from({ length: 10 }, (_, n) => first + n),
    );
  }
  const positions = all.map((one) => one.position).sort((a, b) => a - b);
  assert.deepEqual(
    positions,
    Array.from({ length: 40 }, (_, n) => before + 1 + n),
  );
});

test('the same message id again is 200 with the first result; nothing is stored', async () => {
  const body = { contentType: 'application/json', payload: { a: 1 }, messageId: 'once' };
  const first = await post(server, 'duplicate', body);
  const second = await post(server, 'duplicate', body, { 'Ackwire-Attempt': '2' });
  assert.equal(first.status, 201, first.body);
  assert.equal(second.status, 200, second.body);
  assert.deepEqual(second.json, { ...first.json, duplicate: true });
  assert.equal((await history(server, 'duplicate')).json.messages.length, 1);
});

test('many writers of the same message id at once store it once', async () => {
  const body = { contentType: 'text/plain', payload: 'same', messageId: 'race' };
  const all = await Promise.all(Array.from({ length: 12 }, () => post(server, 'race', body)));
  assert.equal(all.filter((one) => one.status === 201).length, 1);
  assert.equal(all.filter((one) => one.status === 200).length, 11);
  assert.equal(new Set(all.map((one) => one.json.position)).size, 1);
});

test('a message id belongs to its channel: in another one it is new', async () => {
  const one = await publish(server, 'own-ids/1', 1, { messageId: 'same' });
  const two = await publish(server, 'own-ids/2', 2, { messageId: 'same' });
  assert.equal(two.duplicate, false);
  assert.notEqual(two.position, one.position);
});

test('Idempotency-Key is another way to give the message id', async () => {
  const body = { contentType: 'text/plain', payload: 'k' };
  const first = await post(server, 'key', body, { 'Idempotency-Key': 'key-1' });
  assert.equal(first.status, 201, first.body);
  assert.equal(first.json.messageId, 'key-1');
  const second = await post(server, 'key', body, { 'Idempotency-Key': 'key-1' });
  assert.equal(second.status, 200);
  assert.equal(second.json.seq, 1);
});

test('the same message id with another payload is refused 409 already_exists', async () => {
  await publish(server, 'other-payload', { a: 1 }, { messageId: 'x' });
  refused(
    await post(server, 'other-payload', {
      contentType: 'application/json',
      payload: { a: 2 },
      messageId: 'x',
    }),
    409,
    'already_exists',
  );
  assert.equal((await history(server, 'other-payload')).json.messages.length, 1);
});

test('expectedSeq publishes only when it is the last seq, else 409 aborted', async () => {
  const guarded = (expectedSeq) =>
    post(server, 'expected', { contentType: 'text/plain', payload: `${expectedSeq}`, expectedSeq });
  assert.equal((await guarded(0)).json.seq, 1);
  refused(await guarded(0), 409, 'aborted');
  refused(await guarded(5), 409, 'aborted');
  assert.equal((await guarded(1)).json.seq, 2);
  assert.equal((await history(server, 'expected')).json.messages.length, 2);
});

test('of many writers with the same expectedSeq one wins', async () => {
  const all = await Promise.all(
    Array.from({ length: 8 }, (_, n) =>
      post(server, 'expected-race', { contentType: 'text/plain', payload: `${n}`, expectedSeq: 0 }),
    ),
  );
  assert.equal(all.filter((one) => one.status === 201).length, 1);
  for (const lost of all.filter((one) => one.status !== 201)) refused(lost, 409, 'aborted');
});

test('without an id the server makes a UUIDv7', async () => {
  const { messageId } = await publish(server, 'made-id', 1);
  assert.match(messageId, kUuidV7);
  assert.equal((await stored('made-id', 1)).messageId, messageId);
});

test('PUT publishes an edit that refers to the message, by its sender', async () => {
  await publish(server, 'edit', { text: 'helo' }, { sender: 'alice' });
  const answer = await change('PUT', 'edit', 1, {
    contentType: 'application/json',
    payload: { text: 'hello' },
    sender: 'alice',
  });
  assert.equal(answer.status, 201, answer.body);
  assert.equal(answer.json.seq, 2);
  const edit = await stored('edit', 2);
  assert.deepEqual([edit.kind, edit.refersTo, edit.payload], ['edited', 1, { text: 'hello' }]);
  const original = await stored('edit', 1);
  assert.deepEqual(
    [original.kind, original.refersTo, original.payload],
    ['created', 0, { text: 'helo' }],
  );
});

test('DELETE publishes a withdrawal without payload, by the message’s sender', async () => {
  await publish(server, 'withdraw', { text: 'oops' }, { sender: 'alice' });
  const answer = await change('DELETE', 'withdraw', 1, { sender: 'alice' });
  assert.equal(answer.status, 201, answer.body);
  const withdrawal = await stored('withdraw', 2);
  assert.deepEqual(
    [withdrawal.kind, withdrawal.refersTo, withdrawal.sender],
    ['deleted', 1, 'alice'],
  );
  assert.ok(!withdrawal.payload && !withdrawal.payloadBase64, JSON.stringify(withdrawal));
});

test('an edit or a withdrawal by another sender is refused 403 permission_denied', async () => {
  await publish(server, 'not-mine', 1, { sender: 'alice' });
  refused(
    await change('PUT', 'not-mine', 1, {
      contentType: 'application/json',
      payload: 2,
      sender: 'mallory',
    }),
    403,
    'permission_denied',
  );
  refused(await change('DELETE', 'not-mine', 1, { sender: 'mallory' }), 403, 'permission_denied');
  assert.equal((await history(server, 'not-mine')).json.messages.length, 1);
});

test('an edit or a withdrawal of no message is refused 404 not_found', async () => {
  await publish(server, 'no-such', 1, { sender: 'alice' });
  refused(
    await change('PUT', 'no-such', 2, {
      contentType: 'application/json',
      payload: 2,
      sender: 'alice',
    }),
    404,
    'not_found',
  );
  refused(await change('DELETE', 'no-such', 9, { sender: 'alice' }), 404, 'not_found');
});

test('a JSON payload comes back as the value itself', async () => {
  const values = [
    { text: 'hi', nested: { list: [1, 2.5, -3] } },
    [],
    'text',
    42,
    false,
    null,
    'ünïcödé \u{1F600}',
  ];
  for (const [n, value] of values.entries()) {
    await publish(server, 'json', value);
    const message = await stored('json', n + 1);
    assert.equal(message.contentType, 'application/json');
    assert.deepEqual(message.payload, value);
    assert.ok(!('payloadBase64' in message));
  }
});

test('a text payload comes back as a string', async () => {
  await post(server, 'text', {
    contentType: 'text/plain; charset=utf-8',
    payload: 'Grüße\n\u{1F600}',
  });
  await post(server, 'text', { contentType: 'text/markdown', payload: '' });
  assert.equal((await stored('text', 1)).payload, 'Grüße\n\u{1F600}');
  assert.equal((await stored('text', 2)).payload, '');
});

test('any other payload, and JSON or text that is invalid, is payloadBase64', async () => {
  const cases = [
    ['application/octet-stream', 'AP/+AQ=='],
    ['image/png', 'iVBORw0KGgo='],
    ['application/json', 'e25vIGpzb24='],
    ['text/plain', '//79'],
  ];
  for (const [n, [contentType, payloadBase64]] of cases.entries()) {
    const answer = await post(server, 'bytes', { contentType, payloadBase64 });
    assert.equal(answer.status, 201, answer.body);
    const message = await stored('bytes', n + 1);
    assert.deepEqual([message.contentType, message.payloadBase64], [contentType, payloadBase64]);
    assert.ok(!('payload' in message));
  }
});

test('bytes given as base64 are a value or a string where the content type says so', async () => {
  await post(server, 'bytes-in', {
    contentType: 'application/json',
    payloadBase64: Buffer.from('{"a":[1]}').toString('base64'),
  });
  await post(server, 'bytes-in', {
    contentType: 'text/plain',
    payloadBase64: Buffer.from('grüße').toString('base64'),
  });
  assert.deepEqual((await stored('bytes-in', 1)).payload, { a: [1] });
  assert.equal((await stored('bytes-in', 2)).payload, 'grüße');
});

test('type, sender and headers are stored as given', async () => {
  await publish(server, 'fields', 1, {
    type: 7,
    sender: 'bob',
    headers: { 'x-one': '1', größe: 'L' },
  });
  const message = await stored('fields', 1);
  assert.deepEqual(
    [message.type, message.sender, message.headers],
    [7, 'bob', { 'x-one': '1', größe: 'L' }],
  );
});

test('traceparent of the HTTP request is stored as a header and delivered', async () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const client = await Client.connect(server, {
    client: 'tracer',
    subscriptions: [{ channel: 'trace' }],
  });
  const answer = await post(
    server,
    'trace',
    { contentType: 'text/plain', payload: 't', headers: { other: 'o' } },
    { traceparent },
  );
  assert.equal(answer.status, 201, answer.body);
  const { message } = await client.nextDelivery();
  assert.deepEqual(message.headers, { other: 'o', traceparent });
  await client.close();
});

test('ttlMs sets when the message expires; without it, it never does', async () => {
  await publish(server, 'ttl', 1, { ttlMs: 90_000 });
  await publish(server, 'ttl', 2);
  const [mortal, immortal] = [await stored('ttl', 1), await stored('ttl', 2)];
  assert.match(mortal.expiresAt, kTime);
  assert.equal(Date.parse(mortal.expiresAt) - Date.parse(mortal.publishedAt), 90_000);
  assert.equal(immortal.expiresAt, null);
});

test('the channel in the path is percent-encoded', async () => {
  for (const channel of [
    'räume/größe',
    'a?b=c&d#e',
    'percent%2Fsign',
    '漢字/1',
    'plus+colon:semicolon;',
  ]) {
    const answer = await post(server, channel, { contentType: 'text/plain', payload: channel });
    assert.equal(answer.status, 201, `${channel}: ${answer.body}`);
    assert.equal(answer.json.channel, channel);
    const message = await stored(channel, 1);
    assert.deepEqual([message.channel, message.payload], [channel, channel]);
  }
});

test('a message has all fields of the contract, with numbers as numbers', async () => {
  const answer = await publish(
    server,
    'whole',
    { text: 'hi' },
    { sender: 'bob', messageId: 'w', type: 3 },
  );
  assert.deepEqual(await stored('whole', 1), {
    channel: 'whole',
    seq: 1,
    position: answer.position,
    messageId: 'w',
    sender: 'bob',
    kind: 'created',
    refersTo: 0,
    type: 3,
    contentType: 'application/json',
    payload: { text: 'hi' },
    headers: {},
    publishedAt: answer.publishedAt,
    expiresAt: null,
  });
});
