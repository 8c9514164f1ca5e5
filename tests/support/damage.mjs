// Damage on a disk.

import assert from 'node:assert/strict';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

// Of a record that has more than one of RocksDB's 32 KiB blocks: damage to it leaves those behind
// it.
export const kDamagedBytes = 60_000;

// Flips a byte of each file below db/ that holds the text.
export async function damage(dataDir, text) {
  let damaged = 0;
  for (const name of await readdir(join(dataDir, 'db'))) {
    const path = join(dataDir, 'db', name);
    const bytes = await readFile(path);
    const at = bytes.indexOf(text);
    if (at < 0 || !/\.(log|sst)$/.test(name)) continue;
    bytes[at] ^= 0x55;
    await writeFile(path, bytes);
    damaged += 1;
  }
  assert.ok(damaged > 0, `no file holds ${text}`);
}
