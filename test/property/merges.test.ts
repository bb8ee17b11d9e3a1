// Two sides that change a document in any ways, and what the page makes of both.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isMap, isScalar, parseAllDocuments, parseDocument } from 'yaml';
import { findDifferences, merge, type Side, type Versions } from '../../web/conflict/merge.js';
import { document, edited, edits, printDocument } from '../unit/support/documents.js';

const SEED = 20_264;
const COUNT = 60;
const sides = ['theirs', 'ours'] as const;

/** The same documents for all that is said of them. */
const cases: (Versions & { base: string })[] = fc
  .sample(fc.tuple(document, edits, edits), { seed: SEED, numRuns: COUNT })
  .map(([base, theirs, ours]) => ({
    base: printDocument(base),
    theirs: printDocument(edited(base, theirs, 'theirs')),
    ours: printDocument(edited(base, ours, 'ours')),
  }));

/** Of all that both changed, the one or the other. */
function mergeBy(versions: Versions, toSide: (at: number) => Side): string {
  const open = findDifferences(versions).filter(({ by }) => by === 'both');
  return merge(versions, new Map(open.map(({ path }, at) => [path, toSide(at)])));
}

/** How often each line is there, wherever it stands; empty ones aside. */
function countLines(text: string): Map<string, number> {
  const lines = text.split(/\r?\n/).map((line) => line.replace(/^ +/, ''));
  return lines.reduce(
    (counts, line) => (line === '' ? counts : counts.set(line, (counts.get(line) ?? 0) + 1)),
    new Map(),
  );
}

/** Values by their path. */
function leavesOf(text: string): Map<string, string> {
  const leaves = new Map<string, string>();
  const walk = (node: unknown, path: string): void => {
    if (!isMap(node)) leaves.set(path, JSON.stringify(node));
    else
      for (const { key, value } of node.items)
        walk(value, `${path}/${isScalar(key) ? JSON.stringify(key.value) : ''}`);
  };
  walk(parseDocument(text).contents, '');
  return leaves;
}

const each = (judge: (versions: Versions & { base: string }) => void): void => {
  for (const versions of cases) {
    try {
      judge(versions);
    } catch (error) {
      throw new Error(`Of ${JSON.stringify(versions)}: ${(error as Error).message}`);
    }
  }
};

describe('A merge', () => {
  it('of two sides one of which changed nothing is the other, to the byte', () => {
    each(({ base, ours }) => {
      expect(merge({ base, theirs: base, ours }, new Map())).toBe(ours);
      expect(merge({ base, theirs: ours, ours: base }, new Map())).toBe(ours);
    });
  });

  it('of two sides that are the same is either', () => {
    each(({ base, ours }) => {
      for (const known of [base, null]) {
        expect(findDifferences({ base: known, theirs: ours, ours })).toEqual([]);
        expect(merge({ base: known, theirs: ours, ours }, new Map())).toBe(ours);
      }
    });
  });

  it.each(sides)(
    'has every line once that only one side added, or none removed, where %s is chosen',
    (side) => {
      each((versions) => {
        const other = side === 'ours' ? 'theirs' : 'ours';
        const [base, mine, others] = [versions.base, versions[side], versions[other]].map(countLines);
        const refused = findDifferences(versions)
          .filter(({ by }) => by === 'both')
          .map((one) => countLines(one[other] ?? ''));
        const isIn = (line: string, ...counts: (Map<string, number> | undefined)[]): boolean =>
          counts.every((one) => one?.get(line) === 1);
        const isNotIn = (line: string, ...counts: (Map<string, number> | undefined)[]): boolean =>
          counts.every((one) => !one?.has(line));
        const once = [...new Set([...(mine?.keys() ?? []), ...(others?.keys() ?? [])])].filter(
          (line) =>
            isIn(line, base, mine, others) ||
            (isIn(line, mine) && isNotIn(line, base, others)) ||
            (isIn(line, others) && isNotIn(line, base, mine, ...refused)),
        );
        const result = countLines(mergeBy(versions, () => side));
        expect(once.map((line) => [line, result.get(line)])).toEqual(once.map((line) => [line, 1]));
      });
    },
  );

  it.each([
    ['one side', () => 'ours' as const],
    ['both sides', (at: number) => sides[at % 2] ?? 'ours'],
  ])('is one document that can be read, of values of either side, where %s is chosen', (_, toSide) => {
    each((versions) => {
      const text = mergeBy(versions, toSide);
      const documents = parseAllDocuments(text);
      expect(Array.isArray(documents) && documents.map(({ errors }) => errors.length)).toEqual([0]);
      const [theirs, ours] = [leavesOf(versions.theirs), leavesOf(versions.ours)];
      for (const [path, value] of leavesOf(text)) {
        // Of a mapping each side may have removed what the other left.
        if (value === 'null') continue;
        expect([path, [theirs.get(path), ours.get(path)]]).toEqual([path, expect.arrayContaining([value])]);
      }
    });
  });

  it('has a name of its own for every difference', () => {
    each((versions) => {
      for (const base of [versions.base, null]) {
        const paths = findDifferences({ ...versions, base }).map(({ path }) => path);
        expect(new Set(paths).size).toBe(paths.length);
      }
    });
  });
});
