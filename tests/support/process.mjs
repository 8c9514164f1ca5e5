// What the kernel says of a server's process.

import { readFile, readdir } from 'node:fs/promises';

// The memory that it has.
export async function residentMiB(server) {
  const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)[1]) / 1024;
}

// How many files and sockets it has open.
export async function descriptorsOf(server) {
  return (await readdir(`/proc/${server.pid}/fd`)).length;
}
