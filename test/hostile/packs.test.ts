// Packs that no honest git makes, on their way through a whole host: what one engine refuses, the other must not take.
import { expect, test } from 'vitest';
import type { Git } from '../../src/git/git.js';
import type { Limits } from '../../src/git/limits.js';
import type { ErrorCode } from '../../src/kernel/errors.js';
import { change, makeStep } from '../support/git-suite.js';
import { MadeRepository, packAnswer } from '../support/made-repository.js';
import {
  copy,
  deltaOf,
  type Entry,
  encodeEntry,
  insert,
  onId,
  onOffset,
  packOf,
  seal,
  types,
} from '../unit/support/packs.js';
import { describeHostile } from './arena.js';

const made = new MadeRepository();
const blob = made.put('blob', 'a: 1\n');
const tree = made.tree([['100644', 'a.yaml', blob]]);
const head = made.commit(tree);
const good = [made.entry(head), made.entry(tree)];
const whole = packOf(good);
const other = new MadeRepository();
other.commit(other.tree([['100644', 'b.yaml', other.put('blob', 'b: 1\n')]]));

const list = async (git: Git, at = head): Promise<string[]> =>
  (await git.list(at, '')).map(({ path }) => path);
const flipped = (pack: Buffer, at: number): Buffer => {
  const copied = Buffer.from(pack);
  copied[at] = (copied[at] ?? 0) ^ 0x20;
  return copied;
};
const text = (content: string): Entry => ({ type: types.blob, content: Buffer.from(content) });
const circle = (one: string, two: string): Entry[] => [
  onId(one, deltaOf(4, [insert('x')])),
  onId(two, deltaOf(4, [insert('y')])),
];

/** Deltas that make sixteen of one, six times over: 64 KiB become 1 TiB. */
function deltaBomb(type: number): Entry[] {
  const entries: Entry[] = [{ type, content: Buffer.alloc(65_536) }];
  for (let level = 0, size = 65_536; level < 6; level++, size *= 16)
    entries.push(
      onOffset(
        encodeEntry(entries.at(-1) as Entry).length,
        deltaOf(size, Array<Buffer>(16).fill(copy(0, Math.min(size, 0xff_ffff))), size * 16),
      ),
    );
  return entries;
}

/** Sixteen megabytes in sixteen kilobytes, so many times. */
const zlibBomb = (count: number): Entry[] =>
  Array<Entry>(count).fill({ type: types.blob, content: Buffer.alloc(16 * 2 ** 20) });

/** `taken`: what is wrong is not looked at, and what was wanted is there and right. */
type Outcome = ErrorCode | 'taken';
type Case = [name: string, pack: Buffer, inProcess: Outcome, native: Outcome, limits?: Partial<Limits>];

const cases: Case[] = [
  ['with a wrong checksum', flipped(whole, whole.length - 1), 'GIT_ANSWER_INVALID', 'GIT_ANSWER_INVALID'],
  ['with a changed byte', flipped(whole, 20), 'GIT_ANSWER_INVALID', 'GIT_ANSWER_INVALID'],
  ['with another pack behind it', Buffer.concat([whole, whole]), 'GIT_ANSWER_INVALID', 'taken'],
  ['with something behind it', Buffer.concat([whole, Buffer.from('x')]), 'GIT_ANSWER_INVALID', 'taken'],
  ['that is empty', packOf([]), 'GIT_OBJECT_NOT_FOUND', 'GIT_ANSWER_INVALID'],
  ['that is nothing', Buffer.alloc(0), 'GIT_ANSWER_INVALID', 'GIT_ANSWER_INVALID'],
  [
    'that is a page',
    Buffer.from('<!doctype html><title>Sign in</title>'),
    'GIT_ANSWER_INVALID',
    'GIT_ANSWER_INVALID',
  ],
  ['of other objects than were wanted', other.pack(), 'GIT_OBJECT_NOT_FOUND', 'GIT_ANSWER_INVALID'],
  ['without the tree', packOf([made.entry(head)]), 'GIT_OBJECT_NOT_FOUND', 'GIT_OBJECT_NOT_FOUND'],
  ['without the commit', packOf([made.entry(tree)]), 'GIT_OBJECT_NOT_FOUND', 'GIT_ANSWER_INVALID'],
  [
    'with a type that is none',
    packOf([...good, { ...text('x'), type: 5 }]),
    'GIT_ANSWER_INVALID',
    'GIT_ANSWER_INVALID',
  ],
  [
    'of deltas that go in a circle',
    packOf([...good, ...circle('1'.repeat(40), '2'.repeat(40))]),
    'taken',
    'GIT_ANSWER_INVALID',
  ],
  [
    'with a delta on itself',
    packOf([...good, onOffset(0, deltaOf(4, [insert('x')]))]),
    'taken',
    'GIT_ANSWER_INVALID',
  ],
  [
    'with a delta on what is before the pack',
    packOf([...good, onOffset(1_000_000, deltaOf(4, [insert('x')]))]),
    'taken',
    'GIT_ANSWER_INVALID',
  ],
  [
    'with a delta that does not fit',
    packOf([...good, text('abcd'), onOffset(encodeEntry(text('abcd')).length, deltaOf(9, [copy(0, 9)]))]),
    'taken',
    'GIT_ANSWER_INVALID',
  ],
  [
    'that says it has millions of objects',
    packOf(good, { count: 4_000_000 }),
    'GIT_LIMIT_EXCEEDED',
    'GIT_UNREACHABLE',
  ],
  [
    'that says it has billions of objects',
    packOf(good, { count: 4_294_967_295 }),
    'GIT_LIMIT_EXCEEDED',
    'GIT_ANSWER_INVALID',
  ],
  ['that says it has more than it has', packOf(good, { count: 3 }), 'GIT_ANSWER_INVALID', 'GIT_UNREACHABLE'],
  [
    'that says it has less than it has',
    packOf(good, { count: 1 }),
    'GIT_ANSWER_INVALID',
    'GIT_ANSWER_INVALID',
  ],
  [
    'with an object of a terabyte, as it says',
    packOf([{ ...text('x'), size: 2 ** 40 }, ...good]),
    'GIT_LIMIT_EXCEEDED',
    'GIT_ANSWER_INVALID',
  ],
  [
    'with an object of more than there is',
    seal(Buffer.concat([whole.subarray(0, 12), Buffer.alloc(30, 0xff)])),
    'GIT_ANSWER_INVALID',
    'GIT_UNREACHABLE',
  ],
  [
    'with an object longer than it says',
    packOf([{ ...(zlibBomb(1)[0] as Entry), size: 10 }, ...good]),
    'GIT_ANSWER_INVALID',
    'GIT_ANSWER_INVALID',
  ],
  [
    'with an object shorter than it says',
    packOf([{ ...text('x'), size: 60_000_000 }, ...good]),
    'GIT_ANSWER_INVALID',
    'GIT_ANSWER_INVALID',
  ],
  [
    'of trees that grow out of all proportion',
    packOf([...good, ...deltaBomb(types.tree)]),
    'GIT_LIMIT_EXCEEDED',
    'GIT_ANSWER_INVALID',
  ],
  [
    'of zeros',
    packOf([...zlibBomb(40), ...good]),
    'GIT_LIMIT_EXCEEDED',
    'taken',
    { inflatedBytes: 500_000_000 },
  ],
];

