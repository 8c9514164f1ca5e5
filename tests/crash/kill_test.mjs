// Kills ackwired at random moments under load.

import { setTimeout as after } from 'node:timers/promises';
import { join } from 'node:path';
import { kLoadHelp, loadOptions, runMain, span, wholeNumber } from './options.mjs';
import { startServer } from '../support/server.mjs';
import { checkCounts } from './counts.mjs';
import { kChannels, kFlags, tell } from './story.mjs';

const kHelp = `usage: tests/crash/run kill [options]
  --kills N          how often to kill -9 (default 20)
  --after-ms MIN-MAX how long after it is ready a server is killed (default 50-1500)
  --buffered         with --durability buffered: a kill must not lose anything then either
${kLoadHelp}Example: tests/crash/run kill --kills 100 --seed 7
`;

// Starts it for itself, where nobody writes or reads, and kills it again.
async function countUndisturbed({ dataDir, flags }) {
  const server = await startServer({ dataDir, flags });
  try {
    return await checkCounts(server, kChannels);
  } finally {
    await server.kill();
  }
}

async function main() {
  const wanted = loadOptions({ kills: '20', 'after-ms': '50-1500', buffered: false });
  if (wanted === null) {
    process.stdout.write(kHelp);
    return 0;
  }
  const kills = wholeNumber('kills', wanted.kills);
  const [min, max] = span('after-ms', wanted['after-ms']);
  const buffered = wanted.buffered ? ' --buffered' : '';
  console.log(`kill test: seed ${wanted.seed}, ${kills} kills${buffered}`);
  return tell(wanted, {
    name: 'kill test',
    again: `tests/crash/run kill --seed ${wanted.seed} --kills ${kills}${buffered}`,
    prepare: async (folder) => ({ dataDir: join(folder, 'data') }),
    flags: wanted.buffered ? ['--durability', 'buffered'] : [],
    falls: kills,
    async fall(uptime, number, random, record) {
      const ms = random.between(min, max);
      await after(ms);
      await uptime.crash(
        async () => {},
        async () => {
          const { undelivered } = await countUndisturbed(uptime.server);
          record(`kill after ${String(ms).padStart(4)} ms, ${undelivered} undelivered as counted`);
        },
      );
    },
  });
}

runMain('kill test', main);
