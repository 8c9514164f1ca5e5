// Who has acknowledged a message, and who has not: by gRPC, by HTTP, and by ackctl.

import assert from 'node:assert/strict';
import test, { after, afterEach } from 'node:test';
import { ackctl } from '../support/ackctl.mjs';
import { Client, dropAll } from '../support/client.mjs';
import { eventually } from '../support/eventually.mjs';
import { grpcClients, status } from '../support/grpc.mjs';
import { channelPath, publish, request } from '../support/http.mjs';
import { serverForFile } from '../support/server.mjs';
import { explained } from '../support/state.mjs';

const server = await serverForFile({ flags: ['--backoff', '1h', '--max-attempts', '1'] });
const rpc = grpcClients(server.grpc);
after(() => rpc.close());
afterEach(dropAll);

const overHttp = (channel, seq) =>
  request(server.http, { path: channelPath(channel, seq, 'receipts') });

const kFields = ['owed', 'acked', 'pending', 'failed', 'usersOwed', 'usersReached'];

// Asks by gRPC and by HTTP, with and without explanations: all must say the same.
async function receipts(channel, seq) {
  const full = await rpc.deliveries.getReceipts({ channel, seq, maxClients: 1000 });
  const counts = Object.fromEntries(kFields.map((name) => [name, full[name]]));
  const brief = await rpc.deliveries.getReceipts({ channel, seq });
  assert.deepEqual(brief, { ...counts, deliveries: [] });
  assert.deepEqual((await overHttp(channel, seq)).json, counts);
  assert.equal(full.owed, full.acked + full.pending + full.failed);
  assert.equal(full.deliveries.length, full.owed);
  return { counts: kFields.map((name) => full[name]), deliveries: full.deliveries };
}

async function become(channel, seq, counts) {
  await eventually(async () => {
    const { json } = await overHttp(channel, seq);
    return kFields.every((name, at) => json[name] === counts[at]);
  }, `the receipts of ${channel} ${seq} to be ${counts}`);
  return receipts(channel, seq);
}

async function subscribe(channel, ...clients) {
  for (const client of clients) await rpc.subscriptions.subscribe({ client, channel });
}

async function connected(client, channel) {
  const it = await Client.connect(server, { client, subscriptions: [{ channel }] });
  return it;
}

const stateOf = (deliveries, client) => deliveries.find((each) => each.client === client)?.state;

test('a message that was published and acknowledged by some', async () => {
  const phone = await connected('alice/phone', 'room');
  const bob = await connected('bob', 'room');
  const carol = await connected('carol', 'room');
  await subscribe('room', 'alice/tv', 'dave');
  await publish(server, 'room', 1);
  await subscribe('room', 'late');

  const sent = [await phone.nextDelivery(), await bob.nextDelivery(), await carol.nextDelivery()];
  assert.deepEqual((await receipts('room', 1)).counts, [5, 0, 5, 0, 4, 0]);
  await phone.confirm(sent[0]);
  bob.nack(sent[1], { final: true, reason: 'never' });
  const { counts, deliveries } = await become('room', 1, [5, 1, 3, 1, 4, 1]);
  assert.deepEqual(counts, [5, 1, 3, 1, 4, 1]);
  assert.deepEqual(
    deliveries.map((each) => [each.client, each.state, each.reason]),
    [
      ['bob', 'DELIVERY_STATE_PARKED', 'REASON_REJECTED'],
      ['alice/tv', 'DELIVERY_STATE_PENDING', 'REASON_CLIENT_OFFLINE'],
      ['carol', 'DELIVERY_STATE_IN_FLIGHT', 'REASON_UNSPECIFIED'],
      ['dave', 'DELIVERY_STATE_PENDING', 'REASON_CLIENT_OFFLINE'],
      ['alice/phone', 'DELIVERY_STATE_ACKED', 'REASON_UNSPECIFIED'],
    ],
  );
  assert.match(deliveries[0].explanation, /never/);
});

