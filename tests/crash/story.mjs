// One story under crashes: everybody subscribes, writes and reads while the server falls again and
// again; then all comes to rest, what the log and the subscriptions hold is written down, and
// check_history.py judges the whole.

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ackctl } from '../support/ackctl.mjs';
import { eventually, within } from '../support/eventually.mjs';
import { grpcClients } from '../support/grpc.mjs';
import { startServer } from '../support/server.mjs';
import { checkCounts, listSubscriptions } from './counts.mjs';
import { digest, History, Random } from './history.mjs';
import { Reader } from './readers.mjs';
import { Uptime } from './uptime.mjs';
import { HttpPublisher, StreamPublisher, Writer } from './writers.mjs';

const numbered = (prefix, count) => Array.from({ length: count }, (_, at) => `${prefix}${at + 1}`);

export const kChannels = numbered('crash/', 8);
const kChannelsOfAClient = 2;
// For writes in bulk: nobody subscribes to these, so that a write costs no more than itself.
const kBulkChannels = numbered('crash/bulk/', 100);
const kBulkWriters = 2;
const kSettleTimeoutMs = 120_000;
// Nobody may be parked: that would end what a client is owed, which is not what this is about.
export const kFlags = [
  ...['--max-disconnects', '10000', '--max-attempts', '10000'],
  ...['--backoff', '50ms,200ms'],
  // What happened in earlier lives goes in this one.
  ...['--journal-retention-age', '1s'],
];

async function onServer(server, work) {
  const clients = grpcClients(server.grpc);
  try {
    return await work(clients);
  } finally {
    clients.close();
  }
}

// All channels are covered evenly.
function channelsOfClient(index) {
  return Array.from(
    { length: kChannelsOfAClient },
    (_, step) => kChannels[(index + step * 3) % kChannels.length],
  );
}

// Before the first write.
async function subscribeAll(server, channelsOf, history) {
  const requests = Object.entries(channelsOf).flatMap(([client, channels]) =>
    channels.map((channel) => ({ client, channel, fromNew: true })),
  );
  const answer = await onServer(server, ({ subscriptions }) =>
    subscriptions.subscribeMany({ requests }),
  );
  for (const { client, channel, startSeq } of answer.subscriptions) {
    history.add('subscribed', { client, channel, startSeq });
  }
}

// Waits until nobody is owed anything, then adds what the server holds to the history.
async function recordOutcome(server, history) {
  await onServer(server, async ({ subscriptions, messages }) => {
    const settled = await eventually(
      async () => {
        const all = await listSubscriptions(subscriptions, kChannels);
        const open = all.filter(({ undelivered }) => undelivered > 0);
        if (open.length === 0) return all;
        const [{ client, channel, floor, lastSeq }] = open;
        throw new Error(
          `${open.length} subscriptions are owed messages, among them ${client} ${channel}: ` +
            `floor ${floor} of ${lastSeq}`,
        );
      },
      'every message to be acknowledged',
      kSettleTimeoutMs,
    );
    for await (const answer of messages.read({})) {
      for (const message of answer.messages) {
        const { channel, seq, position, messageId } = message;
        const hash = digest(message);
        history.add('log', { epoch: answer.epoch, position, channel, seq, messageId, hash });
      }
      await history.written();
    }
    for (const { client, channel, startSeq, floor, undelivered, parked } of settled) {
      history.add('subscription', { client, channel, startSeq, floor, undelivered, parked });
    }
  });
}

// Or what is to survive was never there. Where the lives before were short, the last one does it.
async function expectTrimmed(server) {
  await onServer(server, ({ admin }) =>
    eventually(
      async () => (await admin.getStatus({})).journal.trimmed,
      'the journal to be trimmed',
      kSettleTimeoutMs,
    ),
  );
}

async function verify(dataDir) {
  const { code, stdout, stderr } = await ackctl('verify', dataDir);
  if (code !== 0) throw new Error(`ackctl verify: exit status ${code}\n${stdout}${stderr}`);
}

