// Data directories of every released format open, and hold what they held; a format from the future
// is refused and not touched.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'node:test';
import { kFlags, view } from '../golden/story.mjs';
import { ackctl } from '../support/ackctl.mjs';
import { grpcClients } from '../support/grpc.mjs';
import { startServer, withServer } from '../support/server.mjs';

const kGolden = fileURLToPath(new URL('../golden', import.meta.url));

async function copyOf(t, name) {
  const dataDir = join(await mkdtemp(join(tmpdir(), 'ackwire-golden-')), 'data');
  t.after(() => rm(join(dataDir, '..'), { recursive: true, force: true }));
  await cp(join(kGolden, name), dataDir, { recursive: true });
  return dataDir;
}

async function hashes(directory) {
  const found = {};
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name === 'lock') continue;
    const path = join(entry.parentPath ?? entry.path, entry.name);
    found[path] = createHash('sha256').update(await readFile(path)).digest('hex');
  }
  return found;
}

async function verified(dataDir) {
  const { code, stdout, stderr } = await ackctl('verify', dataDir);
  assert.equal(code, 0, stdout + stderr);
}

// No .json has failures: servers of format 1 did not list them. Each names deliveries whose states
// are told.
async function holdsFailures(rpc) {
  const { failures } = await rpc.deliveries.listFailures({ pageSize: 1000 });
  assert.ok(failures.length >= 20, `${failures.length} failures`);
  for (const { firstSeq, lastSeq, now } of failures) {
    const told = now.reduce((sum, each) => sum + each.count, 0);
    assert.equal(told, lastSeq - firstSeq + 1);
  }
  const reasons = new Set(failures.map((each) => each.reason));
  for (const reason of ['REJECTED', 'RECALLED', 'DISCONNECTED', 'UNSUBSCRIBED'])
    assert.ok(reasons.has(`REASON_${reason}`), `${reason} among ${[...reasons]}`);
  return failures;
}

// What is stored is told by the times, sessions and quotations of a sentence; its other words may
// have changed since. (What they are now: explain-sentences.txt.)
const kToldFacts = /\d{4}-\d\d-\d\dT[\d:.]+Z|\bs-\w+|"[^"]*"/g;
function tellsAllOf(expected, found) {
  const told = expected.explanation.match(kToldFacts) ?? [];
  return told.every((fact) => found.explanation.includes(fact));
}

// Without the fields that are younger than the .json, which must have nothing to say; and with the
// words of a sentence as they were then.
function asOldAs(expected, found) {
  if (found === null || expected === null || typeof found !== 'object') return found;
  if (Array.isArray(found)) return found.map((each, at) => asOldAs(expected[at] ?? null, each));
  if (expected.explanation && found.explanation && tellsAllOf(expected, found)) {
    return asOldAs(
      { ...expected, explanation: '' },
      { ...found, explanation: expected.explanation },
    );
  }
  const isNews = ([name, value]) => name in expected || ![null, '', false, 0].includes(value);
  return Object.fromEntries(
    Object.entries(found)
      .filter(isNews)
      .map(([name, value]) => [name, asOldAs(expected[name] ?? null, value)]),
  );
}

async function holds(server, expected) {
  const rpc = grpcClients(server.grpc);
  try {
    assert.deepEqual(asOldAs(expected, await view(rpc)), expected);
    return await holdsFailures(rpc);
  } finally {
    rpc.close();
  }
}

const kDirectories = [1, 2, 3, 4, 5, 6].flatMap((n) => [`format-${n}/clean`, `format-${n}/killed`]);

for (const name of kDirectories) {
  test(`${name} opens and holds what it held`, async (t) => {
    const dataDir = await copyOf(t, name);
    await verified(dataDir);
    const server = await withServer(t, { flags: kFlags, dataDir });
    const expected = JSON.parse(await readFile(join(kGolden, `${name}.json`), 'utf8'));
    assert.ok(expected.messages.length >= 80 && expected.deliveries.length >= 300);
    const failures = await holds(server, expected);
    assert.equal(await readFile(join(dataDir, 'format'), 'utf8'), 'ackwire 6\n');
    await server.restart();
    assert.deepEqual(await holds(server, expected), failures);
    await server.stop();
    await verified(dataDir);
  });
}

test('a backup of format 1 is restored to what it held', async (t) => {
  const dataDir = join(await mkdtemp(join(tmpdir(), 'ackwire-golden-')), 'data');
  t.after(() => rm(join(dataDir, '..'), { recursive: true, force: true }));
  const restored = await ackctl('restore', join(kGolden, 'format-1/backup'), dataDir);
  assert.equal(restored.code, 0, restored.stdout + restored.stderr);
  await verified(dataDir);
  const server = await withServer(t, { flags: kFlags, dataDir });
  const expected = JSON.parse(await readFile(join(kGolden, 'format-1/killed.json'), 'utf8'));
  [, expected.status.epoch] = /^Epoch +([0-9a-f]{32}), a new one/m.exec(restored.stdout);
  await holds(server, expected);
});

test('a newer format is refused untouched, in a line that says what to do', async (t) => {
  const dataDir = await copyOf(t, 'format-6/clean');
  await writeFile(join(dataDir, 'format'), 'ackwire 7\n');
  const before = await hashes(dataDir);
  await assert.rejects(startServer({ dataDir }), (error) => {
    assert.match(error.message, /format says "ackwire 7"/);
    assert.match(error.message, /this server reads "ackwire 1" to "ackwire 6"; /);
    assert.match(error.message, /start the server that wrote it/);
    assert.match(error.message, /"code":1/);
    return true;
  });
  assert.deepEqual(await hashes(dataDir), before);
});
