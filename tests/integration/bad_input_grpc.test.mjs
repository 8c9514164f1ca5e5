// Bad input over gRPC. `server` gets nothing but bad input and must be empty in the end; what is
// just inside a limit goes to `other`.

import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { answers, grpcClients, rawUnary, readAll, status } from '../support/grpc.mjs';
import { serverForFile } from '../support/server.mjs';

const server = await serverForFile();
const other = await serverForFile();
const rpc = grpcClients(server.grpc);
const fine = grpcClients(other.grpc);
after(() => {
  rpc.close();
  fine.close();
});

const kPublish = '/ackwire.v1.MessageService/Publish';
const message = (fields = {}) => ({ channel: 'c', payload: Buffer.from('x'), ...fields });
const headersOf = (count) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`h${n}`, 'v']));

async function refused(call, what, names = [], codes = [status.INVALID_ARGUMENT]) {
  const error = await call.then(
    () => assert.fail(`${what} was accepted`),
    (refusal) => refusal,
  );
  if (error instanceof assert.AssertionError) throw error;
  assert.ok(codes.includes(error.code), `${what}: ${error.message}`);
  for (const name of names) assert.match(error.details, name, what);
}

test('a channel is 1 to 255 bytes without control characters, white space or star', async () => {
  await fine.messages.publish(message({ channel: 'c'.repeat(255) }));
  for (const bad of [
    '',
    'c'.repeat(256),
    'ü'.repeat(128),
    'a b',
    'a\nb',
    'a\u0000b',
    'a\u007fb',
    'a\u2003b',
    'room/*',
  ]) {
    await refused(
      rpc.messages.publish(message({ channel: bad })),
      `channel ${JSON.stringify(bad)}`,
      [/channel/],
    );
  }
  await refused(rpc.messages.publish(message({ channel: 'c'.repeat(256) })), '256 bytes', [/255/]);
});

test('a message id is at most 128 bytes', async () => {
  await fine.messages.publish(message({ messageId: 'i'.repeat(128) }));
  await refused(rpc.messages.publish(message({ messageId: 'i'.repeat(129) })), '129 bytes', [
    /message_?id/i,
    /128/,
  ]);
});

test('a type is 0 to 65535', async () => {
  await fine.messages.publish(message({ type: 65535 }));
  await refused(rpc.messages.publish(message({ type: 65536 })), 'type 65536', [/type/, /65535/]);
});

test('a payload is at most 256 KiB', async () => {
  await fine.messages.publish(message({ payload: Buffer.alloc(256 * 1024) }));
  await refused(
    rpc.messages.publish(message({ payload: Buffer.alloc(256 * 1024 + 1) })),
    '256 KiB + 1',
    [/payload/, /256 ?KiB|262,?144/],
  );
});

test('headers are at most 32 and together at most 8 KiB', async () => {
  await fine.messages.publish(message({ headers: headersOf(32) }));
  await fine.messages.publish(message({ headers: { k: 'v'.repeat(8191) } }));
  await refused(rpc.messages.publish(message({ headers: headersOf(33) })), '33 headers', [
    /headers/,
    /32/,
  ]);
  await refused(rpc.messages.publish(message({ headers: { k: 'v'.repeat(8192) } })), '8193 bytes', [
    /headers/,
    /8 ?KiB|8,?192/,
  ]);
});

test('a negative ttl is refused', async () => {
  await refused(rpc.messages.publish(message({ ttl: { seconds: -1, nanos: 0 } })), 'ttl -1 s', [
    /ttl/,
  ]);
});

test('a kind without the message it refers to is refused', async () => {
  await refused(
    rpc.messages.publish(message({ kind: 'KIND_EDITED' })),
    'an edit of nothing',
    [/refers_?to/i],
    [status.INVALID_ARGUMENT],
  );
  await refused(
    rpc.messages.publish(message({ kind: 'KIND_DELETED' })),
    'a withdrawal of nothing',
    [/refers_?to/i],
    [status.INVALID_ARGUMENT],
  );
});

