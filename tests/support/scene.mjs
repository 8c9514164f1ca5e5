// A scene is one client and one channel of their own on a server that others share, and what a case
// does with them.

import { eventually } from './eventually.mjs';
import { Client, dropAll } from './client.mjs';
import { grpcClients } from './grpc.mjs';
import { publish } from './http.mjs';
import { explained, offline } from './state.mjs';

// A server, with all that it has ever told of failures: watched before the first can happen.
export class Stage {
  static async on(server) {
    const stage = new Stage(server);
    stage.watch.on('error', () => {});
    stage.watch.on('data', (failure) => stage.watched.push(failure));
    await new Promise((resolve) => stage.watch.once('metadata', resolve));
    return stage;
  }

  constructor(server) {
    this.server = server;
    this.rpc = grpcClients(server.grpc);
    this.watched = []; // oldest first
    this.watch = this.rpc.deliveries.watchFailures({});
  }

  // Nobody is connected, and what the ends of the connections made fail is on record and counted.
  async clear() {
    await dropAll();
    await eventually(async () => {
      const { clients } = await this.rpc.deliveries.listClients({ onlineOnly: true });
      return clients.length === 0;
    }, 'all clients to be offline');
    await publish(this.server, 'fence', 'behind all that was on its way to the record');
  }

  async close() {
    await dropAll();
    this.watch.cancel();
    this.rpc.close();
    await this.server.discard();
  }
}

export class Scene {
  constructor(stage, name) {
    this.server = stage.server;
    this.rpc = stage.rpc;
    this.client = `alice/${name}`;
    this.channel = `room/${name}`;
    this.seq = 1; // of the delivery that the case is about; 0: it is asked for by messageId
    this.messageId = '';
  }

  get question() {
    const { client, channel, seq, messageId } = this;
    return seq === 0 ? { client, channel, messageId } : { client, channel, seq };
  }

  explain() {
    return this.rpc.deliveries.explainDelivery(this.question);
  }

  explainSeq(seq) {
    const { client, channel } = this;
    return this.rpc.deliveries.explainDelivery({ client, channel, seq });
  }

  // Waits until one has failed for this reason, and returns its seq.
  async firstFailed(reason) {
    const filter = { client: this.client, reasons: [`REASON_${reason}`] };
    return eventually(
      async () => (await this.rpc.deliveries.listFailures({ filter })).failures[0]?.firstSeq,
      `a delivery to ${this.client} to fail by ${reason}`,
    );
  }

  // Waits until a delivery is in that state.
  is(state, reason, seq = this.seq, timeoutMs = undefined) {
    return explained(this.rpc, this.client, this.channel, seq, state, reason, timeoutMs);
  }

  redact() {
    return this.rpc.admin.redact({ channel: this.channel, seq: this.seq, note: 'ticket 812' });
  }

  // Waits until an attempt of the delivery has ended for this reason.
  async failed(reason) {
    return eventually(
      async () =>
        (await this.explain()).attempts.some((each) => each.reason === `REASON_${reason}`),
      `an attempt of ${this.channel} to end by ${reason}`,
    );
  }

  subscribe(fields = {}) {
    return this.rpc.subscriptions.subscribe({
      client: this.client,
      channel: this.channel,
      ...fields,
    });
  }

  unsubscribe() {
    return this.rpc.subscriptions.unsubscribe({ client: this.client, channel: this.channel });
  }

  publish(payload = 'hello', fields = {}) {
    return publish(this.server, this.channel, payload, fields);
  }

  async connect(fields = {}) {
    const subscriptions = [{ channel: this.channel }];
    this.socket = await Client.connect(this.server, {
      client: this.client,
      subscriptions,
      ...fields,
    });
    return this.socket;
  }

  // A connected client with `count` messages delivered.
  async delivered(count = 1, fields = {}) {
    const client = await this.connect(fields);
    for (let n = 1; n <= count; ++n) await this.publish(`message ${n}`);
    return [client, await client.collect(count)];
  }

  async drop() {
    await this.socket.drop();
    await offline(this.rpc, this.client);
  }

  // A connected client that has rejected the first message for good.
  async rejected() {
    const [client, [item]] = await this.delivered();
    client.nack(item, { final: true, reason: 'no such order' });
    await this.is('PARKED', 'REJECTED');
    return client;
  }

  dismiss() {
    const filter = { client: this.client };
    return this.rpc.admin.dismissFailures({ filter, note: 'order cancelled' });
  }

  // Starts a replay of what is parked, or of all of the channel.
  async replay({ all = false } = {}) {
    const { client, channel } = this;
    const range = { channel, client, includeAcked: true };
    const selection = all ? { range } : { failed: { client } };
    const { plan } = await this.rpc.admin.planReplay({ selection });
    return (await this.rpc.admin.startReplay({ plan, note: 'again' })).id;
  }

  // What the replay sends next, once it is here.
  replayed(client, id) {
    return client.nextDelivery((item) => item.replay === id);
  }

  replayReaches(id, state) {
    return eventually(
      async () => (await this.rpc.admin.getReplay({ id })).state === `REPLAY_STATE_${state}`,
      `replay ${id} to be ${state}`,
    );
  }
}
