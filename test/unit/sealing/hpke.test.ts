import { createCipheriv, createDecipheriv, generateKeyPairSync, randomBytes } from 'node:crypto';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  isPair,
  makeSealingPair,
  Opener,
  type Sealed,
  Sealer,
  type SealingPair,
} from '../../../src/sealing/hpke.js';
import { bytesOf, exported, privateKeyOf, publicKeyOf } from './second-hpke.js';

const INFO = 'test info';
const LABEL = Buffer.from('sallyport sealing key');
const decode = (text: string): Buffer => Buffer.from(text, 'base64url');
const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

let pair: SealingPair;
beforeAll(async () => {
  pair = await makeSealingPair();
});
afterEach(() => {
  vi.useRealTimers();
});

const seal = (message: string, context = 'c', to = pair.publicKey, info = INFO): Promise<Sealed> =>
  new Sealer(to, info).seal(Buffer.from(message), context);

describe('the second implementation', () => {
  // RFC 9180, A.7.1: the base mode of this suite.
  const vector = {
    info: hex('4f6465206f6e2061204772656369616e2055726e'),
    ephemeral: hex('095182b502f1f91f63ba584c7c3ec473d617b8b4c2cec3fad5af7fa6748165ed'),
    recipient: hex('33d196c830a12f9ac65d6e565a590d80f04ee9b19c83c87f2c170d972a812848'),
    enc: hex('e5e8f9bfff6c2f29791fc351d2c25ce1299aa5eaca78a757c0b4fb4bcd830918'),
    exports: [
      [hex(''), '7a36221bd56d50fb51ee65edfd98d06a23c4dc87085aa5866cb7087244bd2a36'],
      [hex('00'), 'd5535b87099c6c3ce80dc112a2671c6ec8e811a2f284f948cec6dd1708ee33f0'],
      [hex('54657374436f6e74657874'), 'ffaabc85a776136ca0c378e5d084c9140ab552b78f039d2e8775f26efff4c70e'],
    ] as const,
  };

  it.each(vector.exports)('exports what RFC 9180 says, context %s', (context, wanted) => {
    const recipient = privateKeyOf(vector.recipient);
    const values = { enc: vector.enc, recipient: bytesOf(recipient), info: vector.info, context };
    expect(bytesOf(privateKeyOf(vector.ephemeral))).toEqual(vector.enc);
    expect(exported(recipient, publicKeyOf(vector.enc), values).toString('hex')).toBe(wanted);
    const sender = exported(privateKeyOf(vector.ephemeral), publicKeyOf(bytesOf(recipient)), values);
    expect(sender.toString('hex')).toBe(wanted);
  });
});

describe('a sealed message', () => {
  it('is opened by the second implementation', async () => {
    const { enc, box } = await seal('from ours', 'the context');
    const values = {
      enc: decode(enc),
      recipient: decode(pair.publicKey),
      info: Buffer.from(INFO),
      context: LABEL,
    };
    const key = exported(privateKeyOf(decode(pair.privateKey)), publicKeyOf(decode(enc)), values);
    const bytes = decode(box);
    const cipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12))
      .setAAD(Buffer.from('the context'))
      .setAuthTag(bytes.subarray(-16));
    expect(text(Buffer.concat([cipher.update(bytes.subarray(12, -16)), cipher.final()]))).toBe('from ours');
  });

  it('of the second implementation is opened', async () => {
    const ephemeral = generateKeyPairSync('x25519').privateKey;
    const enc = bytesOf(ephemeral);
    const values = { enc, recipient: decode(pair.publicKey), info: Buffer.from(INFO), context: LABEL };
    const nonce = randomBytes(12);
    const key = exported(ephemeral, publicKeyOf(decode(pair.publicKey)), values);
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from('there'));
    const parts = [nonce, cipher.update('from theirs'), cipher.final(), cipher.getAuthTag()];
    const sealed = { enc: enc.toString('base64url'), box: Buffer.concat(parts).toString('base64url') };
    expect(text(await new Opener(pair, INFO).open(sealed, 'there'))).toBe('from theirs');
  });

  it.each([0, 1, 65_536])('of %d bytes comes back whole', async (length) => {
    const bytes = randomBytes(length);
    const sealed = await new Sealer(pair.publicKey, INFO).seal(bytes, '');
    expect(await new Opener(pair, INFO).open(sealed, '')).toEqual(bytes);
  });

  it('does not open with another key', async () => {
    const sealed = await seal('x');
    await expect(new Opener(await makeSealingPair(), INFO).open(sealed, 'c')).rejects.toThrow();
    const { publicKey } = await makeSealingPair();
    await expect(new Opener({ ...pair, publicKey }, INFO).open(sealed, 'c')).rejects.toThrow();
  });

  it.each([
    ['another purpose', 'other info', 'c'],
    ['no purpose', '', 'c'],
    ['another context', INFO, 'd'],
    ['no context', INFO, ''],
  ])('does not open for %s', async (_, info, context) => {
    await expect(new Opener(pair, info).open(await seal('x'), context)).rejects.toThrow();
  });

  it('does not open with any bit of it changed', async () => {
    const opener = new Opener(pair, INFO);
    const sealed = await seal('every bit counts');
    for (const field of ['enc', 'box'] as const) {
      const bytes = decode(sealed[field]);
      for (let bit = 0; bit < bytes.length * 8; bit += 1) {
        // X25519 ignores the highest bit of a public key, but HPKE binds the bytes themselves.
        const changed = Buffer.from(bytes);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const altered = { ...sealed, [field]: changed.toString('base64url') };
        await expect(opener.open(altered, 'c'), `${field} bit ${bit}`).rejects.toThrow();
      }
    }
  });

  it.each([
    ['nothing', ''],
    ['less than nonce and tag', 'A'.repeat(36)],
    ['nonce and tag alone', 'A'.repeat(38)],
  ])('is refused when its box holds %s', async (_, box) => {
    const { enc } = await seal('x');
    await expect(new Opener(pair, INFO).open({ enc, box }, 'c')).rejects.toThrow();
  });

  it.each([
    ['none', ''],
    ['31 bytes', 'A'.repeat(42)],
    ['33 bytes', 'A'.repeat(44)],
    ['a point of low order', Buffer.alloc(32).toString('base64url')],
    ['another of low order', Buffer.from([1, ...Buffer.alloc(31)]).toString('base64url')],
  ])('is refused when the sender’s half is %s, and does not hinder the next', async (_, enc) => {
    const opener = new Opener(pair, INFO);
    const sealed = await seal('x');
    await expect(opener.open({ ...sealed, enc }, 'c')).rejects.toThrow();
    expect(text(await opener.open(sealed, 'c'))).toBe('x');
  });
});

