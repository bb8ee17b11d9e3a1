import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { gunzip } from '../../../src/git/gunzip.js';

const MIB = 1024 * 1024;
/** The compressed bytes as they come from a socket. */
const arrive = (bytes: Buffer): Readable => {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 16_384) pieces.push(bytes.subarray(at, at + 16_384));
  return Readable.from(pieces, { objectMode: false });
};
const read = async (bytes: Buffer, max: number): Promise<{ bytes: number; error: unknown }> => {
  let count = 0;
  try {
    for await (const chunk of gunzip('git.example.com', arrive(bytes), max))
      count += (chunk as Buffer).length;
    return { bytes: count, error: null };
  } catch (error) {
    return { bytes: count, error };
  }
};
/** A head, and stored blocks of nothing: a stream that inflates to nothing for ever. */
const nothing = Buffer.concat([
  Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]),
  Buffer.alloc(5 * 200_000, Buffer.from([0, 0, 0, 0xff, 0xff])),
]);

describe('a compressed answer', () => {
  it.each([0, 1, 100, 300_000, 3 * MIB])('of %i bytes comes out as it went in', async (size) => {
    const plain = randomBytes(size);
    const chunks = await gunzip('git.example.com', arrive(gzipSync(plain)), 4 * MIB).toArray();
    expect(Buffer.concat(chunks as Buffer[]).equals(plain)).toBe(true);
  });

  it('may grow as text does', async () => {
    const text = Buffer.from('0123456789 refs/heads/main\n'.repeat(30_000));
    expect(await read(gzipSync(text), 2 * MIB)).toEqual({ bytes: text.length, error: null });
  });

  it.each([
    [
      'that is made to grow',
      gzipSync(Buffer.alloc(64 * MIB)),
      256 * MIB,
      'growth of a compressed answer',
      100,
    ],
    ['that is too large inside', gzipSync(randomBytes(2 * MIB)), MIB, 'bytes of one answer', MIB],
    ['that is too large outside', nothing, 100_000, 'bytes of one answer', 100_000],
  ])('%s ends, and not late', async (_name, bytes, maxBytes, limit, max) => {
    const { bytes: seen, error } = await read(bytes, maxBytes);
    expect(error).toMatchObject({ code: 'GIT_LIMIT_EXCEEDED', data: { limit, max } });
    expect(seen).toBeLessThanOrEqual(8 * MIB);
  });

  it('closes what it reads from when it is left', async () => {
    const source = arrive(gzipSync(randomBytes(MIB)));
    for await (const _ of gunzip('git.example.com', source, 2 * MIB)) break;
    await expect.poll(() => source.destroyed).toBe(true);
  });
});
