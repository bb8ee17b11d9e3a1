// The port of a store: it has the values itself, each at a path, in versions.
import { createHash } from 'node:crypto';
import { Failure } from '../../src/kernel/failure.js';
import type { Secret } from '../../src/kernel/secret.js';

export interface StoredAt {
  path: string;
  /** Of a value that is a JSON object: which member; null for the whole value. */
  field: string | null;
  /** Null: the latest. */
  version: string | null;
}

export interface WriteOptions {
  /** Fails where something else is at the path. */
  onlyIfAbsent: boolean;
  /** Id of the secret version: an attempt that comes again writes nothing more. */
  version: string;
}

/** What stands at a path and is not the value that is to be written, whatever it is. */
const others = new Set([
  'SECRET_NOT_IN_STORE',
  'SECRET_VERSION_GONE',
  'SECRET_KEY_DISABLED',
  'SECRET_MANAGER_GARBLED',
]);

/** Where a secret written through Sallyport belongs. */
export interface StorePlace {
  deployment: string;
  scope: string;
  secret: string;
}

/** 32 hex digits that keep apart what the readable part of a path does not. */
export function digestOfPlace({ deployment, scope, secret }: StorePlace): string {
  const hash = createHash('sha256');
  for (const field of ['sallyport path', deployment, scope, secret])
    hash.update(`${Buffer.byteLength(field)}:${field}`);
  return hash.digest('hex').slice(0, 32);
}

export abstract class SecretStore {
  /**
   * The value and the version it is of, asked anew every time; the caller wipes it.
   * @throws SECRET_NOT_IN_STORE, SECRET_VERSION_GONE, SECRET_MANAGER_*
   */
  abstract read(at: StoredAt, signal?: AbortSignal): Promise<{ value: Secret; version: string }>;

  /**
   * Writes a new version at the path, making the path where it is missing, and answers the version’s name. A value that is
   * not text arrives as it was when it is read again. Written twice, one secret version is one version of the store.
   * @throws SECRET_STORE_CONFLICT when something else is there although nothing may be; SECRET_MANAGER_*
   */
  abstract write(
    path: string,
    value: Uint8Array,
    options: WriteOptions,
    signal?: AbortSignal,
  ): Promise<{ version: string }>;

  /** The path that a secret written through Sallyport gets: the same for the same place, another for any other. */
  abstract pathOf(place: StorePlace): string;

  /** Finds out whether it can be reached and the credential is good, without changing or reading any value. */
  abstract check(signal?: AbortSignal): Promise<void>;

  /** Lets go of connections and of what it signed in with. */
  abstract close(): Promise<void>;

  /** The latest version where it has this very value: an earlier attempt wrote it, and its answer was lost. */
  protected async findWritten(
    path: string,
    value: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    const at = { path, field: null, version: null };
    const latest = await this.read(at, signal).catch((error: unknown) => {
      if (error instanceof Failure && others.has(error.code)) return undefined;
      throw error;
    });
    if (latest === undefined) return undefined;
    const isSame = latest.value.use((bytes) => bytes.equals(value));
    latest.value.wipe();
    return isSame ? latest.version : undefined;
  }
}
