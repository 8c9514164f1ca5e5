// TLS for clients, mutual TLS for gRPC, and certificates that change while the server runs.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, afterEach } from 'node:test';
import tls from 'node:tls';
import { ackctl } from '../support/ackctl.mjs';
import { issue, makeAuthority } from '../support/certificates.mjs';
import { Client, dropAll } from '../support/client.mjs';
import { EventStream } from '../support/event_stream.mjs';
import { eventually, within } from '../support/eventually.mjs';
import { grpcClients, status } from '../support/grpc.mjs';
import { history, publish, raw, request, split } from '../support/http.mjs';
import { firstCall, kDeadlyCall } from '../support/http2.mjs';
import { serverForFile, startServer } from '../support/server.mjs';

const kSlowHandshakes = 50;
const kHandshakeLimitMs = 10_000;
const kLargePayload = 'x'.repeat(200_000); // many records of TLS

const directory = await mkdtemp(join(tmpdir(), 'ackwire-tls-'));
after(() => rm(directory, { recursive: true }));
const authority = makeAuthority(directory, 'authority');
const stranger = makeAuthority(directory, 'stranger');
const first = issue(authority, directory, 'first');
const second = issue(authority, directory, 'second');
const operator = issue(authority, directory, 'operator');
const intruder = issue(stranger, directory, 'intruder');

// The files that the server reads; what is in them is changed.
const file = (name) => join(directory, name);
async function serve(pair, listener) {
  await copyFile(pair.certFile, file(`${listener}.pem`));
  await copyFile(pair.keyFile, file(`${listener}.key`));
}
await serve(first, 'http');
await serve(first, 'grpc');
await copyFile(authority.certFile, file('clients.pem'));

const server = await serverForFile({
  flags: [
    ...['--http-tls-cert', file('http.pem'), '--http-tls-key', file('http.key')],
    ...['--grpc-tls-cert', file('grpc.pem'), '--grpc-tls-key', file('grpc.key')],
    ...['--grpc-tls-client-ca', file('clients.pem')],
  ],
});
const [host, port] = split(server.http);
server.tls = { ca: authority.cert };
const asOperator = { ca: authority.cert, cert: operator.cert, key: operator.key };
afterEach(dropAll);

// Connections that never get through their handshake; the last test sees them closed.
const slow = { startedAt: performance.now(), sockets: [] };
for (let i = 0; i < kSlowHandshakes; ++i) {
  const socket = net.connect(port, host);
  const closed = once(socket, 'close').then(() => performance.now());
  socket.on('error', () => {});
  socket.resume();
  // Some say nothing, some the head of a record that they do not complete.
  if (i % 2 === 1) socket.write(Buffer.from([22, 3, 1, 2, 0, 1]));
  slow.sockets.push({ socket, closed });
}
after(() => slow.sockets.forEach(({ socket }) => socket.destroy()));

// What a client sees of a handshake with a listener.
function handshake(address, options = {}) {
  const [to, at] = split(address);
  const done = new Promise((resolve, reject) => {
    const socket = tls.connect({ host: to, port: at, ca: authority.cert, ...options }, () => {
      resolve({
        name: socket.getPeerCertificate().subject?.CN,
        version: socket.getProtocol(),
        cipher: socket.getCipher().standardName,
        alpn: socket.alpnProtocol,
      });
      socket.destroy();
    });
    socket.on('error', reject);
  });
  return within(20_000, done, () => `a handshake with ${address}`);
}

test('messages are published, delivered and acknowledged over TLS', async () => {
  const subscriptions = [{ channel: 'room/1' }];
  const client = await Client.connect(server, { client: 'alice', subscriptions });
  await publish(server, 'room/1', kLargePayload);
  const item = await client.nextDelivery();
  assert.equal(item.message.payload, kLargePayload);
  await client.confirm(item);
  const page = await history(server, 'room/1');
  assert.equal(page.status, 200);
  assert.deepEqual(
    page.json.messages.map((message) => message.seq),
    [1],
  );
});

