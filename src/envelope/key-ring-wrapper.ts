// Wrapping with the keys of a key file: what the builtin manager and a delegate's keyring have in common.
import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { Failure } from '../kernel/failure.js';
import { decode, decrypt, derive, encrypt, SALT_BYTES } from './cipher.js';
import { encodePlace, type VersionPlace } from './envelope.js';
import type { WrappingKeys } from './key-file.js';
import { KeyWrapper, type WrappedKey } from './key-wrapper.js';

export class KeyRingWrapper extends KeyWrapper {
  readonly #keys: WrappingKeys;

  constructor(keys: WrappingKeys) {
    super();
    this.#keys = keys;
  }

  override async wrap(dataKey: Uint8Array, place: VersionPlace): Promise<WrappedKey> {
    const { id, key } = await this.#keys.current();
    const context = encodePlace('dek-wrap', place, id);
    const salt = randomBytes(SALT_BYTES);
    const sealed = encrypt(dataKey, derive(key, salt, context).key, context);
    return { keyId: id, wrap: { salt: salt.toString('base64url'), ...sealed } };
  }

  override async unwrap({ keyId, wrap }: WrappedKey, place: VersionPlace): Promise<KeyObject> {
    const key = await this.#keys.find(keyId);
    if (key === undefined) {
      const reason = `key ${keyId} is not in the key file`;
      throw new Failure('SECRET_UNREADABLE', { secret: place.secret, reason });
    }
    if ('blob' in wrap) throw new Error('it was wrapped by a KMS');
    const context = encodePlace('dek-wrap', place, keyId);
    const bytes = decrypt(wrap, derive(key, decode(wrap.salt), context).key, context);
    try {
      return createSecretKey(bytes);
    } finally {
      bytes.fill(0);
    }
  }

  override async check(): Promise<void> {
    // The ring was read whole, or it would not be here.
  }

  override async close(): Promise<void> {
    // There is nothing to let go of.
  }
}
