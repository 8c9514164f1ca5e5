// A recorder asks about deliveries at random while much happens, and notes what it is told; later
// the server says of each of these moments the same.

import assert from 'node:assert/strict';
import { toTimestamp } from './grpc.mjs';
import { aMoment } from './moment.mjs';

const inShort = ({ state, reason, attempts }) => [
  state,
  reason,
  attempts.map((each) => [each.number, each.reason]),
];

export class Recorder {
  // `subscriptions` is what it asks about, as they are listed.
  constructor(rpc, subscriptions) {
    Object.assign(this, { rpc, subscriptions, notes: [], asked: 0 });
  }

  ask(question) {
    return this.rpc.deliveries.explainDelivery(question);
  }

  // Notes one answer, unless it changed around its moment.
  async note() {
    const pick = (count) => Math.floor(Math.random() * count);
    const { client, channel, lastSeq } = this.subscriptions[pick(this.subscriptions.length)];
    if (lastSeq === 0) return;
    const question = { client, channel, seq: 1 + pick(lastSeq) };
    this.asked += 1;
    const before = inShort(await this.ask(question));
    const at = await aMoment();
    const after = inShort(await this.ask(question));
    if (JSON.stringify(before) === JSON.stringify(after)) {
      this.notes.push({ question, at, told: after });
    }
  }

  // Takes notes until stop is called.
  start() {
    this.going = true;
    this.ended = (async () => {
      while (this.going) await this.note();
    })();
  }

  // Takes as many more as are lacking from `count`.
  async stop(count) {
    this.going = false;
    await this.ended;
    while (this.notes.length < count) await this.note();
  }

  // Promises how many were of a delivery that was not settled then.
  async check() {
    let unsettled = 0;
    for (const { question, at, told } of this.notes) {
      const then = inShort(await this.ask({ ...question, at: toTimestamp(at) }));
      assert.deepEqual(then, told, `${JSON.stringify(question)} at ${new Date(at).toISOString()}`);
      if (!/ACKED|ABANDONED|NOT_OWED/.test(told[0])) unsettled += 1;
    }
    return unsettled;
  }
}
