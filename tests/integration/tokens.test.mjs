// A server with keys: every way in asks for a token, and what is wrong with one gets one answer.

import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { ackctl } from '../support/ackctl.mjs';
import { Client } from '../support/client.mjs';
import { eventually } from '../support/eventually.mjs';
import { grpcClients, refusedWith, status } from '../support/grpc.mjs';
import { channelPath, post, raw, request, split } from '../support/http.mjs';
import { serverForFile, withServer } from '../support/server.mjs';
import {
  bearer,
  forge,
  hmac,
  inSeconds,
  issue,
  kAlgorithms,
  keySet,
  operator,
  publicPem,
  writeKeys,
} from '../support/tokens.mjs';

const kSkewSeconds = 60; // how far clocks may be apart
const server = await serverForFile({
  tokens: true,
  flags: ['--jwt-audience', 'ackwire', '--jwt-issuer', 'https://issuer.test'],
});
const named = { aud: 'ackwire', iss: 'https://issuer.test' };
const tokenOf = (sub, rights, rest = {}) => issue(sub, rights, { ...named, ...rest });
const root = tokenOf('root', {
  subscribe: ['*'],
  publish: ['*'],
  publishAs: true,
  admin: true,
});
const rpc = grpcClients(server.grpc);
after(() => rpc.close());

const call = (method, path, token, body) =>
  request(server.http, { method, path, body, headers: bearer(token) });
const publish = (channel, token, fields = {}) =>
  post(
    server,
    channel,
    { contentType: 'application/json', payload: { text: 'hi' }, ...fields },
    bearer(token),
  );
const lastPosition = async () =>
  (await rpc.admin.getStatus({}, bearer(root))).lastPosition;

// What closes a connection that says this first.
async function closedAfter(frame) {
  const client = await Client.open(server);
  client.send({ type: 'connect', client: 'alice/phone', ...frame });
  return client.closed;
}

const good = { sub: 'alice', exp: inSeconds(3600), ackwire: { subscribe: ['*'], publish: ['*'] } };
const tokenWithKid = (bytes) =>
  forge({ alg: 'HS256', kid: 'k'.repeat(bytes) }, { ...good, ...named }, hmac());
const kWrong = {
  none: undefined,
  malformed: 'not.a.token',
  forged: `${tokenOf('alice', { publish: ['*'] }).slice(0, -8)}AAAAAAAA`,
  'of another key': forge({ alg: 'HS256', kid: 'HS256' }, { ...good, ...named }, hmac('other')),
  'of alg none': forge({ alg: 'none' }, { ...good, ...named }),
  'HS256 with a public key': forge(
    { alg: 'HS256', kid: 'RS256' },
    { ...good, ...named },
    hmac(publicPem),
  ),
  'with crit': forge(
    { alg: 'HS256', kid: 'HS256', crit: ['exp'] },
    { ...good, ...named },
    hmac(),
  ),
  'with a key of its own': forge(
    { alg: 'HS256', jwk: { kty: 'oct', k: 'AAAA' } },
    { ...good, ...named },
    hmac(Buffer.from('AAAA', 'base64url')),
  ),
  'with jku': forge(
    { alg: 'HS256', jku: 'https://evil.test/keys' },
    { ...good, ...named },
    hmac('other'),
  ),
  'for another audience': tokenOf('alice', { publish: ['*'] }, { aud: 'elsewhere' }),
  'of another issuer': tokenOf('alice', { publish: ['*'] }, { iss: 'https://evil.test' }),
  'not valid yet': tokenOf('alice', { publish: ['*'] }, { nbf: inSeconds(3 * kSkewSeconds) }),
  'without exp': tokenOf('alice', { publish: ['*'] }, { exp: undefined }),
  'with a path as kid': forge(
    { alg: 'HS256', kid: '../../etc/passwd' },
    { ...good, ...named },
    hmac(''),
  ),
  'with a long kid': tokenWithKid(5 * 1024),
};

for (const [what, token] of Object.entries(kWrong)) {
  test(`a token ${what} opens nothing, and is told from no other`, async () => {
    const before = await lastPosition();
    const kText = 'a valid token is required';
    const headers = token === undefined ? { authorization: undefined } : bearer(token);
    const answer = await request(server.http, {
      method: 'POST',
      path: channelPath('room/1'),
      headers: Object.fromEntries(Object.entries(headers).filter(([, value]) => value)),
      body: { payloadBase64: '' },
      anonymous: token === undefined,
    });
    assert.equal(answer.status, 401, answer.body);
    assert.deepEqual(answer.json.error, {
      code: 'unauthenticated',
      message: kText,
      retryable: false,
      retryAfterMs: 0,
    });
    assert.equal(answer.headers['www-authenticate'], 'Bearer');
    const said = await refusedWith(
      rpc.messages.publish({ channel: 'room/1' }, { authorization: '', ...headers }),
      status.UNAUTHENTICATED,
    );
    assert.equal(said, kText);
    const end = await closedAfter({ token: token ?? '' });
    assert.deepEqual(end, { code: 4501, reason: kText });
    const admin = await request(server.admin, {
      method: 'POST',
      path: '/v1/admin/GetStatus',
      headers: token === undefined ? {} : bearer(token),
      anonymous: token === undefined,
    });
    assert.equal(admin.status, 401, admin.body);
    assert.equal(await lastPosition(), before);
  });
}