test('strings that are not UTF-8, and bytes that are no message, are refused', async () => {
  const codes = [status.INTERNAL, status.INVALID_ARGUMENT];
  await refused(
    rawUnary(server.grpc, kPublish, Buffer.from([0x0a, 0x02, 0xff, 0xfe])),
    'a channel not UTF-8',
    [],
    codes,
  );
  await refused(
    rawUnary(server.grpc, kPublish, Buffer.from([0x0a, 0x01, 0x63, 0x12, 0x01, 0xc3])),
    'an id not UTF-8',
    [],
    codes,
  );
  await refused(
    rawUnary(server.grpc, kPublish, Buffer.from([0x0a, 0x7f, 0x63])),
    'half a message',
    [],
    codes,
  );
  await refused(
    rawUnary(server.grpc, kPublish, Buffer.from([0xff, 0xff, 0xff, 0xff])),
    'garbage',
    [],
    codes,
  );
});

test('a gRPC message over 4 MiB is refused RESOURCE_EXHAUSTED', async () => {
  await refused(
    rpc.messages.publish(message({ payload: Buffer.alloc(5 * 1024 * 1024) })),
    '5 MiB',
    [],
    [status.RESOURCE_EXHAUSTED],
  );
});

test('a method that does not exist is UNIMPLEMENTED', async () => {
  await refused(
    rawUnary(server.grpc, '/ackwire.v1.MessageService/Nothing', Buffer.alloc(0)),
    'Nothing',
    [],
    [status.UNIMPLEMENTED],
  );
});

test('a subscription needs a client and a channel within the limits', async () => {
  await fine.subscriptions.subscribe({ client: 'u'.repeat(255), channel: 'c' });
  await fine.subscriptions.subscribe({ client: 'alice/phone', channel: 'c'.repeat(255) });
  for (const client of ['', 'u'.repeat(256), 'a b', 'a\tb', 'a\u0001b', 'a*']) {
    await refused(
      rpc.subscriptions.subscribe({ client, channel: 'c' }),
      `client ${JSON.stringify(client)}`,
      [/client/],
    );
    await refused(
      rpc.subscriptions.unsubscribe({ client, channel: 'c' }),
      `client ${JSON.stringify(client)}`,
      [/client/],
    );
  }
  for (const channel of ['', 'c'.repeat(256), 'a b', 'room/*']) {
    await refused(
      rpc.subscriptions.subscribe({ client: 'alice', channel }),
      `channel ${JSON.stringify(channel)}`,
      [/channel/],
    );
  }
  await refused(
    rpc.subscriptions.subscribe({ client: 'u'.repeat(256), channel: 'c' }),
    '256 bytes',
    [/client/, /255/],
  );
});

test('SubscribeMany with one bad request subscribes nothing', async () => {
  const requests = [
    { client: 'alice', channel: 'a' },
    { client: 'alice', channel: 'a b' },
  ];
  await refused(rpc.subscriptions.subscribeMany({ requests }), 'one bad of two', [/channel/]);
});

test('reads and lists that ask for nothing in particular are refused', async () => {
  await refused(rpc.messages.getMessage({ channel: '', seq: 1 }), 'no channel', [/channel/]);
  await refused(rpc.messages.getMessage({ channel: 'c' }), 'neither seq nor id', [
    /seq|message_?id/i,
  ]);
  await refused(
    answers(rpc.messages.read({ channel: 'c', reverse: true, follow: true })),
    'reverse with follow',
    [/reverse|follow/],
  );
  await refused(answers(rpc.messages.read({ channel: 'a b' })), 'a bad channel', [/channel/]);
  await refused(rpc.subscriptions.listSubscriptions({}), 'neither client nor channel', [
    /client|channel/,
  ]);
  await refused(rpc.deliveries.explainDelivery({ client: '', channel: 'c', seq: 1 }), 'no client', [
    /client/,
  ]);
  await refused(
    rpc.deliveries.explainDelivery({ client: 'alice', channel: '', seq: 1 }),
    'no channel',
    [/channel/],
  );
  await refused(
    rpc.deliveries.explainDelivery({ client: 'alice', channel: 'c' }),
    'neither seq nor id',
    [/seq|message_?id/i],
  );
  await refused(rpc.deliveries.getClient({ client: '' }), 'no client', [/client/]);
});

test('after all of it the log is empty and the server serves', async () => {
  assert.deepEqual(await readAll(rpc.messages, {}), []);
  const now = await rpc.admin.getStatus();
  assert.deepEqual(
    [now.lastPosition, now.channels, now.clients, now.acceptingWrites],
    [0, 0, 0, true],
  );
  assert.deepEqual(
    (await rpc.subscriptions.listSubscriptions({ client: 'alice' })).subscriptions,
    [],
  );
  assert.equal((await rpc.messages.publish(message())).position, 1);
});
