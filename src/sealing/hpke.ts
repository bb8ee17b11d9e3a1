// Sealing to a public key: HPKE (RFC 9180, base mode, X25519, HKDF-SHA256). One key agreement costs about a millisecond and
// serves many messages: its exported secret is the key of AES-256-GCM for all of them until the agreement is renewed.
import {
  createCipheriv,
  createDecipheriv,
  createECDH,
  createPrivateKey,
  createPublicKey,
  randomBytes,
} from 'node:crypto';
import {
  AEAD_EXPORT_ONLY,
  CipherSuite,
  KDF_HKDF_SHA256,
  KEM_DHKEM_P256_HKDF_SHA256,
  KEM_DHKEM_X25519_HKDF_SHA256,
} from 'hpke';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const RENEW_MS = 5 * 60_000;
/** Far below what random nonces allow under one key (2^32). */
const RENEW_MESSAGES = 1_000_000;
/** Agreements a reader keeps. */
const AGREEMENTS_MAX = 1_024;
/** DER of a private X25519 key up to its 32 bytes (RFC 8410). */
const PRIVATE_HEAD = Buffer.from('302e020100300506032b656e04220420', 'hex');
const EXPORT_LABEL = Buffer.from('sallyport sealing key');

const suite = new CipherSuite(KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_EXPORT_ONLY);
/** Only to make keys of: messages between manager and delegates are sealed by X25519 alone. */
const p256 = new CipherSuite(KEM_DHKEM_P256_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_EXPORT_ONLY);

/** A sealed message, in base64url. */
export interface Sealed {
  /** The sender's half of the key agreement, 32 bytes. */
  enc: string;
  /** Nonce, ciphertext and tag. */
  box: string;
}

/** An X25519 key pair, in base64url, 32 bytes each; or one of P-256, whose public key is an uncompressed point of 65. */
export interface SealingPair {
  publicKey: string;
  privateKey: string;
}

export const makeSealingPair = (): Promise<SealingPair> => makePair(suite);

export const makeP256Pair = (): Promise<SealingPair> => makePair(p256);

async function makePair(of: CipherSuite): Promise<SealingPair> {
  const pair = await of.GenerateKeyPair(true);
  const [publicKey, privateKey] = await Promise.all([
    of.SerializePublicKey(pair.publicKey),
    of.SerializePrivateKey(pair.privateKey),
  ]);
  const encoded = { publicKey: encode(publicKey), privateKey: encode(privateKey) };
  privateKey.fill(0);
  return encoded;
}

/** Whether the private key is the public one's. */
export function isPair({ publicKey, privateKey }: SealingPair): boolean {
  const der = Buffer.concat([PRIVATE_HEAD, decode(privateKey)]);
  try {
    const key = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
    return encode(key.export({ format: 'der', type: 'spki' }).subarray(-KEY_BYTES)) === publicKey;
  } catch {
    return false;
  } finally {
    der.fill(0);
  }
}

/** The same of a pair by P-256. */
export function isP256Pair({ publicKey, privateKey }: SealingPair): boolean {
  const own = createECDH('prime256v1');
  try {
    own.setPrivateKey(decode(privateKey));
    return own.getPublicKey('base64url', 'uncompressed') === publicKey;
  } catch {
    return false;
  }
}

interface Agreement {
  enc: string;
  key: Buffer;
}

/** Seals to one public key. `info` says what for: whoever opens must say the same. */
export class Sealer {
  #agreement: Promise<Agreement> | undefined;
  #until = 0;
  #messagesLeft = 0;

  constructor(
    private readonly publicKey: string,
    private readonly info: string,
    private readonly renewal = { ms: RENEW_MS, messages: RENEW_MESSAGES },
  ) {}

  /** `context` is not hidden but bound: the message opens under no other. */
  async seal(plaintext: Uint8Array, context: string): Promise<Sealed> {
    const agreement = await this.#agree();
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', agreement.key, nonce).setAAD(Buffer.from(context));
    const parts = [nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()];
    return { enc: agreement.enc, box: Buffer.concat(parts).toString('base64url') };
  }

  #agree(): Promise<Agreement> {
    const isOver = this.#messagesLeft <= 0 || Date.now() >= this.#until;
    const agreement = isOver || this.#agreement === undefined ? this.#renew() : this.#agreement;
    this.#messagesLeft -= 1;
    return agreement;
  }

  #renew(): Promise<Agreement> {
    this.#until = Date.now() + this.renewal.ms;
    this.#messagesLeft = this.renewal.messages;
    const begun = this.#begin();
    this.#agreement = begun;
    // What failed is tried again with the next message.
    begun.catch(() => {
      if (this.#agreement === begun) this.#agreement = undefined;
    });
    return begun;
  }

  async #begin(): Promise<Agreement> {
    const recipient = await suite.DeserializePublicKey(decode(this.publicKey));
    const { encapsulatedSecret, exportedSecret } = await suite.SendExport(
      recipient,
      EXPORT_LABEL,
      KEY_BYTES,
      { info: Buffer.from(this.info) },
    );
    return { enc: encode(encapsulatedSecret), key: Buffer.from(exportedSecret) };
  }
}

/** Opens what was sealed to its key, or to one of its keys. */
export interface Opens {
  /** @throws Error when anything was changed, or was sealed for another key, purpose or context */
  open: (sealed: Sealed, context: string) => Promise<Buffer>;
}

/** Opens what was sealed to one key pair. */
export class Opener implements Opens {
  readonly #pair: ReturnType<typeof importPair>;
  /** Keys by the sender's half, the one used last at the end. */
  readonly #keys = new Map<string, Promise<Buffer>>();

  constructor(
    pair: SealingPair,
    private readonly info: string,
  ) {
    this.#pair = importPair(pair);
    this.#pair.catch(() => undefined);
  }

  /** @throws Error when anything was changed, or was sealed for another key, purpose or context */
  async open({ enc, box }: Sealed, context: string): Promise<Buffer> {
    const bytes = Buffer.from(box, 'base64url');
    if (bytes.length < NONCE_BYTES + TAG_BYTES) throw new Error('the message is too short');
    const key = await this.#keyFor(enc);
    const tagAt = bytes.length - TAG_BYTES;
    const cipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    })
      .setAAD(Buffer.from(context))
      .setAuthTag(bytes.subarray(tagAt));
    return Buffer.concat([cipher.update(bytes.subarray(NONCE_BYTES, tagAt)), cipher.final()]);
  }

  #keyFor(enc: string): Promise<Buffer> {
    const key = this.#keys.get(enc) ?? this.#agree(enc);
    this.#keys.delete(enc);
    this.#keys.set(enc, key);
    if (this.#keys.size > AGREEMENTS_MAX) this.#keys.delete(this.#keys.keys().next().value as string);
    key.catch(() => this.#keys.delete(enc));
    return key;
  }

  async #agree(enc: string): Promise<Buffer> {
    const options = { info: Buffer.from(this.info) };
    return Buffer.from(
      await suite.ReceiveExport(await this.#pair, decode(enc), EXPORT_LABEL, KEY_BYTES, options),
    );
  }
}

async function importPair({ publicKey, privateKey }: SealingPair) {
  return {
    publicKey: await suite.DeserializePublicKey(decode(publicKey)),
    privateKey: await suite.DeserializePrivateKey(decode(privateKey)),
  };
}

const encode = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const decode = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64url'));
