import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Breath } from '../../../src/git/breath.js';
import { applyDelta, deltaSize } from '../../../src/git/delta.js';
import { copy, deltaOf, insert, sizeOf } from '../support/packs.js';

const base = Buffer.from('the quick brown fox jumps over the lazy dog');
const apply = (to: Buffer, delta: Buffer): Promise<Buffer | null> => applyDelta(to, delta, new Breath());
const textOf = async (...commands: Buffer[]): Promise<string | undefined> => {
  const size = commands.length === 0 ? 0 : undefined;
  const whole = deltaOf(base.length, commands, size);
  return (await apply(base, whole))?.toString();
};

describe('a delta', () => {
  it('makes its object of ranges of the base and bytes of its own', async () => {
    expect(await textOf(copy(0, 4), insert('slow'), copy(9, 34))).toBe(
      'the slow brown fox jumps over the lazy dog',
    );
    expect(await textOf(copy(0, base.length))).toBe(base.toString());
    expect(await textOf(insert('new'))).toBe('new');
    expect(await textOf(copy(40, 3), copy(40, 3), copy(0, 3))).toBe('dogdogthe');
    expect(await textOf()).toBe('');
  });

  it('takes a length of 0 for 64 KiB', async () => {
    const large = Buffer.alloc(70_000, 'x');
    const delta = deltaOf(large.length, [Buffer.from([0x80])], 65_536);
    expect(await apply(large, delta)).toHaveLength(65_536);
  });

  it('copies from far away, with all bytes of start and length', async () => {
    const large = Buffer.alloc(0x123_4567 + 0x1_2345, 'x');
    large.write('here', 0x123_4567);
    const result = await apply(large, deltaOf(large.length, [copy(0x123_4567, 0x1_2345)]));
    expect(result).toHaveLength(0x1_2345);
    expect(result?.subarray(0, 4).toString()).toBe('here');
  });

  it('gives what its commands say, whatever they are', async () => {
    const command = fc.oneof(
      fc
        .uint8Array({ minLength: 1, maxLength: 127 })
        .map((bytes) => ({ bytes: Buffer.from(bytes), made: insert(bytes) })),
      fc
        .tuple(fc.nat(base.length - 1), fc.nat(base.length - 1))
        .map(([a, b]) => [Math.min(a, b), Math.max(a, b) + 1] as const)
        .map(([start, end]) => ({ bytes: base.subarray(start, end), made: copy(start, end - start) })),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(command), async (commands) => {
        const delta = deltaOf(
          base.length,
          commands.map(({ made }) => made),
        );
        const wanted = Buffer.concat(commands.map(({ bytes }) => bytes));
        expect(deltaSize(delta)).toBe(wanted.length);
        expect((await apply(base, delta))?.equals(wanted)).toBe(true);
      }),
    );
  });
});

describe('a broken delta', () => {
  const refused: [string, Buffer][] = [
    ['is empty', Buffer.alloc(0)],
    ['ends in its sizes', Buffer.from([0x80])],
    ['has one size', sizeOf(base.length)],
    ['has a size without end', Buffer.concat([sizeOf(base.length), Buffer.alloc(20, 0xff)])],
    ['is for a shorter base', deltaOf(base.length - 1, [insert('x')])],
    ['is for a longer base', deltaOf(base.length + 1, [insert('x')])],
    ['copies from behind the base', deltaOf(base.length, [copy(base.length, 1)], 1)],
    ['copies beyond the base', deltaOf(base.length, [copy(base.length - 1, 2)], 2)],
    ['copies from far beyond', deltaOf(base.length, [copy(0xffff_ffff, 1)], 1)],
    ['inserts more than it has', Buffer.concat([sizeOf(base.length), sizeOf(5), Buffer.from([5, 1, 2])])],
    ['makes more than it says', deltaOf(base.length, [insert('xyz')], 2)],
    ['makes less than it says', deltaOf(base.length, [insert('xyz')], 4)],
    ['makes nothing of something', deltaOf(base.length, [], 4)],
    ['has the reserved command', Buffer.concat([deltaOf(base.length, [insert('x')], 2), Buffer.from([0])])],
    ['ends inside a copy', Buffer.concat([sizeOf(base.length), sizeOf(1), Buffer.from([0x91])])],
    [
      'ends before the length of a copy',
      Buffer.concat([sizeOf(base.length), sizeOf(1), Buffer.from([0x91, 0])]),
    ],
  ];
  it.each(refused)('that %s makes nothing', async (_, delta) => {
    expect(await apply(base, delta)).toBeNull();
  });

  it.each([
    ['no size', Buffer.alloc(0)],
    ['one size', sizeOf(5)],
    ['a size that does not end', Buffer.concat([sizeOf(5), Buffer.from([0x80, 0x80])])],
  ])('with %s has no size', (_, delta) => {
    expect(deltaSize(delta)).toBeNull();
  });

  it('of any bytes makes nothing, or just what it says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.nat(500), async (bytes, size) => {
        const delta = Buffer.concat([sizeOf(base.length), sizeOf(size), Buffer.from(bytes)]);
        const made = await apply(base, delta);
        expect([undefined, size]).toContain(made?.length);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('a delta that takes long', () => {
  const large = Buffer.alloc(0xff_ffff);
  it.each<[string, Buffer]>([
    ['many commands', deltaOf(large.length, [Buffer.alloc(8_000_000, insert('x'))], 4_000_000)],
    [
      'long copies',
      deltaOf(
        large.length,
        Array.from({ length: 12 }, () => copy(0, 0xff_ffff)),
      ),
    ],
  ])('for its %s is not applied to its end when nobody waits for it', async (_, delta) => {
    const breath = new Breath(() => {
      throw new Error('nobody waits');
    });
    await expect(applyDelta(large, delta, breath)).rejects.toThrow('nobody waits');
  });
});
