// Whether bytes are in a server's data directory.

import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from './eventually.mjs';

// Compression leaves it as it is.
export const aSecret = () => randomBytes(24).toString('base64url');

// The files that hold them.
export async function filesWith(server, text) {
  const found = [];
  const entries = await readdir(server.dataDir, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath ?? entry.path, entry.name);
    const bytes = await readFile(path).catch(() => Buffer.alloc(0)); // gone meanwhile
    if (bytes.includes(text)) found.push(path);
  }
  return found;
}

// Waits until none does.
export const erased = (server, text, withinMs = 60_000) =>
  eventually(
    async () => (await filesWith(server, text)).length === 0,
    'its bytes to be gone from the disk',
    withinMs,
  );
