// Bad input over HTTP. `server` gets nothing but bad input and must be empty in the end; what is
// just inside a limit goes to `other`.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import test, { after } from 'node:test';
import { grpcClients, readAll } from '../support/grpc.mjs';
import { channelPath, post, raw, request, split } from '../support/http.mjs';
import { serverForFile } from '../support/server.mjs';

const server = await serverForFile();
const other = await serverForFile();
const rpc = grpcClients(server.grpc);
after(() => rpc.close());

const kJson = { 'content-type': 'application/json' };
const text = (fields = {}) => ({ contentType: 'text/plain', payload: 'x', ...fields });
const headersOf = (count) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`h${n}`, 'v']));

function refused(answer, what, { status = 400, names = [] } = {}) {
  const said = `${what}: HTTP ${answer.status} ${answer.body.slice(0, 300)}`;
  assert.ok([status].flat().includes(answer.status), said);
  assert.equal(answer.json?.error?.code, 'invalid_argument', said);
  assert.equal(answer.json.error.retryable, false, said);
  for (const name of names) assert.match(answer.json.error.message, name, said);
}

// A request as it goes over the wire, whatever its headers say.
function rawPost(path, headers, body) {
  return [`POST ${path} HTTP/1.1`, `Host: ${server.http}`, ...headers, '', body].join('\r\n');
}

async function accepted(channel, body, headers) {
  const answer = await post(other, channel, body, headers);
  assert.equal(answer.status, 201, `${channel.slice(0, 40)}: ${answer.body.slice(0, 300)}`);
}

test('a channel is 1 to 255 bytes', async () => {
  await accepted('c', text());
  await accepted('c'.repeat(255), text());
  await accepted('ü'.repeat(127) + 'c', text());
  refused(await post(server, 'c'.repeat(256), text()), '256 bytes', { names: [/channel/, /255/] });
  refused(await post(server, 'ü'.repeat(128), text()), '128 letters of 2 bytes', {
    names: [/channel/, /255/],
  });
  const empty = await post(server, '', text());
  assert.ok([400, 404].includes(empty.status), `${empty.status} ${empty.body}`);
});

test('a channel has no control characters, white space or star', async () => {
  for (const bad of [
    'a b',
    ' a',
    'a\tb',
    'a\nb',
    'a\u0000b',
    'a\u0007b',
    'a\u007fb',
    'a\u2003b',
    'room/*',
    '*',
  ]) {
    refused(await post(server, bad, text()), JSON.stringify(bad), { names: [/channel/] });
  }
});

test('a channel that is not UTF-8, or not percent-encoded, is refused', async () => {
  for (const bad of ['%FF', 'a%C3', '%C0%AF', '%ED%A0%80', '%F5%80%80%80', 'a%ZZ', 'a%2']) {
    const answer = await request(server.http, {
      method: 'POST',
      path: `/v1/channels/${bad}/messages`,
      body: text(),
    });
    refused(answer, bad, { names: [/channel|percent|UTF-8|path/i] });
  }
});

test('a message id is at most 128 bytes, also as Idempotency-Key', async () => {
  await accepted('id', text({ messageId: 'i'.repeat(128) }));
  await accepted('id', text(), { 'Idempotency-Key': 'k'.repeat(128) });
  refused(await post(server, 'id', text({ messageId: 'i'.repeat(129) })), 'messageId', {
    names: [/messageId/, /128/],
  });
  refused(await post(server, 'id', text({ messageId: 'ü'.repeat(65) })), 'messageId', {
    names: [/messageId/, /128/],
  });
  refused(await post(server, 'id', text(), { 'Idempotency-Key': 'k'.repeat(129) }), 'key', {
    names: [/messageId|Idempotency-Key/, /128/],
  });
});

