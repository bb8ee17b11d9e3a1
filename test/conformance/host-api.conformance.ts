// What every client of a host's API owes its callers, whatever the host is called. Each request is held against the host's
// description; each host is a real server on loopback.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { commitOf } from '../support/host-servers/host-state.js';
import { type HostSubject, HostSuite } from '../support/host-servers/host-suite.js';
import { failureFrom } from '../unit/support/refusals.js';
import { describeHooks } from './host-api-hooks.conformance.js';
import { describePulls } from './host-api-pulls.conformance.js';
import { describeRefusals } from './host-api-refusing.conformance.js';

export function describeHostApi(name: string, subject: HostSubject): void {
  const suite = new HostSuite(subject);
  describe(`HostApi of ${name}`, () => {
    beforeAll(() => suite.start());
    beforeEach(() => suite.reset());
    afterEach(() => suite.server.assertDescribed());
    afterAll(() => suite.server.stop());

    describe('the repository', () => {
      it('has an id, a default branch and addresses without anybody’s name', async () => {
        const repo = await suite.api.repo();
        expect(repo).toMatchObject({ defaultBranch: 'main', archived: false });
        expect(repo.id).not.toBe('');
        expect(repo.fullName).toMatch(/app$/i);
        expect(repo.cloneUrl).toMatch(/^https:\/\/[^@]+\/app(?:\.git)?$/);
        expect(repo.webUrl).toMatch(/^https:/);
        expect(repo.canPush).toBe(suite.subject.sees.canPush ? true : null);
      });

      it.each([
        ['main', 'a'],
        ['topic', 'c'],
        ['team/topic', 'd'],
      ])('has branch %s', async (branch, digit) => {
        const isProtected = suite.subject.sees.protected ? branch === 'main' : null;
        expect(await suite.api.branch(branch)).toEqual({ commit: commitOf(digit), protected: isProtected });
      });

      it.each(['nowhere', 'top', 'team', 'team/topic-'])('has no branch %s', async (branch) => {
        expect(await suite.api.branch(branch)).toBeNull();
      });

      it('is not there under another name', async () => {
        const other = suite.open({ path: suite.subject.path.replace(/app(\.git)?$/, 'other$1') });
        suite.server.instead = () => suite.subject.dialect(suite.subject.token).notFound;
        expect(await failureFrom(other.repo())).toMatchObject({ code: 'HOST_API_NOT_FOUND' });
      });
    });

    describePulls(suite);
    describeHooks(suite);
    describeRefusals(suite);
  });
}
