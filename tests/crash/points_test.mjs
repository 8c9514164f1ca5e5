// Has ackwired kill itself at each crash point of store/crash_point.h, under load.

import { readFile } from 'node:fs/promises';
import { setTimeout as after } from 'node:timers/promises';
import { dirname, join } from 'node:path';
import { ackctl } from '../support/ackctl.mjs';
import { within } from '../support/eventually.mjs';
import { kLoadHelp, loadOptions, runMain, wholeNumber } from './options.mjs';
import { tell } from './story.mjs';

const kHelp = `usage: tests/crash/run points [options]
  --times N          how often at each point (default 1)
  --only NAME        at this point alone
${kLoadHelp}`;
const kHeader = new URL('../../store/crash_point.h', import.meta.url);
const kReachedWithinMs = 30_000;
// How often a server may pass a point before it dies there. It passes most of them many times a
// second; the first time is as good as any other for those it passes seldom.
const kPassesMax = 200;
const kSeldom = /watermark|trim|derived/;
const kAtShutdown = /-shutdown$/;
const kAtBackup = /-backup-/;

async function pointNames() {
  const header = await readFile(kHeader, 'utf8');
  const names = [...header.matchAll(/string_view k\w+ = "([^"]+)"/g)].map(([, name]) => name);
  if (names.length === 0) throw new Error(`no crash points found in ${kHeader.pathname}`);
  return names;
}

function dieAt(name, random) {
  if (kAtShutdown.test(name) || kAtBackup.test(name)) return `${name}:1`;
  return `${name}:${random.between(1, kSeldom.test(name) ? 3 : kPassesMax)}`;
}

// False when it died at its point before it was ready.
async function launchUnlessItDies(server) {
  try {
    await server.launch();
    return true;
  } catch (error) {
    if (error.end?.signal === 'SIGKILL') return false;
    throw error;
  }
}

// Waits for the server to die where it was told to, having told it to end, or to make a backup,
// where that takes it.
async function waitForDeath(uptime, point, random, number) {
  const { server } = uptime;
  let asked = Promise.resolve();
  if (kAtBackup.test(point)) {
    const backup = join(dirname(server.dataDir), `backup-${number}`);
    asked = ackctl('backup', backup, '--no-verify', '--server', server.grpc);
  }
  if (kAtShutdown.test(point.split(':')[0])) {
    await after(random.between(50, 1000));
    uptime.mayRefuse = true;
    server.child.kill('SIGINT');
  }
  const end = await within(kReachedWithinMs, server.exited, () => `the crash at ${point}`);
  await asked;
  if (end.signal !== 'SIGKILL')
    throw new Error(`ended with ${JSON.stringify(end)} instead of dying at ${point}`);
}

async function main() {
  const wanted = loadOptions({ times: '1', only: '' });
  if (wanted === null) {
    process.stdout.write(kHelp);
    return 0;
  }
  const times = wholeNumber('times', wanted.times);
  const known = await pointNames();
  const names = wanted.only ? [wanted.only] : known;
  if (!known.includes(names[0]))
    throw new Error(`--only ${names[0]}: expected one of ${known.join(', ')}`);
  const points = Array.from({ length: times }, () => names).flat();
  console.log(`crash points: seed ${wanted.seed}, ${times} times at each of ${names.length}`);
  return tell(wanted, {
    name: 'crash points',
    again: `tests/crash/run points --seed ${wanted.seed} --times ${times}`,
    prepare: async (folder) => ({ dataDir: join(folder, 'data') }),
    falls: points.length,
    async fall(uptime, number, random, record) {
      const point = dieAt(points[number - 1], random);
      const { server } = uptime;
      const down = async () => {
        server.env = {};
        record(`crash at ${point}`);
      };
      // The server that runs was started without a point: kill -9 makes room for one that has it.
      let diedAtStart = false;
      await uptime.crash(
        async () => {},
        async () => {
          server.env = { ACKWIRE_CRASH_AT: point };
        },
        async () => {
          diedAtStart = !(await launchUnlessItDies(server));
          if (diedAtStart) await down().then(() => server.launch());
        },
      );
      if (!diedAtStart) await uptime.crash(() => waitForDeath(uptime, point, random, number), down);
    },
  });
}

runMain('crash points', main);
