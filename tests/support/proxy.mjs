// HAProxy or nginx before a server, by the files of tools/ops with nothing replaced but addresses,
// the wait that they tell clients of, and where nginx may write.

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.mjs';

const kFiles = { haproxy: 'haproxy.cfg', nginx: 'nginx.conf' };

// How a proxy is run in the foreground. HAProxy does not start where it may not open the files that
// its maxconn takes.
const kCommands = {
  haproxy: ({ file, connections }) => ['haproxy', '-db', '-n', `${connections}`, '-f', file],
  nginx: ({ file, folder }) => [
    'nginx',
    '-p',
    folder,
    '-e',
    'stderr',
    '-c',
    file,
    '-g',
    `daemon off; pid ${folder}/pid;`,
  ],
};

// Below those that the kernel gives to connections: on one of these a connection could sit, or be
// connected to itself, while the server is away.
const kPortsFrom = 20_000;
const kPortsUpTo = 32_000;

async function isFree(port) {
  const server = net.createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

// So many addresses that nobody listens at, for servers that are started again at the same.
export async function fixedAddresses(count) {
  const found = new Set();
  while (found.size < count) {
    const port = kPortsFrom + Math.floor(Math.random() * (kPortsUpTo - kPortsFrom));
    if (await isFree(port)) found.add(`127.0.0.1:${port}`);
  }
  return [...found];
}

export function opsFile(name) {
  return readFileSync(new URL(`../../tools/ops/${name}`, import.meta.url), 'utf8');
}

// Each of `pairs` must stand in the text, and is replaced wherever it does.
function replaced(text, pairs) {
  for (const [from, to] of pairs) {
    if (!text.includes(from)) throw new Error(`${from} is not in\n${text}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

// nginx' folders for what does not fit its memory are for root otherwise.
const kTemporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  .map((name) => `${name}_temp_path ${name};`)
  .join(' ');

function configuration(kind, { listen, server, retryAfterS }) {
  const adminPort = server.admin.split(':')[1];
  return replaced(opsFile(kFiles[kind]), [
    ['127.0.0.1:8080', listen],
    ['127.0.0.1:7480', server.http],
    ['Retry-After 20', `Retry-After ${retryAfterS}`],
    ['"retryAfterMs":20000', `"retryAfterMs":${retryAfterS * 1000}`],
    kind === 'haproxy'
      ? ['port 7490', `port ${adminPort}`]
      : ['access_log off;', `access_log off; ${kTemporary}`],
  ]);
}

// Runs one for the length of a test; promises the address at which it serves clients, so many
// connections at once.
export async function withProxy(t, kind, { server, retryAfterS, connections }) {
  const [listen] = await fixedAddresses(1);
  const folder = mkdtempSync(join(tmpdir(), `ackwire-${kind}-`));
  const file = join(folder, kFiles[kind]);
  writeFileSync(file, configuration(kind, { listen, server, retryAfterS }));
  const [program, ...words] = kCommands[kind]({ file, folder, connections });
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin` };
  const child = spawn(program, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
  let ended;
  const exited = new Promise((resolve) => {
    child.once('error', (error) => resolve((ended = `${error}`)));
    child.once('exit', (code) => resolve((ended = `exit status ${code}`)));
  });
  t.after(async () => {
    child.kill('SIGTERM');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  });
  await eventually(async () => {
    if (ended) throw new Error(`${program}: ${ended}\n${said}`);
    return !(await isFree(Number(listen.split(':')[1])));
  }, `${program} to listen at ${listen}`);
  return listen;
}
