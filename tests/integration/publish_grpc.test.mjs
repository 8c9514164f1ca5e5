// Writing and reading by gRPC.

import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import grpc from '@grpc/grpc-js';
import { within } from '../support/eventually.mjs';
import { answers, grpcClients, readAll, status, toMs } from '../support/grpc.mjs';
import { serverForFile } from '../support/server.mjs';

const server = await serverForFile();
const rpc = grpcClients(server.grpc);
after(() => rpc.close());

const publish = (channel, payload, fields = {}) =>
  rpc.messages.publish({ channel, payload: Buffer.from(payload), ...fields });

async function publishMany(channel, count) {
  const all = [];
  for (let n = 1; n <= count; ++n) all.push(await publish(channel, `${n}`));
  return all;
}

const fails = (call, code, says = /./) =>
  assert.rejects(call, (error) => {
    assert.equal(error.code, code, error.message);
    assert.match(error.details, says);
    return true;
  });

test('Publish answers with the place, and GetMessage gives what was stored', async () => {
  const answer = await publish('get', 'hi', {
    messageId: 'm-1',
    type: 9,
    contentType: 'text/plain',
    headers: { a: 'b' },
    sender: 'bob',
    ttl: { seconds: 60, nanos: 0 },
  });
  assert.deepEqual(
    [answer.channel, answer.seq, answer.messageId, answer.duplicate],
    ['get', 1, 'm-1', false],
  );
  assert.ok(answer.position >= 1 && answer.epoch !== '');
  const bySeq = await rpc.messages.getMessage({ channel: 'get', seq: 1 });
  assert.deepEqual(await rpc.messages.getMessage({ channel: 'get', messageId: 'm-1' }), bySeq);
  assert.equal(bySeq.payload.toString(), 'hi');
  const { channel, seq, position, messageId, sender, kind, refersTo, type, contentType, headers } =
    bySeq;
  assert.deepEqual(
    { channel, seq, position, messageId, sender, kind, refersTo, type, contentType, headers },
    {
      channel: 'get',
      seq: 1,
      position: answer.position,
      messageId: 'm-1',
      sender: 'bob',
      kind: 'KIND_CREATED',
      refersTo: 0,
      type: 9,
      contentType: 'text/plain',
      headers: { a: 'b' },
    },
  );
  assert.equal(toMs(bySeq.publishedAt), toMs(answer.publishedAt));
  assert.equal(toMs(bySeq.expiresAt) - toMs(bySeq.publishedAt), 60_000);
});

test('a payload may be any bytes or none, and is an octet-stream unless said', async () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
  await publish('bytes', bytes);
  await publish('bytes', '');
  const [first, second] = await readAll(rpc.messages, { channel: 'bytes' });
  assert.equal(first.contentType, 'application/octet-stream');
  assert.deepEqual(first.payload, bytes);
  assert.equal(second.payload.length, 0);
});

test('a message that does not exist is NOT_FOUND', async () => {
  await publish('exists', 'x');
  await fails(rpc.messages.getMessage({ channel: 'exists', seq: 2 }), status.NOT_FOUND);
  await fails(
    rpc.messages.getMessage({ channel: 'exists', messageId: 'nobody' }),
    status.NOT_FOUND,
  );
  await fails(rpc.messages.getMessage({ channel: 'exists-not', seq: 1 }), status.NOT_FOUND);
});

test('a message id again returns the first result, or ALREADY_EXISTS', async () => {
  const first = await publish('duplicate', 'a', { messageId: 'd' });
  assert.deepEqual(await publish('duplicate', 'a', { messageId: 'd' }), {
    ...first,
    duplicate: true,
  });
  await fails(publish('duplicate', 'b', { messageId: 'd' }), status.ALREADY_EXISTS, /\bd\b/);
  assert.equal((await readAll(rpc.messages, { channel: 'duplicate' })).length, 1);
});

test('a duplicate is known after a restart too', async () => {
  const first = await publish('duplicate-restart', 'a', { messageId: 'd' });
  await server.restart();
  rpc.moveTo(server.grpc);
  assert.deepEqual(await publish('duplicate-restart', 'a', { messageId: 'd' }), {
    ...first,
    duplicate: true,
  });
});

test('another expected_seq than the last is ABORTED and says which it is', async () => {
  await publish('expected', 'a', { expectedSeq: 0 });
  await fails(publish('expected', 'b', { expectedSeq: 0 }), status.ABORTED, /1/);
  assert.equal((await publish('expected', 'b', { expectedSeq: 1 })).seq, 2);
});

