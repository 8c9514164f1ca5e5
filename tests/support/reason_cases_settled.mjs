// Cases as those of reason_cases.mjs, of deliveries that are settled.

const kLongMs = 600_000;

const kAcked = [
  {
    name: 'acknowledged',
    state: 'ACKED',
    async bring(scene) {
      const [client, [item]] = await scene.delivered();
      await client.confirm(item);
    },
  },
  {
    name: 'acknowledged after a nack',
    state: 'ACKED',
    failures: ['NACK 1'],
    async bring(scene) {
      const [client, [item]] = await scene.delivered();
      client.nack(item, { reason: 'handler threw' });
      await client.confirm(await client.nextDelivery());
    },
  },
  {
    name: 'acknowledged late',
    on: 'hasty',
    state: 'ACKED',
    failures: ['ACK_TIMEOUT 1'],
    async bring(scene) {
      const [client, [item]] = await scene.delivered();
      await scene.is('BACKOFF', 'ACK_TIMEOUT');
      await client.confirm(item);
    },
  },
  {
    name: 'acknowledged after it was parked, by a replay',
    state: 'ACKED',
    failures: ['REJECTED 1'],
    async bring(scene) {
      const client = await scene.rejected();
      await client.confirm(await scene.replayed(client, await scene.replay()));
    },
  },
  {
    name: 'acknowledged, and delivered again by a replay',
    state: 'ACKED',
    async bring(scene) {
      const [client, [item]] = await scene.delivered();
      await client.confirm(item);
      await scene.replayed(client, await scene.replay({ all: true }));
    },
  },
  {
    name: 'acknowledged, and refused when a replay delivered it again',
    state: 'ACKED',
    failures: ['NACK 2'],
    async bring(scene) {
      const [client, [item]] = await scene.delivered();
      await client.confirm(item);
      const again = await scene.replayed(client, await scene.replay({ all: true }));
      client.nack(again, { delayMs: kLongMs, reason: 'had it already' });
      await scene.failed('NACK');
    },
  },
  {
    name: 'acknowledged after it was dismissed, by a replay',
    state: 'ACKED',
    failures: ['REJECTED 1', 'DISMISSED 0'],
    async bring(scene) {
      const client = await scene.rejected();
      await scene.dismiss();
      await client.confirm(await scene.replayed(client, await scene.replay({ all: true })));
    },
  },
];

const kParked = [
  {
    name: 'parked, refused too often',
    state: 'PARKED',
    reason: 'MAX_ATTEMPTS',
    failures: ['NACK 1', 'NACK 2', 'NACK 3', 'MAX_ATTEMPTS 3'],
    async bring(scene) {
      const [client, [item]] = await scene.delivered();
      client.nack(item, { reason: 'handler threw' });
      for (let n = 2; n <= 3; ++n) {
        client.nack(await client.nextDelivery(), { reason: 'handler threw' });
      }
    },
  },
  {
    name: 'parked, never acknowledged',
    on: 'brief',
    state: 'PARKED',
    reason: 'MAX_ATTEMPTS',
    failures: ['ACK_TIMEOUT 1', 'ACK_TIMEOUT 2', 'MAX_ATTEMPTS 2'],
    bring: (scene) => scene.delivered(),
  },
  {
    name: 'parked after lost connections',
    state: 'PARKED',
    reason: 'MAX_ATTEMPTS',
    failures: ['DISCONNECTED 1', 'DISCONNECTED 2', 'MAX_ATTEMPTS 2'],
    async bring(scene) {
      await scene.delivered();
      await scene.drop();
      await (await scene.connect()).nextDelivery();
      await scene.drop();
    },
  },
  {
    name: 'parked, rejected for good',
    state: 'PARKED',
    reason: 'REJECTED',
    failures: ['REJECTED 1'],
    bring: (scene) => scene.rejected(),
  },
  {
    name: 'parked, rejected for good after its time was over',
    on: 'hasty',
    state: 'PARKED',
    reason: 'REJECTED',
    failures: ['ACK_TIMEOUT 1', 'REJECTED 1'],
    async bring(scene) {
      const [client, [item]] = await scene.delivered();
      await scene.is('BACKOFF', 'ACK_TIMEOUT');
      client.nack(item, { final: true, reason: 'no such order' });
    },
  },
  {
    name: 'parked, too large for the client',
    state: 'PARKED',
    reason: 'TOO_LARGE',
    failures: ['TOO_LARGE 0'],
    async bring(scene) {
      await scene.connect({ maxFrameBytes: 1024 });
      await scene.publish('x'.repeat(2000));
    },
  },
  {
    name: 'parked, and a replay has it in flight',
    state: 'PARKED',
    reason: 'REJECTED',
    failures: ['REJECTED 1'],
    async bring(scene) {
      const client = await scene.rejected();
      await scene.replayed(client, await scene.replay());
    },
  },
  {
    name: 'parked, and a replay tries it again later',
    state: 'PARKED',
    reason: 'REJECTED',
    failures: ['REJECTED 1', 'NACK 2'],
    async bring(scene) {
      const client = await scene.rejected();
      const again = await scene.replayed(client, await scene.replay());
      client.nack(again, { delayMs: kLongMs, reason: 'not yet' });
      await scene.failed('NACK');
    },
  },
  {
    name: 'parked, and a replay waits for the client',
    state: 'PARKED',
    reason: 'REJECTED',
    failures: ['REJECTED 1'],
    async bring(scene) {
      await scene.rejected();
      await scene.drop();
      await scene.replayReaches(await scene.replay(), 'WAITING');
    },
  },
  {
    name: 'parked, and rejected again in a replay',
    state: 'PARKED',
    reason: 'REJECTED',
    failures: ['REJECTED 1', 'REJECTED 2'],
    async bring(scene) {
      const client = await scene.rejected();
      const replay = await scene.replay();
      const again = await scene.replayed(client, replay);
      client.nack(again, { final: true, reason: 'still no such order' });
      await scene.replayReaches(replay, 'DONE');
    },
  },
];

