// Reading by HTTP.

import assert from 'node:assert/strict';
import test from 'node:test';
import { channelPath, history, publish, publishMany, request } from '../support/http.mjs';
import { serverForFile, withServer } from '../support/server.mjs';

const server = await serverForFile();
const stored = await publishMany(server, 'room/1', 10);

const seqs = (answer) => answer.json.messages.map((message) => message.seq);

test('history is what was published, in order of seq, with the epoch', async () => {
  const answer = await history(server, 'room/1');
  assert.equal(answer.status, 200, answer.body);
  assert.deepEqual(seqs(answer), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assert.deepEqual(
    answer.json.messages.map((message) => message.payload.n),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
  assert.deepEqual(
    answer.json.messages.map((message) => message.position),
    stored.map((one) => one.position),
  );
  assert.equal(answer.json.epoch, stored[0].epoch);
});

test('from and limit cut a page, and next is where the following one begins', async () => {
  const first = await history(server, 'room/1', '?limit=4');
  assert.deepEqual([seqs(first), first.json.next], [[1, 2, 3, 4], 5]);
  const second = await history(server, 'room/1', '?from=5&limit=4');
  assert.deepEqual([seqs(second), second.json.next], [[5, 6, 7, 8], 9]);
  const third = await history(server, 'room/1', '?from=9&limit=4');
  assert.deepEqual(seqs(third), [9, 10]);
});

test('from beyond the last message is an empty page', async () => {
  const answer = await history(server, 'room/1', '?from=11');
  assert.equal(answer.status, 200, answer.body);
  assert.deepEqual(answer.json.messages, []);
});

test('reverse reads newest first, and next goes on downwards', async () => {
  const first = await history(server, 'room/1', '?reverse=true&limit=4');
  assert.deepEqual([seqs(first), first.json.next], [[10, 9, 8, 7], 6]);
  const second = await history(server, 'room/1', '?reverse=true&from=6&limit=4');
  assert.deepEqual([seqs(second), second.json.next], [[6, 5, 4, 3], 2]);
  const third = await history(server, 'room/1', '?reverse=true&from=2&limit=4');
  assert.deepEqual(seqs(third), [2, 1]);
});

test('a channel is read without the messages of others written between', async () => {
  for (let n = 1; n <= 6; ++n) await publish(server, n % 2 ? 'odd' : 'even', n);
  const odd = await history(server, 'odd');
  assert.deepEqual(
    odd.json.messages.map((message) => [message.seq, message.payload]),
    [
      [1, 1],
      [2, 3],
      [3, 5],
    ],
  );
});

test('what was answered is in the history at once', async () => {
  for (let n = 1; n <= 20; ++n) {
    await publish(server, 'at-once', n);
    assert.equal((await history(server, 'at-once', `?from=${n}`)).json.messages.length, 1);
  }
});

test('a page has an ETag; with If-None-Match it is 304 until something changes', async () => {
  await publishMany(server, 'etag', 3);
  const first = await history(server, 'etag');
  assert.match(first.headers.etag, /^(W\/)?".+"$/);
  const again = () =>
    request(server.http, {
      path: channelPath('etag'),
      headers: { 'if-none-match': first.headers.etag },
    });
  const same = await again();
  assert.equal(same.status, 304);
  assert.equal(same.body, '');
  await publish(server, 'etag', 4);
  const changed = await again();
  assert.equal(changed.status, 200);
  assert.equal(changed.json.messages.length, 4);
  assert.notEqual(changed.headers.etag, first.headers.etag);
});

test('another ETag, several of them, and a star are compared as HTTP says', async () => {
  const {
    headers: { etag },
  } = await history(server, 'room/1');
  const ask = async (value) =>
    (
      await request(server.http, {
        path: channelPath('room/1'),
        headers: { 'if-none-match': value },
      })
    ).status;
  assert.equal(await ask('"other"'), 200);
  assert.equal(await ask(`"other", ${etag}`), 304);
  assert.equal(await ask('*'), 304);
});

test('a full page of the past is immutable and private, one that may grow is not', async () => {
  const full = await history(server, 'room/1', '?from=1&limit=4');
  assert.match(full.headers['cache-control'], /\bimmutable\b/);
  assert.match(full.headers['cache-control'], /\bprivate\b/);
  for (const query of ['', '?from=9&limit=4', '?reverse=true&limit=4', '?from=11']) {
    const open = await history(server, 'room/1', query);
    assert.doesNotMatch(open.headers['cache-control'] ?? '', /\bimmutable\b|\bpublic\b/, query);
  }
});

test('with keys no cache gives a page to who has another token', async (t) => {
  const own = await withServer(t, { tokens: true });
  await publishMany(own, 'room/1', 3);
  const { headers } = await history(own, 'room/1', '?from=1&limit=2');
  assert.match(headers['cache-control'], /\bimmutable\b/);
  assert.match(headers.vary ?? '', /\bauthorization\b/i);
});

test('one message is the one of the history', async () => {
  const { json } = await history(server, 'room/1', '?from=3&limit=1');
  const answer = await request(server.http, { path: channelPath('room/1', 3) });
  assert.equal(answer.status, 200, answer.body);
  assert.deepEqual(answer.json, json.messages[0]);
});

test('a message, a channel or a path that does not exist is 404 not_found', async () => {
  const paths = [
    channelPath('room/1', 11),
    channelPath('no-such-channel', 1),
    '/v1/nothing',
    '/nothing',
  ];
  for (const path of paths) {
    const answer = await request(server.http, { path });
    assert.equal(answer.status, 404, path);
    assert.equal(answer.json.error.code, 'not_found', path);
  }
});

test('a from, limit, reverse or seq that is none is 400 and named', async () => {
  for (const [query, field] of [
    ['?from=abc', 'from'],
    ['?from=-1', 'from'],
    ['?limit=x', 'limit'],
    ['?limit=-5', 'limit'],
    ['?limit=1.5', 'limit'],
    ['?reverse=maybe', 'reverse'],
  ]) {
    const answer = await history(server, 'room/1', query);
    assert.equal(answer.status, 400, `${query}: ${answer.body}`);
    assert.equal(answer.json.error.code, 'invalid_argument');
    assert.match(answer.json.error.message, new RegExp(`\\b${field}\\b`));
  }
});

test('a large history is read whole by following next', async () => {
  const count = 1200;
  for (let done = 0; done < count; done += 100) {
    await Promise.all(Array.from({ length: 100 }, () => publish(server, 'large', 0)));
  }
  const read = [];
  for (let from = 1, pages = 0; from; ++pages) {
    assert.ok(pages < 100, 'next never ends');
    const { json } = await history(server, 'large', `?from=${from}&limit=250`);
    read.push(...json.messages.map((message) => message.seq));
    from = json.messages.length === 0 ? null : json.next;
  }
  assert.deepEqual(
    read,
    Array.from({ length: count }, (_, n) => n + 1),
  );
});

test('the log is the same after a restart', async () => {
  const before = await history(server, 'room/1');
  await server.restart();
  const after = await history(server, 'room/1');
  assert.deepEqual(after.json, before.json);
  assert.equal((await publish(server, 'room/1', { n: 11 })).seq, 11);
});
