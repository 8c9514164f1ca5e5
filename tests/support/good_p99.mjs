// How a good client (good_client.mjs) is served: the 99th percentile of its rounds, and what that
// may be beside others who attack or are stuck.

import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { kSlowness } from './eventually.mjs';

const kRounds = 200;
const kTimes = 2;
const kFloorMs = 25 * kSlowness; // less is the machine's, on which the others run too
const kGoodClient = fileURLToPath(new URL('good_client.mjs', import.meta.url));

// In milliseconds.
export async function goodP99(server, channel) {
  const workerData = { http: server.http, channel, rounds: kRounds };
  const worker = new Worker(kGoodClient, { workerData });
  const [took] = await once(worker, 'message'); // an error of the worker's rejects this
  await worker.terminate();
  return took.sort((a, b) => a - b)[Math.floor(took.length * 0.99)];
}

// The most that leaves a client unharmed to which so much is usual.
export const mostUnharmed = (usualMs) => Math.max(kFloorMs, kTimes * usualMs);
