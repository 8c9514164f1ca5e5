// What happens on a golden server, and all that can be read of it afterwards.

import { Client } from '../support/client.mjs';
import { eventually } from '../support/eventually.mjs';
import { publish, publishMany, request } from '../support/http.mjs';
import { explained, offline } from '../support/state.mjs';

// Golden directories grow older than any journal that is not kept for ever.
export const kFlags = [
  ...['--ack-wait', '300ms', '--backoff', '50ms', '--max-attempts', '2'],
  ...['--journal-retention-age', 'none'],
];
export const kTrimmingFlags = [...kFlags.slice(0, -1), '100ms'];
const kClients = ['alice/phone', 'alice/web', 'bob', 'carol/tablet'];
const kChannels = ['room/1', 'room/2', 'Zürich'];

// Every kind of record: messages of all kinds, subscriptions, sessions, acknowledgements, failures,
// parked and abandoned deliveries.
export async function play(server, rpc, round) {
  for (const client of kClients) {
    for (const channel of kChannels) await rpc.subscriptions.subscribe({ client, channel });
  }
  const id = (n) => `golden-${round}-${n}`;
  const first = await publish(server, 'room/1', { n: 1 }, { messageId: id(1), sender: 'bob' });
  for (let n = 2; n <= 40; ++n) {
    const payload = { n, text: 'x'.repeat(n * 10) };
    await publish(server, kChannels[n % 3], payload, { messageId: id(n), sender: 'bob' });
  }
  await request(server.http, {
    method: 'PUT',
    path: `/v1/channels/room%2F1/messages/${first.seq}`,
    body: { sender: 'bob', messageId: id('edit'), contentType: 'text/plain', payload: 'edited' },
  });
  await request(server.http, {
    method: 'DELETE',
    path: `/v1/channels/room%2F1/messages/${first.seq}`,
    headers: { 'Idempotency-Key': id('gone') },
    body: { sender: 'bob' },
  });
  await partAcknowledged(server);
  await refusedAndParked(server, rpc);
  await rpc.subscriptions.unsubscribe({ client: 'bob', channel: 'room/2' });
}

async function partAcknowledged(server) {
  const client = await Client.connect(server, { client: 'alice/phone' });
  const items = await client.collect(20);
  client.send({ type: 'ack', upTo: items[9].delivery, id: 1 });
  await client.next('confirmed');
  client.send({ type: 'ack', deliveries: [items[15].delivery], id: 2 });
  await client.next('confirmed');
  await client.drop();
}

async function refusedAndParked(server, rpc) {
  const client = await Client.connect(server, { client: 'bob' });
  const item = await client.nextDelivery((each) => each.message.channel === 'Zürich');
  const { channel, seq } = item.message;
  client.send({ type: 'nack', deliveries: [item.delivery], reason: 'cannot read it', final: true });
  await explained(rpc, 'bob', channel, seq, 'PARKED');
  await client.drop();
  await offline(rpc, 'bob');
}

// What is on record only as the base of a trimmed journal, since format 6.
export async function begin(server, rpc) {
  const client = await Client.connect(server, {
    client: 'alice/web',
    subscriptions: [{ channel: 'room/1' }],
  });
  await publishMany(server, 'room/1', 3);
  for (const item of await client.collect(3)) await client.confirm(item);
  await client.drop();
  await offline(rpc, 'alice/web');
  await eventually(
    async () => {
      // The newest records stay.
      await rpc.subscriptions.subscribe({ client: 'bob', channel: 'room/2' });
      await rpc.subscriptions.unsubscribe({ client: 'bob', channel: 'room/2' });
      const { explanation } = await rpc.deliveries.explainDelivery({
        client: 'alice/web',
        channel: 'room/1',
        seq: 3,
      });
      return explanation.endsWith('no longer on record');
    },
    'the journal to be trimmed',
    30_000,
  );
}

// What operators do, since format 3: replays that end and one that goes on, a dismissal, a pause.
export async function operate(server, rpc) {
  const failed = { client: 'bob' };
  const start = async (note) => {
    const { plan } = await rpc.admin.planReplay({ selection: { failed } });
    return rpc.admin.startReplay({ plan, note });
  };
  const { id } = await start('golden, done');
  const client = await Client.connect(server, { client: 'bob' });
  await client.confirm(await client.nextDelivery((each) => each.replay === id));
  await rejectNext(client, rpc);
  await rpc.admin.dismissFailures({ filter: failed, note: 'golden' });
  await rejectNext(client, rpc);
  await client.drop();
  await offline(rpc, 'bob');
  await start('golden, open');
  await rpc.admin.pauseClient({ client: 'carol/tablet', reason: 'golden' });
  const [oldest] = (await readAll(rpc)).filter(({ channel }) => channel === 'room/1');
  await rpc.admin.redact({ channel: 'room/1', seq: oldest.seq, note: 'golden' });
  await rpc.subscriptions.subscribe({ client: 'dora', channel: 'room/1' });
  await rpc.admin.forgetClient({ client: 'dora', note: 'golden' });
}

async function rejectNext(client, rpc) {
  const item = await client.nextDelivery((each) => each.replay === '');
  client.nack(item, { reason: 'no', final: true });
  await explained(rpc, 'bob', item.message.channel, item.message.seq, 'PARKED');
  client.frames.length = 0;
}

function readAll(rpc) {
  return new Promise((resolve, reject) => {
    const messages = [];
    rpc.messages
      .read({})
      .on('data', (part) => messages.push(...part.messages))
      .on('error', reject)
      .on('end', () => resolve(messages));
  });
}

// What is explained of messages that nobody can read any more.
async function goneOf(rpc, channels, messages) {
  const left = new Set(messages.map(({ channel, seq }) => `${channel} ${seq}`));
  const gone = [];
  for (const { name: channel, lastSeq } of channels) {
    for (let seq = 1; seq <= lastSeq; ++seq) {
      if (left.has(`${channel} ${seq}`)) continue;
      for (const client of kClients) {
        gone.push(await rpc.deliveries.explainDelivery({ client, channel, seq }));
      }
    }
  }
  return gone;
}

// Plain JSON, the same for the same data whenever it is read.
export async function view(rpc) {
  const messages = await readAll(rpc);
  const subscriptions = [];
  for (const client of kClients) {
    subscriptions.push((await rpc.subscriptions.listSubscriptions({ client })).subscriptions);
  }
  const clients = (await rpc.deliveries.listClients({})).clients;
  const { channels } = await rpc.messages.listChannels({});
  const deliveries = [];
  for (const client of kClients) {
    for (const { channel, seq } of messages) {
      deliveries.push(await rpc.deliveries.explainDelivery({ client, channel, seq }));
    }
  }
  const { epoch, lastPosition, undelivered, parked } = await rpc.admin.getStatus({});
  const status = { epoch, lastPosition, undelivered, parked };
  // Whether a replay waits for somebody, and what it has in flight, is not on disk.
  const replays = (await rpc.admin.listReplays({})).replays.map(
    ({ state, sent, waitingOffline, ...kept }) => kept,
  );
  const all = { status, channels, subscriptions, clients, deliveries, messages };
  if (replays.length > 0) all.replays = replays;
  const gone = await goneOf(rpc, channels, messages);
  if (gone.length > 0) all.gone = gone;
  const bytesAsText = (key, value) =>
    value?.type === 'Buffer' ? Buffer.from(value.data).toString('base64') : value;
  return JSON.parse(JSON.stringify(all, bytesAsText));
}
