// A thread that publishes one message after the other, receives it as a client, and acknowledges
// it: until it is told to stop, and then says how long each took from its publishing until its
// acknowledgement was confirmed, in milliseconds.

import { parentPort, workerData } from 'node:worker_threads';
import WebSocket from 'ws';
import { Publishing } from './publishing.mjs';

const { http, channel, everyMs } = workerData;
const publishing = new Publishing(http, channel);
const took = [];
let stopped = false;
let confirmed = () => {};

const socket = new WebSocket(`ws://${http}/v1/ws`, ['ackwire.v1.json']);
socket.once('open', () =>
  socket.send(
    JSON.stringify({ type: 'connect', client: 'live', subscriptions: [{ channel }] }),
  ),
);
await new Promise((resolve) => {
  socket.on('message', (data) => {
    const frame = JSON.parse(data.toString());
    if (frame.type === 'welcome') resolve();
    if (frame.type === 'confirmed') confirmed();
    if (frame.type === 'ping') socket.send('{"type":"pong"}');
    if (frame.type !== 'deliveries') return;
    const upTo = frame.items.at(-1).delivery;
    socket.send(JSON.stringify({ type: 'ack', upTo, id: upTo }));
  });
});
parentPort.once('message', () => {
  stopped = true;
});

for (let n = 0; !stopped; n += 1) {
  const from = performance.now();
  const done = new Promise((resolve) => (confirmed = resolve));
  await publishing.publish({ n });
  await done;
  took.push(performance.now() - from);
  await new Promise((resolve) => setTimeout(resolve, everyMs));
}
publishing.close();
socket.terminate();
parentPort.postMessage(took);
