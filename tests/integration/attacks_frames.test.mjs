// What an attack by WebSocket frames gets (proto/README.md, "Who may do what"): its close code,
// nothing stored, nothing allocated, and the server goes on. What else frames may be wrong with is
// in rfc6455.test.mjs.

import assert from 'node:assert/strict';
import test, { after, afterEach } from 'node:test';
import { Client, dropAll } from '../support/client.mjs';
import { kSlowness } from '../support/eventually.mjs';
import { grpcClients } from '../support/grpc.mjs';
import { publish } from '../support/http.mjs';
import { residentMiB } from '../support/process.mjs';
import { RawWebSocket, binary, closing, frame, ping, text } from '../support/raw_web_socket.mjs';
import { serverForFile } from '../support/server.mjs';

const server = await serverForFile();
const rpc = grpcClients(server.grpc);
after(() => rpc.close());
afterEach(dropAll);

// Row: [what is sent after `connect` succeeded, the close codes it may get].
const kFrames = {
  'an unmasked frame': [text('{"type":"pong"}', { masked: false }), 1002],
  'a reserved bit': [text('{"type":"pong"}', { rsv: 1 }), 1002],
  'a reserved opcode': [frame(3), 1002],
  'a fragmented control frame': [ping('', { fin: false }), 1002],
  'a long control frame': [ping('x'.repeat(126)), 1002],
  'a bad close code': [closing(1005), 1002],
  'bad UTF-8 in text': [text(Buffer.from([0x22, 0xff, 0x22])), 1007],
  'bad UTF-8 in a close reason': [closing(1000, Buffer.from([0xff])), 1007, 1002],
  'a length of 2^63-1': [text('', { form: 64, length: 2n ** 63n - 1n }), 1009, 1002],
  'a length over the limit': [text('', { form: 64, length: 2 ** 40 }), 1009],
  'binary on the JSON protocol': [binary('{"type":"pong"}'), 1003],
  'JSON deeper than 32': [text(`{"type":"pong","x":${'['.repeat(40)}${']'.repeat(40)}}`), 4502],
  'a key twice': [text('{"type":"pong","type":"pong"}'), 4502],
  'a lone surrogate': [text('{"type":"nack","deliveries":[1],"reason":"\\ud800"}'), 4502],
};

async function openSession(client = 'attacker') {
  const socket = await RawWebSocket.open(server.http);
  await socket.write(text(JSON.stringify({ type: 'connect', client })));
  await socket.waitFor(() => socket.frames.texts.length === 1, 'welcome');
  return socket;
}

for (const [what, [bytes, ...codes]] of Object.entries(kFrames))
  test(`${what} is closed ${codes.join(' or ')}`, async () => {
    const socket = await openSession();
    await socket.write(bytes);
    await socket.waitFor(() => socket.frames.close !== null, 'a close frame');
    assert.ok(codes.includes(socket.frames.close.code), JSON.stringify(socket.frames.close));
    socket.discard();
  });

const endless = (count, part) => Buffer.concat(Array(count).fill(frame(0, part, { fin: false })));

async function writeUntilClosing(socket, bytes) {
  while (await socket.write(bytes)) await new Promise((resolve) => setImmediate(resolve));
}

test('fragments without end are closed 1009', async () => {
  const socket = await openSession();
  await socket.write(text('"', { fin: false }));
  await writeUntilClosing(socket, endless(10_000, ''));
  await socket.waitFor(() => socket.frames.close !== null, 'a close frame');
  assert.equal(socket.frames.close.code, 1009);
  socket.discard();
});

const kConnecting = text('{"type":"connect","client":"early"}');
const kPong = text('{"type":"pong"}');
const kEarly = {
  'more than 64 KiB': text(`{"type":"connect","client":"early","pad":"${'x'.repeat(70_000)}"}`),
  'two frames': Buffer.concat([kConnecting, kPong, kPong, kPong]),
};
const kEarlyTries = 20;

// What closes a connection that says this first; undefined where it was connected before.
async function closedAfter(bytes) {
  const socket = await RawWebSocket.open(server.http);
  await socket.write(bytes);
  const { frames } = socket;
  await socket.waitFor(() => frames.close !== null || frames.texts.length > 0, 'an answer');
  socket.discard();
  return frames.close?.code;
}

for (const [what, bytes] of Object.entries(kEarly))
  test(`${what} before connect succeeded are closed 4502`, async () => {
    let code;
    for (let n = 0; n < kEarlyTries && code === undefined; n += 1) code = await closedAfter(bytes);
    assert.equal(code, 4502);
  });

const kHungry = 100; // connections at once
const kMemoryMiB = 32;
const kSkipped = kSlowness > 1 && 'under a sanitizer what was freed stays for a while';
const kHungryFrames = {
  'a length of 2^63-1': [text('', { form: 64, length: 2n ** 63n - 1n })],
  'a length over the limit': [text('', { form: 64, length: 2 ** 30 })],
  'fragments without end': [text('"', { fin: false }), endless(32, 'x'.repeat(4096))],
};

for (const [what, [first, rest]] of Object.entries(kHungryFrames))
  test(`nothing is allocated for ${what}`, { skip: kSkipped }, async () => {
    const sockets = await Promise.all(
      Array.from({ length: kHungry }, (_, n) => openSession(`hungry/${n}`)),
    );
    const before = await residentMiB(server);
    for (const socket of sockets) {
      await socket.write(first);
      if (rest) await writeUntilClosing(socket, rest);
      await socket.waitFor(() => socket.frames.close !== null, 'a close frame');
    }
    // All at once: none of them has closed its side.
    const after = await residentMiB(server);
    for (const socket of sockets) socket.discard();
    assert.ok(after - before < kMemoryMiB, `${before} MiB before, ${after} MiB after`);
  });

test('after all of it nothing is stored, and the server serves', async () => {
  const { lastPosition, channels } = await rpc.admin.getStatus();
  assert.deepEqual([lastPosition, channels], [0, 0]);
  for (const client of ['attacker', 'early', 'hungry/1']) {
    const { subscriptions } = await rpc.subscriptions.listSubscriptions({ client });
    assert.deepEqual(subscriptions, [], client);
  }
  const good = await Client.connect(server, {
    client: 'good',
    subscriptions: [{ channel: 'good' }],
  });
  await publish(server, 'good', 'ok');
  assert.equal((await good.nextDelivery()).message.payload, 'ok');
});
