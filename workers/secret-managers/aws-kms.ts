// AWS KMS: wraps our own data key with Encrypt, under an encryption context that says where the secret belongs.
import { createSecretKey, type KeyObject } from 'node:crypto';
import {
  DecryptCommand,
  DryRunOperationException,
  EncryptCommand,
  InvalidCiphertextException,
  KMSClient,
} from '@aws-sdk/client-kms';
import type { SettingsOf } from '../../src/contract/secret-managers.js';
import { KEY_BYTES } from '../../src/envelope/cipher.js';
import type { VersionPlace } from '../../src/envelope/envelope.js';
import { KeyWrapper, type WrappedKey } from '../../src/envelope/key-wrapper.js';
import { boundAnswers } from './aws-bound.js';
import type { Fault, Faults } from './aws-faults.js';
import { AwsSession, type ClientOptions } from './aws-session.js';
import { type Keeper, type ProviderSetup, refusal } from './provider.js';

/** Longest wrapped key that an envelope holds, in bytes. */
const WRAPPED_BYTES_MAX = 4_096;

const disabled: Fault = { code: 'SECRET_KEY_DISABLED', reason: 'it is disabled' };
const unavailable: Fault = { code: 'SECRET_MANAGER_UNAVAILABLE', reason: 'the key cannot be used for now' };
const unfit: Fault = {
  code: 'SECRET_MANAGER_MISCONFIGURED',
  reason: 'the key is not a symmetric one for encryption',
};

const faults: Faults = {
  DisabledException: disabled,
  KMSInvalidStateException: (message) => {
    if (/pending (?:replica )?deletion/i.test(message))
      return { code: 'SECRET_KEY_GONE', reason: 'it is scheduled for deletion' };
    if (/pending import/i.test(message)) return { code: 'SECRET_KEY_GONE', reason: 'it has no key material' };
    return /disabled/i.test(message) ? disabled : unavailable;
  },
  NotFoundException: { code: 'SECRET_KEY_GONE', reason: 'there is no such key in this region and account' },
  IncorrectKeyException: { code: 'SECRET_KEY_WRONG', reason: 'another key wrapped it' },
  InvalidKeyUsageException: unfit,
  UnsupportedOperationException: unfit,
  InvalidArnException: {
    code: 'SECRET_MANAGER_MISCONFIGURED',
    reason: 'the key’s ARN was not accepted in this region',
  },
  KeyUnavailableException: unavailable,
  KMSInternalException: unavailable,
  DependencyTimeoutException: unavailable,
  CustomKeyStoreInvalidStateException: unavailable,
  CloudHsmClusterNotActiveException: unavailable,
};

interface KeyArn {
  partition: string;
  region: string;
  account: string;
  id: string;
}

export class AwsKms extends KeyWrapper {
  readonly #keeper: Keeper;
  readonly #settings: SettingsOf<'aws-kms'>;
  readonly #session: AwsSession<KMSClient>;

  /** @throws SECRET_MANAGER_MISCONFIGURED */
  constructor(setup: ProviderSetup<SettingsOf<'aws-kms'>>) {
    super();
    this.#keeper = setup.keeper;
    this.#settings = setup.settings;
    const region = parseArn(setup.settings.key)?.region ?? setup.settings.region;
    if (region !== setup.settings.region)
      throw refusal('SECRET_MANAGER_MISCONFIGURED', setup.keeper, `the key is in ${region}`);
    const open = (options: ClientOptions): KMSClient => {
      const client = new KMSClient(options);
      client.middlewareStack.use(boundAnswers);
      return client;
    };
    this.#session = new AwsSession(setup, { faults, open });
  }

