// What callers keep secret is in no line of the log and in no error, whatever the server is told to
// log and whatever is wrong with what came. The server has keys, so tokens and tickets are looked
// into.

import assert from 'node:assert/strict';
import test from 'node:test';
import { Client, dropAll } from '../support/client.mjs';
import { eventually } from '../support/eventually.mjs';
import { grpcClients } from '../support/grpc.mjs';
import { channelPath, raw, request, split } from '../support/http.mjs';
import { startServer } from '../support/server.mjs';
import { bearer, forge, hmac, inSeconds, issue, keySet, writeKeys } from '../support/tokens.mjs';

const kSecret = 'planted-5ecret-';
let planted = 0;
const secret = () => `${kSecret}${(planted += 1)}`;

// What has a secret in it that is not to be read: both its ends are looked for, as what is cut
// would show one.
const kEndBytes = 16;
const hidden = new Set();
function hide(text) {
  hidden.add(text.slice(0, kEndBytes)).add(text.slice(-kEndBytes));
  return text;
}
function hideToken(token) {
  token.split('.').filter((part) => part.length > kEndBytes).forEach(hide);
  return token;
}
const told = (text) => [kSecret, ...hidden].find((each) => text.includes(each));

const kRights = { subscribe: ['*'], publish: ['*'], admin: true };
const kNamed = { aud: 'ackwire', iss: 'us' };
const goodToken = () => hideToken(issue('alice', kRights, { ...kNamed, planted: secret() }));
const header = (fields) => ({ alg: 'HS256', kid: 'HS256', ...fields });
const claims = (fields) => ({
  sub: 'alice',
  exp: inSeconds(3600),
  ackwire: kRights,
  ...kNamed,
  ...fields,
});

// Each is refused, and has a secret where it is wrong.
const kBadTokens = {
  'no token': secret,
  'a kid': () => forge(header({ kid: secret() }), claims(), hmac()),
  'an algorithm': () => forge(header({ alg: secret() }), claims(), hmac()),
  'a crit': () => forge(header({ crit: [secret()] }), claims(), hmac()),
  'a key of its own': () => forge(header({ jwk: { kty: 'oct', k: secret() } }), claims(), hmac()),
  'an exp': () => forge(header(), claims({ exp: secret() }), hmac()),
  'an old exp': () => forge(header(), claims({ exp: 1, planted: secret() }), hmac()),
  'an audience': () => forge(header(), claims({ aud: secret() }), hmac()),
  'an issuer': () => forge(header(), claims({ iss: secret() }), hmac()),
  'a sub': () => forge(header(), claims({ sub: [secret()] }), hmac()),
  rights: () => forge(header(), claims({ ackwire: { subscribe: secret() } }), hmac()),
  'no claims': () => forge(header(), secret(), hmac()),
  'a signature': () => forge(header(), claims({ planted: secret() }), () => secret()),
  'no signature': () => forge({ alg: 'none' }, claims({ planted: secret() })),
};
const badTokens = () => Object.values(kBadTokens).map((make) => hideToken(make()));

const post = (server, path, body, headers) =>
  request(server.http, { method: 'POST', path, body, headers });

// What a client says and is answered until it is closed, or `count` frames are there.
async function say(server, frames, { headers = {}, count = 1 } = {}) {
  const client = await Client.open(server, { headers });
  const said = [];
  client.heard = (each) => said.push(each);
  for (const frame of frames) client.socket.send(frame);
  await client.waitFor(() => client.frames[count - 1] ?? client.end, 'an answer');
  if (client.end) said.push(client.end);
  return said;
}

const frame = (fields) => JSON.stringify(fields);

