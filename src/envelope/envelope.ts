// The one envelope of every secret Sallyport stores: a fresh data key per secret version, committed to, bound at both layers
// to where the secret belongs, and wrapped by a key that only one side has.
import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { z } from 'zod';
import { Failure } from '../kernel/failure.js';
import { Secret } from '../kernel/secret.js';

const SALT_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
/** Longest plaintext, in bytes. */
export const plaintextBytesMax = 64 * 1024;
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

/** A sealed secret version, in base64url. Whoever stores it learns nothing but its length. */
export const Envelope = z.strictObject({
  format: z.literal(FORMAT),
  /** The wrapping key's id. */
  keyId: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'is not a key id'),
  /** Id of the immutable secret version. */
  version: z.uuid(),
  wrap: z.strictObject({
    salt: Bytes(SALT_BYTES),
    nonce: Bytes(NONCE_BYTES),
    ciphertext: Bytes(KEY_BYTES),
    tag: Bytes(TAG_BYTES),
  }),
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
export interface EnvelopeContext {
  deployment: string;
  /** `accounts/a[/orgs/o[/projects/p]]` */
  scope: string;
  secret: string;
}

export interface WrappingKey {
  id: string;
  key: KeyObject;
}

/** Seals the bytes as a new secret version. */
export function sealEnvelope(
  plaintext: Uint8Array,
  wrapping: WrappingKey,
  context: EnvelopeContext & { version: string },
): Envelope {
  if (plaintext.byteLength === 0 || plaintext.byteLength > plaintextBytesMax)
    throw new Failure('INPUT_REFUSED', { field: 'value', rule: `has 1 to ${plaintextBytesMax} bytes` });
  const dataKey = randomBytes(KEY_BYTES);
  try {
    return {
      format: FORMAT,
      keyId: wrapping.id,
      version: context.version,
      wrap: wrapKey(dataKey, wrapping, context),
      payload: sealPayload(plaintext, dataKey, context),
    };
  } finally {
    dataKey.fill(0);
  }
}

/**
 * Opens an envelope with the key it names.
 * @throws SECRET_UNREADABLE when the key is not there, or anything was changed or moved
 */
export function openEnvelope(
  envelope: Envelope,
  findKey: (keyId: string) => KeyObject | undefined,
  context: EnvelopeContext,
): Secret {
  const refuse = (reason: string): never => {
    throw new Failure('SECRET_UNREADABLE', { secret: context.secret, reason });
  };
  const parsed = Envelope.safeParse(envelope);
  if (!parsed.success) return refuse('the envelope is damaged');
  const key = findKey(envelope.keyId);
  if (key === undefined) return refuse(`key ${envelope.keyId} is not in the key file`);
  const bound = { ...context, version: envelope.version };
  let dataKey: Buffer | undefined;
  try {
    dataKey = unwrapKey(parsed.data, key, bound);
    return new Secret(openPayload(parsed.data.payload, dataKey, bound));
  } catch {
    return refuse('it was changed, or was made for another place');
  } finally {
    dataKey?.fill(0);
  }
}

type Bound = EnvelopeContext & { version: string };

function sealPayload(plaintext: Uint8Array, dataKey: Buffer, context: Bound): Envelope['payload'] {
  const info = encodeContext('payload', context);
  const salt = randomBytes(SALT_BYTES);
  const { key, commitment } = derive(createSecretKey(dataKey), salt, info);
  return {
    salt: salt.toString('base64url'),
    commitment: commitment.toString('base64url'),
    ...encrypt(plaintext, key, info),
  };
}

function openPayload(payload: Envelope['payload'], dataKey: Buffer, context: Bound): Buffer {
  const info = encodeContext('payload', context);
  const { key, commitment } = derive(createSecretKey(dataKey), decode(payload.salt), info);
  // AES-GCM does not commit to its key; this does, and is compared before anything is decrypted.
  if (!timingSafeEqual(commitment, decode(payload.commitment))) throw new Error('commitment');
  return decrypt(payload, key, info);
}

function wrapKey(dataKey: Buffer, wrapping: WrappingKey, context: Bound): Envelope['wrap'] {
  const info = encodeContext('dek-wrap', context, wrapping.id);
  const salt = randomBytes(SALT_BYTES);
  return {
    salt: salt.toString('base64url'),
    ...encrypt(dataKey, derive(wrapping.key, salt, info).key, info),
  };
}

function unwrapKey({ wrap, keyId }: Envelope, key: KeyObject, context: Bound): Buffer {
  const info = encodeContext('dek-wrap', context, keyId);
  return decrypt(wrap, derive(key, decode(wrap.salt), info).key, info);
}

/** HKDF-SHA-512: the first half is the cipher's key, the second commits to it. */
function derive(from: KeyObject, salt: Buffer, info: Buffer): { key: KeyObject; commitment: Buffer } {
  const derived = Buffer.from(hkdfSync('sha512', from, salt, info, 2 * KEY_BYTES));
  const key = createSecretKey(derived.subarray(0, KEY_BYTES));
  const commitment = Buffer.alloc(KEY_BYTES);
  derived.copy(commitment, 0, KEY_BYTES);
  derived.fill(0);
  return { key, commitment };
}

interface Sealed {
  nonce: string;
  ciphertext: string;
  tag: string;
}

function encrypt(plaintext: Uint8Array, key: KeyObject, context: Buffer): Sealed {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(context);
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return {
    nonce: nonce.toString('base64url'),
    ciphertext: ciphertext.toString('base64url'),
    tag: cipher.getAuthTag().toString('base64url'),
  };
}

/** Nothing of the plaintext is seen before the tag has been checked. */
function decrypt(sealed: Sealed, key: KeyObject, context: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, decode(sealed.nonce), { authTagLength: TAG_BYTES });
  decipher.setAAD(context);
  decipher.setAuthTag(decode(sealed.tag));
  const plaintext = decipher.update(decode(sealed.ciphertext));
  try {
    decipher.final();
    return plaintext;
  } catch (error) {
    plaintext.fill(0);
    throw error;
  }
}

/** Length-prefixed, so that no two contexts have the same bytes. */
function encodeContext(purpose: 'payload' | 'dek-wrap', context: Bound, keyId = ''): Buffer {
  const fields = [FORMAT, context.deployment, context.scope, context.secret, context.version, purpose, keyId];
  return Buffer.concat(
    fields.flatMap((field) => {
      const bytes = Buffer.from(field, 'utf8');
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.byteLength);
      return [length, bytes];
    }),
  );
}

/** Own memory, not the shared pool of small buffers. */
function decode(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64url');
  const own = Buffer.alloc(bytes.byteLength);
  bytes.copy(own);
  return own;
}
