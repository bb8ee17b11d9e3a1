// CRC-32C (RFC 3720, appendix B.4): how Google's services notice that bytes were changed on their way.

const POLYNOMIAL = 0x82f63b78;

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit += 1) rest = (rest & 1) === 0 ? rest >>> 1 : (rest >>> 1) ^ POLYNOMIAL;
  return rest;
});

export function crc32c(bytes: Uint8Array): number {
  let rest = 0xffff_ffff;
  for (const byte of bytes) rest = (table[(rest ^ byte) & 0xff] as number) ^ (rest >>> 8);
  return (rest ^ 0xffff_ffff) >>> 0;
}

/** Whether it is the sum of the bytes; Google's clients answer 64-bit numbers as text. */
export const isSumOf = (sum: { toString: () => string } | null | undefined, bytes: Uint8Array): boolean =>
  sum?.toString() === crc32c(bytes).toString();
