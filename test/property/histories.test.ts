// The history of a path beside `git log -- path`, for histories of any form: merges, files that come again, directories that move,
// commits that change nothing, clocks that stand still or go backwards.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommitId, HistoryCommit, HistoryPlace } from '../../src/git/git.js';
import { type HistorySource, walkHistory } from '../../src/git/history.js';
import { defaultLimits } from '../../src/git/limits.js';
import { Failure } from '../../src/kernel/failure.js';
import { type Act, type GrownCommit, growHistories } from '../support/grown-history.js';
import { BareRepository } from '../unit/support/bare.js';

const SEED = 20_268;
const COUNT = 200;
const PATHS = ['a.yaml', 'd/a.yaml', 'd/e/a.yaml', 'd/e', 'f/e/a.yaml'];
const BEGIN = 1_700_000_000;

let repository: BareRepository;
let objects: Map<string, Buffer>;
let histories: Record<string, string[]>;

beforeAll(() => {
  repository = new BareRepository();
  const samples = fc.sample(history, { seed: SEED, numRuns: COUNT });
  histories = growHistories(
    repository,
    Object.fromEntries(samples.map((sample, index) => [`h${index}`, sample])),
  );
  objects = readAll();
});
afterAll(() => repository.remove());

const path = fc.constantFrom(...PATHS, 'a.yaml', 'other.yaml');
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      path,
      content: fc.constantFrom('1', '2', '3'),
      mode: fc.constantFrom('100644' as const, '100644' as const, '100755' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), path }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('move' as const),
      from: fc.constantFrom('d', 'f', 'd/e'),
      to: fc.constantFrom('d', 'f', 'g'),
    }),
  },
);
/** Mostly of the commit before, often of an earlier one as well, seldom of none. */
const parentage: fc.Arbitrary<number[]> = fc.oneof(
  { weight: 20, arbitrary: fc.constant<number[]>([0]) },
  { weight: 6, arbitrary: fc.nat(6).map((back) => [0, back]) },
  { weight: 4, arbitrary: fc.nat(3).map((back) => [back]) },
  { weight: 4, arbitrary: fc.array(fc.nat(6), { minLength: 3, maxLength: 3 }) },
  { weight: 1, arbitrary: fc.constant<number[]>([]) },
);
const drafted = fc.record({
  back: parentage,
  keeps: fc.nat(2),
  acts: fc.array(act, { maxLength: 3 }),
  /** Seconds between this commit and the one before it. */
  later: fc.oneof(
    { weight: 4, arbitrary: fc.nat(2) },
    { weight: 1, arbitrary: fc.integer({ min: -9, max: 9 }) },
  ),
});
const history = fc.array(drafted, { minLength: 1, maxLength: 30 }).map((drafts): GrownCommit[] => {
  let at = BEGIN;
  return drafts.map(({ back, keeps, acts, later }, index) => {
    at += later;
    const parents = index === 0 ? [] : back.map((steps) => Math.max(0, index - 1 - steps));
    return { parents: [...new Set(parents)], keeps, acts, at };
  });
});

/** All commits and trees, by one run of git. */
function readAll(): Map<string, Buffer> {
  const output = repository.bytes(['cat-file', '--batch', '--batch-all-objects']);
  const found = new Map<string, Buffer>();
  for (let at = 0; at < output.length; ) {
    const end = output.indexOf('\n', at);
    const [id = '', type = '', size = ''] = output.toString('latin1', at, end).split(' ');
    if (type !== 'blob') found.set(id, output.subarray(end + 1, end + 1 + Number(size)));
    at = end + 2 + Number(size);
  }
  return found;
}

interface Giving {
  /** Commits that come along with those asked for. */
  along?: number;
  /** Trees beyond this many at once are too much. */
  trees?: number;
  historyCommits?: number;
}

/** Counts what it is asked for. */
function sourceOf({ along = 5, trees = 1_000, historyCommits = 2_000 }: Giving = {}) {
  const asked = { commits: 0, trees: 0 };
  const source: HistorySource = {
    host: 'git.example',
    limits: { ...defaultLimits, historyCommits },
    pageMs: 60_000,
    bytes: 0,
    check: () => undefined,
    commits: async (ids) => {
      asked.commits++;
      const found = new Map<CommitId, Buffer>();
      for (let next = [...ids]; next.length > 0 && found.size < ids.length + along; ) {
        for (const id of next) found.set(id, objects.get(id) as Buffer);
        next = next.flatMap((id) => parentsOf(objects.get(id) as Buffer));
      }
      return found;
    },
    trees: async (ids) => {
      asked.trees++;
      if (ids.length > trees)
        throw new Failure('GIT_LIMIT_EXCEEDED', { host: 'git.example', limit: 'trees', max: trees });
      return new Map(ids.map((id) => [id, objects.get(id) as Buffer]));
    },
  };
  return { source, asked };
}

const parentsOf = (commit: Buffer): string[] =>
  [...(commit.toString('latin1').split('\n\n')[0] ?? '').matchAll(/^parent (.+)$/gm)].map(
    ([, id]) => id as string,
  );

const logOf = (head: string, file: string): string[] =>
  repository.git(['log', '--format=%H', head, '--', file]).split('\n').filter(Boolean);

