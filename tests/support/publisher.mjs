// A thread that publishes one message after the other, `count` of them or until it is told to stop,
// and then says how long each took to be answered, in milliseconds. Its first message says that it
// has begun.

import { Agent, request } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';

const [host, port] = workerData.http.split(':');
const path = `/v1/channels/${encodeURIComponent(workerData.channel)}/messages`;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const took = [];
let stopped = false;

parentPort.once('message', () => {
  stopped = true;
});

function publish(payload) {
  return new Promise((resolve, reject) => {
    const call = request({ host, port, path, agent, method: 'POST' }, (answer) => {
      answer.resume();
      answer.once('end', () =>
        answer.statusCode === 201 ? resolve() : reject(new Error(`status ${answer.statusCode}`)),
      );
    });
    call.once('error', reject);
    call.end(JSON.stringify({ sender: 'live', contentType: 'application/json', payload }));
  });
}

for (let n = 0; !stopped && n !== workerData.count; n += 1) {
  const from = performance.now();
  await publish({ n });
  took.push(performance.now() - from);
  if (n === 0) parentPort.postMessage('begun');
}
agent.destroy();
parentPort.postMessage(took);
