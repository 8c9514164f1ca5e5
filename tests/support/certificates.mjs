// Certificates, made by openssl: an authority of one's own, and what it issues.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const kNewKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-sha256'];

// Files in PEM, and what is in them.
function pair(directory, name) {
  const certFile = join(directory, `${name}.pem`);
  const keyFile = join(directory, `${name}.key`);
  return {
    certFile,
    keyFile,
    get cert() {
      return readFileSync(certFile);
    },
    get key() {
      return readFileSync(keyFile);
    },
  };
}

function request(made, name, ...more) {
  execFileSync(
    'openssl',
    ['req', '-x509', ...kNewKey, '-days', '2', '-subj', `/CN=${name}`, ...more].concat([
      '-keyout',
      made.keyFile,
      '-out',
      made.certFile,
    ]),
    { stdio: 'pipe' },
  );
  return made;
}

export function makeAuthority(directory, name) {
  return request(pair(directory, name), name);
}

// For 127.0.0.1 and localhost, by the authority. `name` is the files' and the subject's.
export function issue(authority, directory, name) {
  return request(
    pair(directory, name),
    name,
    ...['-CA', authority.certFile, '-CAkey', authority.keyFile],
    ...['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'],
    ...['-addext', 'basicConstraints=critical,CA:FALSE'],
  );
}
