// A thread with many clients of one channel, which at first reject all they get for good, and once
// they are told `well` acknowledge it. It says how many deliveries have come, after each thousand.

import { parentPort, workerData } from 'node:worker_threads';
import WebSocket from 'ws';

const { http, channel, clients } = workerData;
const kSayEvery = 1000;
const sockets = [];
let { well } = workerData;
let came = 0;

function answer(socket, items) {
  const last = items.at(-1).delivery;
  const all = { deliveries: items.map((item) => item.delivery) };
  const frame = well
    ? { type: 'ack', upTo: last }
    : { type: 'nack', ...all, final: true, reason: 'no' };
  socket.send(JSON.stringify(frame));
  const before = came;
  came += items.length;
  if (Math.floor(came / kSayEvery) > Math.floor(before / kSayEvery)) parentPort.postMessage(came);
}

function connect(client) {
  const socket = new WebSocket(`ws://${http}/v1/ws`, ['ackwire.v1.json']);
  sockets.push(socket);
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('open', () =>
      socket.send(JSON.stringify({ type: 'connect', client, subscriptions: [{ channel }] })),
    );
    socket.on('message', (data) => {
      const frame = JSON.parse(data.toString());
      if (frame.type === 'welcome') {
        socket.on('error', () => {}); // the server may be killed
        resolve();
      }
      if (frame.type === 'deliveries') answer(socket, frame.items);
      if (frame.type === 'ping') socket.send('{"type":"pong"}');
    });
  });
}

parentPort.on('message', (what) => {
  if (what === 'well') well = true;
  if (what === 'leave') {
    for (const socket of sockets) socket.terminate();
    parentPort.close();
  }
});
for (let n = 0; n < clients; n += 1) await connect(`crowd/${n}`);
parentPort.postMessage('connected');
