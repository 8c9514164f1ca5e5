// A thread that publishes at a steady rate, whatever becomes of it: each message is tried again,
// with its id, until it is answered. `end` has it finish what is under way, and say all that came
// of it.

import { Agent, request } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';

const { http, rate, rooms, headers: given } = workerData;
const kTickMs = 5;
const kRetryMs = 250;
const kTimeoutMs = 20_000;
const [host, port] = http.split(':');
// No connection is used that HAProxy, which closes what is idle for 10 s, may be closing just now.
const agent = new Agent({ keepAlive: true, timeout: 5_000 });
const answers = []; // when each message was answered, and how long that took
const failures = []; // each try that was no answer: when, and what it was
const unexplained = []; // answers that no restart explains
const lastSeqs = {}; // by channel
let begun = 0;
let pending = 0;
let ending = false;

function post(channel, id, attempt) {
  const path = `/v1/channels/${encodeURIComponent(channel)}/messages`;
  const headers = { ...given, 'idempotency-key': id, 'ackwire-attempt': attempt };
  return new Promise((resolve) => {
    const call = request({ host, port, path, agent, method: 'POST', headers }, (answer) => {
      let body = '';
      answer.on('data', (bytes) => (body += bytes));
      answer.on('error', (error) => resolve({ error: error.code }));
      answer.on('end', () => resolve({ status: answer.statusCode, body }));
    });
    call.setTimeout(kTimeoutMs, () => call.destroy(new Error('no answer in time')));
    call.once('error', (error) => resolve({ error: error.code ?? error.message }));
    call.end(JSON.stringify({ sender: 'publisher', contentType: 'text/plain', payload: id }));
  });
}

async function publish(n) {
  const channel = `room/${n % rooms}`;
  const from = Date.now();
  pending += 1;
  for (let attempt = 1; ; attempt += 1) {
    const { status, body, error } = await post(channel, `m-${n}`, attempt);
    if (status === 200 || status === 201) {
      const { seq } = JSON.parse(body);
      lastSeqs[channel] = Math.max(lastSeqs[channel] ?? 0, seq);
      break;
    }
    const what = error ?? `HTTP ${status}`;
    failures.push({ at: Date.now(), what });
    if (!error && status < 500) {
      unexplained.push(`${what} ${body}`);
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, kRetryMs));
  }
  answers.push({ at: Date.now(), took: Date.now() - from });
  pending -= 1;
  if (ending && pending === 0) finish();
}

function finish() {
  agent.destroy();
  parentPort.postMessage({ published: begun, answers, failures, unexplained, lastSeqs });
  parentPort.close();
}

const start = performance.now();
const ticking = setInterval(() => {
  const due = Math.floor(((performance.now() - start) * rate) / 1000);
  while (begun < due) {
    void publish(begun);
    begun += 1;
  }
}, kTickMs);

parentPort.once('message', () => {
  clearInterval(ticking);
  ending = true;
  if (pending === 0) finish();
});
