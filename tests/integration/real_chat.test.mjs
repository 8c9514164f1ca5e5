// Real chat, whole: a log of days is imported with every sender subscribed to its rooms, some of
// them connect, and each gets exactly the messages of its rooms, in order.
//
// ACKWIRE_CHAT names another file of lines {"room","at","sender","text"}.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client } from '../support/client.mjs';
import { withServer } from '../support/server.mjs';

const kRoot = new URL('../../', import.meta.url);
const kAckctl = process.env.ACKCTL ?? fileURLToPath(new URL('build/release/bin/ackctl', kRoot));
const kClientsMax = 500;
const kConnectedAtOnce = 50;
const kWindows = [3, 16, 100, undefined, 1024, 4096]; // undefined: the server's default
const kStyles = ['upTo', 'named', 'both'];
// With 50 clients at once the last one may wait for most of the others' messages.
const kFrameTimeoutMs = 60_000;

function chatFile() {
  return process.env.ACKWIRE_CHAT ?? fileURLToPath(new URL('tools/demo/sample.jsonl', kRoot));
}

// What the file says, read without the help of what is tested: each room's messages, in order, and
// each sender's rooms.
function readChat(path) {
  const rooms = new Map();
  const roomsOf = new Map();
  let line = 0;
  for (const text of readFileSync(path, 'utf8').split('\n')) {
    line += 1;
    if (text === '') continue;
    const { room, at, sender, text: said } = JSON.parse(text);
    if (!rooms.has(room)) rooms.set(room, []);
    rooms.get(room).push({ messageId: `${basename(path)}:${line}`, sender, at, text: said });
    if (!roomsOf.has(sender)) roomsOf.set(sender, new Set());
    roomsOf.get(sender).add(room);
  }
  return { rooms, roomsOf };
}

function sum(numbers) {
  return [...numbers].reduce((total, each) => total + each, 0);
}

// At most `count` of them, evenly chosen.
function evenly(all, count) {
  if (all.length <= count) return all;
  return Array.from({ length: count }, (_, n) => all[Math.floor((n * all.length) / count)]);
}

async function ackctl(server, ...words) {
  const { stdout } = await promisify(execFile)(
    kAckctl,
    ['--server', server.grpc, '-o', 'json', ...words],
    { maxBuffer: 64 << 20 },
  );
  return JSON.parse(stdout);
}

// One sender of the chat, who gets what was said in its rooms and acknowledges it in its own way.
class Listener {
  constructor(name, chat, number) {
    this.name = name;
    this.window = kWindows[number % kWindows.length];
    this.style = kStyles[Math.floor(number / kWindows.length) % kStyles.length];
    const rooms = [...chat.roomsOf.get(name)];
    this.expected = new Map(rooms.map((room) => [room, chat.rooms.get(room)]));
    this.owed = sum([...this.expected.values()].map((messages) => messages.length));
    this.seen = new Map(); // room to the last seq
    this.delivered = 0;
    this.frames = 0;
  }

  check({ delivery, attempt, message }) {
    const { channel, seq, messageId, sender, payload } = message;
    const where = `${this.name}, delivery ${delivery}: ${channel} ${seq}`;
    assert.ok(this.expected.has(channel), `${where} is not of a room of this client`);
    assert.equal(seq, (this.seen.get(channel) ?? 0) + 1, `${where} is out of order`);
    this.seen.set(channel, seq);
    this.delivered += 1;
    assert.equal(delivery, this.delivered, where);
    assert.equal(attempt, 1, where);
    assert.deepEqual(
      { messageId, sender, ...payload },
      this.expected.get(channel)[seq - 1],
      `${where} is not what was said`,
    );
  }

  acknowledge(client, items) {
    this.frames += 1;
    if (this.style === 'upTo') return client.ackUpTo(items.at(-1));
    if (this.style === 'named') return client.ack(...[...items].reverse());
    // Every other one by name, the rest with the next `upTo`.
    if (this.frames % 2 === 0) return client.ackUpTo(items.at(-1));
    return client.ack(...items.filter((_, n) => n % 2 === 0));
  }

  async listen(server) {
    const client = await Client.connect(server, { client: this.name, window: this.window });
    assert.deepEqual(
      client.welcome.subscriptions.map(({ channel }) => channel).sort(),
      [...this.expected.keys()].sort(),
    );
    while (this.delivered < this.owed) {
      const { items } = await client.next('deliveries', undefined, kFrameTimeoutMs);
      items.forEach((item) => this.check(item));
      this.acknowledge(client, items);
    }
    await client.confirmUpTo(this.delivered);
    await client.close();
    // All that the server had sent before it answered the close has arrived.
    assert.deepEqual(client.frames, [], `${this.name} got more than it was owed`);
  }
}

async function listenAll(server, listeners) {
  const waiting = [...listeners];
  const next = async () => {
    for (let listener; (listener = waiting.shift());) await listener.listen(server);
  };
  await Promise.all(Array.from({ length: kConnectedAtOnce }, next));
}

async function undeliveredOf(server, listeners) {
  const { clients } = await ackctl(server, 'clients');
  const left = new Map(clients.map(({ id, undelivered }) => [id, undelivered]));
  return sum(listeners.map(({ name }) => left.get(name) ?? assert.fail(`${name} is not listed`)));
}

async function timed(act) {
  const started = performance.now();
  const result = await act();
  return { result, seconds: ((performance.now() - started) / 1000).toFixed(1) };
}

test('senders of real chat get exactly what was said in their rooms, in order', async (t) => {
  const path = chatFile();
  const chat = readChat(path);
  const messages = sum([...chat.rooms.values()].map((room) => room.length));
  const subscriptions = sum([...chat.roomsOf.values()].map((rooms) => rooms.size));
  const everyone = [...chat.roomsOf.keys()].sort().map((name, n) => new Listener(name, chat, n));
  const owed = sum(everyone.map((listener) => listener.owed));
  const say = (text) => t.diagnostic(text);
  say(`chat: ${path}`);

  const server = await withServer(t);
  const import1 = await timed(() => ackctl(server, 'import', path, '--subscribe-senders'));
  assert.deepEqual(
    [import1.result.stored, import1.result.duplicates, import1.result.subscriptions],
    [messages, 0, subscriptions],
  );
  const before = await ackctl(server, 'status');
  assert.deepEqual([before.lastPosition, before.undelivered], [messages, owed]);
  say(`${messages} messages, ${subscriptions} subscriptions, ${owed} owed: ${import1.seconds} s`);

  const listeners = evenly(everyone, kClientsMax);
  const got = await timed(() => listenAll(server, listeners));
  const delivered = sum(listeners.map((listener) => listener.delivered));
  say(`${listeners.length} clients, ${delivered} delivered and acknowledged: ${got.seconds} s`);
  assert.equal(await undeliveredOf(server, listeners), 0);

  const again = await timed(() => ackctl(server, 'import', path));
  assert.deepEqual([again.result.stored, again.result.duplicates], [0, messages]);
  const after = await ackctl(server, 'status');
  assert.deepEqual([after.lastPosition, after.undelivered], [messages, owed - delivered]);
  say(`again: ${again.result.duplicates} duplicates, nothing stored: ${again.seconds} s`);
});
