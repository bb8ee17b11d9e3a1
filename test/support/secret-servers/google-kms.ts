// Keys of Google's KMS: AES-256-GCM in versions with states, bound to the additional authenticated data.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { crc32c } from './google-crc32c.js';
import { Refusal } from './google-refusal.js';

export type KeyState = 'ENABLED' | 'DISABLED' | 'DESTROY_SCHEDULED' | 'DESTROYED';

interface Version {
  material: Buffer;
  state: KeyState;
}

interface Sum {
  value: string;
}

interface EncryptRequest {
  name: string;
  plaintext: Buffer;
  plaintextCrc32c: Sum | null;
  additionalAuthenticatedData: Buffer;
  additionalAuthenticatedDataCrc32c: Sum | null;
}

interface DecryptRequest {
  name: string;
  ciphertext: Buffer;
  ciphertextCrc32c: Sum | null;
  additionalAuthenticatedData: Buffer;
  additionalAuthenticatedDataCrc32c: Sum | null;
}

const NONCE = 12;
const TAG = 16;
const invalid = (): Refusal => new Refusal(3, 'Decryption failed: the ciphertext is invalid.');

export class GoogleKeys {
  readonly #keys = new Map<string, Version[]>();

  make(name: string): void {
    this.#keys.set(name, []);
    this.rotate(name);
  }

  rotate(name: string): void {
    this.#versionsOf(name).push({ material: randomBytes(32), state: 'ENABLED' });
  }

  /** Of every version, unless one is named. */
  setState(name: string, state: KeyState, version?: number): void {
    this.#versionsOf(name).forEach((one, index) => {
      if (version === undefined || version === index + 1) one.state = state;
    });
  }

  remove(name: string): void {
    this.#keys.delete(name);
  }

  state(): unknown {
    return [...this.#keys].map(([name, versions]) => [
      name,
      versions.map(({ material, state }) => [material.toString('hex'), state]),
    ]);
  }

  encrypt(request: EncryptRequest) {
    assertSum(request.plaintextCrc32c, request.plaintext);
    const context = request.additionalAuthenticatedData;
    assertSum(request.additionalAuthenticatedDataCrc32c, context);
    const versions = this.#versionsOf(request.name);
    const name = `${request.name}/cryptoKeyVersions/${versions.length}`;
    const { material } = requireEnabled(versions.at(-1), name);
    const nonce = randomBytes(NONCE);
    const cipher = createCipheriv('aes-256-gcm', material, nonce, { authTagLength: TAG }).setAAD(context);
    const sealed = Buffer.concat([cipher.update(request.plaintext), cipher.final(), cipher.getAuthTag()]);
    const ciphertext = Buffer.concat([Buffer.from([versions.length]), nonce, sealed]);
    return {
      name,
      ciphertext,
      ciphertextCrc32c: { value: crc32c(ciphertext) },
      verifiedPlaintextCrc32c: true,
      verifiedAdditionalAuthenticatedDataCrc32c: true,
      protectionLevel: 'SOFTWARE',
    };
  }

  decrypt(request: DecryptRequest) {
    assertSum(request.ciphertextCrc32c, request.ciphertext);
    const context = request.additionalAuthenticatedData;
    assertSum(request.additionalAuthenticatedDataCrc32c, context);
    const versions = this.#versionsOf(request.name);
    const number = request.ciphertext[0] ?? 0;
    const version = versions[number - 1];
    if (version === undefined || request.ciphertext.byteLength < 1 + NONCE + TAG) throw invalid();
    const { material } = requireEnabled(version, `${request.name}/cryptoKeyVersions/${number}`);
    const nonce = request.ciphertext.subarray(1, 1 + NONCE);
    const sealed = request.ciphertext.subarray(1 + NONCE);
    const decipher = createDecipheriv('aes-256-gcm', material, nonce, { authTagLength: TAG });
    decipher.setAAD(context).setAuthTag(sealed.subarray(-TAG));
    try {
      const plaintext = Buffer.concat([decipher.update(sealed.subarray(0, -TAG)), decipher.final()]);
      return answerOf(plaintext, number === versions.length);
    } catch {
      throw invalid();
    }
  }

  #versionsOf(name: string): Version[] {
    const versions = this.#keys.get(name);
    if (versions === undefined) throw new Refusal(5, `${name} not found.`);
    return versions;
  }
}

export const answerOf = (plaintext: Buffer, usedPrimary = true) => ({
  plaintext,
  plaintextCrc32c: { value: crc32c(plaintext) },
  usedPrimary,
  protectionLevel: 'SOFTWARE',
});

function requireEnabled(version: Version | undefined, name: string): Version {
  if (version === undefined) throw new Refusal(5, `${name} not found.`);
  const { state } = version;
  if (state === 'ENABLED') return version;
  const type = `KEY_${state}`;
  throw new Refusal(9, `${name} is not enabled, current state is: ${state}.`, {
    type: 'PreconditionFailure',
    violations: [{ type, subject: name, description: '' }],
  });
}

function assertSum(sum: Sum | null, bytes: Buffer): void {
  if (sum === null) throw new Error('bytes came without their sum');
  if (sum.value !== String(crc32c(bytes)))
    throw new Refusal(3, 'The checksum in field _crc32c did not match the data in field.');
}
