// A client as the contract wants it: it acknowledges what it gets, and comes again when it is told
// to. What no rule explains it notes in `unexplained`.

import WebSocket from 'ws';

const kRestart = 1012;
const kUsualWaitMs = 1000; // where nothing says how long

export class ReturningClient {
  // `headers`: of its upgrade.
  constructor(address, { client, channel, headers = {} }) {
    Object.assign(this, { address, client, channel, headers });
    this.last = undefined; // seq, of those that came without a gap before them
    this.again = 0; // deliveries that had come before
    this.refused = []; // when an attempt to connect was refused
    this.welcomed = []; // when it was connected
    this.closed = []; // when it was disconnected
    this.unexplained = [];
    this.waiters = new Set();
  }

  get connected() {
    return this.welcomed.length > this.closed.length;
  }

  // What has happened to it, for whoever finds that it should have been otherwise.
  get story() {
    const times = ['welcomed', 'closed', 'refused'].map((what) => {
      const at = this[what].map((time) => new Date(time).toISOString().slice(14, 23));
      return `${what} ${at.join(' ')}`;
    });
    return `${this.client}: ${times.join('; ')}; ${this.unexplained.join('; ')}`;
  }

  // Resolves when `holds()` does, which is looked at whenever something has happened.
  until(holds) {
    return new Promise((resolve) => {
      const look = () => {
        if (!holds()) return;
        this.waiters.delete(look);
        resolve();
      };
      this.waiters.add(look);
      look();
    });
  }

  changed() {
    for (const look of [...this.waiters]) look();
  }

  connect() {
    const { headers } = this;
    const socket = new WebSocket(`ws://${this.address}/v1/ws`, ['ackwire.v1.json'], { headers });
    this.socket = socket;
    this.draining = undefined;
    socket.on('open', () => {
      const subscriptions = [{ channel: this.channel }];
      this.send({ type: 'connect', client: this.client, subscriptions });
    });
    socket.on('message', (data) => this.hear(JSON.parse(data.toString())));
    socket.on('unexpected-response', (_, answer) => {
      let body = '';
      answer.on('data', (bytes) => (body += bytes));
      answer.on('end', () => this.comeAgain(this.waitOf(answer, body)));
    });
    socket.on('error', (error) => {
      if (!this.leaving) this.unexplained.push(`${this.client}: ${error}`);
    });
    socket.on('close', (code) => this.lose(code));
  }

  // What a refusal says of when to come again.
  waitOf({ statusCode, headers }, body) {
    this.refused.push(Date.now());
    const seconds = Number(headers['retry-after']);
    const away = statusCode === 502 || statusCode === 503;
    if (away && seconds >= 0) return JSON.parse(body).error.retryAfterMs;
    this.unexplained.push(`${this.client}: HTTP ${statusCode} ${body}`);
    return kUsualWaitMs;
  }

  comeAgain(afterMs) {
    if (this.leaving) return;
    this.waiting = setTimeout(() => this.connect(), afterMs);
  }

  lose(code) {
    if (this.connected) this.closed.push(Date.now());
    const told = code === kRestart && this.draining !== undefined;
    if (!told && !this.leaving) this.unexplained.push(`${this.client}: closed ${code}`);
    this.comeAgain(this.draining?.reconnectAfterMs ?? kUsualWaitMs);
    this.changed();
  }

  send(frame) {
    this.socket.send(JSON.stringify(frame));
  }

  hear(frame) {
    if (frame.type === 'welcome') {
      this.welcomed.push(Date.now());
      this.last ??= frame.subscriptions[0].floor;
    } else if (frame.type === 'deliveries') {
      for (const { message } of frame.items) this.take(message);
      this.send({ type: 'ack', upTo: frame.items.at(-1).delivery });
    } else if (frame.type === 'ping') {
      this.send({ type: 'pong' });
    } else if (frame.type === 'draining' && this.draining === undefined) {
      this.draining = frame;
    } else {
      this.unexplained.push(`${this.client}: ${JSON.stringify(frame)}`);
    }
    this.changed();
  }

  take({ channel, seq }) {
    if (channel !== this.channel || seq > this.last + 1) {
      this.unexplained.push(`${this.client}: ${channel} seq ${seq} after ${this.last}`);
    }
    if (seq <= this.last) this.again += 1;
    this.last = Math.max(this.last, seq);
  }

  // Ends it, whatever it waits for.
  drop() {
    this.leaving = true;
    clearTimeout(this.waiting);
    this.socket?.terminate();
  }
}
