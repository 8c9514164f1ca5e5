// A redacted message is gone for everybody, and its bytes from the disk; its place stays.

import assert from 'node:assert/strict';
import test, { after, afterEach } from 'node:test';
import { ackctl } from '../support/ackctl.mjs';
import { Client, dropAll } from '../support/client.mjs';
import { aSecret, erased, filesWith as filesOfServerWith } from '../support/erased.mjs';
import { grpcClients, status, toMs } from '../support/grpc.mjs';
import { history, publish, publishMany } from '../support/http.mjs';
import { serverForFile } from '../support/server.mjs';
import { explained } from '../support/state.mjs';

const server = await serverForFile({ flags: ['--backoff', '10m'] });
let rpc = grpcClients(server.grpc);
after(() => rpc.close());
afterEach(dropAll);

const filesWith = (text) => filesOfServerWith(server, text);
const isErased = (text, withinMs) => erased(server, text, withinMs);

const redact = (channel, seq) => rpc.admin.redact({ channel, seq, note: 'ticket 812' });
const numberOf = (item) => item.message.seq;

test('its bytes leave the disk by the time that was said', async () => {
  const secret = aSecret();
  await publishMany(server, 'room/1', 3);
  await publish(server, 'room/1', secret, { messageId: `id-${secret}`, sender: `by-${secret}` });
  await publishMany(server, 'room/1', 3);
  assert.notDeepEqual(await filesWith(secret), []);
  const { erasedBy } = await redact('room/1', 4);
  const left = toMs(erasedBy) - Date.now();
  assert.ok(left > 0 && left <= 60_000, `${left} ms`);
  await isErased(secret, left);
  const { json } = await history(server, 'room/1');
  assert.deepEqual(
    json.messages.map((message) => message.seq),
    [1, 2, 3, 5, 6, 7],
  );
  const gone = await history(server, 'room/1', '/4');
  assert.equal(gone.status, 404);
  assert.match(gone.json.error.message, /seq: 4 of room\/1 was redacted by an operator/);
});

test('also those of the newest, and of one in a table on disk', async () => {
  const secret = aSecret();
  await publish(server, 'room/2', secret);
  await server.restart();
  rpc.close();
  rpc = grpcClients(server.grpc);
  assert.notDeepEqual(await filesWith(secret), []);
  await redact('room/2', 1);
  await isErased(secret);
});

test('killed in between, it is gone on with after the start', async () => {
  const secret = aSecret();
  await publish(server, 'room/3', secret);
  await redact('room/3', 1);
  await server.kill();
  await server.launch();
  rpc.close();
  rpc = grpcClients(server.grpc);
  await isErased(secret);
});

test('who was owed it, or waits for a retry, is told by a gap and does not get it', async () => {
  const connect = (client, fields) =>
    Client.connect(server, { client, subscriptions: [{ channel: 'room/4' }], ...fields });
  const full = await connect('full', { window: 1 });
  const retrying = await connect('retrying');
  await rpc.subscriptions.subscribe({ client: 'away', channel: 'room/4' });
  await publishMany(server, 'room/4', 2);
  const [first] = await full.collect(1);
  const items = await retrying.collect(2);
  await retrying.confirm(items[0]);
  retrying.nack(items[1]);
  await explained(rpc, 'retrying', 'room/4', 2, 'BACKOFF');
  await redact('room/4', 2);
  for (const client of [full, retrying]) {
    assert.deepEqual(await client.next('gap'), {
      type: 'gap',
      channel: 'room/4',
      firstSeq: 2,
      lastSeq: 2,
      cause: 'redacted',
    });
  }
  for (const client of ['full', 'retrying', 'away']) {
    const delivery = await explained(rpc, client, 'room/4', 2, 'ABANDONED', 'REDACTED');
    assert.match(delivery.explanation, /an operator redacted it at .*ticket 812/);
  }
  await full.confirm(first);
  await publish(server, 'room/4', 'three');
  assert.equal(numberOf(await full.nextDelivery()), 3);
  const back = await connect('away');
  assert.deepEqual((await back.collect(2)).map(numberOf), [1, 3]);
});

test('what is in flight may be acknowledged; refused, it is not sent again', async () => {
  const connect = (client) =>
    Client.connect(server, { client, subscriptions: [{ channel: 'room/5' }] });
  const [keeps, refuses] = [await connect('keeps'), await connect('refuses')];
  await publish(server, 'room/5', 'hello');
  const [kept, refused] = [await keeps.nextDelivery(), await refuses.nextDelivery()];
  await redact('room/5', 1);
  await keeps.confirm(kept);
  await explained(rpc, 'keeps', 'room/5', 1, 'ACKED');
  refuses.nack(refused);
  await explained(rpc, 'refuses', 'room/5', 1, 'ABANDONED', 'REDACTED');
});

test('a parked one is dismissed with it', async () => {
  const client = await Client.connect(server, {
    client: 'parks',
    subscriptions: [{ channel: 'room/6' }],
  });
  await publish(server, 'room/6', 'hello');
  client.nack(await client.nextDelivery(), { final: true });
  await explained(rpc, 'parks', 'room/6', 1, 'PARKED');
  await redact('room/6', 1);
  await explained(rpc, 'parks', 'room/6', 1, 'ABANDONED', 'REDACTED');
  assert.equal((await rpc.deliveries.getClient({ client: 'parks' })).parked, 0);
});

test('an edit of it is refused, its id may be published again', async () => {
  await publish(server, 'room/7', 'hello', { messageId: 'one' });
  await redact('room/7', 1);
  const edit = { channel: 'room/7', payload: Buffer.from('x'), kind: 'KIND_EDITED', refersTo: 1 };
  await assert.rejects(rpc.messages.publish(edit), {
    code: status.NOT_FOUND,
    details: /seq 1 of room\/7 is not stored any more/,
  });
  const again = await publish(server, 'room/7', 'clean', { messageId: 'one' });
  assert.equal(again.seq, 2);
});

test('what cannot be redacted is named', async () => {
  await assert.rejects(redact('nowhere', 1), { code: status.NOT_FOUND, details: /nowhere/ });
  await assert.rejects(redact('room/7', 99), { code: status.NOT_FOUND, details: /99/ });
  await assert.rejects(redact('room/7', 0), { code: status.INVALID_ARGUMENT, details: /^seq: / });
});

test('ackctl redacts, twice the same; the directory is whole', async () => {
  await publish(server, 'room/8', 'hello');
  for (let i = 0; i < 2; ++i) {
    const done = await ackctl('--server', server.grpc, 'redact', 'room/8', 1, '--note', 'test');
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stdout, /^Seq 1 of room\/8 is redacted: .* by \d{4}-.*Backups still have it/);
  }
  await server.stop();
  const { code, stdout, stderr } = await ackctl('verify', server.dataDir);
  assert.equal(code, 0, stdout + stderr);
  await server.launch();
});
