import {
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomBytes,
  randomUUID,
} from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Envelope,
  type EnvelopeContext,
  openEnvelope,
  plaintextBytesMax,
  sealEnvelope,
  type WrappingKey,
} from '../../../src/envelope/envelope.js';
import { codeOr, failureOf } from '../support/refusals.js';

const context: EnvelopeContext = { deployment: 'd-1', scope: 'accounts/acme/orgs/shop', secret: 'git-token' };
const raw = randomBytes(32);
const wrapping: WrappingKey = { id: 'key-1', key: createSecretKey(raw) };
const other: WrappingKey = { id: 'key-2', key: createSecretKey(randomBytes(32)) };
const ring = (id: string): KeyObject | undefined => [wrapping, other].find((key) => key.id === id)?.key;

const seal = (text = 'correct-horse', more: Partial<EnvelopeContext> = {}, key = wrapping): Envelope =>
  sealEnvelope(Buffer.from(text), key, { ...context, ...more, version: randomUUID() });
const open = (envelope: Envelope, more: Partial<EnvelopeContext> = {}, find = ring): string =>
  openEnvelope(envelope, find, { ...context, ...more }).use((bytes) => bytes.toString());

/** Why it stays shut. */
function refusalOf(envelope: Envelope, more: Partial<EnvelopeContext> = {}, find = ring): string {
  const failure = failureOf(() => open(envelope, more, find));
  expect(failure).toMatchObject({ code: 'SECRET_UNREADABLE', data: { secret: context.secret } });
  expect(JSON.stringify(failure.toWire())).not.toContain('correct-horse');
  return (failure.data as { reason: string }).reason;
}

const CHANGED = 'it was changed, or was made for another place';
const DAMAGED = 'the envelope is damaged';

describe('an envelope', () => {
  it('gives back the bytes it was sealed with', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
        const sealed = sealEnvelope(bytes, wrapping, { ...context, version: randomUUID() });
        const secret = openEnvelope(JSON.parse(JSON.stringify(sealed)) as Envelope, ring, context);
        expect(secret.use((lent) => Uint8Array.from(lent))).toEqual(bytes);
        secret.wipe();
      }),
    );
  });

  it('is of the form that is stored', () => {
    const sealed = seal();
    expect(Envelope.parse(sealed)).toEqual(sealed);
    expect(sealed).toMatchObject({ format: 'sallyport-1', keyId: 'key-1' });
  });

  it('holds nothing of its content in the clear, and only its length in the ciphertext', () => {
    const sealed = seal('correct-horse');
    const everything = JSON.stringify(sealed);
    for (const form of ['base64', 'base64url', 'hex', 'utf8'] as const)
      expect(everything).not.toContain(Buffer.from('correct-horse').toString(form));
    expect(Buffer.from(sealed.payload.ciphertext, 'base64url')).toHaveLength('correct-horse'.length);
  });

  it('is never the same twice: no part of it is used again', () => {
    const version = randomUUID();
    const parts = Array.from({ length: 50 }, () =>
      sealEnvelope(Buffer.from('same'), wrapping, { ...context, version }),
    ).flatMap(({ wrap, payload }) => [...Object.values(wrap), ...Object.values(payload)]);
    expect(new Set(parts).size).toBe(parts.length);
  });

  it.each([1, plaintextBytesMax])('may hold %i bytes', (length) => {
    expect(open(seal('x'.repeat(length)))).toHaveLength(length);
  });

  it.each([0, plaintextBytesMax + 1])('may not hold %i bytes', (length) => {
    expect(failureOf(() => seal('x'.repeat(length)))).toMatchObject({
      code: 'INPUT_REFUSED',
      data: { field: 'value' },
    });
  });

  it('leaves the caller’s bytes alone when it is sealed', () => {
    const bytes = Buffer.from('correct-horse');
    sealEnvelope(bytes, wrapping, { ...context, version: randomUUID() });
    expect(bytes.toString()).toBe('correct-horse');
  });
});

