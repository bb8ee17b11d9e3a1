// The one cipher of everything sealed here: AES-256-GCM under a key derived for one use, bound to a context.
import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';

export const SALT_BYTES = 32;
export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;
export const KEY_BYTES = 32;

/** In base64url. */
export interface Ciphertext {
  nonce: string;
  ciphertext: string;
  tag: string;
}

/** HKDF-SHA-512: the first half is the cipher's key, the second commits to it. */
export function derive(from: KeyObject, salt: Buffer, info: Buffer): { key: KeyObject; commitment: Buffer } {
  const derived = Buffer.from(hkdfSync('sha512', from, salt, info, 2 * KEY_BYTES));
  const key = createSecretKey(derived.subarray(0, KEY_BYTES));
  const commitment = Buffer.alloc(KEY_BYTES);
  derived.copy(commitment, 0, KEY_BYTES);
  derived.fill(0);
  return { key, commitment };
}

export function encrypt(plaintext: Uint8Array, key: KeyObject, context: Buffer): Ciphertext {
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
export function decrypt(sealed: Ciphertext, key: KeyObject, context: Buffer): Buffer {
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

/** Own memory, not the shared pool of small buffers. */
export function decode(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64url');
  const own = Buffer.alloc(bytes.byteLength);
  bytes.copy(own);
  return own;
}
