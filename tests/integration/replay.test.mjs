// Replays: planned, started, watched and controlled; over sockets, through crashes, and with a sum
// that always comes out.

import assert from 'node:assert/strict';
import test, { after, afterEach } from 'node:test';
import { ackctl } from '../support/ackctl.mjs';
import { Client, dropAll } from '../support/client.mjs';
import { eventually } from '../support/eventually.mjs';
import { grpcClients, status } from '../support/grpc.mjs';
import { publish, publishMany } from '../support/http.mjs';
import { serverForFile } from '../support/server.mjs';
import { explained, offline } from '../support/state.mjs';

const server = await serverForFile({
  flags: ['--backoff', '20ms', '--max-attempts', '2', '--ack-wait', '10s'],
});
const rpc = grpcClients(server.grpc);
after(() => rpc.close());
afterEach(dropAll);

// A client of this name that has rejected `count` messages of a channel of its name.
async function parked(client, count) {
  const connected = await Client.connect(server, { client, subscriptions: [{ channel: client }] });
  await publishMany(server, client, count);
  for (let seq = 1; seq <= count; seq += 1) {
    const item = await connected.nextDelivery((each) => each.message.seq === seq);
    connected.frames.length = 0; // whoever nacks drops what it holds behind it
    connected.nack(item, { final: true, reason: 'broken build' });
  }
  await explained(rpc, client, client, count, 'PARKED');
  connected.frames.length = 0;
  return connected;
}

const plan = (failed, fields = {}) =>
  rpc.admin.planReplay({ selection: { failed }, ...fields });
const range = (selection) => rpc.admin.planReplay({ selection: { range: selection } });
const start = (planned, note = '') => rpc.admin.startReplay({ plan: planned.plan, note });

const sumOf = (replay) =>
  replay.acked + replay.failed + replay.skipped.reduce((sum, each) => sum + each.count, 0);

async function reaches(id, state) {
  return eventually(async () => {
    const replay = await rpc.admin.getReplay({ id });
    assert.ok(sumOf(replay) <= replay.total);
    return replay.state === `REPLAY_STATE_${state}` && replay;
  }, `replay ${id} to be ${state}`);
}

async function parkedOf(client) {
  return (await rpc.deliveries.getClient({ client })).parked;
}

// Acknowledges whatever comes.
async function ackAll(client, count) {
  const items = await client.collect(count);
  await client.confirm(...items);
  return items;
}

test('what was parked is delivered again, and parked until it is acknowledged', async () => {
  const client = await parked('again', 3);
  const planned = await plan({ client: 'again' });
  assert.deepEqual(
    [planned.deliveries, planned.messages, planned.clients, planned.offlineClients],
    [3, 3, 1, 0],
  );
  assert.equal(await parkedOf('again'), 3, 'a plan changes nothing');
  const started = await start(planned, 'the build is whole');
  assert.equal(started.total, 3);
  const items = await client.collect(3);
  assert.deepEqual(
    items.map((item) => [item.message.seq, item.replay]),
    [1, 2, 3].map((seq) => [seq, started.id]),
  );
  const meanwhile = await explained(rpc, 'again', 'again', 1, 'PARKED');
  assert.equal(meanwhile.attempts.at(-1).replay, started.id);
  assert.equal(meanwhile.attempts.at(-1).number, meanwhile.attempts.at(-2).number + 1);
  assert.match(meanwhile.explanation, /; replay r-\w+ delivers it again: attempt 2, sent /);
  assert.equal(await parkedOf('again'), 3);
  await client.confirm(...items);
  const done = await reaches(started.id, 'DONE');
  assert.deepEqual([done.acked, done.failed, done.skipped], [3, 0, []]);
  assert.equal(done.note, 'the build is whole');
  assert.ok(done.startedBy.length > 0);
  assert.equal(await parkedOf('again'), 0);
  const explanation = await explained(rpc, 'again', 'again', 2, 'ACKED');
  assert.equal(explanation.attempts.at(-1).replay, started.id);
});

test('a plan is started once, however often that is asked for', async () => {
  const client = await parked('once', 1);
  const planned = await plan({ client: 'once' });
  const [one, other] = [await start(planned), await start(planned)];
  assert.equal(one.id, other.id);
  await ackAll(client, 1);
  await reaches(one.id, 'DONE');
  await assert.rejects(rpc.admin.startReplay({ plan: 'p-none' }), { code: status.NOT_FOUND });
  const nothing = await plan({ client: 'once' });
  assert.equal(nothing.deliveries, 0);
  await assert.rejects(start(nothing), { code: status.FAILED_PRECONDITION });
});

