// A secret's value on its way from whoever types it to a delegate group: sealed by HPKE (RFC 9180, base mode, X25519 or P-256,
// HKDF-SHA256, AES-256-GCM), so that neither the manager nor the queue can read it. Runs in browsers as in Node.
import {
  AEAD_AES_256_GCM,
  CipherSuite,
  KDF_HKDF_SHA256,
  KEM_DHKEM_P256_HKDF_SHA256,
  KEM_DHKEM_X25519_HKDF_SHA256,
} from 'hpke';

/** Longest value, in bytes. */
const VALUE_BYTES_MAX = 64 * 1024;
const LENGTH_BYTES = 4;
const SMALLEST_BUCKET = 64;

/** By which a value is sealed: P-256 is for runtimes that lack X25519. */
export type SealingSuite = 'x25519' | 'p256';

const suites: Record<SealingSuite, CipherSuite> = {
  x25519: new CipherSuite(KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_AES_256_GCM),
  p256: new CipherSuite(KEM_DHKEM_P256_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_AES_256_GCM),
};
/** What the identity signs a key of each suite for: no signature of the one is one of the other. */
const purposes: Record<SealingSuite, string> = { x25519: 'sealing-key', p256: 'sealing-key-p256' };

/** Whom to seal to. Keys and signature in base64url. */
export interface SealingTarget {
  deployment: string;
  /** The group's id. */
  group: string;
  /** Ed25519: whose fingerprint enrolment showed. */
  identityKey: string;
  /** Default: X25519. */
  suite?: SealingSuite;
  /** Of the suite. */
  sealingKey: string;
  /** The identity's word for the sealing key. */
  signature: string;
}

/** What the API answers: a target by X25519, and the key by P-256 where the group has one. */
export interface SealingTargets extends Omit<SealingTarget, 'suite'> {
  p256?: { sealingKey: string; signature: string } | null;
}