function makeWriters(wanted, ownRandom, shared) {
  const writers = numbered('w', wanted.writers).map(
    (name, index) =>
      new Writer({
        ...shared,
        name,
        channels: kChannels,
        rate: wanted.rate,
        random: ownRandom(),
        publisher: new (index % 2 ? StreamPublisher : HttpPublisher)(shared.uptime),
      }),
  );
  const bulkWriters = numbered('b', wanted.bulkRate > 0 ? kBulkWriters : 0).map(
    (name) =>
      new Writer({
        ...shared,
        name,
        channels: kBulkChannels,
        rate: wanted.bulkRate / kBulkWriters,
        inBulk: true,
        random: ownRandom(),
        publisher: new StreamPublisher(shared.uptime),
      }),
  );
  return [...writers, ...bulkWriters];
}

async function play(uptime, history, random, wanted, falls) {
  const channelsOf = Object.fromEntries(
    numbered('c', wanted.clients).map((name, index) => [name, channelsOfClient(index)]),
  );
  await subscribeAll(uptime.server, channelsOf, history);
  const ownRandom = () => new Random(random.between(0, 2 ** 31));
  const readers = Object.entries(channelsOf).map(
    ([name, channels]) => new Reader({ name, channels, uptime, history, random: ownRandom() }),
  );
  const writers = makeWriters(wanted, ownRandom, { uptime, history });
  const reading = Promise.all(readers.map((reader) => reader.run()));
  const writing = Promise.all(writers.map((writer) => writer.run()));
  const story = async () => {
    await falls();
    writers.forEach((writer) => writer.stop());
    await within(kSettleTimeoutMs, writing, () => 'the last writes to be answered');
    readers.forEach((reader) => reader.drain());
    await eventually(
      () => readers.every((reader) => reader.isWhole),
      'every client to be subscribed again',
      kSettleTimeoutMs,
    );
    await recordOutcome(uptime.server, history);
    await checkCounts(uptime.server, kChannels);
    await Promise.all(readers.map((reader) => reader.leave()));
    await reading;
  };
  // Readers and writers end only when told to: before that, their end is a failure.
  const failure = (running) => running.then(() => new Promise(() => {}));
  await Promise.race([story(), failure(reading), failure(writing), uptime.died, history.failed]);
}

function check(path, flags) {
  const checker = fileURLToPath(new URL('check_history.py', import.meta.url));
  return new Promise((resolve, reject) => {
    const child = spawn('python3', [checker, ...flags, path], { stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 2));
  });
}

function fallRow(history, number, how) {
  history.add('fall', { number });
  const { answered = 0, delivered = 0, confirmed = 0 } = history.counts;
  console.log(
    `${String(number).padStart(4)} ${how}: so far ${answered} writes answered, ` +
      `${delivered} frames delivered, ${confirmed} acks confirmed`,
  );
}

// Tells the whole story and resolves to an exit status: 0 no violation, 1 violations or a failure,
// 2 nothing can be said.
//   name, again    what this is, and the command that repeats it
//   prepare        (folder) => {dataDir, finish?}: where the data shall be
//   falls          number of falls, for the checker
//   fall           (uptime, number, random, record) => one fall; calls record(how) while down
//   checkFlags     for check_history.py
export async function tell(wanted, { name, again, prepare, falls, fall, ...options }) {
  const { flags = [], env = {}, checkFlags = [] } = options;
  const folder = await mkdtemp(join(tmpdir(), 'ackwire-crash-'));
  const path = wanted.history ?? join(folder, 'history.jsonl');
  const repeat = `again with: ${again}\ndata and history: ${folder}`;
  const started = performance.now();
  const random = new Random(wanted.seed);
  const history = new History(path);
  history.add('begin', { version: 2, seed: wanted.seed, falls });
  const place = await prepare(folder);
  try {
    const server = await startServer({ flags: [...kFlags, ...flags], dataDir: place.dataDir, env });
    const uptime = new Uptime(server);
    await play(uptime, history, random, wanted, async () => {
      for (let number = 1; number <= falls; ++number)
        await fall(uptime, number, random, (how) => fallRow(history, number, how));
    });
    await expectTrimmed(uptime.server);
    await uptime.stop();
    await verify(place.dataDir);
  } catch (error) {
    console.error(`${name}: ${error.stack}\n${repeat}`);
    return 1;
  } finally {
    await place.finish?.();
  }
  await history.close();
  console.log(
    `${((performance.now() - started) / 1000).toFixed(1)} s; checking ${history.rows} rows`,
  );
  const status = await check(path, checkFlags);
  if (status === 0) await rm(folder, { recursive: true });
  else console.error(repeat);
  return status;
}