test('what has become something else since it was planned is skipped, and says why', async () => {
  const client = await parked('since', 3);
  const planned = await plan({ client: 'since' });
  const first = await start(planned, 'first');
  const items = await client.collect(3);
  await client.confirm(items[0]);
  const second = await start(await plan({ client: 'since' }), 'second');
  await client.confirm(items[1]);
  await client.unsubscribe('since');
  const done = await reaches(first.id, 'DONE');
  assert.deepEqual([done.acked, done.failed], [2, 0]);
  assert.deepEqual(
    done.skipped.map((each) => [each.reason, each.count]),
    [['REASON_UNSUBSCRIBED', 1]],
  );
  assert.equal(sumOf(await reaches(second.id, 'DONE')), second.total);
});

test('one that fails again is tried again until its attempts are used up', async () => {
  const client = await parked('fails', 2);
  const started = await start(await plan({ client: 'fails' }));
  const [one, two] = await client.collect(2);
  client.nack(one, { reason: 'not yet' });
  const again = await client.nextDelivery((item) => item.message.seq === 1);
  assert.deepEqual([again.attempt, again.replay], [3, started.id]);
  client.nack(again, { reason: 'still not' });
  client.nack(two, { final: true, reason: 'never' });
  const done = await reaches(started.id, 'DONE');
  assert.deepEqual([done.acked, done.failed], [0, 2]);
  assert.equal(await parkedOf('fails'), 2, 'both stay parked');
});

test('a replay holds nothing up', async () => {
  const client = await parked('beside', 1);
  await start(await plan({ client: 'beside' }));
  const [replayed] = await client.collect(1);
  client.nack(replayed, { reason: 'no', delayMs: 60_000 });
  await publishMany(server, 'beside', 1);
  const live = await client.nextDelivery((item) => item.message.seq === 2);
  assert.equal(live.replay, '');
});

test('clients that are offline are waited for', async () => {
  const client = await parked('away', 2);
  await client.drop();
  await offline(rpc, 'away');
  const planned = await plan({ client: 'away' });
  assert.equal(planned.offlineClients, 1);
  const started = await start(planned);
  const waiting = await reaches(started.id, 'WAITING');
  assert.equal(waiting.waitingOffline, 2);
  const back = await Client.connect(server, { client: 'away' });
  await ackAll(back, 2);
  assert.equal((await reaches(started.id, 'DONE')).acked, 2);
});

test('what nobody wants any more is skipped without its client', async () => {
  const client = await parked('gone', 3);
  await client.drop();
  await offline(rpc, 'gone');
  const started = await start(await plan({ client: 'gone' }));
  await reaches(started.id, 'WAITING');
  await rpc.admin.dismissFailures({ filter: { client: 'gone' }, note: 'gone for good' });
  const done = await reaches(started.id, 'DONE');
  assert.deepEqual(
    done.skipped.map((each) => [each.reason, each.state, each.count]),
    [['REASON_DISMISSED', 'DELIVERY_STATE_ABANDONED', 3]],
  );
});

test('a nack after it was cancelled is no reason to send it again', async () => {
  const client = await parked('stopped', 1);
  const started = await start(await plan({ client: 'stopped' }));
  const [item] = await client.collect(1);
  await rpc.admin.controlReplay({ id: started.id, action: 'CANCEL' });
  await client.barrier();
  client.nack(item, { reason: 'too late' });
  await publishMany(server, 'stopped', 2);
  const live = await client.collect(2);
  assert.deepEqual(
    live.map((each) => [each.message.seq, each.replay]),
    [
      [2, ''],
      [3, ''],
    ],
  );
});

test('what was in flight when a connection ended comes again on return', async () => {
  const client = await parked('lost', 2);
  const started = await start(await plan({ client: 'lost' }));
  await client.collect(2);
  await client.drop();
  await reaches(started.id, 'WAITING');
  const back = await Client.connect(server, { client: 'lost' });
  await ackAll(back, 2);
  assert.equal((await reaches(started.id, 'DONE')).acked, 2);
});

