// A WebSocket as bytes on a TCP socket: frames are built to be as wrong as a test wants them, and
// every byte of the server's is checked against RFC 6455.

import { createHash, randomBytes } from 'node:crypto';
import net from 'node:net';
import { within } from './eventually.mjs';
import { split } from './http.mjs';

const kTimeoutMs = 10_000;
const kGuid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'; // RFC 6455, 1.3
const kMask = Buffer.from([0x37, 0xfa, 0x21, 0x3d]); // that of the RFC's example, 5.7
const kCutBytes = 997;
const kBytesSentSinglyMax = 2048;

export const opcode = { cont: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

// One frame of a client. `length` may differ from the payload's, `form` from the shortest: 7, 16
// or 64 bits.
export function frame(code, payload = '', options = {}) {
  const bytes = Buffer.from(payload);
  const { fin = true, rsv = 0, mask = kMask, masked = true, length = bytes.length } = options;
  const form = options.form ?? (length < 126 ? 7 : length < 65_536 ? 16 : 64);
  const head = Buffer.alloc(form === 7 ? 2 : form === 16 ? 4 : 10);
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | code;
  head[1] = (masked ? 0x80 : 0) | (form === 7 ? length : form === 16 ? 126 : 127);
  if (form === 16) head.writeUInt16BE(length, 2);
  if (form === 64) head.writeBigUInt64BE(BigInt(length), 2);
  if (!masked) return Buffer.concat([head, bytes]);
  return Buffer.concat([head, mask, bytes.map((byte, at) => byte ^ mask[at % 4])]);
}

export const text = (payload, options) => frame(opcode.text, payload, options);
export const binary = (payload, options) => frame(opcode.binary, payload, options);
export const cont = (payload, options) => frame(opcode.cont, payload, options);
export const ping = (payload, options) => frame(opcode.ping, payload, options);
export const pong = (payload, options) => frame(opcode.pong, payload, options);

export function closing(code, reason = '', options = {}) {
  const status = Buffer.from([code >> 8, code & 0xff]);
  return frame(opcode.close, Buffer.concat([status, Buffer.from(reason)]), options);
}

// A text message in one fragment for each part, all but the first of them continuations.
export function fragments(...parts) {
  return parts.map((part, at) =>
    frame(at === 0 ? opcode.text : opcode.cont, part, { fin: at === parts.length - 1 }),
  );
}

export const acceptOf = (key) =>
  createHash('sha1')
    .update(key + kGuid)
    .digest('base64');

function isUtf8(bytes) {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

// Takes the server's bytes apart. What RFC 6455 forbids it ends up in `problems`.
export class ServerFrames {
  constructor() {
    this.rest = Buffer.alloc(0);
    this.parts = null; // of the text message that is arriving
    this.texts = [];
    this.pongs = [];
    this.pings = 0;
    this.close = null; // {code, reason} once it came; code undefined where there is none
    this.problems = [];
  }

  push(bytes) {
    this.rest = Buffer.concat([this.rest, bytes]);
    for (let next; (next = this.#takeFrame());) this.#arrived(next);
  }

  #takeFrame() {
    const rest = this.rest;
    if (rest.length < 2) return null;
    const masked = (rest[1] & 0x80) !== 0;
    const short = rest[1] & 0x7f;
    const head = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + (masked ? 4 : 0);
    if (rest.length < head) return null;
    let length = short;
    if (short === 126) length = rest.readUInt16BE(2);
    if (short === 127) length = Number(rest.readBigUInt64BE(2));
    if (rest.length < head + length) return null;
    this.rest = rest.subarray(head + length);
    if (masked) this.problems.push('a masked frame');
    if (rest[0] & 0x70) this.problems.push(`reserved bits ${(rest[0] >> 4) & 7}`);
    if ((short === 126 && length < 126) || (short === 127 && length < 65_536))
      this.problems.push(`length ${length} in the longer form ${short}`);
    const payload = rest.subarray(head, head + length);
    return { code: rest[0] & 0x0f, fin: (rest[0] & 0x80) !== 0, payload };
  }

  #arrived({ code, fin, payload }) {
    if (this.close) return this.problems.push(`a frame of opcode ${code} after the close frame`);
    if (code >= 8 && !fin) this.problems.push(`a fragmented control frame ${code}`);
    if (code >= 8 && payload.length > 125)
      this.problems.push(`a control frame of ${payload.length} bytes`);
    switch (code) {
      case opcode.text:
        if (this.parts) this.problems.push('a new message within a message');
        this.parts = [payload];
        return fin && this.#textEnded();
      case opcode.cont:
        if (!this.parts) return this.problems.push('a continuation of nothing');
        this.parts.push(payload);
        return fin && this.#textEnded();
      case opcode.close:
        return this.#closed(payload);
      case opcode.ping:
        return (this.pings += 1);
      case opcode.pong:
        return this.pongs.push(payload);
      default:
        return this.problems.push(`a frame of opcode ${code}`);
    }
  }

  #textEnded() {
    const bytes = Buffer.concat(this.parts);
    this.parts = null;
    if (!isUtf8(bytes)) this.problems.push('text that is not UTF-8');
    this.texts.push(bytes.toString());
  }

  #closed(payload) {
    const reason = payload.subarray(2);
    if (payload.length === 1) this.problems.push('a close frame of one byte');
    if (!isUtf8(reason)) this.problems.push('a close reason that is not UTF-8');
    const code = payload.length >= 2 ? payload.readUInt16BE(0) : undefined;
    if (code < 1000 || (code >= 1004 && code <= 1006) || (code >= 1015 && code < 3000))
      this.problems.push(`the close code ${code}, which nobody may send`);
    this.close = { code, reason: reason.toString() };
  }
}

