// What happened, one row after the other, for check_history.py. The rows are documented in
// README.md.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';

const kWriteBytes = 64 * 1024;

export class History {
  constructor(path) {
    this.path = path;
    this.waiting = ''; // added and not yet given to the file
    this.file = createWriteStream(path);
    // A history that cannot be written must end the test, not weaken it: rejects then, and never
    // resolves.
    this.failed = once(this.file, 'error').then(([error]) => {
      throw error;
    });
    this.rows = 0;
    this.counts = {};
  }

  add(kind, row) {
    this.waiting += `${JSON.stringify({ kind, ...row })}\n`;
    if (this.waiting.length >= kWriteBytes) this.flush();
    this.rows += 1;
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
  }

  flush() {
    this.file.write(this.waiting);
    this.waiting = '';
  }

  // For who adds more than memory should hold: waits while the file lags.
  async written() {
    if (this.file.writableNeedDrain) await once(this.file, 'drain');
  }

  // The end row is what tells a whole history from a torn one.
  async close() {
    this.add('end', { rows: this.rows + 1 });
    this.flush();
    await new Promise((resolve, reject) => {
      this.file.once('error', reject);
      this.file.end(resolve);
    });
  }
}

// One short string that changes with anything the publisher said, whichever way the message came:
// as written, as delivered, or as read back. Payloads of this test are text.
export function digest({ sender, type, contentType, payload }) {
  const hash = createHash('sha256').update(`${sender}\n${type}\n${contentType}\n`).update(payload);
  return hash.digest('base64url').slice(0, 16);
}

// The same numbers for the same seed (mulberry32).
export class Random {
  constructor(seed) {
    this.state = seed >>> 0;
  }

  // In [0, 1).
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  // A whole number from `low` to `high`, both included.
  between(low, high) {
    return low + Math.floor(this.next() * (high - low + 1));
  }
}
