// An issuer of tokens, and what a test's own calls to a server with keys carry: startServer's
// `tokens: true` has the server take this issuer's keys, and registers an operator's token that may
// do everything for the server's addresses; http.mjs, grpc.mjs, client.mjs and ackctl.mjs send it
// unless the test gives another one.

import { createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { writeFile } from 'node:fs/promises';

const base64url = (value) => Buffer.from(value).toString('base64url');
const secret = randomBytes(32);
const ed25519 = generateKeyPairSync('ed25519');
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const kSigners = {
  HS256: (input, key = secret) => createHmac('sha256', key).update(input).digest(),
  EdDSA: (input) => sign(null, Buffer.from(input), ed25519.privateKey),
  RS256: (input) => sign('sha256', Buffer.from(input), rsa.privateKey),
  ES256: (input) =>
    sign('sha256', Buffer.from(input), { key: p256.privateKey, dsaEncoding: 'ieee-p1363' }),
};
export const kAlgorithms = Object.keys(kSigners);

// What an attacker knows of the keys.
export const publicPem = rsa.publicKey.export({ type: 'spki', format: 'pem' });

export const keySet = {
  keys: [
    { kty: 'oct', kid: 'HS256', alg: 'HS256', k: base64url(secret) },
    { ...ed25519.publicKey.export({ format: 'jwk' }), kid: 'EdDSA' },
    { ...rsa.publicKey.export({ format: 'jwk' }), kid: 'RS256', alg: 'RS256' },
    { ...p256.publicKey.export({ format: 'jwk' }), kid: 'ES256' },
  ],
};

export const inSeconds = (seconds) => Math.floor(Date.now() / 1000) + seconds;

// A token of any header and payload, signed by `signer(input)`.
export function forge(header, payload, signer) {
  const input = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(payload))}`;
  return `${input}.${signer === undefined ? '' : base64url(signer(input))}`;
}

export const hmac = (key) => (input) => kSigners.HS256(input, key);

// A good token of `sub`, with rights, for an hour.
export function issue(sub, rights = {}, { algorithm = 'EdDSA', ...claims } = {}) {
  const payload = { sub, exp: inSeconds(3600), ackwire: rights, ...claims };
  return forge({ alg: algorithm, kid: algorithm, typ: 'JWT' }, payload, kSigners[algorithm]);
}

export const operator = () =>
  issue('alice', { subscribe: ['*'], publish: ['*'], publishAs: true, admin: true });

export const bearer = (token) => ({ authorization: `Bearer ${token}` });

export const writeKeys = (file, set = keySet) => writeFile(file, JSON.stringify(set));

const registered = new Map();
export const register = (address, token) => registered.set(address, token);
// Undefined for a server without keys.
export const tokenFor = (address) => registered.get(address);
