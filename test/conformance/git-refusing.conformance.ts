// Part of the Git suite: what is refused before a push, by the host, and what a bad line leaves behind.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Failure } from '../../src/kernel/failure.js';
import { chainOn, change, expectLanded, makeStep, type Suite, testWith } from '../support/git-suite.js';
import type { Line } from '../support/git-world.js';

export function describeRefusing(suite: Suite): void {
  describeMismatches(suite);
  describeBlockedPaths(suite);
  describeHostRefusals(suite);
  describeBadLine(suite);
}

const seed = { 'a.yaml': 'a: 1\n', 'd/b.yaml': 'b: 1\n' };
const step = makeStep([change('a.yaml', 'a: 2\n')]);

function describeMismatches(suite: Suite): void {
  describe('expectations', () => {
    test('that hold let a chain through', async () => {
      const repository = suite.world.create({ files: seed });
      const { reference } = repository;
      const chain = chainOn(repository, [
        makeStep([change('a.yaml', 'a: 2\n', reference.blob('a: 1\n')), change('n.yaml', 'n\n', null)]),
        makeStep([
          change('a.yaml', null, reference.blob('a: 2\n')),
          change('n.yaml', 'n: 2\n', reference.blob('n\n')),
        ]),
        makeStep([change('a.yaml', 'a: 3\n', null)]),
      ]);
      expectLanded(repository, chain, await (await suite.open(repository.remote)).commit(chain));
    });

    test('that do not hold are all named, and nothing is pushed', async () => {
      const repository = suite.world.create({ files: seed });
      const { reference } = repository;
      const head = reference.head('main');
      const stale = reference.blob('stale\n');
      const chain = chainOn(repository, [
        makeStep([
          change('a.yaml', 'a: 2\n', stale),
          change('missing.yaml', 'x\n', stale),
          change('d/b.yaml', 'x\n', null),
          change('new.yaml', 'x\n', null),
        ]),
        makeStep([change('missing/deep.yaml', null, stale)]),
      ]);
      const result = await (await suite.open(repository.remote)).commit(chain);
      expect(result).toEqual({
        status: 'mismatch',
        mismatches: [
          { step: 0, path: 'a.yaml', theirs: reference.blob('a: 1\n') },
          { step: 0, path: 'missing.yaml', theirs: null },
          { step: 0, path: 'd/b.yaml', theirs: reference.blob('b: 1\n') },
          { step: 1, path: 'missing/deep.yaml', theirs: null },
        ],
      });
      expect(reference.head('main')).toBe(head);
    });

    test('look at what the step before left', async () => {
      const repository = suite.world.create({ files: seed });
      const { reference } = repository;
      const first = reference.blob('a: 1\n');
      const chain = chainOn(repository, [
        makeStep([change('a.yaml', 'a: 2\n', first)]),
        makeStep([change('a.yaml', 'a: 3\n', first)]),
      ]);
      expect(await (await suite.open(repository.remote)).commit(chain)).toEqual({
        status: 'mismatch',
        mismatches: [{ step: 1, path: 'a.yaml', theirs: reference.blob('a: 2\n') }],
      });
    });

    test('keep a new branch from being made', async () => {
      const repository = suite.world.create({ files: seed });
      const steps = [makeStep([change('a.yaml', 'x\n', null)])];
      const chain = chainOn(repository, steps, { branch: 'new', create: true });
      expect(await (await suite.open(repository.remote)).commit(chain)).toMatchObject({ status: 'mismatch' });
      expect(repository.reference.head('new')).toBeNull();
    });
  });
}

