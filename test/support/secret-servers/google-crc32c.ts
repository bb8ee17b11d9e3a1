// CRC-32C bit by bit, as the standard describes it: another way than the product's.
export function crc32c(bytes: Uint8Array): number {
  let rest = 0xffff_ffff;
  for (const byte of bytes)
    for (let bit = 0; bit < 8; bit += 1) {
      const isOdd = ((rest ^ (byte >>> bit)) & 1) === 1;
      rest = isOdd ? (rest >>> 1) ^ 0x82f6_3b78 : rest >>> 1;
    }
  return (rest ^ 0xffff_ffff) >>> 0;
}
