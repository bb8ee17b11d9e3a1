// The port of a store: it has the values itself, each at a path, in versions.
import type { Secret } from '../../src/kernel/secret.js';

export interface StoredAt {
  path: string;
  /** Of a value that is a JSON object: which member; null for the whole value. */
  field: string | null;
  /** Null: the latest. */
  version: string | null;
}

export abstract class SecretStore {
  /**
   * The value and the version it is of, asked anew every time; the caller wipes it.
   * @throws SECRET_NOT_IN_STORE, SECRET_VERSION_GONE, SECRET_MANAGER_*
   */
  abstract read(at: StoredAt, signal?: AbortSignal): Promise<{ value: Secret; version: string }>;

  /**
   * Writes a new version at the path, making the path where it is missing, and answers the version’s name. A value that is
   * not text arrives as it was when it is read again.
   * @throws SECRET_STORE_CONFLICT when something is there although nothing may be; SECRET_MANAGER_*
   */
  abstract write(
    path: string,
    value: Uint8Array,
    options: { onlyIfAbsent: boolean },
    signal?: AbortSignal,
  ): Promise<{ version: string }>;

  /** The path that a secret written through Sallyport gets: the same for the same place, another for any other. */
  abstract pathOf(place: { deployment: string; scope: string; secret: string }): string;

  /** Finds out whether it can be reached and the credential is good, without changing or reading any value. */
  abstract check(signal?: AbortSignal): Promise<void>;

  /** Lets go of connections and of what it signed in with. */
  abstract close(): Promise<void>;
}