test('edits and withdrawals are messages by the sender of what they refer to', async () => {
  await publish('edits', 'a', { sender: 'alice' });
  await fails(
    publish('edits', 'b', { kind: 'KIND_EDITED', refersTo: 1, sender: 'mallory' }),
    status.PERMISSION_DENIED,
  );
  await fails(
    publish('edits', '', { kind: 'KIND_DELETED', refersTo: 1, sender: 'mallory' }),
    status.PERMISSION_DENIED,
  );
  await fails(
    publish('edits', 'b', { kind: 'KIND_EDITED', refersTo: 5, sender: 'alice' }),
    status.NOT_FOUND,
  );
  assert.equal(
    (await publish('edits', 'b', { kind: 'KIND_EDITED', refersTo: 1, sender: 'alice' })).seq,
    2,
  );
  assert.equal(
    (await publish('edits', '', { kind: 'KIND_DELETED', refersTo: 1, sender: 'alice' })).seq,
    3,
  );
  const kinds = (await readAll(rpc.messages, { channel: 'edits' })).map((message) => [
    message.kind,
    message.refersTo,
  ]);
  assert.deepEqual(kinds, [
    ['KIND_CREATED', 0],
    ['KIND_EDITED', 1],
    ['KIND_DELETED', 1],
  ]);
});

test('traceparent in the metadata is stored as a header', async () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  await rpc.messages.publish({ channel: 'trace', payload: Buffer.from('x') }, { traceparent });
  assert.deepEqual((await rpc.messages.getMessage({ channel: 'trace', seq: 1 })).headers, {
    traceparent,
  });
});

test('PublishStream answers in order, and an error of one leaves the others', async () => {
  const call = rpc.messages.publishStream();
  const request = (n) => ({
    channel: n === 57 ? 'bad channel' : `stream/${n % 3}`,
    payload: Buffer.from(`${n}`),
    messageId: `s-${n}`,
  });
  for (let batch = 0; batch < 20; ++batch) {
    call.write({ requests: Array.from({ length: 10 }, (_, n) => request(batch * 10 + n)) });
  }
  call.end();
  const batches = await within(20_000, answers(call), () => 'all answers of PublishStream');
  assert.deepEqual(
    batches.map((batch) => batch.results.length),
    Array(20).fill(10),
  );
  const results = batches.flatMap((batch) => batch.results);
  const seqs = [[], [], []];
  for (const [n, result] of results.entries()) {
    if (n === 57) {
      assert.equal(result.outcome, 'error');
      assert.equal(result.error.code, status.INVALID_ARGUMENT);
      assert.match(result.error.message, /channel/);
      continue;
    }
    assert.equal(result.outcome, 'published', JSON.stringify(result));
    assert.equal(result.published.messageId, `s-${n}`);
    seqs[n % 3].push(result.published.seq);
  }
  for (const one of seqs)
    assert.deepEqual(
      one,
      one.map((_, n) => n + 1),
    );
});

test('a duplicate within one group of PublishStream is stored once', async () => {
  const call = rpc.messages.publishStream();
  const request = { channel: 'stream-twice', payload: Buffer.from('x'), messageId: 'same' };
  call.write({ requests: [request, request, request] });
  call.end();
  const results = (await answers(call))
    .flatMap((batch) => batch.results)
    .map((result) => result.published);
  assert.deepEqual(
    results.map((one) => [one.seq, one.duplicate]),
    [
      [1, false],
      [1, true],
      [1, true],
    ],
  );
});

