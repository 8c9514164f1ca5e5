// The disk under ackwired fails while it runs: it refuses what it cannot put on disk, is not ready,
// says why in one line, and exits. On a disk that works again, all that it answered is there.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { eventually, within } from '../support/eventually.mjs';
import { grpcClients, readAll, status } from '../support/grpc.mjs';
import { post, request } from '../support/http.mjs';
import { startServer } from '../support/server.mjs';
import { LoopDisk } from './loop_disk.mjs';
import { runMain, wholeNumber } from './options.mjs';

const kHelp = `usage: tests/crash/run failed-sync [options]
  --times N          how often the disk fails (default 3)
`;
const kDiskBytes = 2 ** 30; // of a sparse file
const kExitsWithinMs = 10_000;
const kChannel = 'room/1';
const kCriticalLine = /critical.*$/gm;

async function publish(server, answered, id) {
  const answer = await post(server, kChannel, { messageId: id, payload: id });
  if (answer.status === 201) answered.push([answer.json.seq, id]);
  return answer;
}

async function assertRefused(server, rpc, answered) {
  const refused = await publish(server, answered, `refused-${answered.length}`);
  assert.equal(refused.status, 503, refused.body);
  assert.match(refused.json.error.message, /the log takes no more writes/);
  await assert.rejects(
    rpc.messages.publish({ channel: kChannel, payload: Buffer.from('refused') }),
    // One that comes while the server closes its doors is cut off.
    (error) => [status.UNAVAILABLE, status.CANCELLED].includes(error.code),
  );
  const ready = await request(server.admin, { path: '/readyz' });
  assert.equal(ready.status, 503, ready.body);
  assert.match(ready.body, /the log takes no more writes/);
}

async function failOnce(disk, server, answered, time) {
  const rpc = grpcClients(server.grpc);
  for (let i = 0; i < 5; ++i) {
    const answer = await publish(server, answered, `m-${time}-${i}`);
    assert.equal(answer.status, 201, answer.body);
  }
  // A call under way is given a second to end: so long the server can still be asked.
  const open = rpc.messages.publishStream();
  open.on('error', () => {});
  const messageId = `s-${time}`;
  open.write({ requests: [{ channel: kChannel, payload: Buffer.from('x'), messageId }] });
  const { results } = await new Promise((resolve) => open.once('data', resolve));
  assert.equal(results[0].outcome, 'published');
  answered.push([results[0].published.seq, messageId]);
  const said = server.stderr.length;
  await disk.fail();
  await assertRefused(server, rpc, answered);
  const end = await within(kExitsWithinMs, server.exited, () => 'ackwired to exit');
  assert.deepEqual(end, { code: 1, signal: null }, 'it exits, and not with success');
  const lines = server.stderr.slice(said).match(kCriticalLine) ?? [];
  assert.equal(lines.length, 1, `one line says why:\n${server.stderr.slice(said)}`);
  assert.match(lines[0], /no more writes.*see to the disk, then start it again/);
  rpc.close();
  console.log(lines[0]);
}

async function assertNothingIsLost(server, answered) {
  const rpc = grpcClients(server.grpc);
  const stored = await readAll(rpc.messages, { channel: kChannel });
  // What was refused may be there too: nobody knows how far it came.
  const ids = new Set(answered.map(([, id]) => id));
  const found = stored.filter(({ messageId }) => ids.has(messageId));
  assert.deepEqual(
    found.map(({ seq, messageId }) => [seq, messageId]),
    answered,
  );
  rpc.close();
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
  const folder = await mkdtemp(join(tmpdir(), 'ackwire-failed-'));
  const disk = await LoopDisk.make(folder, kDiskBytes);
  const answered = []; // seq and message id, in order
  try {
    const server = await startServer({ dataDir: join(disk.mountPoint, 'data') });
    for (let time = 1; time <= times; ++time) {
      await failOnce(disk, server, answered, time);
      await disk.powerOn();
      await server.launch();
      await assertNothingIsLost(server, answered);
    }
    await eventually(
      async () => (await publish(server, answered, 'after')).status === 201,
      'publishing to go on',
    );
    await server.stop();
  } finally {
    await disk.unmount().catch(() => {}); // the server may be alive still; both end with us
    await rm(folder, { recursive: true, force: true }).catch(() => {});
  }
  console.log(
    `${times} failed disks: refused, not ready, exit 1; ${answered.length} answered writes there`,
  );
  return 0;
}

runMain('failed sync', main);
