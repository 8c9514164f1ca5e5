// Every state of a delivery and every reason, each brought about over real sockets: explain, the
// list of failures, whoever watches them, the metrics and ackctl agree on it. What explain says is
// kept in tests/golden/explain-sentences.txt; UPDATE_GOLDEN=1 writes it anew.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import test, { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { agreed, watchedAll, words } from '../support/agreement.mjs';
import { metricsOf } from '../support/metrics.mjs';
import { kServers, kUnsettled } from '../support/reason_cases.mjs';
import { kSettled } from '../support/reason_cases_settled.mjs';
import { Scene, Stage } from '../support/scene.mjs';
import { startServer } from '../support/server.mjs';

const kCases = [...kUnsettled, ...kSettled];
const kGolden = fileURLToPath(new URL('../golden/explain-sentences.txt', import.meta.url));
const kProto = fileURLToPath(new URL('../../proto/ackwire/v1/deliveries.proto', import.meta.url));

// Reasons that are no failure, which no list and no metric ever has.
const kNoFailures = [
  'CLIENT_OFFLINE',
  'CLIENT_PAUSED',
  'WINDOW_FULL',
  'WAITING_FOR_EARLIER',
  'NO_SUCH_MESSAGE',
  'NO_SUBSCRIPTION',
  'BEFORE_SUBSCRIPTION',
];

const stages = Object.fromEntries(
  await Promise.all(
    Object.entries(kServers).map(async ([name, options]) => [
      name,
      await Stage.on(await startServer(options)),
    ]),
  ),
);
after(() => Promise.all(Object.values(stages).map((stage) => stage.close())));

const told = []; // of the golden file: the cases that ran

// What differs from run to run is replaced.
function timeless(sentence, { client, channel, seq }, anySeq) {
  const sessions = [];
  const numbered = (session) => {
    if (!sessions.includes(session)) sessions.push(session);
    const at = sessions.indexOf(session) + 1;
    return at === 1 ? '<session>' : `<session ${at}>`;
  };
  const text = sentence
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replaceAll(/\bs-\w+/g, numbered)
    .replaceAll(/\br-\w+/g, '<replay>')
    .replaceAll(client, 'alice/phone')
    .replaceAll(channel, 'room/1')
    .replaceAll(/takes \d+ bytes/g, 'takes <n> bytes');
  return anySeq ? text.replace(`seq ${seq} `, 'seq <n> ') : text;
}

async function valuesOf(enumName) {
  const text = await readFile(kProto, 'utf8');
  const [, body] = new RegExp(`^enum ${enumName} \\{([^}]*)\\}`, 'm').exec(text);
  const values = [...body.matchAll(/^ {2}([A-Z_]+) = \d+;/gm)].map(([, value]) => value);
  const prefix = values[0].replace(/UNSPECIFIED$/, '');
  return values.slice(1).map((value) => value.slice(prefix.length));
}

for (const [at, each] of kCases.entries()) {
  const { name, on = 'calm', state, reason, failures = [], anySeq, bring } = each;
  test(`${name}: ${[state, reason].filter(Boolean).join(', ')}`, async () => {
    const stage = stages[on];
    await stage.clear();
    const before = await metricsOf(stage.server);
    const scene = new Scene(stage, `case-${at}`);
    await bring(scene);
    if (scene.seq !== 0) await scene.is(state, reason ?? 'UNSPECIFIED');
    const { delivery, failures: found } = await agreed(stage, scene, before);
    assert.deepEqual(
      [delivery.state, delivery.reason],
      [`DELIVERY_STATE_${state}`, `REASON_${reason ?? 'UNSPECIFIED'}`],
    );
    assert.deepEqual(found.map(words), failures);
    const sentence = timeless(delivery.explanation, scene, anySeq);
    told.push(`${name}\n  ${state}${reason ? ` ${reason}` : ''}\n  ${sentence}\n`);
  });
}

test('each state and each reason has a case', async () => {
  const states = new Set(kCases.map((each) => each.state));
  assert.deepEqual(new Set(await valuesOf('DeliveryState')), states);
  const failed = kCases.flatMap(({ failures = [] }) => failures.map((each) => each.split(' ')[0]));
  const reasons = [...kCases.map((each) => each.reason).filter(Boolean), ...failed];
  assert.deepEqual(
    [...new Set(reasons)].sort(),
    (await valuesOf('Reason')).sort(),
  );
});

test('what is no failure was never listed nor counted; all else was watched', async () => {
  for (const stage of Object.values(stages)) {
    await stage.clear();
    const seen = new Set((await watchedAll(stage)).map((each) => each.reason.slice(7)));
    const counted = Object.entries(await metricsOf(stage.server))
      .filter(([name, count]) => name.startsWith('ackwire_delivery_failures_total') && count > 0)
      .map(([name]) => /reason="(\w+)"/.exec(name)[1].toUpperCase());
    assert.deepEqual(new Set(counted), seen);
    assert.deepEqual(
      kNoFailures.filter((each) => seen.has(each)),
      [],
    );
  }
});

test('explain says what it is known to say', async () => {
  assert.equal(told.length, kCases.length, 'the sentences of all cases are here');
  const found = told.join('\n');
  if (process.env.UPDATE_GOLDEN) await writeFile(kGolden, found);
  assert.equal(found, await readFile(kGolden, 'utf8'), 'UPDATE_GOLDEN=1 writes it anew');
});
