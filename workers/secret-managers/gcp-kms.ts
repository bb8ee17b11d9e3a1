// Google Cloud KMS: wraps our own data key with Encrypt, under additional authenticated data that says where the secret belongs.
import { createSecretKey, type KeyObject } from 'node:crypto';
import { KeyManagementServiceClient } from '@google-cloud/kms';
import type { SettingsOf } from '../../src/contract/secret-managers.js';
import { KEY_BYTES } from '../../src/envelope/cipher.js';
import { encodePlace, type VersionPlace } from '../../src/envelope/envelope.js';
import { KeyWrapper, type WrappedKey } from '../../src/envelope/key-wrapper.js';
import { crc32c, isSumOf } from './gcp-crc32c.js';
import {
  FAILED_PRECONDITION,
  type Fault,
  type Faults,
  INVALID_ARGUMENT,
  isGrpcError,
  NOT_FOUND,
  preconditionOf,
} from './gcp-faults.js';
import { type CallOptions, GcpSession } from './gcp-session.js';
import type { GcpSurroundings } from './gcp-token.js';
import { type Keeper, type ProviderSetup, refusal } from './provider.js';

/** Longest wrapped key that an envelope holds, in bytes. */
const WRAPPED_BYTES_MAX = 4_096;

const disabled: Fault = { code: 'SECRET_KEY_DISABLED', reason: 'its version is disabled' };
const gone: Fault = { code: 'SECRET_KEY_GONE', reason: 'its version is destroyed, or about to be' };

const faults: Faults = {
  [NOT_FOUND]: { code: 'SECRET_KEY_GONE', reason: 'there is no such key' },
  [FAILED_PRECONDITION]: (error) => (/DESTROY/i.test(preconditionOf(error)) ? gone : disabled),
};

export class GcpKms extends KeyWrapper {
  readonly #keeper: Keeper;
  readonly #key: string;
  readonly #session: GcpSession<KeyManagementServiceClient>;

  /** @throws SECRET_MANAGER_MISCONFIGURED */
  constructor(setup: ProviderSetup<SettingsOf<'gcp-kms'>>, surroundings: GcpSurroundings = {}) {
    super();
    this.#keeper = setup.keeper;
    this.#key = setup.settings.key;
    this.#session = new GcpSession(setup, surroundings, {
      endpoint: 'https://cloudkms.googleapis.com',
      scope: 'https://www.googleapis.com/auth/cloudkms',
      open: (options) => new KeyManagementServiceClient(options),
      faults,
    });
  }

  override async wrap(dataKey: Uint8Array, place: VersionPlace, signal?: AbortSignal): Promise<WrappedKey> {
    const { name, ciphertext } = await this.#encrypt(dataKey, this.#contextOf(place), signal);
    return { keyId: name, wrap: { blob: Buffer.from(ciphertext).toString('base64url') } };
  }

  override async unwrap(
    { keyId, wrap }: WrappedKey,
    place: VersionPlace,
    signal?: AbortSignal,
  ): Promise<KeyObject> {
    if (!('blob' in wrap)) throw new Error('it was wrapped by a key file');
    if (!this.#isOurs(keyId))
      throw refusal('SECRET_KEY_WRONG', this.#keeper, 'the settings name another key than the secret');
    const ciphertext = Buffer.from(wrap.blob, 'base64url');
    const bytes = await this.#decrypt(ciphertext, this.#contextOf(place), signal);
    try {
      if (bytes.byteLength !== KEY_BYTES) throw this.#session.garbled('what it decrypted is no data key');
      return createSecretKey(bytes);
    } finally {
      bytes.fill(0);
    }
  }

  /** Encrypts 32 bytes that are no secret and decrypts them: nothing is kept there. */
  override async check(signal?: AbortSignal): Promise<void> {
    const [probe, context] = [Buffer.alloc(KEY_BYTES), Buffer.from('sallyport check')];
    const { ciphertext } = await this.#encrypt(probe, context, signal);
    try {
      const bytes = await this.#decrypt(ciphertext, context, signal);
      if (!probe.equals(bytes)) throw this.#session.garbled('it decrypted something else');
    } catch (error) {
      throw error instanceof NotDecrypted ? this.#session.garbled(error.message) : error;
    }
  }

  override async close(): Promise<void> {
    await this.#session.close();
  }

  async #encrypt(plaintext: Uint8Array, context: Buffer, signal: AbortSignal | undefined) {
    const answer = await this.#session.call(
      async (client, options) => {
        const request = {
          name: this.#key,
          plaintext,
          plaintextCrc32c: { value: crc32c(plaintext) },
          additionalAuthenticatedData: context,
          additionalAuthenticatedDataCrc32c: { value: crc32c(context) },
        };
        return (await client.encrypt(request, options()))[0];
      },
      { signal, isRepeatable: true },
    );
    const { name, ciphertext } = answer;
    if (answer.verifiedPlaintextCrc32c !== true || answer.verifiedAdditionalAuthenticatedDataCrc32c !== true)
      throw this.#session.garbled('it did not verify what was sent');
    if (!isBytes(ciphertext) || !isSumOf(answer.ciphertextCrc32c?.value, ciphertext))
      throw this.#session.garbled('what it encrypted was changed on its way');
    if (ciphertext.byteLength <= plaintext.byteLength || ciphertext.byteLength > WRAPPED_BYTES_MAX)
      throw this.#session.garbled('what it encrypted cannot be');
    if (typeof name !== 'string' || !this.#isOurs(name))
      throw this.#session.garbled('it encrypted with another key');
    return { name, ciphertext };
  }

  async #decrypt(ciphertext: Uint8Array, context: Buffer, signal: AbortSignal | undefined) {
    const answer = await this.#session.call(
      async (client, options) => {
        const request = {
          // The key of the settings; which of its versions, the ciphertext says.
          name: this.#key,
          ciphertext,
          ciphertextCrc32c: { value: crc32c(ciphertext) },
          additionalAuthenticatedData: context,
          additionalAuthenticatedDataCrc32c: { value: crc32c(context) },
        };
        return await decryptWith(client, request, options());
      },
      { signal, isRepeatable: true },
    );
    if (answer === undefined) throw new NotDecrypted('the ciphertext or its context is another');
    const { plaintext, plaintextCrc32c } = answer;
    if (!isBytes(plaintext) || !isSumOf(plaintextCrc32c?.value, plaintext))
      throw this.#session.garbled('what it decrypted was changed on its way');
    return plaintext;
  }

  #isOurs(keyId: string): boolean {
    const start = `${this.#key}/cryptoKeyVersions/`;
    return keyId.startsWith(start) && /^[1-9]\d{0,9}$/.test(keyId.slice(start.length));
  }

  /** With the key, and without its version, which nobody knows before Google has encrypted. */
  #contextOf(place: VersionPlace): Buffer {
    return encodePlace('dek-wrap', place, this.#key);
  }
}

class NotDecrypted extends Error {}

type DecryptRequest = NonNullable<Parameters<KeyManagementServiceClient['decrypt']>[0]>;

async function decryptWith(
  client: KeyManagementServiceClient,
  request: DecryptRequest,
  options: CallOptions,
) {
  try {
    return (await client.decrypt(request, options))[0];
  } catch (error) {
    if (isGrpcError(error, INVALID_ARGUMENT)) return undefined;
    throw error;
  }
}

const isBytes = (answered: unknown): answered is Uint8Array => answered instanceof Uint8Array;