  override async wrap(dataKey: Uint8Array, place: VersionPlace, signal?: AbortSignal): Promise<WrappedKey> {
    const command = new EncryptCommand({
      KeyId: this.#settings.key,
      Plaintext: dataKey,
      EncryptionContext: contextOf(place),
      EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
    });
    const answer = await this.#session.call(({ client, options }) => client.send(command, options), signal);
    const keyId = String(answer.KeyId);
    const blob = bytesOf(answer.CiphertextBlob);
    if (!this.#isOurs(keyId)) throw this.#session.garbled('it encrypted with another key');
    if (blob === undefined || blob.byteLength <= dataKey.byteLength || blob.byteLength > WRAPPED_BYTES_MAX)
      throw this.#session.garbled('what it encrypted cannot be');
    return { keyId, wrap: { blob: Buffer.from(blob).toString('base64url') } };
  }

  override async unwrap(
    { keyId, wrap }: WrappedKey,
    place: VersionPlace,
    signal?: AbortSignal,
  ): Promise<KeyObject> {
    if (!('blob' in wrap)) throw new Error('it was wrapped by a key file');
    if (!this.#isOurs(keyId))
      throw refusal('SECRET_KEY_WRONG', this.#keeper, 'the settings name another key than the secret');
    const expected = this.#here(keyId);
    const command = new DecryptCommand({
      // Never the key that the ciphertext names.
      KeyId: expected,
      CiphertextBlob: Buffer.from(wrap.blob, 'base64url'),
      EncryptionContext: contextOf(place),
      EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
    });
    const answer = await this.#session.call(
      ({ client, options }) => client.send(command, options).catch(unlessInvalid),
      signal,
    );
    if (answer === undefined) throw new Error('the ciphertext or its context is another');
    const bytes = bytesOf(answer.Plaintext);
    try {
      if (answer.KeyId !== expected) throw this.#session.garbled('it decrypted with another key');
      if (bytes?.byteLength !== KEY_BYTES) throw this.#session.garbled('what it decrypted is no data key');
      return createSecretKey(bytes);
    } finally {
      bytes?.fill(0);
    }
  }

  /** Asks whether both would be allowed, without a ciphertext: the dry runs need the rights of the work and no others. */
  override async check(signal?: AbortSignal): Promise<void> {
    const asked = {
      KeyId: this.#settings.key,
      EncryptionContext: { 'sallyport:purpose': 'check' },
      EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      DryRun: true,
    } as const;
    const probe = Buffer.alloc(KEY_BYTES);
    await this.#session.call(async ({ client, options }) => {
      await client.send(new EncryptCommand({ ...asked, Plaintext: probe }), options).catch(unlessDry);
      await client
        .send(new DecryptCommand({ ...asked, DryRunModifiers: ['IGNORE_CIPHERTEXT'] }), options)
        .catch(unlessDry);
    }, signal);
  }

  override async close(): Promise<void> {
    this.#session.close();
  }

  /** Whether it is the ARN of the key of the settings, or of its replica in another region. */
  #isOurs(keyId: string): boolean {
    const arn = parseArn(keyId);
    if (arn === undefined) return false;
    const ours = parseArn(this.#settings.key);
    if (arn.id !== (ours?.id ?? this.#settings.key)) return false;
    if (ours !== undefined && (arn.account !== ours.account || arn.partition !== ours.partition))
      return false;
    return arn.region === this.#settings.region || arn.id.startsWith('mrk-');
  }

  /** The ARN in the region of the settings. */
  #here(keyId: string): string {
    const { partition, account, id } = parseArn(keyId) as KeyArn;
    return `arn:${partition}:kms:${this.#settings.region}:${account}:key/${id}`;
  }
}

function parseArn(text: string): KeyArn | undefined {
  const match = /^arn:(aws[a-z-]*):kms:([a-z0-9-]+):(\d{12}):key\/([0-9a-z-]{1,64})$/.exec(text);
  if (match === null) return undefined;
  const [, partition = '', region = '', account = '', id = ''] = match;
  return { partition, region, account, id };
}

/** AWS shows it in its own log. */
const contextOf = ({ deployment, scope, secret, version }: VersionPlace): Record<string, string> => ({
  'sallyport:purpose': 'dek-wrap',
  'sallyport:deployment': deployment,
  'sallyport:scope': scope,
  'sallyport:secret': secret,
  'sallyport:version': version,
});

/** The SDK takes the form of an answer on trust. */
const bytesOf = (answered: unknown): Uint8Array | undefined =>
  answered instanceof Uint8Array ? answered : undefined;

function unlessInvalid(error: unknown): undefined {
  if (!(error instanceof InvalidCiphertextException)) throw error;
}

/** A dry run that succeeds is an error of this name. */
function unlessDry(error: unknown): void {
  if (!(error instanceof DryRunOperationException)) throw error;
}