describe('what an envelope is bound to', () => {
  it.each([
    ['another deployment', { deployment: 'd-2' }],
    ['another scope', { scope: 'accounts/acme' }],
    ['a scope below', { scope: 'accounts/acme/orgs/shop/projects/web' }],
    ['another secret', { secret: 'git-token-2' }],
    ['letters of another case', { scope: 'accounts/ACME/orgs/shop' }],
    [
      'the end of one field at the beginning of the next',
      { deployment: 'd-1a', scope: 'ccounts/acme/orgs/shop' },
    ],
    ['two fields changed for one another', { deployment: context.scope, scope: context.deployment }],
    ['nothing', { deployment: '' }],
  ])('keeps it shut for %s', (_, more) => {
    const envelope = seal();
    const failure = failureOf(() => open(envelope, more));
    expect(failure).toMatchObject({ code: 'SECRET_UNREADABLE', data: { reason: CHANGED } });
  });

  it('is its version, too', () => {
    expect(refusalOf({ ...seal(), version: randomUUID() })).toBe(CHANGED);
  });

  it('is the key it was wrapped with, by bytes and by id', () => {
    const envelope = seal();
    expect(refusalOf(envelope, {}, () => other.key)).toBe(CHANGED);
    expect(refusalOf({ ...envelope, keyId: 'key-2' })).toBe(CHANGED);
    expect(refusalOf({ ...envelope, keyId: 'key-2' }, {}, () => wrapping.key)).toBe(CHANGED);
  });

  it('is asked for by the id it names, and refused where that is not there', () => {
    expect(refusalOf({ ...seal(), keyId: 'key-9' })).toBe('key key-9 is not in the key file');
  });

  it('is every field alone, for any names', () => {
    const name = fc.string({ unit: 'grapheme', maxLength: 12 });
    fc.assert(
      fc.property(fc.tuple(name, name, name), fc.tuple(name, name, name), (one, two) => {
        const place = ([deployment, scope, secret]: [string, string, string]) => ({
          deployment,
          scope,
          secret,
        });
        const envelope = sealEnvelope(Buffer.from('x'), wrapping, { ...place(one), version: randomUUID() });
        const isSame = one.every((text, index) => text === two[index]);
        const outcome = codeOr(() => openEnvelope(envelope, ring, place(two)).use(String));
        expect(outcome).toBe(isSame ? 'x' : 'SECRET_UNREADABLE');
      }),
    );
  });
});

type Part = 'wrap' | 'payload';
const fields: [Part, string][] = [
  ['wrap', 'salt'],
  ['wrap', 'nonce'],
  ['wrap', 'ciphertext'],
  ['wrap', 'tag'],
  ['payload', 'salt'],
  ['payload', 'commitment'],
  ['payload', 'nonce'],
  ['payload', 'ciphertext'],
  ['payload', 'tag'],
];
const bytesOf = (envelope: Envelope, part: Part, field: string): Buffer =>
  Buffer.from((envelope[part] as Record<string, string>)[field] ?? '', 'base64url');
const withBytes = (envelope: Envelope, part: Part, field: string, bytes: Uint8Array): Envelope => ({
  ...envelope,
  [part]: { ...envelope[part], [field]: Buffer.from(bytes).toString('base64url') },
});

describe('an envelope that was changed', () => {
  it.each(fields)('in any bit of %s.%s stays shut', (part, field) => {
    const envelope = seal();
    const length = bytesOf(envelope, part, field).byteLength;
    fc.assert(
      fc.property(fc.nat(length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const bytes = bytesOf(envelope, part, field);
        bytes[at] = (bytes[at] ?? 0) ^ mask;
        expect(refusalOf(withBytes(envelope, part, field, bytes))).toBe(CHANGED);
      }),
    );
  });

  it.each(fields)('in each byte of %s.%s stays shut', (part, field) => {
    const envelope = seal();
    for (let at = 0; at < bytesOf(envelope, part, field).byteLength; at++) {
      const bytes = bytesOf(envelope, part, field);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      expect(refusalOf(withBytes(envelope, part, field, bytes))).toBe(CHANGED);
    }
  });

  it.each(['wrap', 'payload'] as const)('by a shorter tag of its %s is damaged, however short', (part) => {
    const envelope = seal();
    for (const length of [0, 4, 8, 12, 13, 14, 15, 17, 32]) {
      const tag = Buffer.concat([bytesOf(envelope, part, 'tag'), Buffer.alloc(16)]).subarray(0, length);
      expect(refusalOf(withBytes(envelope, part, 'tag', tag))).toBe(DAMAGED);
    }
  });

  it.each(fields.filter(([, field]) => field !== 'tag'))(
    'by the length of %s.%s stays shut',
    (part, field) => {
      const envelope = seal();
      const bytes = bytesOf(envelope, part, field);
      for (const changed of [bytes.subarray(1), Buffer.concat([bytes, Buffer.alloc(1)])])
        expect([CHANGED, DAMAGED]).toContain(refusalOf(withBytes(envelope, part, field, changed)));
    },
  );

  it.each<[string, (envelope: Envelope) => unknown]>([
    ['without a part', (envelope) => ({ ...envelope, wrap: undefined })],
    ['with a part too many', (envelope) => ({ ...envelope, extra: 1 })],
    ['of another format', (envelope) => ({ ...envelope, format: 'sallyport-2' })],
    ['whose version is none', (envelope) => ({ ...envelope, version: '1' })],
    ['whose key id is none', (envelope) => ({ ...envelope, keyId: '../key' })],
    [
      'with bytes in another alphabet',
      (envelope) => ({ ...envelope, wrap: { ...envelope.wrap, salt: `${'+'.repeat(43)}` } }),
    ],
    [
      'with padding',
      (envelope) => ({ ...envelope, wrap: { ...envelope.wrap, salt: `${envelope.wrap.salt}=` } }),
    ],
    ['that is null', () => null],
    ['that is a text', () => 'sallyport-1'],
  ])('%s is damaged', (_, change) => {
    expect(refusalOf(change(seal()) as Envelope)).toBe(DAMAGED);
  });

  it('is damaged where the format does not fit, before any key is looked for', () => {
    const asked: string[] = [];
    refusalOf({ ...seal(), keyId: 'no such key!' }, {}, (id) => {
      asked.push(id);
      return undefined;
    });
    expect(asked).toEqual([]);
  });
});

