// Part of the Git suite: branches that are deleted, and those that are not.
import { describe, expect, test } from 'vitest';
import { type Suite, testWith } from '../support/git-suite.js';

const files = { 'a.yaml': 'a: 1\n' };

export function describeDeleting(suite: Suite): void {
  describe('deleteBranch', () => {
    test.each(['done', 'feature/a+b', 'heads/main', '\u00fc'])(
      'deletes the branch %s and nothing else',
      async (branch) => {
        const { remote, reference } = suite.world.create({ files });
        const main = reference.head('main') ?? '';
        const at = reference.makeCommit(main, { 'b.yaml': 'b\n' });
        reference.point(branch, at);
        reference.git(['update-ref', `refs/tags/${branch}`, at]);
        expect(await (await suite.open(remote)).deleteBranch(branch, at)).toEqual({ status: 'deleted' });
        expect(reference.head(branch)).toBeNull();
        expect(reference.head('main')).toBe(main);
        expect(reference.git(['rev-parse', `refs/tags/${branch}`])).toBe(at);
      },
    );

    test('counts one that is gone as deleted', async () => {
      const { remote, reference } = suite.world.create({ files });
      const at = reference.head('main') ?? '';
      const git = await suite.open(remote);
      expect(await git.deleteBranch('never', at)).toEqual({ status: 'deleted' });
      reference.point('twice', at);
      expect(await git.deleteBranch('twice', at)).toEqual({ status: 'deleted' });
      expect(await git.deleteBranch('twice', at)).toEqual({ status: 'deleted' });
    });

    test('leaves one that points elsewhere', async () => {
      const { remote, reference } = suite.world.create({ files });
      const at = reference.head('main') ?? '';
      const elsewhere = reference.makeCommit(at, { 'b.yaml': 'b\n' });
      reference.point('side', elsewhere);
      const git = await suite.open(remote);
      expect(await git.deleteBranch('side', at)).toEqual({ status: 'moved', head: elsewhere });
      expect(reference.head('side')).toBe(elsewhere);
    });

    testWith(suite, 'hooks')(
      'is refused by a host that wants to keep the branch, in its own words',
      async () => {
        const { remote, reference } = suite.world.create({ files });
        const at = reference.head('main') ?? '';
        reference.point('kept', at);
        reference.refuseWith('update', 'kept for the auditors');
        const git = await suite.open(remote);
        await expect(git.deleteBranch('kept', at)).rejects.toMatchObject({
          code: 'GIT_PUSH_REJECTED',
          data: { reason: expect.stringContaining('kept for the auditors') },
        });
        expect(reference.head('kept')).toBe(at);
      },
    );

    testWith(suite, 'kept-default')('is refused for the default branch', async () => {
      const { remote, reference } = suite.world.create({ files });
      const at = reference.head('main') ?? '';
      const git = await suite.open(remote);
      await expect(git.deleteBranch('main', at)).rejects.toMatchObject({ code: 'GIT_PUSH_REJECTED' });
      expect(reference.head('main')).toBe(at);
    });
  });
}
