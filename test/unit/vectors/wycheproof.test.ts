// Project Wycheproof against our own code where it takes what a vector gives: the cipher, the derivation of data keys, sealing.
// The rest goes to the very calls that our code makes, and each test says whose.
import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  hkdfSync,
  type KeyObject,
  verify,
  webcrypto,
} from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decrypt, derive, KEY_BYTES } from '../../../src/envelope/cipher.js';
import { makeSealingPair, Opener, Sealer } from '../../../src/sealing/hpke.js';
import { agreementVectors, gcmVectors, hkdfVectors, signatureVectors } from './wycheproof.js';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const base64url = (text: string): string => hex(text).toString('base64url');

it.each([
  ['AES-256-GCM', gcmVectors, { valid: 24, invalid: 27 }],
  ['Ed25519', signatureVectors, { valid: 11, invalid: 31 }],
  ['X25519', agreementVectors, { valid: 8, acceptable: 28 }],
  ['HKDF-SHA-512', hkdfVectors, { valid: 21, invalid: 1 }],
])('of %s every selected vector is here, once', (_, vectors, counts) => {
  expect(new Set(vectors.map(({ tcId }) => tcId)).size).toBe(vectors.length);
  const results = Object.groupBy<string, { result: string }>(vectors, ({ result }) => result);
  const counted = Object.entries(results).map(([result, some]) => [result, some?.length]);
  expect(Object.fromEntries(counted)).toEqual(counts);
});

describe('AES-256-GCM, by our cipher', () => {
  const opened = (one: (typeof gcmVectors)[number]): string =>
    decrypt(
      { nonce: base64url(one.iv), ciphertext: base64url(one.ct), tag: base64url(one.tag) },
      createSecretKey(hex(one.key)),
      hex(one.aad),
    ).toString('hex');
  const valid = gcmVectors.filter(({ result }) => result === 'valid');
  const invalid = gcmVectors.filter(({ result }) => result === 'invalid');

  it.each(valid)('opens $tcId: $flags', (vector) => {
    expect(opened(vector)).toBe(vector.msg);
  });

  it.each(invalid)('refuses $tcId: $flags', (vector) => {
    expect(() => opened(vector)).toThrow('unable to authenticate data');
  });

  it('refuses those of them for the tag alone', () => {
    const flipped = invalid.find(({ tcId }) => tcId === 130) as (typeof invalid)[number];
    const tag = hex(flipped.tag);
    tag.writeUInt8(tag.readUInt8(0) ^ 1, 0);
    for (const vector of invalid) expect(opened({ ...vector, tag: tag.toString('hex') })).toBe(vector.msg);
  });
});

describe('HKDF-SHA-512', () => {
  const asLongAsTwoKeys = hkdfVectors.filter(({ size }) => size === 2 * KEY_BYTES);
  const others = hkdfVectors.filter(({ size, result }) => size !== 2 * KEY_BYTES && result === 'valid');
  const tooLong = hkdfVectors.filter(({ result }) => result === 'invalid');
  const derived = (one: (typeof hkdfVectors)[number], size: number): string =>
    Buffer.from(hkdfSync('sha512', hex(one.ikm), hex(one.salt), hex(one.info), size)).toString('hex');

  it.each(asLongAsTwoKeys)('derives $tcId, as data keys are derived', ({ ikm, salt, info, okm }) => {
    const { key, commitment } = derive(createSecretKey(hex(ikm)), hex(salt), hex(info));
    expect(Buffer.concat([key.export(), commitment]).toString('hex')).toBe(okm);
    expect(commitment.byteLength).toBe(KEY_BYTES);
    const other = derive(createSecretKey(hex(`${ikm}00`)), hex(salt), hex(info));
    expect(other.commitment).not.toEqual(commitment);
  });

  it.each(others)('derives $tcId with $size bytes, by node:crypto', (vector) => {
    expect(derived(vector, vector.size)).toBe(vector.okm);
  });

  it.each(tooLong)('refuses $tcId with $size bytes but not one byte less, by node:crypto', (vector) => {
    expect(() => derived(vector, vector.size)).toThrow('Invalid key length');
    expect(derived(vector, vector.size - 1)).toHaveLength(2 * (vector.size - 1));
  });
});

