// Secret managers whose secrets are envelopes: the ciphertext is in PostgreSQL, the key that opens it is elsewhere.
import { randomBytes, randomUUID } from 'node:crypto';
import { Failure } from '../kernel/failure.js';
import { Secret } from '../kernel/secret.js';
import { KEY_BYTES } from './cipher.js';
import { assertCommitted, assertLength, Envelope, openPayload, sealPayload } from './envelope.js';
import type { KeyWrapper } from './key-wrapper.js';
import {
  type Found,
  type PutOptions,
  SecretManager,
  type SecretManagerKind,
  type SecretPlace,
  type StoredSecret,
} from './secret-manager.js';

export class EnvelopeManager extends SecretManager {
  readonly #wrapper: KeyWrapper;
  readonly #deployment: string;

  constructor(
    readonly kind: SecretManagerKind,
    wrapper: KeyWrapper,
    deployment: string,
  ) {
    super();
    this.#wrapper = wrapper;
    this.#deployment = deployment;
  }

  override async put(
    value: Uint8Array,
    place: SecretPlace,
    { version = randomUUID(), signal }: PutOptions = {},
  ): Promise<Envelope> {
    assertLength(value);
    const bound = { deployment: this.#deployment, ...place, version };
    const dataKey = randomBytes(KEY_BYTES);
    try {
      const payload = sealPayload(value, dataKey, bound);
      const wrapped = await this.#wrapper.wrap(dataKey, bound, signal);
      const envelope: Envelope = { format: 'sallyport-1', version, ...wrapped, payload };
      await this.#assertOpens(envelope, place, signal);
      return envelope;
    } finally {
      dataKey.fill(0);
    }
  }

  override async open(stored: StoredSecret, place: SecretPlace, signal?: AbortSignal): Promise<Secret> {
    const envelope = this.#parse(stored, place);
    const { dataKey, bound } = await this.#unwrap('unwrap', envelope, place, signal);
    return readable(place, () => new Secret(openPayload(envelope.payload, dataKey, bound)));
  }

  override async tryOpening(stored: StoredSecret, place: SecretPlace, signal?: AbortSignal): Promise<Found> {
    const envelope = this.#parse(stored, place);
    const { dataKey, bound } = await this.#unwrap('unwrapAfresh', envelope, place, signal);
    readable(place, () => openPayload(envelope.payload, dataKey, bound)).fill(0);
    return { keyId: envelope.keyId, storeVersion: null };
  }

  /** The same payload under the newest key, known to open. @throws as `open` */
  async rewrap(stored: StoredSecret, place: SecretPlace, signal?: AbortSignal): Promise<Envelope> {
    const envelope = this.#parse(stored, place);
    const { dataKey, bound } = await this.#unwrap('unwrapAfresh', envelope, place, signal);
    readable(place, () => assertCommitted(envelope.payload, dataKey, bound));
    const bytes = dataKey.export();
    try {
      const fresh = { ...envelope, ...(await this.#wrapper.wrap(bytes, bound, signal)) };
      await this.#assertOpens(fresh, place, signal);
      return fresh;
    } finally {
      bytes.fill(0);
    }
  }

  /** The same value as another version, under a fresh data key, known to open. @throws as `open` */
  async reencrypt(
    stored: StoredSecret,
    place: SecretPlace,
    version: string,
    signal?: AbortSignal,
  ): Promise<Envelope> {
    const opened = await this.open(stored, place, signal);
    try {
      return await opened.use((bytes) => this.put(bytes, place, { version, ...(signal && { signal }) }));
    } finally {
      opened.wipe();
    }
  }

  override async check(signal?: AbortSignal): Promise<void> {
    await this.#wrapper.check(signal);
  }

  override async close(): Promise<void> {
    await this.#wrapper.close();
  }

  /** A key that wraps what it cannot unwrap would lose the secret. */
  async #assertOpens(envelope: Envelope, place: SecretPlace, signal?: AbortSignal): Promise<void> {
    const { dataKey, bound } = await this.#unwrap('unwrapAfresh', envelope, place, signal);
    readable(place, () => assertCommitted(envelope.payload, dataKey, bound));
  }

  #parse(stored: StoredSecret, { secret }: SecretPlace): Envelope {
    const parsed = Envelope.safeParse(stored);
    if (parsed.success) return parsed.data;
    throw new Failure('SECRET_UNREADABLE', { secret, reason: 'the envelope is damaged' });
  }

  async #unwrap(
    how: 'unwrap' | 'unwrapAfresh',
    envelope: Envelope,
    place: SecretPlace,
    signal: AbortSignal | undefined,
  ) {
    const bound = { deployment: this.#deployment, ...place, version: envelope.version };
    try {
      return { dataKey: await this.#wrapper[how](envelope, bound, signal), bound };
    } catch (error) {
      throw error instanceof Failure ? error : changed(place);
    }
  }
}

const changed = ({ secret }: SecretPlace): Failure =>
  new Failure('SECRET_UNREADABLE', {
    secret,
    reason: 'it was changed, or was made for another place',
  }) as Failure;

function readable<T>(place: SecretPlace, read: () => T): T {
  try {
    return read();
  } catch {
    throw changed(place);
  }
}