describe('parts of two envelopes', () => {
  it('do not fit: a wrapped key that was moved stays shut', () => {
    const [one, two] = [seal('one'), seal('two')];
    expect(refusalOf({ ...one, wrap: two.wrap })).toBe(CHANGED);
    expect(refusalOf({ ...one, payload: two.payload })).toBe(CHANGED);
  });

  it('do not fit even where both are of one version of one secret', () => {
    const version = randomUUID();
    const [one, two] = [1, 2].map(() =>
      sealEnvelope(Buffer.from('x'), wrapping, { ...context, version }),
    ) as [Envelope, Envelope];
    expect(refusalOf({ ...one, wrap: two.wrap })).toBe(CHANGED);
  });

  it('do not fit with another commitment, although the ciphertext would open', () => {
    const [one, two] = [seal('one'), seal('two')];
    expect(refusalOf({ ...one, payload: { ...one.payload, commitment: two.payload.commitment } })).toBe(
      CHANGED,
    );
  });

  it('do not stand in for each other: the wrapping is no payload', () => {
    const envelope = seal();
    const payload = { ...envelope.payload, ...envelope.wrap };
    expect(refusalOf({ ...envelope, payload })).toBe(CHANGED);
  });
});

/** RFC 5869, by hand. */
function hkdf(key: Buffer, salt: Buffer, info: Buffer, length: number): Buffer {
  const pseudorandom = createHmac('sha512', salt).update(key).digest();
  let block = Buffer.alloc(0);
  let output = Buffer.alloc(0);
  for (let counter = 1; output.length < length; counter++) {
    block = createHmac('sha512', pseudorandom)
      .update(block)
      .update(info)
      .update(Buffer.from([counter]))
      .digest();
    output = Buffer.concat([output, block]);
  }
  return output.subarray(0, length);
}

const encode = (...texts: string[]): Buffer =>
  Buffer.concat(
    texts.map((text) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(Buffer.byteLength(text));
      return Buffer.concat([length, Buffer.from(text)]);
    }),
  );

function decrypt(key: Buffer, info: Buffer, { nonce, ciphertext, tag }: Envelope['wrap']): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64url'), {
    authTagLength: 16,
  });
  decipher.setAAD(info).setAuthTag(Buffer.from(tag, 'base64url'));
  return Buffer.concat([decipher.update(Buffer.from(ciphertext, 'base64url')), decipher.final()]);
}

describe('the layout', () => {
  it('is the documented one: opened by hand, with nothing of ours', () => {
    const { keyId, version, wrap, payload } = seal('größe 👍');
    const bound = ['sallyport-1', context.deployment, context.scope, context.secret, version];
    const wrapInfo = encode(...bound, 'dek-wrap', keyId);
    const wrapKey = hkdf(raw, Buffer.from(wrap.salt, 'base64url'), wrapInfo, 64).subarray(0, 32);
    const dataKey = decrypt(wrapKey, wrapInfo, wrap);
    expect(dataKey).toHaveLength(32);
    const info = encode(...bound, 'payload', '');
    const derived = hkdf(dataKey, Buffer.from(payload.salt, 'base64url'), info, 64);
    expect(derived.subarray(32).toString('base64url')).toBe(payload.commitment);
    expect(decrypt(derived.subarray(0, 32), info, { ...payload }).toString()).toBe('größe 👍');
  });

  it('binds the payload to no wrapping key, so that it can be wrapped anew and stay the same', () => {
    const { version, wrap, payload, keyId } = seal('kept');
    const bound = ['sallyport-1', context.deployment, context.scope, context.secret, version];
    const wrapInfo = encode(...bound, 'dek-wrap', keyId);
    const wrapKey = hkdf(raw, Buffer.from(wrap.salt, 'base64url'), wrapInfo, 64).subarray(0, 32);
    const info = encode(...bound, 'payload', '');
    const key = hkdf(decrypt(wrapKey, wrapInfo, wrap), Buffer.from(payload.salt, 'base64url'), info, 64);
    expect(info.includes(keyId)).toBe(false);
    expect(decrypt(key.subarray(0, 32), info, payload).toString()).toBe('kept');
  });
});
