// The keys of AWS KMS: real encryption under keys that do not leave it, bound to the encryption context, in states.
import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto';
import { Refusal } from './aws-accounts.js';

export type KeyState = 'Enabled' | 'Disabled' | 'PendingDeletion' | 'PendingImport' | 'Unavailable' | 'Gone';

interface Key {
  arn: string;
  state: KeyState;
  usage: 'ENCRYPT_DECRYPT' | 'SIGN_VERIFY';
  bytes: Buffer;
}

type Input = Record<string, unknown>;

const ID_BYTES = 36;

export class AwsKeys {
  readonly #keys = new Map<string, Key>();
  /** What Decrypt answers instead of what it decrypted. */
  plaintext: Buffer | undefined;
  /** What both answer instead of the key’s ARN. */
  keyId: string | undefined;

  constructor(
    readonly account: string,
    readonly region: string,
  ) {}

  /** A new key, and its ARN. */
  create({ multiRegion = false, usage = 'ENCRYPT_DECRYPT' as Key['usage'] } = {}): string {
    const id = multiRegion ? `mrk-${randomBytes(16).toString('hex')}` : randomUUID();
    const arn = `arn:aws:kms:${this.region}:${this.account}:key/${id}`;
    this.#keys.set(id, { arn, state: 'Enabled', usage, bytes: randomBytes(32) });
    return arn;
  }

  /** The same key material, in this region. */
  replicate(from: AwsKeys, arn: string): string {
    const id = idOf(arn);
    const key = from.#find(arn);
    const replica = { ...key, arn: `arn:aws:kms:${this.region}:${this.account}:key/${id}` };
    this.#keys.set(id, replica);
    return replica.arn;
  }

  set(arn: string, state: KeyState): void {
    this.#find(arn).state = state;
  }

  readonly operations: Record<string, { takes: string[]; run: (input: Input) => object }> = {
    Encrypt: {
      takes: ['KeyId', 'Plaintext', 'EncryptionContext', 'EncryptionAlgorithm', 'DryRun'],
      run: (input) => this.#encrypt(input),
    },
    Decrypt: {
      takes: [
        'KeyId',
        'CiphertextBlob',
        'EncryptionContext',
        'EncryptionAlgorithm',
        'DryRun',
        'DryRunModifiers',
      ],
      run: (input) => this.#decrypt(input),
    },
  };

  #encrypt(input: Input): object {
    const key = this.#usable(String(input.KeyId));
    const plaintext = Buffer.from(String(input.Plaintext), 'base64');
    if (plaintext.byteLength === 0 || plaintext.byteLength > 4_096)
      throw new Refusal(400, 'ValidationException', 'The plaintext has no fitting length');
    if (input.DryRun === true) throw dryRun();
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', key.bytes, nonce, { authTagLength: 16 });
    cipher.setAAD(contextBytes(input.EncryptionContext));
    const sealed = Buffer.concat([cipher.update(plaintext), cipher.final()]);
    const id = Buffer.from(idOf(key.arn).padEnd(ID_BYTES));
    const blob = Buffer.concat([id, nonce, cipher.getAuthTag(), sealed]);
    return {
      KeyId: this.keyId ?? key.arn,
      CiphertextBlob: blob.toString('base64'),
      EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
    };
  }

  #decrypt(input: Input): object {
    const key = this.#usable(String(input.KeyId));
    if (input.DryRun === true && String(input.DryRunModifiers) === 'IGNORE_CIPHERTEXT') throw dryRun();
    const blob = Buffer.from(String(input.CiphertextBlob), 'base64');
    const invalid = new Refusal(400, 'InvalidCiphertextException', '');
    if (blob.byteLength < ID_BYTES + 28) throw invalid;
    const named = blob.subarray(0, ID_BYTES).toString('latin1').trim();
    if (!this.#keys.has(named)) throw invalid;
    if (named !== idOf(key.arn))
      throw new Refusal(
        400,
        'IncorrectKeyException',
        'The key ID in the request does not identify the CMK used.',
      );
    const decipher = createDecipheriv('aes-256-gcm', key.bytes, blob.subarray(ID_BYTES, ID_BYTES + 12), {
      authTagLength: 16,
    });
    decipher.setAAD(contextBytes(input.EncryptionContext));
    decipher.setAuthTag(blob.subarray(ID_BYTES + 12, ID_BYTES + 28));
    let plaintext: Buffer = decipher.update(blob.subarray(ID_BYTES + 28));
    try {
      decipher.final();
    } catch {
      throw invalid;
    }
    plaintext = this.plaintext ?? plaintext;
    return {
      KeyId: this.keyId ?? key.arn,
      Plaintext: plaintext.toString('base64'),
      EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
    };
  }

  #usable(keyId: string): Key {
    const key = this.#find(keyId);
    if (key.state === 'Disabled') throw new Refusal(400, 'DisabledException', `${key.arn} is disabled.`);
    if (key.state !== 'Enabled') {
      const words = {
        PendingDeletion: 'is pending deletion',
        PendingImport: 'is pending import',
        Unavailable: 'is unavailable',
      };
      throw new Refusal(400, 'KMSInvalidStateException', `${key.arn} ${words[key.state as 'Unavailable']}.`);
    }
    if (key.usage !== 'ENCRYPT_DECRYPT')
      throw new Refusal(400, 'InvalidKeyUsageException', `${key.arn} key usage is ${key.usage}.`);
    return key;
  }

  #find(keyId: string): Key {
    const match = /^arn:aws:kms:([\w-]+):(\d{12}):key\//.exec(keyId);
    if (match !== null && match[1] !== this.region)
      throw new Refusal(400, 'NotFoundException', `Invalid arn ${match[1]}`);
    const key = this.#keys.get(idOf(keyId));
    if (key === undefined || key.state === 'Gone' || (match !== null && match[2] !== this.account))
      throw new Refusal(400, 'NotFoundException', `Key '${keyId}' does not exist`);
    return key;
  }
}

const idOf = (keyId: string): string => keyId.split('/').at(-1) ?? '';

const dryRun = (): Refusal =>
  new Refusal(412, 'DryRunOperationException', 'The request would have succeeded.');

function contextBytes(context: unknown): Buffer {
  const entries = Object.entries((context ?? {}) as Record<string, string>);
  return Buffer.from(JSON.stringify(entries.toSorted(([a], [b]) => (a < b ? -1 : 1))));
}
