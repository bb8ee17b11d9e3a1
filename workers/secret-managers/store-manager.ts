// Secret managers that have the values themselves: PostgreSQL keeps nothing but where.
import { randomUUID } from 'node:crypto';
import { assertLength, plaintextBytesMax } from '../../src/envelope/envelope.js';
import {
  type Found,
  type PutOptions,
  SecretManager,
  type SecretManagerKind,
  type SecretPlace,
  type StoredSecret,
  StoreReference,
} from '../../src/envelope/secret-manager.js';
import { Failure } from '../../src/kernel/failure.js';
import type { Secret } from '../../src/kernel/secret.js';
import type { SecretStore } from './secret-store.js';

export class StoreManager extends SecretManager {
  readonly #store: SecretStore;
  readonly #deployment: string;

  constructor(
    readonly kind: SecretManagerKind,
    store: SecretStore,
    deployment: string,
    /** Throws for a path that may not be used here. */
    private readonly assertPathAllowed: (path: string) => void = () => undefined,
  ) {
    super();
    this.#store = store;
    this.#deployment = deployment;
  }

  override async put(
    value: Uint8Array,
    place: SecretPlace,
    { version = randomUUID(), onlyIfAbsent = false, signal }: PutOptions = {},
  ): Promise<StoreReference> {
    assertLength(value);
    const path = this.#store.pathOf({ deployment: this.#deployment, ...place });
    this.assertPathAllowed(path);
    const written = await this.#store.write(path, value, { onlyIfAbsent, version }, signal);
    return {
      format: 'sallyport-reference-1',
      version,
      path,
      field: null,
      storeVersion: written.version,
    };
  }

  override async open(stored: StoredSecret, place: SecretPlace, signal?: AbortSignal): Promise<Secret> {
    return (await this.#read(stored, place, signal)).value;
  }

  override async tryOpening(stored: StoredSecret, place: SecretPlace, signal?: AbortSignal): Promise<Found> {
    const { value, version } = await this.#read(stored, place, signal);
    value.wipe();
    return { keyId: null, storeVersion: version };
  }

  override async check(signal?: AbortSignal): Promise<void> {
    await this.#store.check(signal);
  }

  override async close(): Promise<void> {
    await this.#store.close();
  }

  async #read(
    stored: StoredSecret,
    { secret }: SecretPlace,
    signal: AbortSignal | undefined,
  ): Promise<{ value: Secret; version: string }> {
    const parsed = StoreReference.safeParse(stored);
    if (!parsed.success)
      throw new Failure('SECRET_UNREADABLE', { secret, reason: 'the reference is damaged' });
    const { path, field, storeVersion } = parsed.data;
    this.assertPathAllowed(path);
    const { value, version } = await this.#store.read({ path, field, version: storeVersion }, signal);
    const bytes = value.use(({ length }) => length);
    if (bytes >= 1 && bytes <= plaintextBytesMax) return { value, version };
    value.wipe();
    throw new Failure('SECRET_UNREADABLE', { secret, reason: `the store has ${bytes} bytes there` });
  }
}
