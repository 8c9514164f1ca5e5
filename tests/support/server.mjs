// A real ackwired as a child process, on free ports and, unless one is given, a directory of its
// own.

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after } from 'node:test';
import { within } from './eventually.mjs';
import { operator, register, writeKeys } from './tokens.mjs';

export const kProgram =
  process.env.ACKWIRED ??
  fileURLToPath(new URL('../../build/release/bin/ackwired', import.meta.url));
const kReadyLine = /^ackwired ready grpc=(\S+) http=(\S+) admin=(\S+)$/m;
const kReadyTimeoutMs = 30_000;
const kExitTimeoutMs = 30_000;
const kShownStderrBytes = 16 * 1024;

const kListeners = ['--grpc', '--http', '--admin'];
const freePort = (flag) => [flag, '127.0.0.1:0'];

const started = new Set();

// Whatever ends this process, no server outlives it; and when a test failed, what the servers said
// is shown.
process.on('exit', (code) => {
  for (const server of started) {
    server.child?.kill('SIGKILL');
    if (code !== 0 && server.stderr) {
      process.stderr.write(
        `--- stderr of ackwired, data in ${server.dataDir}\n` +
          `${server.stderr.slice(-kShownStderrBytes)}\n---\n`,
      );
    }
  }
});

export class Server {
  constructor({ flags, dataDir, env, tokens, ownsDirectory }) {
    Object.assign(this, { flags, dataDir, env, tokens, ownsDirectory });
    this.stdout = '';
    this.stderr = '';
    this.child = null; // set while the process lives
    started.add(this);
  }

  get pid() {
    return this.child?.pid;
  }

  // Of a server with keys: the file that has them.
  get keysFile() {
    return `${this.dataDir}.jwks.json`;
  }

  async launch() {
    if (this.tokens) await writeKeys(this.keysFile);
    const child = spawn(
      kProgram,
      [
        ...kListeners.filter((flag) => !this.flags.includes(flag)).flatMap(freePort),
        '--data-dir',
        this.dataDir,
        ...(this.tokens ? ['--jwt-keys', this.keysFile] : []),
        ...this.flags,
      ],
      { env: { ...process.env, ...this.env }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.child = child;
    this.stdout = '';
    this.exited = new Promise((resolve) => {
      child.once('error', (error) => resolve({ error }));
      child.once('exit', (code, signal) => resolve({ code, signal }));
    }).then((end) => {
      if (this.child === child) this.child = null;
      return end;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      this.stderr += text;
    });
    const ready = new Promise((resolve) => {
      child.stdout.setEncoding('utf8').on('data', (text) => {
        this.stdout += text;
        const line = kReadyLine.exec(this.stdout);
        if (line) resolve(line);
      });
    });
    const died = this.exited.then((end) => {
      const error = new Error(
        `${kProgram} ended before it was ready: ` +
          `${end.error ?? JSON.stringify(end)}\n${this.stderr}`,
      );
      throw Object.assign(error, { end });
    });
    const line = await within(
      kReadyTimeoutMs,
      Promise.race([ready, died]),
      () => `the ready line of ${kProgram}\n${this.stderr}`,
    );
    died.catch(() => {}); // from here on an end is no surprise to this promise
    [, this.grpc, this.http, this.admin] = line;
    if (this.tokens) {
      for (const address of [this.grpc, this.http, this.admin]) register(address, operator());
    }
    return this;
  }

  async signal(name) {
    if (!this.child) return null;
    this.child.kill(name);
    return within(
      kExitTimeoutMs,
      this.exited,
      () => `ackwired to end after ${name}\n${this.stderr}`,
    );
  }

  // Ends the server at once and cleanly.
  async stop() {
    const end = await this.signal('SIGINT');
    if (end && end.code !== 0)
      throw new Error(
        `ackwired ended with ${JSON.stringify(end)} after SIGINT, expected exit 0\n${this.stderr}`,
      );
  }

  // What a crash does.
  async kill() {
    await this.signal('SIGKILL');
  }

  // Starts it again on the same data; the ports are new ones.
  async restart(flags = this.flags) {
    await this.stop();
    this.flags = flags;
    return this.launch();
  }

  async discard() {
    try {
      await this.stop();
    } finally {
      this.child?.kill('SIGKILL');
      if (this.ownsDirectory) await rm(this.dataDir, { recursive: true, force: true });
      await rm(this.keysFile, { force: true });
    }
  }
}

export async function startServer({ flags = [], dataDir, env = {}, tokens = false } = {}) {
  const directory = dataDir ?? (await mkdtemp(join(tmpdir(), 'ackwire-test-')));
  const server = new Server({
    flags,
    dataDir: directory,
    env,
    tokens,
    ownsDirectory: dataDir === undefined,
  });
  try {
    return await server.launch();
  } catch (error) {
    await server.discard().catch(() => {});
    throw error;
  }
}

// A server for the length of one test.
export async function withServer(t, options) {
  const server = await startServer(options);
  t.after(() => server.discard());
  return server;
}

// A server for all tests of a file: called at the top level.
export async function serverForFile(options) {
  const server = await startServer(options);
  after(() => server.discard());
  return server;
}
