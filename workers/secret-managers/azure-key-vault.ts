// Azure Key Vault: has the values itself, each under a name, in versions with ids of their own. Its values are texts, so what is
// no text is written as base64 and marked by its content type.
import { isUtf8 } from 'node:buffer';
import type { KeyVaultSecret } from '@azure/keyvault-secrets';
import type { SettingsOf } from '../../src/contract/secret-managers.js';
import { Failure } from '../../src/kernel/failure.js';
import { Secret } from '../../src/kernel/secret.js';
import { isStatus } from './azure-faults.js';
import { AzureSession, type Sending } from './azure-session.js';
import { memberOf, ownBytes } from './json-member.js';
import { type Keeper, type ProviderCode, type ProviderSetup, refusal } from './provider.js';
import {
  digestOfPlace,
  SecretStore,
  type StoredAt,
  type StorePlace,
  type WriteOptions,
} from './secret-store.js';

const NAME = /^[A-Za-z0-9-]{1,127}$/;
const VERSION = /^[0-9a-f]{32}$/i;
/** What a name has room for beside the longest prefix and the hash. */
const READABLE_MAX = 61;
/** Of a value, as it is written. */
const TEXT_BYTES_MAX = 25 * 1024;
const BASE64 = 'application/octet-stream;base64';
/** A version that no vault has given. */
const NO_VERSION = '0'.repeat(32);

export class AzureKeyVault extends SecretStore {
  readonly #keeper: Keeper;
  readonly #prefix: string;
  readonly #session: AzureSession;

  /** @throws SECRET_MANAGER_MISCONFIGURED */
  constructor(setup: ProviderSetup<SettingsOf<'azure-key-vault'>>) {
    super();
    this.#keeper = setup.keeper;
    this.#prefix = setup.settings.prefix;
    this.#session = new AzureSession(setup);
  }

  override async read(
    { path, field, version }: StoredAt,
    signal?: AbortSignal,
  ): Promise<{ value: Secret; version: string }> {
    if (!NAME.test(path)) throw this.#refuse('SECRET_NOT_IN_STORE', 'this is no name that it can have');
    if (version !== null && !VERSION.test(version))
      throw this.#refuse('SECRET_NOT_IN_STORE', 'this is no version that it can have');
    const answer = await this.#session.read(async ({ client, options }) => {
      try {
        return await client.getSecret(path, { ...options, ...(version !== null && { version }) });
      } catch (error) {
        if (isStatus(error, 404) && (await isDeleted({ client, options }, path)))
          throw this.#refuse('SECRET_VERSION_GONE', 'the secret is deleted');
        throw error;
      }
    }, signal);
    const found = this.#versionOf(answer, path);
    if (version !== null && found !== version.toLowerCase())
      throw this.#session.garbled('it answered with another version');
    return { value: this.#valueOf(answer, field), version: found };
  }

  override async write(
    path: string,
    value: Uint8Array,
    { onlyIfAbsent }: WriteOptions,
    signal?: AbortSignal,
  ): Promise<{ version: string }> {
    if (!NAME.test(path))
      throw this.#refuse('SECRET_MANAGER_MISCONFIGURED', 'this is no name that it can have');
    const { text, contentType } = encode(value);
    const written = await this.findWritten(path, value, signal);
    if (written !== undefined) return { version: written };
    return await this.#session.write(async (sending) => {
      if (onlyIfAbsent && (await hasVersionBeside(sending, path)))
        throw this.#refuse('SECRET_STORE_CONFLICT', 'there is a secret of this name already');
      const { client, options } = sending;
      const answer = await client.setSecret(path, text, { ...options, ...(contentType && { contentType }) });
      const version = this.#versionOf(answer, path);
      // It cannot be told to write nothing over something, so whoever came in between is found afterwards.
      if (onlyIfAbsent && (await hasVersionBeside(sending, path, version)))
        throw this.#refuse('SECRET_STORE_CONFLICT', 'somebody else wrote at the same time');
      return { version };
    }, signal);
  }

  override pathOf(place: StorePlace): string {
    // Names that differ in upper and lower case alone are one name: the digest keeps those apart too.
    const readable = `${place.scope}-${place.secret}`.replace(/[^A-Za-z0-9]+/g, '-').slice(-READABLE_MAX);
    return `${this.#prefix}-${readable.replace(/^-+/, '')}-${digestOfPlace(place)}`;
  }

  /** Asks for a version that nobody has: whoever may read is told that it is not there. */
  override async check(signal?: AbortSignal): Promise<void> {
    await this.#session.read(async ({ client, options }) => {
      try {
        await client.getSecret(`${this.#prefix}-check`, { ...options, version: NO_VERSION });
      } catch (error) {
        if (isAbsent(error)) return;
        throw error;
      }
      throw this.#session.garbled('it has a version that nobody wrote');
    }, signal);
  }

  override async close(): Promise<void> {
    this.#session.close();
  }

  #versionOf({ properties: { name, version } }: KeyVaultSecret, path: string): string {
    // Upper and lower case are one in names.
    if (name.toLowerCase() !== path.toLowerCase())
      throw this.#session.garbled('it answered with another secret');
    if (version === undefined || !VERSION.test(version))
      throw this.#session.garbled('it answered without a version');
    return version.toLowerCase();
  }

  #valueOf({ value, properties }: KeyVaultSecret, field: string | null): Secret {
    // The client takes the form of an answer on trust.
    if (typeof value !== 'string' || value === '') throw this.#session.garbled('it answered without a value');
    const whole = ownBytes(value, properties.contentType === BASE64 ? 'base64' : 'utf8');
    if (properties.contentType === BASE64 && (whole.length === 0 || whole.toString('base64') !== value))
      throw this.#session.garbled('the value is marked as base64 and is not');
    if (field === null) return new Secret(whole);
    try {
      return new Secret(memberOf(whole, field, this.#keeper));
    } finally {
      whole.fill(0);
    }
  }

  #refuse(code: ProviderCode, reason: string): Failure {
    return refusal(code, this.#keeper, reason);
  }
}

const isAbsent = (error: unknown): boolean =>
  isStatus(error, 404) && (error as { code?: unknown }).code === 'SecretNotFound';

/** Whether it was deleted and can still be recovered. Whoever may not know is told that it is not there. */
async function isDeleted({ client, options }: Sending, path: string): Promise<boolean> {
  try {
    await client.getDeletedSecret(path, options);
    return true;
  } catch (error) {
    if (isStatus(error, 404) || isStatus(error, 403)) return false;
    throw error;
  }
}

/** Whether there is any version but this one. Only what is known about them is read, and not the values. */
async function hasVersionBeside({ client, options }: Sending, path: string, own?: string): Promise<boolean> {
  try {
    for await (const { version } of client.listPropertiesOfSecretVersions(path, options))
      if (version?.toLowerCase() !== own) return true;
    return false;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

function encode(value: Uint8Array): { text: string; contentType?: string } {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const isText = isUtf8(bytes) && !/[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(bytes.toString('latin1'));
  const text = isText ? bytes.toString('utf8') : bytes.toString('base64');
  if (Buffer.byteLength(text) > TEXT_BYTES_MAX)
    throw new Failure('INPUT_REFUSED', {
      field: 'value',
      rule: `has at most ${TEXT_BYTES_MAX} bytes in Azure Key Vault, or ${(TEXT_BYTES_MAX / 4) * 3} where it is no text`,
    });
  return isText ? { text } : { text, contentType: BASE64 };
}
