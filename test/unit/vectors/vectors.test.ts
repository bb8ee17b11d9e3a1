// Published vectors against our own code: the cipher and the identities as they are; HPKE, HKDF and X25519 by what our code
// calls, in the suites that were published. What was changed in one bit is refused each time.
import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  hkdfSync,
  type KeyObject,
  verify,
} from 'node:crypto';
import {
  AEAD_AES_128_GCM,
  CipherSuite,
  KDF_HKDF_SHA256,
  KEM_DHKEM_P256_HKDF_SHA256,
  KEM_DHKEM_X25519_HKDF_SHA256,
} from 'hpke';
import { describe, expect, it } from 'vitest';
import { decrypt } from '../../../src/envelope/cipher.js';
import { isPair } from '../../../src/sealing/hpke.js';
import { Identity } from '../../../src/sealing/identity.js';
import { aes256Gcm, ed25519, hkdfSha256, hpke, x25519 } from './published.js';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const base64url = (text: string): string => hex(text).toString('base64url');
/** The same with its last bit turned. */
const spoilt = (text: string): string =>
  text.slice(0, -2) + (Number.parseInt(text.slice(-2), 16) ^ 1).toString(16).padStart(2, '0');

describe('HKDF', () => {
  it.each(hkdfSha256)('with SHA-256, as node:crypto has it', ({ ikm, salt, info, okm }) => {
    const derived = Buffer.from(hkdfSync('sha256', hex(ikm), hex(salt), hex(info), okm.length / 2));
    expect(derived.toString('hex')).toBe(okm);
  });
});

describe('AES-256-GCM', () => {
  const opened = (one: (typeof aes256Gcm)[number]): string =>
    decrypt(
      { nonce: base64url(one.nonce), ciphertext: base64url(one.cipher), tag: base64url(one.tag) },
      createSecretKey(hex(one.key)),
      hex(one.aad),
    ).toString('hex');

  it.each(aes256Gcm)('opens what was published: $tag', (vector) => {
    expect(opened(vector)).toBe(vector.text);
  });

  it.each(aes256Gcm)('opens nothing that was changed: $tag', (vector) => {
    for (const changed of [
      { tag: spoilt(vector.tag) },
      { nonce: spoilt(vector.nonce) },
      { key: spoilt(vector.key) },
      { aad: `${vector.aad}00` },
      { cipher: `${vector.cipher}00` },
      { tag: vector.tag.slice(0, 24) },
      { tag: vector.tag.slice(0, 8) },
      { tag: '' },
    ])
      expect(() => opened({ ...vector, ...changed }), JSON.stringify(changed)).toThrow();
  });
});

describe('Ed25519', () => {
  it.each(ed25519)('knows the identity of a published private key: $public', ({ secret, public: wanted }) => {
    expect(new Identity(base64url(secret)).publicKey).toBe(base64url(wanted));
  });

  // Ours signs nothing without its purpose before it, so the bare message goes to the same call of node:crypto.
  it.each(ed25519)(
    'verifies a published signature, by node:crypto: $public',
    ({ message, signature, ...one }) => {
      const der = hex(`302a300506032b6570032100${one.public}`);
      const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
      expect(verify(null, hex(message), key, hex(signature))).toBe(true);
      expect(verify(null, hex(message), key, hex(spoilt(signature)))).toBe(false);
      expect(verify(null, hex(`${message}00`), key, hex(signature))).toBe(false);
      expect(verify(null, hex(message), key, hex(signature.slice(0, -2)))).toBe(false);
    },
  );
});

describe('X25519', () => {
  it.each(x25519.pairs)('knows the pair of a published private key: $public', (pair) => {
    const sealing = { publicKey: base64url(pair.public), privateKey: base64url(pair.private) };
    expect(isPair(sealing)).toBe(true);
    expect(isPair({ ...sealing, publicKey: base64url(spoilt(pair.public)) })).toBe(false);
  });

  it('agrees as it was published', () => {
    const [alice, bob] = x25519.pairs.map(keysOf) as [Keys, Keys];
    for (const [own, other] of [
      [alice, bob],
      [bob, alice],
    ] as const) {
      const shared = diffieHellman({ privateKey: own.privateKey, publicKey: other.publicKey });
      expect(shared.toString('hex')).toBe(x25519.shared);
    }
  });
});

interface Keys {
  privateKey: KeyObject;
  publicKey: KeyObject;
}

function keysOf({ private: own, public: shown }: (typeof x25519.pairs)[number]): Keys {
  const head = { private: '302e020100300506032b656e04220420', public: '302a300506032b656e032100' };
  return {
    privateKey: createPrivateKey({ key: hex(head.private + own), format: 'der', type: 'pkcs8' }),
    publicKey: createPublicKey({ key: hex(head.public + shown), format: 'der', type: 'spki' }),
  };
}

/** No encryption was published of the sequence numbers between: an empty box stands for each, and is counted without being opened. */
const gap = new Uint8Array();
const withGaps: typeof AEAD_AES_128_GCM = () => {
  const aead = AEAD_AES_128_GCM();
  const open: typeof aead.Open = (key, nonce, bound, box) =>
    box.byteLength === 0 ? Promise.resolve(gap) : aead.Open(key, nonce, bound, box);
  return { ...aead, Open: open };
};

describe.each(hpke.suites)('HPKE with $kem', ({ kem, recipient, enc, boxes, exports }) => {
  const kems = { X25519: KEM_DHKEM_X25519_HKDF_SHA256, 'P-256': KEM_DHKEM_P256_HKDF_SHA256 };
  const suite = new CipherSuite(kems[kem], KDF_HKDF_SHA256, withGaps);
  const [, first] = boxes[0] as (typeof boxes)[number];
  const bytes = (text: string): Uint8Array => new Uint8Array(hex(text));
  const receive = async (half: string, info: string) =>
    suite.SetupRecipient(await suite.DeserializePrivateKey(bytes(recipient)), bytes(half), {
      info: bytes(info),
    });
  const aad = (n: number): Uint8Array => new TextEncoder().encode(`Count-${n}`);

  it.each(boxes)('opens what RFC 9180 publishes as number %i', async (n, box) => {
    const context = await receive(enc, hpke.info);
    while (context.seq < n) await context.Open(gap);
    expect(Buffer.from(await context.Open(bytes(box), aad(n))).toString('hex')).toBe(hpke.text);
  });

  it.each(boxes)('opens nothing of it at another number than %i', async (n, box) => {
    const context = await receive(enc, hpke.info);
    while (context.seq < n + 1) await context.Open(gap);
    await expect(context.Open(bytes(box), aad(n))).rejects.toThrow('AEAD decryption failed');
  });

  it.each(exports)('exports what RFC 9180 publishes for the context "%s"', async (label, value) => {
    const exported = await (await receive(enc, hpke.info)).Export(bytes(label), value.length / 2);
    expect(Buffer.from(exported).toString('hex')).toBe(value);
    const other = await (await receive(enc, spoilt(hpke.info))).Export(bytes(label), value.length / 2);
    expect(Buffer.from(other).toString('hex')).not.toBe(value);
  });

  it.each([
    ['the ciphertext', enc, hpke.info, spoilt(first), 0],
    ['what is bound to it', enc, hpke.info, first, 1],
    ['what for it was sealed', enc, spoilt(hpke.info), first, 0],
    ['its length', enc, hpke.info, first.slice(0, -2), 0],
  ])('opens nothing where %s is another', async (_, half, info, box, n) => {
    const context = await receive(half, info);
    await expect(context.Open(bytes(box), aad(n))).rejects.toThrow();
  });
});
