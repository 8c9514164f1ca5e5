// Clients that take deliveries, acknowledge them in every way they may, refuse some, lose their
// connection and resume, unsubscribe and subscribe again, and come back after each crash.

import { Client } from '../support/client.mjs';
import { digest } from './history.mjs';

// How likely each is at a frame of deliveries.
const kConfirm = 0.5;
const kAckPlainly = 0.35; // otherwise a later acknowledgement covers it
const kNack = 0.03;
const kLoseConnection = 0.01;
const kUnsubscribe = 0.005;
// How likely a client that comes back asks to resume.
const kResume = 0.7;
const kAwayMsMax = 200; // between unsubscribing and subscribing again
const kLookBackMax = 30; // a new subscription may start so many messages back

export class Reader {
  constructor({ name, channels, uptime, history, random }) {
    Object.assign(this, { name, channels, uptime, history, random });
    this.connection = 0;
    this.welcomed = false; // in this connection
    this.draining = false;
    this.leaving = false;
    this.broken = null; // what went wrong in handling a frame
    this.lastSeen = new Map(); // channel -> the greatest seq delivered
    this.session = null;
    this.changing = new Set(); // channels that are being subscribed to or unsubscribed from
    this.away = new Set(channels); // channels not subscribed to, as far as it knows
  }

  // Stays connected, through every crash, until leave().
  async run() {
    while (!this.leaving) {
      const process = await this.uptime.up();
      const end = await this.stay(process).catch((error) => ({ code: error.message }));
      this.welcomed = false;
      if (this.broken)
        throw new Error(`${this.name}: ${this.broken.message}`, { cause: this.broken });
      if (this.leaving || this.dropped || this.uptime.isLost(process)) continue;
      throw new Error(
        `${this.name} lost its connection without a crash: ${end.code} ${end.reason ?? ''}`,
      );
    }
  }

  // One connection, from connect to close.
  async stay(process) {
    const client = await Client.open(this.uptime.server);
    const answerPing = client.arrived.bind(client);
    this.connection += 1;
    Object.assign(this, { client, process, dropped: false, acks: new Map(), lastId: 0 });
    this.changing.clear();
    this.held = new Map(); // channel -> the seq it refused: what comes behind it is to be dropped
    const resume = this.resumePoint();
    this.resume = resume; // or null
    // Recorded in the very order of arrival, so nothing waits in the client's queue.
    client.arrived = (frame) => {
      if (this.dropped) return;
      try {
        if (frame.type === 'ping') answerPing(frame);
        else this.take(frame);
      } catch (error) {
        this.broken = error; // ends the test: see run
        client.drop();
      }
    };
    client.send({ type: 'connect', client: this.name, ...(resume && { resume }) });
    return client.closed;
  }

  // Anything it was sent is completed, but what it refused and what lies behind.
  resumePoint() {
    if (this.session === null || this.random.next() >= kResume) return null;
    const upTo = this.random.between(this.acked, this.sent);
    return { session: this.session, delivery: Math.min(upTo, this.firstRefused - 1) };
  }

  take(frame) {
    switch (frame.type) {
      case 'welcome':
        return this.takeWelcome(frame);
      case 'deliveries':
        return this.takeDeliveries(frame.items);
      case 'confirmed':
        this.add('confirmed', { upTo: this.acks.get(frame.id) });
        this.acks.delete(frame.id);
        return;
      case 'unsubscribed':
        return this.takeUnsubscribed(frame.channel);
      case 'subscribed':
        this.add('subscribed', { channel: frame.channel, startSeq: frame.floor + 1 });
        this.changing.delete(frame.channel);
        this.away.delete(frame.channel);
        return;
      case 'error':
      case 'draining':
        if (this.uptime.couldRefuse(this.process)) return;
      // falls through
      default:
        throw new Error(`unexpected frame ${JSON.stringify(frame)}`);
    }
  }

