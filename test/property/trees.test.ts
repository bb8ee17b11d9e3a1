// Trees of any entries, sound or not, beside git's own judgement: one fsck over all of them.
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Breath } from '../../src/git/breath.js';
import { hashObject, MalformedObject, type TreeItem } from '../../src/git/objects.js';
import { isFileName } from '../../src/git/path-names.js';
import { Tree } from '../../src/git/tree.js';
import { BareRepository } from '../unit/support/bare.js';
import { packOf, types } from '../unit/support/packs.js';

const SEED = 20_262;
const COUNT = 600;

let repository: BareRepository;
beforeAll(() => {
  repository = new BareRepository();
});
afterAll(() => repository.remove());

const ID = '12'.repeat(20);
const mode = fc.constantFrom('100644', '100755', '40000', '120000', '160000', '100664', '040000', '0100644');
/** Few letters, so that names begin with one another and are the same. */
const name = fc.oneof(
  { weight: 6, arbitrary: fc.stringMatching(/^[ab.\-0]{1,3}$/) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '.git',
      '.GIT',
      '.git ',
      '.git.',
      'git~1',
      '..',
      '.',
      '.gi\xe2\x80\x8ct',
      '.git::$INDEX_ALLOCATION',
      '.git\\a',
      'a\\b',
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom('a/b', '', '/', '\xff\xfe') },
);
const entry = fc.record({ mode, name, id: fc.constant(ID) });
/** What git sorts by. */
const keyOf = ({ mode, name }: TreeItem): string => (/^0?4/.test(mode) ? `${name}/` : name);
/** In git's order more often than not. */
const entries = fc
  .tuple(fc.array(entry, { maxLength: 6 }), fc.boolean(), fc.boolean())
  .map(([items, isSorted, isUnique]) => {
    const some = isUnique ? [...new Map(items.map((item) => [item.name, item])).values()] : items;
    return isSorted ? some.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)) : some;
  });

const bytesOf = (items: TreeItem[]): Buffer =>
  Buffer.concat(
    items.map((item) =>
      Buffer.concat([Buffer.from(`${item.mode} ${item.name}\0`, 'latin1'), Buffer.from(item.id, 'hex')]),
    ),
  );

/** What git's fsck has against each tree, by id. */
function judge(trees: Buffer[]): Map<string, string[]> {
  const pack = packOf(trees.map((content) => ({ type: types.tree, content })));
  repository.git(['unpack-objects', '-q'], { input: pack });
  const env = { PATH: process.env.PATH, HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1', LC_ALL: 'C' };
  const run = spawnSync('git', ['fsck', '--strict', '--no-dangling'], {
    cwd: repository.folder,
    env,
    maxBuffer: 2 ** 28,
  });
  const verdicts = new Map<string, string[]>();
  for (const [, id = '', problem = ''] of run.stderr.toString().matchAll(/in tree ([0-9a-f]{40}): (\w+)/g))
    verdicts.set(id, [...(verdicts.get(id) ?? []), problem]);
  return verdicts;
}

const BROKEN = ['treeNotSorted', 'duplicateEntries', 'fullPathname', 'emptyName', 'badTree'];
const HIDDEN = ['hasDot', 'hasDotdot', 'hasDotgit'];

async function decode(content: Buffer): Promise<TreeItem[] | 'malformed'> {
  try {
    const tree = await Tree.read(content, new Breath());
    return Array.from({ length: tree.size }, (_, index) => tree.at(index));
  } catch (error) {
    if (error instanceof MalformedObject) return 'malformed';
    throw error;
  }
}

describe('A tree', () => {
  it('is malformed exactly when git’s fsck says that it is broken, and is written again to the byte', async () => {
    const trees = fc.sample(entries, { seed: SEED, numRuns: COUNT }).map(bytesOf);
    const verdicts = judge(trees);
    const read = await Promise.all(
      trees.map(async (content) => ({
        bytes: content.toString('latin1'),
        problems: verdicts.get(hashObject('tree', content)) ?? [],
        items: await decode(content),
      })),
    );
    const isBroken = (problem: string): boolean => BROKEN.includes(problem);
    for (const { bytes, problems, items } of read)
      expect([items === 'malformed', bytes, problems]).toEqual([problems.some(isBroken), bytes, problems]);
    for (const { bytes, items } of read.filter((one) => one.items !== 'malformed'))
      expect(Tree.of(items as TreeItem[]).content.toString('latin1')).toBe(bytes);
    const broken = read.filter(({ items }) => items === 'malformed').length;
    // Both kinds are among them.
    expect(broken).toBeGreaterThan(COUNT / 10);
    expect(broken).toBeLessThan((COUNT * 9) / 10);
  });

  it('with a name that git’s fsck calls dangerous has an item that is no file', async () => {
    const trees = fc.sample(entries, { seed: SEED + 1, numRuns: COUNT }).map(bytesOf);
    const verdicts = judge(trees);
    const dangerous = trees.filter((content) =>
      verdicts.get(hashObject('tree', content))?.some((problem) => HIDDEN.includes(problem)),
    );
    expect(dangerous.length).toBeGreaterThan(COUNT / 10);
    for (const content of dangerous) {
      const items = await decode(content);
      if (items === 'malformed') continue;
      const names = items.map((item) => Buffer.from(item.name, 'latin1').toString());
      expect([names.every(isFileName), names]).toEqual([false, names]);
    }
  });
});
