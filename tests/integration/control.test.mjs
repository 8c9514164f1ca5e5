// What operators do to clients and to what is parked: pause, resume, disconnect, dismiss. Explain,
// lists, metrics, status and ackctl agree on it, and the directory is whole afterwards.

import assert from 'node:assert/strict';
import test, { after, afterEach } from 'node:test';
import { ackctl } from '../support/ackctl.mjs';
import { Client, dropAll } from '../support/client.mjs';
import { grpcClients, status, toMs } from '../support/grpc.mjs';
import { publish, publishMany, request } from '../support/http.mjs';
import { serverForFile } from '../support/server.mjs';
import { explained, offline } from '../support/state.mjs';

const server = await serverForFile({
  flags: ['--backoff', '50ms', '--max-attempts', '2', '--max-disconnects', '2'],
});
const rpc = grpcClients(server.grpc);
after(() => rpc.close());
afterEach(dropAll);

async function restart(flags) {
  await server.restart(flags);
  rpc.moveTo(server.grpc);
}

// A client that is subscribed to a channel of its name, with `count` messages delivered.
async function delivered(client, count) {
  const connected = await Client.connect(server, { client, subscriptions: [{ channel: client }] });
  await publishMany(server, client, count);
  return [connected, await connected.collect(count)];
}

// The same, with all of them parked.
async function parked(client, count) {
  const [connected, items] = await delivered(client, count);
  connected.nack(items[0], { final: true, reason: 'never' });
  const sent = [items[0]];
  for (let seq = 2; seq <= count; ++seq) {
    const item = await connected.nextDelivery((each) => each.message.seq === seq);
    connected.nack(item, { final: true, reason: 'never' });
    sent.push(item);
  }
  await explained(rpc, client, client, count, 'PARKED', 'REJECTED');
  return [connected, sent];
}

async function metric(name) {
  const { body } = await request(server.admin, { path: '/metrics' });
  const line = body.split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.split(' ').at(-1) ?? 0);
}

// The sentence ends like this, times left out.
const ends = ({ explanation }, words) => {
  const timeless = explanation.replace(/ at \d{4}-\S+Z/g, ' then');
  assert.ok(timeless.endsWith(words), explanation);
};

const dismissedTotal = () => metric('ackwire_delivery_failures_total{reason="dismissed"}');

async function refused(call, code, pattern) {
  await assert.rejects(call, (error) => {
    assert.equal(error.code, code, error.details);
    assert.match(error.details, pattern);
    return true;
  });
}

test('paused with messages in flight: these may be settled, nothing more is sent', async () => {
  const [client, items] = await delivered('busy', 2);
  const paused = await rpc.admin.pauseClient({ client: 'busy', reason: 'database away' });
  assert.deepEqual(
    [paused.id, paused.online, paused.paused, paused.pauseReason, paused.session.inFlight],
    ['busy', true, true, 'database away', 2],
  );
  assert.ok(Math.abs(toMs(paused.pausedAt) - Date.now()) < 60_000);
  await publish(server, 'busy', 3);
  await explained(rpc, 'busy', 'busy', 1, 'IN_FLIGHT');
  const waiting = await explained(rpc, 'busy', 'busy', 3, 'PENDING', 'CLIENT_PAUSED');
  ends(
    waiting,
    'it was not sent yet; the client was paused then ("database away"), ' +
      'and is sent it after `ackctl resume busy`',
  );
  await client.confirm(items[0]);
  await explained(rpc, 'busy', 'busy', 1, 'ACKED');
  client.nack(items[1], { reason: 'not now' });
  await explained(rpc, 'busy', 'busy', 2, 'PENDING', 'CLIENT_PAUSED'); // its backoff is over
  await client.barrier();
  assert.deepEqual(client.untaken, []);
  const { clients } = await rpc.deliveries.listClients({ prefix: 'busy' });
  assert.deepEqual(
    clients.map((each) => [each.paused, each.undelivered]),
    [[true, 2]],
  );

  const resumed = await rpc.admin.resumeClient({ client: 'busy' });
  assert.deepEqual([resumed.paused, resumed.pausedAt, resumed.pauseReason], [false, null, '']);
  const again = await client.nextDelivery();
  assert.deepEqual([again.message.seq, again.attempt], [2, 2]);
  await client.confirm(again);
  await client.confirm(await client.nextDelivery());
  await explained(rpc, 'busy', 'busy', 3, 'ACKED');
});

