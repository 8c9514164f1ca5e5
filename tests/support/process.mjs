// What the kernel says of a server's process.

import { readFile, readdir, readlink } from 'node:fs/promises';

// The memory that it has.
export async function residentMiB(server) {
  const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)[1]) / 1024;
}

// How many sockets it has open.
export async function socketsOf(server) {
  const folder = `/proc/${server.pid}/fd`;
  const names = await readdir(folder);
  // One may have been closed meanwhile.
  const linked = (name) => readlink(`${folder}/${name}`).catch(() => '');
  const targets = await Promise.all(names.map(linked));
  return targets.filter((target) => target.startsWith('socket:')).length;
}
