// What happened to deliveries is on record for as long as was asked for, and longer where a failure
// is open. What is owed does not depend on it.

import assert from 'node:assert/strict';
import test, { after, afterEach } from 'node:test';
import { ackctl } from '../support/ackctl.mjs';
import { Client, dropAll } from '../support/client.mjs';
import { eventually } from '../support/eventually.mjs';
import { grpcClients, status, toTimestamp } from '../support/grpc.mjs';
import { publish, publishMany } from '../support/http.mjs';
import { aMoment } from '../support/moment.mjs';
import { serverForFile } from '../support/server.mjs';
import { explained, floorOf, offline } from '../support/state.mjs';

const server = await serverForFile({
  flags: ['--journal-retention-age', '3s', '--backoff', '1ms', '--max-attempts', '1'],
});
let rpc = grpcClients(server.grpc);
after(() => rpc.close());
afterEach(dropAll);

const explain = (client, channel, seq, at) =>
  rpc.deliveries.explainDelivery({ client, channel, seq, ...(at && { at: toTimestamp(at) }) });
const failures = async (filter) => (await rpc.deliveries.listFailures({ filter })).failures;

// Something happens, so that what was before can go: the newest records stay.
async function lifeGoesOn() {
  for (let i = 0; i < 4; ++i) {
    const client = `other-${Math.random()}`;
    await rpc.subscriptions.subscribe({ client, channel: 'other' });
  }
}

// Until nothing is on record of when this was acknowledged.
const recordOfAckGone = (client, channel, seq) =>
  eventually(
    async () => {
      await lifeGoesOn();
      const { explanation } = await explain(client, channel, seq);
      return /; when is no longer on record$/.test(explanation);
    },
    `the record of ${channel} ${seq} to go`,
    30_000,
  );

async function acknowledgeAll(client, channel) {
  const connection = await Client.connect(server, { client, subscriptions: [{ channel }] });
  await publishMany(server, channel, 3);
  for (const item of await connection.collect(3)) await connection.confirm(item);
  await connection.drop();
  await offline(rpc, client);
}

async function verified() {
  await server.stop();
  const verify = await ackctl('verify', server.dataDir);
  assert.equal(verify.code, 0, verify.stdout + verify.stderr);
  await server.launch();
  rpc.close();
  rpc = grpcClients(server.grpc);
}

test('what was acknowledged stays settled, and when is forgotten', async () => {
  await acknowledgeAll('ann', 'talk');
  const then = await aMoment();
  assert.match((await explain('ann', 'talk', 2)).explanation, /acknowledged seq 2 of talk at /);
  await recordOfAckGone('ann', 'talk', 2);
  const now = await explain('ann', 'talk', 2);
  assert.deepEqual([now.state, now.settledAt], ['DELIVERY_STATE_ACKED', null]);
  await assert.rejects(explain('ann', 'talk', 2, then), (error) => {
    assert.equal(error.code, status.OUT_OF_RANGE);
    assert.match(error.details, /the journal is kept from .*Z on/);
    return true;
  });
  await verified();
  assert.equal(await floorOf(rpc, 'ann', 'talk'), 3);
  assert.equal((await explain('ann', 'talk', 2)).state, 'DELIVERY_STATE_ACKED');
  const { journal } = await rpc.admin.getStatus({});
  assert.equal(journal.trimmed, true);
  const told = await ackctl('--server', server.grpc, 'status');
  assert.match(told.stdout, /^Journal +\S+ \w+, from 20\S+Z on$/m);
  const listed = await ackctl('--server', server.grpc, 'failures');
  assert.match(listed.stdout, /^What failed before 20\S+Z is no longer on record /m);
  const since = await ackctl('--server', server.grpc, 'failures', '--since', '-0s');
  assert.doesNotMatch(since.stdout, /no longer on record/);
  assert.match(server.stderr, /journal: removed \d+ records of what happened up to .*Z/);
});

test('the past is told from what is kept on', async () => {
  await acknowledgeAll('bea', 'past');
  await recordOfAckGone('bea', 'past', 1);
  await publish(server, 'past', 'four');
  const owed = await aMoment();
  const connection = await Client.connect(server, { client: 'bea' });
  await connection.confirm((await connection.collect(1))[0]);
  await explained(rpc, 'bea', 'past', 4, 'ACKED');
  const then = await explain('bea', 'past', 4, owed);
  assert.deepEqual([then.state, then.reason], ['DELIVERY_STATE_PENDING', 'REASON_CLIENT_OFFLINE']);
  const settled = await explain('bea', 'past', 1, owed);
  assert.match(settled.explanation, /bea has settled seq 1 of past; when is no longer on record$/);
  const client = await rpc.deliveries.getClient({ client: 'bea', at: toTimestamp(owed) });
  assert.deepEqual([client.online, client.undelivered, client.subscriptions], [false, 1, 1]);
});

test('what is parked keeps its record, and all that is newer', async () => {
  const subscriptions = [{ channel: 'bad' }];
  const connection = await Client.connect(server, { client: 'cleo', subscriptions });
  await publish(server, 'bad', 'one');
  connection.nack((await connection.collect(1))[0], { reason: 'cannot read it' });
  const before = await explained(rpc, 'cleo', 'bad', 1, 'PARKED');
  await connection.drop();
  await acknowledgeAll('dan', 'newer');
  await eventually(
    async () => {
      await lifeGoesOn();
      return server.stderr.includes('client cleo, channel bad, seq 1');
    },
    'the server to say who holds the journal',
    30_000,
  );
  const { journal } = await rpc.admin.getStatus({});
  assert.equal(journal.heldBy, 'client cleo, channel bad, seq 1, which is parked');
  assert.equal((await explain('cleo', 'bad', 1)).explanation, before.explanation);
  assert.equal((await failures({ client: 'cleo' })).length, 2);
  assert.match((await explain('dan', 'newer', 3)).explanation, /acknowledged seq 3 of newer at /);
  await rpc.admin.dismissFailures({ filter: { client: 'cleo' }, note: 'ticket 7' });
  await recordOfAckGone('dan', 'newer', 3);
  await eventually(
    async () => {
      await lifeGoesOn();
      return (await failures({ client: 'cleo' })).length === 0;
    },
    'its failures to be listed no more',
    30_000,
  );
  await verified();
});

test('who is forgotten is so in what is left of the journal, too', async () => {
  await acknowledgeAll('eve', 'secret');
  await recordOfAckGone('eve', 'secret', 3);
  await rpc.admin.forgetClient({ client: 'eve', note: 'ticket 8' });
  await lifeGoesOn();
  await verified();
  await assert.rejects(rpc.deliveries.getClient({ client: 'eve' }), { code: status.NOT_FOUND });
});
