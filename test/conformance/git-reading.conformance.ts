// Part of the Git suite: head, heads, read, list, changes.
import { describe, expect, test } from 'vitest';
import type { PathChange } from '../../src/git/git.js';
import type { Suite } from '../support/git-suite.js';

const UNKNOWN = '0123456789'.repeat(4);

export function describeReading(suite: Suite): void {
  describeHeads(suite);
  describeFiles(suite);
  describeChanges(suite);
}

function describeHeads(suite: Suite): void {
  describe('heads', () => {
    test('names the commit of a branch, and nothing for a branch that is not there', async () => {
      const { remote, reference } = suite.world.create({ files: { 'a.yaml': 'a: 1\n' } });
      const git = await suite.open(remote);
      expect(await git.head('main')).toBe(reference.head('main'));
      expect(await git.head('other')).toBeNull();
      expect(await git.head('mai')).toBeNull();
      expect(await git.head('refs/heads/main')).toBeNull();
    });

    test.each(['feature/ü-1', 'release/1.0', 'a+b=c@d', 'main2', '日本', 'x%41'])(
      'finds the branch %s',
      async (branch) => {
        const { remote, reference } = suite.world.create({ files: { 'a.yaml': 'a: 1\n' } });
        const commit = reference.push(branch, { 'b.yaml': 'b: 1\n' });
        const git = await suite.open(remote);
        expect(await git.head(branch)).toBe(commit);
        expect((await git.heads()).branches).toEqual({ main: reference.head('main'), [branch]: commit });
      },
    );

    test('does not take a tag or another branch’s tail for the branch', async () => {
      const { remote, reference } = suite.world.create({ files: { 'a.yaml': 'a: 1\n' } });
      reference.push('x/refs/heads/lost', { 'b.yaml': 'b: 1\n' });
      reference.git(['tag', 'lost', 'main']);
      reference.git(['tag', '-m', 'annotated', 'main', 'main']);
      const git = await suite.open(remote);
      expect(await git.head('lost')).toBeNull();
      expect(await git.head('main')).toBe(reference.head('main'));
      expect(Object.keys((await git.heads()).branches)).toEqual(['main', 'x/refs/heads/lost']);
    });

    test('keeps a branch called __proto__', async () => {
      const { remote, reference } = suite.world.create({ files: { 'a.yaml': 'a: 1\n' } });
      const commit = reference.push('__proto__', { 'b.yaml': 'b: 1\n' });
      const { branches } = await (await suite.open(remote)).heads();
      expect(Object.entries(branches)).toContainEqual(['__proto__', commit]);
    });

    test('sees branches come, move and go', async () => {
      const { remote, reference } = suite.world.create({ files: { 'a.yaml': 'a: 1\n' } });
      const git = await suite.open(remote);
      expect(await git.head('main')).toBe(reference.head('main'));
      const moved = reference.push('main', { 'b.yaml': 'b: 1\n' });
      expect(await git.head('main')).toBe(moved);
      reference.point('main', null);
      expect(await git.head('main')).toBeNull();
      expect((await git.heads()).branches).toEqual({});
      reference.point('main/below', moved);
      expect((await git.heads()).branches).toEqual({ 'main/below': moved });
    });

    test('names the default branch', async () => {
      const { remote, reference } = suite.world.create({ files: { 'a.yaml': 'a: 1\n' } });
      reference.push('trunk', { 'b.yaml': 'b: 1\n' });
      const git = await suite.open(remote);
      expect((await git.heads()).default).toBe('main');
      reference.git(['symbolic-ref', 'HEAD', 'refs/heads/trunk']);
      expect((await git.heads()).default).toBe('trunk');
    });

    test('has no heads in an empty repository', async () => {
      const { remote } = suite.world.create();
      const git = await suite.open(remote);
      expect(await git.head('main')).toBeNull();
      expect((await git.heads()).branches).toEqual({});
    });
  });
}