test('each delivery is explained as ExplainDelivery explains it', async () => {
  const nacking = await connected('nacking', 'explained');
  await publish(server, 'explained', 1);
  nacking.nack(await nacking.nextDelivery());
  await explained(rpc, 'nacking', 'explained', 1, 'PARKED', 'MAX_ATTEMPTS');
  await subscribe('explained', 'never-owed');
  const { deliveries } = await receipts('explained', 1);
  assert.deepEqual(deliveries, [
    await rpc.deliveries.explainDelivery({ client: 'nacking', channel: 'explained', seq: 1 }),
  ]);
});

test('what a session has acknowledged counts at once where it is explained', async () => {
  const quick = await connected('quick', 'quick');
  await publish(server, 'quick', 1);
  quick.ack(await quick.nextDelivery());
  await quick.barrier();
  const question = { channel: 'quick', seq: 1, maxClients: 1 };
  const { acked, pending } = await rpc.deliveries.getReceipts(question);
  assert.deepEqual([acked, pending], [1, 0]);
});

test('who unsubscribed without it has failed; who had it is not counted any more', async () => {
  const had = await connected('had', 'leaving');
  await subscribe('leaving', 'left', 'stays');
  await publish(server, 'leaving', 1);
  await had.confirm(await had.nextDelivery());
  assert.deepEqual((await receipts('leaving', 1)).counts, [3, 1, 2, 0, 3, 1]);
  await had.unsubscribe('leaving');
  await rpc.subscriptions.unsubscribe({ client: 'left', channel: 'leaving' });
  const { counts, deliveries } = await receipts('leaving', 1);
  assert.deepEqual(counts, [2, 0, 1, 1, 2, 0]);
  assert.equal(stateOf(deliveries, 'left'), 'DELIVERY_STATE_ABANDONED');
});

test('what expired has failed, except where it is in flight', async () => {
  const flying = await connected('flying', 'expiring');
  await subscribe('expiring', 'away');
  await publish(server, 'expiring', 1, { ttlMs: 1 });
  // Its turn may come after the end of its time: then it is not sent.
  await eventually(async () => {
    const { deliveries } = await receipts('expiring', 1);
    return stateOf(deliveries, 'away') === 'DELIVERY_STATE_ABANDONED';
  }, 'it to expire');
  await publish(server, 'expiring', 2, { ttlMs: 2000 });
  const item = await flying.nextDelivery((each) => each.message.seq === 2);
  await become('expiring', 2, [2, 0, 1, 1, 2, 0]);
  await flying.confirm(item);
  assert.deepEqual((await receipts('expiring', 2)).counts, [2, 1, 0, 1, 2, 1]);
});

test('a message is found by its id, and one that nobody is owed has no receipts', async () => {
  await publish(server, 'empty', 1, { messageId: 'm-1' });
  const question = { channel: 'empty', messageId: 'm-1', maxClients: 9 };
  const none = await rpc.deliveries.getReceipts(question);
  assert.deepEqual(none, {
    owed: 0,
    acked: 0,
    pending: 0,
    failed: 0,
    usersOwed: 0,
    usersReached: 0,
    deliveries: [],
  });
});

test('many clients are counted, and as many explained as were asked for', async () => {
  const clients = Array.from({ length: 1200 }, (_, n) => `u${n % 400}/${n}`);
  await rpc.subscriptions.subscribeMany({
    requests: clients.map((client) => ({ client, channel: 'many' })),
  });
  await publish(server, 'many', 1);
  const one = await connected(clients[7], 'many');
  await one.confirm(await one.nextDelivery());
  const explainedOf = { 0: 0, 5: 5, 5000: 1000 };
  for (const [maxClients, count] of Object.entries(explainedOf)) {
    const all = await rpc.deliveries.getReceipts({ channel: 'many', seq: 1, maxClients });
    assert.deepEqual(
      kFields.map((name) => all[name]),
      [1200, 1, 1199, 0, 400, 1],
    );
    assert.equal(all.deliveries.length, count);
  }
});

