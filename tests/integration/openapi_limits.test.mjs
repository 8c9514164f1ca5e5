// Each limit in proto/openapi.yaml is the server's: what is just inside is taken, what is just
// outside is refused.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';
import { publish } from '../support/http.mjs';
import { Description } from '../support/openapi.mjs';
import { serverForFile } from '../support/server.mjs';

const description = new Description(
  await readFile(new URL('../../proto/openapi.yaml', import.meta.url), 'utf8'),
);
const server = await serverForFile();

const kRefused = [400, 413];

// How many bytes have base64 of so many letters.
const base64 = (letters) => Buffer.alloc((letters / 4) * 3 - 2).toString('base64');
const textOf = (length, format) => (format === 'byte' ? base64(length) : 'x'.repeat(length));
const members = (count) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`h${n}`, '']));
const kOtherTypes = {
  string: [7, true, null],
  integer: ['seven', 1.5, null],
  boolean: ['maybe'],
  object: ['text', 7, null],
};

// Values that a schema takes, and that it does not, at its limits.
function limitsOf(schema) {
  const { format } = schema;
  const next = format === 'byte' ? 4 : 1;
  const inside = [];
  const outside = [];
  const limit = (name, within, beyond) => {
    if (!(name in schema)) return;
    inside.push(within(schema[name]));
    outside.push(...[beyond(schema[name])].flat());
  };
  limit('minimum', (n) => n, (n) => n - 1);
  limit('maximum', (n) => n, (n) => n + 1);
  limit('minLength', (n) => textOf(n, format), (n) => textOf(n - 1, format));
  limit('maxLength', (n) => textOf(n, format), (n) => textOf(n + next, format));
  limit('maxProperties', members, (n) => members(n + 1));
  limit('pattern', () => 'x', (pattern) =>
    [' ', '*', '\t', '\u0001', '\u007f', '\u0085', '\u00a0', '\u2003'].map((bad) => {
      assert.doesNotMatch(`a${bad}b`, new RegExp(pattern, 'u'));
      return `a${bad}b`;
    }),
  );
  return { inside, outside };
}

// What a request has besides what is tried.
function queryOf({ parameters }) {
  const needed = parameters.filter((each) => each.in === 'query' && each.required);
  return Object.fromEntries(needed.map(({ name, example }) => [name, example]));
}
function bodyOf({ body }) {
  if (body === undefined) return undefined;
  if ('client' in body.properties) return {};
  return 'session' in body.properties
    ? { session: 's-1', deliveries: [1] }
    : { payload: 'more' };
}

let channels = 0;
async function callWith(operation, place, name, value) {
  channels += 1;
  const channel = `limits/${channels}`;
  await publish(server, channel, 'first');
  const named = { channel, seq: 1 };
  const path = Object.fromEntries(
    Object.entries(named).filter(([key]) => operation.path.includes(`{${key}}`)),
  );
  const call = { path, query: queryOf(operation), headers: {}, body: bodyOf(operation) };
  const { body } = call;
  const fields = { path, query: call.query, header: call.headers, body }[place];
  if (['contentType', 'payloadBase64'].includes(name)) delete body.payload;
  if (name === 'upTo') delete body.deliveries;
  fields[name] = value;
  return description.call(server, operation.id, call);
}

// What can be given in one request: where, by which name, and what it is described to be.
function inputsOf({ parameters, body }) {
  return [
    ...parameters.map((each) => [each.in, each.name, each.schema]),
    ...Object.entries(body?.properties ?? {}).map(([name, schema]) => ['body', name, schema]),
  ];
}

for (const operation of description.operations) {
  test(`the limits of ${operation.id} are the server's`, async () => {
    for (const [place, name, schema] of inputsOf(operation)) {
      const { inside, outside } = limitsOf(schema);
      const otherTypes = place === 'body' ? (kOtherTypes[schema.type] ?? []) : [];
      const texts = ['path', 'query'].includes(place) && schema.type !== 'string';
      if (texts) otherTypes.push(kOtherTypes[schema.type][0]);
      for (const value of inside) {
        const { status, body } = await callWith(operation, place, name, value);
        const what = `${name} ${JSON.stringify(value).slice(0, 60)}: ${status} ${body}`;
        assert.ok(!kRefused.includes(status), what);
      }
      for (const value of [...outside, ...otherTypes]) {
        const { status, body } = await callWith(operation, place, name, value);
        const what = `${name} ${JSON.stringify(value).slice(0, 60)}: ${status} ${body}`;
        assert.ok(kRefused.includes(status), what);
      }
    }
  });
}

test('there are limits for all that is written', () => {
  const limited = inputsOf(description.operation('publishMessage'))
    .filter(([, , schema]) => limitsOf(schema).inside.length > 0)
    .map(([, name]) => name);
  assert.deepEqual(limited, [
    'channel',
    'Idempotency-Key',
    'messageId',
    'sender',
    'type',
    'contentType',
    'payloadBase64',
    'headers',
    'ttlMs',
    'expectedSeq',
  ]);
});