test('a type is 0 to 65535', async () => {
  await accepted('type', text({ type: 0 }));
  await accepted('type', text({ type: 65535 }));
  for (const type of [65536, -1, 4294967296, 1.5, '7', true, [7]]) {
    refused(await post(server, 'type', text({ type })), `type ${JSON.stringify(type)}`, {
      names: [/\btype\b/],
    });
  }
  refused(await post(server, 'type', text({ type: 65536 })), 'type 65536', { names: [/65535/] });
});

test('a payload is at most 256 KiB, else 413', async () => {
  const limit = 256 * 1024;
  await accepted('payload', text({ payload: 'p'.repeat(limit) }));
  await accepted('payload', {
    contentType: 'image/png',
    payloadBase64: Buffer.alloc(limit).toString('base64'),
  });
  const names = [/payload/, /256 ?KiB|262,?144/];
  refused(await post(server, 'payload', text({ payload: 'p'.repeat(limit + 1) })), 'text', {
    status: 413,
    names,
  });
  refused(
    await post(server, 'payload', text({ payload: 'ü'.repeat(limit / 2) + 'p' })),
    'letters of 2 bytes',
    {
      status: 413,
      names,
    },
  );
  refused(
    await post(server, 'payload', {
      contentType: 'image/png',
      payloadBase64: Buffer.alloc(limit + 1).toString('base64'),
    }),
    'base64',
    { status: 413, names },
  );
});

test('a body far over any message is 413 and not read whole', async () => {
  const [host, port] = split(server.http);
  const head = rawPost(channelPath('huge'), ['Content-Length: 10000000000'], '{');
  const answer = await raw(host, port, head, { until: (got) => got.includes('\r\n\r\n') });
  assert.match(answer, /^HTTP\/1\.1 413 /);
});

test('headers are at most 32', async () => {
  await accepted('headers', text({ headers: headersOf(32) }));
  refused(await post(server, 'headers', text({ headers: headersOf(33) })), '33 headers', {
    status: [400, 413],
    names: [/headers/, /32/],
  });
});

test('headers are together at most 8 KiB', async () => {
  await accepted('headers', text({ headers: { k: 'v'.repeat(8191) } }));
  refused(await post(server, 'headers', text({ headers: { k: 'v'.repeat(8192) } })), '8193 bytes', {
    status: [400, 413],
    names: [/headers/, /8 ?KiB|8,?192/],
  });
});

test('a field of the wrong type is named', async () => {
  const cases = {
    messageId: [5, {}, []],
    contentType: [5, {}],
    headers: ['h', [], 5, { a: 1 }, { a: null }],
    ttlMs: ['1s', -1, 1.5, {}],
    expectedSeq: ['3', -1, 1.5, {}],
    sender: [5, {}],
    payloadBase64: [5, 'no base64!', 'A', 'AAAA='],
  };
  for (const [field, values] of Object.entries(cases)) {
    for (const value of values) {
      const body = {
        contentType: 'application/octet-stream',
        payloadBase64: 'AAAA',
        [field]: value,
      };
      refused(await post(server, 'wrong', body), `${field} ${JSON.stringify(value)}`, {
        names: [new RegExp(field)],
      });
    }
  }
});

test('a text payload that is not a string is refused', async () => {
  for (const payload of [5, {}, ['x'], true])
    refused(
      await post(server, 'wrong', { contentType: 'text/plain', payload }),
      JSON.stringify(payload),
      {
        names: [/payload/],
      },
    );
});

test('a body that is no JSON object is refused', async () => {
  for (const body of [
    '',
    '{',
    '{"payload":',
    'null',
    '[]',
    '"text"',
    '7',
    '{"a":1}{"b":2}',
    "{'payload':1}",
    '{"payload":1,}',
    '{"payload":NaN}',
  ]) {
    refused(
      await request(server.http, {
        method: 'POST',
        path: channelPath('json'),
        headers: kJson,
        body,
      }),
      JSON.stringify(body),
    );
  }
});

