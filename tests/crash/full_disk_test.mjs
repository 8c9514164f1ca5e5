// Fills the disk under ackwired, again and again: publishing is refused, all else goes on, and once
// there is room again publishing goes on by itself. Nothing is lost.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { Client } from '../support/client.mjs';
import { eventually } from '../support/eventually.mjs';
import { grpcClients, readAll, status } from '../support/grpc.mjs';
import { post, request } from '../support/http.mjs';
import { startServer } from '../support/server.mjs';
import { floorReaches } from '../support/state.mjs';
import { LoopDisk } from './loop_disk.mjs';
import { runMain, wholeNumber } from './options.mjs';

const kHelp = `usage: tests/crash/run full-disk [options]
  --times N          how often the disk is filled up (default 3)
`;
const kMiB = 2 ** 20;
const kDiskBytes = 64 * kMiB;
const kMinFreeBytes = 8 * kMiB;
// What the ballast leaves; the rest is filled by publishing.
const kLeftBytes = 11 * kMiB;
// So many that none of them can be made smaller.
const kPayload = randomBytes(75_000).toString('base64');
const kChannel = 'full';

const exec = promisify(execFile);

class FullDisk {
  constructor(disk, server) {
    Object.assign(this, { disk, server });
    this.ballast = join(disk.mountPoint, 'ballast');
    this.rpc = grpcClients(server.grpc);
    this.published = []; // seq and message id of each answered write
    this.tried = 0;
  }

  async freeBytes() {
    const { bavail, bsize } = await statfs(this.disk.mountPoint);
    return bavail * bsize;
  }

  async loadBallast() {
    const bytes = (await this.freeBytes()) - kLeftBytes;
    if (bytes > 0) await exec('fallocate', ['-l', String(bytes), this.ballast]);
  }

  async publish() {
    this.tried += 1;
    const answer = await post(this.server, kChannel, {
      messageId: `m${this.tried}`,
      contentType: 'text/plain',
      payload: kPayload,
    });
    if (answer.status === 201) this.published.push(answer.json);
    return answer;
  }

  async publishUntilFull() {
    for (let left = (2 * kLeftBytes) / kPayload.length; left > 0; --left) {
      const answer = await this.publish();
      if (answer.status !== 201) return answer;
    }
    throw new Error(`never refused, with ${await this.freeBytes()} bytes free`);
  }

  get lastSeq() {
    return this.published.at(-1).seq;
  }

  // Takes and acknowledges all that was published and this client was not sent yet.
  async catchUp(client) {
    while (client.seen < this.lastSeq) {
      const { delivery, message } = await client.nextDelivery();
      assert.equal(message.seq, client.seen + 1);
      client.seen = message.seq;
      client.lastDelivery = delivery;
      if (message.seq % 20 === 0) client.ackUpTo(delivery);
    }
    await client.confirmUpTo(client.lastDelivery);
    await floorReaches(this.rpc, client.name, kChannel, this.lastSeq);
  }

  async connect(name) {
    const before = this[name];
    this[name] = await Client.connect(this.server, { client: name });
    this[name].seen = before?.seen ?? 0;
  }

  ready() {
    return request(this.server.admin, { path: '/readyz' });
  }

  async killAndStart() {
    await this.server.kill();
    await this.server.launch();
    this.rpc.moveTo(this.server.grpc);
  }
}

async function assertRefused(full, refused) {
  assert.equal(refused.status, 507, refused.body);
  assert.equal(refused.json.error.code, 'disk_full', refused.body);
  assert.match(refused.json.error.message, /bytes free.*--min-free-bytes/);
  await assert.rejects(
    full.rpc.messages.publish({ channel: kChannel, payload: Buffer.from(kPayload) }),
    (error) => error.code === status.RESOURCE_EXHAUSTED && /disk_full/.test(error.details),
  );
  const ready = await full.ready();
  assert.equal(ready.status, 503, ready.body);
}

