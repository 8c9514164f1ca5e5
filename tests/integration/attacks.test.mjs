// What an attack by HTTP or gRPC gets (proto/README.md, "Who may do what"), row by row but for
// tokens: its answer, nothing stored or changed, and the server goes on. What WebSocket frames get
// is in attacks_frames.test.mjs, bad input of every kind in bad_input_*.test.mjs, limits of rates
// and connections in limits.test.mjs.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import test, { after, afterEach } from 'node:test';
import { Client, dropAll } from '../support/client.mjs';
import { dropStreams, EventStream } from '../support/event_stream.mjs';
import { within } from '../support/eventually.mjs';
import { grpcClients, rawUnary, readAll, status } from '../support/grpc.mjs';
import { channelPath, publish, raw, request, split } from '../support/http.mjs';
import { firstCall, kDeadlyCall } from '../support/http2.mjs';
import { metricsOf } from '../support/metrics.mjs';
import { serverForFile, withServer } from '../support/server.mjs';

const kOrigin = 'https://chat.example';
const server = await serverForFile({
  flags: ['--allow-origin', kOrigin, '--allow-host', 'chat.example'],
});
const rpc = grpcClients(server.grpc);
after(() => rpc.close());
afterEach(() => Promise.all([dropStreams(), dropAll()]));

const kBody = JSON.stringify({ contentType: 'text/plain', payload: 'x' });
const kPath = channelPath('attacked');
const kUpgrade = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];
const without = (name) => kUpgrade.filter((field) => !field.startsWith(name));

// Sends lines as they are and promises all that comes until the server closes, or an answer is
// there of a connection that it keeps.
function send(lines, { body = '', to = server.http, until } = {}) {
  const [host, port] = split(to);
  return raw(host, port, Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1'), { until });
}

const publishing = (fields, { path = kPath, host = server.http, body = kBody } = {}) =>
  send([`POST ${path} HTTP/1.1`, `Host: ${host}`, ...fields], { body });
const kLength = `Content-Length: ${kBody.length}`;
const statusOf = (answer) => Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]);

// The answer has this status, and the connection was closed behind it.
async function refusedAndClosed(expected, answering, what) {
  const answer = await answering;
  assert.equal(statusOf(answer), expected, `${what}: ${answer.slice(0, 300)}`);
  assert.match(answer, /^connection: (.*, *)?close\r$/im, what);
  assert.match(answer, /^x-request-id: \S+\r$/im, what);
  assert.equal(answer.match(/HTTP\/1\.1 \d{3} /g).length, 1, `${what}: ${answer}`);
}

async function hits(limit) {
  return (await metricsOf(server))[`ackwire_limit_hits_total{limit="${limit}"}`];
}

// Opens a TCP connection, sends `head`, then `drop` every so often, and promises how long it was
// until the server had enough.
function dripping(head, drop, everyMs = 200) {
  const [host, port] = split(server.http);
  const socket = connect({ host, port });
  const from = performance.now();
  let answer = '';
  socket.write(head);
  const drip = setInterval(() => socket.write(drop), everyMs);
  after(() => socket.destroy());
  socket.setEncoding('latin1').on('data', (part) => (answer += part));
  socket.on('error', () => {});
  return new Promise((resolve) =>
    socket.once('close', () => {
      clearInterval(drip);
      resolve({ ms: performance.now() - from, answer });
    }),
  );
}

// These take their time, while the other tests run.
const slowHeader = dripping(`GET ${kPath} HTTP/1.1\r\nHost: ${server.http}\r\nX-Slow: `, 'x');
const slowFields = dripping(`GET ${kPath} HTTP/1.1\r\nHost: ${server.http}\r\n`, 'A: b\r\n', 900);
const silent = dripping('', '');
const slowBody = dripping(
  `POST ${kPath} HTTP/1.1\r\nHost: ${server.http}\r\nContent-Length: 100000\r\n\r\n{"payload":"`,
  'x',
);
const emptyLines = dripping(`GET /v1/none HTTP/1.1\r\nHost: ${server.http}\r\n\r\n`, '\r\n');

