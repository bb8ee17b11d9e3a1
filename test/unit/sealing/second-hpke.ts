// HPKE as RFC 9180 words it, with X25519 and HKDF-SHA256, export-only or with AES-256-GCM, over node:crypto alone: a second opinion.
import {
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type KeyObject,
} from 'node:crypto';

const PUBLIC_HEAD = Buffer.from('302a300506032b656e032100', 'hex');
const PRIVATE_HEAD = Buffer.from('302e020100300506032b656e04220420', 'hex');

export const privateKeyOf = (bytes: Buffer): KeyObject =>
  createPrivateKey({ key: Buffer.concat([PRIVATE_HEAD, bytes]), format: 'der', type: 'pkcs8' });
export const publicKeyOf = (bytes: Buffer): KeyObject =>
  createPublicKey({ key: Buffer.concat([PUBLIC_HEAD, bytes]), format: 'der', type: 'spki' });
export const bytesOf = (key: KeyObject): Buffer =>
  (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'der', type: 'spki' }).subarray(-32);

interface Halves {
  enc: Buffer;
  recipient: Buffer;
  info: Buffer;
}

/** Section 5.1 and 5.3: what both sides export from the ephemeral half and the recipient's key. */
export function exported(
  own: KeyObject,
  their: KeyObject,
  { context, ...halves }: Halves & { context: Buffer },
): Buffer {
  const { suite, secret, schedule } = agree(own, their, halves, '\xff\xff');
  return labeledExpand(suite, labeledExpand(suite, secret, 'exp', schedule), 'sec', context);
}

/** Section 6.1: opens the one message that was sealed by AES-256-GCM, whose tag is its end. */
export function openSingle(
  own: KeyObject,
  their: KeyObject,
  { aad, sealed, ...halves }: Halves & { aad: Buffer; sealed: Buffer },
): Buffer {
  const { suite, secret, schedule } = agree(own, their, halves, '\0\x02');
  const key = labeledExpand(suite, secret, 'key', schedule);
  const nonce = labeledExpand(suite, secret, 'base_nonce', schedule, 12);
  const cipher = createDecipheriv('aes-256-gcm', key, nonce).setAAD(aad).setAuthTag(sealed.subarray(-16));
  return Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()]);
}

function agree(own: KeyObject, their: KeyObject, { enc, recipient, info }: Halves, aead: string) {
  const kem = Buffer.from('KEM\0\x20', 'latin1');
  const suite = Buffer.from(`HPKE\0\x20\0\x01${aead}`, 'latin1');
  const dh = diffieHellman({ privateKey: own, publicKey: their });
  const eae = labeledExtract(kem, Buffer.alloc(0), 'eae_prk', dh);
  const shared = labeledExpand(kem, eae, 'shared_secret', Buffer.concat([enc, recipient]));
  const empty = Buffer.alloc(0);
  const schedule = Buffer.concat([
    Buffer.from([0]),
    labeledExtract(suite, empty, 'psk_id_hash', empty),
    labeledExtract(suite, empty, 'info_hash', info),
  ]);
  return { suite, schedule, secret: labeledExtract(suite, shared, 'secret', empty) };
}

const hmac = (key: Buffer, ...parts: Buffer[]): Buffer =>
  createHmac('sha256', key).update(Buffer.concat(parts)).digest();

function labeledExtract(suite: Buffer, salt: Buffer, label: string, ikm: Buffer): Buffer {
  return hmac(
    salt.length === 0 ? Buffer.alloc(32) : salt,
    Buffer.from('HPKE-v1'),
    suite,
    Buffer.from(label),
    ikm,
  );
}

/** To 32 bytes or less, for which one block is enough. */
function labeledExpand(suite: Buffer, secret: Buffer, label: string, info: Buffer, length = 32): Buffer {
  const head = Buffer.concat([Buffer.from([0, length]), Buffer.from('HPKE-v1')]);
  return hmac(secret, head, suite, Buffer.from(label), info, Buffer.from([1])).subarray(0, length);
}
