// A server is restarted behind a proxy, as a deploy does it, under load: nothing is lost, nobody is
// told anything but to come again, and they come bit by bit. The old process drains and ends, then
// the new one starts on the same directory, at the same addresses.
//
// ACKWIRE_CLIENTS names another number of clients.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { EventStream } from '../support/event_stream.mjs';
import { kSlowness, within } from '../support/eventually.mjs';
import { grpcClients } from '../support/grpc.mjs';
import { fixedAddresses, withProxy } from '../support/proxy.mjs';
import { ReturningClient } from '../support/returning_client.mjs';
import { withServer } from '../support/server.mjs';

const kClients = Number(process.env.ACKWIRE_CLIENTS ?? 500);
const kRestarts = 3;
const kRate = 200; // messages a second
const kPublishing = 1000; // connections, while no publish is answered
const kClientsOfARoom = 10;
const kConnectedAtOnce = 100;
const kGraceS = 1.5; // HAProxy asks each second
// In no second more than a tenth of the clients comes again: a twentieth does on average with this
// spread, which is the one by default.
const kSpreadS = 20;
const kReturningMax = 0.1 * kSlowness;
const kGapMaxMs = 3000 * kSlowness;
const kEndMs = 90_000;
// What a page of the site says, where the proxy ends TLS: by the flags the server knows both.
const kSite = { host: 'chat.example.com', origin: 'https://chat.example.com' };
const kSiteFlags = ['--allow-host', kSite.host, '--allow-origin', kSite.origin];

const seconds = (ms) => (ms / 1000).toFixed(1);

async function connectAll(clients) {
  for (let from = 0; from < clients.length; from += kConnectedAtOnce) {
    const some = clients.slice(from, from + kConnectedAtOnce);
    for (const client of some) client.connect();
    const connected = some.map((client) => client.until(() => client.connected));
    const missing = () => some.filter((client) => !client.connected).map((client) => client.story);
    await within(kEndMs, Promise.all(connected), () => `clients to connect\n${missing()[0]}`);
  }
}

// On a thread of its own, so that what the clients keep this one busy with is not measured.
async function startPublishing(t, http, rooms) {
  const url = new URL('../support/steady_publisher.mjs', import.meta.url);
  const workerData = { http, rate: kRate, rooms, headers: kSite };
  const worker = new Worker(fileURLToPath(url), { workerData });
  t.after(() => worker.terminate());
  return async () => {
    const told = once(worker, 'message');
    worker.postMessage('end');
    const [came] = await within(kEndMs, told, () => 'every message to be answered');
    return came;
  };
}