describe('Ed25519, by the call of node:crypto that our identities make', () => {
  const publicKey = (pk: string): KeyObject =>
    createPublicKey({ key: hex(`302a300506032b6570032100${pk}`), format: 'der', type: 'spki' });
  const isSigned = ({ pk, msg, sig }: (typeof signatureVectors)[number]): boolean =>
    verify(null, hex(msg), publicKey(pk), hex(sig));
  const valid = signatureVectors.filter(({ result }) => result === 'valid');
  const invalid = signatureVectors.filter(({ result }) => result === 'invalid');
  const keys = [...new Set(signatureVectors.map(({ pk }) => pk))];

  it.each(valid)('verifies $tcId: $flags', (vector) => {
    expect(isSigned(vector)).toBe(true);
  });

  it.each(valid)('refuses $tcId under every other key, and with another message', (vector) => {
    for (const pk of keys.filter((key) => key !== vector.pk)) expect(isSigned({ ...vector, pk })).toBe(false);
    expect(isSigned({ ...vector, msg: `${vector.msg}00` })).toBe(false);
  });

  it.each(invalid)('refuses $tcId: $flags', (vector) => {
    expect(isSigned(vector)).toBe(false);
  });

  it('refuses those with another scalar for what was added: multiples of the order, powers of two, the prime', () => {
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const scalar = ({ sig }: { sig: string }): bigint =>
      BigInt(`0x${hex(sig.slice(64)).reverse().toString('hex')}`);
    const honest = valid.find(({ tcId }) => tcId === 3) as (typeof valid)[number];
    const likeIt = invalid.filter(({ sig }) => sig.length === 128 && sig.startsWith(honest.sig.slice(0, 64)));
    const added = likeIt.map((one) => scalar(one) - scalar(honest));
    expect(added.filter((more) => more % order === 0n)).toEqual([1n, 2n, 4n, 8n].map((n) => n * order));
    expect(added.filter((more) => more % order !== 0n)).toEqual(
      [253n, 254n, 255n].map((n) => 2n ** n).concat(2n ** 255n - 19n),
    );
  });
});

describe('X25519', () => {
  const isZero = ({ flags }: (typeof agreementVectors)[number]): boolean =>
    flags.includes('ZeroSharedSecret');
  const agreeing = agreementVectors.filter((vector) => !isZero(vector));
  const zero = agreementVectors.filter(isZero);
  const pkcs8 = (key: string): Buffer => hex(`302e020100300506032b656e04220420${key}`);

  function agreed(one: (typeof agreementVectors)[number]): string {
    const privateKey = createPrivateKey({ key: pkcs8(one.private), format: 'der', type: 'pkcs8' });
    const spki = hex(`302a300506032b656e032100${one.public}`);
    const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    return diffieHellman({ privateKey, publicKey }).toString('hex');
  }

  async function agreedByWebCrypto(one: (typeof agreementVectors)[number]): Promise<string> {
    const { subtle } = webcrypto;
    const privateKey = await subtle.importKey('pkcs8', pkcs8(one.private), 'X25519', false, ['deriveBits']);
    const shown = await subtle.importKey('raw', hex(one.public), 'X25519', false, []);
    const bits = await subtle.deriveBits({ name: 'X25519', public: shown }, privateKey, 256);
    return Buffer.from(bits).toString('hex');
  }

  it.each(agreeing)('agrees as $tcId, by node:crypto and by WebCrypto: $flags', async (vector) => {
    expect(agreed(vector)).toBe(vector.shared);
    expect(await agreedByWebCrypto(vector)).toBe(vector.shared);
  });

  // They are acceptable either way; RFC 9180, section 7.1.4, wants them refused.
  it.each(zero)('refuses $tcId, by node:crypto and by WebCrypto: $flags', async (vector) => {
    expect(hex(vector.shared)).toEqual(Buffer.alloc(KEY_BYTES));
    expect(() => agreed(vector)).toThrow();
    await expect(agreedByWebCrypto(vector)).rejects.toThrow();
  });

  it.each(zero)(
    '$tcId: nothing is sealed to that public key, or opened from it, by our sealing',
    async (one) => {
      await expect(new Sealer(base64url(one.public), 'info').seal(Buffer.from('x'), 'c')).rejects.toThrow();
      const pair = await makeSealingPair();
      const { box } = await new Sealer(pair.publicKey, 'info').seal(Buffer.from('x'), 'c');
      const opener = new Opener(pair, 'info');
      await expect(opener.open({ enc: base64url(one.public), box }, 'c')).rejects.toThrow('failed');
    },
  );
});