/** Page by page, to the end. */
async function wholeOf(head: string, file: string, limit: number, giving?: Giving): Promise<HistoryCommit[]> {
  const found: HistoryCommit[] = [];
  let place: HistoryPlace | null = { pending: [head], seen: [] };
  while (place !== null) {
    const { source } = sourceOf(giving);
    const page = await walkHistory(source, file, place, limit);
    expect(page.commits.length).toBeLessThanOrEqual(limit);
    found.push(...page.commits);
    place = page.next;
  }
  return found;
}

const heads = (): string[] => Object.values(histories).map((ids) => ids.at(-1) as string);
const idsOf = (commits: HistoryCommit[]): string[] => commits.map(({ id }) => id);

describe('A history', () => {
  it('has the commits that git log has, in its order', async () => {
    let told = 0;
    for (const head of heads())
      for (const file of PATHS) {
        const expected = logOf(head, file);
        expect(idsOf(await wholeOf(head, file, 1_000)), `${head} ${file}`).toEqual(expected);
        told += expected.length;
      }
    expect(told).toBeGreaterThan(COUNT * 3);
  });

  it('is the same in pages of any size, however little comes at once', async () => {
    const ways: [number, Giving][] = [
      [1, { along: 0, trees: 1 }],
      [2, { trees: 2, historyCommits: 3 }],
      [3, { along: 50, historyCommits: 1 }],
    ];
    for (const [index, head] of heads().entries()) {
      const file = PATHS[index % PATHS.length] as string;
      const [limit, giving] = ways[index % ways.length] as (typeof ways)[0];
      expect(idsOf(await wholeOf(head, file, limit, giving)), `${head} ${file}`).toEqual(logOf(head, file));
    }
  });

  it('says what stood at the path before each commit and after it', async () => {
    const told: [string, HistoryCommit][] = [];
    for (const [index, head] of heads().entries()) {
      const file = PATHS[index % PATHS.length] as string;
      for (const commit of await wholeOf(head, file, 1_000)) told.push([file, commit]);
    }
    const names = told.flatMap(([file, { id }]) => [`${id}:${file}\n`, `${id}^:${file}\n`]);
    const answers = repository.git(['cat-file', '--batch-check'], { input: names.join('') }).split('\n');
    const blobs = answers.map((answer) => /^([0-9a-f]{40}) blob /.exec(answer)?.[1] ?? null);
    expect(told.flatMap(([, { from, to }]) => [to?.id ?? null, from?.id ?? null])).toEqual(blobs);
    const kinds = told.map(([, { from, to }]) => [from === null, to === null].join());
    expect([...new Set(kinds)].toSorted()).toEqual(['false,false', 'false,true', 'true,false', 'true,true']);
  });

  it('ends a page where enough was looked at, and says where', async () => {
    const [head] = heads().filter((id) => logOf(id, 'd/a.yaml').length > 2);
    const { source } = sourceOf({ historyCommits: 2 });
    const page = await walkHistory(source, 'd/a.yaml', { pending: [head as string], seen: [] }, 100);
    const order = repository.git(['log', '--format=%H', head as string]).split('\n');
    expect(order).toContain(page.searchedTo);
    expect(page.next?.seen).toHaveLength(2);
  });
});

it('A history of a commit that is not there is refused', async () => {
  const { source } = sourceOf();
  const nowhere: HistorySource = { ...source, commits: async () => new Map() };
  await expect(
    walkHistory(nowhere, 'a.yaml', { pending: ['0'.repeat(40)], seen: [] }, 1),
  ).rejects.toMatchObject({ code: 'GIT_OBJECT_NOT_FOUND' });
});

it('A history costs few questions', async () => {
  const line = Array.from({ length: 600 }, (_, index): GrownCommit => {
    const acts: Act[] = [
      { do: 'write', path: index === 3 ? 'p/q/r.yaml' : 'other.yaml', content: `${index}` },
    ];
    return { parents: index === 0 ? [] : [index - 1], keeps: 0, acts, at: BEGIN + index };
  });
  const { line: ids } = growHistories(repository, { line });
  objects = readAll();
  const { source, asked } = sourceOf({ along: 256 });
  const place = { pending: [ids?.at(-1) as string], seen: [] };
  const page = await walkHistory(source, 'p/q/r.yaml', place, 100);
  expect([idsOf(page.commits), page.searchedTo, page.next]).toEqual([[ids?.[3]], ids?.[0], null]);
  expect(asked.commits).toBeLessThanOrEqual(4);
  expect(asked.trees).toBeLessThan(20);
});

it('A merge of more branches than are looked at side by side is refused', async () => {
  const many = Array.from({ length: 258 }, (_, index): GrownCommit => {
    const isLast = index === 257;
    return {
      parents: isLast ? Array.from({ length: 257 }, (_unused, parent) => parent) : [],
      keeps: 0,
      acts: [{ do: 'write', path: 'a.yaml', content: `${index}` }],
      at: BEGIN,
    };
  });
  const { octopus: ids } = growHistories(repository, { octopus: many });
  objects = readAll();
  const place = { pending: [ids?.at(-1) as string], seen: [] };
  await expect(walkHistory(sourceOf().source, 'a.yaml', place, 1)).rejects.toMatchObject({
    code: 'GIT_LIMIT_EXCEEDED',
  });
});