test('what there is not is NOT_FOUND, by name; a bad question is told what is right', async () => {
  await publish(server, 'there', 1);
  const fails = async (question, code, message) => {
    await assert.rejects(rpc.deliveries.getReceipts(question), (error) => {
      assert.equal(error.code, code, error.details);
      assert.match(error.details, message);
      return true;
    });
  };
  const { NOT_FOUND, INVALID_ARGUMENT } = status;
  const channel = 'there';
  await fails({ channel: 'nowhere', seq: 1 }, NOT_FOUND, /^channel: there is no nowhere/);
  await fails({ channel, seq: 2 }, NOT_FOUND, /^seq: there is no seq 2 .*last is 1/);
  await fails({ channel, messageId: 'x' }, NOT_FOUND, /^message_id: there is no x/);
  await fails({ channel }, INVALID_ARGUMENT, /^seq: .*seq, from 1, or by message_id/);
  await fails({ channel, seq: 1, messageId: 'x' }, INVALID_ARGUMENT, /^seq: .*one of/);
  await fails({ channel: 'a b', seq: 1 }, INVALID_ARGUMENT, /^channel: /);
  const http = await overHttp('there', 2);
  assert.equal(http.status, 404);
  assert.equal(http.json.error.code, 'not_found');
  assert.equal((await overHttp('there', 0)).status, 400);
});

test('ackctl shows what a chat would, and who has it not', async () => {
  const phone = await connected('erin/phone', 'shown');
  await subscribe('shown', 'frank');
  await publish(server, 'shown', 1, { messageId: 'm-1' });
  const ctl = (...words) => ackctl('--server', server.grpc, 'receipts', ...words);
  const [item] = await phone.collect(1);
  await explained(rpc, 'erin/phone', 'shown', 1, 'IN_FLIGHT');
  let shown = await ctl('shown', 1);
  assert.equal(shown.code, 0, shown.stderr);
  const [summary, empty, titles] = shown.stdout.split('\n');
  assert.match(summary, /^shown seq 1: one tick: 0 of 2 users reached; of 2 clients, 0 ack/);
  assert.ok(summary.endsWith('0 acknowledged, 2 pending, 0 failed'), summary);
  assert.equal(empty, '');
  assert.match(titles, /^CLIENT +STATE +REASON +ATTEMPTS/);
  assert.match(shown.stdout, /\nerin\/phone +in_flight +- +1 /);
  assert.match(shown.stdout, /\nfrank +pending +client_offline +0 /);
  assert.match((await ctl('shown', 1, '--clients', 1)).stdout, /\nand 1 more; those that failed/);
  await phone.confirm(item);
  await rpc.subscriptions.unsubscribe({ client: 'frank', channel: 'shown' });
  shown = await ctl('shown', '--id', 'm-1');
  assert.match(shown.stdout, /^shown m-1: \(!\): 1 of 2 users reached; .* 1 failed\n/);
  assert.match(shown.stdout, /\nfrank +abandoned +unsubscribed /);
  const json = await ctl('shown', 1, '-o', 'json');
  assert.deepEqual(json.json.deliveries.map((each) => each.state), ['abandoned', 'acked']);
  assert.equal(json.json.usersReached, 1);

  const to = await connected('gina', 'both');
  await publish(server, 'both', 1);
  await to.confirm(await to.nextDelivery());
  assert.match((await ctl('both', 1)).stdout, /^both seq 1: two ticks: 1 of 1 user reached/);

  assert.equal((await ctl('shown')).code, 2);
  assert.equal((await ctl('shown', 1, '--id', 'm-1')).code, 2);
  const missing = await ctl('shown', 9);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /there is no seq 9/);
  assert.match((await ctl('--help')).stdout, /Two ticks/);
});
