// Trees that no honest git makes. An odd but harmless name must not keep anybody from the rest of the repository; a broken
// tree is refused; what would be no file where it is checked out is never called one.
import { expect, test } from 'vitest';
import type { Step } from '../../src/git/git.js';
import type { ErrorCode } from '../../src/kernel/errors.js';
import { chainOn, change, expectLanded, makeStep } from '../support/git-suite.js';
import { MadeRepository } from '../support/made-repository.js';
import { type Arena, describeHostile } from './arena.js';

type Entry = [mode: string, name: string, id: string];
type MakeEntries = (made: MadeRepository, blob: string) => Entry[];

const raw = (name: string): string => Buffer.from(name).toString('latin1');
const id = '12'.repeat(20);

/** A repository whose root has these entries before `zz.yaml`, and the host that has it. */
async function serve(arena: Arena, entries: MakeEntries, isSorted = true) {
  const made = new MadeRepository();
  const blob = made.put('blob', 'a: 1\n');
  const all: Entry[] = [...entries(made, blob), ['100644', 'zz.yaml', blob]];
  const head = made.commit(made.tree(isSorted ? all.toSorted(([, a], [, b]) => (a < b ? -1 : 1)) : all));
  const host = await arena.host(made.script());
  return { head, host, git: arena.git(host.url()) };
}

const file = (name: string): [string, MakeEntries] => [
  JSON.stringify(name),
  (_, blob) => [['100644', raw(name), blob]],
];
const chain = (base: string) => ({
  branch: 'main',
  base,
  create: false,
  steps: [makeStep([change('zz.yaml', 'z: 2\n')])],
});

const hidden: [string, MakeEntries][] = [
  ...[
    '.',
    '..',
    '.git',
    '.GIT',
    '.gIt',
    '.git.',
    '.git...',
    '.git ',
    '.git . .',
    'git~1',
    'GIT~1',
    'git~10',
    '.g\u200cit',
    '.git\u200d',
    '\ufeff.git',
    '.git::$INDEX_ALLOCATION',
    '.git:x',
    '.git\\config',
    '.git\\..\\x',
  ].map(file),
  ['a directory ..', (made, blob) => [['40000', '..', made.tree([['100644', 'up.yaml', blob]])]]],
  ['a directory .git', (made, blob) => [['40000', '.git', made.tree([['100644', 'config', blob]])]]],
  ['a submodule .git', () => [['160000', '.git', id]]],
  ['a link .git', (_, blob) => [['120000', '.git', blob]]],
];

const harmless: [string, MakeEntries][] = [
  ...[
    'a\\b',
    'a\\..\\b',
    '\\',
    'a:b',
    'con',
    'aux.yaml',
    'a ',
    'a.',
    'a\nb',
    'a\u001b[31m',
    'a\tb',
    '"a"',
    '-rf',
    '--help',
    '~',
    '*',
    '.gitmodules',
    '.gitignore',
    'git',
    'git~x',
    '.github',
    '.git2',
    '...',
    'x'.repeat(4_000),
  ].map(file),
  ['a directory of backslashes', (made, blob) => [['40000', 'a\\b', made.tree([['100644', 'c\\d', blob]])]]],
];

const broken: [string, MakeEntries, ErrorCode][] = [
  ['without a name', (_, blob) => [['100644', '', blob]], 'GIT_ANSWER_INVALID'],
  ['with a slash in a name', (_, blob) => [['100644', 'a/b', blob]], 'GIT_ANSWER_INVALID'],
  ['with a way out in a name', (_, blob) => [['100644', '../../a', blob]], 'GIT_ANSWER_INVALID'],
  [
    'with a name twice',
    (_, blob) => [
      ['100644', 'a', blob],
      ['100644', 'a', blob],
    ],
    'GIT_ANSWER_INVALID',
  ],
  [
    'with a file and a directory of one name',
    (made, blob) => [
      ['100644', 'a', blob],
      ['40000', 'a', made.tree([['100644', 'x', blob]])],
    ],
    'GIT_ANSWER_INVALID',
  ],
  [
    'with a file and far from it a directory of its name',
    (made, blob) => [
      ['100644', 'a', blob],
      ['100644', 'a-', blob],
      ['100644', 'a-b', blob],
      ['100644', 'a.b', blob],
      ['40000', 'a', made.tree([['100644', 'x', blob]])],
    ],
    'GIT_ANSWER_INVALID',
  ],
  [
    'that is not sorted',
    (_, blob) => [
      ['100644', 'b', blob],
      ['100644', 'a', blob],
    ],
    'GIT_ANSWER_INVALID',
  ],
  ['with letters for a mode', (_, blob) => [['rwx', 'a', blob]], 'GIT_ANSWER_INVALID'],
  ['without a mode', (_, blob) => [['', 'a', blob]], 'GIT_ANSWER_INVALID'],
  ['with a mode of nothing', (_, blob) => [['123456', 'a', blob]], 'GIT_ANSWER_INVALID'],
  [
    'with a directory that has permissions',
    (made, blob) => [['40755', 'a', made.tree([['100644', 'x', blob]])]],
    'GIT_ANSWER_INVALID',
  ],
  ['with a directory that is a file', (_, blob) => [['40000', 'a', blob]], 'GIT_OBJECT_NOT_FOUND'],
  ['with a directory that is not there', () => [['40000', 'a', id]], 'GIT_OBJECT_NOT_FOUND'],
];

/** Of these git reads what it knows. */
const READ = ['mode of nothing', 'has permissions'];

