// Conformance to RFC 6455, class by class as the Autobahn test suite has them. Each case is played
// twice: with its frames in as few writes as can be, and with each byte in a write of its own.

import assert from 'node:assert/strict';
import test from 'node:test';
import { eventually } from '../support/eventually.mjs';
import { metricsOf } from '../support/metrics.mjs';
import { RawWebSocket, frame, text } from '../support/raw_web_socket.mjs';
import { judge, judgeShake, observe, opposites, shake } from '../support/rfc6455/driver.mjs';
import { kEndingClasses } from '../support/rfc6455/ending_cases.mjs';
import { kFaults, startFaultyServer } from '../support/rfc6455/faulty_server.mjs';
import { kFrameClasses } from '../support/rfc6455/frame_cases.mjs';
import { kHandshakes } from '../support/rfc6455/handshake_cases.mjs';
import { kUtf8Classes } from '../support/rfc6455/utf8_cases.mjs';
import { serverForFile } from '../support/server.mjs';

const kAtOnce = 16;
const kCasesMin = 250;
const kLetGoMs = 5000; // the server lingers for 10 s where a peer stays
const kFaultTimeoutMs = 500;
const kSessions = 'ackwire_sessions{transport="websocket"}';
const server = await serverForFile();
const counted = []; // {name, passed, all}

// Promises what `play` finds wrong with each case, in their order; some run at the same time.
async function playAll(examples, play) {
  const found = [];
  let next = 0;
  const worker = async () => {
    for (let at; (at = next++) < examples.length;) found[at] = await play(examples[at]);
  };
  await Promise.all(Array.from({ length: kAtOnce }, worker));
  return found;
}

async function playClass(t, name, examples, play) {
  const deviations = await playAll(examples, play);
  const passed = deviations.filter((found) => found.length === 0).length;
  counted.push({ name, passed, all: examples.length });
  t.diagnostic(`${name} ${passed} of ${examples.length}`);
  const said = examples.flatMap((example, at) =>
    deviations[at].map((found) => `${example.name}: ${found}`),
  );
  assert.equal(said.length, 0, `${name} ${passed} of ${examples.length}\n${said.join('\n')}`);
}

// A case that would also be content with something else is none.
function cannotFail(example, observed) {
  return opposites(example).some((opposite) => judge(opposite, observed).length === 0)
    ? ['this case cannot fail']
    : [];
}

async function play(example) {
  const atOnce = await observe(server.http, example);
  const singly = await observe(server.http, example, { singly: true });
  return [
    ...judge(example, atOnce),
    ...judge(example, singly).map((found) => `byte by byte: ${found}`),
    ...cannotFail(example, atOnce),
  ];
}

test('handshake', (t) =>
  playClass(t, 'handshake', kHandshakes, async (example) =>
    judgeShake(example, await shake(server.http, example)),
  ));

for (const [name, examples] of Object.entries({
  ...kFrameClasses,
  ...kUtf8Classes,
  ...kEndingClasses,
}))
  test(name, (t) => playClass(t, name, examples, play));

test('a peer that holds its socket open after a fault keeps no session', async () => {
  const raw = await RawWebSocket.open(server.http);
  await raw.write(text('{"type":"connect","client":"rfc6455/holds"}'));
  await raw.waitFor(() => raw.frames.texts.length === 1, 'welcome');
  await raw.write(frame(3));
  await raw.waitFor(() => raw.ended, 'the end of the TCP connection');
  assert.equal(raw.frames.close.code, 1002);
  await eventually(async () => (await metricsOf(server))[kSessions] === 0, 'no session');
  raw.discard();
});

test('a peer that ends without a close frame is let go at once', async () => {
  for (const bytes of [text('no frame'), frame(3), Buffer.alloc(0)]) {
    const raw = await RawWebSocket.open(server.http, { timeoutMs: kLetGoMs });
    await raw.write(bytes);
    if (bytes.length > 0) await raw.waitFor(() => raw.frames.close !== null, 'a close frame');
    raw.socket.end();
    await raw.waitFor(() => raw.over, 'the end of the TCP connection');
    raw.discard();
  }
});

test('all cases are counted', (t) => {
  const passed = counted.reduce((sum, each) => sum + each.passed, 0);
  const all = counted.reduce((sum, each) => sum + each.all, 0);
  const classes = counted.map((each) => `${each.name} ${each.passed} of ${each.all}`);
  t.diagnostic(`${classes.join(', ')}: ${passed} of ${all} cases`);
  assert.ok(all >= kCasesMin, `${all} cases`);
  assert.equal(passed, all);
});

test('the driver finds each fault of a server', async () => {
  for (const faulty of kFaults) {
    const fake = await startFaultyServer(faulty);
    const example = { send: [], bare: true };
    const observed = await observe(fake.address, example, { timeoutMs: kFaultTimeoutMs });
    const found = judge(example, observed).join('\n');
    fake.close();
    if (faulty.found) assert.match(found, faulty.found, faulty.name);
    else assert.equal(found, '', faulty.name);
  }
});
