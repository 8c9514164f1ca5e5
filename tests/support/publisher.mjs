// A thread that publishes one message after the other, `count` of them or until it is told to stop,
// and then says how long each took to be answered, in milliseconds. Its first message says that it
// has begun.

import { parentPort, workerData } from 'node:worker_threads';
import { Publishing } from './publishing.mjs';

const publishing = new Publishing(workerData.http, workerData.channel);
const took = [];
let stopped = false;

parentPort.once('message', () => {
  stopped = true;
});

for (let n = 0; !stopped && n !== workerData.count; n += 1) {
  const from = performance.now();
  await publishing.publish({ n });
  took.push(performance.now() - from);
  if (n === 0) parentPort.postMessage('begun');
}
publishing.close();
parentPort.postMessage(took);
