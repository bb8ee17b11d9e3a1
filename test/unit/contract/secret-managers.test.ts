// What the settings of a secret manager may hold: they are kept as they are, and shown to whoever may read them.
import fs from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { ManagerSettings } from '../../../src/contract/secret-managers.js';
import { makeCertificates } from '../../support/certificates.js';

const certificates = makeCertificates();
afterAll(() => certificates.remove());
const [authority, other, key] = [
  certificates.authorityFile,
  certificates.selfSigned.certificateFile,
  certificates.server.keyFile,
].map((file) => fs.readFileSync(file, 'utf8')) as [string, string, string];

const isTaken = (ca: string): boolean =>
  ManagerSettings.safeParse({ kind: 'aws-secrets-manager', region: 'eu-central-1', ca }).success;

describe('the authorities of a secret manager', () => {
  it.each([
    ['one', authority],
    ['several', authority + other],
    ['with empty lines between and none at the end', `${authority}\n\n${other.trimEnd()}`],
    ['with the line ends of Windows', authority.replaceAll('\n', '\r\n')],
  ])('are certificates: %s', (_, ca) => {
    expect(isTaken(ca)).toBe(true);
  });

  it.each([
    ['nothing', ''],
    ['a private key', key],
    ['a private key behind a certificate', authority + key],
    ['a private key between certificates', authority + key + other],
    ['a private key in front of a certificate', key + authority],
    ['words behind a certificate', `${authority}password: hunter2\n`],
    ['a certificate that does not end', authority.slice(0, -30)],
    ['two certificates on one line', authority.trimEnd() + other],
  ])('are not %s', (_, ca) => {
    expect(isTaken(ca)).toBe(false);
  });
});