function describeBlockedPaths(suite: Suite): void {
  describe('a path that is blocked', () => {
    test.each([
      ['by a file', 'a.yaml/below.yaml'],
      ['by a file far above', 'd/b.yaml/x/y.yaml'],
      ['by a directory', 'd'],
    ])('%s', async (_, path) => {
      const repository = suite.world.create({ files: seed });
      const head = repository.reference.head('main');
      const git = await suite.open(repository.remote);
      const chain = chainOn(repository, [
        makeStep([change('ok.yaml', 'x\n')]),
        makeStep([change(path, 'x\n')]),
      ]);
      const failure = await git.commit(chain).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'GIT_PATH_BLOCKED', data: { path } });
      expect(repository.reference.head('main')).toBe(head);
    });

    test.each(['d/link/x.yaml', 'd/module/x.yaml', 'd/module'])(
      'by a link or a submodule: %s',
      async (path) => {
        const repository = suite.world.create({ files: seed });
        repository.reference.push('main', {
          'd/link': { mode: '120000', content: 'e' },
          'd/module': { mode: '160000', content: '0123456789'.repeat(4) },
        });
        const git = await suite.open(repository.remote);
        const failure = git.commit(chainOn(repository, [makeStep([change(path, 'x\n')])]));
        await expect(failure).rejects.toMatchObject({ code: 'GIT_PATH_BLOCKED', data: { path } });
      },
    );

    test('by a file of the step before', async () => {
      const repository = suite.world.create({ files: seed });
      const steps = [makeStep([change('n', 'x\n')]), makeStep([change('n/x.yaml', 'x\n')])];
      const git = await suite.open(repository.remote);
      await expect(git.commit(chainOn(repository, steps))).rejects.toMatchObject({
        code: 'GIT_PATH_BLOCKED',
      });
    });
  });
}

function describeHostRefusals(suite: Suite): void {
  describe('a host that refuses', () => {
    testWith(suite, 'hooks').each(['pre-receive', 'update'] as const)(
      'by its %s hook is quoted',
      async (hook) => {
        const repository = suite.world.create({ files: seed });
        const head = repository.reference.head('main');
        repository.reference.refuseWith(hook, 'Branch main is protected');
        const git = await suite.open(repository.remote);
        const failure = await git.commit(chainOn(repository, [step])).catch((error: unknown) => error);
        expect(failure).toMatchObject({ code: 'GIT_PUSH_REJECTED' });
        expect((failure as Failure).message).toContain('Branch main is protected');
        expect(repository.reference.head('main')).toBe(head);
      },
    );

    testWith(suite, 'read-only')('by configuration takes no push', async () => {
      const repository = suite.world.create({ files: seed, config: { 'http.receivepack': 'false' } });
      const head = repository.reference.head('main');
      const git = await suite.open(repository.remote);
      const failure = await git.commit(chainOn(repository, [step])).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(Failure);
      expect(['GIT_AUTH_REJECTED', 'GIT_PUSH_REJECTED']).toContain((failure as Failure).code);
      expect(repository.reference.head('main')).toBe(head);
    });

    test('a wrong password, everywhere', async () => {
      const repository = suite.world.create({ files: seed });
      const head = repository.reference.head('main') ?? '';
      const password = suite.world.wrongPassword;
      const git = await suite.open({ ...repository.remote, password });
      const tries = [
        git.head('main'),
        git.heads(),
        git.read(head, ['a.yaml']),
        git.list(head, ''),
        git.changes(head, head.replace(/./, 'f')),
        git.commit(chainOn(repository, [step])),
      ];
      for (const failure of await Promise.all(tries.map((one) => one.catch((error: unknown) => error)))) {
        expect(failure).toMatchObject({ code: 'GIT_AUTH_REJECTED', data: suite.world.refusal });
        expect(JSON.stringify(Failure.from(failure).toWire())).not.toContain(password);
      }
      expect(repository.reference.head('main')).toBe(head);
    });

    test('a repository that is not there', async () => {
      const git = await suite.open(suite.world.remote('/absent.git'));
      await expect(git.head('main')).rejects.toMatchObject({ code: 'GIT_REPOSITORY_NOT_FOUND' });
      await expect(git.heads()).rejects.toMatchObject({ code: 'GIT_REPOSITORY_NOT_FOUND' });
      const chain = { branch: 'main', base: null, create: false, steps: [step] };
      await expect(git.commit(chain)).rejects.toMatchObject({ code: 'GIT_REPOSITORY_NOT_FOUND' });
    });

    test('a port that nobody answers', async () => {
      const git = await suite.open(suite.world.remote('/a.git', await suite.world.closedUrl()));
      await expect(git.head('main')).rejects.toMatchObject({ code: 'GIT_UNREACHABLE', disposition: 'retry' });
      const chain = { branch: 'main', base: null, create: false, steps: [step] };
      await expect(git.commit(chain)).rejects.toMatchObject({ disposition: 'retry' });
    });

    test('a base that is not there', async () => {
      const repository = suite.world.create({ files: seed });
      const git = await suite.open(repository.remote);
      const base = '0123456789'.repeat(4);
      expect(await git.commit(chainOn(repository, [step], { base }))).toEqual({
        status: 'moved',
        head: repository.reference.head('main'),
      });
      const creation = chainOn(repository, [step], { base, branch: 'new', create: true });
      await expect(git.commit(creation)).rejects.toMatchObject({ code: 'GIT_OBJECT_NOT_FOUND' });
    });
  });
}