const kForeignOrigins = {
  foreign: ['Origin: https://evil.example'],
  null: ['Origin: null'],
  empty: ['Origin:'],
  'with something behind it': [`Origin: ${kOrigin}.evil.example`],
  'with something before it': ['Origin: https://evil-chat.example'],
  'of another scheme': ['Origin: http://chat.example'],
  'of another port': [`Origin: ${kOrigin}:8443`],
  'of another port of this host': [`Origin: http://127.0.0.1:1`],
  'with a path': [`Origin: ${kOrigin}/`],
  'in capitals': ['Origin: HTTPS://CHAT.EXAMPLE'],
  doubled: [`Origin: ${kOrigin}`, `Origin: ${kOrigin}`],
  'doubled in one field': [`Origin: ${kOrigin}, ${kOrigin}`],
};

for (const [what, origin] of Object.entries(kForeignOrigins))
  test(`an Origin that is ${what} gets 403`, async () => {
    const head = (line) => [line, `Host: ${server.http}`, ...origin];
    await refusedAndClosed(403, publishing([...origin, kLength]), 'publishing');
    await refusedAndClosed(403, send(head(`GET ${kPath} HTTP/1.1`)), 'reading');
    await refusedAndClosed(403, send(head('GET /v1/sse?client=a HTTP/1.1')), 'SSE');
    await refusedAndClosed(403, send([...head('GET /v1/ws HTTP/1.1'), ...kUpgrade]), 'WebSocket');
    const preflight = 'Access-Control-Request-Method: POST';
    await refusedAndClosed(403, send([...head(`OPTIONS ${kPath} HTTP/1.1`), preflight]), 'OPTIONS');
    const call = ['POST /v1/admin/GetStatus HTTP/1.1', `Host: ${server.admin}`, ...origin];
    await refusedAndClosed(403, send(call, { to: server.admin }), 'operators');
  });

test('a stream for a page of another site gets 403, though it names no Origin', async (t) => {
  const own = await withServer(t, { flags: ['--allow-origin', kOrigin] });
  const query = { client: 'victim', channels: 'mail' };
  const victim = await EventStream.open(own, query);
  const ask = async (headers) => (await EventStream.ask(own, query, headers)).status;
  for (const site of ['cross-site', 'same-site'])
    assert.equal(await ask({ 'sec-fetch-site': site }), 403, site);
  await publish(own, 'mail', 'still yours');
  await victim.collect(1);
  assert.equal(victim.end, undefined);
  for (const site of ['none', 'same-origin'])
    assert.equal(await ask({ 'sec-fetch-site': site }), 200, site);
  assert.equal(await ask({ 'sec-fetch-site': 'cross-site', origin: kOrigin }), 200);
});

test('a Host that is foreign gets 403', async () => {
  const kHosts = ['evil.example', 'chat.example.evil.example', '127.0.0.1.nip.io', 'a@b', '['];
  for (const host of kHosts) {
    await refusedAndClosed(403, publishing([kLength], { host }), host);
    const upgrade = ['GET /v1/ws HTTP/1.1', `Host: ${host}`, ...kUpgrade];
    await refusedAndClosed(403, send(upgrade), `WebSocket, ${host}`);
    // The page's own name leads here: rebinding.
    const own = ['GET /v1/admin/GetStatus HTTP/1.1', `Host: ${host}`, `Origin: http://${host}`];
    await refusedAndClosed(403, send(own, { to: server.admin }), `operators, ${host}`);
  }
});