// The most of `times` within one second, wherever it begins.
function mostInASecond(times) {
  const sorted = [...times].sort((a, b) => a - b);
  let first = 0;
  let most = 0;
  for (let last = 0; last < sorted.length; last += 1) {
    while (sorted[last] - sorted[first] >= 1000) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

// What a restart came to, as its clients saw it.
async function restart(server, clients) {
  const begun = Date.now();
  server.child.kill('SIGTERM');
  const end = await within(kEndMs, server.exited, () => `the end of the drain\n${server.stderr}`);
  assert.deepEqual(end, { code: 0, signal: null });
  const ended = Date.now();
  await server.launch();
  const served = Date.now();
  const isBack = (client) => client.welcomed.at(-1) > ended;
  const back = clients.map((client) => client.until(() => isBack(client)));
  const missing = () => clients.filter((client) => !isBack(client)).map((client) => client.story);
  await within(kEndMs, Promise.all(back), () => `every client to be back\n${missing().join('\n')}`);
  const since = (times) => times.filter((time) => time >= begun);
  const returned = clients.map((client) => client.welcomed.at(-1));
  return {
    begun,
    served,
    drainMs: ended - begun,
    awayMs: served - ended,
    refused: clients.reduce((sum, client) => sum + since(client.refused).length, 0),
    backMs: Math.max(...returned) - served,
    most: mostInASecond(returned),
    mostClosed: mostInASecond(clients.map((client) => client.closed.at(-1))),
  };
}

// All goes its steady way.
async function allHearMore(clients) {
  const more = clients.map(async (client) => {
    const before = client.last;
    await client.until(() => client.connected && client.last > before);
  });
  await within(kEndMs, Promise.all(more), () => 'every client to get something');
}

// The longest time within which no publish was answered.
function longestGap(answers, from, to) {
  const times = answers.map(({ at }) => at).filter((at) => at >= from && at <= to);
  return Math.max(...times.map((at, n) => (n === 0 ? at - from : at - times[n - 1])));
}

function counted(list) {
  const counts = {};
  for (const each of list) counts[each] = (counts[each] ?? 0) + 1;
  return Object.entries(counts).map(([what, count]) => `${count} ${what}`).join(', ');
}

// All of a list that comes in pages.
async function allPages(read, field) {
  const found = [];
  let pageToken = '';
  do {
    const page = await read({ pageSize: 1000, pageToken });
    found.push(...page[field]);
    pageToken = page.nextPageToken;
  } while (pageToken);
  return found;
}

function table(t, came, clients) {
  const percent = (most) => `${((100 * most) / clients).toFixed(1)} %`;
  const columns = {
    restart: (_, n) => `${n + 1}`,
    drain: ({ drainMs }) => `${seconds(drainMs)} s`,
    away: ({ awayMs }) => `${seconds(awayMs)} s`,
    'all back after': ({ backMs }) => `${seconds(backMs)} s`,
    refusals: ({ refused }) => `${refused}`,
    'closed in 1 s': ({ mostClosed }) => percent(mostClosed),
    'back in 1 s': ({ most }) => percent(most),
    'publishing gap': ({ gapMs }) => `${seconds(gapMs)} s`,
  };
  const titles = Object.keys(columns);
  t.diagnostic(titles.join('  '));
  came.forEach((each, n) => {
    const cells = titles.map((title) => columns[title](each, n).padStart(title.length));
    t.diagnostic(cells.join('  '));
  });
}

// Plays it, holds to it what holds for any proxy, and returns what each restart came to.
async function play(t, kind, { clients: count, restarts, spreadS }) {
  const [grpc, http, admin] = await fixedAddresses(3);
  const listeners = ['--grpc', grpc, '--http', http, '--admin', admin];
  const times = ['--drain-grace', `${kGraceS * 1000}ms`, '--drain-spread', `${spreadS}s`];
  const server = await withServer(t, { flags: [...listeners, ...times, ...kSiteFlags] });
  const connections = count + kPublishing;
  const address = await withProxy(t, kind, { server, retryAfterS: spreadS, connections });
  const rooms = Math.ceil(count / kClientsOfARoom);
  const clients = Array.from(
    { length: count },
    (_, n) =>
      new ReturningClient(address, {
        client: `client/${n}`,
        channel: `room/${n % rooms}`,
        headers: kSite,
      }),
  );
  t.after(() => clients.forEach((client) => client.drop()));
  await connectAll(clients);
  const endPublishing = await startPublishing(t, address, rooms);
  const page = { client: 'page', channels: 'room/0', ack: 'written' };
  const stream = await EventStream.open({ http: address }, page);
  await stream.collect(1);

  const came = [];
  for (let n = 0; n < restarts; n += 1) {
    await allHearMore(clients);
    came.push(await restart(server, clients));
  }
  assert.equal((await stream.next('close')).code, 1012);
  assert.equal(await stream.ended, 'whole');
  const reopened = await stream.reopen();
  t.after(() => reopened.drop());
  await reopened.collect(1);
  const told = await endPublishing();

  // 0 lost: what was answered is there, once, and everybody has it.
  const rpc = grpcClients(server.grpc);
  t.after(() => rpc.close());
  const channels = await allPages(rpc.messages.listChannels, 'channels');
  const stored = channels.reduce((sum, each) => sum + each.lastSeq, 0);
  assert.equal(stored, told.published);
  const all = clients.map((client) =>
    client.until(() => client.last === told.lastSeqs[client.channel]),
  );
  await within(kEndMs, Promise.all(all), () => 'every client to have every message');
  // 0 unexplained: of clients, of publishers, of the server.
  assert.deepEqual(clients.flatMap((client) => client.unexplained), []);
  assert.deepEqual(told.unexplained, []);
  const during = (at) => came.some(({ begun, served }) => at >= begun && at <= served + 1000);
  assert.deepEqual(told.failures.filter(({ at }) => !during(at)), []);
  const failures = await allPages(rpc.deliveries.listFailures, 'failures');
  const byTheRestart = ({ reason, detail }) =>
    reason === 'REASON_DISCONNECTED' && detail === 'close code 1012';
  assert.deepEqual(
    failures.filter((each) => !byTheRestart(each)),
    [],
  );
  const status = await rpc.admin.getStatus();
  assert.equal(status.parked, 0);
  for (const each of came) each.gapMs = longestGap(told.answers, each.begun, each.served + 5000);
  const again = clients.reduce((sum, client) => sum + client.again, 0);
  const slowest = Math.max(...told.answers.map(({ took }) => took));
  t.diagnostic(
    `${kind}: ${count} clients in ${rooms} rooms, ${told.published} messages published, 0 lost; ` +
      `${again} deliveries came twice; the slowest answer took ${seconds(slowest)} s; ` +
      `tried again: ${counted(told.failures.map(({ what }) => what)) || 'none'}`,
  );
  table(t, came, count);
  return came;
}

test('behind HAProxy, three times', async (t) => {
  const came = await play(t, 'haproxy', {
    clients: kClients,
    restarts: kRestarts,
    spreadS: kSpreadS,
  });
  for (const { most, gapMs } of came) {
    assert.ok(most <= kReturningMax * kClients, `${most} clients came again in one second`);
    assert.ok(gapMs <= kGapMaxMs, `no publish was answered for ${gapMs} ms`);
  }
});

test('behind nginx', async (t) => {
  const came = await play(t, 'nginx', { clients: 20, restarts: 1, spreadS: 2 });
  for (const { gapMs } of came) {
    assert.ok(gapMs <= kGapMaxMs, `no publish was answered for ${gapMs} ms`);
  }
});
