// Policies by channel pattern, from the file that --config names, and read again on SIGHUP.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, afterEach } from 'node:test';
import { Client, dropAll } from '../support/client.mjs';
import { eventually } from '../support/eventually.mjs';
import { grpcClients, status } from '../support/grpc.mjs';
import { history, post, publish, publishMany } from '../support/http.mjs';
import { serverForFile, startServer } from '../support/server.mjs';
import { explained } from '../support/state.mjs';

const kPolicies = `
[[channel]]
match = "loose/*"
ordering = "unordered"

[[channel]]
match = "hasty/*"
ack_wait = "200ms"
backoff = ["50ms"]
max_attempts = 2

[[channel]]
match = "narrow/*"
window = 2

[[channel]]
match = "brief/*"
ttl = "1ms"

[[channel]]
match = "typed"
content_types = ["application/json"]
types = [1, 2]
schema = "message.schema.json"

[[channel]]
match = "open"
public = true
`;
const kSchema = { type: 'object', required: ['text'], properties: { text: { type: 'string' } } };

const directory = await mkdtemp(join(tmpdir(), 'ackwire-policies-'));
after(() => rm(directory, { recursive: true }));
const file = join(directory, 'policies.toml');
const write = (text) => writeFile(file, text);
await write(kPolicies);
await writeFile(join(directory, 'message.schema.json'), JSON.stringify(kSchema));

const server = await serverForFile({ flags: ['--config', file, '--backoff', '30s'] });
const rpc = grpcClients(server.grpc);
after(() => rpc.close());
afterEach(dropAll);

const connect = (client, channel) =>
  Client.connect(server, { client, subscriptions: [{ channel }] });
const seqs = (items) => items.map((item) => item.message.seq);

test('in an unordered channel nothing waits for what failed', async () => {
  const client = await connect('u', 'loose/1');
  await publishMany(server, 'loose/1', 2);
  const [first, second] = await client.collect(2);
  client.nack(first);
  await client.confirm(second);
  await publish(server, 'loose/1', 3);
  assert.equal((await client.nextDelivery()).message.seq, 3);
  await explained(rpc, 'u', 'loose/1', 1, 'BACKOFF', 'NACK');
});

test('a pattern has its own ack-wait, backoff and attempts, as explain tells', async () => {
  const client = await connect('h', 'hasty/1');
  await publish(server, 'hasty/1', 1);
  assert.equal((await client.nextDelivery()).attempt, 1);
  assert.equal((await client.nextDelivery()).attempt, 2);
  const parked = await explained(rpc, 'h', 'hasty/1', 1, 'PARKED', 'MAX_ATTEMPTS');
  assert.deepEqual(
    parked.attempts.map((one) => one.reason),
    ['REASON_ACK_TIMEOUT', 'REASON_ACK_TIMEOUT'],
  );
  assert.match(parked.explanation, /2/);
});

test('a channel keeps to its share of the window, and explain says that it is full', async () => {
  const client = await connect('n', 'narrow/1');
  await publishMany(server, 'narrow/1', 4);
  const [first] = await client.collect(2);
  const waiting = await explained(rpc, 'n', 'narrow/1', 3, 'PENDING', 'WINDOW_FULL');
  assert.match(waiting.explanation, /its channel's share of the client's window, 2, is full/);
  assert.equal(client.takeItem(), undefined, 'two in flight are all');
  await client.confirm(first);
  assert.equal((await client.nextDelivery()).message.seq, 3);
});

test('a ttl holds where the publisher gives none', async () => {
  await rpc.subscriptions.subscribe({ client: 'b', channel: 'brief/1' });
  await publish(server, 'brief/1', 1);
  await publish(server, 'brief/1', 2, { ttlMs: 3_600_000 });
  const client = await connect('b', 'brief/1');
  assert.equal((await client.nextDelivery()).message.seq, 2);
  await explained(rpc, 'b', 'brief/1', 1, 'ABANDONED', 'EXPIRED');
});

