// What ackctl does with the data directory of a server that is stopped: verify, recover.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import test, { afterEach } from 'node:test';
import { ackctl, kProgram } from '../support/ackctl.mjs';
import { Client, dropAll } from '../support/client.mjs';
import { damage, kDamagedBytes } from '../support/damage.mjs';
import { eventually } from '../support/eventually.mjs';
import { grpcClients, readAll } from '../support/grpc.mjs';
import { request } from '../support/http.mjs';
import { startServer, withServer } from '../support/server.mjs';

afterEach(dropAll);

async function temporary(t) {
  const path = await mkdtemp(join(tmpdir(), 'ackwire-offline-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

function payload(n) {
  return Buffer.from(`marker-${n}:`.padEnd(kDamagedBytes, String(n)));
}

async function publishTo(server, channel, from, to) {
  const rpc = grpcClients(server.grpc);
  for (let n = from; n <= to; n += 1) {
    await rpc.messages.publish({ channel, payload: payload(n), contentType: 'text/plain' });
  }
  rpc.close();
}

// The field of that number in one slot of the watermark (store/watermark.h), 0 where it has none.
// Only the first fields are varints: behind them comes the hash, whose bytes may look like any.
function varintOf(slot, field) {
  let at = 7; // behind the size, the version and the checksum
  while (at < slot.length && slot[at] !== 0) {
    const number = slot[at++] >> 3;
    if (number > field) return 0;
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      value += (slot[at] & 127) * shift;
      if (slot[at++] < 128) break;
    }
    if (number === field) return value;
  }
  return 0;
}

// What comes after the watermark may be lost without a trace: wait until it says so much.
function watermarkOf(server, position) {
  return eventually(async () => {
    const bytes = await readFile(join(server.dataDir, 'watermark'));
    return [0, 4096].some((slot) => varintOf(bytes.subarray(slot), 2) >= position);
  }, `the watermark to be at ${position}`);
}

async function messagesOf(server, channel) {
  const rpc = grpcClients(server.grpc);
  const messages = await readAll(rpc.messages, { channel });
  rpc.close();
  return messages;
}

async function contentsOf(directory) {
  const all = {};
  for (const name of (await readdir(directory, { recursive: true })).sort()) {
    const path = join(directory, name);
    all[name] = (await stat(path)).isFile() ? (await readFile(path)).toString('base64') : 'dir';
  }
  return all;
}

async function refusesToStart(dataDir, pattern) {
  await assert.rejects(startServer({ dataDir }), (error) => {
    assert.match(error.message, pattern);
    return true;
  });
}

test('verify proves a directory, and is refused while a server has it', async (t) => {
  const server = await withServer(t);
  const rpc = grpcClients(server.grpc);
  await rpc.subscriptions.subscribe({ client: 'alice', channel: 'a' });
  rpc.close();
  await publishTo(server, 'a', 1, 3);
  const busy = await ackctl('verify', server.dataDir);
  assert.equal(busy.code, 1);
  assert.match(busy.stderr, /is in use: a running ackwired, or another ackctl, has it open/);
  await server.stop();
  const before = await contentsOf(server.dataDir);
  const verified = await ackctl('verify', server.dataDir);
  assert.equal(verified.code, 0, verified.stderr);
  assert.match(verified.stdout, /^verified: 3 messages, 1 journal record, \d+ derived rows\n$/);
  assert.deepEqual(await contentsOf(server.dataDir), before, 'verify changes nothing');
  const { json } = await ackctl('verify', server.dataDir, '-o', 'json');
  assert.deepEqual([json.messages, json.differences, json.shown], [3, 0, []]);
});

test('verify tells a wrong directory and a newer format', async (t) => {
  const path = await temporary(t);
  const none = await ackctl('verify', path);
  assert.equal(none.code, 1);
  assert.match(none.stderr, /is not a data directory/);
  await writeFile(join(path, 'format'), 'ackwire 9\n');
  const newer = await ackctl('verify', path);
  assert.equal(newer.code, 1);
  assert.match(newer.stderr, /says "ackwire 9", this server reads "ackwire 1" to "ackwire 6"/);
  assert.equal((await ackctl('verify')).code, 2);
});

test('verify names a damaged log, and exits with 1', async (t) => {
  const server = await withServer(t);
  await publishTo(server, 'a', 1, 5);
  await server.stop();
  await damage(server.dataDir, 'marker-3:');
  const { code, json } = await ackctl('verify', server.dataDir, '-o', 'json');
  assert.equal(code, 1);
  assert.ok(json.differences > 0);
  assert.ok(json.shown.some((each) => ['log', 'file', 'watermark'].includes(each.family)));
});

test('recover keeps all but what is lost, and clients hear of the gap', async (t) => {
  const server = await withServer(t);
  const rpc = grpcClients(server.grpc);
  await rpc.subscriptions.subscribe({ client: 'alice', channel: 'a' });
  await rpc.subscriptions.subscribe({ client: 'bob', channel: 'a' });
  rpc.close();
  await publishTo(server, 'a', 1, 9);
  const { epoch } = (await Client.connect(server, { client: 'eve' })).welcome;
  await watermarkOf(server, 9);
  await server.kill(); // so that all of it is in the write-ahead log
  await damage(server.dataDir, 'marker-4:');
  await damage(server.dataDir, 'marker-5:');
  await refusesToStart(server.dataDir, /position.*Nothing was changed.*ackctl recover/s);

  const before = await contentsOf(server.dataDir);
  const asked = await ackctl('recover', server.dataDir);
  assert.equal(asked.code, 0, asked.stderr);
  assert.match(asked.stdout, /channel a +4 to 5 +4 to 5/);
  assert.match(asked.stdout, /Nothing was changed.*--accept-loss/s);
  assert.deepEqual(await contentsOf(server.dataDir), before);

  const { code, json, stderr } = await ackctl(
    'recover',
    server.dataDir,
    '--accept-loss',
    '-o',
    'json',
  );
  assert.equal(code, 0, stderr);
  t.after(() => rm(json.keptAs, { recursive: true, force: true }));
  assert.deepEqual(json.lost, [
    { channel: 'a', firstSeq: 4, lastSeq: 5, firstPosition: 4, lastPosition: 5 },
  ]);
  assert.deepEqual([json.messages, json.lostJournalRecords], [7, []]);
  const kept = await contentsOf(json.keptAs);
  assert.deepEqual(kept, before, 'what was damaged is kept as it was');
  assert.deepEqual(JSON.parse(await readFile(join(server.dataDir, 'recovery-report.json'))), json);
  assert.equal((await ackctl('verify', server.dataDir)).code, 0);

  await server.launch();
  assert.deepEqual(
    (await messagesOf(server, 'a')).map((message) => message.seq),
    [1, 2, 3, 6, 7, 8, 9],
  );
  const client = await Client.connect(server, { client: 'alice' });
  assert.notEqual(client.welcome.epoch, epoch);
  const got = [];
  while (got.length < 8) {
    const frame = await client.waitFor(() => client.frames.shift(), 'a frame');
    if (frame.type === 'deliveries') got.push(...frame.items.map((item) => item.message.seq));
    if (frame.type === 'gap') got.push([frame.channel, frame.firstSeq, frame.lastSeq, frame.cause]);
  }
  assert.deepEqual(got, [1, 2, 3, ['a', 4, 5, 'loss'], 6, 7, 8, 9]);

  const gone = await request(server.http, { path: '/v1/channels/a/messages/4' });
  assert.equal(gone.status, 404);
  assert.match(gone.json.error.message, /was lost/);
  const page = await request(server.http, { path: '/v1/channels/a/messages' });
  assert.deepEqual(
    page.json.messages.map((message) => message.seq),
    [1, 2, 3, 6, 7, 8, 9],
  );
  const after = grpcClients(server.grpc);
  t.after(() => after.close());
  const why = await after.deliveries.explainDelivery({ client: 'bob', channel: 'a', seq: 4 });
  assert.deepEqual(
    [why.state, why.reason],
    ['DELIVERY_STATE_ABANDONED', 'REASON_RETENTION'],
  );
  assert.match(why.explanation, /the log lost it/);
  const { seq } = await after.messages.publish({ channel: 'a', payload: payload(10) });
  assert.equal(seq, 10);
});

async function readiness(server) {
  const { status, body } = await request(server.admin, { path: '/readyz' });
  return [status, body.toString()];
}

test('damage that reading meets: DATA_LOSS, not ready, and what is whole is served', async (t) => {
  const server = await withServer(t);
  const rpc = grpcClients(server.grpc);
  await rpc.subscriptions.subscribe({ client: 'alice', channel: 'a' });
  await rpc.subscriptions.subscribe({ client: 'alice', channel: 'b' });
  rpc.close();
  await publishTo(server, 'a', 1, 5);
  await publishTo(server, 'b', 6, 7);
  await server.stop(); // all is in tables, and the checkpoints are at the end
  await damage(server.dataDir, 'marker-3:');
  await server.launch();
  assert.deepEqual(await readiness(server), [200, 'ready\n'], 'nobody has read it');

  const damaged = await request(server.http, { path: '/v1/channels/a/messages/3' });
  assert.equal(damaged.status, 500);
  assert.equal(damaged.json.error.code, 'data_loss');
  assert.match(damaged.json.error.message, /position 3.*checksum mismatch.*\.sst/);
  const [status, why] = await readiness(server);
  assert.equal(status, 503);
  assert.match(why, /^damage on disk: read log, position 3: .*ackctl verify .*ackctl recover /);
  const after = grpcClients(server.grpc);
  t.after(() => after.close());
  await assert.rejects(readAll(after.messages, { channel: 'a', from: 3, limit: 1 }), {
    code: 15, // DATA_LOSS
  });
  assert.equal((await after.admin.getStatus({})).damage, why.trimEnd());
  const shown = await ackctl('status', '--server', server.grpc);
  assert.match(shown.stdout, /^Damage +damage on disk: read log, position 3/m);
  const question = { client: 'alice', channel: 'a', seq: 3 };
  await assert.rejects(after.deliveries.explainDelivery(question), { code: 15 });
  const told = () => server.stderr.match(/damage on disk: read log, position 3:.*verify/g);
  assert.equal(told().length, 1, 'the log says it once');

  const page = await request(server.http, { path: '/v1/channels/a/messages' });
  assert.deepEqual(
    [page.json.messages.map((message) => message.seq), page.json.next],
    [[1, 2], 3],
    'a page ends before it',
  );
  const behind = await request(server.http, { path: '/v1/channels/a/messages?from=4' });
  assert.deepEqual(
    behind.json.messages.map((message) => message.seq),
    [4, 5],
  );
  await publishTo(server, 'a', 8, 8);

  const client = await Client.connect(server, { client: 'alice' });
  const got = [];
  const take = async () => {
    const frame = await client.waitFor(() => client.frames.shift(), 'a frame');
    if (frame.type === 'error') got.push([frame.code, /^\w+: seq \d+/.exec(frame.message)[0]]);
    for (const { delivery, message } of frame.items ?? []) {
      got.push(`${message.channel} ${message.seq}`);
      client.send({ type: 'ack', deliveries: [delivery] });
    }
  };
  while (got.length < 5) await take();
  assert.deepEqual(got.map(String).sort(), [
    'a 1',
    'a 2',
    'b 1',
    'b 2',
    'data_loss,a: seq 3',
  ]);
  await publishTo(server, 'b', 9, 9);
  while (got.length < 6) await take();
  assert.equal(got[5], 'b 3', 'other channels go on');
  const waiting = await after.deliveries.explainDelivery({ ...question, seq: 4 });
  assert.deepEqual(
    [waiting.reason, Number(waiting.blockedBySeq)],
    ['REASON_WAITING_FOR_EARLIER', 3],
  );
  assert.match(waiting.explanation, /after seq 3, which is damaged on disk/);

  await server.stop();
  const verified = await ackctl('verify', server.dataDir);
  assert.equal(verified.code, 1);
  assert.match(verified.stdout + verified.stderr, /\.sst of family log/);
  // What lies behind is not said to be missing: nobody looked.
  assert.match(verified.stdout, /^log: all after position 2: stored cannot be read/m);
  assert.match(verified.stdout, /what lies behind was not looked at: `ackctl recover` says/);
  assert.doesNotMatch(verified.stdout, /missing/);
});

const kNeedsRoot = process.getuid() === 0 ? {} : { skip: 'mounting needs root' };
test('recover says at once that a mount point cannot be replaced', kNeedsRoot, async (t) => {
  const server = await withServer(t);
  await publishTo(server, 'a', 1, 3);
  await server.stop();
  await damage(server.dataDir, 'marker-2:');
  const before = await contentsOf(server.dataDir);
  const script = 'mount --bind "$1" "$1" && exec "$0" recover "$1" --accept-loss';
  const { code, stderr } = await new Promise((resolve) => {
    const words = ['--mount', 'sh', '-c', script, kProgram, server.dataDir];
    execFile('unshare', words, (error, stdout, text) => {
      resolve({ code: error?.code ?? 0, stderr: text });
    });
  });
  assert.equal(code, 1, stderr);
  assert.match(stderr, /is a mount point.*copy the directory to another place/);
  assert.deepEqual(await contentsOf(server.dataDir), before);
  const beside = await readdir(join(server.dataDir, '..'));
  const name = basename(server.dataDir);
  assert.deepEqual(
    beside.filter((each) => each.startsWith(`${name}.`)),
    [],
  );
});

test('recover has nothing to do in a directory that is whole', async (t) => {
  const server = await withServer(t);
  await publishTo(server, 'a', 1, 2);
  await server.stop();
  const before = await contentsOf(server.dataDir);
  const { code, stdout } = await ackctl('recover', server.dataDir, '--accept-loss');
  assert.equal(code, 0);
  assert.match(stdout, /There is nothing to recover/);
  assert.deepEqual(await contentsOf(server.dataDir), before);
});
