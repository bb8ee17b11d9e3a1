// Part of the Git suite: chains that land, that have landed before, and that find the branch elsewhere.
import { describe, expect, test } from 'vitest';
import { chainOn, change, expectLanded, makeStep, type Suite } from '../support/git-suite.js';

export function describeCommitting(suite: Suite): void {
  describeLanding(suite);
  describeUnchanged(suite);
  describeCreating(suite);
  describeRepeating(suite);
  describeMoved(suite);
}

const seed = { 'a.yaml': 'a: 1\n', 'd/b.yaml': 'b: 1\n', 'd/e/c.yaml': 'c: 1\n' };

function describeLanding(suite: Suite): void {
  describe('commit', () => {
    test.each([
      ['updates a file', [change('a.yaml', 'a: 2\n')]],
      ['creates a file', [change('new.yaml', 'n: 1\n')]],
      ['creates a file in new directories', [change('n/e/w/x.yaml', 'x: 1\n')]],
      ['deletes a file', [change('a.yaml', null)]],
      ['deletes the last file of directories', [change('d/e/c.yaml', null)]],
      [
        'does several at once',
        [change('a.yaml', null), change('d/b.yaml', 'b: 2\n'), change('x/y.yaml', 'y: 1\n')],
      ],
      ['writes an empty file', [change('d/empty.yaml', '')]],
      ['writes bytes verbatim', [change('d/binary.yaml', Buffer.from([0, 255, 13, 10, 0, 128]))]],
      ['writes where names are unusual', [change('ü "q"/späce\u3042 \'%41$(x).yaml', 'x: 1\n')]],
      ['deletes everything', [change('a.yaml', null), change('d/b.yaml', null), change('d/e/c.yaml', null)]],
      ['puts a file where a deleted directory was', [change('d/e/c.yaml', null), change('d/e', 'file\n')]],
    ])('%s', async (_, changes) => {
      const repository = suite.world.create({ files: seed });
      const chain = chainOn(repository, [makeStep(changes)]);
      expectLanded(repository, chain, await (await suite.open(repository.remote)).commit(chain));
      expect(repository.reference.history('main')).toHaveLength(2);
    });

    test('puts a chain of steps with authors, dates and messages of their own by one push', async () => {
      const repository = suite.world.create({ files: seed });
      const steps = [
        makeStep([change('a.yaml', 'a: 2\n')]),
        makeStep([change('a.yaml', 'a: 3\n'), change('n/x.yaml', 'x\n')], {
          author: { name: 'Grace  O’Hopper, jr.', email: 'grace hopper@sallyport.invalid' },
          timestamp: 1_700_000_001,
          message: 'Subject only\n',
        }),
        makeStep([change('n/x.yaml', null)], {
          author: { name: '"Jürgen" .', email: '' },
          timestamp: 1,
          message: '\n\n  # not a comment\r\n\ttabs \n\nlast\n\n\n',
        }),
        makeStep([change('d/e/c.yaml', 'c: 2\n')], { timestamp: 4_102_444_800, message: '–ü–\n' }),
      ];
      const chain = chainOn(repository, steps);
      const result = await (await suite.open(repository.remote)).commit(chain);
      expectLanded(repository, chain, result);
      expect(repository.reference.history('main')).toHaveLength(5);
    });

    test('goes on from its own commits with the same engine and another', async () => {
      const repository = suite.world.create({ files: seed });
      const git = await suite.open(repository.remote);
      for (const content of ['a: 2\n', 'a: 3\n', 'a: 4\n']) {
        const chain = chainOn(repository, [makeStep([change('a.yaml', content)])]);
        expectLanded(repository, chain, await git.commit(chain));
      }
      const chain = chainOn(repository, [makeStep([change('d/b.yaml', 'b: 2\n')])]);
      expectLanded(repository, chain, await (await suite.open(repository.remote)).commit(chain));
      const [file] = await git.read(repository.reference.head('main') ?? '', ['a.yaml']);
      expect(Buffer.from(file?.content ?? []).toString()).toBe('a: 4\n');
    });

    test('goes on from foreign commits', async () => {
      const repository = suite.world.create({ files: seed });
      const git = await suite.open(repository.remote);
      const first = chainOn(repository, [makeStep([change('a.yaml', 'a: 2\n')])]);
      expectLanded(repository, first, await git.commit(first));
      repository.reference.push('main', { 'd/e/foreign.yaml': 'f\n' });
      const second = chainOn(repository, [makeStep([change('d/e/c.yaml', 'c: 2\n')])]);
      expectLanded(repository, second, await git.commit(second));
    });

    test('writes to a branch with an unusual name, and leaves a tag of that name alone', async () => {
      const repository = suite.world.create({ files: seed });
      const base = repository.reference.push('feature/ü-1', { 'u.yaml': 'u\n' });
      repository.reference.git(['tag', 'feature/ü-1', 'main']);
      const chain = chainOn(repository, [makeStep([change('u.yaml', 'u: 2\n')])], {
        branch: 'feature/ü-1',
        base,
      });
      expectLanded(repository, chain, await (await suite.open(repository.remote)).commit(chain));
      expect(repository.reference.git(['rev-parse', 'refs/tags/feature/ü-1'])).toBe(
        repository.reference.head('main'),
      );
    });
  });
}

