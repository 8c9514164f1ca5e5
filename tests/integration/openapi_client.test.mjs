// A client generated from what the server says of its API publishes and reads.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import test from 'node:test';
import { promisify } from 'node:util';
import { publish } from '../support/http.mjs';
import { serverForFile } from '../support/server.mjs';

const server = await serverForFile();

const kModules = fileURLToPath(new URL('../node_modules', import.meta.url));
const kClient = fileURLToPath(new URL('../support/generated_client.mts', import.meta.url));
const kCompiler = {
  compilerOptions: {
    strict: true,
    target: 'es2022',
    lib: ['es2022', 'dom'],
    types: [],
    module: 'nodenext',
  },
  files: ['client.mts'],
};

async function run(program, args, cwd) {
  try {
    await promisify(execFile)(join(kModules, '.bin', program), args, { cwd });
  } catch (error) {
    throw new Error(`${program}: ${error.message}\n${error.stdout}${error.stderr}`);
  }
}

// Generates the types from the server's own description, compiles the client, and imports it.
async function makeClient(t) {
  const folder = await mkdtemp(join(tmpdir(), 'ackwire-client-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await symlink(kModules, join(folder, 'node_modules'));
  await copyFile(kClient, join(folder, 'client.mts'));
  const url = `http://${server.http}/v1/openapi.yaml`;
  await run('openapi-typescript', [url, '--output', 'api.d.ts'], folder);
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(kCompiler));
  await run('tsc', ['--project', folder], folder);
  return import(pathToFileURL(join(folder, 'client.mjs')));
}

test('a client generated from the description publishes and reads', async (t) => {
  const { publishAndRead } = await makeClient(t);
  const channel = 'generated/client+1';
  const before = await publish(server, channel, 'before');
  const got = await publishAndRead(`http://${server.http}`, channel);
  assert.deepEqual(got.statuses, [201, 200]);
  assert.equal(got.duplicate, true);
  assert.deepEqual(
    got.messages.map(({ seq, kind, refersTo, payload }) => [seq, kind, refersTo, payload]),
    [
      [before.seq, 'created', 0, 'before'],
      [2, 'created', 0, { text: 'helo' }],
      [3, 'edited', 2, { text: 'hello' }],
      [4, 'deleted', 2, null],
    ],
  );
  const { messageId, sender, type } = got.one;
  assert.deepEqual([messageId, sender, type], ['g-1', 'alice', 7]);
  assert.deepEqual([got.owed, got.code], [0, 'not_found']);
});