test('a kid of 10 KB fits no header, and opens nothing in a frame', async () => {
  const token = tokenWithKid(10 * 1024);
  assert.equal((await publish('room/1', token)).status, 431);
  assert.equal((await closedAfter({ token })).code, 4501);
});

test('an expired token is told from a wrong one', async () => {
  const expired = tokenOf('alice', { publish: ['*'] }, { exp: inSeconds(-2 * kSkewSeconds) });
  const answer = await publish('room/1', expired);
  assert.equal(answer.status, 401);
  assert.match(answer.json.error.message, /expired/);
  await refusedWith(
    rpc.messages.publish({ channel: 'room/1' }, bearer(expired)),
    status.UNAUTHENTICATED,
  );
  assert.equal((await closedAfter({ token: expired })).code, 4003);
});

test('keys of each algorithm are taken', async () => {
  for (const algorithm of kAlgorithms) {
    const token = tokenOf('alice', { publish: ['algorithms'] }, { algorithm });
    assert.equal((await publish('algorithms', token)).status, 201, algorithm);
  }
});

test('a token in a URL is refused, whatever it is', async () => {
  for (const name of ['token', 'access_token']) {
    const path = `${channelPath('room/1')}?${name}=${root}`;
    const answer = await call('GET', path, root);
    assert.equal(answer.status, 400, answer.body);
    assert.match(answer.json.error.message, /URL/);
    assert.doesNotMatch(answer.body, new RegExp(root.slice(0, 40)));
    const upgrade = await request(server.http, {
      path: `/v1/ws?${name}=${root}`,
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
      },
    });
    assert.equal(upgrade.status, 400, upgrade.body);
  }
});

// Sends a request's first lines and promises the status of the answer, for which it does not wait
// long.
async function statusOf(address, line, ...fields) {
  const [host, port] = split(address);
  const bytes = [line, `Host: ${address}`, ...fields, '', ''].join('\r\n');
  const until = (text) => text.includes('\r\n\r\n');
  return Number((await raw(host, port, bytes, { until, timeoutMs: 5000 })).split(' ')[1]);
}

test('two tokens in the headers are 400, as is one twice', async () => {
  const alice = tokenOf('alice', { subscribe: ['*'] });
  const upgrade = [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  ];
  const asked = [
    [server.http, `GET ${channelPath('room/1')} HTTP/1.1`],
    [server.http, 'GET /v1/sse?client=alice HTTP/1.1'],
    [server.http, 'GET /v1/ws HTTP/1.1', ...upgrade],
    [server.admin, 'POST /v1/admin/GetStatus HTTP/1.1', 'Content-Length: 0'],
  ];
  for (const [address, line, ...rest] of asked) {
    for (const other of [alice, root, 'x']) {
      const tokens = [alice, other].map((token) => `Authorization: Bearer ${token}`);
      assert.equal(await statusOf(address, line, ...tokens, ...rest), 400, line);
    }
  }
});

test('who has no token is told before the body comes', async () => {
  const line = `POST ${channelPath('room/1')} HTTP/1.1`;
  for (const body of ['Content-Length: 300000', 'Transfer-Encoding: chunked']) {
    assert.equal(await statusOf(server.http, line, body), 401);
    assert.equal(await statusOf(server.http, line, body, 'Authorization: Bearer x'), 401);
  }
});

test('ackctl carries a token', async () => {
  const at = ['--server', server.grpc];
  const refused = await ackctl(...at, '--token', 'x', 'status');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /a valid token is required/);
  const taken = await ackctl(...at, '--token', root, 'status', '-o', 'json');
  assert.equal(taken.code, 0, taken.stderr);
});

test('SIGHUP takes new keys, and keeps the old ones where the file is wrong', async (t) => {
  const own = await withServer(t, { tokens: true });
  const get = (token) => request(own.http, { path: channelPath('c'), headers: bearer(token) });
  assert.equal((await get(operator())).status, 200);
  await writeKeys(own.keysFile, { keys: [] });
  own.child.kill('SIGHUP');
  await eventually(() => /the keys stay as they were: --jwt-keys/.test(own.stderr), 'it is told');
  assert.equal((await get(operator())).status, 200);
  await writeKeys(own.keysFile, { keys: keySet.keys.filter((key) => key.kid === 'HS256') });
  own.child.kill('SIGHUP');
  await eventually(async () => (await get(operator())).status === 401, 'the new keys to hold');
  const hs256 = issue('alice', { subscribe: ['c'] }, { algorithm: 'HS256' });
  assert.equal((await get(hs256)).status, 200);
});

test('no token is in any log line', () => {
  assert.ok(server.stderr.length > 0);
  for (const token of [root, ...Object.values(kWrong)].filter((each) => each?.length > 20)) {
    assert.equal(server.stderr.includes(token.slice(-20)), false);
  }
});
