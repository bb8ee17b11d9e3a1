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
import type { Ciphertext } from '../../../src/envelope/cipher.js';
import { Envelope, plaintextBytesMax } from '../../../src/envelope/envelope.js';
import { EnvelopeManager } from '../../../src/envelope/envelope-manager.js';
import { KeyRing, type WrappingKey } from '../../../src/envelope/key-file.js';
import { KeyRingWrapper } from '../../../src/envelope/key-ring-wrapper.js';
import { codeFrom, failureFrom } from '../support/refusals.js';

interface Context {
  deployment: string;
  scope: string;
  secret: string;
}

const context: Context = { deployment: 'd-1', scope: 'accounts/acme/orgs/shop', secret: 'git-token' };
const raw = randomBytes(32);
const wrapping: WrappingKey = { id: 'key-1', key: createSecretKey(raw) };
const other: WrappingKey = { id: 'key-2', key: createSecretKey(randomBytes(32)) };
const ring = (id: string): KeyObject | undefined => [wrapping, other].find((key) => key.id === id)?.key;

const manager = (deployment: string, active = wrapping, find = ring): EnvelopeManager => {
  const keys = Object.assign(new KeyRing(active, new Map()), { find });
  return new EnvelopeManager('keyring', new KeyRingWrapper(keys), deployment);
};

const sealBytes = async (
  bytes: Uint8Array,
  { version, ...more }: Partial<Context> & { version?: string } = {},
  key = wrapping,
): Promise<Envelope> => {
  const { deployment, ...place } = { ...context, ...more };
  return manager(deployment, key).put(bytes, place, version === undefined ? {} : { version });
};
const seal = (text = 'correct-horse', more: Partial<Context> = {}, key = wrapping): Promise<Envelope> =>
  sealBytes(Buffer.from(text), more, key);
const openBytes = async (envelope: Envelope, more: Partial<Context> = {}, find = ring): Promise<Buffer> => {
  const { deployment, ...place } = { ...context, ...more };
  const secret = await manager(deployment, wrapping, find).open(envelope, place);
  return secret.use((bytes) => Buffer.from(bytes));
};
const open = async (envelope: Envelope, more: Partial<Context> = {}, find = ring): Promise<string> =>
  String(await openBytes(envelope, more, find));

/** As a key of a key file wraps. */
type LocalWrap = Ciphertext & { salt: string };

/** Why it stays shut. */
async function refusalOf(envelope: Envelope, more: Partial<Context> = {}, find = ring): Promise<string> {
  const failure = await failureFrom(open(envelope, more, find));
  expect(failure).toMatchObject({ code: 'SECRET_UNREADABLE', data: { secret: context.secret } });
  expect(JSON.stringify(failure.toWire())).not.toContain('correct-horse');
  return (failure.data as { reason: string }).reason;
}

const CHANGED = 'it was changed, or was made for another place';
const DAMAGED = 'the envelope is damaged';

