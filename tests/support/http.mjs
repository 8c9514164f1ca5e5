// HTTP as plain as it goes, so that bad requests can be made too.

import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { within } from './eventually.mjs';
import { tokenFor } from './tokens.mjs';

const kTimeoutMs = 20_000;

// `address` is HOST:PORT. An object as body goes as JSON, a string or Buffer as it is. Promises
// {status, headers, body, json}; json is undefined when the body is none. An event stream, which
// has no end, is left after its first event. `tls`: options of node's, for https. `anonymous`:
// without a token, of a server with keys too.
export function request(
  address,
  { method = 'GET', path = '/', headers = {}, body, tls, anonymous = false } = {},
) {
  const [host, port] = split(address);
  const asIs = body === undefined || typeof body === 'string' || Buffer.isBuffer(body);
  const bytes = asIs ? body : JSON.stringify(body);
  const answered = new Promise((resolve, reject) => {
    const sent = (tls ? https : http).request(
      {
        ...tls,
        host,
        port,
        method,
        path,
        agent: false,
        headers: {
          ...(asIs ? {} : { 'content-type': 'application/json' }),
          ...(bytes === undefined ? {} : { 'content-length': Buffer.byteLength(bytes) }),
          ...(anonymous ? {} : bearer(address)),
          ...headers,
        },
      },
      (answer) => {
        const parts = [];
        answer.on('data', (part) => parts.push(part));
        if (answer.headers['content-type']?.startsWith('text/event-stream')) {
          answer.on('data', () => {
            const body = Buffer.concat(parts).toString('utf8');
            if (!body.includes('\n\n')) return;
            resolve(answerOf(answer, body));
            answer.destroy();
          });
        }
        answer.on('error', reject);
        answer.on('end', () => resolve(answerOf(answer, Buffer.concat(parts).toString('utf8'))));
      },
    );
    sent.on('error', reject);
    sent.end(bytes);
  });
  return within(kTimeoutMs, answered, () => `the answer to ${method} ${path}`);
}

// Of a server with keys, for whoever brings no token of its own.
function bearer(address) {
  const token = tokenFor(address);
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

function answerOf(answer, body) {
  let json;
  try {
    json = JSON.parse(body);
  } catch {
    json = undefined;
  }
  return { status: answer.statusCode, headers: answer.headers, body, json };
}

export function split(address) {
  const at = address.lastIndexOf(':');
  return [address.slice(0, at), Number(address.slice(at + 1))];
}

// Writes bytes to a TCP socket and promises what came back until `until(text)` holds or the other
// side closed.
export function raw(host, port, bytes, { until = () => false, timeoutMs = kTimeoutMs } = {}) {
  let text = '';
  let socket;
  const done = new Promise((resolve, reject) => {
    socket = net.connect({ host, port: Number(port) }, () => socket.write(bytes));
    socket.setEncoding('latin1');
    socket.on('data', (part) => {
      text += part;
      if (until(text)) resolve(text);
    });
    // A server may close with unread bytes in its buffer, which arrives as a reset after the
    // answer.
    socket.on('error', (error) =>
      error.code === 'ECONNRESET' || error.code === 'EPIPE' ? resolve(text) : reject(error),
    );
    socket.on('close', () => resolve(text));
  });
  return within(
    timeoutMs,
    done,
    () => `the end of the answer to raw bytes; got ${JSON.stringify(text)}`,
  ).finally(() => socket.destroy());
}

// The calls that most tests need.
export function channelPath(channel, ...rest) {
  return ['/v1/channels', encodeURIComponent(channel), 'messages', ...rest].join('/');
}

export function post(server, channel, body, headers = {}) {
  const { http: address, tls } = server;
  return request(address, { method: 'POST', path: channelPath(channel), body, headers, tls });
}

// Publishes and expects it to be stored: promises the answer's body.
export async function publish(server, channel, payload, fields = {}) {
  const answer = await post(server, channel, {
    contentType: 'application/json',
    payload,
    ...fields,
  });
  if (answer.status !== 201)
    throw new Error(`publish to ${channel}: HTTP ${answer.status} ${answer.body}`);
  return answer.json;
}

// Publishes `count` messages one after the other with the payload {"n":1}, {"n":2}, …
export async function publishMany(server, channel, count, fields = {}) {
  const stored = [];
  for (let n = 1; n <= count; ++n) stored.push(await publish(server, channel, { n }, fields));
  return stored;
}

export function history(server, channel, query = '') {
  return request(server.http, { path: channelPath(channel) + query, tls: server.tls });
}