function describeBadLine(suite: Suite): void {
  describe('a line that breaks during the push', { concurrent: false }, () => {
    let line: Line;
    beforeEach(async () => {
      line = await suite.world.openBadLine();
    });
    afterEach(() => line.close());

    function create() {
      const repository = suite.world.create({ files: seed });
      const address = `/${repository.remote.url.split('/').at(-1)}`;
      return {
        repository,
        remote: suite.world.remote(address, line.url),
        chain: chainOn(repository, [step]),
      };
    }

    test('after the host took it: it is found on the branch', async () => {
      const { repository, remote, chain } = create();
      line.next = 'cut-answer';
      const result = await (await suite.open(remote)).commit(chain);
      expectLanded(repository, chain, result);
      expect(repository.reference.history('main')).toHaveLength(2);
    });

    test('after the host took it, and stays broken: the outcome is unknown until it is tried again', async () => {
      const { repository, remote, chain } = create();
      line.next = 'cut-answer';
      line.staysDead = true;
      const git = await suite.open(remote);
      await expect(git.commit(chain)).rejects.toMatchObject({
        code: 'GIT_OUTCOME_UNKNOWN',
        disposition: 'retry',
      });
      expect(repository.reference.history('main')).toHaveLength(2);
      await line.mend();
      expectLanded(repository, chain, await git.commit(chain));
      expect(repository.reference.history('main')).toHaveLength(2);
    });

    test('before the host had it: it is tried again by the caller and lands once', async () => {
      const { repository, remote, chain } = create();
      line.next = 'cut-request';
      line.staysDead = true;
      const git = await suite.open(remote);
      const failure = await git.commit(chain).catch((error: unknown) => error);
      expect(failure).toMatchObject({ disposition: 'retry' });
      expect(repository.reference.head('main')).toBe(chain.base);
      await line.mend();
      expectLanded(repository, chain, await git.commit(chain));
      expect(repository.reference.history('main')).toHaveLength(2);
    });

    test('before the host had it, while somebody else pushes: the branch has moved or the caller tries again', async () => {
      const { repository, remote, chain } = create();
      line.next = 'cut-request';
      line.staysDead = true;
      const git = await suite.open(remote);
      await expect(git.commit(chain)).rejects.toMatchObject({ disposition: 'retry' });
      const foreign = repository.reference.push('main', { 'x.yaml': 'x\n' });
      await line.mend();
      expect(await git.commit(chain)).toEqual({ status: 'moved', head: foreign });
      expect(repository.reference.head('main')).toBe(foreign);
    });
  });
}
