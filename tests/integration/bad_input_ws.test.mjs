// Bad input over a WebSocket: the contract's answer, and the server goes on.

import assert from 'node:assert/strict';
import test, { after, afterEach } from 'node:test';
import { Client, dropAll } from '../support/client.mjs';
import { within } from '../support/eventually.mjs';
import { grpcClients, readAll } from '../support/grpc.mjs';
import { publish, raw, request, split } from '../support/http.mjs';
import { serverForFile } from '../support/server.mjs';

const server = await serverForFile();
const rpc = grpcClients(server.grpc);
after(() => rpc.close());
afterEach(dropAll);

function closedWith(client, code, what) {
  return within(
    15_000,
    client.closed,
    () => `close ${code} after ${what}; ${client.inQueue()}`,
  ).then((end) => assert.equal(end.code, code, `${what}: ${JSON.stringify(end)}`));
}

async function refused(client, frame, names = []) {
  client.send(frame);
  const error = await client.next('error');
  const said = `${JSON.stringify(frame).slice(0, 200)}: ${JSON.stringify(error)}`;
  assert.equal(error.code, 'invalid_argument', said);
  assert.equal(error.retryable, false, said);
  if (frame.id) assert.equal(error.id, frame.id, said);
  for (const name of names) assert.match(error.message, name, said);
}

// The session is alive when it answers what it could only do in a good state.
async function goesOn(client) {
  client.send({ type: 'unsubscribe', id: 77, channel: 'never-subscribed' });
  await client.waitFor(
    () => client.frames.find((frame) => frame.id === 77),
    'an answer with id 77',
  );
}

test('a frame of an unknown type gets invalid_argument, and the session goes on', async () => {
  const client = await Client.connect(server, { client: 'unknown' });
  await refused(client, { type: 'publish', id: 5, channel: 'c', payload: 'x' }, [/publish/]);
  await refused(client, { type: 'welcome' });
  await goesOn(client);
});

test('unknown fields of a known frame are ignored', async () => {
  const client = await Client.connect(server, { client: 'fields', madeUp: { a: [1] } });
  client.send({ type: 'pong', extra: true });
  await goesOn(client);
});

test('what is no frame at all ends the session with 4502', async () => {
  for (const bytes of [
    '',
    'hello',
    '{',
    '{"type":"ack","upTo":',
    '[]',
    '"ack"',
    '7',
    'null',
    '{"type":"pong"}{"type":"pong"}',
    '{}',
    '{"type":7}',
  ]) {
    const client = await Client.connect(server, { client: 'no-frame' });
    client.socket.send(bytes);
    await closedWith(client, 4502, JSON.stringify(bytes));
  }
});

test('JSON too deep, with a key twice or a lone surrogate ends it with 4502', async () => {
  const cases = [
    `{"type":"pong","x":${'['.repeat(40)}${']'.repeat(40)}}`,
    '{"type":"pong","type":"pong"}',
    '{"type":"unsubscribe","id":1,"channel":"a","channel":"b"}',
    '{"type":"nack","deliveries":[],"reason":"\\ud800"}',
  ];
  for (const bytes of cases) {
    const client = await Client.connect(server, { client: 'strict' });
    client.socket.send(bytes);
    await closedWith(client, 4502, bytes.slice(0, 60));
  }
});

test('a first frame that is not connect ends the session with 4502', async () => {
  for (const frame of [
    { type: 'pong' },
    { type: 'subscribe', id: 1, channel: 'c' },
    { type: 'ack', upTo: 1 },
    { type: 'unheard-of' },
  ]) {
    const client = await Client.open(server);
    client.send(frame);
    await closedWith(client, 4502, JSON.stringify(frame));
  }
});

test('more than 64 KiB before connect succeeded ends the session with 4502', async () => {
  const client = await Client.open(server);
  client.socket.send(JSON.stringify({ type: 'connect', client: 'flood', pad: 'x'.repeat(70_000) }));
  await closedWith(client, 4502, '70,000 bytes before connect');
});

test('no connect within 5 s ends the session with 4006', async () => {
  const client = await Client.open(server);
  const start = performance.now();
  await closedWith(client, 4006, 'silence');
  const took = performance.now() - start;
  assert.ok(took > 4_500 && took < 10_000, `closed after ${took} ms`);
});

test('a connect that breaks a limit is refused and named', async () => {
  for (const [fields, field] of [
    [{ client: '' }, /client/],
    [{ client: 'c'.repeat(256) }, /client/],
    [{ client: 'a b' }, /client/],
    [{ client: 'a*' }, /client/],
    [{}, /client/],
    [{ client: 5 }, /client/],
    [{ client: 'ok', window: -1 }, /window/],
    [{ client: 'ok', window: 'wide' }, /window/],
    [{ client: 'ok', subscriptions: [{ channel: 'a b' }] }, /channel/],
    [{ client: 'ok', subscriptions: 'all' }, /subscriptions/],
    [{ client: 'ok', subscriptions: [{ channel: 'c', from: 'sometime' }] }, /from/],
    [
      { client: 'ok', subscriptions: [{ channel: 'good' }, { channel: 'c'.repeat(256) }] },
      /channel/,
    ],
  ]) {
    const client = await Client.open(server);
    client.send({ type: 'connect', ...fields });
    const said = await client.waitFor(
      () => client.frames[0] ?? (client.end && { type: 'close', message: client.end.reason }),
      'a refusal',
    );
    assert.ok(
      ['error', 'close'].includes(said.type),
      `${JSON.stringify(fields).slice(0, 100)}: ${JSON.stringify(said)}`,
    );
    assert.match(said.message, field, JSON.stringify(fields).slice(0, 100));
    if (said.type === 'error') assert.equal(said.code, 'invalid_argument');
    await client.drop();
  }
});

