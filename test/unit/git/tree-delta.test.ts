import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Breath } from '../../../src/git/breath.js';
import { applyDelta } from '../../../src/git/delta.js';
import type { TreeItem } from '../../../src/git/objects.js';
import { Tree } from '../../../src/git/tree.js';
import { encodeTreeDelta } from '../../../src/git/tree-delta.js';

const idOf = (n: number): string => (n * 2_654_435_761).toString(16).padStart(8, '0').slice(0, 8).repeat(5);
const itemOf = (n: number, version = 0, mode = '100644'): TreeItem => ({
  name: `file-${String(n).padStart(6, '0')}.yaml`,
  mode,
  id: idOf(n + version * 1_000_000),
});
const directoryOf = (files: number, change: (n: number) => TreeItem | null = (n) => itemOf(n)): Tree =>
  Tree.of(Array.from({ length: files }, (_, n) => change(n)).filter((item) => item !== null));

const apply = (base: Tree, delta: Buffer | null): Promise<Buffer | null> =>
  applyDelta(base.content, delta as Buffer, new Breath());
const encode = (base: Tree, tree: Tree): Promise<Buffer | null> => encodeTreeDelta(base, tree, new Breath());

describe('the delta between two trees', () => {
  const base = directoryOf(10_000);

  it.each<[string, Tree, number]>([
    ['one entry changed', directoryOf(10_000, (n) => itemOf(n, n === 5_000 ? 1 : 0)), 50],
    ['the first entry changed', directoryOf(10_000, (n) => itemOf(n, n === 0 ? 1 : 0)), 50],
    ['the last entry changed', directoryOf(10_000, (n) => itemOf(n, n === 9_999 ? 1 : 0)), 50],
    ['the first entry gone', directoryOf(10_000, (n) => (n === 0 ? null : itemOf(n))), 20],
    ['the last entry gone', directoryOf(9_999), 20],
    ['an entry gone', directoryOf(10_000, (n) => (n === 77 ? null : itemOf(n))), 30],
    ['an entry more', directoryOf(10_001), 70],
    ['ten entries more', directoryOf(10_010), 520],
    ['a mode changed', directoryOf(10_000, (n) => itemOf(n, 0, n === 9 ? '100755' : '100644')), 60],
    ['ten entries changed', directoryOf(10_000, (n) => itemOf(n, n % 1_000 === 0 ? 1 : 0)), 400],
    ['half of it gone', directoryOf(5_000), 20],
    ['nothing changed', base, 20],
    ['nothing left', Tree.empty, 20],
  ])('with %s is small and makes the tree', async (_, tree, bytesMax) => {
    const delta = await encode(base, tree);
    expect(delta?.length).toBeLessThan(bytesMax);
    expect((await apply(base, delta))?.equals(tree.content)).toBe(true);
  });

  it('copies more than three bytes can count', async () => {
    const large = directoryOf(500_000);
    expect(large.content.length).toBeGreaterThan(0xff_ffff);
    const changed = large.change([large.at(499_999)], [itemOf(499_999, 1)]);
    const delta = await encode(large, changed);
    expect(delta?.length).toBeLessThan(60);
    expect((await apply(large, delta))?.equals(changed.content)).toBe(true);
  });

  it('is given up when it would be half as large as the tree', async () => {
    expect(
      await encode(
        base,
        directoryOf(10_000, (n) => itemOf(n, 1)),
      ),
    ).toBeNull();
    expect(await encode(Tree.empty, base)).toBeNull();
  });

  const some = fc
    .array(fc.tuple(fc.nat(200), fc.nat(3), fc.constantFrom('100644', '100755', '40000')), { maxLength: 150 })
    .map((entries) => new Map(entries.map(([n, version, mode]) => [n, itemOf(n, version, mode)])))
    .map((items) => Tree.of([...items.values()]));

  it('makes the one of the other, whatever they hold', async () => {
    await fc.assert(
      fc.asyncProperty(some, some, async (from, to) => {
        const delta = await encode(from, to);
        if (delta === null) return;
        expect((await apply(from, delta))?.equals(to.content)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
