// What callers keep secret is in no line of the log and in no error, whatever the server is told to
// log and whatever is wrong with what came.

import assert from 'node:assert/strict';
import test from 'node:test';
import { Client, dropAll } from '../support/client.mjs';
import { grpcClients } from '../support/grpc.mjs';
import { channelPath, post, raw, request, split } from '../support/http.mjs';
import { startServer } from '../support/server.mjs';

const kSecret = 'planted-5ecret-';
let planted = 0;
const secret = () => `${kSecret}${(planted += 1)}`;
const bearer = () => ({ authorization: `Bearer ${secret()}`, cookie: `session=${secret()}` });

// Each plants secrets, and promises all that it was answered.
const kPlants = {
  'in good requests': async (server) => [
    await post(server, 'c', { contentType: 'text/plain', payload: secret() }, bearer()),
    await request(server.http, { path: '/v1/none', headers: bearer() }),
    await request(server.http, { path: `/v1/openapi.yaml?ticket=${secret()}` }),
    await request(server.http, { path: `/v1/openapi.yaml?${secret()}==` }),
    await request(server.admin, { path: `/metrics?token=${secret()}`, headers: bearer() }),
  ],
  'in payloads that are refused': async (server) => {
    const send = (body) =>
      request(server.http, {
        method: 'POST',
        path: channelPath('c'),
        headers: { 'content-type': 'application/json', ...bearer() },
        body,
      });
    return [
      await send(`{"payload":"${secret()}"`),
      await send(`{"payload":"${secret()}","payload":"${secret()}"}`),
      await send(`{"payload":${secret()}}`),
      await send(`{"contentType":"text/plain","payload":{"a":"${secret()}"}}`),
      await send(`{"contentType":"image/png","payloadBase64":"${secret()}!"}`),
      await send(`{"payload":"${secret()}","type":-1}`),
      await send(`{"payload":"${'x'.repeat(300_000)}${secret()}"}`),
      await send(secret()),
    ];
  },
  'in what is no HTTP': async (server) => {
    const [host, port] = split(server.http);
    const send = (text) => raw(host, port, text);
    const head = `Host: ${server.http}\r\nAuthorization: Bearer ${secret()}\r\n`;
    return [
      await send(`GET / HTTP/1.1\r\n${head}Content-Length: ${secret()}\r\n\r\n`),
      await send(`GET / HTTP/1.1\r\n${head} ${secret()}\r\n\r\n`),
      await send(`${secret()}\r\n\r\n`),
      await send(`GET /${secret()}/../ HTTP/1.1\r\n${head}\r\n`),
      await send(`GET / HTTP/1.1\r\n${head}X: ${secret().repeat(2000)}\r\n\r\n`),
      await send(`GET / HTTP/1.1\r\n${head}Origin: https://${secret()}\r\n\r\n`),
      await send(`GET / HTTP/1.1\r\nHost: ${secret()}\r\nX-Request-Id: ${secret()} x\r\n\r\n`),
    ];
  },
  'in frames': async (server) => {
    const said = [];
    const frames = (token) => [
      `{"type":"connect","client":"a b","token":"${token}"}`,
      `{"type":"connect","client":"c","token":"${token}"`,
      `{"type":"connect","client":"c","token":"${token}","token":"x"}`,
      `{"type":"pong","token":"${token}"}`,
      `{"type":"connect","client":"c","token":["${token}"],"resume":"${secret()}"}`,
    ];
    for (const frame of frames(secret())) {
      const client = await Client.open(server);
      client.heard = (each) => said.push(each);
      client.socket.send(frame);
      const answered = () => client.frames[0] ?? client.end;
      await client.waitFor(answered, 'an answer');
      if (client.end) said.push(client.end);
    }
    const client = await Client.connect(server, { client: 'open', token: secret() });
    client.heard = (each) => said.push(each);
    client.send({ type: 'refresh', id: 1, token: secret() });
    client.send({ type: 'nack', deliveries: [99], reason: 'unknown' });
    await client.barrier();
    await dropAll();
    return said;
  },
  'by gRPC': async (server) => {
    const rpc = grpcClients(server.grpc);
    const headers = { authorization: `Bearer ${secret()}` };
    const payload = Buffer.from(secret());
    const publish = (fields) =>
      rpc.messages.publish({ channel: 'c', payload, ...fields }, headers).catch((error) => ({
        code: error.code,
        details: error.details,
      }));
    const { messageId, ...told } = await publish({});
    const answers = [told, await publish({ channel: 'a b' }), await publish({ type: 70_000 })];
    answers.push(await publish({ messageId, payload: Buffer.from(secret()) }));
    rpc.close();
    return answers;
  },
};

for (const format of ['text', 'json'])
  test(`no secret is told, with a log of ${format}`, async () => {
    const server = await startServer({ flags: ['--access-log', 'on', '--log-format', format] });
    try {
      for (const [what, plant] of Object.entries(kPlants)) {
        for (const answer of await plant(server)) {
          const told = JSON.stringify(answer);
          assert.ok(!told.includes(kSecret), `${what}: ${told}`);
        }
      }
    } finally {
      await server.discard();
    }
    const log = server.stdout + server.stderr;
    const told = log.split('\n').filter((line) => line.includes(kSecret));
    assert.deepEqual(told, []);
    const lines = server.stderr.trim().split('\n');
    if (format === 'json') for (const line of lines) JSON.parse(line);
    const requests = lines.filter((line) => /\baccess\b/.test(line));
    assert.ok(requests.length > 15, `${requests.length} requests in the log`);
    assert.ok(requests.some((line) => line.includes('/v1/openapi.yaml?*')), requests.join('\n'));
  });