test('a backoff stays one, and tells of the pause', async () => {
  const [client, [item]] = await delivered('backoff', 1);
  client.nack(item, { delayMs: 60_000 });
  await explained(rpc, 'backoff', 'backoff', 1, 'BACKOFF', 'NACK');
  await rpc.admin.pauseClient({ client: 'backoff' });
  ends(
    await explained(rpc, 'backoff', 'backoff', 1, 'BACKOFF', 'NACK'),
    'the next attempt is then; the client was paused then, and is sent nothing before ' +
      '`ackctl resume backoff`',
  );
});

test('a pause lasts over reconnects and restarts; nothing is lost', async () => {
  const [client] = await delivered('lasting', 1);
  await rpc.admin.pauseClient({ client: 'lasting' });
  await client.close();
  await offline(rpc, 'lasting');
  await publish(server, 'lasting', 2);
  const away = await explained(rpc, 'lasting', 'lasting', 2, 'PENDING', 'CLIENT_PAUSED');
  ends(
    away,
    'paused then, and is offline: it is sent it after `ackctl resume lasting`, when it connects',
  );
  let back = await Client.connect(server, { client: 'lasting' });
  await back.barrier();
  assert.deepEqual(back.untaken, []);
  await restart();
  back = await Client.connect(server, { client: 'lasting' });
  await publish(server, 'lasting', 3);
  await back.barrier();
  assert.deepEqual(back.untaken, []);
  assert.equal((await rpc.deliveries.getClient({ client: 'lasting' })).paused, true);
  await rpc.admin.resumeClient({ client: 'lasting' });
  assert.deepEqual(
    (await back.collect(3)).map((item) => item.message.seq),
    [1, 2, 3],
  );
});

test('paused and resumed while offline; both are idempotent', async () => {
  await rpc.subscriptions.subscribe({ client: 'away', channel: 'away' });
  await publish(server, 'away', 1);
  const paused = await rpc.admin.pauseClient({ client: 'away', reason: 'first' });
  assert.deepEqual(await rpc.admin.pauseClient({ client: 'away', reason: 'second' }), paused);
  assert.deepEqual([paused.paused, paused.online, paused.pauseReason], [true, false, 'first']);
  assert.equal((await rpc.admin.resumeClient({ client: 'away' })).paused, false);
  assert.equal((await rpc.admin.resumeClient({ client: 'away' })).paused, false);
  await explained(rpc, 'away', 'away', 1, 'PENDING', 'CLIENT_OFFLINE');
});

test('disconnected: 4004 with the operator’s words; recorded, and not counted', async () => {
  const [first] = await delivered('cut', 2);
  const client = await rpc.admin.disconnectClient({ client: 'cut', reason: 'stuck since noon' });
  assert.deepEqual([client.id, client.online, client.session], ['cut', false, null]);
  assert.deepEqual(await first.closed, { code: 4004, reason: 'stuck since noon' });
  const delivery = await rpc.deliveries.explainDelivery({ client: 'cut', channel: 'cut', seq: 1 });
  assert.deepEqual(
    delivery.attempts.map((each) => [each.reason, each.detail]),
    [['REASON_DISCONNECTED', 'close code 4004: stuck since noon']],
  );
  // As often as --max-disconnects would park it.
  for (let n = 0; n < 2; ++n) {
    const again = await Client.connect(server, { client: 'cut' });
    await again.collect(2);
    await rpc.admin.disconnectClient({ client: 'cut' });
    assert.deepEqual(await again.closed, { code: 4004, reason: 'disconnected by an operator' });
  }
  await explained(rpc, 'cut', 'cut', 1, 'PENDING', 'CLIENT_OFFLINE');
  const { failures } = await rpc.deliveries.listFailures({ filter: { client: 'cut' } });
  assert.equal(failures.length, 3);
  const idle = await rpc.admin.disconnectClient({ client: 'cut' });
  assert.deepEqual([idle.online, idle.undelivered], [false, 2]);
});