  add(kind, row) {
    this.history.add(kind, { client: this.name, connection: this.connection, ...row });
  }

  takeWelcome({ session, resumed, subscriptions }) {
    this.add('welcome', {
      process: this.process,
      session,
      resumed,
      resume: this.resume,
      floors: Object.fromEntries(subscriptions.map(({ channel, floor }) => [channel, floor])),
    });
    this.welcomed = true;
    if (resumed) this.acked = this.resume.delivery;
    else Object.assign(this, { session, sent: 0, acked: 0, firstRefused: Infinity });
    this.away = new Set(this.channels);
    for (const { channel } of subscriptions) this.away.delete(channel);
    for (const channel of this.away) this.subscribe(channel);
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
    for (const { message } of items) {
      const { channel, seq } = message;
      this.lastSeen.set(channel, Math.max(seq, this.lastSeen.get(channel) ?? 0));
      if (this.held.get(channel) === seq) this.held.delete(channel);
    }
    this.sent = items.at(-1).delivery;
    if (!this.draining) this.misbehave(items);
    if (this.dropped) return;
    const chance = this.random.next();
    if (this.draining || chance < kConfirm) this.confirm();
    else if (chance < kConfirm + kAckPlainly) this.ackPlainly();
  }

  misbehave(items) {
    const chance = this.random.next();
    const one = items[this.random.between(0, items.length - 1)];
    if (chance < kNack) this.nack(one);
    else if (chance < kNack + kLoseConnection) this.loseConnection();
    else if (chance < kNack + kLoseConnection + kUnsubscribe) this.unsubscribe(one.message.channel);
  }

  confirm() {
    this.lastId += 1;
    this.acks.set(this.lastId, this.sent);
    this.client.send({ type: 'ack', upTo: this.sent, id: this.lastId });
    this.acked = this.sent;
  }

  ackPlainly() {
    this.client.send({ type: 'ack', upTo: this.sent });
    this.acked = this.sent;
  }

  nack({ delivery, message: { channel, seq } }) {
    if (this.held.has(channel) || this.changing.has(channel)) return;
    this.held.set(channel, seq);
    this.firstRefused = Math.min(this.firstRefused, delivery);
    this.add('nacked', { delivery, channel, seq });
    this.client.send({ type: 'nack', deliveries: [delivery], reason: 'not now' });
  }

  // As a lost network does. Not while a change of a subscription is under way: it may come true
  // after the next welcome, and then nobody could say what should be.
  loseConnection() {
    if (this.changing.size > 0) return;
    this.dropped = true;
    this.client.drop();
  }

  unsubscribe(channel) {
    if (this.changing.has(channel)) return;
    this.changing.add(channel);
    this.add('unsubscribing', { channel });
    this.client.send({ type: 'unsubscribe', id: 1, channel });
  }

  takeUnsubscribed(channel) {
    this.add('unsubscribed', { channel });
    this.away.add(channel);
    this.held.delete(channel);
    const { client } = this;
    const comeBack = () => {
      if (client === this.client && !client.end) this.subscribe(channel);
    };
    setTimeout(comeBack, this.random.between(0, kAwayMsMax));
  }

  subscribe(channel) {
    this.changing.add(channel);
    const seen = this.lastSeen.get(channel) ?? 0;
    const back = Math.max(1, seen - this.random.between(0, kLookBackMax));
    const from = this.random.next() < 0.5 ? 'new' : back;
    this.add('subscribing', { channel, from });
    this.client.send({ type: 'subscribe', id: 1, channel, from });
  }

  // From here on everything is acknowledged as it comes, with confirmation.
  drain() {
    this.draining = true;
    if (this.welcomed && this.sent > this.acked) this.confirm();
  }

  // It is subscribed to all its channels, and nothing is under way that would change that.
  get isWhole() {
    return this.welcomed && this.away.size === 0 && this.changing.size === 0;
  }

  async leave() {
    this.leaving = true;
    await this.client.close();
  }
}
