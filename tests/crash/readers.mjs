// Clients that take deliveries, acknowledge them in every way they may, and come back after each
// crash.

import { Client } from '../support/client.mjs';
import { digest } from './history.mjs';

export class Reader {
  constructor({ name, uptime, history, random }) {
    Object.assign(this, { name, uptime, history, random });
    this.connection = 0;
    this.draining = false;
    this.leaving = false;
    this.broken = null; // what went wrong in handling a frame
  }

  // Stays connected, through every kill, until leave().
  async run() {
    while (!this.leaving) {
      const process = await this.uptime.up();
      const end = await this.stay(process).catch((error) => ({ code: error.message }));
      if (this.broken)
        throw new Error(`${this.name}: ${this.broken.message}`, { cause: this.broken });
      if (this.leaving || this.uptime.isLost(process)) continue;
      throw new Error(
        `${this.name} lost its connection without a kill: ${end.code} ${end.reason ?? ''}`,
      );
    }
  }

  // One connection, from connect to close.
  async stay(process) {
    const client = await Client.open(this.uptime.server);
    const answerPing = client.arrived.bind(client);
    this.connection += 1;
    Object.assign(this, { client, process, sent: 0, acked: 0, acks: new Map() });
    // Recorded in the very order of arrival, so nothing waits in the client's queue.
    client.arrived = (frame) => {
      try {
        if (frame.type === 'ping') answerPing(frame);
        else this.take(frame);
      } catch (error) {
        this.broken = error; // ends the test: see run
        client.drop();
      }
    };
    client.send({ type: 'connect', client: this.name });
    return client.closed;
  }

  take(frame) {
    switch (frame.type) {
      case 'welcome':
        for (const { channel, floor } of frame.subscriptions) this.sawFloor(channel, floor);
        return;
      case 'subscribed': // what did not fit the welcome frame
        this.sawFloor(frame.channel, frame.floor);
        return;
      case 'deliveries':
        this.takeDeliveries(frame.items);
        return;
      case 'confirmed':
        this.add('confirmed', { upTo: this.acks.get(frame.id) });
        this.acks.delete(frame.id);
        return;
      default:
        throw new Error(`unexpected frame ${JSON.stringify(frame)}`);
    }
  }

  sawFloor(channel, floor) {
    this.add('floor', { process: this.process, channel, floor });
  }

  add(kind, row) {
    this.history.add(kind, { client: this.name, connection: this.connection, ...row });
  }

  takeDeliveries(items) {
    this.add('delivered', {
      items: items.map(({ delivery, attempt, message }) => [
        delivery,
        attempt,
        message.channel,
        message.seq,
        message.position,
        message.messageId,
        digest(message),
      ]),
    });
    this.sent = items.at(-1).delivery;
    // Confirmed, plain, or left for a later acknowledgement to cover.
    const chance = this.random.next();
    if (this.draining || chance < 0.5) this.confirm();
    else if (chance < 0.85) this.ackPlainly();
  }

  confirm() {
    const id = this.connection * 1_000_000 + this.sent;
    this.acks.set(id, this.sent);
    this.client.send({ type: 'ack', upTo: this.sent, id });
    this.acked = this.sent;
  }

  ackPlainly() {
    this.client.send({ type: 'ack', upTo: this.sent });
    this.acked = this.sent;
  }

  // From here on everything is acknowledged as it comes, with confirmation.
  drain() {
    this.draining = true;
    if (this.sent > this.acked) this.confirm();
  }

  async leave() {
    this.leaving = true;
    await this.client.close();
  }
}