describeHostile('A tree with a name that is no file', (arena) => {
  test.each(hidden)('%s: it is not listed, not read, and everything else is', async (_, entries) => {
    const { head, git } = await serve(arena, entries);
    expect((await git.list(head, '')).map(({ path }) => path)).toEqual(['zz.yaml']);
    expect(await git.list(head, '..')).toEqual([]);
    const odd = ['.git', '..', '.', '../up.yaml', '.git/config', '.git::$INDEX_ALLOCATION', '.git.', 'git~1'];
    expect(await git.read(head, odd)).toEqual(odd.map(() => null));
    expect(await git.read(head, ['zz.yaml'])).toMatchObject([{ content: Buffer.from('a: 1\n') }]);
    expect(await git.commit(chain(head))).toMatchObject({ status: 'landed' });
  });

  test.each([
    '.git',
    '..',
    '.',
    '.GIT/config',
    'a/.git./x',
    'git~1',
    '.g\u200cit/hooks',
    '.git::$INDEX_ALLOCATION',
    '.git\\hooks',
  ])('%j is never written', async (path) => {
    const { head, host, git } = await serve(arena, () => []);
    const steps = [makeStep([change(path, 'x\n')])];
    await expect(git.commit({ ...chain(head), steps })).rejects.toMatchObject({
      code: 'INPUT_REFUSED',
      data: { field: 'path' },
    });
    expect(host.asked.filter(({ target }) => target.includes('receive-pack'))).toEqual([]);
  });
});

describeHostile('A tree with an odd name', (arena) => {
  test.each(harmless)(
    '%s: it is listed as it is, and everything else can be read and written',
    async (_, entries) => {
      const { head, git } = await serve(arena, entries);
      const paths = (await git.list(head, '')).map(({ path }) => path);
      expect(paths).toHaveLength(2);
      expect(paths).toContain('zz.yaml');
      for (const found of await git.read(head, paths)) expect(found?.content).toEqual(Buffer.from('a: 1\n'));
      expect(await git.commit(chain(head))).toMatchObject({ status: 'landed' });
    },
  );

  test('stays beside what is written, and gives the commit git gives', async () => {
    const repository = arena.world.create({ files: { 'a.yaml': 'a: 1\n' } });
    const { reference } = repository;
    const blob = reference.git(['hash-object', '-w', '--stdin'], { input: 'a: 1\n' });
    const lines = ['a\\b', 'a:b', 'con', 'x\u0007'].map((name) => `100644 blob ${blob}\t${name}\0`);
    const inner = reference.git(['mktree', '-z'], {
      input: `${lines.join('')}100644 blob ${blob}\tz.yaml\0`,
    });
    const tree = reference.git(['mktree'], {
      input: `040000 tree ${inner}\td\n100644 blob ${blob}\ta.yaml\n`,
    });
    reference.point('main', reference.git(['commit-tree', '-m', 'Odd', tree]));
    const work = chainOn(repository, [makeStep([change('d/z.yaml', 'z: 2\n')])]);
    const { url, password } = repository.remote;
    expectLanded(repository, work, await arena.git(url, { password }).commit(work));
  });
});

describeHostile('A tree', (arena) => {
  const isRead = ([name]: (typeof broken)[number]): boolean =>
    arena.engine === 'NativeGit' && READ.some((words) => name.includes(words));

  for (const [name, entries] of broken.filter(isRead))
    test(`${name} is read as git reads it`, async () => {
      const { head, git } = await serve(arena, entries, false);
      expect((await git.list(head, '')).length).toBeGreaterThan(1);
    });

  for (const [name, entries, code] of broken.filter((one) => !isRead(one))) {
    test(`${name} is refused`, async () => {
      const { head, host } = await serve(arena, entries, false);
      const failures = [
        await arena.refusal((git) => git.list(head, ''), host.url()),
        ...(code === 'GIT_ANSWER_INVALID'
          ? [await arena.refusal((git) => git.commit(chain(head)), host.url())]
          : []),
      ];
      const expected = arena.engine === 'NativeGit' ? 'GIT_ANSWER_INVALID' : code;
      expect(failures.map((failure) => failure.code)).toEqual(failures.map(() => expected));
      expect(host.asked.filter(({ target }) => target.includes('receive-pack'))).toEqual([]);
    });
  }
});

describeHostile('A mode with a zero before it', (arena) => {
  test('is read, and written without it, as git does', async () => {
    const repository = arena.world.create({ files: { 'a.yaml': 'a: 1\n' } });
    const { reference } = repository;
    const blob = reference.git(['hash-object', '-w', '--stdin'], { input: 'a: 1\n' });
    const made = new MadeRepository();
    const put = (tree: string): string =>
      reference.git(['hash-object', '-t', 'tree', '--literally', '-w', '--stdin'], {
        input: made.objects.get(tree)?.content ?? '',
      });
    const below = put(
      made.tree([
        ['0100755', 'run', blob],
        ['0100644', 'z.yaml', blob],
      ]),
    );
    const root = put(
      made.tree([
        ['0100644', 'a.yaml', blob],
        ['040000', 'd', below],
      ]),
    );
    reference.point('main', reference.git(['commit-tree', '-m', 'Old', root]));
    const work = chainOn(repository, [makeStep([change('d/z.yaml', 'z: 2\n')])]);
    const { url, password } = repository.remote;
    const git = arena.git(url, { password });
    expect((await git.list(work.base ?? '', '')).map(({ mode, path }) => `${mode} ${path}`)).toEqual([
      '100644 a.yaml',
      '100755 d/run',
      '100644 d/z.yaml',
    ]);
    const head = reference.applyStep(work.base, work.steps[0] as Step);
    expect(await git.commit(work)).toMatchObject({ status: 'landed', head });
  });
});
