// Vectors of Project Wycheproof, selected: docs/reference/test-vectors.md says from where and which. Hexadecimal throughout.
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';

interface Vector {
  tcId: number;
  flags: string[];
  /** Acceptable: right when it is computed, and right when it is refused. */
  result: 'valid' | 'acceptable' | 'invalid';
}

interface GcmVector extends Vector {
  key: string;
  iv: string;
  aad: string;
  msg: string;
  ct: string;
  tag: string;
}

interface SignatureVector extends Vector {
  pk: string;
  msg: string;
  sig: string;
}

interface AgreementVector extends Vector {
  public: string;
  private: string;
  shared: string;
}

interface HkdfVector extends Vector {
  ikm: string;
  salt: string;
  info: string;
  size: number;
  okm: string;
}

function read<T extends Vector>(name: string): T[] {
  const path = fileURLToPath(new URL(`../../fixtures/wycheproof/${name}.json`, import.meta.url));
  return (JSON.parse(fs.readFileSync(path, 'utf8')) as { tests: T[] }).tests;
}

export const gcmVectors = read<GcmVector>('aes-256-gcm');
export const signatureVectors = read<SignatureVector>('ed25519');
export const agreementVectors = read<AgreementVector>('x25519');
export const hkdfVectors = read<HkdfVector>('hkdf-sha512');
