// Objects of a pack that are too large to be inflated at once, kept and dropped.
import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { blobIdOf } from '../../../src/git/blob-id.js';
import { defaultLimits } from '../../../src/git/limits.js';
import type { GitObject } from '../../../src/git/objects.js';
import { readPack } from '../../../src/git/pack-reader.js';
import { chunksOf } from '../support/chunks.js';
import { blob, type Entry, packOf, types } from '../support/packs.js';
import { failureFrom } from '../support/refusals.js';

/** Bytes that do not deflate. */
const noise = (bytes: number): Buffer =>
  Buffer.concat(
    Array.from({ length: Math.ceil(bytes / 64) }, (_, n) => createHash('sha512').update(`${n}`).digest()),
  ).subarray(0, bytes);

const read = (pack: Buffer, keeps: boolean, chunkBytes = 50_000): Promise<Map<string, GitObject>> => {
  const cuts = Array.from({ length: Math.floor(pack.length / chunkBytes) }, (_, n) => n * chunkBytes);
  const keep = (type: string): boolean => keeps || type === 'commit';
  return readPack(chunksOf(pack, cuts), { host: 'git.example.com', limits: defaultLimits, keep });
};

const behind: Entry = { type: types.commit, content: Buffer.from('behind') };
const contents: [string, Buffer][] = [
  ['that deflates well', Buffer.alloc(3_000_000, 'large: yes\n')],
  ['that does not', noise(1_000_000)],
  ['just beyond what is inflated at once', noise(256 * 1024 + 1)],
  ['just not beyond', noise(256 * 1024)],
];

describe.each([
  [true, 'is kept whole'],
  [false, 'is passed over'],
])('a large object (kept: %s)', (keeps, fate) => {
  it.each(contents)(`${fate}, one %s`, async (_, content) => {
    const pack = packOf([blob(content), behind]);
    for (const chunkBytes of [5_000, 70_000, pack.length]) {
      const objects = await read(pack, keeps, chunkBytes);
      expect([...objects.values()].some((one) => one.content.toString() === 'behind')).toBe(true);
      expect(objects.get(blobIdOf(content))?.content.equals(content)).toBe(keeps ? true : undefined);
      expect(objects.size).toBe(keeps ? 2 : 1);
    }
  });

  const [, large] = contents[1] as [string, Buffer];
  const stream = deflateSync(large);
  const cases: [string, Buffer, string | RegExp][] = [
    [
      'has more than it says',
      packOf([{ ...blob(large), size: 900_000 }]),
      'an object is larger than it says',
    ],
    [
      'has less than it says',
      packOf([{ ...blob(large), size: 1_000_001 }]),
      'an object has another size than it says',
    ],
    [
      'cannot be inflated',
      packOf([{ ...blob(large), stream: noise(1_000_000) }]),
      'an object cannot be inflated',
    ],
    [
      'has a wrong sum',
      packOf([{ ...blob(large), stream: Buffer.concat([stream.subarray(0, -1), Buffer.of(1)]) }]),
      'an object cannot be inflated',
    ],
    ['is cut off', packOf([blob(large)]).subarray(0, 500_000), 'the pack ends inside an object'],
    ['is cut off at its end', packOf([blob(large)]).subarray(0, -20), /^the pack ends/],
  ];
  it.each(cases)('is refused when it %s', async (_, pack, reason) => {
    const failure = await failureFrom(read(pack, keeps));
    expect(failure.code).toBe('GIT_ANSWER_INVALID');
    expect((failure.data as { reason: string }).reason).toMatch(reason);
  });
});

it('a pack nobody waits for any more is not read to its end', async () => {
  const refusal = new Error('nobody waits');
  const check = (): void => {
    throw refusal;
  };
  const pack = packOf(Array.from({ length: 5_000 }, (_, n) => blob(`n: ${n}\n`)));
  const options = { host: 'git.example.com', limits: defaultLimits, keep: () => true, check };
  await expect(readPack(chunksOf(pack), options)).rejects.toBe(refusal);
});