function describeUnchanged(suite: Suite): void {
  describe('commit of what is there already', () => {
    test('makes no commit for a step that changes nothing', async () => {
      const repository = suite.world.create({ files: seed });
      const chain = chainOn(repository, [
        makeStep([change('a.yaml', 'a: 1\n')]),
        makeStep([change('a.yaml', 'a: 2\n')]),
        makeStep([change('a.yaml', 'a: 2\n'), change('absent.yaml', null)]),
        makeStep([change('d/b.yaml', 'b: 2\n')]),
      ]);
      expectLanded(repository, chain, await (await suite.open(repository.remote)).commit(chain));
      expect(repository.reference.history('main')).toHaveLength(3);
    });

    test('lands without a push when no step changes anything', async () => {
      const repository = suite.world.create({ files: seed });
      repository.reference.refuseWith('pre-receive', 'nothing may be pushed');
      const chain = chainOn(repository, [
        makeStep([change('a.yaml', 'a: 1\n')]),
        makeStep([change('d', null)]),
      ]);
      expectLanded(repository, chain, await (await suite.open(repository.remote)).commit(chain));
      expect(repository.reference.head('main')).toBe(chain.base);
    });

    test('makes a commit that takes back the one before it', async () => {
      const repository = suite.world.create({ files: seed });
      const steps = [makeStep([change('a.yaml', 'a: 2\n')]), makeStep([change('a.yaml', 'a: 1\n')])];
      const chain = chainOn(repository, steps);
      expectLanded(repository, chain, await (await suite.open(repository.remote)).commit(chain));
      expect(repository.reference.history('main')).toHaveLength(3);
    });
  });
}

function describeCreating(suite: Suite): void {
  describe('commit to a new branch', () => {
    test('creates it with its first commit', async () => {
      const repository = suite.world.create({ files: seed });
      const chain = chainOn(repository, [makeStep([change('a.yaml', 'a: 2\n')])], {
        branch: 'f/new-1',
        create: true,
      });
      expectLanded(repository, chain, await (await suite.open(repository.remote)).commit(chain));
      expect(repository.reference.head('main')).toBe(chain.base);
    });

    test('answers moved when it exists, at the base or elsewhere', async () => {
      const repository = suite.world.create({ files: seed });
      const base = repository.reference.head('main');
      repository.reference.point('at-base', base);
      const foreign = repository.reference.push('elsewhere', { 'x.yaml': 'x\n' });
      const git = await suite.open(repository.remote);
      for (const [branch, head] of [
        ['at-base', base],
        ['elsewhere', foreign],
      ] as const) {
        const chain = chainOn(repository, [makeStep([change('a.yaml', 'a: 2\n')])], { branch, create: true });
        expect(await git.commit(chain)).toEqual({ status: 'moved', head });
        expect(repository.reference.head(branch)).toBe(head);
      }
    });

    test('finds its own earlier creation', async () => {
      const repository = suite.world.create({ files: seed });
      const chain = chainOn(repository, [makeStep([change('a.yaml', 'a: 2\n')])], {
        branch: 'new',
        create: true,
      });
      const first = await (await suite.open(repository.remote)).commit(chain);
      const again = await (await suite.open(repository.remote)).commit(chain);
      expectLanded(repository, chain, first);
      expect(again).toEqual(first);
    });

    test('makes the first commit of an empty repository', async () => {
      const repository = suite.world.create();
      const chain = chainOn(repository, [
        makeStep([change('n/e/w.yaml', 'w: 1\n', null)]),
        makeStep([change('n/x.yaml', 'x: 1\n')]),
      ]);
      expect(chain.base).toBeNull();
      const git = await suite.open(repository.remote);
      expectLanded(repository, chain, await git.commit(chain));
      expect(await git.commit(chain)).toMatchObject({ status: 'landed' });
      expect(repository.reference.history('main')).toHaveLength(2);
    });

    test('makes no first commit where a branch is already', async () => {
      const repository = suite.world.create({ files: seed });
      const head = repository.reference.head('main');
      const chain = chainOn(repository, [makeStep([change('a.yaml', 'a: 2\n')])], { base: null });
      const git = await suite.open(repository.remote);
      expect(await git.commit(chain)).toEqual({ status: 'moved', head });
      expect(repository.reference.head('main')).toBe(head);
    });
  });
}

