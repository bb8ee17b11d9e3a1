import { randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  fingerprint,
  openValue,
  type SealingTarget,
  sealValue,
  TargetRefused,
  type ValuePlace,
} from '../../../src/sealing/client-sealing.js';
import { makeSealingPair, type SealingPair } from '../../../src/sealing/hpke.js';
import { fingerprintOf, Identity } from '../../../src/sealing/identity.js';
import { openSingle, privateKeyOf, publicKeyOf } from './second-hpke.js';

const identity = new Identity(Identity.make());
const place: ValuePlace = {
  scope: 'accounts/acme/orgs/shop',
  secret: 'git-token',
  version: randomUUID(),
  managerScope: 'accounts/acme',
  manager: 'kms',
  expiresAt: 1_800_000_000_000,
};

let pair: SealingPair;
let target: SealingTarget;
beforeAll(async () => {
  pair = await makeSealingPair();
  target = {
    deployment: 'd-1',
    group: 'g0123456789abcdef',
    identityKey: identity.publicKey,
    sealingKey: pair.publicKey,
    signature: identity.sign('sealing-key', pair.publicKey),
  };
});

const seal = (value: string) => sealValue(Buffer.from(value), target, place);
const open = async (sealed: { enc: string; box: string }, more: Partial<ValuePlace> = {}) =>
  Buffer.from(await openValue(sealed, { ...target, ...pair }, { ...place, ...more }));
const decode = (text: string): Buffer => Buffer.from(text, 'base64url');
/** Each with its length before it. */
const fields = (...texts: string[]): Buffer =>
  Buffer.concat(
    texts.map((text) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(Buffer.byteLength(text));
      return Buffer.concat([length, Buffer.from(text)]);
    }),
  );

describe('a value that a client sealed', () => {
  it('is opened by its group, whatever bytes it has', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (value) => {
        const sealed = await sealValue(value, target, place);
        expect(Uint8Array.from(await open(sealed))).toEqual(value);
      }),
      { numRuns: 30 },
    );
  });

  it('is opened by the second implementation, laid out as documented', async () => {
    const { enc, box } = await seal('größe 👍');
    const padded = openSingle(privateKeyOf(decode(pair.privateKey)), publicKeyOf(decode(enc)), {
      enc: decode(enc),
      recipient: decode(pair.publicKey),
      info: fields('sallyport value 1', target.deployment, target.group),
      aad: fields(
        place.scope,
        place.secret,
        place.version,
        place.managerScope,
        place.manager,
        String(place.expiresAt),
      ),
      sealed: decode(box),
    });
    const length = padded.readUInt32BE(0);
    expect(padded.subarray(4, 4 + length).toString()).toBe('größe 👍');
    expect(padded.subarray(4 + length).every((byte) => byte === 0)).toBe(true);
    expect(padded).toHaveLength(64);
  });

  it.each([
    [1, 64],
    [60, 64],
    [61, 128],
    [4_000, 4_096],
    [64 * 1024, 128 * 1024],
  ])('of %i bytes looks like one of %i', async (length, bucket) => {
    const { box } = await sealValue(randomBytes(length), target, place);
    expect(decode(box)).toHaveLength(bucket + 16);
  });

  it('is never the same twice', async () => {
    const [one, two] = [await seal('same'), await seal('same')];
    expect(one.enc).not.toBe(two.enc);
    expect(one.box).not.toBe(two.box);
  });

  it.each([0, 64 * 1024 + 1])('cannot have %i bytes', async (length) => {
    await expect(sealValue(Buffer.alloc(length), target, place)).rejects.toThrow(RangeError);
  });

  it.each<[string, Partial<ValuePlace>]>([
    ['another scope', { scope: 'accounts/acme' }],
    ['another secret', { secret: 'other' }],
    ['another version', { version: randomUUID() }],
    ['a manager of another scope', { managerScope: 'accounts/acme/orgs/shop' }],
    ['another manager', { manager: 'other' }],
    ['a later end', { expiresAt: place.expiresAt + 1 }],
    ['fields that run into one another', { secret: 'git-toke', version: `n${place.version}` }],
  ])('does not open for %s', async (_, more) => {
    await expect(open(await seal('value'), more)).rejects.toThrow();
  });

  it('does not open for another group or deployment, even with the same keys', async () => {
    const sealed = await seal('value');
    for (const more of [{ group: 'g1' }, { deployment: 'd-2' }])
      await expect(openValue(sealed, { ...target, ...pair, ...more }, place)).rejects.toThrow();
  });

  it('does not open with another key, nor when any part of it was changed', async () => {
    const { enc, box } = await seal('value');
    const other = await makeSealingPair();
    await expect(openValue({ enc, box }, { ...target, ...other }, place)).rejects.toThrow();
    for (const part of ['enc', 'box'] as const)
      for (const at of [0, 20, -1]) {
        const bytes = decode({ enc, box }[part]);
        const index = at < 0 ? bytes.length - 1 : at;
        bytes[index] = (bytes[index] ?? 0) ^ 1;
        const changed = { enc, box, [part]: bytes.toString('base64url') };
        await expect(open(changed)).rejects.toThrow();
      }
  });
});

describe('whom a client seals to', () => {
  it('is known by the fingerprint that ssh-keygen would print', async () => {
    expect(await fingerprint(identity.publicKey)).toBe(fingerprintOf(identity.publicKey));
  });

  it('is the pinned identity, or nobody', async () => {
    const pinned = fingerprintOf(identity.publicKey);
    expect((await open(await sealValue(Buffer.from('v'), target, place, pinned))).toString()).toBe('v');
    const other = fingerprintOf(new Identity(Identity.make()).publicKey);
    await expect(sealValue(Buffer.from('v'), target, place, other)).rejects.toThrow(TargetRefused);
  });

  it.each<[string, () => Promise<Partial<SealingTarget>>]>([
    ['that nobody signed', async () => ({ signature: 'A'.repeat(86) })],
    [
      'that another identity signed',
      async () => ({ signature: new Identity(Identity.make()).sign('sealing-key', pair.publicKey) }),
    ],
    ['that was exchanged', async () => ({ sealingKey: (await makeSealingPair()).publicKey })],
    ['signed for another purpose', async () => ({ signature: identity.sign('group-keys', pair.publicKey) })],
    ['of an identity that is no key', async () => ({ identityKey: 'AAAA' })],
  ])('has no sealing key %s', async (_, forge) => {
    await expect(sealValue(Buffer.from('v'), { ...target, ...(await forge()) }, place)).rejects.toThrow(
      TargetRefused,
    );
  });
});