test('pages and hosts that are let in get what they ask for', async () => {
  const path = channelPath('nothing-here');
  for (const headers of [
    {},
    { host: 'chat.example' },
    { host: 'localhost:1' },
    { origin: `http://${server.http}` },
  ]) {
    const answer = await request(server.http, { path, headers });
    assert.equal(answer.status, 200, JSON.stringify(headers));
    assert.equal(answer.headers['access-control-allow-origin'], undefined);
    assert.equal(answer.headers.vary, 'Authorization, Origin');
  }
  const allowed = await request(server.http, { path, headers: { origin: kOrigin } });
  assert.equal(allowed.headers['access-control-allow-origin'], kOrigin);
  assert.equal(allowed.headers['access-control-allow-credentials'], undefined);
  const preflight = await request(server.http, {
    method: 'OPTIONS',
    path,
    headers: {
      origin: kOrigin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization, idempotency-key',
    },
  });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers['access-control-allow-origin'], kOrigin);
  assert.equal(preflight.headers['access-control-allow-methods'], 'GET, HEAD, POST, OPTIONS');
  assert.match(preflight.headers['access-control-allow-headers'], /Authorization.*Last-Event-ID/);
  const bad = await request(server.http, { path: `${path}?from=x`, headers: { origin: kOrigin } });
  assert.deepEqual([bad.status, bad.headers['access-control-allow-origin']], [400, kOrigin]);
});

test('JSON deeper than 32, duplicate keys and lone surrogates are 400', async () => {
  for (const body of [
    `{"payload":${'['.repeat(33)}${']'.repeat(33)}}`,
    '{"payload":1,"payload":2}',
    '{"contentType":"text/plain","payload":"\\ud800"}',
  ]) {
    const answer = await request(server.http, {
      method: 'POST',
      path: kPath,
      headers: { 'content-type': 'application/json' },
      body,
    });
    assert.equal(answer.status, 400, body.slice(0, 60));
  }
});

test('headers over 8 KiB or 100 fields are 431, a body over the limit 413', async () => {
  const before = [await hits('headers'), await hits('body')];
  const many = Array.from({ length: 100 }, (_, n) => `X-${n}: v`);
  await refusedAndClosed(431, publishing([kLength, ...many]), '101 fields');
  await refusedAndClosed(431, publishing([kLength, `X: ${'x'.repeat(8192)}`]), '8 KiB');
  await refusedAndClosed(431, publishing(['X: ' + 'x'.repeat(100_000)]), 'without end');
  const long = `POST ${kPath}?${'x'.repeat(9000)} HTTP/1.1`;
  await refusedAndClosed(431, send([long, `Host: ${server.http}`, kLength]), 'a long target');
  await refusedAndClosed(413, publishing(['Content-Length: 3000000']), 'a length');
  const chunks = `300000\r\n${'x'.repeat(0x300000)}\r\n0\r\n\r\n`;
  const chunked = publishing(['Transfer-Encoding: chunked'], { body: chunks });
  await refusedAndClosed(413, chunked, 'chunks');
  assert.deepEqual([await hits('headers'), await hits('body')], [before[0] + 4, before[1] + 2]);
});

// Sends a request's head, and the body in chunks once the server wants it.
function sendChunks(to, path, chunks) {
  const [host, port] = split(to);
  const fields = `Host: ${to}\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n`;
  const socket = connect({ host, port });
  let answer = '';
  socket.write(`POST ${path} HTTP/1.1\r\n${fields}\r\n`);
  socket.setEncoding('latin1').on('data', (part) => {
    answer += part;
    if (answer !== 'HTTP/1.1 100 Continue\r\n\r\n') return;
    answer = '';
    socket.write(chunks);
  });
  socket.on('error', () => {});
  const ended = new Promise((resolve) => socket.once('close', () => resolve(answer)));
  return within(10_000, ended, () => `the answer to chunks; got ${answer}`);
}

const kLong = 'a'.repeat(66_000);
const kLongChunks = {
  'a long trailer': `5\r\nhello\r\n0\r\nX: ${kLong}\r\n\r\n`,
  'a long extension of a chunk': `5;${kLong}\r\nhello\r\n0\r\n\r\n`,
  'a long extension of the last chunk': `5\r\nhello\r\n0;${kLong}\r\n\r\n`,
};

