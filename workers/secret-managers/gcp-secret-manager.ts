// Google's Secret Manager: has the values itself, each under an id, in versions that are numbered from 1.
import { SecretManagerServiceClient } from '@google-cloud/secret-manager';
import type { SettingsOf } from '../../src/contract/secret-managers.js';
import { plaintextBytesMax } from '../../src/envelope/envelope.js';
import { Secret } from '../../src/kernel/secret.js';
import { crc32c, isSumOf } from './gcp-crc32c.js';
import {
  ALREADY_EXISTS,
  FAILED_PRECONDITION,
  type Faults,
  isGrpcError,
  NOT_FOUND,
  preconditionOf,
} from './gcp-faults.js';
import { type CallOptions, GcpSession } from './gcp-session.js';
import type { GcpSurroundings } from './gcp-token.js';
import { memberOf } from './json-member.js';
import { type Keeper, type ProviderSetup, refusal } from './provider.js';
import {
  digestOfPlace,
  SecretStore,
  type StoredAt,
  type StorePlace,
  type WriteOptions,
} from './secret-store.js';

const ID = /^[\w-]{1,255}$/;
const NUMBER = /^[1-9]\d{0,9}$/;
/** `latest`, or a name that somebody gave a version. */
const ALIAS = /^[A-Za-z][\w-]{0,62}$/;
/** With the longest prefix and the hash, an id has 255 characters at most. */
const READABLE_MAX = 120;

const faults: Faults = {
  [NOT_FOUND]: { code: 'SECRET_NOT_IN_STORE', reason: 'it has no such secret, or none with this version' },
  [ALREADY_EXISTS]: { code: 'SECRET_STORE_CONFLICT', reason: 'there is one of this name already' },
  [FAILED_PRECONDITION]: (error) =>
    /\bKMS\b|cryptoKeys/i.test(preconditionOf(error))
      ? {
          code: 'SECRET_KEY_DISABLED',
          reason: 'the KMS key of the value is disabled or out of reach for the store',
        }
      : { code: 'SECRET_VERSION_GONE', reason: 'the version is disabled or destroyed' },
};

type Client = SecretManagerServiceClient;

export class GcpSecretManager extends SecretStore {
  readonly #keeper: Keeper;
  readonly #project: string;
  readonly #prefix: string;
  readonly #session: GcpSession<Client>;

