// Data keys that a KMS far away has unwrapped, for a short while and in this process alone, as objects that show no bytes. Each is
// used for the very wrap and place that it came from; nothing is ever wrapped with one.
import { createHash, type KeyObject } from 'node:crypto';
import { encodePlace, type VersionPlace } from '../../src/envelope/envelope.js';
import { KeyWrapper, type WrappedKey } from '../../src/envelope/key-wrapper.js';
import { AgedMap } from '../../src/kernel/aged-map.js';

const KEYS_MAX = 1_000;
/** After so many the KMS is asked again. */
const USES_MAX = 100;

interface Known {
  key: KeyObject;
  usesLeft: number;
}

export class DataKeys {
  readonly #known: AgedMap<Known>;
  #era = 0;

  constructor(ageMsMax: number) {
    this.#known = new AgedMap({ ageMsMax, weightMax: KEYS_MAX });
  }

  /** What is unwrapped in one era is not remembered in another. */
  get era(): number {
    return this.#era;
  }

  take(id: string): KeyObject | undefined {
    const known = this.#known.get(id);
    if (known === undefined) return undefined;
    known.usesLeft -= 1;
    if (known.usesLeft === 0) this.#known.delete(id);
    return known.key;
  }

  /** After its first use. */
  note(id: string, key: KeyObject): void {
    this.#known.put(id, { key, usesLeft: USES_MAX - 1 });
  }

  forget(id: string): void {
    this.#known.delete(id);
  }

  /** Also of what is being unwrapped at this moment. */
  forgetAll(): void {
    this.#era += 1;
    this.#known.clear();
  }

  forgetOf(owner: string): void {
    for (const id of this.#known.keys()) if (id.startsWith(owner)) this.#known.delete(id);
  }
}

/** A KMS that is not asked twice for the same. */
export class RememberingWrapper extends KeyWrapper {
  readonly #wrapper: KeyWrapper;
  readonly #keys: DataKeys;
  readonly #owner: string;

  /** @param owner stands for the secret manager as it is set up and signed in; nobody else’s begins with it */
  constructor(wrapper: KeyWrapper, keys: DataKeys, owner: string) {
    super();
    this.#wrapper = wrapper;
    this.#keys = keys;
    this.#owner = owner;
  }

  override async wrap(dataKey: Uint8Array, place: VersionPlace, signal?: AbortSignal): Promise<WrappedKey> {
    return this.#wrapper.wrap(dataKey, place, signal);
  }

  override async unwrap(wrapped: WrappedKey, place: VersionPlace, signal?: AbortSignal): Promise<KeyObject> {
    const id = this.#idOf(wrapped, place);
    const known = this.#keys.take(id);
    if (known !== undefined) return known;
    const { era } = this.#keys;
    const key = await this.#wrapper.unwrap(wrapped, place, signal);
    if (era === this.#keys.era) this.#keys.note(id, key);
    return key;
  }

  override async unwrapAfresh(
    wrapped: WrappedKey,
    place: VersionPlace,
    signal?: AbortSignal,
  ): Promise<KeyObject> {
    this.#keys.forget(this.#idOf(wrapped, place));
    return this.#wrapper.unwrap(wrapped, place, signal);
  }

  override async check(signal?: AbortSignal): Promise<void> {
    await this.#wrapper.check(signal);
  }

  override async close(): Promise<void> {
    this.#keys.forgetOf(this.#owner);
    await this.#wrapper.close();
  }

  #idOf({ keyId, wrap }: WrappedKey, place: VersionPlace): string {
    const hash = createHash('sha256').update(encodePlace('dek-wrap', place, keyId));
    return `${this.#owner} ${hash.update(JSON.stringify(wrap)).digest('base64url')}`;
  }
}
