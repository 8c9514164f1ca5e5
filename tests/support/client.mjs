// One WebSocket client, as a test wants it: it does nothing by itself but answer pings, and what
// arrives waits in one queue until the test takes it. It speaks ackwire.v1.json, unless a test, or
// ACKWIRE_PROTOCOL for all of them, says ackwire.v1.binary; frames are the same objects under both.

import WebSocket from 'ws';
import { decodeFrame, encodeFrame } from './binary_frames.mjs';
import { within } from './eventually.mjs';
import { tokenFor } from './tokens.mjs';

const kTimeoutMs = 10_000;
export const kBinary = 'ackwire.v1.binary';
const kProtocol = process.env.ACKWIRE_PROTOCOL ?? 'ackwire.v1.json';

const open = new Set();

export class Client {
  // Opens a socket and sends nothing.
  static async open(
    server,
    { protocol = kProtocol, pong = true, path = '/v1/ws', headers = {} } = {},
  ) {
    const client = new Client(
      new WebSocket(
        `${server.tls ? 'wss' : 'ws'}://${server.http}${path}`,
        protocol ? [protocol] : [],
        { ...server.tls, headers },
      ),
      pong,
    );
    await within(kTimeoutMs, client.opened, () => `a WebSocket to ${server.http}`);
    return client;
  }

  // Opens a socket, sends `connect` with the given fields, and waits for `welcome`.
  static async connect(server, { protocol, pong, ...fields }) {
    const client = await Client.open(server, { protocol, pong });
    client.name = fields.client;
    const token = tokenFor(server.http);
    client.send({ type: 'connect', ...(token === undefined ? {} : { token }), ...fields });
    client.welcome = await client.next('welcome');
    return client;
  }

