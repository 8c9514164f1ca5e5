// Plays real chat through a running ackwired: everybody subscribed, some of them connected, a third
// of those cut off in the middle. Exit status: 0 every connected client got every message in order,
// 1 it did not, 2 usage.

import { setTimeout as after } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Api } from './api.mjs';
import { ChatClient } from './chat_client.mjs';
import { loadSample, paced, requestsOf } from './sample.mjs';
import { bold, count, fail, green, note, phase, progress, table } from './screen.mjs';

const kHelp = `usage: tools/demo/run [options]
  --grpc HOST:PORT   of the server (default 127.0.0.1:7400)
  --http HOST:PORT   of the server (default 127.0.0.1:7480)
  --clients N        how many senders are online, the busiest first (default 60)
  --rate N           messages a second (default 500)
Example: tools/demo/run --rate 100
`;
const kDeadlineMs = 60_000;
const kPollMs = 50; // how often the server is asked for what it still owes
const kNamedAtMost = 10;

function options() {
  const { values } = parseArgs({
    options: {
      grpc: { type: 'string', default: '127.0.0.1:7400' },
      http: { type: 'string', default: '127.0.0.1:7480' },
      clients: { type: 'string', default: '60' },
      rate: { type: 'string', default: '500' },
      help: { type: 'boolean', default: false },
    },
  });
  for (const name of ['clients', 'rate']) {
    if (!/^[1-9]\d*$/.test(values[name]))
      throw new Error(`--${name} ${values[name]}: expected a whole number above 0`);
    values[name] = Number(values[name]);
  }
  return values;
}

// The connected ones, and what is going on with them.
class Crowd {
  constructor(address, names) {
    this.wake = () => {};
    // Rejects when a connection is lost that nobody here cut; never resolves.
    this.lost = new Promise((_, reject) => {
      this.reportLost = reject;
    });
    this.lost.catch(() => {}); // also when nobody is waiting just then
    this.clients = names.map(
      (name) =>
        new ChatClient({
          address,
          name,
          onProgress: () => this.wake(),
          onLost: (error) => this.reportLost(error),
        }),
    );
  }

  sum(of) {
    return this.clients.reduce((total, client) => total + of(client), 0);
  }

  missing(lastSeqs) {
    return this.clients.flatMap((client) => client.missing(lastSeqs));
  }

  // Waits until every one of them has everything up to `lastSeqs`.
  async haveAll(lastSeqs) {
    const total = this.sum((client) => client.deliveries + client.lacking(lastSeqs));
    const deadline = after(kDeadlineMs, 'late', { ref: false });
    for (;;) {
      const changed = new Promise((resolve) => {
        this.wake = resolve;
      });
      const lacking = this.sum((client) => client.lacking(lastSeqs));
      if (lacking === 0 && this.missing(lastSeqs).length === 0) return;
      progress(
        total - lacking,
        total,
        () => `${count(total - lacking)} of ${count(total)} deliveries`,
      );
      if ((await Promise.race([changed, deadline, this.lost])) === 'late') {
        const missing = this.missing(lastSeqs);
        throw new Error(
          `after ${kDeadlineMs / 1000} s ${missing.length} are still waiting: ${named(missing)}`,
        );
      }
    }
  }

  leave() {
    for (const client of this.clients) client.leave();
  }
}

function named(words) {
  const rest = words.length - kNamedAtMost;
  return words.slice(0, kNamedAtMost).join('; ') + (rest > 0 ? `; and ${rest} more` : '');
}

// Publishes the log; in the middle of it a third of the crowd is cut off, and comes back while it
// goes on.
async function publishAndCut(api, crowd, { lines }, rate) {
  const lastSeqs = new Map();
  const cut = crowd.clients.filter((_, index) => index % 3 === 0);
  const cutAt = Math.floor(lines.length / 2);
  const backAt = Math.floor((lines.length * 3) / 4);
  let answered = 0;
  let stored = 0;
  let back;
  await Promise.race([
    crowd.lost,
    api.publish(paced(requestsOf(lines), rate), ({ channel, seq, duplicate }) => {
      answered += 1;
      if (!duplicate) stored += 1;
      lastSeqs.set(channel, Math.max(seq, lastSeqs.get(channel) ?? 0));
      progress(
        answered,
        lines.length,
        () =>
          `${count(answered)} of ${count(lines.length)} messages, ` +
          `${count(crowd.sum((client) => client.deliveries))} deliveries`,
      );
      if (answered === cutAt) {
        for (const client of cut) client.drop();
        note(`${cut.length} connections are cut without warning after ${count(answered)} messages`);
      } else if (answered === backAt) {
        back = comeBack(cut, answered);
        back.catch(() => {}); // awaited below
      }
    }),
  ]);
  await back;
  return { lastSeqs, stored };
}