for (const [what, chunks] of Object.entries(kLongChunks))
  test(`${what} is 431, and the server goes on`, async (t) => {
    const own = await withServer(t);
    const { http, admin, pid } = own;
    await refusedAndClosed(431, sendChunks(http, kPath, chunks), what);
    const operators = sendChunks(admin, '/v1/admin/GetStatus', chunks);
    await refusedAndClosed(431, operators, `${what}, operators`);
    assert.equal((await request(admin, { path: '/healthz' })).status, 200);
    assert.equal(own.pid, pid);
  });

test('what parsers read in two ways is 400', async () => {
  const smuggled = `0\r\n\r\nPOST ${kPath} HTTP/1.1\r\nHost: x\r\n${kLength}\r\n\r\n${kBody}`;
  const cases = {
    'length and chunks': [kLength, 'Transfer-Encoding: chunked'],
    'chunks and length': ['Transfer-Encoding: chunked', kLength],
    'two lengths': [kLength, `Content-Length: ${kBody.length + 1}`],
    'one length twice': [kLength, kLength],
    'two lengths in one field': [`${kLength}, ${kBody.length}`],
    'a signed length': [`Content-Length: +${kBody.length}`],
    'a length in hex': [`Content-Length: 0x${kBody.length.toString(16)}`],
    'another encoding': ['Transfer-Encoding: gzip, chunked'],
    'an encoding twice': ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'],
    'an encoding that is almost one': ['Transfer-Encoding: \x0bchunked'],
    'white space before a colon': [kLength, 'Transfer-Encoding : chunked'],
    'a field that goes on': [kLength, 'X: y', ' Transfer-Encoding: chunked'],
    'a bare LF': [`${kLength}\nTransfer-Encoding: chunked`],
    'a bare CR': [`${kLength}\rTransfer-Encoding: chunked`],
    'a NUL': [kLength, 'X: a\0b'],
    'two Hosts': [kLength, 'Host: evil.example'],
    'no name': [kLength, ': chunked'],
  };
  for (const [what, fields] of Object.entries(cases))
    await refusedAndClosed(400, publishing(fields, { body: kBody + smuggled }), what);
  const lfOnly = `POST ${kPath} HTTP/1.1\nHost: ${server.http}\n${kLength}\n\n${kBody}`;
  const [host, port] = split(server.http);
  await refusedAndClosed(400, raw(host, port, lfOnly), 'LF alone');
});

test('a path that leads upwards is 400', async () => {
  for (const path of [
    '/v1/channels/../channels/attacked/messages',
    '/v1/channels/attacked/messages/..',
    '/v1/channels/%2e%2e/messages',
    '/v1/channels/.%2E/messages',
    '/v1/channels/..%2f..%2fetc/messages',
    '/v1/channels/..\\..\\etc/messages',
  ])
    await refusedAndClosed(400, publishing([kLength], { path }), path);
});

test('an upgrade of another version is 426, by POST 405, without a key 400', async () => {
  const upgrade = (fields, method = 'GET') =>
    send([`${method} /v1/ws HTTP/1.1`, `Host: ${server.http}`, ...fields]);
  const old = upgrade([...without('Sec-WebSocket-Version'), 'Sec-WebSocket-Version: 12']);
  await refusedAndClosed(426, old, 'another version');
  assert.match(await old, /^sec-websocket-version: 13\r$/im);
  await refusedAndClosed(405, upgrade([...kUpgrade, 'Content-Length: 0'], 'POST'), 'by POST');
  await refusedAndClosed(400, upgrade(without('Sec-WebSocket-Key')), 'without a key');
  // What one takes for the body is frames to another.
  for (const framing of ['Content-Length: 4', 'Transfer-Encoding: chunked']) {
    await refusedAndClosed(400, upgrade([...kUpgrade, framing]), framing);
  }
});