  constructor(socket, pong) {
    this.socket = socket;
    this.name = '(not connected)';
    this.frames = []; // arrived and not yet taken
    this.pings = 0;
    this.pong = pong;
    this.heard = () => {}; // is called with each frame as it arrives
    this.waiters = new Set();
    this.opened = new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    this.opened.catch(() => {});
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        open.delete(this);
        this.end = { code, reason: reason.toString() };
        this.wake();
        resolve(this.end);
      });
    });
    socket.on('error', () => {}); // a lost connection is seen as its close
    socket.on('message', (data, isBinary) => {
      if (isBinary !== this.isBinary) throw new Error(`a frame that is not of ${socket.protocol}`);
      this.welcomeBytes ??= data.length;
      this.arrived(isBinary ? decodeFrame(data) : JSON.parse(data.toString()));
    });
    open.add(this);
  }

  arrived(frame) {
    this.heard(frame);
    if (frame.type === 'ping') {
      this.pings += 1;
      if (this.pong) this.send({ type: 'pong' });
      this.wake();
      return;
    }
    this.frames.push(frame);
    this.wake();
  }

  wake() {
    for (const waiter of [...this.waiters]) waiter();
  }

  get isBinary() {
    return this.socket.protocol === kBinary;
  }

  send(frame) {
    this.socket.send(this.isBinary ? encodeFrame(frame) : JSON.stringify(frame));
  }

  // Calls `take` now and whenever something arrives, until it returns something else than
  // undefined.
  async waitFor(take, what, timeoutMs = kTimeoutMs) {
    let waiter;
    const taken = new Promise((resolve, reject) => {
      waiter = () => {
        const value = take();
        if (value !== undefined) {
          // Now, not when the promise is seen to be resolved: until then more frames may arrive.
          this.waiters.delete(waiter);
          resolve(value);
        } else if (this.end)
          reject(
            new Error(
              `${this.name} was closed (${this.end.code} ${this.end.reason}) ` +
                `while waiting for ${what}; ${this.inQueue()}`,
            ),
          );
      };
      this.waiters.add(waiter);
      waiter();
    });
    try {
      return await within(timeoutMs, taken, () => `${what} at ${this.name}; ${this.inQueue()}`);
    } finally {
      this.waiters.delete(waiter);
    }
  }

  inQueue() {
    return `arrived and not taken: ${JSON.stringify(this.frames).slice(0, 2000)}`;
  }

  // Takes the first frame of that type that fits, now or later.
  next(type, fits = () => true, timeoutMs = kTimeoutMs) {
    const take = () => {
      const at = this.frames.findIndex((frame) => frame.type === type && fits(frame));
      return at < 0 ? undefined : this.frames.splice(at, 1)[0];
    };
    return this.waitFor(take, `a frame ${type}${fits.length ? ` with ${fits}` : ''}`, timeoutMs);
  }

  takeItem(fits = () => true) {
    for (const [at, frame] of this.frames.entries()) {
      if (frame.type !== 'deliveries') continue;
      const index = frame.items.findIndex(fits);
      if (index < 0) continue;
      const [item] = frame.items.splice(index, 1);
      if (frame.items.length === 0) this.frames.splice(at, 1);
      return item;
    }
    return undefined;
  }

  // Takes the first delivery that fits: {delivery, attempt, replay, message}.
  nextDelivery(fits = () => true, timeoutMs = kTimeoutMs) {
    return this.waitFor(
      () => this.takeItem(fits),
      `a delivery${fits.length ? ` with ${fits}` : ''}`,
      timeoutMs,
    );
  }

  // Takes the next `count` deliveries, whatever frames they came in.
  async collect(count, timeoutMs = kTimeoutMs) {
    const items = [];
    const take = () => {
      for (let item; items.length < count && (item = this.takeItem());) items.push(item);
      return items.length === count ? items : undefined;
    };
    return this.waitFor(take, `${count} deliveries`, timeoutMs).catch((error) => {
      error.message += `; got ${items.length}, the last ${JSON.stringify(items.at(-1) ?? null)}`;
      throw error;
    });
  }

  // Deliveries that have arrived and were not taken.
  get untaken() {
    return this.frames
      .filter((frame) => frame.type === 'deliveries')
      .flatMap((frame) => frame.items);
  }

  subscribe(channel, from, id = 0) {
    this.lastId = id || (this.lastId ?? 1000) + 1;
    const wanted = this.lastId;
    this.send({ type: 'subscribe', id: wanted, channel, ...(from === undefined ? {} : { from }) });
    return this.next('subscribed', (frame) => frame.id === wanted);
  }

  unsubscribe(channel) {
    this.lastId = (this.lastId ?? 1000) + 1;
    const wanted = this.lastId;
    this.send({ type: 'unsubscribe', id: wanted, channel });
    return this.next('unsubscribed', (frame) => frame.id === wanted);
  }

  // Each takes delivery numbers or deliveries.
  ackUpTo(delivery) {
    this.send({ type: 'ack', upTo: number(delivery) });
  }

  ack(...deliveries) {
    this.send({ type: 'ack', deliveries: deliveries.map(number) });
  }

  // Acknowledges and waits until that is on disk.
  confirm(...deliveries) {
    return this.confirmed({ deliveries: deliveries.map(number) });
  }

  confirmUpTo(delivery) {
    return this.confirmed({ upTo: number(delivery) });
  }

  confirmed(fields) {
    this.lastId = (this.lastId ?? 1000) + 1;
    const wanted = this.lastId;
    this.send({ type: 'ack', ...fields, id: wanted });
    return this.next('confirmed', (frame) => frame.id === wanted);
  }

  nack(deliveries, fields = {}) {
    this.send({ type: 'nack', deliveries: [deliveries].flat().map(number), ...fields });
  }

  working(...deliveries) {
    this.send({ type: 'working', deliveries: deliveries.map(number) });
  }

  // Waits until the server has handled all that was sent before, and all it had sent till then has
  // arrived.
  async barrier() {
    await this.subscribe('barrier');
  }

  async close(code = 1000) {
    this.socket.close(code);
    return within(kTimeoutMs, this.closed, () => `the close of ${this.name}`);
  }

  // Ends the connection by a TCP reset.
  reset() {
    this.socket._socket.resetAndDestroy();
  }

  // Ends the connection as a lost network does: no close frame.
  async drop() {
    this.socket.terminate();
    await this.closed;
  }
}

function number(delivery) {
  return typeof delivery === 'object' ? delivery.delivery : delivery;
}

// Drops every connection that is still open: for the end of a test.
export async function dropAll() {
  await Promise.all([...open].map((client) => client.drop()));
}