describe('a sealer', () => {
  it.each([
    ['of low order', Buffer.alloc(32).toString('base64url')],
    ['of 31 bytes', 'A'.repeat(42)],
    ['of no bytes', ''],
  ])('seals nothing to a key %s, and says so every time', async (_, key) => {
    const sealer = new Sealer(key, INFO);
    await expect(sealer.seal(Buffer.from('x'), 'c')).rejects.toThrow();
    await expect(sealer.seal(Buffer.from('x'), 'c')).rejects.toThrow();
  });

  it('agrees once for many messages, none of which looks like another', async () => {
    const sealer = new Sealer(pair.publicKey, INFO);
    const all = await Promise.all(Array.from({ length: 50 }, () => sealer.seal(Buffer.from('same'), 'c')));
    expect(new Set(all.map(({ enc }) => enc)).size).toBe(1);
    expect(new Set(all.map(({ box }) => box)).size).toBe(50);
    expect(new Set(all.map(({ box }) => decode(box).subarray(0, 12).toString('hex'))).size).toBe(50);
  });

  it('agrees anew after five minutes', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const sealer = new Sealer(pair.publicKey, INFO);
    const opener = new Opener(pair, INFO);
    const first = await sealer.seal(Buffer.from('1'), 'c');
    vi.advanceTimersByTime(5 * 60_000 - 1);
    const second = await sealer.seal(Buffer.from('2'), 'c');
    vi.advanceTimersByTime(1);
    const third = await sealer.seal(Buffer.from('3'), 'c');
    expect(second.enc).toBe(first.enc);
    expect(third.enc).not.toBe(first.enc);
    // What is on its way opens all the same.
    expect(text(await opener.open(third, 'c'))).toBe('3');
    expect(text(await opener.open(first, 'c'))).toBe('1');
  });

  it('agrees anew after so many messages, also when they come at once', async () => {
    const sealer = new Sealer(pair.publicKey, INFO, { ms: 60_000, messages: 3 });
    const all = await Promise.all(Array.from({ length: 9 }, () => sealer.seal(Buffer.from('x'), 'c')));
    const halves = all.map(({ enc }) => enc);
    expect(new Set(halves).size).toBe(3);
    for (const half of halves) expect(halves.filter((enc) => enc === half)).toHaveLength(3);
  });
});

describe('an opener', () => {
  it('opens for more senders than it remembers', async () => {
    const opener = new Opener(pair, INFO);
    const first = await seal('first');
    await opener.open(first, 'c');
    for (let n = 0; n < 1_030; n += 1) await opener.open(await seal(String(n)), 'c');
    expect(text(await opener.open(first, 'c'))).toBe('first');
  });

  it('of a broken key pair refuses, and does not end the process', async () => {
    const sealed = await seal('x');
    const opener = new Opener({ publicKey: 'AAAA', privateKey: 'AAAA' }, INFO);
    await expect(opener.open(sealed, 'c')).rejects.toThrow();
  });
});

describe('a key pair', () => {
  it('is one as it is made', () => {
    expect(isPair(pair)).toBe(true);
    expect(decode(pair.publicKey)).toHaveLength(32);
    expect(decode(pair.privateKey)).toHaveLength(32);
  });

  it('is none of two halves that do not belong together, or of what is no key', async () => {
    const { publicKey } = await makeSealingPair();
    expect(isPair({ ...pair, publicKey })).toBe(false);
    expect(isPair({ ...pair, privateKey: 'AAAA' })).toBe(false);
    expect(isPair({ ...pair, publicKey: '' })).toBe(false);
  });
});
