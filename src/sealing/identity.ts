// Who says it: Ed25519 identities of managers, groups and delegates. What is signed is always bytes of a named purpose, so
// that no signature can be taken for one of another kind.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';

const KEY_BYTES = 32;
/** DER of an Ed25519 key up to its 32 bytes (RFC 8410). */
const PUBLIC_HEAD = Buffer.from('302a300506032b6570032100', 'hex');
const PRIVATE_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

/** An SSH public key up to its 32 bytes (RFC 8709). */
const SSH_HEAD = Buffer.from('\0\0\0\x0bssh-ed25519\0\0\0\x20', 'latin1');

export type Purpose =
  | 'task'
  | 'answer'
  | 'presence'
  | 'welcome'
  | 'enrolment'
  | 'sealing-key'
  | 'sealing-key-p256'
  | 'group-keys'
  | 'edition';

/** A private Ed25519 key, 32 bytes in base64url. */
export type PrivateIdentity = string;

export class Identity {
  readonly #key: KeyObject;
  /** 32 bytes in base64url. */
  readonly publicKey: string;

  constructor(privateKey: PrivateIdentity) {
    const der = Buffer.concat([PRIVATE_HEAD, keyBytes(privateKey)]);
    this.#key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    der.fill(0);
    const spki = createPublicKey(this.#key).export({ format: 'der', type: 'spki' });
    this.publicKey = spki.subarray(PUBLIC_HEAD.length).toString('base64url');
  }

  static make(): PrivateIdentity {
    const { privateKey } = generateKeyPairSync('ed25519');
    return privateKey
      .export({ format: 'der', type: 'pkcs8' })
      .subarray(PRIVATE_HEAD.length)
      .toString('base64url');
  }

  /** In base64url, 64 bytes. */
  sign(purpose: Purpose, text: string): string {
    return sign(null, signed(purpose, text), this.#key).toString('base64url');
  }
}

/** Whether the holder of this public key signed this text for this purpose. */
export function isSignedBy(publicKey: string, purpose: Purpose, text: string, signature: string): boolean {
  try {
    return verify(null, signed(purpose, text), importPublic(publicKey), Buffer.from(signature, 'base64url'));
  } catch {
    return false;
  }
}

/** `SHA256:…` as ssh-keygen prints it of this key: short enough to compare by eye. */
export function fingerprintOf(publicKey: string): string {
  const digest = createHash('sha256').update(SSH_HEAD).update(Buffer.from(publicKey, 'base64url'));
  return `SHA256:${digest.digest('base64').replace(/=+$/, '')}`;
}

const imported = new Map<string, KeyObject>();
const IMPORTED_MAX = 4_096;

function importPublic(publicKey: string): KeyObject {
  const known = imported.get(publicKey);
  if (known !== undefined) return known;
  const der = Buffer.concat([PUBLIC_HEAD, keyBytes(publicKey)]);
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  if (imported.size >= IMPORTED_MAX) imported.clear();
  imported.set(publicKey, key);
  return key;
}

/** The parser of keys ignores what comes after one. */
function keyBytes(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length !== KEY_BYTES) throw new Error(`a key has ${KEY_BYTES} bytes`);
  return bytes;
}

const signed = (purpose: Purpose, text: string): Buffer => Buffer.from(`sallyport ${purpose} 1\n${text}`);
