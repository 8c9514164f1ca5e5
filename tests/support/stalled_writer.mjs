// A server whose writer stands still, as it does before a disk that takes its time: what is
// published meanwhile has to wait.

import { spawn } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { within } from './eventually.mjs';
import { publish } from './http.mjs';

const kStopThread = fileURLToPath(new URL('stop_thread.py', import.meta.url));
const kTimeoutMs = 10_000;

async function bytesWrittenByThread(pid) {
  const threads = await readdir(`/proc/${pid}/task`);
  return new Map(
    await Promise.all(
      threads.map(async (thread) => {
        const io = await readFile(`/proc/${pid}/task/${thread}/io`, 'utf8');
        return [thread, Number(/^wchar: (\d+)$/m.exec(io)[1])];
      }),
    ),
  );
}

// The thread that writes what is published.
async function writerOf(server) {
  const before = await bytesWrittenByThread(server.pid);
  await publish(server, 'whose-is-this', 'x'.repeat(100_000));
  const written = [...(await bytesWrittenByThread(server.pid))].map(([thread, bytes]) => [
    thread,
    bytes - (before.get(thread) ?? 0),
  ]);
  return written.sort((a, b) => b[1] - a[1])[0][0];
}

// Promises what lets the writer go on.
export async function stallWriter(server) {
  const stopper = spawn('python3', [kStopThread, await writerOf(server)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => stopper.once('exit', resolve));
  const stopped = new Promise((resolve, reject) => {
    stopper.stdout.once('data', resolve);
    ended.then((code) => reject(new Error(`stop_thread.py ended with ${code}`)));
  });
  await within(kTimeoutMs, stopped, () => 'the writer to stand still');
  return () => {
    stopper.stdin.end();
    return ended;
  };
}