test('JSON too deep, with a key twice, a lone surrogate or bad UTF-8 is refused', async () => {
  const nested = (depth) =>
    `{"contentType":"application/json","payload":${'['.repeat(depth)}${']'.repeat(depth)}}`;
  const send = (where, body) =>
    request(where.http, { method: 'POST', path: channelPath('json'), headers: kJson, body });
  const fine = await send(other, nested(20));
  assert.equal(fine.status, 201, fine.body);
  const bad = {
    'depth 33': nested(33),
    'depth 20000': nested(20_000),
    'a key twice': '{"contentType":"text/plain","payload":"a","payload":"b"}',
    'a key twice in the payload': '{"contentType":"application/json","payload":{"a":1,"a":2}}',
    'a lone surrogate': '{"contentType":"text/plain","payload":"\\ud800"}',
    'a lone low surrogate': '{"contentType":"text/plain","payload":"\\udc00x"}',
    'bad UTF-8': Buffer.concat([
      Buffer.from('{"contentType":"text/plain","payload":"'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}'),
    ]),
    'bad UTF-8 in a name': Buffer.concat([
      Buffer.from('{"contentType":"text/plain","payload":"x","sender":"'),
      Buffer.from([0xc3]),
      Buffer.from('"}'),
    ]),
  };
  for (const [what, body] of Object.entries(bad)) refused(await send(server, body), what);
});

test('an edit or withdrawal of a seq that is none is refused', async () => {
  for (const seq of ['abc', '-1', '1.5', '99999999999999999999999', '0']) {
    for (const method of ['PUT', 'DELETE']) {
      const answer = await request(server.http, {
        method,
        path: channelPath('seq', seq),
        body: text(),
      });
      assert.ok(
        [400, 404].includes(answer.status),
        `${method} ${seq}: ${answer.status} ${answer.body}`,
      );
      assert.ok(['invalid_argument', 'not_found'].includes(answer.json?.error?.code), answer.body);
    }
  }
});

test('another method on a known path is refused', async () => {
  for (const method of ['PATCH', 'PUT', 'DELETE']) {
    const answer = await request(server.http, {
      method,
      path: channelPath('method'),
      body: text(),
    });
    assert.ok([404, 405].includes(answer.status), `${method}: ${answer.status} ${answer.body}`);
  }
});

test('what is no HTTP gets 400, or the connection is closed', async () => {
  const [host, port] = split(server.http);
  const path = channelPath('smuggle');
  const body = JSON.stringify(text());
  const length = `Content-Length: ${body.length}`;
  const cases = {
    garbage: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n',
    'no version': `POST ${path}\r\n\r\n`,
    'two lengths': rawPost(path, [length, `Content-Length: ${body.length + 1}`], body),
    'length and chunks': rawPost(path, [length, 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
    'a length that is none': rawPost(path, ['Content-Length: many'], body),
  };
  for (const [what, bytes] of Object.entries(cases)) {
    const answer = await raw(host, port, bytes, { until: (got) => /\r\n\r\n/.test(got) });
    assert.match(answer, /^$|^HTTP\/1\.[01] 400 /, `${what}: ${answer}`);
  }
});

test('half a request leaves nothing behind', async () => {
  const [host, port] = split(server.http);
  const body = JSON.stringify(text());
  const length = `Content-Length: ${body.length}`;
  const half = rawPost(channelPath('half'), [length], body.slice(0, 10));
  await new Promise((resolve) => {
    const socket = connect({ host, port }, () => socket.end(half));
    socket.on('error', resolve).on('close', resolve).resume();
  });
});

test('after all of it the log is empty and the server serves', async () => {
  assert.deepEqual(await readAll(rpc.messages, {}), []);
  const status = await rpc.admin.getStatus();
  assert.deepEqual([status.lastPosition, status.channels, status.acceptingWrites], [0, 0, true]);
  const answer = await post(server, 'fine', text());
  assert.equal(answer.status, 201, answer.body);
  assert.equal(answer.json.position, 1);
});
