// GET /v1/sse as a test wants it: one connection, whose events wait in one queue until the test
// takes them; and a small EventSource, which comes back by itself.

import http from 'node:http';
import https from 'node:https';
import { within } from './eventually.mjs';
import { request, split } from './http.mjs';

const kTimeoutMs = 10_000;

const open = new Set();

// What arrives, as HTML 9.2.6 reads it. Calls `dispatch` with each event that has data.
export class EventReader {
  constructor(dispatch) {
    this.dispatch = dispatch;
    this.rest = '';
    this.lastEventId = '';
    this.retryMs = undefined;
    this.clear();
  }

  clear() {
    this.type = 'message';
    this.data = [];
  }

  feed(text) {
    // A CR at the end may be half of a CRLF.
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop();
    for (const line of lines) this.line(line);
  }

  line(line) {
    if (line === '') {
      const { type, data, lastEventId } = this;
      this.clear();
      if (data.length > 0) this.dispatch({ type, data: data.join('\n'), lastEventId });
      return;
    }
    const [, name, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line);
    if (name === 'event') this.type = value;
    if (name === 'data') this.data.push(value);
    if (name === 'id') this.lastEventId = value;
    if (name === 'retry') this.retryMs = Number(value);
  }
}

export class EventStream {
  // Opens a stream, and waits for its welcome.
  static async open(server, query, headers = {}) {
    const stream = await EventStream.ask(server, query, headers);
    if (stream.status !== 200) throw new Error(`/v1/sse: HTTP ${stream.status}`);
    stream.welcome = await stream.next('welcome');
    return stream;
  }

  // The same session again, from what has arrived of it.
  reopen(query = {}) {
    const { lastEventId } = this;
    return EventStream.open(this.server, { ...this.query, ...query }, {
      'last-event-id': lastEventId,
    });
  }

  // Promises the stream once its answer has begun, whatever that is.
  static ask(server, query, headers = {}) {
    const [host, port] = split(server.http);
    const path = `/v1/sse?${new URLSearchParams(query)}`;
    const answered = new Promise((resolve, reject) => {
      (server.tls ? https : http)
        .get({ host, port, path, headers, agent: false, ...server.tls }, (answer) =>
          resolve(new EventStream(server, query, answer)),
        )
        .on('error', reject);
    });
    return within(kTimeoutMs, answered, () => `the answer to ${path}`);
  }

  constructor(server, query, answer) {
    Object.assign(this, { server, query, answer, status: answer.statusCode });
    this.name = query.client;
    this.events = []; // arrived and not yet taken
    this.text = '';
    this.waiters = new Set();
    this.reader = new EventReader(({ type, data, lastEventId }) => {
      this.lastEventId = lastEventId;
      this.events.push({ type, frame: JSON.parse(data), data, lastEventId });
      for (const waiter of [...this.waiters]) waiter();
    });
    answer.setEncoding('utf8').on('data', (text) => {
      this.text += text;
      this.reader.feed(text);
    });
    this.ended = new Promise((resolve) => {
      const end = (how) => {
        open.delete(this);
        this.end ??= how;
        for (const waiter of [...this.waiters]) waiter();
        resolve(this.end);
      };
      answer.on('end', () => end('whole')).on('error', () => {}).on('close', () => end('cut'));
    });
    open.add(this);
  }

  get session() {
    return this.welcome.session;
  }

  // Calls `take` now and whenever an event arrives, until it returns something else than undefined.
  async waitFor(take, what, timeoutMs = kTimeoutMs) {
    let waiter;
    const arrived = () => `arrived and not taken: ${JSON.stringify(this.events).slice(0, 2000)}`;
    const taken = new Promise((resolve, reject) => {
      waiter = () => {
        const value = take();
        if (value !== undefined) {
          this.waiters.delete(waiter);
          resolve(value);
        } else if (this.end) {
          reject(new Error(`${this.name} ended while waiting for ${what}; ${arrived()}`));
        }
      };
      this.waiters.add(waiter);
      waiter();
    });
    try {
      return await within(timeoutMs, taken, () => `${what} at ${this.name}; ${arrived()}`);
    } finally {
      this.waiters.delete(waiter);
    }
  }

  // Takes the first event of that type, now or later.
  nextEvent(type) {
    const take = () => {
      const at = this.events.findIndex((event) => event.type === type);
      return at < 0 ? undefined : this.events.splice(at, 1)[0];
    };
    return this.waitFor(take, `an event ${type}`);
  }

  async next(type) {
    const { frame } = await this.nextEvent(type);
    return frame;
  }

  // Takes the next `count` deliveries, whatever events they came in.
  async collect(count) {
    const items = [];
    const take = () => {
      while (items.length < count) {
        const event = this.events.find(({ type }) => type === 'deliveries');
        if (event === undefined) return undefined;
        items.push(event.frame.items.shift());
        if (event.frame.items.length === 0) this.events.splice(this.events.indexOf(event), 1);
      }
      return items;
    };
    return this.waitFor(take, `${count} deliveries`);
  }

  // What the client answers: `call` is ack, nack or working.
  post(call, fields) {
    const body = { session: this.session, ...fields };
    const { http: address, tls } = this.server;
    return request(address, { method: 'POST', path: `/v1/${call}`, body, tls });
  }

  // Ends the connection as a lost network does.
  async drop() {
    this.answer.destroy();
    await this.ended;
  }
}

// Drops every stream that is still open: for the end of a test.
export async function dropStreams() {
  await Promise.all([...open].map((stream) => stream.drop()));
}

// Connects again by itself, as browsers do: after `retry`, with the last id, and never after an
// answer other than 200. It shows its connections, in order.
export class SmallEventSource {
  constructor(server, query) {
    this.streams = [];
    this.finished = this.run(server, query);
  }

  async run(server, query) {
    let lastEventId = '';
    let retryMs = 100;
    for (;;) {
      const stream = await EventStream.ask(
        server,
        query,
        lastEventId === '' ? {} : { 'last-event-id': lastEventId },
      );
      if (stream.status !== 200) return stream.status;
      this.streams.push(stream);
      await stream.ended;
      lastEventId = stream.lastEventId ?? lastEventId;
      retryMs = stream.reader.retryMs ?? retryMs;
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
}