test('an event stream comes over TLS, whole to its end', async (t) => {
  const client = 'tls/stream';
  const stream = await EventStream.open(server, { client, channels: client });
  await publish(server, client, kLargePayload);
  const [item] = await stream.collect(1);
  assert.equal(item.message.payload, kLargePayload);
  assert.equal((await stream.post('ack', { upTo: item.delivery })).status, 200);
  const newer = await EventStream.open(server, { client });
  t.after(() => newer.drop());
  assert.equal((await stream.next('close')).code, 4500);
  assert.equal(await stream.ended, 'whole');
  const last = { 'last-event-id': stream.lastEventId };
  assert.equal((await EventStream.ask(server, { client }, last)).status, 204);
});

test('a WebSocket ends by the same rules as without TLS', async () => {
  const client = await Client.connect(server, { client: 'bob' });
  const started = performance.now();
  client.socket.close(1000);
  assert.deepEqual(await client.closed, { code: 1000, reason: '' });
  const replaced = await Client.connect(server, { client: 'bob' });
  const newer = await Client.connect(server, { client: 'bob' });
  assert.equal((await replaced.closed).code, 4500);
  newer.socket.send('no frame');
  assert.equal((await newer.closed).code, 4502);
  // Neither side waited for the other's end to time out.
  assert.ok(performance.now() - started < 5_000);
});

