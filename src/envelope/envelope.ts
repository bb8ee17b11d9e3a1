// The one envelope of every secret whose ciphertext Sallyport keeps: a fresh data key per secret version, committed to, bound
// at both layers to where the secret belongs, and wrapped by a key that only one side has.
import { createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { Failure } from '../kernel/failure.js';
import { decode, decrypt, derive, encrypt, KEY_BYTES, NONCE_BYTES, SALT_BYTES, TAG_BYTES } from './cipher.js';

/** Longest plaintext, in bytes. */
export const plaintextBytesMax = 64 * 1024;
/** Longest wrapped data key that a KMS may answer, in bytes. */
const WRAPPED_BYTES_MAX = 4_096;
const FORMAT = 'sallyport-1';

const Bytes = (min: number, max = min) =>
  z
    .string()
    .regex(/^[A-Za-z0-9_-]*$/, 'is not base64url')
    .refine(
      (text) => {
        const { length } = Buffer.from(text, 'base64url');
        return length >= min && length <= max;
      },
      `does not hold ${min === max ? min : `${min} to ${max}`} bytes`,
    );

/** A data key wrapped by a key of a key file, or, as one piece, by a KMS. */
const Wrap = z.union([
  z.strictObject({
    salt: Bytes(SALT_BYTES),
    nonce: Bytes(NONCE_BYTES),
    ciphertext: Bytes(KEY_BYTES),
    tag: Bytes(TAG_BYTES),
  }),
  z.strictObject({ blob: Bytes(1, WRAPPED_BYTES_MAX) }),
]);
export type Wrap = z.infer<typeof Wrap>;

/** A sealed secret version, in base64url. Whoever stores it learns nothing but its length. */
export const Envelope = z.strictObject({
  format: z.literal(FORMAT),
  /** The wrapping key’s id, with its version where it has one: of a key file’s key, or as its KMS names it. */
  keyId: z.string().regex(/^[A-Za-z0-9_-][A-Za-z0-9_:/.@+=-]{0,511}$/, 'is not a key id'),
  /** Id of the immutable secret version. */
  version: z.uuid(),
  wrap: Wrap,
  payload: z.strictObject({
    salt: Bytes(SALT_BYTES),
    commitment: Bytes(KEY_BYTES),
    nonce: Bytes(NONCE_BYTES),
    ciphertext: Bytes(1, plaintextBytesMax),
    tag: Bytes(TAG_BYTES),
  }),
});
export type Envelope = z.infer<typeof Envelope>;

/** What a sealed secret is bound to: opened under any other of these, it stays shut. */
export interface VersionPlace {
  deployment: string;
  /** `accounts/a[/orgs/o[/projects/p]]` */
  scope: string;
  secret: string;
  /** Id of the immutable secret version. */
  version: string;
}

/** @throws INPUT_REFUSED */
export function assertLength({ byteLength }: Uint8Array): void {
  if (byteLength === 0 || byteLength > plaintextBytesMax)
    throw new Failure('INPUT_REFUSED', { field: 'value', rule: `has 1 to ${plaintextBytesMax} bytes` });
}

export function sealPayload(
  plaintext: Uint8Array,
  dataKey: Uint8Array,
  place: VersionPlace,
): Envelope['payload'] {
  const context = encodePlace('payload', place);
  const salt = randomBytes(SALT_BYTES);
  const { key, commitment } = derive(createSecretKey(dataKey), salt, context);
  return {
    salt: salt.toString('base64url'),
    commitment: commitment.toString('base64url'),
    ...encrypt(plaintext, key, context),
  };
}

/** @throws Error when it was sealed with another data key or for another place, or was changed */
export function openPayload(payload: Envelope['payload'], dataKey: KeyObject, place: VersionPlace): Buffer {
  const { key, context } = unlock(payload, dataKey, place);
  return decrypt(payload, key, context);
}

/** @throws Error when the payload was not sealed with this data key for this place */
export function assertCommitted(payload: Envelope['payload'], dataKey: KeyObject, place: VersionPlace): void {
  unlock(payload, dataKey, place);
}

function unlock(payload: Envelope['payload'], dataKey: KeyObject, place: VersionPlace) {
  const context = encodePlace('payload', place);
  const { key, commitment } = derive(dataKey, decode(payload.salt), context);
  // AES-GCM does not commit to its key; this does, and is compared before anything is decrypted.
  if (!timingSafeEqual(commitment, decode(payload.commitment))) throw new Error('commitment');
  return { key, context };
}

/** Length-prefixed, so that no two places have the same bytes. */
export function encodePlace(purpose: 'payload' | 'dek-wrap', place: VersionPlace, keyId = ''): Buffer {
  const fields = [FORMAT, place.deployment, place.scope, place.secret, place.version, purpose, keyId];
  return Buffer.concat(
    fields.flatMap((field) => {
      const bytes = Buffer.from(field, 'utf8');
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.byteLength);
      return [length, bytes];
    }),
  );
}