// One filling up. `online` was connected before it, `offline` comes while there is no room.
async function fillUp(full, { killed }) {
  const before = full.published.length;
  await full.loadBallast();
  const refused = await full.publishUntilFull();
  await assertRefused(full, refused);
  const stored = full.published.length - before;
  if (killed) {
    await full.killAndStart();
    await full.connect('online');
    // A start may have tidied up.
    await assertRefused(full, await full.publishUntilFull());
  }
  await full.catchUp(full.online);
  await full.connect('offline');
  await full.catchUp(full.offline);
  await full.offline.close();
  await full.rpc.subscriptions.subscribe({ client: 'late', channel: kChannel, fromNew: true });
  await assertRefused(full, await full.publish());
  const free = await full.freeBytes();
  await rm(full.ballast, { force: true });
  await eventually(async () => (await full.publish()).status === 201, 'publishing to go on');
  await eventually(async () => (await full.ready()).status === 200, '/readyz to be 200');
  console.log(
    `${stored} messages of ${kPayload.length} bytes stored, then disk_full with ` +
      `${(free / kMiB).toFixed(1)} MiB free${killed ? ', also after kill -9' : ''}; ` +
      'delivered, acknowledged, and on with the ballast gone',
  );
}

// The log says once when publishing begins to be refused, however often it is, and once when it
// goes on. (RocksDB tidies up meanwhile, so there may be more of both.)
async function assertTold(full, { times, kills }) {
  const told = (life) => [...life.matchAll(/publishing (is refused|goes on): .*/g)].map(String);
  const lives = () => full.server.stderr.split(' serving ').slice(1).map(told);
  const refused = new RegExp(`refused: .* \\d+ bytes free, .*-bytes \\(${kMinFreeBytes}\\)`);
  const over = /goes on: the disk has room again/;
  const count = (what) => lives().flat().filter((line) => what.test(line)).length;
  await eventually(() => count(over) >= times, `publishing to go on ${times} times in the log`);
  assert.ok(count(refused) >= times + kills, full.server.stderr);
  for (const lines of lives())
    lines.forEach((line, n) => assert.match(line, n % 2 === 0 ? refused : over));
}

async function assertNothingIsLost(full) {
  await full.killAndStart();
  const stored = await readAll(full.rpc.messages, { channel: kChannel });
  assert.deepEqual(
    stored.map(({ seq, messageId, payload }) => [seq, messageId, payload.length]),
    full.published.map(({ seq, messageId }) => [seq, messageId, kPayload.length]),
  );
  for (const name of ['online', 'offline']) {
    await full.connect(name);
    await full.catchUp(full[name]);
  }
  console.log(`${stored.length} answered writes: all there, all delivered, after kill -9`);
}

async function main() {
  const { values } = parseArgs({
    options: { times: { type: 'string', default: '3' }, help: { type: 'boolean' } },
  });
  if (values.help) {
    process.stdout.write(kHelp);
    return 0;
  }
  const times = wholeNumber('times', values.times);
  const folder = await mkdtemp(join(tmpdir(), 'ackwire-full-'));
  const disk = await LoopDisk.make(folder, kDiskBytes);
  try {
    const server = await startServer({
      dataDir: join(disk.mountPoint, 'data'),
      flags: ['--min-free-bytes', String(kMinFreeBytes), '--max-disconnects', '1000'],
    });
    const full = new FullDisk(disk, server);
    for (const client of ['online', 'offline'])
      await full.rpc.subscriptions.subscribe({ client, channel: kChannel, fromNew: true });
    await full.connect('online');
    await full.publish();
    for (let time = 1; time <= times; ++time) await fillUp(full, { killed: time % 2 === 0 });
    await assertTold(full, { times, kills: Math.floor(times / 2) });
    await assertNothingIsLost(full);
    full.rpc.close();
    await server.stop();
  } finally {
    await disk.unmount().catch(() => {}); // the server may be alive still; both end with us
    await rm(folder, { recursive: true, force: true }).catch(() => {});
  }
  return 0;
}

runMain('full disk', main);
