// A ciphertext that AES-256-GCM opens under two keys: one of its blocks is chosen so that both come to the same tag.
// NIST SP 800-38D, 6.3 to 6.5 and 7.1; the tag is a polynomial of the blocks, whose one unknown is solved for.
import { createCipheriv, type KeyObject } from 'node:crypto';

const BLOCK_BYTES = 16;
/** The blocks are read from their first bit on: 1 is the highest bit, and x the next. */
const ONE = 1n << 127n;
const MODULUS = 0xe1n << 120n;

export interface TwoKeyed {
  nonce: Buffer;
  ciphertext: Buffer;
  tag: Buffer;
}

/** @param blocks how many the ciphertext has; what it opens to is nobody’s choice, but is something under either key */
export function openToBoth(keys: [KeyObject, KeyObject], nonce: Buffer, aad: Buffer, blocks = 2): TwoKeyed {
  const ciphertext = Buffer.alloc(blocks * BLOCK_BYTES, 'chosen freely');
  const solved = (blocks - 1) * BLOCK_BYTES;
  ciphertext.fill(0, solved);
  const hashes = keys.map((key) => numberOf(encryptBlock(key, Buffer.alloc(BLOCK_BYTES))));
  const [one, two] = hashes as [bigint, bigint];
  const masks = keys.map((key) =>
    numberOf(encryptBlock(key, Buffer.concat([nonce, Buffer.from([0, 0, 0, 1])]))),
  );
  const tagOf = (at: 0 | 1): bigint => ghash(hashes[at] as bigint, aad, ciphertext) ^ (masks[at] as bigint);
  // The last block of the ciphertext is the last but one of what is hashed: its factor is the square of the hash key.
  const factor = multiply(one, one) ^ multiply(two, two);
  bytesOf(multiply(tagOf(0) ^ tagOf(1), invert(factor))).copy(ciphertext, solved);
  return { nonce, ciphertext, tag: bytesOf(tagOf(0)) };
}

function encryptBlock(key: KeyObject, block: Buffer): Buffer {
  return createCipheriv('aes-256-ecb', key, null).setAutoPadding(false).update(block);
}

function ghash(hashKey: bigint, aad: Buffer, ciphertext: Buffer): bigint {
  const lengths = Buffer.alloc(BLOCK_BYTES);
  lengths.writeBigUInt64BE(BigInt(aad.byteLength * 8), 0);
  lengths.writeBigUInt64BE(BigInt(ciphertext.byteLength * 8), 8);
  const blocks = [...blocksOf(aad), ...blocksOf(ciphertext), lengths];
  return blocks.reduce((sum, block) => multiply(sum ^ numberOf(block), hashKey), 0n);
}

/** The last one filled up with zeros. */
function blocksOf(bytes: Buffer): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.byteLength / BLOCK_BYTES) }, (_, at) =>
    Buffer.concat([bytes.subarray(at * BLOCK_BYTES), Buffer.alloc(BLOCK_BYTES)], BLOCK_BYTES),
  );
}

function multiply(one: bigint, two: bigint): bigint {
  let product = 0n;
  for (let bit = ONE, power = two; bit > 0n; bit >>= 1n) {
    if (one & bit) product ^= power;
    power = power & 1n ? (power >> 1n) ^ MODULUS : power >> 1n;
  }
  return product;
}

/** By Fermat: the field has 2^128 elements. */
function invert(element: bigint): bigint {
  let inverse = ONE;
  for (let power = element, n = 1; n < 128; n += 1) {
    power = multiply(power, power);
    inverse = multiply(inverse, power);
  }
  return inverse;
}

const numberOf = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString('hex')}`);
const bytesOf = (number: bigint): Buffer =>
  Buffer.from(number.toString(16).padStart(2 * BLOCK_BYTES, '0'), 'hex');