test('what cannot be done is refused, by the name of what is wrong', async () => {
  const { admin } = rpc;
  const client = 'never-seen';
  await refused(admin.pauseClient({ client }), status.NOT_FOUND, /never-seen has never/);
  await refused(admin.resumeClient({ client }), status.NOT_FOUND, /never-seen has never/);
  await refused(admin.disconnectClient({ client }), status.NOT_FOUND, /never-seen has never/);
  await refused(admin.pauseClient({ client: 'a b' }), status.INVALID_ARGUMENT, /^client: /);
  const reason = 'x'.repeat(1025);
  await refused(admin.pauseClient({ client, reason }), status.INVALID_ARGUMENT, /^reason: .*1024/);
  await refused(
    admin.disconnectClient({ client, reason: 'x'.repeat(124) }),
    status.INVALID_ARGUMENT,
    /^reason: .*123/,
  );
  for (const filter of [undefined, {}, { openOnly: true }]) {
    await refused(admin.dismissFailures({ filter }), status.INVALID_ARGUMENT, /^filter: say what/);
  }
  const wrong = { channel: 'a b' };
  await refused(admin.dismissFailures({ filter: wrong }), status.INVALID_ARGUMENT, /^channel: /);
  await refused(
    admin.dismissFailures({ filter: { channel: '*' }, note: reason }),
    status.INVALID_ARGUMENT,
    /^note: /,
  );
});

test('dismissed while connected: explain, list, metrics and status agree', async () => {
  const [client, items] = await parked('old', 2);
  const before = [await metric('ackwire_parked'), await dismissedTotal()];
  const filter = { client: 'old', channel: 'old' };
  const { dismissed } = await rpc.admin.dismissFailures({ filter, note: 'order cancelled' });
  assert.equal(dismissed, 2);
  const told = await explained(rpc, 'old', 'old', 1, 'ABANDONED', 'DISMISSED');
  ends(told, '("never"); it was parked, and an operator dismissed it then ("order cancelled")');
  assert.ok(Math.abs(toMs(told.settledAt) - Date.now()) < 60_000);
  const { failures } = await rpc.deliveries.listFailures({
    filter: { client: 'old', reasons: ['REASON_DISMISSED'] },
  });
  assert.deepEqual(
    failures.map((each) => [each.firstSeq, each.lastSeq, each.detail, each.now]),
    [[1, 2, 'order cancelled', [{ state: 'DELIVERY_STATE_ABANDONED', count: 2 }]]],
  );
  const now = [await metric('ackwire_parked'), await dismissedTotal()];
  assert.deepEqual(now, [before[0] - 2, before[1] + 2]);
  assert.equal((await rpc.admin.getStatus({})).parked, now[0]);
  assert.equal((await rpc.deliveries.getClient({ client: 'old' })).parked, 0);

  // A late acknowledgement changes nothing, and a second dismissal finds nothing.
  await client.confirm(...items);
  assert.equal((await rpc.deliveries.getClient({ client: 'old' })).parked, 0);
  assert.equal(await metric('ackwire_parked'), now[0]);
  await explained(rpc, 'old', 'old', 1, 'ABANDONED', 'DISMISSED');
  assert.equal((await rpc.admin.dismissFailures({ filter })).dismissed, 0);
  assert.equal(await dismissedTotal(), now[1]);
});

test('dismissed while offline; a resumed session has nothing to say of it', async () => {
  const [client, [item]] = await parked('gone', 1);
  const session = client.welcome.session;
  await client.drop();
  await offline(rpc, 'gone');
  const before = await metric('ackwire_parked');
  const filter = { client: 'gone' };
  assert.equal((await rpc.admin.dismissFailures({ filter, note: 'lost phone' })).dismissed, 1);
  const back = await Client.connect(server, { client: 'gone', resume: { session, delivery: 0 } });
  assert.equal(back.welcome.resumed, true);
  await back.confirm(item);
  assert.equal(await metric('ackwire_parked'), before - 1);
  await explained(rpc, 'gone', 'gone', 1, 'ABANDONED', 'DISMISSED');
});

