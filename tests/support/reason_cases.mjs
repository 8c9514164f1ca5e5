// Deliveries of every state and every reason, each brought about over real sockets. `on` names the
// server; `failures` is what the list of failures holds of the delivery, oldest first: reason and
// attempt. `bring` leaves the scene in that state, for long enough to be asked about.

import { fileURLToPath } from 'node:url';
import { issue } from './tokens.mjs';

const kLongMs = 600_000;
const kBigPayload = 'x'.repeat(200_000);
const kBigMessages = 100; // more than a socket's buffers hold

const policies = (name) => fileURLToPath(new URL(`policies/${name}.toml`, import.meta.url));

export const kServers = {
  // Clients have all the time they want, so that deliveries fail by what clients do only.
  calm: { flags: ['--backoff', '20ms', '--max-attempts', '3', '--max-disconnects', '2'] },
  // Deliveries fail by silence, once, and come again much later.
  hasty: { flags: ['--ack-wait', '150ms', '--backoff', '10m', '--max-attempts', '3'] },
  // The same, and are soon out of attempts.
  brief: { flags: ['--ack-wait', '100ms', '--backoff', '20ms', '--max-attempts', '2'] },
  stalling: { flags: ['--write-stall', '300ms'] },
  // Keeps the newest message of a channel; ends subscriptions of those who are away for 100 ms.
  keeping: { flags: ['--config', policies('keeping')] },
  forgetful: { flags: ['--config', policies('forgetful')] },
  // Takes a token of everybody.
  guarded: { tokens: true },
};

const kNotOwed = [
  {
    name: 'no such channel',
    state: 'NOT_OWED',
    reason: 'NO_SUCH_MESSAGE',
    bring: () => {},
  },
  {
    name: 'nothing published yet',
    state: 'NOT_OWED',
    reason: 'NO_SUCH_MESSAGE',
    bring: (scene) => scene.subscribe(),
  },
  {
    name: 'no such seq',
    state: 'NOT_OWED',
    reason: 'NO_SUCH_MESSAGE',
    async bring(scene) {
      await scene.publish();
      scene.seq = 2;
    },
  },
  {
    name: 'no such message id',
    state: 'NOT_OWED',
    reason: 'NO_SUCH_MESSAGE',
    async bring(scene) {
      await scene.publish();
      scene.seq = 0;
      scene.messageId = 'order-7';
    },
  },
  {
    name: 'never subscribed',
    state: 'NOT_OWED',
    reason: 'NO_SUBSCRIPTION',
    bring: (scene) => scene.publish(),
  },
  {
    name: 'published after the subscription ended',
    state: 'NOT_OWED',
    reason: 'NO_SUBSCRIPTION',
    async bring(scene) {
      await scene.subscribe();
      await scene.unsubscribe();
      await scene.publish();
    },
  },
  {
    name: 'subscribed later',
    state: 'NOT_OWED',
    reason: 'BEFORE_SUBSCRIPTION',
    async bring(scene) {
      await scene.publish();
      await scene.subscribe();
    },
  },
];

