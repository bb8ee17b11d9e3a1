import { randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  fingerprint,
  openValue,
  type SealedValue,
  type SealingTarget,
  type SealingTargets,
  sealValue,
  suiteOfRuntime,
  TargetRefused,
  targetIn,
  type ValuePlace,
} from '../../../src/sealing/client-sealing.js';
import { isP256Pair, makeP256Pair, makeSealingPair, type SealingPair } from '../../../src/sealing/hpke.js';
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

describe('the second suite', () => {
  let second: SealingPair;
  let targets: SealingTargets;
  beforeAll(async () => {
    second = await makeP256Pair();
    const signature = identity.sign('sealing-key-p256', second.publicKey);
    targets = { ...target, p256: { sealingKey: second.publicKey, signature } };
  });

  const sealSecond = (to: Partial<SealingTarget> = {}) =>
    sealValue(Buffer.from('value'), { ...targetIn('p256', targets), ...to }, place);
  const openBy = (sealed: SealedValue, by: SealingPair, more: Partial<ValuePlace> = {}) =>
    openValue(sealed, { ...target, ...by }, { ...place, ...more });

  it('is named by what it sealed, and opens by its own pair', async () => {
    const sealed = await sealSecond();
    expect(sealed).toMatchObject({ suite: 'p256' });
    expect(Buffer.from(await openBy(sealed, second)).toString()).toBe('value');
    expect(await seal('value')).not.toHaveProperty('suite');
    await expect(openBy(sealed, second, { secret: 'other' })).rejects.toThrow();
  });

  it('opens for no other pair, and not under the name of the first suite, nor the other way round', async () => {
    const { enc, box } = await sealSecond();
    await expect(openBy({ suite: 'p256', enc, box }, await makeP256Pair())).rejects.toThrow();
    await expect(openBy({ enc, box }, second)).rejects.toThrow();
    await expect(openBy({ enc, box }, pair)).rejects.toThrow();
    const first = await seal('value');
    await expect(openBy({ ...first, suite: 'p256' }, second)).rejects.toThrow();
    await expect(openBy({ suite: 'p256', enc: first.enc, box }, second)).rejects.toThrow();
  });

  it('has pairs that are told from mixed ones', async () => {
    expect(isP256Pair(second)).toBe(true);
    expect(isP256Pair({ ...second, publicKey: (await makeP256Pair()).publicKey })).toBe(false);
    expect(isP256Pair(pair)).toBe(false);
    expect(isP256Pair({ ...second, privateKey: Buffer.alloc(32).toString('base64url') })).toBe(false);
  });

  it.each<[string, () => Partial<SealingTarget>]>([
    [
      'that was signed for the first suite',
      () => ({ signature: identity.sign('sealing-key', second.publicKey) }),
    ],
    [
      'that is the first suite’s, with its signature',
      () => ({ sealingKey: pair.publicKey, signature: target.signature }),
    ],
    ['under the first suite’s name', () => ({ suite: 'x25519' })],
  ])('seals to no key %s', async (_, forge) => {
    await expect(sealSecond(forge())).rejects.toThrow(TargetRefused);
  });

  it.each<[string, Buffer]>([
    ['zeros alone', Buffer.alloc(65)],
    ['a point that is not on the curve', Buffer.concat([Buffer.of(4), Buffer.alloc(64, 1)])],
    ['the point at infinity', Buffer.alloc(1)],
    ['a point that is cut short', Buffer.concat([Buffer.of(4), Buffer.alloc(32, 1)])],
    ['nothing', Buffer.alloc(0)],
  ])('neither seals to nor opens with %s, signed or not', async (_, point) => {
    const sealingKey = point.toString('base64url');
    const signature = identity.sign('sealing-key-p256', sealingKey);
    await expect(sealSecond({ sealingKey, signature })).rejects.toThrow();
    const { box } = await sealSecond();
    await expect(openBy({ suite: 'p256', enc: sealingKey, box }, second)).rejects.toThrow();
  });

  it('is refused where the group has no key of it, which says what to do', () => {
    for (const none of [target, { ...target, p256: null }]) {
      expect(() => targetIn('p256', none)).toThrow(TargetRefused);
      expect(() => targetIn('p256', none)).toThrow(/rotate/);
      expect(targetIn('x25519', none).sealingKey).toBe(pair.publicKey);
    }
  });

  it('is taken where the runtime lacks the first one', async () => {
    expect(await suiteOfRuntime()).toBe('x25519');
    const lacking = { generateKey: () => Promise.reject(new Error('Unrecognized algorithm name')) };
    expect(await suiteOfRuntime(lacking as unknown as typeof crypto.subtle)).toBe('p256');
  });
});