test('TLS is 1.2 or 1.3, with forward secrecy and http/1.1', async () => {
  assert.equal((await handshake(server.http)).version, 'TLSv1.3');
  const older = await handshake(server.http, { maxVersion: 'TLSv1.2' });
  assert.match(older.cipher, /^TLS_ECDHE_ECDSA_WITH_(AES_(128|256)_GCM|CHACHA20)/);
  const oldest = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
  await assert.rejects(handshake(server.http, oldest), { code: /PROTOCOL_VERSION/ });
  const plainRsa = { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA:ECDHE-ECDSA-AES128-SHA' };
  await assert.rejects(handshake(server.http, plainRsa), { code: /HANDSHAKE_FAILURE/ });
  const browser = await handshake(server.http, { ALPNProtocols: ['h2', 'http/1.1'] });
  assert.equal(browser.alpn, 'http/1.1');
  await assert.rejects(handshake(server.http, { ALPNProtocols: ['h2'] }), {
    code: /NO_APPLICATION_PROTOCOL/,
  });
});

test('a session of TLS 1.2 is resumed, and never negotiated anew', async () => {
  const options = { host, port, ca: authority.cert, maxVersion: 'TLSv1.2' };
  const one = tls.connect(options);
  await once(one, 'secureConnect');
  const session = one.getSession();
  const refused = await within(
    10_000,
    new Promise((resolve) => {
      one.once('error', resolve);
      one.renegotiate({ rejectUnauthorized: true }, resolve);
    }),
    () => 'the end of a renegotiation',
  );
  assert.ok(refused instanceof Error, `the renegotiation ended with ${refused}`);
  one.destroy();
  const again = tls.connect({ ...options, session });
  await once(again, 'secureConnect');
  assert.equal(again.isSessionReused(), true);
  again.destroy();
});

test('plain HTTP to the TLS port is closed without an answer', async () => {
  const answer = await raw(host, port, 'GET /v1/openapi.yaml HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.doesNotMatch(answer, /HTTP\/1/);
});

test('the admin listener stays plain', async () => {
  assert.equal((await request(server.admin, { path: '/healthz' })).status, 200);
});

test('gRPC takes clients with a certificate of the authority only', async () => {
  const known = grpcClients(server.grpc, asOperator);
  const published = await known.messages.publish({
    channel: 'room/grpc',
    contentType: 'text/plain',
    payload: Buffer.from('hello'),
  });
  assert.equal(published.seq, 1);
  known.close();
  const others = {
    'without a certificate': { ca: authority.cert },
    'with another authority': { ca: authority.cert, cert: intruder.cert, key: intruder.key },
    'without TLS': undefined,
  };
  for (const [who, credentials] of Object.entries(others)) {
    const clients = grpcClients(server.grpc, credentials);
    await assert.rejects(clients.admin.getStatus(), { code: status.UNAVAILABLE }, who);
    clients.close();
  }
});

test('a call of the kind that gRPC may not survive fails at the handshake', async () => {
  const [to, at] = split(server.grpc);
  const socket = tls.connect({ host: to, port: at, ca: authority.cert, ALPNProtocols: ['h2'] });
  const answer = [];
  socket.on('data', (bytes) => answer.push(bytes));
  socket.write(firstCall(kDeadlyCall));
  await within(10_000, once(socket, 'close'), () => 'the end of the connection');
  assert.deepEqual(answer, []);
  const clients = grpcClients(server.grpc, asOperator);
  assert.equal((await clients.messages.publish({ channel: 'room/survived' })).seq, 1);
  clients.close();
});

test('ackctl speaks TLS, and says what it used where that fails', async () => {
  const global = ['--server', server.grpc];
  const proof = ['--tls-cert', operator.certFile, '--tls-key', operator.keyFile];
  const trusting = [...global, '--tls-ca', authority.certFile];
  const done = await ackctl(...trusting, ...proof, 'publish', 'room/ctl', 'hello');
  assert.equal(done.code, 0, done.stderr);
  const read = await ackctl(...trusting, ...proof, '-o', 'json', 'read', 'room/ctl');
  assert.match(read.stdout, /hello/);
  for (const [flags, how] of [
    [global, /without TLS/],
    [trusting, /with TLS/],
    [[...global, '--tls-ca', stranger.certFile, ...proof], /with TLS/],
  ]) {
    const failed = await ackctl(...flags, 'status');
    assert.equal(failed.code, 3, failed.stderr);
    assert.match(failed.stderr, how);
  }
});

test('SIGHUP brings new certificates to new connections, and open ones go on', async () => {
  const subscriptions = [{ channel: 'room/renewed' }];
  const client = await Client.connect(server, { client: 'carol', subscriptions });
  assert.equal((await handshake(server.http)).name, 'first');
  await serve(second, 'http');
  await serve(second, 'grpc');
  assert.equal((await handshake(server.http)).name, 'first');
  server.child.kill('SIGHUP');
  const asClient = { cert: operator.cert, key: operator.key, ALPNProtocols: ['h2'] };
  await eventually(async () => (await handshake(server.http)).name === 'second', 'the new one');
  await eventually(
    async () => (await handshake(server.grpc, asClient)).name === 'second',
    'the new one of gRPC',
  );
  await publish(server, 'room/renewed', 1);
  await client.confirm(await client.nextDelivery());
});

test('a bad file keeps the certificate that was good', async () => {
  const before = (await handshake(server.http)).name;
  const told = (text) =>
    eventually(() => server.stderr.includes(text), `the log to say ${text}`);
  await writeFile(file('http.pem'), 'nonsense');
  server.child.kill('SIGHUP');
  await told(`--http-tls-cert: ${file('http.pem')}: has no certificate in PEM`);
  await serve(first, 'http');
  await copyFile(second.keyFile, file('http.key'));
  server.child.kill('SIGHUP');
  await told(`--http-tls-key: ${file('http.key')}: is not the key of the certificate`);
  await rm(file('clients.pem'));
  server.child.kill('SIGHUP');
  await told(`--grpc-tls-client-ca: cannot read ${file('clients.pem')}`);
  assert.equal((await handshake(server.http)).name, before);
  const clients = grpcClients(server.grpc, asOperator);
  assert.equal((await clients.messages.publish({ channel: 'room/kept' })).seq, 1);
  clients.close();
});

test('with a bad file, or off loopback without a guard, no server starts', async () => {
  const refused = (flags, why) =>
    assert.rejects(startServer({ flags }), (error) => {
      assert.equal(error.end.code, 2);
      assert.match(error.message, why);
      return true;
    });
  await refused(
    ['--http-tls-cert', first.certFile, '--http-tls-key', second.keyFile],
    /--http-tls-key: .*second\.key: is not the key of the certificate/,
  );
  await refused(['--http-tls-cert', first.certFile], /--http-tls-cert: .* --http-tls-key/);
  await refused(['--http', '0.0.0.0:0'], /--http: 0\.0\.0\.0:0 .*--jwt-keys is missing/);
});

test('slow handshakes are closed in time, and held up nobody', async () => {
  const ends = await within(
    2 * kHandshakeLimitMs,
    Promise.all(slow.sockets.map(({ closed }) => closed)),
    () => 'all slow handshakes to be closed',
  );
  for (const end of ends) assert.ok(end - slow.startedAt > 0.9 * kHandshakeLimitMs);
});
