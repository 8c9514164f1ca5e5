// What ackwired is told by flags, the environment and the file of --config: which of them holds,
// what --check-config says of it, and what a SIGHUP can change.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { issue, makeAuthority } from '../support/certificates.mjs';
import { eventually, kSlowness } from '../support/eventually.mjs';
import { publish } from '../support/http.mjs';
import { kProgram, withServer } from '../support/server.mjs';

const directory = await mkdtemp(join(tmpdir(), 'ackwire-config-'));
after(() => rm(directory, { recursive: true }));
const file = join(directory, 'ackwired.toml');
const kEndMs = 20_000;

function run(flags, env = {}) {
  const { status, stdout, stderr } = spawnSync(kProgram, flags, {
    env: { PATH: process.env.PATH, ...env },
    encoding: 'utf8',
    timeout: kEndMs * kSlowness,
  });
  return { status, stdout, stderr };
}
const check = (flags, env) => run(['--check-config', ...flags], env);
const lineOf = (text, key) => text.split('\n').find((line) => line.startsWith(`${key} = `));

test('a flag wins over the environment, the environment over the file', async () => {
  await writeFile(file, 'ack_wait = "1s"\nwindow = 1\nmax_attempts = 1\n');
  const env = { ACKWIRE_CONFIG: file, ACKWIRE_WINDOW: '2', ACKWIRE_ACK_WAIT: '2s' };
  const { status, stdout, stderr } = check(['--ack-wait', '3s'], env);
  assert.equal(status, 0, stderr);
  assert.match(lineOf(stdout, 'ack_wait'), /^ack_wait = "3s" +# flag$/);
  assert.match(lineOf(stdout, 'window'), /^window = 2 +# environment: ACKWIRE_WINDOW$/);
  assert.match(lineOf(stdout, 'max_attempts'), /^max_attempts = 1 +# file: .*ackwired\.toml:3$/);
  assert.match(lineOf(stdout, 'max_disconnects'), /^max_disconnects = 10 +# default$/);
  const columns = stdout
    .split('\n')
    .filter((line) => line.length < 100)
    .map((line) => line.search(/ {2}# (flag|file|environment|default)/))
    .filter((at) => at >= 0);
  assert.equal(new Set(columns).size, 1, stdout);
});

test('what is in force can be given back as a file, with the policies', async () => {
  await writeFile(join(directory, 'any.schema.json'), '{"type":"object"}');
  await writeFile(
    file,
    'backoff = ["1s", "9s"]\nmin_free_bytes = 4096\n\n' +
      '[[channel]]\nmatch = "room/*"\nttl = "7d"\nschema = "any.schema.json"\ntypes = [1, 2]\n',
  );
  const first = check(['--config', file, '--journal-retention-bytes', '2GiB']);
  assert.equal(first.status, 0, first.stderr);
  const elsewhere = await mkdtemp(join(directory, 'elsewhere-'));
  const copy = join(elsewhere, 'copy.toml');
  await writeFile(copy, first.stdout);
  const second = check(['--config', copy]);
  assert.equal(second.status, 0, second.stderr);
  const bare = (text) => text.replace(/ +# (flag|file|environment|default).*/g, '');
  assert.equal(bare(second.stdout), bare(first.stdout));
  assert.match(second.stdout, /\[\[channel\]\]/);
  assert.match(second.stdout, /match = ['"]room\/\*['"]/);
});

test('what is wrong is said with its place and what is right, and no server starts', async () => {
  const own = ['--config', file, '--data-dir', join(directory, 'data')];
  const wrong = async (text, why, flags = []) => {
    await writeFile(file, text);
    for (const { status, stdout, stderr } of [check([...own, ...flags]), run([...own, ...flags])]) {
      assert.equal(status, 2, stderr);
      assert.equal(stdout, '');
      assert.match(stderr, why);
    }
  };
  await wrong('ack_wate = "1s"\n', /ackwired\.toml:1: ack_wate: is no key .*is ack_wait meant\?/);
  await wrong('\nack_wait = "soon"\n', /ackwired\.toml:2: ack_wait: .*such as 30s, got "soon"/);
  await wrong('[[channel]]\nmatch = "a"\ntll = "1s"\n', /:3: tll: .*is ttl meant\?/);
  await wrong('[[channel]]\nmatch = "a"\ngrpc = "b:1"\n', /before the first \[\[channel\]\]/);
  await wrong('http = "0.0.0.0:80"\n', /--http: .*--jwt-keys is missing/);
  await wrong('http_tls_cert = "/none"\n', /--http-tls-cert: .*takes --http-tls-key too/);
  await wrong('http_tls_cert = "/none"\nhttp_tls_key = "/none"\n', /cannot read \/none/);
  await wrong('jwt_keys = "/none"\n', /--jwt-keys: cannot read \/none/);
  await wrong('', /--ack-wate: there is no such flag: is --ack-wait meant\?/, ['--ack-wate', '1s']);
});

test('what may be otherwise the next time ends it with another status', async (t) => {
  const server = await withServer(t);
  const refused = ({ http = '127.0.0.1:0', data = join(directory, 'data') }, why) => {
    const free = ['--grpc', '127.0.0.1:0', '--admin', '127.0.0.1:0'];
    const { status, stdout, stderr } = run([...free, '--http', http, '--data-dir', data]);
    assert.deepEqual([status, stdout], [1, ''], stderr);
    assert.match(stderr, why);
  };
  refused({ data: server.dataDir }, /cannot start: --data-dir: /);
  refused({ http: server.http }, /cannot start: --http: /);
});

test('keys are named and never shown', async () => {
  const pair = issue(makeAuthority(directory, 'authority'), directory, 'own');
  await writeFile(file, `http_tls_cert = "${pair.certFile}"\nhttp_tls_key = "${pair.keyFile}"\n`);
  const { status, stdout, stderr } = check(['--config', file]);
  assert.equal(status, 0, stderr);
  assert.match(lineOf(stdout, 'http_tls_key'), /own\.key"/);
  const secret = pair.key.toString().split('\n')[1];
  assert.ok(!`${stdout}${stderr}`.includes(secret));
});

test('a server serves by its file, and says at SIGHUP what waits for the next start', async (t) => {
  await writeFile(file, 'max_attempts = 2\n');
  const server = await withServer(t, { flags: ['--config', file] });
  await publish(server, 'room/1', 1);
  await writeFile(file, 'max_attempts = 3\n\n[[channel]]\nmatch = "room/*"\ntypes = [7]\n');
  server.child.kill('SIGHUP');
  const told = (text) => eventually(() => text.test(server.stderr), `${text} in the log`);
  await told(/SIGHUP: max_attempts is 3 now \(file: .*:1\), .* the next start on; until then: 2/);
  await told(/policies of 1 channel patterns/);
  await assert.rejects(publish(server, 'room/1', 2), /HTTP 400/);
  await writeFile(file, 'max_attempts = 3\nack_weight = "1s"\n');
  server.child.kill('SIGHUP');
  await told(/policies stay as they were: .*:2: ack_weight: .*is ack_wait meant/);
  await assert.rejects(publish(server, 'room/1', 2), /HTTP 400/);
});
