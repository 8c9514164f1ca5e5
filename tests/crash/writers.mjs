// Writers that never give up: a write that a kill cut off is sent again, under the same message id,
// until it is answered.

import { setTimeout as after } from 'node:timers/promises';
import { grpcClients } from '../support/grpc.mjs';
import { channelPath } from '../support/http.mjs';
import { within } from '../support/eventually.mjs';
import { digest } from './history.mjs';

const kInFlight = 8;
const kInFlightInBulk = 1000;
const kBurstsASecond = 100;
const kAnswerTimeoutMs = 20_000;
const kContentType = 'text/plain';

// HTTP POST over kept-alive connections.
export class HttpPublisher {
  constructor(uptime) {
    this.uptime = uptime;
  }

  async publish({ channel, ...body }) {
    const answer = await fetch(`http://${this.uptime.server.http}${channelPath(channel)}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    if (answer.status !== 200 && answer.status !== 201)
      throw new Refused(`HTTP ${answer.status} ${text}`);
    return JSON.parse(text);
  }

  close() {}
}

// One PublishStream for each process of the server; answers come in the order of the requests.
// What is published in one turn of the event loop goes as one batch.
export class StreamPublisher {
  constructor(uptime) {
    this.uptime = uptime;
    this.process = 0;
  }

  publish({ channel, payload, ...rest }) {
    if (this.process !== this.uptime.process) this.open();
    if (this.batch.length === 0) setImmediate(this.send);
    this.batch.push({ channel, payload: Buffer.from(payload), ...rest });
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  open() {
    this.close();
    this.process = this.uptime.process;
    this.clients = grpcClients(this.uptime.server.grpc);
    const stream = this.clients.messages.publishStream();
    const waiting = [];
    stream.on('data', ({ results }) => {
      for (const { published, error } of results) {
        const { resolve, reject } = waiting.shift();
        if (error) reject(new Refused(`PublishStream: code ${error.code} ${error.message}`));
        else resolve(published);
      }
    });
    const batch = [];
    const send = () => stream.write({ requests: batch.splice(0) });
    const broken = (error) => {
      if (this.stream === stream) this.process = 0; // the next write opens another
      waiting.splice(0).forEach(({ reject }) => reject(error));
    };
    stream.on('error', broken);
    stream.on('end', () => broken(new Error('PublishStream was ended by the server')));
    Object.assign(this, { stream, waiting, batch, send });
  }

  close() {
    this.stream?.end();
    this.clients?.close();
  }
}

// The server understood and said no, which it never should here.
class Refused extends Error {}

export class Writer {
  // `inBulk`: small messages, sent in bursts, with many in flight.
  constructor({ name, channels, publisher, uptime, history, random, rate, inBulk = false }) {
    Object.assign(this, { name, channels, publisher, uptime, history, random, inBulk });
    this.inFlight = inBulk ? kInFlightInBulk : kInFlight;
    this.burst = inBulk ? Math.ceil(rate / kBurstsASecond) : 1;
    this.everyMs = (1000 * this.burst) / rate;
    this.made = 0;
    this.stopping = false;
  }

  // Writes until stop(), and ends once all is answered.
  async run() {
    const open = new Set();
    let wake = () => {};
    let failure = null;
    let nextAt = performance.now();
    while (!this.stopping && !failure) {
      for (let left = this.burst; left > 0; --left) {
        const write = this.write(this.newMessage())
          .catch((error) => {
            failure ??= error;
          })
          .finally(() => {
            open.delete(write);
            wake();
          });
        open.add(write);
      }
      // A pace, not a quota: time lost while the server was down is not made up for.
      nextAt = Math.max(nextAt + this.everyMs, performance.now());
      await after(nextAt - performance.now());
      while (open.size >= this.inFlight) {
        await new Promise((resolve) => {
          wake = resolve;
        });
      }
    }
    await Promise.all(open);
    this.publisher.close();
    if (failure) throw failure;
  }

  stop() {
    this.stopping = true;
  }

  newMessage() {
    this.made += 1;
    const length = this.newLength();
    const message = {
      channel: this.channels[this.random.between(0, this.channels.length - 1)],
      messageId: `${this.name}:${this.made}`,
      sender: this.name,
      type: this.random.between(0, 65_535),
      contentType: kContentType,
      payload: `${this.made} \u{1f525} ${this.random
        .between(0, 2 ** 30)
        .toString(36)
        .repeat(length)
        .slice(0, length)}`,
    };
    this.history.add('write', {
      channel: message.channel,
      messageId: message.messageId,
      hash: digest(message),
    });
    return message;
  }

  newLength() {
    if (this.inBulk) return this.random.between(1, 40);
    const big = this.random.next() < 0.02;
    return big ? this.random.between(4_000, 40_000) : this.random.between(1, 400);
  }

  async write(message) {
    for (;;) {
      const process = await this.uptime.up();
      try {
        const { channel, messageId, seq, position, duplicate, epoch } = await within(
          kAnswerTimeoutMs,
          this.publisher.publish(message),
          () => `the answer to ${message.messageId}`,
        );
        this.history.add('answered', { channel, messageId, seq, position, duplicate, epoch });
        return;
      } catch (error) {
        const refused = error instanceof Refused;
        if (refused ? !this.uptime.couldRefuse(process) : !this.uptime.isLost(process)) {
          throw new Error(`writer ${this.name}, message ${message.messageId}: ${error.message}`, {
            cause: error,
          });
        }
      }
    }
  }
}