test('what a channel does not take is refused, by HTTP and gRPC', async () => {
  const refused = async (body, pattern) => {
    const answer = await post(server, 'typed', body);
    assert.equal(answer.status, 400, answer.body);
    assert.match(answer.json.error.message, pattern);
  };
  const plain = { contentType: 'text/plain', payload: 'x', type: 1 };
  await refused(plain, /contentType.*text\/plain/);
  const json = (text, type) => ({ contentType: 'application/json', payload: { text }, type });
  await refused(json('x', 3), /type.*1, 2/);
  await refused(json(7, 1), /\[text\]/);
  const request = { channel: 'typed', contentType: 'application/json', type: 1 };
  await assert.rejects(
    rpc.messages.publish({ ...request, payload: Buffer.from('{}') }),
    (error) => error.code === status.INVALID_ARGUMENT && /text/.test(error.details),
  );
  const stored = await rpc.messages.publish({ ...request, payload: Buffer.from('{"text":"x"}') });
  assert.equal(Number(stored.seq), 1);
});

test('a page of the past of a public channel may be cached by anyone', async () => {
  for (const channel of ['open', 'closed']) await publishMany(server, channel, 3);
  const page = async (channel) =>
    (await history(server, channel, '?from=1&limit=2')).headers['cache-control'];
  assert.match(await page('open'), /^public, immutable/);
  assert.match(await page('closed'), /^private, immutable/);
});

test('SIGHUP reads the file again, for sessions that are open too', async () => {
  const client = await connect('again', 'again/1');
  await publish(server, 'again/1', 1);
  const [first] = await client.collect(1);
  await write(`${kPolicies}\n[[channel]]\nmatch = "again/*"\nordering = "unordered"\nwindow = 1\n`);
  server.child.kill('SIGHUP');
  await eventually(() => server.stderr.includes('policies of 7 channel patterns'), 'the log line');
  await publish(server, 'again/1', 2);
  await explained(rpc, 'again', 'again/1', 2, 'PENDING', 'WINDOW_FULL');
  client.nack(first);
  assert.equal((await client.nextDelivery()).message.seq, 2, 'nothing waits for what failed');
});

test('what is stored already is answered as it was, whatever the policy says by now', async () => {
  const message = { contentType: 'text/plain', payload: 'x', messageId: 'm-1' };
  assert.equal((await post(server, 'later', message)).status, 201);
  await write(`${kPolicies}\n[[channel]]\nmatch = "later"\ntypes = [5]\n`);
  server.child.kill('SIGHUP');
  let tries = 1;
  const refused = await eventually(async () => {
    // Each try under an id of its own: one that is stored before the policy holds answers for ever.
    const answer = await post(server, 'later', { ...message, messageId: `m-${++tries}` });
    return answer.status === 400 && answer;
  }, 'the policy to hold');
  assert.match(refused.json.error.message, /^type: channel later takes 5, got 0/);
  const again = await post(server, 'later', message);
  assert.deepEqual([again.status, again.json.duplicate], [200, true]);
});

test('a file that is wrong leaves the policies as they were, and the server says why', async () => {
  await write('[[channel]]\nmatch = "again/*"\nack_wait = "soon"\n');
  server.child.kill('SIGHUP');
  await eventually(
    () => /policies stay as they were: .*policies\.toml:3: ack_wait: .*"soon"/.test(server.stderr),
    'the log line',
  );
  const refused = await post(server, 'typed', { contentType: 'text/plain', payload: 'x' });
  assert.equal(refused.status, 400);
});

test('a server does not start with a file that is wrong', async () => {
  await write('[[channel]]\nmatch = "a*b"\n');
  await assert.rejects(startServer({ flags: ['--config', file] }), (error) => {
    assert.equal(error.end.code, 2);
    assert.match(error.message, /policies\.toml:2: match: .*a\*b/);
    return true;
  });
  await assert.rejects(startServer({ flags: ['--config', join(directory, 'none.toml')] }), /none/);
});

test('a change of the limit of a share lets go on what waits', async () => {
  await write(kPolicies);
  const client = await connect('wide', 'narrow/2');
  await publishMany(server, 'narrow/2', 4);
  assert.deepEqual(seqs(await client.collect(2)), [1, 2]);
  await write('');
  server.child.kill('SIGHUP');
  assert.deepEqual(seqs(await client.collect(2)), [3, 4]);
});
