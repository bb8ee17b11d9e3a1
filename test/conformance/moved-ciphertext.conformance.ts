// A ciphertext, or a part of one, that somebody who may write to the database has put where it does not belong.
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Envelope } from '../../src/envelope/envelope.js';
import type { EnvelopeManager } from '../../src/envelope/envelope-manager.js';
import type { SecretPlace } from '../../src/envelope/secret-manager.js';
import { codeFrom } from '../unit/support/refusals.js';

const shorten = (text: string, bytes: number): string =>
  Buffer.from(text, 'base64url').subarray(0, bytes).toString('base64url');
const withTag = (envelope: Envelope, tag: string): Envelope => ({
  ...envelope,
  payload: { ...envelope.payload, tag },
});
/** The piece that a KMS wrapped, or the tag of what a key of a key file did. */
const withShorterWrap = (envelope: Envelope, bytes: number): Envelope => {
  const { wrap } = envelope;
  const shorter =
    'blob' in wrap ? { blob: shorten(wrap.blob, bytes) } : { ...wrap, tag: shorten(wrap.tag, bytes) };
  return { ...envelope, wrap: shorter };
};
/** The wrap as the other half of the managers has it. */
const withOtherForm = (envelope: Envelope): Envelope => {
  const { payload, wrap } = envelope;
  const { salt, nonce, tag } = payload;
  const other = 'blob' in wrap ? { salt, nonce, ciphertext: salt, tag } : { blob: wrap.ciphertext };
  return { ...envelope, wrap: other };
};

type Move = (one: Envelope, two: Envelope, place: SecretPlace) => [stored: Envelope, where: SecretPlace];

const moves: [string, Move][] = [
  ['another secret', (one, _, place) => [one, { ...place, secret: 'other' }]],
  ['another scope', (one, _, place) => [one, { ...place, scope: 'accounts/acme' }]],
  ['another version', (one, _, place) => [{ ...one, version: randomUUID() }, place]],
  ['the version that another one is', (one, two, place) => [{ ...two, version: one.version }, place]],
  ['one with another’s wrapped key', (one, two, place) => [{ ...one, wrap: two.wrap }, place]],
  ['one with another’s payload', (one, two, place) => [{ ...one, payload: two.payload }, place]],
  [
    'one with another’s commitment',
    (one, { payload: { commitment } }, place) => [{ ...one, payload: { ...one.payload, commitment } }, place],
  ],
  ...[15, 12, 8, 4, 0].map((bytes): [string, Move] => [
    `one with a tag of ${bytes} bytes`,
    (one, _, place) => [withTag(one, shorten(one.payload.tag, bytes)), place],
  ]),
  [
    'one with a tag of 17 bytes',
    (one, _, place) => [withTag(one, `${one.payload.tag.slice(0, 21)}AAA`), place],
  ],
  ['one with a wrap that lacks its last byte', (one, _, place) => [withShorterWrap(one, -1), place]],
  ['one with a wrap that ends early', (one, _, place) => [withShorterWrap(one, 8), place]],
  ['one with a wrap of the other form', (one, _, place) => [withOtherForm(one), place]],
];

export function describeMoves(manager: () => EnvelopeManager, place: SecretPlace): void {
  describe('a ciphertext', () => {
    const two = async (): Promise<[Envelope, Envelope]> => [
      await manager().put(Buffer.from('one'), place),
      await manager().put(Buffer.from('two'), place),
    ];
    const codes = (stored: Envelope, where: SecretPlace): Promise<unknown[]> =>
      Promise.all([
        codeFrom(manager().open(stored, where)),
        codeFrom(manager().tryOpening(stored, where)),
        codeFrom(manager().rewrap(stored, where)),
        codeFrom(manager().reencrypt(stored, where, randomUUID())),
      ]);
    const refused = Array.from({ length: 4 }, () => 'SECRET_UNREADABLE');

    it.each(moves)('is not opened as %s, nor made anew', async (_, move) => {
      expect(await codes(...move(...(await two()), place))).toEqual(refused);
    });

    it('is not opened with another’s tag', async () => {
      const [one, other] = await two();
      const changed = withTag(one, other.payload.tag);
      expect(await codeFrom(manager().open(changed, place))).toBe('SECRET_UNREADABLE');
      expect(await codeFrom(manager().tryOpening(changed, place))).toBe('SECRET_UNREADABLE');
    });

    it('is opened with its own wraps, old and new, and with no one else’s', async () => {
      const [one, other] = await two();
      const [fresh, foreign] = [await manager().rewrap(one, place), await manager().rewrap(other, place)];
      for (const stored of [one, fresh]) {
        const opened = await manager().open(stored, place);
        expect(opened.use(String)).toBe('one');
      }
      for (const { keyId, wrap } of [foreign, other])
        expect(await codes({ ...one, keyId, wrap }, place)).toEqual(refused);
    });
  });
}
