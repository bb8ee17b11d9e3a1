// AWS Secrets Manager: has the values itself, each under a name, in versions with ids of their own.
import { randomUUID } from 'node:crypto';
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import type { SettingsOf } from '../../src/contract/secret-managers.js';
import { plaintextBytesMax } from '../../src/envelope/envelope.js';
import { Secret } from '../../src/kernel/secret.js';
import { boundAnswers } from './aws-bound.js';
import type { Fault, Faults } from './aws-faults.js';
import { AwsSession, type ClientOptions, type Sending } from './aws-session.js';
import { memberOf } from './json-member.js';
import { type Keeper, type ProviderSetup, refusal } from './provider.js';
import {
  digestOfPlace,
  SecretStore,
  type StoredAt,
  type StorePlace,
  type WriteOptions,
} from './secret-store.js';

/** A name, or the ARN of another account's. */
const NAME = /^[\w/+=.@!:-]{1,1024}$/;
/** Ids of versions have at least so many characters; what is shorter is a staging label. */
const VERSION_ID = /^[A-Za-z0-9-]{32,64}$/;
const LABEL = /^[\w/+=.@:-]{1,256}$/;
/** With the longest prefix and the hash, a name has 512 characters at most. */
const READABLE_MAX = 200;

const unencryptable: Fault = {
  code: 'SECRET_KEY_DISABLED',
  reason: 'the KMS key of the value is disabled, gone or out of reach for the store',
};
const unfit: Fault = { code: 'SECRET_MANAGER_MISCONFIGURED', reason: 'the request was not accepted' };
const deleted = /marked (?:for deletion|deleted)|scheduled for deletion|was deleted/i;

const faults: Faults = {
  ResourceNotFoundException: (message) =>
    /specified secret value/i.test(message)
      ? { code: 'SECRET_VERSION_GONE', reason: 'it has no such version' }
      : { code: 'SECRET_NOT_IN_STORE', reason: 'it has no secret of this name in this region and account' },
  InvalidRequestException: (message) =>
    deleted.test(message)
      ? { code: 'SECRET_VERSION_GONE', reason: 'the secret is scheduled for deletion' }
      : unfit,
  InvalidParameterException: unfit,
  DecryptionFailure: unencryptable,
  DecryptionFailureException: unencryptable,
  EncryptionFailure: unencryptable,
  ResourceExistsException: { code: 'SECRET_STORE_CONFLICT', reason: 'there is one of this name already' },
};

/** Something in the store that only a human may take away. */
const writeFaults: Faults = {
  ...faults,
  InvalidRequestException: (message) =>
    deleted.test(message)
      ? {
          code: 'SECRET_STORE_CONFLICT',
          reason: 'a secret of this name is scheduled for deletion',
        }
      : unfit,
};

export class AwsSecretsManager extends SecretStore {
  readonly #keeper: Keeper;
  readonly #prefix: string;
  readonly #session: AwsSession<SecretsManagerClient>;

  /** @throws SECRET_MANAGER_MISCONFIGURED */
  constructor(setup: ProviderSetup<SettingsOf<'aws-secrets-manager'>>) {
    super();
    this.#keeper = setup.keeper;
    this.#prefix = setup.settings.prefix;
    const open = (options: ClientOptions): SecretsManagerClient => {
      const client = new SecretsManagerClient(options);
      client.middlewareStack.use(boundAnswers);
      return client;
    };
    this.#session = new AwsSession(setup, { faults, open });
  }

