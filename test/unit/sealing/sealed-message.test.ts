import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { makeSealingPair, Opener, Sealer, type SealingPair } from '../../../src/sealing/hpke.js';
import { Identity, type Purpose } from '../../../src/sealing/identity.js';
import {
  MessageRefused,
  openMessage,
  PublicKey,
  SealedMessage,
  Signature,
  sealMessage,
} from '../../../src/sealing/sealed-message.js';

const Claims = z.strictObject({ to: z.string(), digest: z.string() });
const author = new Identity(Identity.make());
const stranger = new Identity(Identity.make());
let pair: SealingPair;
let opener: Opener;
let sealer: Sealer;
beforeAll(async () => {
  pair = await makeSealingPair();
  opener = new Opener(pair, 'info');
  sealer = new Sealer(pair.publicKey, 'info');
});

const write = (
  payload: unknown = { hello: 'world' },
  more: { purpose?: Purpose; claims?: object; author?: Identity } = {},
) => sealMessage(payload, { to: 'me', ...more.claims }, { purpose: 'task', sealer, author, ...more });

interface Reading {
  purpose?: Purpose;
  authorKey?: string | (() => string | undefined);
  opener?: Opener;
}

const read = (data: unknown, more: Reading = {}) =>
  openMessage(data, {
    purpose: 'task',
    claims: Claims,
    authorKey: author.publicKey,
    check: ({ to }) => (to === 'me' ? undefined : 'it is for another'),
    opener,
    ...more,
  });

/** Why it was refused. @throws when it was not, or not with a refusal */
async function refusalOf(data: unknown, more: Reading = {}): Promise<string> {
  try {
    await read(data, more);
  } catch (error) {
    if (error instanceof MessageRefused) return error.message;
    throw error;
  }
  throw new Error('It was believed');
}

const unreadable = 'it is not a sealed message';
const unclaimed = 'its claims are not readable';
const unsigned = 'its signature is not its author’s';
const exchanged = 'its content was exchanged';
const elsewhere = 'it was sealed for somebody else';

/** Another character at that place. */
function turned(text: string, at: number): string {
  const place = at < 0 ? text.length + at : at;
  return `${text.slice(0, place)}${text[place] === 'A' ? 'B' : 'A'}${text.slice(place + 1)}`;
}