export class RawWebSocket {
  // Opens a TCP connection and has it upgraded.
  static async open(address, { timeoutMs = kTimeoutMs } = {}) {
    const raw = new RawWebSocket(address, timeoutMs);
    const key = randomBytes(16).toString('base64');
    raw.socket.write(
      `GET /v1/ws HTTP/1.1\r\nHost: ${address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    );
    await raw.waitFor(() => raw.head !== null, 'the answer to the upgrade');
    if (!raw.head.startsWith('HTTP/1.1 101 ') || !raw.head.includes(acceptOf(key)))
      throw new Error(`not upgraded: ${raw.head}`);
    return raw;
  }

  constructor(address, timeoutMs) {
    this.timeoutMs = timeoutMs;
    const [host, port] = split(address);
    this.head = null; // of the answer to the upgrade
    this.received = Buffer.alloc(0); // until the head is whole
    this.frames = new ServerFrames();
    this.ended = false; // the server closed its side
    this.error = null; // such as ECONNRESET
    this.waiters = new Set();
    // So that a connection ends when the server ends it, and not by this side's doing.
    this.socket = net.connect({ host, port, allowHalfOpen: true, noDelay: true });
    this.socket.on('data', (bytes) => this.#take(bytes));
    this.socket.on('end', () => this.#changed((this.ended = true)));
    this.socket.on('error', (error) => this.#changed((this.error = error)));
  }

  get over() {
    return this.ended || this.error !== null;
  }

  get closing() {
    return this.frames.close !== null || this.over;
  }

  #take(bytes) {
    if (this.head !== null) this.frames.push(bytes);
    else {
      this.received = Buffer.concat([this.received, bytes]);
      const end = this.received.indexOf('\r\n\r\n');
      if (end >= 0) {
        this.head = this.received.subarray(0, end).toString('latin1');
        this.frames.push(this.received.subarray(end + 4));
      }
    }
    this.#changed();
  }

  #changed() {
    for (const waiter of [...this.waiters]) waiter();
  }

  waitFor(holds, what) {
    const held = new Promise((resolve, reject) => {
      const waiter = () => {
        if (!holds() && !this.over) return;
        this.waiters.delete(waiter);
        if (holds()) resolve();
        else
          reject(new Error(`the connection ended (${this.error?.code ?? 'FIN'}) before ${what}`));
      };
      this.waiters.add(waiter);
      waiter();
    });
    return within(this.timeoutMs, held, () => what);
  }

  // Writes the bytes at once, or with `singly` each in a write of its own (of long ones, 997 each);
  // whatever the server has to say meanwhile is heard. Stops when the server closes, and tells by
  // false that it did.
  async write(bytes, { singly = false } = {}) {
    const cut = !singly ? bytes.length : bytes.length > kBytesSentSinglyMax ? kCutBytes : 1;
    for (let at = 0; at < bytes.length; at += cut) {
      if (this.closing) return false;
      this.socket.write(bytes.subarray(at, at + cut));
      if (singly) await new Promise((resolve) => setImmediate(resolve));
    }
    return true;
  }

  discard() {
    this.socket.destroy();
  }
}