/** Two tries, each of them with a list and a pack. */
const ASKED_MAX = 6;

describeHostile('A pack', (arena) => {
  for (const [name, pack, inProcess, native, limits = {}] of cases) {
    const expected = arena.engine === 'InProcessGit' ? inProcess : native;
    test(`${name} is never believed, nor asked for without end`, async () => {
      const host = await arena.host(made.script({ fetch: () => packAnswer(pack) }));
      const isTaken = expected === 'taken';
      const outcome = isTaken
        ? await list(arena.git(host.url(), { limits }))
        : (await arena.refusal(list, host.url(), { limits })).code;
      expect(outcome).toEqual(isTaken ? ['a.yaml'] : expected);
      expect(host.asked.length).toBeLessThanOrEqual(ASKED_MAX);
    });
  }
});

/** A repository whose `main` is a commit of these bytes. */
function makeCommit(content: (tree: string) => string): { id: string; repository: MadeRepository } {
  const repository = new MadeRepository();
  const root = repository.tree([['100644', 'a.yaml', repository.put('blob', 'a: 1\n')]]);
  const id = repository.put('commit', content(root));
  repository.references.set('refs/heads/main', id);
  return { id, repository };
}

const who = 'Ada <ada@sallyport.invalid> 1700000000 +0000';
const commit = (header: string) => (root: string) =>
  `tree ${root}\n${header}author ${who}\ncommitter ${who}\n\nMade\n`;

describeHostile('A commit', (arena) => {
  test.each<[string, (tree: string) => string]>([
    [
      'with ten megabytes of signature',
      (root) =>
        commit('')(root).replace(
          '\n\n',
          `\ngpgsig ${'x'.repeat(79)}${`\n ${'x'.repeat(79)}`.repeat(125_000)}\n\n`,
        ),
    ],
    [
      'with a header of ten megabytes',
      (root) => commit('')(root).replace('\n\n', `\nnote ${'x'.repeat(10_000_000)}\n\n`),
    ],
    [
      'with headers nobody knows',
      (root) => commit('')(root).replace('\n\n', '\nencoding EBCDIC\nHG:extra x\nfoo\n\n'),
    ],
    ['without a message', (root) => commit('')(root).replace(/\n\n.*\n$/, '\n\n')],
  ])('%s is read, and stood upon', async (_, content) => {
    const { id, repository } = makeCommit(content);
    const host = await arena.host(repository.script());
    expect(await list(arena.git(host.url()), id)).toEqual(['a.yaml']);
    const steps = [makeStep([change('a.yaml', 'a: 2\n')])];
    const chain = { branch: 'main', base: id, create: false, steps };
    expect(await arena.git(host.url()).commit(chain)).toMatchObject({ status: 'landed' });
  });

  test.each<[string, (tree: string) => string]>([
    ['without a tree', () => `author ${who}\ncommitter ${who}\n\nMade\n`],
    ['with half an id', (root) => commit('')(root.slice(1))],
    ['that is nothing', () => ''],
  ])('%s is refused', async (_, content) => {
    const { id, repository } = makeCommit(content);
    const host = await arena.host(repository.script());
    const failure = await arena.refusal((git) => list(git, id), host.url());
    expect(failure.code).toBe(
      arena.engine === 'InProcessGit' ? 'GIT_ANSWER_INVALID' : 'GIT_OBJECT_NOT_FOUND',
    );
  });

  // The system git looks through a tag at its commit; nothing of ours ever hands it one.
  test.skipIf(arena.engine === 'NativeGit')('that is a tag is none', async () => {
    const id = made.put('tag', `object ${head}\ntype commit\ntag v1\ntagger ${who}\n\nTag\n`);
    const answer = packAnswer(made.pack([id, head, tree]));
    const host = await arena.host(made.script({ fetch: () => answer }));
    const failure = await arena.refusal((git) => list(git, id), host.url());
    expect(failure.code).toBe('GIT_OBJECT_NOT_FOUND');
  });
});
