// Certificates of an authority of our own, made by openssl for one test run.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { findProgram } from './servers.js';

export interface Pair {
  certificateFile: string;
  keyFile: string;
}

export interface Certificates {
  folder: string;
  authorityFile: string;
  /** For `localhost`, 127.0.0.1, `*.git.test`, `*.vault.localhost` and the further addresses. */
  server: Pair;
  client: Pair;
  /** Signed by nobody else. */
  selfSigned: Pair;
  remove: () => void;
}

const NAMES = 'subjectAltName=DNS:localhost,DNS:*.git.test,DNS:*.vault.localhost,IP:127.0.0.1';

export function makeCertificates(...addresses: string[]): Certificates {
  const names = [NAMES, ...addresses.map((address) => `IP:${address}`)].join(',');
  const openssl = findProgram('openssl', 'openssl');
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-certificates-'));
  const run = (...args: string[]): void =>
    void execFileSync(openssl, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const pair = (name: string): Pair => ({
    certificateFile: path.join(folder, `${name}.pem`),
    keyFile: path.join(folder, `${name}-key.pem`),
  });
  const selfSign = (name: string, ...more: string[]): Pair => {
    const files = ['-keyout', `${name}-key.pem`, '-out', `${name}.pem`];
    run('req', '-x509', ...newKey, ...files, '-days', '2', '-subj', `/CN=${name}`, ...more);
    return pair(name);
  };
  const sign = (name: string, extension: string): Pair => {
    run('req', ...newKey, '-keyout', `${name}-key.pem`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    fs.writeFileSync(path.join(folder, `${name}.ext`), `${extension}\n`);
    const authority = ['-CA', 'authority.pem', '-CAkey', 'authority-key.pem', '-CAcreateserial'];
    run(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      ...authority,
      '-days',
      '2',
      '-extfile',
      `${name}.ext`,
      '-out',
      `${name}.pem`,
    );
    return pair(name);
  };
  const authority = selfSign('authority', '-addext', 'basicConstraints=critical,CA:TRUE');
  return {
    folder,
    authorityFile: authority.certificateFile,
    server: sign('server', names),
    client: sign('client', 'extendedKeyUsage=clientAuth'),
    selfSigned: selfSign('self-signed', '-addext', names),
    remove: () => fs.rmSync(folder, { recursive: true, force: true }),
  };
}