// Each plants secrets, and promises all that it was answered.
const kPlants = {
  'in good requests': async (server) => {
    const headers = () => ({ ...bearer(goodToken()), cookie: `session=${secret()}` });
    const body = { contentType: 'text/plain', payload: secret() };
    return [
      await post(server, channelPath('c'), body, headers()),
      await request(server.http, { path: '/v1/none', headers: headers() }),
      await request(server.http, { path: `/v1/openapi.yaml?ticket=${secret()}` }),
      await request(server.http, { path: `/v1/openapi.yaml?${secret()}==` }),
      await request(server.admin, { path: `/metrics?token=${secret()}`, headers: headers() }),
    ];
  },
  'in tokens by HTTP': async (server) => {
    const answers = [];
    for (const token of badTokens()) {
      const headers = bearer(token);
      const body = { client: 'alice', session: secret(), upTo: 1, payload: secret() };
      const all = [
        await request(server.http, { path: channelPath('c'), headers }),
        await request(server.http, { path: '/v1/sse?client=alice', headers }),
        await post(server, channelPath('c'), body, headers),
        await post(server, '/v1/tickets', body, headers),
        await post(server, '/v1/ack', body, headers),
        await request(server.admin, { method: 'POST', path: '/v1/admin/GetStatus', headers }),
      ];
      assert.deepEqual([...new Set(all.map(({ status }) => status))], [401]);
      answers.push(...all);
    }
    for (const token of [goodToken(), ...badTokens()]) {
      for (const name of ['token', 'access_token', 'tok%65n'])
        answers.push(await request(server.http, { path: `/v1/sse?client=alice&${name}=${token}` }));
    }
    return answers;
  },
  'in tokens by WebSocket': async (server) => {
    const answers = [];
    for (const token of badTokens()) {
      const ends = await say(server, [frame({ type: 'connect', client: 'alice', token })]);
      assert.ok([4003, 4501].includes(ends.at(-1).code), JSON.stringify(ends));
      const connect = frame({ type: 'connect', client: 'alice' });
      answers.push(ends, await say(server, [connect], { headers: bearer(token) }));
      const good = frame({ type: 'connect', client: 'alice', token: goodToken() });
      const refresh = frame({ type: 'refresh', id: 1, token });
      answers.push(await say(server, [good, refresh], { count: 2 }));
    }
    return answers;
  },
  'in tokens by gRPC': async (server) => {
    const rpc = grpcClients(server.grpc);
    const answers = [];
    for (const token of badTokens()) {
      const payload = Buffer.from(secret());
      const refused = await rpc.messages
        .publish({ channel: 'c', payload }, bearer(token))
        .catch(({ code, details }) => ({ code, details }));
      assert.equal(refused.code, 16);
      answers.push(refused);
    }
    const publish = (fields) =>
      rpc.messages
        .publish({ channel: 'c', payload: Buffer.from(secret()), ...fields }, bearer(goodToken()))
        .catch(({ code, details }) => ({ code, details }));
    const { messageId, ...rest } = await publish({});
    answers.push(rest, await publish({ channel: 'a b' }), await publish({ type: 70_000 }));
    answers.push(await publish({ messageId }));
    rpc.close();
    return answers;
  },
  'in tickets': async (server) => {
    const headers = bearer(goodToken());
    const { json } = await post(server, '/v1/tickets', { client: 'alice/tv' }, headers);
    const ticket = hide(json.ticket);
    const body = { session: 's-none', upTo: 1 };
    const [host, port] = split(server.http);
    const ask = (query, options) =>
      request(server.http, { path: `/v1/sse?${query}`, anonymous: true, ...options });
    const origin = 'https://evil.example';
    const answers = [];
    for (const each of [ticket, hide(`${ticket.slice(0, -3)}xyz`), secret()]) {
      answers.push(
        await ask(`client=alice/tv&channels=c&ticket=${each}`),
        await ask(`client=alice/tv&tick%65t=${each}`),
        await ask(`client=bob&ticket=${each}`),
        await ask(`client=a%20b&ticket=${each}`),
        await ask(`client=alice/tv&from=x&ticket=${each}`),
        await ask(`client=alice/tv&ticket=${each}&ticket=${each}`),
        await ask(`client=alice/tv&ticket=${each}`, { method: 'POST', body }),
        await ask(`client=alice/tv&ticket=${each}`, { headers: { origin } }),
        await ask(`client=alice/tv&ticket=${each}`, { headers: { 'last-event-id': secret() } }),
        await post(server, `/v1/ack?ticket=${each}`, body, headers),
        await post(server, '/v1/ack', { ...body, ticket: each }, headers),
        await post(server, '/v1/ack', { ...body, upTo: each }, headers),
        await post(server, '/v1/tickets', { client: 'bob', ticket: each }, headers),
        await request(server.http, { path: '/v1/sse?client=alice', headers: bearer(each) }),
        await raw(host, port, `GET /v1/sse?ticket=${each} HTTP/1.1\r\nHost: ${host}\r\nX\r\n\r\n`),
      );
    }
    assert.equal(answers[0].status, 200, 'the ticket is a good one');
    return answers;
  },
  'in the keys': async (server) => {
    hide(keySet.keys.find(({ kty }) => kty === 'oct').k);
    const badKey = { kty: 'oct', kid: 'bad', alg: 'HS256', k: `${secret()}!` };
    const stay = /the keys stay as they were/g;
    const takes = async (set) => {
      const before = server.stderr.match(stay)?.length ?? 0;
      await writeKeys(server.keysFile, set);
      server.child.kill('SIGHUP');
      const isTold = () => (server.stderr.match(stay)?.length ?? 0) > before;
      await eventually(isTold, 'that the keys are not taken');
    };
    await takes({ keys: [...keySet.keys, badKey] });
    await takes({ keys: [{ ...keySet.keys[0], alg: 'RS256' }] });
    await takes({ keys: [{ ...keySet.keys[0], use: 7 }, keySet.keys[0].k, keySet.keys[0]] });
    await takes(`${keySet.keys[0].k} ${secret()}`);
    return [];
  },
  'in payloads that are refused': async (server) => {
    const send = (body) =>
      request(server.http, {
        method: 'POST',
        path: channelPath('c'),
        headers: { 'content-type': 'application/json', ...bearer(goodToken()) },
        body,
      });
    return [
      await send(`{"payload":"${secret()}"`),
      await send(`{"payload":"${secret()}","payload":"${secret()}"}`),
      await send(`{"payload":${secret()}}`),
      await send(`{"contentType":"text/plain","payload":{"a":"${secret()}"}}`),
      await send(`{"contentType":"image/png","payloadBase64":"${secret()}!"}`),
      await send(`{"payload":"${secret()}","type":-1}`),
      await send(`{"payload":"${'x'.repeat(300_000)}${secret()}"}`),
      await send(secret()),
    ];
  },
  'in what is no HTTP': async (server) => {
    const [host, port] = split(server.http);
    const send = (text) => raw(host, port, text);
    const head = `Host: ${server.http}\r\nAuthorization: Bearer ${goodToken()}\r\n`;
    return [
      await send(`GET / HTTP/1.1\r\n${head}Content-Length: ${secret()}\r\n\r\n`),
      await send(`GET / HTTP/1.1\r\n${head} ${secret()}\r\n\r\n`),
      await send(`${secret()}\r\n\r\n`),
      await send(`GET /${secret()}/../ HTTP/1.1\r\n${head}\r\n`),
      await send(`GET / HTTP/1.1\r\n${head}X: ${secret().repeat(2000)}\r\n\r\n`),
      await send(`GET / HTTP/1.1\r\n${head}Origin: https://${secret()}\r\n\r\n`),
      await send(`GET / HTTP/1.1\r\nHost: ${secret()}\r\nX-Request-Id: ${secret()} x\r\n\r\n`),
    ];
  },
  'in frames': async (server) => {
    const token = goodToken();
    const answers = [];
    for (const each of [
      `{"type":"connect","client":"a b","token":"${token}"}`,
      `{"type":"connect","client":"c","token":"${token}"`,
      `{"type":"connect","client":"c","token":"${token}","token":"x"}`,
      `{"type":"pong","token":"${token}"}`,
      `{"type":"connect","client":"bob","token":"${token}"}`,
      `{"type":"connect","client":"c","token":["${token}"],"resume":"${secret()}"}`,
    ])
      answers.push(await say(server, [each]));
    const connect = { type: 'connect', client: 'alice', token };
    const nack = { type: 'nack', deliveries: [99], reason: 'unknown', payload: secret() };
    answers.push(await say(server, [frame(connect), frame(nack)], { count: 2 }));
    return answers;
  },
};

for (const format of ['text', 'json'])
  test(`no secret is told, with a log of ${format}`, async () => {
    const names = ['--jwt-audience', kNamed.aud, '--jwt-issuer', kNamed.iss];
    const flags = ['--access-log', 'on', '--log-format', format, ...names];
    const server = await startServer({ tokens: true, flags });
    try {
      for (const [what, plant] of Object.entries(kPlants)) {
        for (const answer of await plant(server)) {
          const text = JSON.stringify(answer);
          assert.equal(told(text), undefined, `${what}: ${text}`);
        }
      }
    } finally {
      await dropAll();
      await server.discard();
    }
    const lines = `${server.stdout}${server.stderr}`.trim().split('\n');
    assert.deepEqual(lines.filter(told), []);
    const logged = server.stderr.trim().split('\n');
    if (format === 'json') for (const line of logged) JSON.parse(line);
    const requests = logged.filter((line) => /\baccess\b/.test(line));
    assert.ok(requests.length > 150, `${requests.length} requests in the log`);
    assert.ok(requests.some((line) => line.includes('/v1/openapi.yaml?*')), requests.join('\n'));
    assert.ok(requests.some((line) => line.includes('/v1/sse?*')), requests.join('\n'));
  });