test('too much by gRPC is RESOURCE_EXHAUSTED, what is no protobuf INTERNAL', async () => {
  const payload = Buffer.alloc(5 * 2 ** 20);
  await assert.rejects(rpc.messages.publish({ channel: 'attacked', payload }), {
    code: status.RESOURCE_EXHAUSTED,
  });
  const half = rawUnary(server.grpc, '/ackwire.v1.MessageService/Publish', Buffer.from('\n\x7f'));
  await assert.rejects(half, { code: status.INTERNAL });
});

// Off loopback they do not get that far: tls.test.mjs.
test('a gRPC call with `te: x` and 9 KB of headers is refused', async () => {
  const [host, port] = split(server.grpc);
  const refused = (answer) => /te header/.test(answer);
  const answer = await raw(host, port, firstCall(kDeadlyCall), { until: refused });
  assert.match(answer, /grpc-status.2/s);
  assert.equal((await rpc.admin.getStatus()).lastPosition, 0);
});

test('requests in a row are answered in a row, and HEAD has no body', async () => {
  const get = (path, method = 'GET') => `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n`;
  const pipelined =
    get('/v1/none-1') +
    '\r\n' +
    get('/v1/openapi.yaml', 'HEAD') +
    'X-Request-Id: second\r\n\r\n\r\n' + // an empty line between two is passed over
    get('/v1/none-3', 'OPTIONS') +
    'X-Request-Id: not sane\r\n\r\n' +
    get(kPath) +
    'Connection: close\r\nX-Request-Id: fourth\r\n\r\n';
  const [host, port] = split(server.http);
  const answer = await raw(host, port, pipelined);
  const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, code]) => code);
  assert.deepEqual(statuses, ['404', '200', '404', '200']);
  const ids = [...answer.matchAll(/^x-request-id: (.*)\r$/gim)].map(([, id]) => id);
  assert.match(ids[0], /^[0-9a-f]{32}$/);
  assert.deepEqual([ids[1], ids[3]], ['second', 'fourth']);
  assert.match(ids[2], /^[0-9a-f]{32}$/);
  assert.ok(!answer.includes('openapi: 3'), 'HEAD has a body');
});

test('a slow header is closed after 10 s, a slow body after 30 s', async () => {
  const header = await within(20_000, slowHeader, () => 'the end of a slow header');
  const fields = await within(20_000, slowFields, () => 'the end of slow fields');
  const nothing = await within(20_000, silent, () => 'the end of a silent connection');
  for (const { ms, answer } of [header, fields, nothing]) {
    assert.ok(ms > 9000 && ms < 16_000, `${ms} ms`);
    assert.match(answer, /^$|^HTTP\/1\.1 408 /);
  }
  const lines = await within(20_000, emptyLines, () => 'the end of empty lines after a request');
  assert.ok(lines.ms > 9000 && lines.ms < 16_000, `${lines.ms} ms`);
  assert.match(lines.answer, /^HTTP\/1\.1 404 /);
  const body = await within(40_000, slowBody, () => 'the end of a slow body');
  assert.ok(body.ms > 29_000 && body.ms < 38_000, `${body.ms} ms`);
  assert.match(body.answer, /^$|^HTTP\/1\.1 408 /);
  assert.ok((await hits('slow_request')) >= 4);
});

test('after all of it nothing is stored, and the server serves', async () => {
  assert.deepEqual(await readAll(rpc.messages, {}), []);
  const { lastPosition, channels, acceptingWrites } = await rpc.admin.getStatus();
  assert.deepEqual([lastPosition, channels, acceptingWrites], [0, 0, true]);
  for (const client of ['a', 'attacker']) {
    const { subscriptions } = await rpc.subscriptions.listSubscriptions({ client });
    assert.deepEqual(subscriptions, [], client);
  }
  assert.equal((await request(server.admin, { path: '/healthz' })).status, 200);
  const client = await Client.connect(server, {
    client: 'good',
    subscriptions: [{ channel: 'good' }],
  });
  await publish(server, 'good', 'ok');
  const delivery = await client.nextDelivery();
  assert.equal(delivery.message.payload, 'ok');
  await client.confirm(delivery);
});
