// The real ackctl.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { within } from './eventually.mjs';
import { tokenFor } from './tokens.mjs';

export const kProgram =
  process.env.ACKCTL ?? fileURLToPath(new URL('../../build/release/bin/ackctl', import.meta.url));
const kTimeoutMs = 60_000;

// Promises {code, stdout, stderr, json}; json is undefined when stdout is none.
export function ackctl(...words) {
  const token = words.map(tokenFor).find((each) => each !== undefined);
  return ackctlWith(token === undefined ? {} : { ACKCTL_TOKEN: token }, ...words);
}

// The same, with variables of the environment.
export async function ackctlWith(variables, ...words) {
  const env = { ...process.env, ...variables };
  const child = spawn(kProgram, words.map(String), { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr, json: parsed(stdout) }));
  });
  try {
    return await within(kTimeoutMs, ended, () => `ackctl ${words.join(' ')} to end`);
  } finally {
    child.kill('SIGKILL');
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