const kGone = [
  {
    name: 'removed by retention, and never sent',
    on: 'keeping',
    state: 'ABANDONED',
    reason: 'RETENTION',
    failures: ['RETENTION 0'],
    async bring(scene) {
      await scene.subscribe();
      await scene.publish('one');
      await scene.publish('two');
      await scene.is('ABANDONED', 'RETENTION', 1, 30_000);
      await scene.firstFailed('RETENTION');
    },
  },
  {
    name: 'redacted, and never sent',
    state: 'ABANDONED',
    reason: 'REDACTED',
    failures: ['REDACTED 0'],
    async bring(scene) {
      await scene.subscribe();
      await scene.publish();
      await scene.redact();
    },
  },
  {
    name: 'redacted after it was refused',
    state: 'ABANDONED',
    reason: 'REDACTED',
    failures: ['NACK 1', 'REDACTED 0'],
    async bring(scene) {
      const [client, [item]] = await scene.delivered();
      client.nack(item, { delayMs: kLongMs, reason: 'handler threw' });
      await scene.is('BACKOFF', 'NACK');
      await scene.redact();
    },
  },
  {
    name: 'redacted after it was parked',
    state: 'ABANDONED',
    reason: 'REDACTED',
    failures: ['REJECTED 1', 'REDACTED 0'],
    async bring(scene) {
      await scene.rejected();
      await scene.redact();
    },
  },
  {
    name: 'the subscription expired',
    on: 'forgetful',
    state: 'ABANDONED',
    reason: 'SUBSCRIPTION_EXPIRED',
    failures: ['SUBSCRIPTION_EXPIRED 0'],
    async bring(scene) {
      await scene.subscribe();
      await scene.publish();
      await scene.is('ABANDONED', 'SUBSCRIPTION_EXPIRED', 1, 30_000);
    },
  },
];

const kAbandoned = [
  {
    name: 'expired, and its turn has not come',
    state: 'ABANDONED',
    reason: 'EXPIRED',
    async bring(scene) {
      await scene.subscribe();
      await scene.publish('hello', { ttlMs: 1 });
    },
  },
  {
    name: 'expired when its turn came',
    state: 'ABANDONED',
    reason: 'EXPIRED',
    failures: ['EXPIRED 0'],
    async bring(scene) {
      await scene.subscribe();
      await scene.publish('hello', { ttlMs: 1 });
      await scene.is('ABANDONED', 'EXPIRED');
      await scene.publish();
      await (await scene.connect()).nextDelivery();
    },
  },
  {
    name: 'unsubscribed',
    state: 'ABANDONED',
    reason: 'UNSUBSCRIBED',
    failures: ['UNSUBSCRIBED 0'],
    async bring(scene) {
      await scene.subscribe();
      await scene.publish();
      await scene.unsubscribe();
    },
  },
  {
    name: 'unsubscribed after a nack',
    state: 'ABANDONED',
    reason: 'UNSUBSCRIBED',
    failures: ['NACK 1', 'UNSUBSCRIBED 0'],
    async bring(scene) {
      const [client, [item]] = await scene.delivered();
      client.nack(item, { delayMs: kLongMs, reason: 'handler threw' });
      await scene.is('BACKOFF', 'NACK');
      await client.unsubscribe(scene.channel);
    },
  },
  {
    name: 'dismissed',
    state: 'ABANDONED',
    reason: 'DISMISSED',
    failures: ['REJECTED 1', 'DISMISSED 0'],
    async bring(scene) {
      await scene.rejected();
      await scene.dismiss();
    },
  },
  {
    name: 'dismissed, and a replay has it in flight',
    state: 'ABANDONED',
    reason: 'DISMISSED',
    failures: ['REJECTED 1', 'DISMISSED 0'],
    async bring(scene) {
      const client = await scene.rejected();
      await scene.dismiss();
      await scene.replayed(client, await scene.replay({ all: true }));
    },
  },
  {
    name: 'dismissed, and rejected again in a replay',
    state: 'ABANDONED',
    reason: 'DISMISSED',
    failures: ['REJECTED 1', 'DISMISSED 0', 'REJECTED 2'],
    async bring(scene) {
      const client = await scene.rejected();
      await scene.dismiss();
      const replay = await scene.replay({ all: true });
      const again = await scene.replayed(client, replay);
      client.nack(again, { final: true, reason: 'still no such order' });
      await scene.replayReaches(replay, 'DONE');
    },
  },
];

export const kSettled = [...kAcked, ...kParked, ...kGone, ...kAbandoned];