describe('an envelope', () => {
  it('gives back the bytes it was sealed with', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
        const sealed = JSON.parse(JSON.stringify(await sealBytes(bytes))) as Envelope;
        expect(Uint8Array.from(await openBytes(sealed))).toEqual(bytes);
      }),
    );
  });

  it('is of the form that is stored', async () => {
    const sealed = await seal();
    expect(Envelope.parse(sealed)).toEqual(sealed);
    expect(sealed).toMatchObject({ format: 'sallyport-1', keyId: 'key-1' });
  });

  it('holds nothing of its content in the clear, and only its length in the ciphertext', async () => {
    const sealed = await seal('correct-horse');
    const everything = JSON.stringify(sealed);
    for (const form of ['base64', 'base64url', 'hex', 'utf8'] as const)
      expect(everything).not.toContain(Buffer.from('correct-horse').toString(form));
    expect(Buffer.from(sealed.payload.ciphertext, 'base64url')).toHaveLength('correct-horse'.length);
  });

  it('is never the same twice: no part of it is used again', async () => {
    const version = randomUUID();
    const same = await Promise.all(
      Array.from({ length: 50 }, () => sealBytes(Buffer.from('same'), { version })),
    );
    const parts = same.flatMap(({ wrap, payload }) => [...Object.values(wrap), ...Object.values(payload)]);
    expect(new Set(parts).size).toBe(parts.length);
  });

  it.each([1, plaintextBytesMax])('may hold %i bytes', async (length) => {
    expect(await open(await seal('x'.repeat(length)))).toHaveLength(length);
  });

  it.each([0, plaintextBytesMax + 1])('may not hold %i bytes', async (length) => {
    expect(await failureFrom(seal('x'.repeat(length)))).toMatchObject({
      code: 'INPUT_REFUSED',
      data: { field: 'value' },
    });
  });

  it('leaves the caller’s bytes alone when it is sealed', async () => {
    const bytes = Buffer.from('correct-horse');
    await sealBytes(bytes);
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
  ])('keeps it shut for %s', async (_, more) => {
    const envelope = await seal();
    const failure = await failureFrom(open(envelope, more));
    expect(failure).toMatchObject({ code: 'SECRET_UNREADABLE', data: { reason: CHANGED } });
  });

  it('is its version, too', async () => {
    expect(await refusalOf({ ...(await seal()), version: randomUUID() })).toBe(CHANGED);
  });

  it('is the key it was wrapped with, by bytes and by id', async () => {
    const envelope = await seal();
    expect(await refusalOf(envelope, {}, () => other.key)).toBe(CHANGED);
    expect(await refusalOf({ ...envelope, keyId: 'key-2' })).toBe(CHANGED);
    expect(await refusalOf({ ...envelope, keyId: 'key-2' }, {}, () => wrapping.key)).toBe(CHANGED);
  });

  it('is asked for by the id it names, and refused where that is not there', async () => {
    expect(await refusalOf({ ...(await seal()), keyId: 'key-9' })).toBe('key key-9 is not in the key file');
  });

  it('is every field alone, for any names', async () => {
    const name = fc.string({ unit: 'grapheme', maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(fc.tuple(name, name, name), fc.tuple(name, name, name), async (one, two) => {
        const place = ([deployment, scope, secret]: [string, string, string]) => ({
          deployment,
          scope,
          secret,
        });
        const envelope = await seal('x', place(one));
        const isSame = one.every((text, index) => text === two[index]);
        const outcome = await codeFrom(open(envelope, place(two)));
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
  it.each(fields)('in any bit of %s.%s stays shut', async (part, field) => {
    const envelope = await seal();
    const length = bytesOf(envelope, part, field).byteLength;
    await fc.assert(
      fc.asyncProperty(fc.nat(length - 1), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const bytes = bytesOf(envelope, part, field);
        bytes[at] = (bytes[at] ?? 0) ^ mask;
        expect(await refusalOf(withBytes(envelope, part, field, bytes))).toBe(CHANGED);
      }),
    );
  });

  it.each(fields)('in each byte of %s.%s stays shut', async (part, field) => {
    const envelope = await seal();
    for (let at = 0; at < bytesOf(envelope, part, field).byteLength; at++) {
      const bytes = bytesOf(envelope, part, field);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      expect(await refusalOf(withBytes(envelope, part, field, bytes))).toBe(CHANGED);
    }
  });

  it.each(['wrap', 'payload'] as const)(
    'by a shorter tag of its %s is damaged, however short',
    async (part) => {
      const envelope = await seal();
      for (const length of [0, 4, 8, 12, 13, 14, 15, 17, 32]) {
        const tag = Buffer.concat([bytesOf(envelope, part, 'tag'), Buffer.alloc(16)]).subarray(0, length);
        expect(await refusalOf(withBytes(envelope, part, 'tag', tag))).toBe(DAMAGED);
      }
    },
  );

  it.each(fields.filter(([, field]) => field !== 'tag'))(
    'by the length of %s.%s stays shut',
    async (part, field) => {
      const envelope = await seal();
      const bytes = bytesOf(envelope, part, field);
      for (const changed of [bytes.subarray(1), Buffer.concat([bytes, Buffer.alloc(1)])])
        expect([CHANGED, DAMAGED]).toContain(await refusalOf(withBytes(envelope, part, field, changed)));
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
      (envelope) => ({
        ...envelope,
        wrap: { ...envelope.wrap, salt: `${(envelope.wrap as LocalWrap).salt}=` },
      }),
    ],
    ['that is null', () => null],
    ['that is a text', () => 'sallyport-1'],
  ])('%s is damaged', async (_, change) => {
    expect(await refusalOf(change(await seal()) as Envelope)).toBe(DAMAGED);
  });

  it('is damaged where the format does not fit, before any key is looked for', async () => {
    const asked: string[] = [];
    await refusalOf({ ...(await seal()), keyId: 'no such key!' }, {}, (id) => {
      asked.push(id);
      return undefined;
    });
    expect(asked).toEqual([]);
  });
});

describe('parts of two envelopes', () => {
  it('do not fit: a wrapped key that was moved stays shut', async () => {
    const [one, two] = [await seal('one'), await seal('two')];
    expect(await refusalOf({ ...one, wrap: two.wrap })).toBe(CHANGED);
    expect(await refusalOf({ ...one, payload: two.payload })).toBe(CHANGED);
  });

  it('do not fit even where both are of one version of one secret', async () => {
    const version = randomUUID();
    const [one, two] = [
      await sealBytes(Buffer.from('x'), { version }),
      await sealBytes(Buffer.from('x'), { version }),
    ];
    expect(await refusalOf({ ...one, wrap: two.wrap })).toBe(CHANGED);
  });

  it('do not fit with another commitment, although the ciphertext would open', async () => {
    const [one, two] = [await seal('one'), await seal('two')];
    expect(await refusalOf({ ...one, payload: { ...one.payload, commitment: two.payload.commitment } })).toBe(
      CHANGED,
    );
  });

  it('do not stand in for each other: the wrapping is no payload', async () => {
    const envelope = await seal();
    const payload = { ...envelope.payload, ...envelope.wrap };
    expect(await refusalOf({ ...envelope, payload })).toBe(CHANGED);
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

function decrypt(key: Buffer, info: Buffer, { nonce, ciphertext, tag }: Ciphertext): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64url'), {
    authTagLength: 16,
  });
  decipher.setAAD(info).setAuthTag(Buffer.from(tag, 'base64url'));
  return Buffer.concat([decipher.update(Buffer.from(ciphertext, 'base64url')), decipher.final()]);
}

describe('the layout', () => {
  it('is the documented one: opened by hand, with nothing of ours', async () => {
    const { keyId, version, wrap: wrapped, payload } = await seal('größe 👍');
    const wrap = wrapped as LocalWrap;
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

  it('binds the payload to no wrapping key, so that it can be wrapped anew and stay the same', async () => {
    const { keyId, version, wrap: wrapped, payload } = await seal('kept');
    const wrap = wrapped as LocalWrap;
    const bound = ['sallyport-1', context.deployment, context.scope, context.secret, version];
    const wrapInfo = encode(...bound, 'dek-wrap', keyId);
    const wrapKey = hkdf(raw, Buffer.from(wrap.salt, 'base64url'), wrapInfo, 64).subarray(0, 32);
    const info = encode(...bound, 'payload', '');
    const key = hkdf(decrypt(wrapKey, wrapInfo, wrap), Buffer.from(payload.salt, 'base64url'), info, 64);
    expect(info.includes(keyId)).toBe(false);
    expect(decrypt(key.subarray(0, 32), info, payload).toString()).toBe('kept');
  });
});
