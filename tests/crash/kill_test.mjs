// Kills ackwired at random moments under writers and acknowledging clients, lets everything come to
// rest, writes down what the log and the subscriptions hold, and has check_history.py judge the
// whole.

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { eventually, within } from '../support/eventually.mjs';
import { grpcClients, readAll } from '../support/grpc.mjs';
import { startServer } from '../support/server.mjs';
import { digest, History, Random } from './history.mjs';
import { Reader } from './readers.mjs';
import { Uptime } from './uptime.mjs';
import { HttpPublisher, StreamPublisher, Writer } from './writers.mjs';

const kHelp = `usage: tests/crash/run [options]
  --kills N          how often to kill -9 (default 20)
  --seed S           of the moments, the messages and the acknowledgements (default: from the time)
  --after-ms MIN-MAX how long after it is ready a server is killed (default 50-1500)
  --writers N        half of them over HTTP, half over gRPC (default 4)
  --rate N           most writes a second of one writer (default 200)
  --clients N        acknowledging WebSocket clients (default 50)
  --history FILE     keep the history there (default: a temporary file, kept when anything is wrong)
Example: tests/crash/run --kills 100 --seed 7
`;
const kChannels = [
  'crash/1',
  'crash/2',
  'crash/3',
  'crash/4',
  'crash/5',
  'crash/6',
  'crash/7',
  'crash/8',
];
const kChannelsOfAClient = 2;
const kSettleTimeoutMs = 90_000;
// Nobody may be parked: that would end what a client is owed, which is not what this test is about.
const kFlags = ['--max-disconnects', '10000', '--max-attempts', '10000'];

function options() {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '20' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      'after-ms': { type: 'string', default: '50-1500' },
      writers: { type: 'string', default: '4' },
      rate: { type: 'string', default: '200' },
      clients: { type: 'string', default: '50' },
      history: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  const span = /^(\d+)-(\d+)$/.exec(values['after-ms']);
  if (!span || Number(span[1]) > Number(span[2])) {
    throw new Error(`--after-ms ${values['after-ms']}: expected MIN-MAX, like 50-1500`);
  }
  const number = (name) => {
    if (!/^[1-9]\d*$/.test(values[name]))
      throw new Error(`--${name} ${values[name]}: expected a whole number above 0`);
    return Number(values[name]);
  };
  return {
    kills: number('kills'),
    seed: number('seed'),
    writers: number('writers'),
    rate: number('rate'),
    clients: number('clients'),
    afterMs: [Number(span[1]), Number(span[2])],
    history: values.history,
  };
}

async function onServer(server, work) {
  const clients = grpcClients(server.grpc);
  try {
    return await work(clients);
  } finally {
    clients.close();
  }
}

// Before the first write: each client on its channels, all channels covered evenly.
async function subscribeAll(server, names, history) {
  const requests = names.flatMap((client, index) =>
    Array.from({ length: kChannelsOfAClient }, (_, step) => ({
      client,
      channel: kChannels[(index + step * 3) % kChannels.length],
      fromNew: true,
    })),
  );
  const answer = await onServer(server, ({ subscriptions }) =>
    subscriptions.subscribeMany({ requests }),
  );
  for (const { client, channel, startSeq } of answer.subscriptions) {
    history.add('subscribed', { client, channel, startSeq });
  }
}

async function listSubscriptions(subscriptions) {
  const all = [];
  for (const channel of kChannels) {
    let pageToken = '';
    do {
      const page = await subscriptions.listSubscriptions({ channel, pageSize: 1000, pageToken });
      all.push(...page.subscriptions);
      pageToken = page.nextPageToken;
    } while (pageToken);
  }
  return all;
}