test('a range: what was settled, also what was acknowledged, when that is asked for', async () => {
  const client = await Client.connect(server, {
    client: 'range',
    subscriptions: [{ channel: 'range' }],
  });
  await publishMany(server, 'range', 5);
  await client.confirm(...(await client.collect(4)));
  const without = await range({ channel: 'range', client: 'range' });
  assert.deepEqual(
    [without.deliveries, without.alreadyAcked, without.stillOwed],
    [0, 4, 1],
  );
  const planned = await range({ channel: 'range', fromSeq: 2, toSeq: 3, includeAcked: true });
  assert.deepEqual([planned.deliveries, planned.alreadyAcked, planned.stillOwed], [2, 2, 0]);
  const started = await start(planned);
  const replayed = [];
  while (replayed.length < 2) {
    const item = await client.nextDelivery((each) => each.replay === started.id);
    replayed.push(item);
  }
  assert.deepEqual(
    replayed.map((item) => [item.message.seq, item.attempt]),
    [
      [2, 2],
      [3, 2],
    ],
  );
  await client.confirm(...replayed);
  assert.equal((await reaches(started.id, 'DONE')).acked, 2);
});

test('what has expired since it was parked is in no plan, and explain says so', async () => {
  const subscriptions = [{ channel: 'late' }];
  const client = await Client.connect(server, { client: 'late', subscriptions });
  await publish(server, 'late', 1, { ttlMs: 1500 });
  await publish(server, 'late', 2);
  for (const seq of [1, 2]) {
    const item = await client.nextDelivery((each) => each.message.seq === seq);
    client.frames.length = 0;
    client.nack(item, { final: true });
  }
  await explained(rpc, 'late', 'late', 2, 'PARKED');
  const planned = await eventually(async () => {
    const found = await plan({ client: 'late' });
    return found.expired > 0 && found;
  }, 'the first to expire');
  assert.deepEqual([planned.expired, planned.deliveries, planned.messages], [1, 1, 1]);
  const { explanation } = await explained(rpc, 'late', 'late', 1, 'PARKED');
  assert.match(explanation, / and waits to be dismissed: it expired at .*, no replay delivers it$/);
  const started = await start(planned);
  await ackAll(client, 1);
  assert.equal((await reaches(started.id, 'DONE')).acked, 1);
  assert.equal(await parkedOf('late'), 1);
  await rpc.admin.dismissFailures({ filter: { client: 'late' }, note: 'too late' });
  assert.equal(await parkedOf('late'), 0);
});

test('paused it hands over nothing more; resumed it goes on; cancelled it ends', async () => {
  const client = await parked('paused', 40);
  const planned = await plan({ client: 'paused' }, { ratePerSecond: 20 });
  const started = await start(planned);
  await ackAll(client, 1);
  const control = (action, fields = {}) =>
    rpc.admin.controlReplay({ id: started.id, action, ...fields });
  assert.equal((await control('PAUSE')).state, 'REPLAY_STATE_PAUSED');
  await client.barrier();
  const { acked } = await rpc.admin.getReplay({ id: started.id });
  const inFlight = client.untaken.length;
  assert.ok(acked + inFlight < 40, 'it was paused on the way');
  // At 20 a second there would be ten more by then.
  await assert.rejects(client.nextDelivery(() => client.untaken.length > inFlight, 500));
  assert.equal((await control('SET_RATE', { ratePerSecond: 1000 })).ratePerSecond, 1000);
  assert.notEqual((await control('RESUME')).state, 'REPLAY_STATE_PAUSED');
  await ackAll(client, 20);
  assert.equal((await control('CANCEL')).state, 'REPLAY_STATE_CANCELLED');
  await assert.rejects(control('RESUME'), { code: status.FAILED_PRECONDITION });
  const left = await parkedOf('paused');
  assert.ok(left > 0 || (await rpc.admin.getReplay({ id: started.id })).acked === 40);
});

test('killed in the middle it goes on, and sends twice what was in flight alone', async () => {
  const client = await parked('killed', 30);
  const started = await start(await plan({ client: 'killed' }, { ratePerSecond: 50 }), 'kill');
  const items = await ackAll(client, 10);
  await server.kill();
  await server.launch();
  rpc.moveTo(server.grpc);
  const back = await Client.connect(server, { client: 'killed' });
  const rest = [];
  while (rest.length < 20) {
    const item = await back.nextDelivery();
    rest.push(item.message.seq);
    await back.confirm(item);
  }
  const done = await reaches(started.id, 'DONE');
  assert.deepEqual([done.acked, done.note], [30, 'kill']);
  const twice = rest.filter((seq) => items.some((item) => item.message.seq === seq));
  assert.deepEqual(twice, [], 'what was confirmed is not sent again');
  assert.equal(await parkedOf('killed'), 0);
});