/** What a sealed value is for; it opens for nothing else. */
export interface ValuePlace {
  /** As in the API. */
  scope: string;
  secret: string;
  /** Id of the secret version it becomes. */
  version: string;
  /** The secret manager that is to keep it. */
  managerScope: string;
  manager: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

/** In base64url. */
export interface SealedValue {
  /** Absent for X25519. */
  suite?: 'p256';
  enc: string;
  box: string;
}

/** The group's sealing key is not what its identity signed, or the identity is not the one that was expected. */
export class TargetRefused extends Error {
  override readonly name = 'TargetRefused';
}

/** The same group by this suite. @throws TargetRefused where it has no such key */
export function targetIn(suite: SealingSuite, { p256, ...target }: SealingTargets): SealingTarget {
  if (suite === 'x25519') return target;
  if (p256 == null)
    throw new TargetRefused(
      'the group has no P-256 key yet: seal by X25519, or rotate the keys of the group, which makes one',
    );
  return { ...target, suite, ...p256 };
}

/** X25519 where this runtime has it. `subtle`: what it computes with. */
export function suiteOfRuntime(
  subtle: Pick<typeof crypto.subtle, 'generateKey'> = crypto.subtle,
): Promise<SealingSuite> {
  return subtle.generateKey('X25519', false, ['deriveBits']).then(
    (): SealingSuite => 'x25519',
    (): SealingSuite => 'p256',
  );
}

/**
 * Seals 1 byte to 64 KiB. What is sealed shows the value's length only roughly.
 * @throws TargetRefused, RangeError
 */
export async function sealValue(
  value: Uint8Array,
  target: SealingTarget,
  place: ValuePlace,
  pinnedFingerprint?: string,
): Promise<SealedValue> {
  if (value.length === 0 || value.length > VALUE_BYTES_MAX)
    throw new RangeError(`the value does not have 1 to ${VALUE_BYTES_MAX} bytes`);
  await assertGenuine(target, pinnedFingerprint);
  const { suite: name = 'x25519' } = target;
  const suite = suites[name];
  const key = await suite.DeserializePublicKey(decode(target.sealingKey));
  const padded = pad(value);
  try {
    const { encapsulatedSecret, ciphertext } = await suite.Seal(key, padded, {
      info: encodeFields(['sallyport value 1', target.deployment, target.group]),
      aad: contextOf(place),
    });
    const sealed = { enc: encode(encapsulatedSecret), box: encode(ciphertext) };
    return name === 'p256' ? { suite: name, ...sealed } : sealed;
  } finally {
    padded.fill(0);
  }
}

/**
 * Opens a sealed value for this place, with a key pair of its suite.
 * @throws Error when it was sealed for another place, group or key, or was changed
 */
export async function openValue(
  { suite: name, enc, box }: SealedValue,
  target: Pick<SealingTarget, 'deployment' | 'group'> & { publicKey: string; privateKey: string },
  place: ValuePlace,
): Promise<Uint8Array> {
  const suite = suites[name ?? 'x25519'];
  const pair = {
    publicKey: await suite.DeserializePublicKey(decode(target.publicKey)),
    privateKey: await importPrivate(name, suite, target),
  };
  const padded = await suite.Open(pair, decode(enc), decode(box), {
    info: encodeFields(['sallyport value 1', target.deployment, target.group]),
    aad: contextOf(place),
  });
  try {
    return unpad(padded);
  } finally {
    padded.fill(0);
  }
}

/** `SHA256:…` of an Ed25519 key, as ssh-keygen prints it. */
export async function fingerprint(identityKey: string): Promise<string> {
  const kind = new TextEncoder().encode('ssh-ed25519');
  const key = decode(identityKey);
  const digest = await crypto.subtle.digest('SHA-256', concat(prefixed(kind), prefixed(key)));
  return `SHA256:${btoa(String.fromCharCode(...new Uint8Array(digest))).replace(/=+$/, '')}`;
}

/** Of P-256 from both halves: the library would find the public one by what is experimental in Node, which says so aloud. */
async function importPrivate(
  name: SealedValue['suite'],
  suite: CipherSuite,
  { publicKey, privateKey }: { publicKey: string; privateKey: string },
) {
  if (name === undefined) return suite.DeserializePrivateKey(decode(privateKey));
  const point = decode(publicKey);
  const half = (point.length - 1) / 2;
  const [x, y] = [point.slice(1, 1 + half), point.slice(1 + half)].map(encode) as [string, string];
  const key = { kty: 'EC', crv: 'P-256', x, y, d: privateKey };
  return crypto.subtle.importKey('jwk', key, { name: 'ECDH', namedCurve: 'P-256' }, false, ['deriveBits']);
}

async function assertGenuine(target: SealingTarget, pinnedFingerprint: string | undefined): Promise<void> {
  if (pinnedFingerprint !== undefined && (await fingerprint(target.identityKey)) !== pinnedFingerprint)
    throw new TargetRefused('the group’s identity is not the pinned one');
  const text = new TextEncoder().encode(
    `sallyport ${purposes[target.suite ?? 'x25519']} 1\n${target.sealingKey}`,
  );
  const isGenuine = await crypto.subtle
    .importKey('raw', decode(target.identityKey), 'Ed25519', false, ['verify'])
    .then((key) => crypto.subtle.verify('Ed25519', key, decode(target.signature), text))
    .catch(() => false);
  if (!isGenuine) throw new TargetRefused('the group’s identity did not sign this sealing key');
}

function contextOf(place: ValuePlace): Uint8Array<ArrayBuffer> {
  const { scope, secret, version, managerScope, manager, expiresAt } = place;
  return encodeFields([scope, secret, version, managerScope, manager, String(expiresAt)]);
}

/** Length and value, filled up to a power of two. */
function pad(value: Uint8Array): Uint8Array<ArrayBuffer> {
  let bucket = SMALLEST_BUCKET;
  while (bucket < value.length + LENGTH_BYTES) bucket *= 2;
  const padded = new Uint8Array(bucket);
  new DataView(padded.buffer).setUint32(0, value.length);
  padded.set(value, LENGTH_BYTES);
  return padded;
}

function unpad(padded: Uint8Array): Uint8Array {
  const length = new DataView(padded.buffer, padded.byteOffset, padded.byteLength).getUint32(0);
  if (length === 0 || length > padded.length - LENGTH_BYTES) throw new Error('the padding is not ours');
  return padded.slice(LENGTH_BYTES, LENGTH_BYTES + length);
}

/** Each with its length before it, so that no two lists have the same bytes. */
const encodeFields = (fields: string[]): Uint8Array<ArrayBuffer> =>
  concat(...fields.map((field) => prefixed(new TextEncoder().encode(field))));

function prefixed(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = new Uint8Array(LENGTH_BYTES);
  new DataView(head.buffer).setUint32(0, bytes.length);
  return concat(head, bytes);
}

function concat(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function encode(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

function decode(text: string): Uint8Array<ArrayBuffer> {
  const raw = atob(text.replace(/-/g, '+').replace(/_/g, '/'));
  return Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
}
