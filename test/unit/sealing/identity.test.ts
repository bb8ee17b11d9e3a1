import { execFileSync } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { fingerprintOf, Identity, isSignedBy, type Purpose } from '../../../src/sealing/identity.js';
import { findProgram } from '../../support/servers.js';

const purposes: Purpose[] = [
  'task',
  'answer',
  'presence',
  'welcome',
  'enrolment',
  'sealing-key',
  'group-keys',
];
const identity = new Identity(Identity.make());
const other = new Identity(Identity.make());

describe('a signature', () => {
  it('is Ed25519 over a line with the purpose, and then the text', () => {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: identity.publicKey };
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    const signature = Buffer.from(identity.sign('task', 'one\ntwo'), 'base64url');
    expect(signature).toHaveLength(64);
    expect(verify(null, Buffer.from('sallyport task 1\none\ntwo'), key, signature)).toBe(true);
  });

  it('counts for its own purpose alone', () => {
    const table = purposes.map((signed) =>
      purposes.filter((asked) => isSignedBy(identity.publicKey, asked, 'x', identity.sign(signed, 'x'))),
    );
    expect(table).toEqual(purposes.map((purpose) => [purpose]));
  });

  it('is not the one of a text that begins like another purpose', () => {
    // Were purpose and text only put one after the other, these would be the same bytes.
    const signature = identity.sign('task', 'answer 1\nx');
    expect(isSignedBy(identity.publicKey, 'answer', 'x', signature)).toBe(false);
    expect(isSignedBy(identity.publicKey, 'task', 'answer 1\nx', signature)).toBe(true);
  });

  it('counts for its own author and text alone', () => {
    const signature = identity.sign('task', 'text');
    expect(isSignedBy(identity.publicKey, 'task', 'text', signature)).toBe(true);
    expect(isSignedBy(other.publicKey, 'task', 'text', signature)).toBe(false);
    expect(isSignedBy(identity.publicKey, 'task', 'text ', signature)).toBe(false);
    expect(isSignedBy(identity.publicKey, 'task', '', signature)).toBe(false);
  });

  it('does not count with any bit of it changed', () => {
    const signature = Buffer.from(identity.sign('answer', 'text'), 'base64url');
    for (let bit = 0; bit < 512; bit += 1) {
      const changed = Buffer.from(signature);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(isSignedBy(identity.publicKey, 'answer', 'text', changed.toString('base64url'))).toBe(false);
    }
  });

  it('does not count when the order of the group is added to it', () => {
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const signature = Buffer.from(identity.sign('task', 'text'), 'base64url');
    const half = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`) + order;
    const bytes = Buffer.from(half.toString(16).padStart(64, '0'), 'hex').reverse();
    const twin = Buffer.concat([signature.subarray(0, 32), bytes]).toString('base64url');
    expect(isSignedBy(identity.publicKey, 'task', 'text', twin)).toBe(false);
  });

  it.each([
    ['no key', '', 86],
    ['a short key', 'AAAA', 86],
    ['a long key', 'A'.repeat(44), 86],
    ['no signature', identity.publicKey, 0],
    ['a short signature', identity.publicKey, 85],
    ['a long signature', identity.publicKey, 88],
  ])('of %s is none', (_, key, length) => {
    expect(isSignedBy(key, 'task', 'text', 'A'.repeat(length))).toBe(false);
  });

  it('is checked for more authors than are remembered', () => {
    const signature = identity.sign('task', 'x');
    for (let n = 0; n < 5_000; n += 1) {
      const key = Buffer.alloc(32);
      key.writeUInt32BE(n);
      isSignedBy(key.toString('base64url'), 'task', 'x', signature);
    }
    expect(isSignedBy(identity.publicKey, 'task', 'x', signature)).toBe(true);
  });
});

describe('an identity', () => {
  it('is another one every time, and the same from the same private key', () => {
    const key = Identity.make();
    expect(new Identity(key).publicKey).toBe(new Identity(key).publicKey);
    expect(new Identity(key).sign('task', 'x')).toBe(new Identity(key).sign('task', 'x'));
    expect(Identity.make()).not.toBe(key);
  });

  it.each(['', 'AAAA', 'A'.repeat(44)])('is not made of %j', (key) => {
    expect(() => new Identity(key)).toThrow();
  });

  it('has the fingerprint that ssh-keygen prints', () => {
    const keygen = findProgram('ssh-keygen', 'openssh-client');
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-fingerprint-'));
    try {
      const file = path.join(folder, 'key.pub');
      fs.writeFileSync(file, `ssh-ed25519 ${sshBlobOf(identity.publicKey).toString('base64')} test\n`);
      const [, printed] = execFileSync(keygen, ['-lf', file], { encoding: 'utf8' }).split(' ');
      expect(fingerprintOf(identity.publicKey)).toBe(printed);
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  });
});

/** RFC 8709: the name of the algorithm and the key, each after its length. */
function sshBlobOf(publicKey: string): Buffer {
  return Buffer.concat(
    [Buffer.from('ssh-ed25519'), Buffer.from(publicKey, 'base64url')].flatMap((part) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(part.length);
      return [length, part];
    }),
  );
}