  /** @throws SECRET_MANAGER_MISCONFIGURED */
  constructor(setup: ProviderSetup<SettingsOf<'gcp-secret-manager'>>, surroundings: GcpSurroundings = {}) {
    super();
    this.#keeper = setup.keeper;
    this.#project = `projects/${setup.settings.project}`;
    this.#prefix = setup.settings.prefix;
    this.#session = new GcpSession(setup, surroundings, {
      endpoint: 'https://secretmanager.googleapis.com',
      scope: 'https://www.googleapis.com/auth/cloud-platform',
      open: (options) => new SecretManagerServiceClient(options),
      faults,
    });
  }

  override async read(
    { path, field, version }: StoredAt,
    signal?: AbortSignal,
  ): Promise<{ value: Secret; version: string }> {
    const asked = version ?? 'latest';
    if (!NUMBER.test(asked) && !ALIAS.test(asked))
      throw refusal(
        'SECRET_MANAGER_MISCONFIGURED',
        this.#keeper,
        'the version is neither a number nor a name',
      );
    const name = `${this.#nameOf(path)}/versions/${asked}`;
    const answer = await this.#session.call(
      async (client, options) => (await client.accessSecretVersion({ name }, options()))[0],
      { signal, isRepeatable: true },
    );
    const found = this.#versionOf(answer.name, path);
    if (NUMBER.test(asked) && found !== asked)
      throw this.#session.garbled('it answered with another version');
    const data = answer.payload?.data;
    if (!(data instanceof Uint8Array) || !isSumOf(answer.payload?.dataCrc32c, data))
      throw this.#session.garbled('the value was changed on its way');
    if (data.byteLength === 0 || data.byteLength > plaintextBytesMax)
      throw this.#session.garbled('the value is empty or too long');
    // Own memory, not the shared pool of small buffers.
    const whole = Buffer.alloc(data.byteLength);
    whole.set(data);
    data.fill(0);
    return { value: this.#select(whole, field), version: found };
  }

  override async write(
    path: string,
    value: Uint8Array,
    { onlyIfAbsent }: WriteOptions,
    signal?: AbortSignal,
  ): Promise<{ version: string }> {
    const name = this.#nameOf(path);
    const written = await this.findWritten(path, value, signal);
    if (written !== undefined) return { version: written };
    const version = await this.#session.call(
      async (client, options) => {
        if (onlyIfAbsent) {
          await this.#create(client, path, options());
          await this.#assertEmpty(client, name, options());
          return await this.#addFirst(client, path, value, options);
        }
        try {
          return await this.#add(client, path, value, options());
        } catch (error) {
          if (!isGrpcError(error, NOT_FOUND)) throw error;
        }
        await this.#create(client, path, options());
        return await this.#add(client, path, value, options());
      },
      { signal, isRepeatable: false },
    );
    return { version };
  }

  override pathOf(place: StorePlace): string {
    const readable = `${place.scope}-${place.secret}`.replace(/[^\w-]/g, '_').slice(-READABLE_MAX);
    return `${this.#prefix}-${readable}-${digestOfPlace(place)}`;
  }

  /** Asks for a secret that nobody has: whoever may read below the prefix is told that it is not there. */
  override async check(signal?: AbortSignal): Promise<void> {
    const name = `${this.#nameOf(`${this.#prefix}-sallyport-check`)}/versions/latest`;
    await this.#session.call(
      async (client, options) => {
        try {
          await client.accessSecretVersion({ name }, options());
        } catch (error) {
          if (!isGrpcError(error, NOT_FOUND)) throw error;
          return;
        }
        throw this.#session.garbled('it has a secret that nobody wrote');
      },
      { signal, isRepeatable: true },
    );
  }

  override async close(): Promise<void> {
    await this.#session.close();
  }

  /** Makes the secret, without a version, where there is none. */
  async #create(client: Client, secretId: string, options: CallOptions): Promise<void> {
    try {
      await client.createSecret(
        { parent: this.#project, secretId, secret: { replication: { automatic: {} } } },
        options,
      );
    } catch (error) {
      if (!isGrpcError(error, ALREADY_EXISTS)) throw error;
    }
  }

  async #assertEmpty(client: Client, parent: string, options: CallOptions): Promise<void> {
    const [versions] = await client.listSecretVersions(
      { parent, pageSize: 1 },
      { ...options, autoPaginate: false },
    );
    if (versions.length > 0) throw this.#conflict();
  }

  async #add(client: Client, path: string, data: Uint8Array, options: CallOptions): Promise<string> {
    const parent = this.#nameOf(path);
    const [answer] = await client.addSecretVersion(
      { parent, payload: { data, dataCrc32c: crc32c(data) } },
      options,
    );
    if (answer.clientSpecifiedPayloadChecksum !== true)
      throw this.#session.garbled('it did not verify what was sent');
    return this.#versionOf(answer.name, path);
  }

  /** Two that find a secret without versions at once are told apart by the number that each gets. */
  async #addFirst(
    client: Client,
    path: string,
    data: Uint8Array,
    options: () => CallOptions,
  ): Promise<string> {
    const version = await this.#add(client, path, data, options());
    if (version === '1') return version;
    // Where it has no right to this, a version stays that nothing refers to.
    await client
      .destroySecretVersion({ name: `${this.#nameOf(path)}/versions/${version}` }, options())
      .catch(() => undefined);
    throw this.#conflict();
  }

  #conflict(): Error {
    return refusal('SECRET_STORE_CONFLICT', this.#keeper, 'the secret has a version already');
  }

  #nameOf(path: string): string {
    if (!ID.test(path))
      throw refusal('SECRET_MANAGER_MISCONFIGURED', this.#keeper, 'the path is not the id of a secret');
    return `${this.#project}/secrets/${path}`;
  }

  /** Google names the project by its number. */
  #versionOf(name: string | null | undefined, path: string): string {
    const [, secret, version = ''] =
      /^projects\/[a-z0-9:.-]{1,63}\/secrets\/([\w-]{1,255})\/versions\/(\d{1,10})$/.exec(name ?? '') ?? [];
    if (secret !== path || !NUMBER.test(version))
      throw this.#session.garbled('it answered with another secret');
    return version;
  }

  #select(whole: Buffer, field: string | null): Secret {
    if (field === null) return new Secret(whole);
    try {
      return new Secret(memberOf(whole, field, this.#keeper));
    } finally {
      whole.fill(0);
    }
  }
}
