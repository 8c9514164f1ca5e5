// Cuts the power of ackwired's disk at random moments under load.

import { setTimeout as after } from 'node:timers/promises';
import { join } from 'node:path';
import { LoopDisk } from './loop_disk.mjs';
import { kLoadHelp, loadOptions, runMain, span, wholeNumber } from './options.mjs';
import { tell } from './story.mjs';

const kHelp = `usage: tests/crash/run power-cuts [options]
  --cuts N           how often to cut the power (default 10)
  --after-ms MIN-MAX how long after the server is ready (default 50-1500)
  --buffered         with --durability buffered: passes if answered writes are lost, each such loss
                     is found by the checker, and shows in a new epoch
${kLoadHelp}`;
const kDiskBytes = 4 * 2 ** 30; // of a sparse file

async function main() {
  const wanted = loadOptions({ cuts: '10', 'after-ms': '50-1500', buffered: false });
  if (wanted === null) {
    process.stdout.write(kHelp);
    return 0;
  }
  const cuts = wholeNumber('cuts', wanted.cuts);
  const [min, max] = span('after-ms', wanted['after-ms']);
  const buffered = wanted.buffered ? ' --buffered' : '';
  console.log(`power cuts: seed ${wanted.seed}, ${cuts} cuts${buffered}`);
  let disk;
  return tell(wanted, {
    name: 'power cuts',
    again: `tests/crash/run power-cuts --seed ${wanted.seed} --cuts ${cuts}${buffered}`,
    async prepare(folder) {
      disk = await LoopDisk.make(folder, kDiskBytes);
      return { dataDir: join(disk.mountPoint, 'data'), finish: () => disk.unmount() };
    },
    flags: wanted.buffered ? ['--durability', 'buffered'] : [],
    falls: cuts,
    async fall(uptime, number, random, record) {
      const ms = random.between(min, max);
      await after(ms);
      await uptime.crash(
        ({ pid }) => disk.cutPower(pid),
        async () => {
          await disk.powerOn();
          record(`power cut after ${String(ms).padStart(4)} ms`);
        },
      );
    },
    checkFlags: wanted.buffered ? ['--expect-loss'] : [],
  });
}

runMain('power cuts', main);