// Waits until nobody is owed anything, then adds what the server holds to the history.
async function recordOutcome(server, history) {
  await onServer(server, async ({ subscriptions, messages }) => {
    const settled = await eventually(
      async () => {
        const all = await listSubscriptions(subscriptions);
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
    for (const message of await readAll(messages, {})) {
      const { channel, seq, position, messageId } = message;
      history.add('log', { position, channel, seq, messageId, hash: digest(message) });
    }
    for (const { client, channel, startSeq, floor, undelivered, parked } of settled) {
      history.add('subscription', { client, channel, startSeq, floor, undelivered, parked });
    }
  });
}

async function killAgainAndAgain(uptime, history, random, { kills, afterMs: [min, max] }) {
  for (let number = 1; number <= kills; ++number) {
    const ms = random.between(min, max);
    await uptime.killAfter(ms, () => {
      history.add('kill', { number });
      const { answered = 0, delivered = 0, confirmed = 0 } = history.counts;
      console.log(
        `kill ${String(number).padStart(3)} after ${String(ms).padStart(4)} ms: so far ` +
          `${answered} writes answered, ${delivered} frames delivered, ${confirmed} acks confirmed`,
      );
    });
  }
}

async function play(uptime, history, random, wanted) {
  const names = Array.from({ length: wanted.clients }, (_, index) => `c${index + 1}`);
  await subscribeAll(uptime.server, names, history);
  const ownRandom = () => new Random(random.between(0, 2 ** 31));
  const readers = names.map((name) => new Reader({ name, uptime, history, random: ownRandom() }));
  const writers = Array.from(
    { length: wanted.writers },
    (_, index) =>
      new Writer({
        name: `w${index + 1}`,
        channels: kChannels,
        rate: wanted.rate,
        uptime,
        history,
        random: ownRandom(),
        publisher: new (index % 2 ? StreamPublisher : HttpPublisher)(uptime),
      }),
  );
  const reading = Promise.all(readers.map((reader) => reader.run()));
  const writing = Promise.all(writers.map((writer) => writer.run()));
  const story = async () => {
    await killAgainAndAgain(uptime, history, random, wanted);
    writers.forEach((writer) => writer.stop());
    await within(kSettleTimeoutMs, writing, () => 'the last writes to be answered');
    readers.forEach((reader) => reader.drain());
    await recordOutcome(uptime.server, history);
    await Promise.all(readers.map((reader) => reader.leave()));
    await reading;
  };
  // Readers and writers end only when told to: before that, their end is a failure.
  const failure = (running) => running.then(() => new Promise(() => {}));
  await Promise.race([story(), failure(reading), failure(writing), uptime.died, history.failed]);
}

function check(path) {
  const checker = fileURLToPath(new URL('check_history.py', import.meta.url));
  return new Promise((resolve, reject) => {
    const child = spawn('python3', [checker, path], { stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 2));
  });
}

async function main() {
  const wanted = options();
  if (wanted === null) {
    process.stdout.write(kHelp);
    return 0;
  }
  const folder = await mkdtemp(join(tmpdir(), 'ackwire-crash-'));
  const path = wanted.history ?? join(folder, 'history.jsonl');
  console.log(
    `kill test: seed ${wanted.seed}, ${wanted.kills} kills, ${wanted.writers} writers, ` +
      `${wanted.clients} clients, ${kChannels.length} channels`,
  );
  const again =
    `again with: tests/crash/run --seed ${wanted.seed} --kills ${wanted.kills}\n` +
    `data and history: ${folder}`;
  const started = performance.now();
  const history = new History(path);
  history.add('begin', { version: 1, seed: wanted.seed, kills: wanted.kills });
  const uptime = new Uptime(await startServer({ flags: kFlags, dataDir: join(folder, 'data') }));
  try {
    await play(uptime, history, new Random(wanted.seed), wanted);
    await uptime.stop();
  } catch (error) {
    console.error(`kill test: ${error.stack}\n${again}`);
    return 1;
  }
  await history.close();
  console.log(
    `${((performance.now() - started) / 1000).toFixed(1)} s; checking ${history.rows} rows`,
  );
  const status = await check(path);
  if (status === 0) await rm(folder, { recursive: true });
  else console.error(again);
  return status;
}

main().then(
  (status) => process.exit(status),
  (error) => {
    console.error(`kill test: ${error.message}`);
    process.exit(2);
  },
);
