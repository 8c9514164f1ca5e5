// What five who are asked about one delivery say of it, and that they agree: explain, the list of
// failures, whoever watches failures, the metrics, and ackctl.

import assert from 'node:assert/strict';
import { ackctl } from './ackctl.mjs';
import { eventually } from './eventually.mjs';
import { status, toMs } from './grpc.mjs';
import { metricsOf } from './metrics.mjs';

const kUnspecified = 'UNSPECIFIED';
const short = (name) => name.replace(/^(REASON|DELIVERY_STATE)_/, '');
const label = (name) => short(name).toLowerCase(); // as JSON spells it

// Differences of those with this beginning, without the ones that stayed.
function grown(before, after, beginning) {
  const names = Object.keys(after).filter((name) => name.startsWith(beginning));
  const differences = names.map((name) => [name, after[name] - (before[name] ?? 0)]);
  return Object.fromEntries(differences.filter(([, difference]) => difference !== 0));
}

const total = (samples) => Object.values(samples).reduce((sum, each) => sum + each, 0);

async function listed({ rpc }, filter) {
  const page = await rpc.deliveries.listFailures({ filter, pageSize: 1000, oldestFirst: true });
  return page.failures;
}

const covers = (seq) => (failure) => failure.firstSeq <= seq && seq <= failure.lastSeq;
export const words = (failure) => `${short(failure.reason)} ${failure.attempt}`;

// What does not change once it is recorded.
const asRecorded = ({ now, ...failure }) => failure;

function agreesWithAttempts(delivery, failures) {
  const key = ({ reason, session, detail }, number) =>
    JSON.stringify([number, short(reason), session, detail]);
  const attempts = delivery.attempts
    .filter((each) => short(each.reason) !== kUnspecified)
    .map((each) => key(each, each.number));
  // What settled it without an attempt, or after its attempts, is told by state and reason.
  const settling = failures.filter((each) => !attempts.includes(key(each, each.attempt)));
  const failed = failures.filter((each) => !settling.includes(each));
  assert.deepEqual(failed.map((each) => key(each, each.attempt)).sort(), attempts.sort());
  const isSettled = ['PARKED', 'ABANDONED'].includes(short(delivery.state));
  if (isSettled && settling.length > 0) assert.equal(settling.at(-1).reason, delivery.reason);
  if (!isSettled && short(delivery.state) !== 'ACKED') assert.deepEqual(settling, []);
  const sent = delivery.attempts.map((each) => toMs(each.sentAt));
  assert.deepEqual(sent, [...sent].sort((a, b) => a - b), 'attempts are told in order of time');
}

async function agreesWithAckctl(scene, delivery, failures) {
  const at = ['--server', scene.server.grpc, '-o', 'json'];
  const { client, channel, seq, messageId } = scene;
  const which = seq === 0 ? ['--id', messageId] : [seq];
  const [told, list] = await Promise.all([
    ackctl(...at, 'explain', client, channel, ...which),
    ackctl(...at, 'failures', '--client', client, '--channel', channel),
  ]);
  assert.equal(told.code, 0, told.stderr);
  const { state, reason, explanation, attempts = [] } = told.json;
  assert.deepEqual(
    [state, reason, explanation, attempts.map((each) => [each.number, each.reason])],
    [
      label(delivery.state),
      label(delivery.reason),
      delivery.explanation,
      delivery.attempts.map((each) => [each.number, label(each.reason)]),
    ],
  );
  assert.equal(list.code, 0, list.stderr);
  const row = (failure) => [failure.id, failure.firstSeq, failure.lastSeq, failure.attempt ?? 0];
  assert.deepEqual(
    list.json.failures.map((each) => [...row(each), each.reason, each.detail ?? '']).reverse(),
    failures.map((each) => [...row(each), label(each.reason), each.detail]),
  );
}

async function agreesWithMetrics(scene, before, delivery, failures) {
  const { client } = scene;
  const counted = {};
  for (const each of failures) {
    const name = `ackwire_delivery_failures_total{reason="${label(each.reason)}"}`;
    counted[name] = (counted[name] ?? 0) + each.lastSeq - each.firstSeq + 1;
  }
  // Of a client that was never heard of nothing is counted.
  const none = { parked: 0, undelivered: 0 };
  const asked = scene.rpc.deliveries.getClient({ client });
  const { parked, undelivered } = await asked.catch((error) => {
    assert.equal(error.code, status.NOT_FOUND);
    return none;
  });
  const expected = { counted, parked, undelivered, acked: short(delivery.state) === 'ACKED' };
  let found;
  await eventually(async () => {
    const after = await metricsOf(scene.server);
    found = {
      counted: grown(before, after, 'ackwire_delivery_failures_total'),
      parked: total(grown(before, after, 'ackwire_parked')),
      undelivered: total(grown(before, after, 'ackwire_undelivered{')),
      acked: total(grown(before, after, 'ackwire_deliveries_acked_total')) > 0,
    };
    assert.deepEqual(found, expected);
    return true;
  }, `the metrics to agree with the list of failures of ${client}`);
}

// Checks the scene's delivery, and returns what explain says of it. `before` are the metrics as
// they were before the scene began.
export async function agreed(stage, scene, before) {
  const delivery = await scene.explain();
  const { client, channel, seq } = scene;
  const ofClient = await listed(scene, { client });
  const ofChannel = await listed(scene, { channel });
  assert.deepEqual(ofChannel, ofClient, 'all of the client is of the channel');
  const failures = ofClient.filter(covers(seq));
  for (const reason of new Set(ofClient.map((each) => each.reason))) {
    const ofReason = await listed(scene, { client, reasons: [reason] });
    assert.deepEqual(
      ofReason,
      ofClient.filter((each) => each.reason === reason),
    );
  }
  // The list is of what is on record, which sending is not.
  const state = delivery.state.replace('IN_FLIGHT', 'PENDING');
  for (const { firstSeq, lastSeq, now } of failures) {
    if (lastSeq === firstSeq) assert.deepEqual(now, [{ state, count: 1 }]);
  }
  agreesWithAttempts(delivery, failures);
  await eventually(
    () => stage.watched.filter((each) => each.client === client).length >= ofClient.length,
    `${ofClient.length} failures of ${client} to be seen by who watches`,
  );
  const watched = stage.watched.filter((each) => each.client === client);
  assert.deepEqual(watched.map(asRecorded), ofClient.map(asRecorded));
  await agreesWithAckctl(scene, delivery, ofClient);
  await agreesWithMetrics(scene, before, delivery, ofClient);
  return { delivery, failures };
}

// All that a server has on record was seen by who watched from the beginning, and is seen again by
// who begins there now.
export async function watchedAll(stage) {
  const all = await listed(stage, {});
  const ids = all.map((each) => each.id);
  await eventually(() => stage.watched.length >= ids.length, 'all failures to be watched');
  assert.deepEqual(
    stage.watched.map((each) => each.id),
    ids,
  );
  const again = [];
  const stream = stage.rpc.deliveries.watchFailures({ afterId: 1 });
  stream.on('error', () => {});
  for await (const failure of stream) {
    again.push(failure);
    if (again.length === ids.length) break;
  }
  assert.deepEqual(again, await listed(stage, {}));
  return all;
}