async function comeBack(cut, answered) {
  await Promise.all(cut.map((client) => client.connect()));
  const resumed = cut.filter((client) => client.resumed).length;
  note(`${cut.length} come back after ${count(answered)}; ${resumed} have resumed their session`);
  if (resumed < cut.length)
    throw new Error(`${cut.length - resumed} of ${cut.length} could not resume their session`);
}

// What the server says of the senders of the sample: summed over subscriptions and over clients.
async function account(api, { rooms, senders, online }) {
  const connected = new Set(online);
  const sums = { lastSeqs: 0, acknowledged: 0, undeliveredOnline: 0, undeliveredOffline: 0 };
  // In this order: once nothing is undelivered, the floors that are asked for next are the final
  // ones.
  for (const { id, undelivered } of await api.listClients()) {
    if (!senders.has(id)) continue;
    sums[connected.has(id) ? 'undeliveredOnline' : 'undeliveredOffline'] += undelivered;
  }
  for (const room of rooms) {
    for (const { client, floor, lastSeq } of await api.listSubscriptions(room)) {
      if (!senders.has(client)) continue;
      sums.lastSeqs += lastSeq;
      if (connected.has(client)) sums.acknowledged += floor;
    }
  }
  return sums;
}

// The last acknowledgements are on their way: waits until the server has them all.
async function settled(api, sample) {
  const deadline = performance.now() + kDeadlineMs;
  for (;;) {
    const sums = await account(api, sample);
    if (sums.undeliveredOnline === 0) return sums;
    if (performance.now() > deadline) {
      throw new Error(
        `after ${kDeadlineMs / 1000} s the server still owes ${sums.undeliveredOnline} ` +
          'deliveries to connected clients that have acknowledged everything',
      );
    }
    await after(kPollMs);
  }
}

async function play(api, crowd, sample, rate) {
  phase(
    'subscribe',
    `${sample.senders.size} senders to ${sample.rooms.length} rooms: ` +
      `${sample.requests.length} subscriptions`,
  );
  await api.subscribeMany(sample.requests);
  // A directory that has seen a demo before holds old accounts: only what changes from here on is
  // this run's.
  const before = await account(api, sample);

  const online = crowd.clients.length;
  phase('connect', `${online} of them by WebSocket; ${sample.senders.size - online} stay offline`);
  await Promise.all(crowd.clients.map((client) => client.connect()));

  phase('publish', `${count(sample.lines.length)} messages, ${count(rate)} a second`);
  const { lastSeqs, stored } = await publishAndCut(api, crowd, sample, rate);

  phase('deliver', 'until every connected client has everything');
  await crowd.haveAll(lastSeqs);
  const now = await settled(api, sample);
  const duplicates = sample.lines.length - stored;
  const remark = duplicates
    ? `and ${count(duplicates)} duplicates of an earlier run`
    : 'each on disk before its answer';
  const offline = now.undeliveredOffline - before.undeliveredOffline;
  table([
    ['published', stored, remark],
    ['owed', now.lastSeqs - before.lastSeqs, 'each message to every sender of its room'],
    [
      'delivered',
      crowd.sum((client) => client.deliveries),
      `to ${online} connected clients, each counted once`,
    ],
    [
      'redelivered',
      crowd.sum((client) => client.redeliveries),
      'not acknowledged when a connection was cut',
    ],
    ['acknowledged', now.acknowledged - before.acknowledged, 'by connected clients'],
    ['undelivered, connected', now.undeliveredOnline],
    ['undelivered, offline', offline, 'kept until they come'],
  ]);
  const outOfOrder = crowd.clients.flatMap((client) => client.outOfOrder);
  if (outOfOrder.length)
    throw new Error(`${outOfOrder.length} deliveries came out of order: ${named(outOfOrder)}`);
  console.log(green('Every connected client has every message of its rooms, in order.'));
}

async function main() {
  let wanted;
  try {
    wanted = options();
  } catch (error) {
    fail(`${error.message}\n\n${kHelp}`);
    return 2;
  }
  if (wanted.help) {
    process.stdout.write(kHelp);
    return 0;
  }
  const sample = await loadSample(wanted.clients);
  const api = new Api(wanted.grpc);
  const crowd = new Crowd(wanted.http, sample.online);
  console.log(bold('A chat on Ackwire, as it was: #ubuntu in 2006, 2010 and 2012'));
  try {
    await play(api, crowd, sample, wanted.rate);
    return 0;
  } catch (error) {
    fail(error.message);
    return 1;
  } finally {
    crowd.leave();
    api.close();
  }
}

process.exit(await main()); // what a failure left open must not keep it running
