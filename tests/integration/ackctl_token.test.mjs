// The token that ackctl is given goes with each call. The server here is one that notes it.

import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import grpc from '@grpc/grpc-js';
import { ackctlWith } from '../support/ackctl.mjs';
import { adminService, status } from '../support/grpc.mjs';

const kToken = 'eyJhbGciOiJub25lIn0.e30.c2VjcmV0';

let seen;
const server = new grpc.Server();
server.addService(adminService, {
  getStatus: (call, answer) => {
    seen = call.metadata.get('authorization');
    answer({ code: status.UNAUTHENTICATED, details: 'who are you?' });
  },
});
const port = await new Promise((resolve, reject) =>
  server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
    error ? reject(error) : resolve(bound),
  ),
);
after(() => server.forceShutdown());
const ask = (variables, ...flags) =>
  ackctlWith(variables, '--server', `127.0.0.1:${port}`, ...flags, 'status');

test('a token comes from its flag, or from the environment', async () => {
  for (const [variables, flags, expected] of [
    [{}, ['--token', kToken], kToken],
    [{ ACKWIRE_TOKEN: kToken }, [], kToken],
    [{ ACKCTL_TOKEN: kToken, ACKWIRE_TOKEN: 'other' }, [], kToken],
    [{ ACKWIRE_TOKEN: 'other' }, ['--token', kToken], kToken],
  ]) {
    const refused = await ask(variables, ...flags);
    assert.deepEqual(seen, [`Bearer ${expected}`]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /who are you\?/);
    assert.ok(!`${refused.stdout}${refused.stderr}`.includes(kToken));
  }
});

test('without a token none is sent, and how to give one is said', async () => {
  const refused = await ask({});
  assert.deepEqual(seen, []);
  assert.match(refused.stderr, /--token or ACKWIRE_TOKEN/);
});
