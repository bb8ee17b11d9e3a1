// A transit engine of Vault or OpenBao as the key of keys. The key is derived: the place is its context, so that the engine
// itself refuses what was moved, and can still rewrap it.
import { createHash, createSecretKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import type { SettingsOf } from '../../src/contract/secret-managers.js';
import { KEY_BYTES } from '../../src/envelope/cipher.js';
import { encodePlace, type VersionPlace } from '../../src/envelope/envelope.js';
import { KeyWrapper, type WrappedKey } from '../../src/envelope/key-wrapper.js';
import { ownBytes } from './json-member.js';
import type { ProviderSetup } from './provider.js';
import { VaultClient, type VaultIdentity } from './vault-client.js';
import type { Answer, Question } from './vault-line.js';
import { says } from './vault-refusals.js';

const Key = z.object({
  data: z.object({
    derived: z.boolean(),
    supports_encryption: z.boolean(),
    supports_decryption: z.boolean(),
    convergent_encryption: z.boolean().optional(),
    soft_deleted: z.boolean().optional(),
  }),
});
/** Any ciphertext shows the version of the key that made it. */
const CIPHERTEXT = /^vault:v([1-9]\d{0,9}):[A-Za-z0-9+/]+={0,2}$/;
const Encrypted = z.object({ data: z.object({ ciphertext: z.string().max(2_048).regex(CIPHERTEXT) }) });
const Decrypted = z.object({ data: z.object({ plaintext: z.base64() }) });
/** What an envelope takes as the name of a key, less the version. */
const KEY_NAME = /^[\w-].{0,490}$/;

export class VaultTransit extends KeyWrapper {
  readonly #client: VaultClient;
  readonly #mount: string;
  readonly #key: string;

  constructor(setup: ProviderSetup<SettingsOf<'vault-transit'>>, identity: VaultIdentity = {}) {
    super();
    this.#client = new VaultClient(setup, identity);
    this.#mount = setup.settings.mount;
    this.#key = setup.settings.key;
  }

  override async wrap(dataKey: Uint8Array, place: VersionPlace, signal?: AbortSignal): Promise<WrappedKey> {
    return this.#client.within(signal, async (bounded) => {
      // Asked for an unknown key, the engine would make one; asked for one that is not derived, it would ignore the place.
      await this.#assertKey(bounded);
      const plaintext = Buffer.from(dataKey.buffer, dataKey.byteOffset, dataKey.byteLength).toString(
        'base64',
      );
      const answer = await this.#ask('encrypt', { plaintext, context: contextOf(place) }, bounded);
      this.#assertUsable(answer);
      const { ciphertext } = this.#client.parse(Encrypted, answer).data;
      const [, version] = CIPHERTEXT.exec(ciphertext) ?? [];
      return {
        keyId: `${this.#name}:v${version}`,
        wrap: { blob: Buffer.from(ciphertext).toString('base64url') },
      };
    });
  }

  override async unwrap(
    { keyId, wrap }: WrappedKey,
    place: VersionPlace,
    signal?: AbortSignal,
  ): Promise<KeyObject> {
    if (keyId.replace(/:v\d+$/, '') !== this.#name)
      throw this.#client.refuse('SECRET_KEY_WRONG', `the secret was made with ${keyId}`);
    if (!('blob' in wrap)) throw new Error('it was wrapped by a key of a key file');
    const ciphertext = Buffer.from(wrap.blob, 'base64url').toString('latin1');
    const [, version] = CIPHERTEXT.exec(ciphertext) ?? [];
    if (keyId !== `${this.#name}:v${version}`) throw new Error('it was wrapped by another version');
    return this.#client.within(signal, async (bounded) => {
      const answer = await this.#ask('decrypt', { ciphertext, context: contextOf(place) }, bounded);
      this.#assertUsable(answer);
      return this.#keyFrom(this.#client.parse(Decrypted, answer).data.plaintext);
    });
  }

  override async check(signal?: AbortSignal): Promise<void> {
    const nowhere = { deployment: '', scope: '', secret: '', version: '' };
    const probe = Buffer.alloc(KEY_BYTES, 'check');
    const key = await this.#client.within(signal, async (bounded) =>
      this.unwrap(await this.wrap(probe, nowhere, bounded), nowhere, bounded),
    );
    if (!key.equals(createSecretKey(probe)))
      throw this.#client.refuse('SECRET_MANAGER_GARBLED', 'it decrypts to something else than was encrypted');
  }

  override async close(): Promise<void> {
    await this.#client.close();
  }

  get #name(): string {
    return `${this.#mount}/${this.#key}`;
  }

  async #ask(verb: 'encrypt' | 'decrypt', body: object, signal: AbortSignal): Promise<Answer> {
    const path = `${this.#mount}/${verb}/${this.#key}`;
    return this.#client.ask({ method: 'POST', path, body, isRepeatable: true }, signal);
  }

  async #assertKey(signal: AbortSignal): Promise<void> {
    if (!KEY_NAME.test(this.#name))
      throw this.#client.refuse('SECRET_MANAGER_MISCONFIGURED', 'mount and key together make no key id');
    const question: Question = {
      method: 'GET',
      path: `${this.#mount}/keys/${this.#key}`,
      isRepeatable: true,
    };
    const answer = await this.#client.ask(question, signal);
    if (answer.status === 404 && !says(answer, /./))
      throw this.#client.refuse('SECRET_KEY_GONE', `there is no key ${this.#name}`);
    const { data } = this.#client.parse(Key, answer);
    if (data.soft_deleted === true)
      throw this.#client.refuse('SECRET_KEY_GONE', `the key ${this.#name} is deleted, and can be restored`);
    const misfit = misfitOf(data);
    if (misfit !== undefined)
      throw this.#client.refuse('SECRET_MANAGER_MISCONFIGURED', `the key ${this.#name} ${misfit}`);
  }

  /** @throws SECRET_KEY_GONE, SECRET_KEY_WRONG; Error where key and place do not fit the ciphertext */
  #assertUsable(answer: Answer): void {
    if (answer.status !== 400) return;
    if (says(answer, /key not found|soft.?deleted/))
      throw this.#client.refuse('SECRET_KEY_GONE', `there is no key ${this.#name}`);
    if (says(answer, /\(too old\)/))
      throw this.#client.refuse(
        'SECRET_KEY_WRONG',
        `the key ${this.#name} no longer decrypts with this version`,
      );
    if (says(answer, /version is too new/))
      throw this.#client.refuse('SECRET_KEY_WRONG', `the key ${this.#name} has no such version`);
    if (says(answer, /message authentication failed|^invalid ciphertext/))
      throw new Error('it does not decrypt');
  }

  #keyFrom(plaintext: string): KeyObject {
    const bytes = ownBytes(plaintext, 'base64');
    try {
      if (bytes.byteLength !== KEY_BYTES)
        throw this.#client.refuse('SECRET_MANAGER_GARBLED', 'it decrypts to no data key');
      return createSecretKey(bytes);
    } finally {
      bytes.fill(0);
    }
  }
}

function misfitOf(key: z.infer<typeof Key>['data']): string | undefined {
  if (!key.supports_encryption || !key.supports_decryption) return 'does not encrypt and decrypt';
  if (!key.derived) return 'was not made with derived=true';
  if (key.convergent_encryption === true) return 'was made with convergent_encryption=true';
  return undefined;
}

/** Without the key’s name: an engine that was moved still opens what it wrapped. */
function contextOf(place: VersionPlace): string {
  return createHash('sha256').update(encodePlace('dek-wrap', place)).digest('base64');
}
