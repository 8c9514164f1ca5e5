// The chat that is played: who speaks where, and the log as requests at the pace of a chat.

import { readFile } from 'node:fs/promises';
import { setTimeout as after } from 'node:timers/promises';

const kSample = new URL('sample.jsonl', import.meta.url);
const kTickMs = 20; // how often the publisher sends what is due

// The sample, who speaks in which room, and who speaks most.
export async function loadSample(clients) {
  const lines = (await readFile(kSample, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const spoken = new Map();
  const pairs = new Map();
  for (const { room, sender } of lines) {
    spoken.set(sender, (spoken.get(sender) ?? 0) + 1);
    pairs.set(`${room} ${sender}`, { client: sender, channel: room, fromNew: true });
  }
  const busiest = [...spoken.keys()].sort((one, other) => spoken.get(other) - spoken.get(one));
  return {
    lines,
    senders: new Set(busiest),
    rooms: [...new Set(lines.map(({ room }) => room))],
    requests: [...pairs.values()],
    online: busiest.slice(0, clients),
  };
}

export function* requestsOf(lines) {
  for (const [index, { room, at, sender, text }] of lines.entries()) {
    yield {
      channel: room,
      messageId: `sample:${index + 1}`,
      sender,
      contentType: 'application/json',
      payload: Buffer.from(JSON.stringify({ at, text })),
    };
  }
}

// Batches of requests, so many a second.
export async function* paced(requests, rate) {
  const started = performance.now();
  let sent = 0;
  let batch = [];
  for (const request of requests) {
    batch.push(request);
    if (batch.length < Math.ceil((rate * kTickMs) / 1000)) continue;
    yield batch;
    sent += batch.length;
    batch = [];
    await after(Math.max(0, started + (sent * 1000) / rate - performance.now()));
  }
  if (batch.length) yield batch;
}