describe('a sealed message', () => {
  it('comes back as it was, with what it claims', async () => {
    const payload = { text: 'ä\u0000\u2028', list: [null, 1.5, true], deep: { ['__proto__']: 1 } };
    const opened = await read(await write(payload));
    expect(opened.payload).toEqual(payload);
    expect(opened.claims).toMatchObject({ to: 'me' });
  });

  it('shows its claims and nothing of its content', async () => {
    const message = await write({ secret: 'correct-horse-battery' });
    expect(JSON.parse(message.claims)).toEqual({ to: 'me', digest: expect.any(String) as unknown });
    const all = JSON.stringify(message) + Buffer.from(message.box, 'base64url').toString('latin1');
    expect(all).not.toContain('correct-horse');
  });

  it.each([
    ['is nothing', undefined],
    ['is null', null],
    ['is a text', 'hello'],
    ['is a number', 5],
    ['is a list', []],
    ['is empty', {}],
  ])('that %s is refused', async (_, data) => {
    expect(await refusalOf(data)).toBe(unreadable);
  });

  it.each(['claims', 'enc', 'box', 'signature'] as const)(
    'without %s, or with another type there, is refused',
    async (field) => {
      const { [field]: value, ...rest } = await write();
      expect(await refusalOf(rest)).toBe(unreadable);
      for (const odd of [null, 5, true, [value], { value }])
        expect(await refusalOf({ ...rest, [field]: odd })).toBe(unreadable);
    },
  );

  it('with one field more is refused', async () => {
    expect(await refusalOf({ ...(await write()), more: '' })).toBe(unreadable);
  });

  it.each([
    ['claims of more than 4096 characters', 'claims', (text: string) => text.padEnd(4_097), unreadable],
    ['empty claims', 'claims', () => '', unclaimed],
    ['claims that are cut', 'claims', (text: string) => text.slice(0, -1), unclaimed],
    ['claims that claim more', 'claims', (text: string) => text.replace('{', '{"more":1,'), unclaimed],
    ['claims that are a list', 'claims', (text: string) => `[${text}]`, unclaimed],
    ['claims as null', 'claims', () => 'null', unclaimed],
    ['claims nested without end', 'claims', () => '['.repeat(4_000), unclaimed],
    ['other claims', 'claims', (text: string) => text.replace('me', 'you'), unsigned],
    ['claims spaced otherwise', 'claims', (text: string) => `${text} `, unsigned],
    ['claims said twice', 'claims', (text: string) => text.replace('{', '{"to":"you",'), unsigned],
    ['an escaped claim', 'claims', (text: string) => text.replace('me', '\\u006de'), unsigned],
    ['a shorter half', 'enc', (text: string) => text.slice(1), unreadable],
    ['another half', 'enc', (text: string) => turned(text, 0), exchanged],
    ['a half spelt otherwise', 'enc', (text: string) => `${text.slice(0, -1)}B`, unreadable],
    ['padding after its half', 'enc', (text: string) => `${text}=`, unreadable],
    ['an empty box', 'box', () => '', exchanged],
    ['another nonce', 'box', (text: string) => turned(text, 0), exchanged],
    ['another ciphertext', 'box', (text: string) => turned(text, 20), exchanged],
    ['another tag', 'box', (text: string) => turned(text, -3), exchanged],
    ['a longer box', 'box', (text: string) => `${text}AAAA`, exchanged],
    ['a box spelt otherwise', 'box', (text: string) => `${text}=`, exchanged],
    ['another signature', 'signature', (text: string) => turned(text, 0), unsigned],
    ['the other half of the signature changed', 'signature', (text: string) => turned(text, 60), unsigned],
    ['a signature spelt otherwise', 'signature', (text: string) => `${text.slice(0, -1)}B`, unreadable],
    ['a shorter signature', 'signature', (text: string) => text.slice(1), unreadable],
  ] as const)('with %s is refused', async (_, field, alter, reason) => {
    const message = await write();
    expect(await refusalOf({ ...message, [field]: alter(message[field]) })).toBe(reason);
  });

  it.each(['claims', 'enc', 'box', 'signature'] as const)(
    'with the %s of another message of the same author is refused',
    async (field) => {
      const one = await write({ n: 1 });
      const two = await new Sealer(pair.publicKey, 'info').seal(Buffer.from('{}'), 'task');
      const other = { ...(await write({ n: 2 }, { claims: { to: 'me' } })), enc: two.enc };
      const wanted = { claims: unsigned, enc: exchanged, box: exchanged, signature: unsigned };
      expect(await refusalOf({ ...one, [field]: other[field] })).toBe(wanted[field]);
    },
  );

  it('of another author, or of none that is known, is refused', async () => {
    expect(await refusalOf(await write({}, { author: stranger }))).toBe(unsigned);
    expect(await refusalOf(await write(), { authorKey: () => undefined })).toBe('its author is not known');
    expect(await refusalOf(await write(), { authorKey: 'no key' })).toBe(unsigned);
  });

  it('of another purpose is refused, whichever of the two it is', async () => {
    expect(await refusalOf(await write({}, { purpose: 'answer' }))).toBe(unsigned);
    // Signed for one purpose, sealed for another.
    const { enc, box } = await write({}, { purpose: 'presence' });
    const forged = await signOver(enc, box);
    expect(await refusalOf(forged)).toBe(elsewhere);
  });

  it('that its author claims to be another’s is refused before its content is looked at', async () => {
    expect(await refusalOf(await write({}, { claims: { to: 'you' } }))).toBe('it is for another');
  });

  it('whose content its author has sealed to somebody else is refused', async () => {
    const { publicKey } = await makeSealingPair();
    for (const to of [new Sealer(publicKey, 'info'), new Sealer(pair.publicKey, 'other info')])
      expect(
        await refusalOf(await sealMessage({}, { to: 'me' }, { purpose: 'task', sealer: to, author })),
      ).toBe(elsewhere);
  });

  it('whose content is no JSON is refused', async () => {
    const { enc, box } = await sealer.seal(Buffer.from('{"a":'), 'task');
    expect(await refusalOf(await signOver(enc, box))).toBe('its content is not readable');
  });
});

/** A message with this content that the author signs, whatever it is. */
async function signOver(enc: string, box: string) {
  const { createHash } = await import('node:crypto');
  const digest = createHash('sha256').update(`${enc}.${box}`).digest('base64url');
  const claims = JSON.stringify({ to: 'me', digest });
  return { claims, enc, box, signature: author.sign('task', claims) };
}

describe('keys and signatures', () => {
  const spellings = (text: string) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.split('').map((last) => text + last);

  it('have one spelling each', () => {
    for (const [schema, bytes] of [
      [PublicKey, 32],
      [Signature, 64],
      [SealedMessage.shape.enc, 32],
    ] as const) {
      const head = Buffer.alloc(bytes, 7).toString('base64url').slice(0, -1);
      const taken = spellings(head).filter((text) => schema.safeParse(text).success);
      const own = spellings(head).filter(
        (text) => Buffer.from(text, 'base64url').toString('base64url') === text,
      );
      expect(taken).toEqual(own);
      expect(new Set(taken.map((text) => Buffer.from(text, 'base64url').toString('hex'))).size).toBe(
        taken.length,
      );
    }
  });
});