test('bad input is refused, and says what would be right', async () => {
  const refused = async (call, code, pattern) =>
    assert.rejects(call, (error) => {
      assert.equal(error.code, code);
      assert.match(error.details, pattern);
      return true;
    });
  await refused(rpc.admin.planReplay({}), status.INVALID_ARGUMENT, /selection/);
  await refused(range({ channel: 'none such' }), status.INVALID_ARGUMENT, /channel/);
  await refused(range({ channel: 'nowhere' }), status.NOT_FOUND, /no channel nowhere/);
  await refused(
    range({ channel: 'again', fromSeq: 9, toSeq: 2 }),
    status.INVALID_ARGUMENT,
    /to_seq/,
  );
  await refused(rpc.admin.getReplay({ id: 'x' }), status.INVALID_ARGUMENT, /begins with r-/);
  await refused(rpc.admin.getReplay({ id: 'r-1' }), status.NOT_FOUND, /no replay r-1/);
});

test('ackctl plans, starts, waits and lists; its numbers are the plan’s', async () => {
  const client = await parked('tool', 2);
  const tool = (...words) => ackctl('--server', server.grpc, ...words);
  const planned = await tool('replay', 'plan', '--failed', '--client', 'tool');
  assert.equal(planned.code, 0, planned.stderr);
  assert.match(planned.stdout, /Deliveries +2\n/);
  const token = /replay start (p-\S+)/.exec(planned.stdout)[1];
  const waiting = tool('replay', 'start', token, '--note', 'by hand', '--wait');
  await ackAll(client, 2);
  const ended = await waiting;
  assert.equal(ended.code, 0, ended.stderr);
  assert.match(ended.stdout, /State +done\n/);
  assert.match(ended.stdout, /Acknowledged +2\n/);
  const { json } = await tool('-o', 'json', 'replay', 'list');
  assert.deepEqual(
    [json.replays[0].note, json.replays[0].state, json.replays[0].acked],
    ['by hand', 'done', 2],
  );
  assert.match(ended.stdout, /Selection +failed ones of client tool\n/);
  const { stdout: attempts } = await tool('explain', 'tool', 'tool', '1');
  assert.match(attempts, /REASON +REPLAY +DETAIL\n/);
  assert.match(attempts, / rejected +- +broken build\n.* - +r-\w+ +-\n/);
  const nothing = await tool('replay', 'plan', '--failed', '--channel', 'nowhere');
  assert.match(nothing.stdout, /nothing to deliver again: there is no channel nowhere\.\n/);
  const plan = ['replay', 'plan'];
  const ranged = [...plan, '--channel', 'tool'];
  for (const [words, code, why] of [
    [[...plan, '--reason', 'nack'], 2, /--failed/],
    [[...plan, '--failed', '--rate', '0'], 2, /--rate: "0" is not .* from 1 to 1000000/],
    [['replay', 'rate', 'r-1', '1000001'], 2, /N: "1000001" is not .* from 1 to 1000000/],
    [[...ranged, '--from', '5', '--to', '3'], 2, /--to: 3 is before --from, 5/],
    [[...plan, '--channel', 'nowhere'], 1, /: --channel: there is no channel nowhere/],
    [['replay', 'show', 'r-1'], 1, /: REPLAY: there is no replay r-1/],
  ]) {
    const wrong = await tool(...words);
    assert.equal(wrong.code, code, wrong.stderr);
    assert.match(wrong.stderr, why);
  }
});

test('each command of ackctl replay has its own examples; one that is none is named', async () => {
  for (const command of ['plan', 'start', 'list', 'show', 'pause', 'resume', 'cancel', 'rate']) {
    const { code, stdout } = await ackctl('replay', command, '--help');
    assert.equal(code, 0);
    assert.deepEqual([...new Set(stdout.match(/Example: ackctl \w+ \w+/g))], [
      `Example: ackctl replay ${command}`,
    ]);
  }
  const { code, stderr } = await ackctl('replay', 'stop', 'r-1');
  assert.equal(code, 2);
  assert.match(stderr, /no command "ackctl replay stop"; there are plan, start, list, .*, rate\n/);
});

test('verify finds nothing wrong with what replays have left', async () => {
  await server.stop();
  const { code, stdout, stderr } = await ackctl('verify', server.dataDir);
  assert.equal(code, 0, stdout + stderr);
});