test('a subscribe or unsubscribe over a limit is refused with its id', async () => {
  for (const channel of ['', 'c'.repeat(256), 'a b', 'a\u0001', 'room/*', 5]) {
    const client = await Client.connect(server, { client: 'subscriber' });
    await refused(client, { type: 'subscribe', id: 11, channel }, [/channel/]);
    await refused(client, { type: 'unsubscribe', id: 12, channel }, [/channel/]);
    await goesOn(client);
    await client.close();
  }
  const client = await Client.connect(server, { client: 'subscriber' });
  await refused(client, { type: 'subscribe', id: 13, channel: 'c'.repeat(256) }, [
    /channel/,
    /255/,
  ]);
});

test('a subscribe from nowhere is refused', async () => {
  const client = await Client.connect(server, { client: 'from' });
  for (const from of ['sometime', -1, 1.5, {}])
    await refused(client, { type: 'subscribe', id: 14, channel: 'c', from }, [/from/]);
  await goesOn(client);
});

test('acknowledgements of the wrong type are refused, and the session goes on', async () => {
  const cases = [
    { type: 'ack', upTo: 'all' },
    { type: 'ack', upTo: -1 },
    { type: 'ack', deliveries: 'all' },
    { type: 'ack', deliveries: ['1'] },
    { type: 'nack', deliveries: [1.5] },
    { type: 'working', deliveries: {} },
  ];
  for (const frame of cases) {
    const client = await Client.connect(server, { client: 'types' });
    await refused(client, frame, [/upTo|deliveries/]);
    await goesOn(client);
    await client.close();
  }
});

test('a nack with a delay, a reason or a finality that is none is refused', async () => {
  const client = await Client.connect(server, { client: 'nacks' });
  await refused(client, { type: 'nack', deliveries: [1], delayMs: -5 }, [/delayMs/]);
  await refused(client, { type: 'nack', deliveries: [1], delayMs: 'later' }, [/delayMs/]);
  await refused(client, { type: 'nack', deliveries: [1], final: 'yes' }, [/final/]);
  await refused(client, { type: 'nack', deliveries: [1], reason: 7 }, [/reason/]);
  await goesOn(client);
});

test('binary data on the JSON protocol ends the session with 1003', async () => {
  const client = await Client.connect(server, { client: 'binary' });
  client.socket.send(Buffer.from('{"type":"pong"}'), { binary: true });
  await closedWith(client, 1003, 'binary data');
});

test('bad UTF-8 in text ends the session with 1007', async () => {
  const client = await Client.connect(server, { client: 'utf8' });
  client.socket.send(Buffer.from([0x22, 0xff, 0xfe, 0x22]), { binary: false });
  await closedWith(client, 1007, 'bad UTF-8');
});

test('a frame over the limit ends the session with 1009', async () => {
  const client = await Client.connect(server, { client: 'big' });
  client.send({ type: 'pong', pad: 'x'.repeat(4 * 1024 * 1024) });
  await closedWith(client, 1009, '4 MiB');
});

test('an unmasked frame and a reserved opcode end the session with 1002', async () => {
  for (const bytes of [
    [0x81, 0x02, 0x7b, 0x7d],
    [0x83, 0x80, 1, 2, 3, 4],
    [0xf1, 0x80, 1, 2, 3, 4],
  ]) {
    const client = await Client.connect(server, { client: 'rfc' });
    client.socket._socket.write(Buffer.from(bytes));
    await closedWith(client, 1002, JSON.stringify(bytes));
  }
});

test('half a frame and a lost connection leave nothing behind', async () => {
  const client = await Client.connect(server, { client: 'half' });
  client.socket._socket.write(Buffer.from([0x81, 0xfe, 0x10, 0x00, 1, 2, 3, 4, 5, 6]));
  await client.drop();
});

test('an upgrade of another version is 426, without a key 400, by POST 405', async () => {
  const upgrade = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-version': '13',
  };
  const [host, port] = split(server.http);
  const ask = async (method, headers) => {
    const lines = Object.entries({ host: server.http, ...headers })
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('');
    return raw(host, port, `${method} /v1/ws HTTP/1.1\r\n${lines}\r\n`, {
      until: (got) => got.includes('\r\n\r\n'),
    });
  };
  const old = await ask('GET', { ...upgrade, 'sec-websocket-version': '8' });
  assert.match(old, /^HTTP\/1\.1 426 /);
  assert.match(old, /^sec-websocket-version: *13\r?$/im);
  const { 'sec-websocket-key': _, ...keyless } = upgrade;
  assert.match(await ask('GET', keyless), /^HTTP\/1\.1 400 /);
  assert.match(await ask('POST', { ...upgrade, 'content-length': '0' }), /^HTTP\/1\.1 405 /);
  assert.ok((await request(server.http, { path: '/v1/ws' })).status >= 400);
});

test('without a subprotocol the JSON one is spoken', async () => {
  const client = await Client.connect(server, { client: 'none-asked', protocol: null });
  assert.equal(client.welcome.client, 'none-asked');
});

test('after all of it nothing is stored or subscribed, and the server serves', async () => {
  assert.deepEqual(await readAll(rpc.messages, {}), []);
  assert.equal((await rpc.admin.getStatus()).lastPosition, 0);
  for (const client of ['ok', 'subscriber', 'from']) {
    assert.deepEqual(
      (await rpc.subscriptions.listSubscriptions({ client })).subscriptions,
      [],
      client,
    );
  }
  const client = await Client.connect(server, {
    client: 'fine',
    subscriptions: [{ channel: 'fine' }],
  });
  await publish(server, 'fine', 'ok');
  assert.equal((await client.nextDelivery()).message.payload, 'ok');
});
