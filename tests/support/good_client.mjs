// A thread with one client that does as it should: it publishes a message, gets it as a delivery,
// acknowledges it, and publishes the next, `rounds` times. Then it says how long each round took,
// in milliseconds.

import { parentPort, workerData } from 'node:worker_threads';
import WebSocket from 'ws';
import { Publishing } from './publishing.mjs';

const { http, channel, rounds } = workerData;
const publishing = new Publishing(http, channel);
const socket = new WebSocket(`ws://${http}/v1/ws`, ['ackwire.v1.json']);
const took = [];
let arrived;

async function goRound() {
  while (took.length < rounds) {
    const from = performance.now();
    const there = new Promise((resolve) => (arrived = resolve));
    await publishing.publish({ n: took.length });
    await there;
    took.push(performance.now() - from);
  }
  publishing.close();
  socket.terminate();
  parentPort.postMessage(took);
}

socket.once('open', () =>
  socket.send(
    JSON.stringify({ type: 'connect', client: channel, subscriptions: [{ channel }] }),
  ),
);
socket.on('close', (code) => {
  if (took.length < rounds) throw new Error(`the good client was closed ${code}`);
});
socket.on('message', (data) => {
  const frame = JSON.parse(data.toString());
  if (frame.type === 'welcome') void goRound();
  if (frame.type === 'ping') socket.send('{"type":"pong"}');
  if (frame.type !== 'deliveries') return;
  socket.send(JSON.stringify({ type: 'ack', upTo: frame.items.at(-1).delivery }));
  arrived();
});
