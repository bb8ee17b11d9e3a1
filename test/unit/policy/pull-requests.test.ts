import { describe, expect, it } from 'vitest';
import { PullRequestBody } from '../../../src/api/pull-request-wish.js';
import { DeleteQuery, GitQuery, SaveBody, toHome } from '../../../src/api/save-request.js';

const isFine = (wish: unknown): boolean =>
  SaveBody.safeParse({ yaml: 'a: 1', git: { pullRequest: wish } }).success;
const people = (count: number): string[] => Array.from({ length: count }, (_, at) => `p${at}`);

describe('a pull request that is asked for', () => {
  it.each<[string, unknown]>([
    ['with nothing', {}],
    ['with everything', { into: 'main', title: 'T', body: 'a\n\tb', reviewers: ['ada'], draft: true }],
    ['with a title of 255 characters', { title: 'a'.repeat(255) }],
    ['with a body of 64 KiB', { body: 'ü'.repeat(32_768) }],
    ['with an empty body', { body: '' }],
    ['with twenty reviewers', { reviewers: people(20) }],
  ])('is fine %s', (_, wish) => expect(isFine(wish)).toBe(true));

  it.each<[string, unknown]>([
    ['with an empty title', { title: '' }],
    ['with a title of spaces', { title: '  ' }],
    ['with a title of 256 characters', { title: 'a'.repeat(256) }],
    ['with a title of two lines', { title: 'a\nb' }],
    ['with an escape in its title', { title: 'a\u001b[31m' }],
    ['with half a surrogate pair', { title: 'a\ud800' }],
    ['with a body of more than 64 KiB', { body: `${'ü'.repeat(32_768)}a` }],
    ['with an escape in its body', { body: 'a\u001b[31m' }],
    ['with a NUL in its body', { body: 'a\0' }],
    ['with twenty-one reviewers', { reviewers: people(21) }],
    ['with a reviewer twice', { reviewers: ['ada', 'ada'] }],
    ['with a reviewer of two lines', { reviewers: ['a\nb'] }],
    ['with an empty reviewer', { reviewers: [''] }],
    ['into what is no branch', { into: 'a..b' }],
    ['into an object id', { into: 'a'.repeat(40) }],
    ['with a field that it does not have', { merge: true }],
    ['with a draft that is a text', { draft: 'true' }],
    ['as a text', 'yes'],
    ['as null', null],
  ])('is refused %s', (_, wish) => expect(isFine(wish)).toBe(false));

  it('is the same in a query', () => {
    const query = {
      pullRequest: 'true',
      pullRequestInto: 'main',
      pullRequestTitle: 'T',
      pullRequestBody: 'B',
      pullRequestReviewers: 'ada,grace',
      pullRequestDraft: 'true',
    };
    const wish = { into: 'main', title: 'T', body: 'B', reviewers: ['ada', 'grace'], draft: true };
    expect(toHome(GitQuery.parse(query)).git.pullRequest).toEqual(PullRequestBody.parse(wish));
    expect(toHome(DeleteQuery.parse(query)).git.pullRequest).toEqual(wish);
    expect(toHome(GitQuery.parse({ branch: 'b' })).git).toMatchObject({
      branch: 'b',
      pullRequest: undefined,
    });
  });

  it.each<[string, Record<string, string>]>([
    ['a detail of none', { pullRequestTitle: 'T' }],
    ['a false one', { pullRequest: 'false' }],
    ['somebody twice', { pullRequest: 'true', pullRequestReviewers: 'ada,ada' }],
    ['an empty name', { pullRequest: 'true', pullRequestReviewers: 'ada,' }],
    ['a draft of another kind', { pullRequest: 'true', pullRequestDraft: '1' }],
  ])('is refused in a query for %s', (_, query) => {
    expect([GitQuery.safeParse(query).success, DeleteQuery.safeParse(query).success]).toEqual([false, false]);
  });
});
