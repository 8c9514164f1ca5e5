// One person at one device: takes what the server delivers, acknowledges it in small batches, and
// keeps account.

import WebSocket from 'ws';

const kWelcomeTimeoutMs = 15_000;
const kAckBatch = 16; // acknowledged at the latest after so many deliveries
const kAckDelayMs = 20; // or after so long

export class ChatClient {
  // `onProgress()` is called after deliveries, `onLost(error)` when the connection ends and nobody
  // here ended it.
  constructor({ address, name, onProgress, onLost }) {
    Object.assign(this, { address, name, onProgress, onLost });
    this.rooms = new Map(); // channel -> what was got of it
    this.session = null;
    this.received = 0; // last delivery of the session that arrived
    this.acked = 0; // last delivery of the session that was acknowledged
    this.deliveries = 0; // different messages
    this.redeliveries = 0;
    this.outOfOrder = [];
    this.resumed = false;
  }

  // Connects, or comes back to the session it had; resolves at the welcome frame.
  connect() {
    const socket = new WebSocket(`ws://${this.address}/v1/ws`, ['ackwire.v1.json']);
    this.socket = socket;
    const welcomed = new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => lost(`no welcome within ${kWelcomeTimeoutMs} ms`),
        kWelcomeTimeoutMs,
      );
      const lost = (why) => {
        clearTimeout(timer);
        if (socket !== this.socket) return; // dropped on purpose
        const error = new Error(`${this.name}: ${why}`);
        reject(error);
        this.onLost(error);
      };
      socket.once('open', () => this.send(this.connectFrame()));
      socket.on('error', (error) => lost(error.message));
      socket.on('close', (code, reason) => lost(`the connection was closed: ${code} ${reason}`));
      socket.on('message', (data) => {
        if (socket !== this.socket) return;
        const frame = JSON.parse(data.toString());
        if (frame.type === 'welcome') {
          clearTimeout(timer);
          this.onWelcome(frame);
          resolve();
        } else if (frame.type === 'error') {
          lost(`${frame.code}: ${frame.message}`);
        } else {
          this.onFrame(frame);
        }
      });
    });
    return welcomed;
  }

  connectFrame() {
    const resume = this.session && { session: this.session, delivery: this.acked };
    return { type: 'connect', client: this.name, ...(resume ? { resume } : {}) };
  }

  send(frame) {
    this.socket.send(JSON.stringify(frame));
  }

  onWelcome({ session, resumed, subscriptions }) {
    this.resumed = resumed;
    this.session = session;
    if (!resumed) this.received = this.acked = 0;
    for (const { channel, floor } of subscriptions) {
      if (!this.rooms.has(channel))
        this.rooms.set(channel, { floor, last: floor, seen: new Set() });
    }
  }

  onFrame(frame) {
    if (frame.type === 'ping') {
      this.send({ type: 'pong' });
    } else if (frame.type === 'deliveries') {
      for (const item of frame.items) this.take(item);
      this.ackSoon();
      this.onProgress();
    }
  }

  take({ delivery, attempt, message: { channel, seq } }) {
    const room = this.rooms.get(channel);
    this.received = delivery;
    const first = !room.seen.has(seq);
    if (attempt > 1 || !first) this.redeliveries += 1;
    if (!first) return;
    if (seq < room.last)
      this.outOfOrder.push(`${this.name}: ${channel} seq ${seq} came after seq ${room.last}`);
    room.seen.add(seq);
    room.last = Math.max(room.last, seq);
    this.deliveries += 1;
  }

  ackSoon() {
    if (this.received - this.acked >= kAckBatch) this.ack();
    else this.ackTimer ??= setTimeout(() => this.ack(), kAckDelayMs);
  }

  ack() {
    clearTimeout(this.ackTimer);
    this.ackTimer = undefined;
    if (this.received === this.acked) return;
    this.send({ type: 'ack', upTo: this.received });
    this.acked = this.received;
  }

  // The network is gone, in the middle of whatever was on the way. What was not acknowledged counts
  // as never done.
  drop() {
    this.leave();
    this.received = this.acked;
  }

  leave() {
    clearTimeout(this.ackTimer);
    this.ackTimer = undefined;
    const { socket } = this;
    this.socket = null;
    socket?.terminate();
  }

  // How many messages it still has to get, given the last seq of each channel.
  lacking(lastSeqs) {
    let count = 0;
    for (const [channel, { floor, seen }] of this.rooms) {
      count += Math.max(0, (lastSeqs.get(channel) ?? floor) - floor - seen.size);
    }
    return count;
  }

  // The same in words, empty when nothing is missing.
  missing(lastSeqs) {
    const words = [];
    for (const [channel, { floor, seen }] of this.rooms) {
      const lacks = [];
      for (let seq = floor + 1; seq <= (lastSeqs.get(channel) ?? floor); ++seq)
        if (!seen.has(seq)) lacks.push(seq);
      if (lacks.length)
        words.push(`${this.name}: ${lacks.length} of ${channel}, from seq ${lacks[0]}`);
    }
    return words;
  }
}
