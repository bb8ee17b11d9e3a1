// HPKE as RFC 9180 words it, export-only with X25519 and HKDF-SHA256, over node:crypto alone: a second opinion.
import { createHmac, createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto';

const PUBLIC_HEAD = Buffer.from('302a300506032b656e032100', 'hex');
const PRIVATE_HEAD = Buffer.from('302e020100300506032b656e04220420', 'hex');

export const privateKeyOf = (bytes: Buffer): KeyObject =>
  createPrivateKey({ key: Buffer.concat([PRIVATE_HEAD, bytes]), format: 'der', type: 'pkcs8' });
export const publicKeyOf = (bytes: Buffer): KeyObject =>
  createPublicKey({ key: Buffer.concat([PUBLIC_HEAD, bytes]), format: 'der', type: 'spki' });
export const bytesOf = (key: KeyObject): Buffer =>
  (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'der', type: 'spki' }).subarray(-32);

/** Section 5.1 and 5.3: what both sides export from the ephemeral half and the recipient's key. */
export function exported(
  own: KeyObject,
  their: KeyObject,
  { enc, recipient, info, context }: { enc: Buffer; recipient: Buffer; info: Buffer; context: Buffer },
): Buffer {
  const kem = Buffer.from('KEM\0\x20', 'latin1');
  const suite = Buffer.from('HPKE\0\x20\0\x01\xff\xff', 'latin1');
  const dh = diffieHellman({ privateKey: own, publicKey: their });
  const eae = labeledExtract(kem, Buffer.alloc(0), 'eae_prk', dh);
  const shared = labeledExpand(kem, eae, 'shared_secret', Buffer.concat([enc, recipient]));
  const empty = Buffer.alloc(0);
  const schedule = Buffer.concat([
    Buffer.from([0]),
    labeledExtract(suite, empty, 'psk_id_hash', empty),
    labeledExtract(suite, empty, 'info_hash', info),
  ]);
  const secret = labeledExtract(suite, shared, 'secret', empty);
  return labeledExpand(suite, labeledExpand(suite, secret, 'exp', schedule), 'sec', context);
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

/** To 32 bytes, for which one block is enough. */
function labeledExpand(suite: Buffer, secret: Buffer, label: string, info: Buffer): Buffer {
  const head = Buffer.from('\0\x20HPKE-v1', 'latin1');
  return hmac(secret, head, suite, Buffer.from(label), info, Buffer.from([1]));
}
