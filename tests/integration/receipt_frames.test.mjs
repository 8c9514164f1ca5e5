// What a session is told of its user's messages: the frames `receipts`.

import assert from 'node:assert/strict';
import test, { after, afterEach } from 'node:test';
import { Client, dropAll } from '../support/client.mjs';
import { grpcClients } from '../support/grpc.mjs';
import { publish, publishMany } from '../support/http.mjs';
import { serverForFile } from '../support/server.mjs';

const server = await serverForFile({ flags: ['--max-attempts', '1'] });
const rpc = grpcClients(server.grpc);
after(() => rpc.close());
afterEach(dropAll);

async function subscribe(channel, ...clients) {
  for (const client of clients) await rpc.subscriptions.subscribe({ client, channel });
}

const connected = (client, channel) =>
  Client.connect(server, { client, subscriptions: [{ channel }] });
const watching = (client) => Client.connect(server, { client, receipts: true });

// Waits for a receipt that fits; keeps the newest of each message.
async function receipt(client, fits) {
  client.receipts ??= new Map();
  for (;;) {
    for (const one of client.receipts.values()) if (fits(one)) return one;
    const { items } = await client.next('receipts');
    for (const item of items) client.receipts.set(`${item.channel} ${item.seq}`, item);
  }
}

test('a publisher is told what becomes of its message until all is settled', async () => {
  const phone = await connected('alice/phone', 'room');
  const bob = await connected('bob', 'room');
  await subscribe('room', 'alice/tv');
  const sender = await watching('dora/laptop');
  const stored = await publish(server, 'room', 1, { sender: 'dora' });
  const first = await receipt(sender, (one) => one.seq === 1);
  assert.deepEqual(first, {
    channel: 'room',
    seq: 1,
    messageId: stored.messageId,
    owed: 3,
    acked: 0,
    failed: 0,
    usersOwed: 2,
    usersReached: 0,
  });
  phone.ack(await phone.nextDelivery());
  const one = await receipt(sender, (each) => each.acked === 1);
  assert.deepEqual([one.owed, one.failed, one.usersReached], [3, 0, 1]);
  bob.nack(await bob.nextDelivery(), { final: true });
  await receipt(sender, (each) => each.failed === 1);
  const tv = await connected('alice/tv', 'room');
  tv.ack(await tv.nextDelivery());
  const last = await receipt(sender, (each) => each.acked === 2);
  assert.deepEqual(last, { ...first, acked: 2, failed: 1, usersReached: 1 });
  const asked = await rpc.deliveries.getReceipts({ channel: 'room', seq: 1 });
  for (const name of ['owed', 'acked', 'failed', 'usersOwed', 'usersReached'])
    assert.equal(asked[name], last[name], name);
});

test('the sender may be the user or one of its clients; others are told nothing', async () => {
  await subscribe('whose', 'reader');
  const sender = await watching('erin/phone');
  const other = await watching('erin2');
  const unasked = await Client.connect(server, { client: 'erin/tv', receipts: false });
  await publish(server, 'whose', 1, { sender: 'erin' });
  await publish(server, 'whose', 2, { sender: 'erin/web' });
  await publish(server, 'whose', 3, { sender: 'someone' });
  await publish(server, 'whose', 4, { sender: 'erin' });
  await receipt(sender, (one) => one.seq === 4);
  assert.deepEqual([...sender.receipts.values()].map((one) => one.seq).sort(), [1, 2, 4]);
  for (const client of [other, unasked]) {
    await client.barrier();
    assert.equal(client.frames.filter((frame) => frame.type === 'receipts').length, 0);
  }
});

test('who leaves without it has failed, who comes for it is owed it', async () => {
  await subscribe('moving', 'a', 'b');
  const sender = await watching('frank');
  await publish(server, 'moving', 1, { sender: 'frank' });
  await receipt(sender, (one) => one.owed === 2);
  await rpc.subscriptions.unsubscribe({ client: 'a', channel: 'moving' });
  await receipt(sender, (one) => one.owed === 2 && one.failed === 1);
  await rpc.subscriptions.subscribe({ client: 'c', channel: 'moving', fromFirst: true });
  await receipt(sender, (one) => one.owed === 3 && one.usersOwed === 3);
  await subscribe('moving', 'late');
  await publish(server, 'moving', 2, { sender: 'frank' });
  await receipt(sender, (one) => one.seq === 2 && one.owed === 3);
});

test('what nobody is owed is told once', async () => {
  const sender = await watching('gina');
  await publish(server, 'nobody', 1, { sender: 'gina' });
  const one = await receipt(sender, (each) => each.seq === 1);
  assert.deepEqual([one.owed, one.usersOwed], [0, 0]);
});

test('at most five frames a second, whatever happens', async () => {
  const reader = await connected('busy-reader', 'busy');
  const sender = await watching('hugo');
  const times = [];
  sender.heard = (frame) => {
    if (frame.type === 'receipts') times.push(performance.now());
  };
  const kCount = 500;
  const reading = (async () => {
    for (let n = 0; n < kCount; ++n) reader.ack(await reader.nextDelivery());
  })();
  await publishMany(server, 'busy', kCount, { sender: 'hugo' });
  await reading;
  const acked = () => [...sender.receipts.values()].filter((one) => one.acked === 1);
  await receipt(sender, () => acked().length === kCount);
  assert.ok(times.length >= 2 && times.length < kCount / 4, `${times.length} frames`);
  // They leave 200 ms apart; the network may bring two a little closer together.
  for (let n = 5; n < times.length; ++n)
    assert.ok(times[n] - times[n - 5] > 900, `six frames within ${times[n] - times[n - 5]} ms`);
});

test('of more than 1000 messages the newest are told', async () => {
  await subscribe('many', 'away');
  const sender = await watching('ida');
  const requests = Array.from({ length: 1100 }, (_, n) => ({
    channel: 'many',
    payload: Buffer.from(`${n}`),
    sender: 'ida',
  }));
  const stream = rpc.messages.publishStream();
  const all = new Promise((resolve, reject) => {
    stream.on('end', resolve).on('error', reject).resume();
  });
  stream.write({ requests });
  stream.end();
  await all;
  await receipt(sender, (one) => one.seq === 1100);
  const reader = await connected('away', 'many');
  let left = 1100;
  while (left > 0) {
    const items = await reader.collect(Math.min(left, 50));
    left -= items.length;
    reader.ackUpTo(items.at(-1));
  }
  const acked = () => [...sender.receipts.values()].filter((one) => one.acked === 1);
  await receipt(sender, () => acked().length >= 1000);
  assert.equal(acked().length, 1000);
  assert.equal(Math.min(...acked().map((one) => one.seq)), 101);
});