test('what a filter names: a prefix, a message, a reason, a time; nothing else', async () => {
  const left = async () => {
    const { clients } = await rpc.deliveries.listClients({});
    return Object.fromEntries(
      clients.filter((each) => each.parked > 0).map((each) => [each.id, each.parked]),
    );
  };
  const dismiss = async (filter) =>
    (await rpc.admin.dismissFailures({ filter, note: 'n' })).dismissed;
  await dismiss({ channel: '*' }); // what other tests have left
  for (const name of ['by/a', 'by/b', 'by/c', 'other']) (await parked(name, 2))[0].close();
  const message = await rpc.deliveries.explainDelivery({ client: 'by/a', channel: 'by/a', seq: 2 });
  assert.equal(await dismiss({ channel: 'by/a', messageId: message.messageId }), 1);
  await explained(rpc, 'by/a', 'by/a', 1, 'PARKED');
  assert.equal(await dismiss({ channel: 'by/b', reasons: ['REASON_ACK_TIMEOUT'] }), 0);
  // The second one was recalled when the first was rejected.
  assert.equal(await dismiss({ channel: 'by/b', reasons: ['REASON_RECALLED'] }), 1);
  assert.equal(await dismiss({ client: 'by/c', until: { seconds: 1000 } }), 0);
  assert.equal(await dismiss({ client: 'by/c', since: { seconds: 1000 } }), 2);
  assert.deepEqual(await left(), { 'by/a': 1, 'by/b': 1, other: 2 });
  assert.equal(await dismiss({ channel: 'by/*' }), 2);
  assert.equal(await dismiss({ channel: 'no-such-channel' }), 0);
  assert.deepEqual(await left(), { other: 2 });
  assert.equal(await dismiss({ channel: '*' }), 2);
  assert.deepEqual(await left(), {});
  assert.equal(await metric('ackwire_parked'), 0);
});

test('ackctl pause, resume, disconnect and dismiss', async () => {
  const at = ['--server', server.grpc];
  const told = async (...words) => {
    const { code, stdout, stderr } = await ackctl(...at, ...words);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  const [client] = await parked('shown', 1);
  assert.equal(
    await told('pause', 'shown', '--reason', 'why not'),
    'shown is paused, with 0 undelivered messages; `ackctl resume shown` goes on.\n',
  );
  assert.match(
    await told('pause', 'shown', '--reason', 'again'),
    /^shown was paused already, since \S+Z \(why not\): nothing changed\. It has 0 undeliv/,
  );
  await publish(server, 'shown', 2);
  assert.match(await told('clients', '--prefix', 'shown'), /^shown +online, paused /m);
  assert.match(await told('client', 'shown'), /^Paused +\S+Z: why not$/m);
  assert.match(await told('explain', 'shown', 'shown', '2'), /`ackctl resume shown`/);
  assert.equal(
    await told('disconnect', 'shown', '--reason', 'bye'),
    'shown is not connected now; it has 1 undelivered message.\n',
  );
  assert.deepEqual(await client.closed, { code: 4004, reason: 'bye' });
  assert.equal(
    await told('resume', 'shown'),
    'shown is sent messages again when it connects: 1 undelivered message to go.\n',
  );
  assert.equal(
    await told('resume', 'shown'),
    'shown was not paused: nothing changed. It has 1 undelivered message, and is not connected.\n',
  );
  assert.equal(
    await told('disconnect', 'shown'),
    'shown was not connected: nothing changed. It has 1 undelivered message.\n',
  );
  assert.equal(JSON.parse(await told('-o', 'json', 'pause', 'shown')).paused, true);
  const failed = await ackctl(...at, 'pause', 'nobody');
  assert.deepEqual([failed.code, failed.stdout], [1, '']);
  assert.match(failed.stderr, /pause nobody: .*never connected \(not_found\)/);

  const dismiss = ['dismiss', '--client', 'shown', '--note', 'done with it'];
  const wrong = await ackctl(...at, 'dismiss', '--client', 'shown');
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /--note is required/);
  const everything = await ackctl(...at, 'dismiss', '--note', 'x');
  assert.equal(everything.code, 2);
  assert.match(everything.stderr, /dismiss: say what: --client/);
  assert.match(await told(...dismiss), /^1 parked delivery dismissed: no replay of failures /);
  assert.equal(await told(...dismiss), 'Nothing that is parked matches: 0 dismissed.\n');
  assert.deepEqual(JSON.parse(await told('-o', 'json', ...dismiss)), { dismissed: 0 });
  const failures = await told('failures', '--reason', 'dismissed', '--client', 'shown');
  assert.match(failures, /done with it/);
  for (const command of ['pause', 'resume', 'disconnect', 'dismiss']) {
    assert.match(await told(command, '--help'), /Example: ackctl/);
  }
});

test('the directory is whole afterwards, and tells the same', async () => {
  const tell = () => rpc.deliveries.explainDelivery({ client: 'old', channel: 'old', seq: 1 });
  const before = await tell();
  await restart();
  assert.deepEqual(await tell(), before);
  assert.equal(await metric('ackwire_parked'), 0);
  assert.equal((await rpc.deliveries.getClient({ client: 'shown' })).paused, true);
  await server.stop();
  const { code, stdout, stderr } = await ackctl('verify', server.dataDir);
  assert.equal(code, 0, stdout + stderr);
});