test('Read gives a channel forward from a seq up to a limit, and in reverse', async () => {
  await publishMany('read', 9);
  const seqs = async (request) =>
    (await readAll(rpc.messages, { channel: 'read', ...request })).map((message) => message.seq);
  assert.deepEqual(await seqs({}), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(await seqs({ from: 4, limit: 3 }), [4, 5, 6]);
  assert.deepEqual(await seqs({ from: 8 }), [8, 9]);
  assert.deepEqual(await seqs({ from: 10 }), []);
  assert.deepEqual(await seqs({ reverse: true, limit: 2 }), [9, 8]);
  assert.deepEqual(await seqs({ reverse: true, from: 3 }), [3, 2, 1]);
});

test('Read without a channel gives the whole log in order of position', async () => {
  const last = (await publish('whole/1', 'a')).position;
  await publish('whole/2', 'b');
  const all = await readAll(rpc.messages, {});
  assert.deepEqual(
    all.map((message) => message.position),
    all.map((_, n) => n + 1),
  );
  const tail = await readAll(rpc.messages, { from: last });
  assert.deepEqual(
    tail.map((message) => [message.channel, message.position]),
    [
      ['whole/1', last],
      ['whole/2', last + 1],
    ],
  );
  const newest = await readAll(rpc.messages, { reverse: true, limit: 2 });
  assert.deepEqual(
    newest.map((message) => message.position),
    [last + 1, last],
  );
});

test('the answers of Read carry the epoch', async () => {
  const { epoch } = await publish('epoch', 'x');
  for (const answer of await answers(rpc.messages.read({ channel: 'epoch' })))
    assert.equal(answer.epoch, epoch);
});

test('Read with follow goes on with what is written next, without a gap', async () => {
  await publishMany('follow', 5);
  const call = rpc.messages.read({ channel: 'follow', from: 3, follow: true });
  const seqs = [];
  const all = new Promise((resolve, reject) => {
    call.on('data', (answer) => {
      seqs.push(...answer.messages.map((message) => message.seq));
      if (seqs.length >= 53) resolve();
    });
    call.on('error', reject);
  });
  await Promise.all(Array.from({ length: 50 }, (_, n) => publish('follow', `later ${n}`)));
  await within(10_000, all, () => `53 messages followed; got ${seqs.length}`);
  call.on('error', () => {});
  call.cancel();
  assert.deepEqual(
    seqs,
    Array.from({ length: 53 }, (_, n) => n + 3),
  );
});

test('Read of the whole log with follow sees every channel', async () => {
  const { position } = await publish('follow-log/0', 'x');
  const call = rpc.messages.read({ from: position + 1, follow: true });
  const seen = [];
  const all = new Promise((resolve, reject) => {
    call.on('data', (answer) => {
      seen.push(...answer.messages.map((message) => message.channel));
      if (seen.length >= 3) resolve();
    });
    call.on('error', reject);
  });
  for (const channel of ['follow-log/1', 'follow-log/2', 'follow-log/1'])
    await publish(channel, 'x');
  await within(10_000, all, () => `3 messages followed; got ${JSON.stringify(seen)}`);
  call.on('error', () => {});
  call.cancel();
  assert.deepEqual(seen, ['follow-log/1', 'follow-log/2', 'follow-log/1']);
});

test('ListChannels gives channels by prefix, with what they hold, a page at a time', async () => {
  for (const channel of ['list/a', 'list/b', 'list/b', 'list/c', 'list/d', 'list/e', 'lisp'])
    await publish(channel, 'x');
  await rpc.subscriptions.subscribe({ client: 'lister', channel: 'list/b' });
  const names = [];
  let pageToken = '';
  let pages = 0;
  do {
    const page = await rpc.messages.listChannels({ prefix: 'list/', pageSize: 2, pageToken });
    assert.ok(page.channels.length <= 2);
    for (const channel of page.channels) {
      names.push(channel.name);
      const isB = channel.name === 'list/b';
      assert.deepEqual(
        [channel.firstSeq, channel.lastSeq, channel.subscriptions],
        [1, isB ? 2 : 1, isB ? 1 : 0],
        channel.name,
      );
      assert.ok(toMs(channel.lastPublishedAt) > Date.now() - 600_000);
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== '' && ++pages < 10);
  assert.deepEqual(names.sort(), ['list/a', 'list/b', 'list/c', 'list/d', 'list/e']);
});

test('health is SERVING', async () => {
  assert.equal((await rpc.health.check({ service: '' })).status, 'SERVING');
});

// Asks for the list of services in bytes: ServerReflectionRequest{list_services: "*"}. The two
// versions of the service have the same messages; one of them is enough.
function reflected(version) {
  const client = new grpc.Client(server.grpc, grpc.credentials.createInsecure());
  const same = (bytes) => bytes;
  const call = client.makeBidiStreamRequest(
    `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
    same,
    same,
  );
  call.write(Buffer.from([0x3a, 0x01, 0x2a]));
  call.end();
  return answers(call)
    .then((parts) => Buffer.concat(parts).toString('latin1'))
    .finally(() => client.close());
}

test('reflection names the services', async () => {
  const names = await reflected('v1alpha').catch(() => reflected('v1'));
  for (const service of [
    'MessageService',
    'SubscriptionService',
    'DeliveryService',
    'AdminService',
  ]) {
    assert.ok(names.includes(`ackwire.v1.${service}`), `${service} in ${JSON.stringify(names)}`);
  }
  assert.ok(names.includes('grpc.health.v1.Health'));
});