const kPending = [
  {
    name: 'offline',
    state: 'PENDING',
    reason: 'CLIENT_OFFLINE',
    async bring(scene) {
      await scene.subscribe();
      await scene.publish();
    },
  },
  {
    name: 'offline since the connection was lost',
    state: 'PENDING',
    reason: 'CLIENT_OFFLINE',
    failures: ['DISCONNECTED 1'],
    async bring(scene) {
      await scene.delivered();
      await scene.drop();
    },
  },
  {
    name: 'offline since an operator disconnected it',
    state: 'PENDING',
    reason: 'CLIENT_OFFLINE',
    failures: ['DISCONNECTED 1'],
    async bring(scene) {
      await scene.delivered();
      const reason = 'stuck since noon';
      await scene.rpc.admin.disconnectClient({ client: scene.client, reason });
    },
  },
  {
    name: 'offline since it did not keep up',
    on: 'stalling',
    state: 'PENDING',
    reason: 'CLIENT_OFFLINE',
    failures: ['SLOW_CONSUMER 1'],
    async bring(scene) {
      const client = await scene.connect();
      client.socket.pause();
      for (let n = 0; n < kBigMessages; ++n) {
        await scene.publish(kBigPayload);
        if ((await scene.explain()).reason === 'REASON_CLIENT_OFFLINE') break;
      }
      await scene.failed('SLOW_CONSUMER');
    },
  },
  {
    name: 'offline since it could not be written to',
    state: 'PENDING',
    reason: 'CLIENT_OFFLINE',
    failures: ['WRITE_FAILED 1'],
    anySeq: true,
    async bring(scene) {
      const client = await scene.connect();
      client.socket.pause();
      for (let n = 1; n <= kBigMessages; ++n) {
        await scene.publish(kBigPayload);
        // Beyond what the socket takes, messages wait in the log; the newest may be on their way.
        const before = n - 10;
        if (before < 1) continue;
        if ((await scene.explainSeq(before)).state === 'DELIVERY_STATE_PENDING') break;
      }
      client.reset();
      scene.seq = await scene.firstFailed('WRITE_FAILED');
    },
  },
  {
    name: 'paused',
    state: 'PENDING',
    reason: 'CLIENT_PAUSED',
    async bring(scene) {
      await scene.connect();
      const reason = 'database away';
      await scene.rpc.admin.pauseClient({ client: scene.client, reason });
      await scene.publish();
    },
  },
  {
    name: 'paused and offline',
    state: 'PENDING',
    reason: 'CLIENT_PAUSED',
    async bring(scene) {
      await scene.subscribe();
      await scene.publish();
      await scene.rpc.admin.pauseClient({ client: scene.client });
    },
  },
  {
    name: 'paused when its backoff was over',
    state: 'PENDING',
    reason: 'CLIENT_PAUSED',
    failures: ['NACK 1'],
    async bring(scene) {
      const [client, [item]] = await scene.delivered();
      const reason = 'database away';
      await scene.rpc.admin.pauseClient({ client: scene.client, reason });
      client.nack(item, { reason: 'handler threw' });
    },
  },
  {
    name: 'not allowed by the token of the session',
    on: 'guarded',
    state: 'PENDING',
    reason: 'FORBIDDEN',
    failures: ['FORBIDDEN 1'],
    async bring(scene) {
      await scene.subscribe();
      await scene.publish();
      await scene.connect({ token: issue('alice'), subscriptions: [] });
      await scene.failed('FORBIDDEN');
    },
  },
  {
    name: 'not allowed any more by the token of the session',
    on: 'guarded',
    state: 'PENDING',
    reason: 'FORBIDDEN',
    failures: ['FORBIDDEN 1'],
    async bring(scene) {
      const [client] = await scene.delivered();
      client.send({ type: 'refresh', id: 1, token: issue('alice', { subscribe: ['lobby'] }) });
      await scene.failed('FORBIDDEN');
    },
  },
  {
    name: 'window full',
    state: 'PENDING',
    reason: 'WINDOW_FULL',
    async bring(scene) {
      await scene.delivered(1, { window: 1 });
      await scene.publish();
      scene.seq = 2;
    },
  },
  {
    name: 'recalled, and waiting for an earlier message',
    state: 'PENDING',
    reason: 'WAITING_FOR_EARLIER',
    failures: ['RECALLED 1'],
    async bring(scene) {
      const [client, [first]] = await scene.delivered(2);
      client.nack(first, { delayMs: kLongMs, reason: 'handler threw' });
      scene.seq = 2;
    },
  },
  {
    name: 'not sent, and waiting for an earlier message',
    state: 'PENDING',
    reason: 'WAITING_FOR_EARLIER',
    async bring(scene) {
      const [client, [first]] = await scene.delivered();
      client.nack(first, { delayMs: kLongMs, reason: 'handler threw' });
      await scene.is('BACKOFF', 'NACK');
      await scene.publish();
      scene.seq = 2;
    },
  },
];

const kOnItsWay = [
  {
    name: 'in flight',
    state: 'IN_FLIGHT',
    bring: (scene) => scene.delivered(),
  },
  {
    name: 'in flight again after a nack',
    state: 'IN_FLIGHT',
    failures: ['NACK 1'],
    async bring(scene) {
      const [client, [item]] = await scene.delivered();
      client.nack(item, { reason: 'handler threw' });
      await client.nextDelivery();
    },
  },
  {
    name: 'in flight again after a lost connection',
    state: 'IN_FLIGHT',
    failures: ['DISCONNECTED 1'],
    async bring(scene) {
      await scene.delivered();
      await scene.drop();
      await (await scene.connect()).nextDelivery();
    },
  },
  {
    name: 'backoff after a nack',
    state: 'BACKOFF',
    reason: 'NACK',
    failures: ['NACK 1'],
    async bring(scene) {
      const [client, [item]] = await scene.delivered();
      client.nack(item, { delayMs: kLongMs, reason: 'handler threw' });
    },
  },
  {
    name: 'backoff after silence',
    on: 'hasty',
    state: 'BACKOFF',
    reason: 'ACK_TIMEOUT',
    failures: ['ACK_TIMEOUT 1'],
    bring: (scene) => scene.delivered(),
  },
  {
    name: 'backoff of a client that has gone offline',
    state: 'BACKOFF',
    reason: 'NACK',
    failures: ['NACK 1'],
    async bring(scene) {
      const [client, [item]] = await scene.delivered();
      client.nack(item, { delayMs: kLongMs, reason: 'handler threw' });
      await scene.is('BACKOFF', 'NACK');
      await scene.drop();
    },
  },
  {
    name: 'backoff of a client that was paused',
    state: 'BACKOFF',
    reason: 'NACK',
    failures: ['NACK 1'],
    async bring(scene) {
      const [client, [item]] = await scene.delivered();
      client.nack(item, { delayMs: kLongMs, reason: 'handler threw' });
      await scene.is('BACKOFF', 'NACK');
      const reason = 'database away';
      await scene.rpc.admin.pauseClient({ client: scene.client, reason });
    },
  },
];

export const kUnsettled = [...kNotOwed, ...kPending, ...kOnItsWay];
