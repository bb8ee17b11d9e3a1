import { describe, expect, it } from 'vitest';
import type { HostRequest } from '../support/host-servers/host-server.js';
import { commitOf } from '../support/host-servers/host-state.js';
import { type HostSuite, isCreation, wish } from '../support/host-servers/host-suite.js';
import { failureFrom } from '../unit/support/refusals.js';

export function describePulls(suite: HostSuite): void {
  const created = (): number => suite.server.state.pulls.length;
  const asked = (of: (request: HostRequest) => boolean): number => suite.server.requests.filter(of).length;

  describe('a pull request', () => {
    it('is opened once for the same branches', async () => {
      const first = await suite.api.ensurePull(wish);
      expect(first).toMatchObject({
        number: 1,
        state: 'open',
        draft: false,
        title: wish.title,
        head: 'topic',
        base: 'main',
        mergeCommit: null,
        created: true,
        reviewersRefused: [],
      });
      expect(first.webUrl).toMatch(/^https?:.*1/);
      const { created: isNew, ...second } = await suite.api.ensurePull({ ...wish, title: 'Another title' });
      expect(isNew).toBe(false);
      // Not every host refuses a second one.
      expect(asked(isCreation)).toBe(1);
      expect(second).toMatchObject({ number: 1, title: wish.title });
      expect(created()).toBe(1);
      expect(suite.server.state.pulls[0]).toMatchObject({ body: wish.body, head: 'topic', base: 'main' });
      expect(await suite.api.findPull(wish)).toMatchObject({ number: 1 });
      expect(await suite.api.findPull({ head: 'topic', base: 'release/1' })).toBeNull();
      expect(await suite.api.findPull({ head: 'team/topic', base: 'main' })).toBeNull();
    });

    it('of a branch with a slash and quotes in its name is found', async () => {
      const head = 'team/it\'s "new" & 100%';
      suite.server.state.branches.set(head, { commit: commitOf('9'), protected: false });
      expect(await suite.api.branch(head)).toMatchObject({ commit: commitOf('9') });
      expect(await suite.api.ensurePull({ ...wish, head })).toMatchObject({ created: true, head });
      expect(await suite.api.ensurePull({ ...wish, head })).toMatchObject({ created: false, head });
    });

    it('as a draft is one, under the title it was given', async () => {
      const pull = await suite.api.ensurePull({ ...wish, draft: true });
      expect(pull).toMatchObject({ draft: true, title: wish.title });
      expect(suite.server.state.pulls[0]?.draft).toBe(true);
      expect(await suite.api.pull(pull.number)).toMatchObject({ draft: true, title: wish.title });
    });

    it('has as much of a long title and body as the host takes', async () => {
      const pull = await suite.api.ensurePull({
        ...wish,
        title: 't'.repeat(400),
        body: '\u{1F600}'.repeat(600_000),
      });
      expect(pull.title.length).toBeLessThanOrEqual(255);
      const body = suite.server.state.pulls[0]?.body ?? '';
      expect(body.length).toBeLessThanOrEqual(suite.api.caps.bodyCharactersMax);
      expect(body.isWellFormed()).toBe(true);
    });

    it('that somebody else opens in the same moment is this one', async () => {
      suite.server.state.add({ ...wish, title: 'Theirs' });
      suite.server.state.listsBehind = 1;
      expect(await suite.api.ensurePull(wish)).toMatchObject({ created: false, number: 1, title: 'Theirs' });
      expect(created()).toBe(1);
    });

    it('that the host does not list yet is found a moment later', async () => {
      suite.server.state.add({ ...wish, title: 'Theirs' });
      suite.server.state.listsBehind = 3;
      expect(await suite.api.ensurePull(wish)).toMatchObject({ created: false, number: 1 });
    });

    it('that the host refuses a second time and never lists is a failure', async () => {
      suite.server.state.add(wish);
      suite.server.state.listsBehind = 99;
      expect(await failureFrom(suite.api.ensurePull(wish))).toMatchObject({ code: 'HOST_API_DUPLICATE' });
    });

    it('whose answer is lost is found, not opened again, and reviews are asked for', async () => {
      suite.server.meddle = (request) => (isCreation(request) ? 'cut' : undefined);
      const reviewers = [suite.subject.reviewer(suite.server.state, 'grace')];
      expect(await suite.api.ensurePull({ ...wish, reviewers })).toMatchObject({ created: true, number: 1 });
      expect(created()).toBe(1);
      expect(asked(isCreation)).toBe(1);
      expect(suite.server.state.pulls[0]?.reviewers).toEqual(['grace']);
    });

    it('that an attempt before opened is ours, and reviews are asked for', async () => {
      const reviewers = ['grace', 'linus'].map((person) =>
        suite.subject.reviewer(suite.server.state, person),
      );
      suite.server.state.add(wish);
      const again = { ...wish, reviewers, wasTried: true };
      expect(await suite.api.ensurePull({ ...again, title: 'Another' })).toMatchObject({ created: false });
      expect(await suite.api.ensurePull({ ...again, wasTried: false })).toMatchObject({ created: false });
      expect(suite.server.state.pulls[0]?.reviewers).toEqual([]);
      for (const _ of ['first', 'second'])
        expect(await suite.api.ensurePull(again)).toMatchObject({
          created: true,
          number: 1,
          reviewersRefused: [],
        });
      expect(new Set(suite.server.state.pulls[0]?.reviewers)).toEqual(new Set(['grace', 'linus']));
      expect(asked(isCreation)).toBe(0);
    });

    it('is open without reviewers that cannot be asked for', async () => {
      const reviewers = [suite.subject.reviewer(suite.server.state, 'grace')];
      suite.server.instead = ({ method }) =>
        method !== 'GET' && created() > 0 ? { status: 503, json: {} } : undefined;
      expect(await suite.api.ensurePull({ ...wish, reviewers })).toMatchObject({
        created: true,
        reviewersRefused: reviewers,
      });
    });

    it('whose opening the host fails at is not opened twice', async () => {
      suite.server.instead = (request) => (isCreation(request) ? { status: 502, json: {} } : undefined);
      expect(await failureFrom(suite.api.ensurePull(wish))).toMatchObject({ code: 'HOST_API_FAULT' });
      expect(asked(isCreation)).toBe(1);
    });

    it('of branches that do not differ is none', async () => {
      expect(await failureFrom(suite.api.ensurePull({ ...wish, head: 'same' }))).toMatchObject({
        code: 'HOST_API_NO_CHANGES',
        data: { head: 'same', base: 'main' },
      });
      expect(created()).toBe(0);
    });

    it('of a branch that is not there is none, once it was looked for again', async () => {
      expect(await failureFrom(suite.api.ensurePull({ ...wish, head: 'nowhere' }))).toMatchObject({
        code: 'HOST_API_BRANCH_MISSING',
      });
      expect(created()).toBe(0);
    });

    it('of a branch that was just pushed is opened once the host sees it', async () => {
      suite.server.state.branchesBehind = 2;
      expect(await suite.api.ensurePull(wish)).toMatchObject({ created: true });
      expect(created()).toBe(1);
    });

    it('that a rule of the host forbids is none', async () => {
      expect(await failureFrom(suite.api.ensurePull({ ...wish, base: 'locked' }))).toMatchObject({
        code: 'HOST_API_PROTECTED',
      });
    });

    it('is not one of a fork with branches of these names', async () => {
      suite.server.state.add(wish, { isFork: true });
      expect(await suite.api.findPull(wish)).toBeNull();
      expect(await suite.api.ensurePull(wish)).toMatchObject({ created: true, number: 2 });
    });

    it.each(['merged', 'closed'] as const)('is not one that is %s', async (state) => {
      suite.server.state.add(wish, { state });
      expect(await suite.api.ensurePull(wish)).toMatchObject({ created: true, number: 2 });
    });

    it('is open without the reviewers that the host does not know', async () => {
      const reviewers = ['grace', 'linus'].map((person) =>
        suite.subject.reviewer(suite.server.state, person),
      );
      const pull = await suite.api.ensurePull({ ...wish, reviewers: [...reviewers, suite.subject.nobody] });
      expect(pull.reviewersRefused).toEqual([suite.subject.nobody]);
      expect(suite.server.state.pulls[0]?.reviewers).toEqual(['grace', 'linus']);
    });

    it('is followed until it is merged', async () => {
      const { number } = await suite.api.ensurePull(wish);
      expect(await suite.api.pull(number)).toMatchObject({ state: 'open', mergeCommit: null });
      Object.assign(suite.server.state.pulls[0] ?? {}, { state: 'merged', mergeCommit: commitOf('9') });
      const merged = await suite.api.pull(number);
      expect(merged.state).toBe('merged');
      expect([commitOf('9'), null]).toContain(merged.mergeCommit);
      expect((await suite.api.closePull(number)).state).toBe('merged');
      expect(suite.server.state.pulls[0]?.state).toBe('merged');
    });

    it('is closed, and stays so', async () => {
      const { number } = await suite.api.ensurePull(wish);
      expect(await suite.api.closePull(number)).toMatchObject({ number, state: 'closed' });
      expect(await suite.api.closePull(number)).toMatchObject({ number, state: 'closed' });
      expect(suite.server.state.pulls[0]?.state).toBe('closed');
    });

    it('that was never opened is not there', async () => {
      expect(await failureFrom(suite.api.pull(77))).toMatchObject({ code: 'HOST_API_NOT_FOUND' });
      expect(await failureFrom(suite.api.closePull(77))).toMatchObject({ code: 'HOST_API_NOT_FOUND' });
    });
  });
}