function describeFiles(suite: Suite): void {
  describe('files', () => {
    const files = {
      'a.yaml': 'a: 1\n',
      'd/e/f.yaml': 'f: ü\n',
      'd/e/empty.yaml': '',
      'binary.yaml': Buffer.from([0, 1, 255, 254, 10, 13, 0]),
      'ü/späce "x".yaml': 'x: 1\n',
    };

    test('reads several files in order, and nothing where there is none', async () => {
      const { remote, reference } = suite.world.create({ files });
      const git = await suite.open(remote);
      const wanted = [
        'ü/späce "x".yaml',
        'absent.yaml',
        'd/e',
        'a.yaml',
        'binary.yaml',
        'a.yaml/x',
        'd/e/empty.yaml',
      ];
      const found = await git.read(reference.head('main') ?? '', wanted);
      expect(found.map((file) => (file === null ? null : Buffer.from(file.content)))).toEqual([
        Buffer.from(files['ü/späce "x".yaml']),
        null,
        null,
        Buffer.from(files['a.yaml']),
        files['binary.yaml'],
        null,
        Buffer.from(''),
      ]);
      expect(found[3]?.id).toBe(reference.blob(files['a.yaml']));
      expect(found[4]?.id).toBe(reference.blob(files['binary.yaml']));
    });

    test('reads no path, one path twice, and equal contents', async () => {
      const { remote, reference } = suite.world.create({ files: { 'a.yaml': 'same\n', 'b.yaml': 'same\n' } });
      const git = await suite.open(remote);
      const head = reference.head('main') ?? '';
      expect(await git.read(head, [])).toEqual([]);
      const found = await git.read(head, ['a.yaml', 'b.yaml', 'a.yaml']);
      expect(found.map((file) => Buffer.from(file?.content ?? []).toString())).toEqual([
        'same\n',
        'same\n',
        'same\n',
      ]);
    });

    test('reads a large file', async () => {
      const large = Buffer.alloc(3_000_000, 'The quick brown fox. ');
      const { remote, reference } = suite.world.create({ files: { 'large.yaml': large } });
      const [found] = await (await suite.open(remote)).read(reference.head('main') ?? '', ['large.yaml']);
      expect(Buffer.from(found?.content ?? []).equals(large)).toBe(true);
    });

    test('reads an old commit after the branch went on', async () => {
      const { remote, reference } = suite.world.create({ files: { 'a.yaml': 'a: 1\n' } });
      const old = reference.head('main') ?? '';
      const git = await suite.open(remote);
      const next = reference.push('main', { 'a.yaml': 'a: 2\n' });
      expect(Buffer.from((await git.read(next, ['a.yaml']))[0]?.content ?? []).toString()).toBe('a: 2\n');
      expect(Buffer.from((await git.read(old, ['a.yaml']))[0]?.content ?? []).toString()).toBe('a: 1\n');
    });

    test('lists files below a directory by their bytes, with modes', async () => {
      const { remote, reference } = suite.world.create({ files });
      reference.push('main', {
        'd/run.sh': { mode: '100755', content: 'true\n' },
        'd/link': { mode: '120000', content: 'e/f.yaml' },
        'd/module': { mode: '160000', content: UNKNOWN },
        'd.yaml': 'a\n',
        d0: 'b\n',
      });
      const head = reference.head('main') ?? '';
      const git = await suite.open(remote);
      const all = await git.list(head, '');
      const expected = Object.entries(reference.files(head)).map(([path, about]) => ({
        path,
        mode: about.slice(0, 6),
        id: about.slice(7),
      }));
      expect(all).toEqual(expected);
      expect(all.map((entry) => entry.path)).toEqual(all.map((entry) => entry.path).sort(compareBytes));
      expect(await git.list(head, 'd')).toEqual(expected.filter((entry) => entry.path.startsWith('d/')));
      expect((await git.list(head, 'd/e')).map((entry) => entry.path)).toEqual([
        'd/e/empty.yaml',
        'd/e/f.yaml',
      ]);
    });

    test.each(['nope', 'a.yaml', 'd/e/f.yaml', 'd/e/f.yaml/x', 'D'])(
      'lists nothing below %s',
      async (prefix) => {
        const { remote, reference } = suite.world.create({ files });
        expect(await (await suite.open(remote)).list(reference.head('main') ?? '', prefix)).toEqual([]);
      },
    );

    test('does not know a commit that is not there', async () => {
      const { remote } = suite.world.create({ files });
      const git = await suite.open(remote);
      await expect(git.read(UNKNOWN, ['a.yaml'])).rejects.toMatchObject({ code: 'GIT_OBJECT_NOT_FOUND' });
      await expect(git.list(UNKNOWN, '')).rejects.toMatchObject({ code: 'GIT_OBJECT_NOT_FOUND' });
    });
  });
}