function describeRepeating(suite: Suite): void {
  describe('the same chain again', () => {
    const steps = [
      makeStep([change('a.yaml', 'a: 2\n', undefined)]),
      makeStep([change('n/x.yaml', 'x\n', null)]),
    ];

    test('lands with the same ids and makes no second commit', async () => {
      const repository = suite.world.create({ files: seed });
      const chain = chainOn(repository, steps);
      const git = await suite.open(repository.remote);
      const first = await git.commit(chain);
      expectLanded(repository, chain, first);
      expect(await git.commit(chain)).toEqual(first);
      expect(await (await suite.open(repository.remote)).commit(chain)).toEqual(first);
      expect(repository.reference.history('main')).toHaveLength(3);
    });

    test('lands when foreign commits stand on top of it', async () => {
      const repository = suite.world.create({ files: seed });
      const chain = chainOn(repository, steps);
      const first = await (await suite.open(repository.remote)).commit(chain);
      repository.reference.push('main', { 'a.yaml': 'foreign: 1\n' });
      repository.reference.push('main', { 'b.yaml': 'foreign: 2\n' });
      const head = repository.reference.head('main');
      const again = await (await suite.open(repository.remote)).commit(chain);
      expect(again).toEqual({ ...first, head });
      expect(repository.reference.head('main')).toBe(head);
    });

    test('lands below a merge by somebody else', async () => {
      const repository = suite.world.create({ files: seed });
      const { reference } = repository;
      const side = reference.makeCommit(reference.head('main'), { 'side.yaml': 's\n' });
      const chain = chainOn(repository, steps);
      const first = await (await suite.open(repository.remote)).commit(chain);
      const ours = reference.head('main') ?? '';
      const parents = ['-p', side, '-p', ours];
      const merge = reference.git(['commit-tree', ...parents, `${ours}^{tree}`], { input: 'Merge\n' });
      reference.point('main', merge);
      const again = await (await suite.open(repository.remote)).commit(chain);
      expect(again).toEqual({ ...first, head: merge });
    });
  });
}

function describeMoved(suite: Suite): void {
  describe('a branch that points elsewhere', () => {
    const steps = [makeStep([change('a.yaml', 'a: 2\n')])];

    test('is left to the foreign commit', async () => {
      const repository = suite.world.create({ files: seed });
      const chain = chainOn(repository, steps);
      const git = await suite.open(repository.remote);
      await git.read(chain.base ?? '', ['a.yaml']);
      const foreign = repository.reference.push('main', { 'x.yaml': 'x\n' });
      expect(await git.commit(chain)).toEqual({ status: 'moved', head: foreign });
      expect(repository.reference.head('main')).toBe(foreign);
    });

    test('is moved also when it went back', async () => {
      const repository = suite.world.create({ files: seed });
      const old = repository.reference.head('main');
      repository.reference.push('main', { 'x.yaml': 'x\n' });
      const chain = chainOn(repository, steps);
      repository.reference.point('main', old);
      expect(await (await suite.open(repository.remote)).commit(chain)).toEqual({
        status: 'moved',
        head: old,
      });
      expect(repository.reference.head('main')).toBe(old);
    });

    test('is moved when its history was rewritten', async () => {
      const repository = suite.world.create({ files: seed });
      const chain = chainOn(repository, steps);
      const rewritten = repository.reference.makeCommit(null, { 'other.yaml': 'o\n' });
      repository.reference.point('main', rewritten);
      expect(await (await suite.open(repository.remote)).commit(chain)).toEqual({
        status: 'moved',
        head: rewritten,
      });
    });

    test('is moved to nothing when it is gone, and is not made again', async () => {
      const repository = suite.world.create({ files: seed });
      const chain = chainOn(repository, steps);
      const git = await suite.open(repository.remote);
      await git.read(chain.base ?? '', ['a.yaml']);
      repository.reference.point('other', chain.base);
      repository.reference.point('main', null);
      expect(await git.commit(chain)).toEqual({ status: 'moved', head: null });
      expect(repository.reference.head('main')).toBeNull();
    });

    test('belongs to one of two who race for it', async () => {
      const repository = suite.world.create({ files: seed });
      const chains = ['one', 'two', 'three'].map((name) =>
        chainOn(repository, [makeStep([change(`${name}.yaml`, `${name}\n`)], { message: `${name}\n` })]),
      );
      const results = await Promise.all(
        chains.map(async (chain) => (await suite.open(repository.remote)).commit(chain)),
      );
      const winner = results.findIndex((result) => result.status === 'landed');
      const head = repository.reference.head('main');
      expect(results.filter((result) => result.status === 'moved')).toEqual([
        { status: 'moved', head },
        { status: 'moved', head },
      ]);
      const chain = chains[winner];
      const result = results[winner];
      if (chain === undefined || result === undefined) throw new Error('Nobody won');
      expectLanded(repository, chain, result);
    });
  });
}
