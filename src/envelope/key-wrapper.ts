// The port of what wraps data keys: a key file on either side, or a KMS.
import type { KeyObject } from 'node:crypto';
import type { VersionPlace, Wrap } from './envelope.js';

export interface WrappedKey {
  /** Of the key that wrapped it, with its version where it has one. */
  keyId: string;
  wrap: Wrap;
}

/** Every implementation binds what it wraps to the place: it unwraps under no other. */
export abstract class KeyWrapper {
  /** Wraps 32 bytes with the newest version of its key. The bytes stay the caller's, to be wiped. */
  abstract wrap(dataKey: Uint8Array, place: VersionPlace, signal?: AbortSignal): Promise<WrappedKey>;

  /** @throws SECRET_UNREADABLE when anything was changed or moved; a KMS has the other codes of SECRET_* as well */
  abstract unwrap(wrapped: WrappedKey, place: VersionPlace, signal?: AbortSignal): Promise<KeyObject>;

  /** As `unwrap`, past all that is remembered: whoever has the key has been asked. */
  async unwrapAfresh(wrapped: WrappedKey, place: VersionPlace, signal?: AbortSignal): Promise<KeyObject> {
    return this.unwrap(wrapped, place, signal);
  }

  /** Finds out whether its key is there and may be used, without changing anything. @throws as `unwrap` */
  abstract check(signal?: AbortSignal): Promise<void>;

  /** Lets go of connections and of what it signed in with. */
  abstract close(): Promise<void>;
}
