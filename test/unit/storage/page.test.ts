import { describe, expect, it } from 'vitest';
import { fitPage } from '../../../src/storage/page.js';

const MIB = 1024 * 1024;
const rows = (...sizes: number[]) => sizes.map((bytes, index) => ({ sequence: index + 1, bytes }));

describe('a page', () => {
  it.each([
    { of: 'no rows', found: rows(), limit: 5, sequences: [], next: null },
    { of: 'fewer rows than asked for', found: rows(1, 1), limit: 5, sequences: [1, 2], next: null },
    { of: 'just as many', found: rows(1, 1), limit: 2, sequences: [1, 2], next: null },
    { of: 'one more', found: rows(1, 1, 1), limit: 2, sequences: [1, 2], next: 2 },
    { of: 'documents that just fit', found: rows(8 * MIB, 8 * MIB), limit: 5, sequences: [1, 2], next: null },
    {
      of: 'documents that are a byte too much',
      found: rows(8 * MIB, 8 * MIB + 1),
      limit: 5,
      sequences: [1],
      next: 1,
    },
    { of: 'a document larger than a page', found: rows(17 * MIB, 1), limit: 5, sequences: [1], next: 1 },
    { of: 'a large one behind small ones', found: rows(1, 17 * MIB, 1), limit: 5, sequences: [1], next: 1 },
  ])('of $of', ({ found, limit, sequences, next }) => {
    expect(fitPage(found, limit)).toEqual({ sequences, next });
  });

  it('is followed by pages that bring every row once', () => {
    const all = rows(...Array.from({ length: 100 }, (_, n) => ((n * 37) % 11) * MIB));
    const seen: number[] = [];
    for (let after: number | null = 0; after !== null; ) {
      const last: number = after;
      const page: ReturnType<typeof fitPage> = fitPage(
        all.filter(({ sequence }) => sequence > last).slice(0, 8),
        7,
      );
      seen.push(...page.sequences);
      after = page.next;
    }
    expect(seen).toEqual(all.map(({ sequence }) => sequence));
  });
});