  override async read(
    { path, field, version }: StoredAt,
    signal?: AbortSignal,
  ): Promise<{ value: Secret; version: string }> {
    const asked = this.#versionOf(version);
    this.#assertName(path);
    const command = new GetSecretValueCommand({ SecretId: path, ...asked });
    const answer = await this.#session.call(({ client, options }) => client.send(command, options), signal);
    const found = String(answer.VersionId);
    if (!isNamed(answer, path)) throw this.#session.garbled('it answered with another secret');
    if (!VERSION_ID.test(found) || (asked.VersionId ?? found) !== found)
      throw this.#session.garbled('it answered with another version');
    return { value: this.#valueOf(answer, field), version: found };
  }

  override async write(
    path: string,
    value: Uint8Array,
    { onlyIfAbsent, version }: WriteOptions,
    signal?: AbortSignal,
  ): Promise<{ version: string }> {
    this.#assertName(path);
    // An attempt that comes twice makes one version; with another value AWS refuses it.
    const content = { ...contentOf(value), ClientRequestToken: version };
    const create = ({ client, options }: Sending<SecretsManagerClient>) =>
      client.send(new CreateSecretCommand({ Name: path, ...content }), options);
    const put = ({ client, options }: Sending<SecretsManagerClient>) =>
      client.send(new PutSecretValueCommand({ SecretId: path, ...content }), options);
    const answer = await this.#session.call(
      async (sending) => {
        if (onlyIfAbsent) return await create(sending);
        try {
          return await put(sending);
        } catch (error) {
          if (!(error instanceof ResourceNotFoundException)) throw error;
        }
        try {
          return await create(sending);
        } catch (error) {
          if (!(error instanceof ResourceExistsException)) throw error;
          return await put(sending);
        }
      },
      signal,
      writeFaults,
    );
    if (answer.VersionId !== version || !isNamed(answer, path))
      throw this.#session.garbled('it wrote something else');
    return { version };
  }

  override pathOf(place: StorePlace): string {
    const readable = `${place.scope}/${place.secret}`.replace(/[^A-Za-z0-9_.@/-]/g, '_').slice(-READABLE_MAX);
    return `${this.#prefix}/${readable.replace(/^\/+/, '')}-${digestOfPlace(place)}`;
  }

  /** Asks for a version that nobody has: whoever may read below the prefix is told that it is not there. */
  override async check(signal?: AbortSignal): Promise<void> {
    const command = new GetSecretValueCommand({
      SecretId: `${this.#prefix}/sallyport.check`,
      VersionId: randomUUID(),
    });
    const answer = await this.#session.call(
      ({ client, options }) => client.send(command, options).catch(unlessAbsent),
      signal,
    );
    if (answer !== undefined) throw this.#session.garbled('it has a version that nobody wrote');
  }

  override async close(): Promise<void> {
    this.#session.close();
  }

  #assertName(path: string): void {
    if (!NAME.test(path))
      throw refusal('SECRET_MANAGER_MISCONFIGURED', this.#keeper, 'the path is not the name of a secret');
  }

  #versionOf(version: string | null): { VersionId?: string; VersionStage?: string } {
    if (version === null) return { VersionStage: 'AWSCURRENT' };
    if (VERSION_ID.test(version)) return { VersionId: version };
    if (LABEL.test(version)) return { VersionStage: version };
    throw refusal(
      'SECRET_MANAGER_MISCONFIGURED',
      this.#keeper,
      'the version is neither an id nor a staging label',
    );
  }

  #valueOf(
    { SecretBinary, SecretString }: { SecretBinary?: unknown; SecretString?: unknown },
    field: string | null,
  ) {
    const whole = bytesOf(SecretBinary) ?? bytesOf(SecretString);
    if (whole === undefined) throw this.#session.garbled('it answered without a value');
    if (whole.byteLength === 0 || whole.byteLength > plaintextBytesMax)
      throw this.#session.garbled('the value is empty or too long');
    if (field === null) return new Secret(whole);
    try {
      return new Secret(memberOf(whole, field, this.#keeper));
    } finally {
      whole.fill(0);
    }
  }
}

/** A text where it is one, so that others can read it too; bytes where it is not. */
function contentOf(value: Uint8Array): { SecretString: string } | { SecretBinary: Uint8Array } {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value);
    if (!/[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(text)) return { SecretString: text };
  } catch {
    // It is not a text.
  }
  return { SecretBinary: value };
}

/** A name is answered as it was asked; an ARN may have been asked without the characters that AWS puts at its end. */
const isNamed = (
  { Name, ARN }: { Name?: string | undefined; ARN?: string | undefined },
  path: string,
): boolean =>
  Name === path || ARN === path || (path.startsWith('arn:') && ARN?.startsWith(`${path}-`) === true);

/** In memory of their own, to be wiped. The SDK takes the form of an answer on trust. */
function bytesOf(answered: unknown): Buffer | undefined {
  if (typeof answered === 'string') return Buffer.from(new TextEncoder().encode(answered).buffer);
  if (!(answered instanceof Uint8Array)) return undefined;
  const bytes = Buffer.alloc(answered.byteLength);
  bytes.set(answered);
  answered.fill(0);
  return bytes;
}

function unlessAbsent(error: unknown): undefined {
  if (!(error instanceof ResourceNotFoundException)) throw error;
}