function describeChanges(suite: Suite): void {
  describe('changes', () => {
    test('are what was added, changed, deleted, and whose mode changed', async () => {
      const { remote, reference } = suite.world.create({
        files: {
          'a.yaml': '1\n',
          'd/b.yaml': '1\n',
          'd/c.yaml': '1\n',
          'same/x.yaml': '1\n',
          'moved.yaml': 'm\n',
        },
      });
      const from = reference.head('main') ?? '';
      const to = reference.push('main', {
        'a.yaml': '2\n',
        'd/b.yaml': null,
        'd/c.yaml': { mode: '100755', content: '1\n' },
        'n/e/w.yaml': 'w\n',
        'moved.yaml': null,
        'n/moved.yaml': 'm\n',
      });
      const git = await suite.open(remote);
      const changes = await git.changes(from, to);
      expect(changes.map(({ path }) => path)).toEqual(
        ['a.yaml', 'd/b.yaml', 'd/c.yaml', 'moved.yaml', 'n/e/w.yaml', 'n/moved.yaml'].sort(compareBytes),
      );
      const [before, after] = [reference.files(from), reference.files(to)];
      for (const { path, from: old, to: now } of changes) {
        expect(old === null ? undefined : `${old.mode} ${old.id}`).toBe(before[path]);
        expect(now === null ? undefined : `${now.mode} ${now.id}`).toBe(after[path]);
      }
      const back = await git.changes(to, from);
      expect(back).toEqual(changes.map(({ path, from: old, to: now }) => ({ path, from: now, to: old })));
    });

    test('are sorted by bytes where a file became a directory', async () => {
      const { remote, reference } = suite.world.create({ files: { a: '1\n', 'a.b': '1\n', a0: '1\n' } });
      const from = reference.head('main') ?? '';
      const to = reference.push('main', { a: null, 'a.b': '2\n', a0: '2\n', 'a/x.yaml': 'x\n' });
      const paths = (await (await suite.open(remote)).changes(from, to)).map(({ path }) => path);
      expect(paths).toEqual(['a', 'a.b', 'a/x.yaml', 'a0']);
    });

    test('are none between equal commits, and everything between strangers', async () => {
      const { remote, reference } = suite.world.create({ files: { 'a.yaml': '1\n' } });
      const main = reference.head('main') ?? '';
      const stranger = reference.makeCommit(null, { 'b.yaml': '1\n' });
      reference.point('stranger', stranger);
      const git = await suite.open(remote);
      expect(await git.changes(main, main)).toEqual([]);
      expect((await git.changes(main, stranger)).map(({ path }) => path)).toEqual(['a.yaml', 'b.yaml']);
    });

    test('bring their contents along', async () => {
      const { remote, reference } = suite.world.create({
        files: { 'a.yaml': '1\n', 'moved.yaml': 'm\n', 'gone.yaml': 'g\n', 'same.yaml': 's\n' },
      });
      const from = reference.head('main') ?? '';
      const binary = Buffer.from([0, 255, 10, 13]);
      const to = reference.push('main', {
        'a.yaml': binary,
        'gone.yaml': null,
        'moved.yaml': null,
        'n/moved.yaml': 'm\n',
        'n/link': { mode: '120000', content: 'moved.yaml' },
        'n/module': { mode: '160000', content: '0123456789'.repeat(4) },
      });
      const expected = {
        'a.yaml': binary.toString('hex'),
        'gone.yaml': undefined,
        'moved.yaml': undefined,
        'n/link': Buffer.from('moved.yaml').toString('hex'),
        'n/module': undefined,
        'n/moved.yaml': Buffer.from('m\n').toString('hex'),
      };
      const cold = await (await suite.open(remote)).changes(from, to, { contents: true });
      expect(contentsOf(cold)).toEqual(expected);
      const git = await suite.open(remote);
      await git.list(from, '');
      expect(contentsOf(await git.changes(from, to, { contents: true }))).toEqual(expected);
      expect(contentsOf(await git.changes(to, from, { contents: true }))).toMatchObject({
        'gone.yaml': Buffer.from('g\n').toString('hex'),
      });
    });

    test('need both commits', async () => {
      const { remote, reference } = suite.world.create({ files: { 'a.yaml': '1\n' } });
      const main = reference.head('main') ?? '';
      const git = await suite.open(remote);
      await expect(git.changes(UNKNOWN, main)).rejects.toMatchObject({ code: 'GIT_OBJECT_NOT_FOUND' });
      await expect(git.changes(main, UNKNOWN)).rejects.toMatchObject({ code: 'GIT_OBJECT_NOT_FOUND' });
    });
  });
}

function contentsOf(changes: PathChange[]): Record<string, string | undefined> {
  return Object.fromEntries(
    changes.map(({ path, content }) => [path, content && Buffer.from(content).toString('hex')]),
  );
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
