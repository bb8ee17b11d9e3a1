// The editions of a group's keys. What its delegates share is rotated as one: whom to seal values to, by either suite, and the
// key that the keyring wraps with. A delegate of the group makes an edition and signs it as the group.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type Identity, isSignedBy } from '../sealing/identity.js';
import { P256Key, PublicKey, Signature } from '../sealing/sealed-message.js';

/** What of a group's keys can be made anew. */
export const groupKeyKinds = ['sealing', 'keyring'] as const;
export type GroupKeyKind = (typeof groupKeyKinds)[number];

export const GroupEdition = z.strictObject({
  /** The rotation that it is the outcome of. */
  rotation: z.uuid(),
  /** One more than the edition before; the keys that a group was founded with are not numbered. */
  number: z.int().min(1),
  /** X25519, and the identity's word for it, as clients check it. */
  sealingKey: PublicKey,
  signature: Signature,
  p256: z.strictObject({ sealingKey: P256Key, signature: Signature }),
  /** Id of the key that the keyring wraps with. */
  keyring: z.string().max(64),
  /** The identity's word for all of it. */
  word: Signature,
});
export type GroupEdition = z.infer<typeof GroupEdition>;

/** What a delegate has of its group's keys; editions by their ids. */
export const GroupKeysState = z.strictObject({
  /** When, by its own clock. */
  at: z.int(),
  /** Null for the keys that the group was founded with. */
  edition: z.string().max(64).nullable(),
  /** What it has beside, and uses for nothing but to open. */
  staged: z.string().max(64).nullable(),
  /** Null where it has none. */
  p256: z.strictObject({ sealingKey: P256Key, signature: Signature }).nullable(),
});
export type GroupKeysState = z.infer<typeof GroupKeysState>;

type Content = Pick<GroupEdition, 'rotation' | 'number' | 'sealingKey' | 'keyring'> & { p256Key: string };

export function signEdition(identity: Identity, content: Content): GroupEdition {
  const { p256Key, ...rest } = content;
  return {
    ...rest,
    signature: identity.sign('sealing-key', content.sealingKey),
    p256: { sealingKey: p256Key, signature: identity.sign('sealing-key-p256', p256Key) },
    word: identity.sign('edition', textOf(content)),
  };
}

/** Whether this identity signed the edition, and each of its keys as clients check them. */
export function isGenuineEdition(edition: GroupEdition, identityKey: string): boolean {
  const { sealingKey, signature, p256, word } = edition;
  return (
    isSignedBy(identityKey, 'edition', textOf({ ...edition, p256Key: p256.sealingKey }), word) &&
    isSignedBy(identityKey, 'sealing-key', sealingKey, signature) &&
    isSignedBy(identityKey, 'sealing-key-p256', p256.sealingKey, p256.signature)
  );
}

/** No two editions have the same. */
export function idOfEdition(edition: GroupEdition): string {
  const text = textOf({ ...edition, p256Key: edition.p256.sealingKey });
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}

const textOf = ({ rotation, number, sealingKey, p256Key, keyring }: Content): string =>
  JSON.stringify([rotation, number, sealingKey, p256Key, keyring]);
