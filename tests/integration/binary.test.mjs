// ackwire.v1.binary. The rules of the frames are tested by delivery, sessions, subscriptions,
// retries and receipt_frames, which run under it, too; here is what is its own.

import assert from 'node:assert/strict';
import test, { after, afterEach } from 'node:test';
import { Client, dropAll, kBinary } from '../support/client.mjs';
import { kTypes, rawFrame } from '../support/binary_frames.mjs';
import { grpcClients } from '../support/grpc.mjs';
import { publish } from '../support/http.mjs';
import { serverForFile } from '../support/server.mjs';

const server = await serverForFile({});
const rpc = grpcClients(server.grpc);
after(() => rpc.close());
afterEach(dropAll);

const kJson = 'ackwire.v1.json';
const connect = (client, fields = {}) =>
  Client.connect(server, { protocol: kBinary, client, ...fields });

test('a message is the same to clients of either protocol', async () => {
  const subscriptions = [{ channel: 'both' }];
  const binary = await connect('ann', { subscriptions });
  const json = await Client.connect(server, { protocol: kJson, client: 'bob', subscriptions });
  const headers = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
  const sent = [
    { payload: { text: 'hä?', n: [1, 2.5, null] }, type: 7, ttlMs: 60_000, headers },
    { payload: 'plain — text', contentType: 'text/plain', sender: 'carol' },
    { payloadBase64: 'AP8AAQ==', contentType: 'application/octet-stream', messageId: 'm-3' },
  ];
  for (const { payload, ...fields } of sent) await publish(server, 'both', payload, fields);
  const items = await binary.collect(3);
  assert.deepEqual(items, await json.collect(3));
  assert.deepEqual(items[0].message.payload, sent[0].payload);
  assert.equal(items[2].message.payloadBase64, 'AP8AAQ==');
  await binary.confirmUpTo(items[2]);
  const { session } = await rpc.deliveries.getClient({ client: 'ann' });
  assert.deepEqual([session.transport, session.protocol], ['websocket', kBinary]);
});

test('a client may go on by the other protocol', async () => {
  const first = await connect('dan', { subscriptions: [{ channel: 'switch' }] });
  await publish(server, 'switch', 1);
  await publish(server, 'switch', 2);
  const [done] = await first.collect(2);
  await first.drop();
  const resume = { session: first.welcome.session, delivery: done.delivery };
  const second = await Client.connect(server, { protocol: kJson, client: 'dan', resume });
  assert.equal(second.welcome.resumed, true);
  assert.equal((await second.nextDelivery()).message.payload, 2);
});

test('the first protocol that a client offers and the server speaks is taken', async () => {
  const WebSocket = (await import('ws')).default;
  const chosen = (...offered) =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://${server.http}/v1/ws`, offered);
      socket.once('open', () => {
        resolve(socket.protocol);
        socket.terminate();
      });
      socket.once('error', reject);
    });
  assert.equal(await chosen('ackwire.v9', kBinary, kJson), kBinary);
  assert.equal(await chosen(kJson, kBinary), kJson);
  await assert.rejects(chosen('ackwire.v9'), /400/);
});

test('text ends a binary session, and what is no frame does', async () => {
  const texting = await connect('eve');
  texting.socket.send('{"type":"pong"}');
  assert.equal((await texting.closed).code, 1003);
  const cutOff = rawFrame(kTypes.FRAME_TYPE_ACK, Buffer.from([0x0a, 0xff]));
  for (const bytes of [Buffer.alloc(0), Buffer.from([1]), cutOff]) {
    const client = await connect('eve');
    client.socket.send(bytes);
    assert.equal((await client.closed).code, 4502);
  }
});

// The made-up second version of ack. Its type says that its bytes are not to be read as an ack's.
const kAckV2 = 0x1104;

test('a frame of a later version is refused by its type, and the session goes on', async () => {
  const client = await connect('fay', { subscriptions: [{ channel: 'v2' }] });
  await publish(server, 'v2', 1);
  const item = await client.nextDelivery();
  // As an ack, these bytes would acknowledge all.
  client.socket.send(rawFrame(kAckV2, Buffer.from([0x08, item.delivery])));
  const error = await client.next('error');
  assert.deepEqual([error.code, error.retryable], ['invalid_argument', false]);
  assert.match(error.message, /^type: must be connect, .* got 0x1104$/);
  await client.confirm(item); // a client that is answered so says it as it was said before
  const { undelivered } = await rpc.deliveries.getClient({ client: 'fay' });
  assert.equal(undelivered, 0);
});

test('a field of a later version is passed over', async () => {
  const client = await connect('gus', { subscriptions: [{ channel: 'fields' }] });
  await publish(server, 'fields', 1);
  const { delivery } = await client.nextDelivery();
  const field1000 = Buffer.from([0xc2, 0x3e, 0x02, 0x68, 0x69]);
  const ack = Buffer.concat([Buffer.from([0x08, delivery, 0x18, 5]), field1000]);
  client.socket.send(rawFrame(kTypes.FRAME_TYPE_ACK, ack));
  assert.equal((await client.next('confirmed')).id, 5);
});

test('a frame limit holds for the bytes of the form', async () => {
  const client = await connect('hal', {
    maxFrameBytes: 2048,
    subscriptions: [{ channel: 'large' }],
  });
  // Base64 would make it larger than the limit.
  const payloadBase64 = Buffer.alloc(1700, 7).toString('base64');
  await publish(server, 'large', undefined, {
    payloadBase64,
    contentType: 'application/octet-stream',
  });
  assert.equal((await client.nextDelivery()).message.payloadBase64, payloadBase64);
});
