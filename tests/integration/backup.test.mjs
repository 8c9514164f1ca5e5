// `ackctl backup` of a server under load, and `ackctl restore` of what it made.

import assert from 'node:assert/strict';
import { access, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import test, { afterEach } from 'node:test';
import { ackctl } from '../support/ackctl.mjs';
import { Client, dropAll } from '../support/client.mjs';
import { eventually } from '../support/eventually.mjs';
import { answers, grpcClients, readAll, status } from '../support/grpc.mjs';
import { startServer, withServer } from '../support/server.mjs';

afterEach(dropAll);

const kPublishers = 4;
const kChannels = ['room/1', 'room/2', 'room/3'];

async function temporary(t) {
  const path = await mkdtemp(join(tmpdir(), 'ackwire-backup-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

const exists = (path) =>
  access(path).then(
    () => true,
    () => false,
  );

// Publishes until it is stopped or the server is gone; `answered` has the ids of what was.
class Publisher {
  constructor(server, name) {
    this.name = name;
    this.answered = [];
    this.rpc = grpcClients(server.grpc);
    this.running = this.run();
  }

  async run() {
    for (let n = 1; !this.stopped; n += 1) {
      const messageId = `${this.name}-${n}`;
      const channel = kChannels[n % kChannels.length];
      try {
        await this.rpc.messages.publish({ channel, messageId, payload: Buffer.from(messageId) });
      } catch (error) {
        if (this.mayFail) break;
        throw error;
      }
      this.answered.push(messageId);
    }
    this.rpc.close();
  }

  async stop() {
    this.stopped = true;
    await this.running;
  }
}

async function withRpc(server, work) {
  const rpc = grpcClients(server.grpc);
  try {
    return await work(rpc);
  } finally {
    rpc.close();
  }
}

const publish = (server, ...payloads) =>
  withRpc(server, async (rpc) => {
    for (const text of payloads)
      await rpc.messages.publish({ channel: 'room/1', payload: Buffer.from(text) });
  });

async function succeeds(...words) {
  const result = await ackctl(...words);
  assert.equal(result.code, 0, result.stderr);
  return result;
}

async function isRefused(pattern, ...words) {
  const result = await ackctl(...words);
  assert.equal(result.code, 1, result.stderr + result.stdout);
  assert.match(result.stderr, pattern);
}

test('a backup under load holds what was answered before; a new epoch follows', async (t) => {
  const folder = await temporary(t);
  const server = await withServer(t);
  await withRpc(server, (rpc) =>
    rpc.subscriptions.subscribeMany({
      requests: ['alice', 'bob'].flatMap((client) =>
        kChannels.map((channel) => ({ client, channel, fromNew: true })),
      ),
    }),
  );
  const alice = await Client.connect(server, { client: 'alice' });
  const publishers = Array.from(
    { length: kPublishers },
    (_, n) => new Publisher(server, `p${n + 1}`),
  );
  const confirmed = await alice.collect(200);
  await alice.confirmUpTo(confirmed.at(-1));
  const before = publishers.flatMap((publisher) => publisher.answered);

  const backup = join(folder, 'backup');
  const { json: made } = await succeeds('backup', backup, '--server', server.grpc, '-o', 'json');
  assert.equal(made.verified, true);
  assert.equal(made.verification.differences, 0);
  assert.equal(made.directory, backup);
  assert.equal(made.epoch, alice.welcome.epoch);
  assert.ok(made.position >= before.length, `${made.position} of ${before.length}`);

  // Everybody sees more than the backup holds; then the machine is lost.
  const count = () => publishers.reduce((sum, publisher) => sum + publisher.answered.length, 0);
  await eventually(() => count() > made.position, 'messages beyond the backup');
  publishers.forEach((publisher) => (publisher.mayFail = true));
  await server.kill();
  await Promise.all(publishers.map((publisher) => publisher.running));

  const dataDir = join(folder, 'restored');
  const { json: restored } = await succeeds('restore', backup, dataDir, '-o', 'json');
  assert.deepEqual(
    [restored.id, restored.position, restored.verified, restored.epochBefore],
    [made.id, made.position, true, made.epoch],
  );
  assert.notEqual(restored.epoch, made.epoch);
  await succeeds('verify', dataDir);
  await succeeds('verify', backup);

  const next = await withServer(t, { dataDir });
  const log = await withRpc(next, (rpc) => readAll(rpc.messages, {}));
  assert.equal(log.length, made.position);
  const ids = new Set(log.map((message) => message.messageId));
  assert.deepEqual(
    before.filter((id) => !ids.has(id)),
    [],
    'answered before the backup was asked for, and not in it',
  );

  // What alice had confirmed is settled; the rest of what the backup holds is owed again.
  const again = await Client.connect(next, { client: 'alice' });
  assert.equal(again.welcome.epoch, restored.epoch);
  const settled = again.welcome.subscriptions.reduce((sum, { floor }) => sum + floor, 0);
  assert.ok(settled >= confirmed.length, `${settled} of ${confirmed.length}`);
  const bob = await Client.connect(next, { client: 'bob' });
  for (const [client, owed] of [
    [again, log.length - settled],
    [bob, log.length],
  ]) {
    const seen = [];
    while (seen.length < owed) {
      const items = await client.collect(Math.min(100, owed - seen.length));
      seen.push(...items.map((item) => item.message.messageId));
      await client.confirmUpTo(items.at(-1));
    }
    assert.equal(new Set(seen).size, owed);
  }
  const [owed] = await withRpc(next, (rpc) =>
    answers(rpc.messages.read({ channel: 'room/1', limit: 1 })),
  );
  assert.equal(owed.epoch, restored.epoch);
  await publish(next, 'goes on');
  await bob.nextDelivery((item) => item.message.channel === 'room/1');
});

test('backup says what it made, and restore what to do next', async (t) => {
  const folder = await temporary(t);
  const server = await withServer(t);
  await publish(server, 'one', 'two');
  const backup = join(folder, 'backup');
  // ackctl's own directory is what a relative path is relative to.
  const made = await succeeds('backup', relative('.', backup), '--server', server.grpc);
  assert.match(made.stdout, /^Backup +\S+\/backup$/m);
  assert.match(made.stdout, /^Last position +2$/m);
  assert.match(made.stdout, /^verified: 2 messages, 0 journal records, \d+ derived rows$/m);
  const dataDir = join(folder, 'data');
  await mkdir(dataDir);
  const restored = await succeeds('restore', backup, dataDir);
  assert.match(restored.stdout, /^verified: 2 messages/m);
  assert.match(restored.stdout, /^Epoch +[0-9a-f]{32}, a new one; before it was [0-9a-f]{32}$/m);
  assert.match(restored.stdout, new RegExp(`^Next: ackwired --data-dir ${dataDir}$`, 'm'));
  const quick = join(folder, 'quick');
  const { json } = await succeeds('restore', backup, quick, '--no-verify', '-o', 'json');
  assert.equal(json.verified, false);
});

test('a backup goes where there is nothing, by an absolute path', async (t) => {
  const folder = await temporary(t);
  const server = await withServer(t);
  const to = (...words) => ['backup', ...words, '--server', server.grpc];
  await writeFile(join(folder, 'mine'), 'mine');
  await isRefused(/is there already, and not empty.*failed_precondition/, ...to(folder));
  await isRefused(/No such file|does not exist|Permission/i, ...to('/proc/nowhere/backup'));
  assert.deepEqual(await readdir(folder), ['mine']);
  const refused = await withRpc(server, (rpc) =>
    answers(rpc.admin.backup({ directory: 'backup' })).catch((error) => error),
  );
  assert.equal(refused.code, status.INVALID_ARGUMENT);
  const within = join(server.dataDir, 'backup');
  await isRefused(/is in the data directory itself; give a directory outside it/, ...to(within));
  assert.equal(await exists(within), false);
  await succeeds(...to(join(folder, 'backup')));
  await isRefused(/is there already, and not empty/, ...to(join(folder, 'backup')));
});

test('a server opens no backup, and restore nothing that is damaged or in the way', async (t) => {
  const folder = await temporary(t);
  const server = await withServer(t);
  await publish(server, 'one');
  const backup = join(folder, 'backup');
  await succeeds('backup', backup, '--server', server.grpc);
  await assert.rejects(startServer({ dataDir: backup }), /is a backup.*ackctl restore/s);
  await isRefused(/is a backup.*ackctl restore/s, 'recover', backup);
  await isRefused(/is a data directory, and not a backup/, 'restore', server.dataDir, folder);
  await isRefused(/is not empty: there is backup/, 'restore', backup, folder);
  await isRefused(/is not a backup/, 'restore', join(folder, 'none'), join(folder, 'data'));
  for (const foreign of ['extra', 'db/000999.sst']) {
    await writeFile(join(backup, foreign), 'what RocksDB would read');
    const why = new RegExp(`${foreign} is not of this backup: remove it`);
    await isRefused(why, 'restore', backup, join(folder, 'data'));
    await isRefused(why, 'verify', backup);
    await rm(join(backup, foreign));
  }

  const table = join(
    backup,
    'db',
    (await readdir(join(backup, 'db'))).find((name) => name.endsWith('.sst')),
  );
  const bytes = await readFile(table);
  bytes[bytes.length >> 1] ^= 1;
  await rm(table); // which may be the server's too
  await writeFile(table, bytes);
  const what = new RegExp(`${table} is not what was written: its checksum is another`);
  await isRefused(what, 'restore', backup, join(folder, 'data'));
  await isRefused(what, 'verify', backup);
  assert.equal(await exists(join(folder, 'data')), false);
});

test('a crash in the middle of a backup leaves the log whole, and no backup', async (t) => {
  for (const point of ['before-backup-manifest', 'after-backup-manifest']) {
    const folder = await temporary(t);
    const server = await withServer(t, { env: { ACKWIRE_CRASH_AT: point } });
    await publish(server, 'one', 'two');
    const backup = join(folder, 'backup');
    const result = await ackctl('backup', backup, '--server', server.grpc);
    assert.ok([1, 3].includes(result.code), result.stderr);
    assert.equal((await server.exited).signal, 'SIGKILL');
    assert.equal(await exists(backup), false);
    await isRefused(/is not a backup/, 'restore', backup, join(folder, 'data'));
    if (point.startsWith('before')) {
      await isRefused(
        /is not a whole backup/,
        'restore',
        `${backup}.partial`,
        join(folder, 'data'),
      );
    }
    server.env = {};
    await server.launch();
    await publish(server, 'three');
    const again = ['backup', backup, '--server', server.grpc, '-o', 'json'];
    await isRefused(/backup\.partial is there already/, ...again);
    await rm(`${backup}.partial`, { recursive: true });
    assert.equal((await succeeds(...again)).json.position, 3);
  }
});
