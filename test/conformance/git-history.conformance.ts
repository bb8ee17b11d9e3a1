// Part of the Git suite: history.
import { describe, expect, test } from 'vitest';
import type { Git, HistoryCommit, HistoryPlace } from '../../src/git/git.js';
import type { Suite } from '../support/git-suite.js';
import type { TestRepository } from '../support/git-world.js';
import { type Act, type GrownCommit, growHistories } from '../support/grown-history.js';

const UNKNOWN = '0123456789'.repeat(4);
const BEGIN = 1_700_000_000;
const write = (path: string, content: string): Act => ({ do: 'write', path, content });

export function describeHistories(suite: Suite): void {
  describe('a history', () => {
    const grow = (commits: Pick<GrownCommit, 'parents' | 'acts' | 'message'>[]) => {
      const repository = suite.world.create();
      const grown = commits.map((commit, index): GrownCommit => ({ keeps: 0, at: BEGIN + index, ...commit }));
      const { main = [] } = growHistories(repository.reference, { main: grown });
      return { repository, ids: main };
    };

    test('has the commits that changed the file, newest first, with what each of them left', async () => {
      const { repository, ids } = grow([
        { parents: [], acts: [write('d/a.yaml', '1'), write('b.yaml', '1')] },
        { parents: [0], acts: [write('d/a.yaml', '2')], message: 'Two\n\nAt length\n' },
        { parents: [1], acts: [write('b.yaml', '2')] },
        { parents: [2], acts: [{ do: 'remove', path: 'd/a.yaml' }] },
        { parents: [3], acts: [] },
        { parents: [4], acts: [write('d/a.yaml', '1')] },
      ]);
      const git = await suite.open(repository.remote);
      const { commits, next, searchedTo } = await git.history('d/a.yaml', startOf(ids), 100);
      expect([next, searchedTo]).toEqual([null, ids[0]]);
      expect(commits.map(({ id }) => id)).toEqual([5, 3, 1, 0].map((at) => ids[at]));
      const [one, two] = repository.reference.blobs(['1', '2']);
      expect(commits.map(({ from, to }) => [from?.id, to?.id])).toEqual([
        [undefined, one],
        [two, undefined],
        [one, two],
        [undefined, one],
      ]);
      const at = BEGIN + 1;
      expect(commits[2]).toEqual({
        id: ids[1],
        parent: ids[0],
        isMerge: false,
        author: { name: 'Ada Lovelace', email: 'ada@sallyport.invalid', at },
        committer: { name: 'Sallyport', email: 'sallyport@sallyport.invalid', at },
        message: 'Two\n\nAt length\n',
        isMessageCut: false,
        operation: null,
        from: { mode: '100644', id: one },
        to: { mode: '100644', id: two },
      });
      expect(commits.at(-1)?.parent).toBeNull();
    });

    test('goes where a merge took the file from, and tells a merge that made something else of it', async () => {
      const { repository, ids } = grow([
        { parents: [], acts: [write('a.yaml', '0')] },
        { parents: [0], acts: [write('a.yaml', 'ours')] },
        { parents: [0], acts: [write('a.yaml', 'theirs')] },
        { parents: [1, 2], acts: [] },
        { parents: [2], acts: [write('b.yaml', '1')] },
        { parents: [3, 4], acts: [write('a.yaml', 'both')] },
      ]);
      const git = await suite.open(repository.remote);
      const kept = await git.history('a.yaml', { pending: [ids[3] as string], seen: [] }, 100);
      expect(kept.commits.map(({ id }) => id)).toEqual([ids[1], ids[0]]);
      const { commits } = await git.history('a.yaml', startOf(ids), 100);
      expect(commits.map(({ id, isMerge }) => [id, isMerge])).toEqual([
        [ids[5], true],
        [ids[2], false],
        [ids[1], false],
        [ids[0], false],
      ]);
      expect(commits.map(({ id }) => id)).toEqual(logOf(repository, 'a.yaml'));
    });

    test('comes in pages that leave nothing out and tell nothing twice', async () => {
      const { repository, ids } = grow([
        { parents: [], acts: [write('d/a.yaml', '0')] },
        ...Array.from({ length: 12 }, (_, index) => ({
          parents: index % 4 === 3 ? [index, index - 2] : [index],
          acts: index % 3 === 0 ? [] : [write('d/a.yaml', `${index}`)],
        })),
      ]);
      const expected = logOf(repository, 'd/a.yaml');
      expect(expected.length).toBeGreaterThan(5);
      for (const limit of [1, 3])
        expect(await pagesOf(await suite.open(repository.remote), startOf(ids), limit)).toEqual(expected);
    });

    test('is found below many commits that have nothing to do with it', async () => {
      const { repository, ids } = grow([
        { parents: [], acts: [write('d/e/a.yaml', '0')] },
        ...Array.from({ length: 300 }, (_, index) => ({
          parents: [index],
          acts: [write(index % 2 === 0 ? 'b.yaml' : 'd/b.yaml', `${index}`)],
        })),
      ]);
      const git = await suite.open(repository.remote);
      const { commits, next } = await git.history('d/e/a.yaml', startOf(ids), 100);
      expect([commits.map(({ id }) => id), next]).toEqual([[ids[0]], null]);
    });

    test('of a path that no file ever had is empty', async () => {
      const { repository, ids } = grow([
        { parents: [], acts: [write('d/a.yaml', '0')] },
        { parents: [0], acts: [write('d/a.yaml', '1')] },
      ]);
      const git = await suite.open(repository.remote);
      for (const path of ['none.yaml', 'd/none.yaml', 'd/a.yaml/none', '.git/config', 'd/../d/a.yaml'])
        expect(await git.history(path, startOf(ids), 100), path).toEqual({
          commits: [],
          searchedTo: ids[0],
          next: null,
        });
    });

    test('bounds what commits say of themselves, and reads it in the encoding they name', async () => {
      const long = `Long\n\n${'ä'.repeat(10_000)}\n\nSallyport-Operation: 01234567-89ab-cdef-0123-456789abcdef\n`;
      const { repository, ids } = grow([{ parents: [], acts: [write('a.yaml', '0')], message: long }]);
      const { reference } = repository;
      const tree = reference.git(['rev-parse', `${ids[0]}^{tree}`]);
      const other = reference.git(['mktree'], { input: '' });
      const header = (its: string, parent: string) =>
        Buffer.from(
          `tree ${its}\nparent ${parent}\nauthor J\xf6rg <j@x.invalid> 1 +0000\ncommitter J <> 2 +0000\nencoding ISO-8859-1\n\nGr\xfc\xdfe\n`,
          'latin1',
        );
      const put = (input: Buffer) =>
        reference.git(['hash-object', '-t', 'commit', '-w', '--stdin'], { input });
      const gone = put(header(other, ids[0] as string));
      const back = put(header(tree, gone));
      reference.point('main', back);
      const git = await suite.open(repository.remote);
      const { commits } = await git.history('a.yaml', { pending: [back], seen: [] }, 100);
      expect(commits.map(({ id }) => id)).toEqual([back, gone, ids[0]]);
      expect(commits[0]).toMatchObject({
        author: { name: 'Jörg', email: 'j@x.invalid', at: 1 },
        committer: { name: 'J', email: '', at: 2 },
        message: 'Grüße\n',
      });
      expect(commits[2]).toMatchObject({
        message: long.slice(0, 4_096),
        isMessageCut: true,
        operation: '01234567-89ab-cdef-0123-456789abcdef',
      });
    });

    test('needs a commit that is there', async () => {
      const { repository } = grow([{ parents: [], acts: [write('a.yaml', '0')] }]);
      const git = await suite.open(repository.remote);
      await expect(git.history('a.yaml', { pending: [UNKNOWN], seen: [] }, 1)).rejects.toMatchObject({
        code: 'GIT_OBJECT_NOT_FOUND',
      });
    });
  });
}

const startOf = (ids: string[]): HistoryPlace => ({ pending: [ids.at(-1) as string], seen: [] });

const logOf = ({ reference }: TestRepository, path: string): string[] =>
  reference.git(['log', '--format=%H', 'main', '--', path]).split('\n');

async function pagesOf(git: Git, start: HistoryPlace, limit: number): Promise<string[]> {
  const found: HistoryCommit[] = [];
  for (let place: HistoryPlace | null = start; place !== null; ) {
    const page = await git.history('d/a.yaml', place, limit);
    found.push(...page.commits);
    place = page.next;
  }
  return found.map(({ id }) => id);
}
