// What each host says when it refuses, in its own words, and what that is.
import { describe, expect, it } from 'vitest';
import { azure } from '../../../src/providers/azure/api.js';
import { bitbucketCloud } from '../../../src/providers/bitbucket-cloud/api.js';
import { bitbucketDc } from '../../../src/providers/bitbucket-dc/api.js';
import { gitea } from '../../../src/providers/gitea/api.js';
import { gitHub } from '../../../src/providers/github/api.js';
import { gitLab } from '../../../src/providers/gitlab/api.js';
import { refusalOf } from '../../../src/providers/host-refusals.js';

const products = { gitHub, gitLab, bitbucketCloud, bitbucketDc, gitea, azure };
type Product = keyof typeof products;

const ask = (product: Product, path: string, status: number, body: unknown, headers = {}) => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const asking = { host: 'git.example', path, attempt: 'open the pull request', head: 'topic', base: 'main' };
  const json = typeof body === 'string' ? undefined : body;
  return refusalOf(products[product].refusals, asking, { status, headers, text, json });
};
const dc = (exceptionName: string, message = 'No') => ({
  errors: [{ context: null, message, exceptionName }],
});
const gh = (error: object) => ({ message: 'Validation Failed', errors: [error], status: '422' });

it.each([
  [
    'gitHub',
    '/repos/a/b/pulls',
    422,
    gh({ code: 'custom', message: 'A pull request already exists for a:topic.' }),
    'DUPLICATE',
  ],
  [
    'gitHub',
    '/repos/a/b/pulls',
    422,
    gh({ code: 'custom', message: 'No commits between main and topic' }),
    'NO_CHANGES',
  ],
  [
    'gitHub',
    '/repos/a/b/pulls',
    422,
    gh({ resource: 'PullRequest', field: 'base', code: 'invalid' }),
    'BRANCH_MISSING',
  ],
  [
    'gitHub',
    '/repos/a/b/pulls',
    422,
    gh({ resource: 'PullRequest', field: 'head', code: 'invalid' }),
    'BRANCH_MISSING',
  ],
  ['gitHub', '/repos/a/b/pulls', 422, gh({ message: "Head sha can't be blank" }), 'BRANCH_MISSING'],
  [
    'gitHub',
    '/repos/a/b/pulls',
    422,
    { message: 'Draft pull requests are not supported in this repository.' },
    'UNSUPPORTED',
  ],
  [
    'gitHub',
    '/repos/a/b/pulls',
    422,
    gh({ resource: 'PullRequest', field: 'title', code: 'missing_field' }),
    'REFUSED',
  ],
  ['gitHub', '/repos/a/b/hooks', 422, gh({ message: 'Hook already exists on this repository' }), 'DUPLICATE'],
  ['gitHub', '/repos/a/b/hooks', 404, { message: 'Not Found' }, 'FORBIDDEN'],
  ['gitHub', '/repos/a/b/hooks/7', 404, { message: 'Not Found' }, 'NOT_FOUND'],
  ['gitea', '/repos/a/b/hooks/7', 404, { message: 'Not Found' }, 'NOT_FOUND'],
  ['gitHub', '/repos/a/b', 404, { message: 'Not Found' }, 'NOT_FOUND'],
  ['gitHub', '/repos/a/b', 401, { message: 'Bad credentials' }, 'AUTH_REJECTED'],
  [
    'gitHub',
    '/repos/a/b/pulls',
    403,
    { message: 'Resource not accessible by personal access token' },
    'FORBIDDEN',
  ],
  ['gitHub', '/repos/a/b', 403, { message: 'API rate limit exceeded for user ID 1.' }, 'RATE_LIMITED'],
  [
    'gitHub',
    '/repos/a/b',
    403,
    { message: 'You have triggered an abuse detection mechanism.' },
    'RATE_LIMITED',
  ],
  [
    'gitLab',
    '/projects/1/merge_requests',
    409,
    { message: ['Another open merge request already exists for this source branch: !5'] },
    'DUPLICATE',
  ],
  [
    'gitLab',
    '/projects/1/merge_requests',
    400,
    { message: { source_branch: ['does not exist'] } },
    'BRANCH_MISSING',
  ],
  ['gitLab', '/projects/1', 403, { error: 'insufficient_scope', scope: 'api' }, 'FORBIDDEN'],
  ['gitLab', '/projects/1', 401, { message: '401 Unauthorized' }, 'AUTH_REJECTED'],
  ['gitLab', '/projects/1', 404, { message: '404 Project Not Found' }, 'NOT_FOUND'],
  ['gitLab', '/projects/1/hooks', 422, { message: 'Invalid url given' }, 'REFUSED'],
  [
    'bitbucketCloud',
    '/repositories/a/b/pullrequests',
    400,
    { error: { message: 'There are no changes to be pulled' } },
    'NO_CHANGES',
  ],
  [
    'bitbucketCloud',
    '/repositories/a/b/pullrequests',
    400,
    { error: { message: 'Bad', fields: { source: ['branch not found: x'] } } },
    'BRANCH_MISSING',
  ],
  [
    'bitbucketCloud',
    '/repositories/a/b/pullrequests',
    400,
    { error: { message: 'title: required' } },
    'REFUSED',
  ],
  [
    'bitbucketCloud',
    '/repositories/a/b',
    403,
    { error: { message: 'Your credentials lack one or more required privilege scopes.' } },
    'FORBIDDEN',
  ],
  [
    'bitbucketDc',
    '/projects/A/repos/b/pull-requests',
    409,
    dc('com.atlassian.bitbucket.pull.DuplicatePullRequestException'),
    'DUPLICATE',
  ],
  [
    'bitbucketDc',
    '/projects/A/repos/b/pull-requests',
    409,
    dc('com.atlassian.bitbucket.pull.EmptyPullRequestException'),
    'NO_CHANGES',
  ],
  [
    'bitbucketDc',
    '/projects/A/repos/b/pull-requests',
    404,
    dc('com.atlassian.bitbucket.repository.NoSuchBranchException'),
    'BRANCH_MISSING',
  ],
  [
    'bitbucketDc',
    '/projects/A/repos/b',
    404,
    dc('com.atlassian.bitbucket.repository.NoSuchRepositoryException'),
    'NOT_FOUND',
  ],
  [
    'bitbucketDc',
    '/projects/A/repos/b',
    401,
    dc('com.atlassian.bitbucket.AuthorisationException'),
    'FORBIDDEN',
  ],
  [
    'bitbucketDc',
    '/projects/A/repos/b',
    401,
    dc('com.atlassian.bitbucket.auth.IncorrectPasswordAuthenticationException'),
    'AUTH_REJECTED',
  ],
  [
    'bitbucketDc',
    '/projects/A/repos/b/pull-requests',
    409,
    dc('com.atlassian.bitbucket.pull.InvalidPullRequestReviewersException'),
    'REFUSED',
  ],
  [
    'gitea',
    '/repos/a/b/pulls',
    409,
    { message: 'pull request already exists for these targets [id: 1]' },
    'DUPLICATE',
  ],
  ['gitea', '/repos/a/b/pulls', 404, { message: "The target couldn't be found." }, 'BRANCH_MISSING'],
  ['gitea', '/repos/a/b/hooks', 404, { message: 'Not found' }, 'FORBIDDEN'],
  ['gitea', '/repos/a/b', 404, { message: "The target couldn't be found." }, 'NOT_FOUND'],
  [
    'gitea',
    '/repos/a/b/pulls',
    403,
    { message: 'token does not have at least one of required scope(s): [write:repository]' },
    'FORBIDDEN',
  ],
  ['gitea', '/repos/a/b/hooks', 422, { message: 'Invalid url' }, 'REFUSED'],
  [
    'azure',
    '/p/_apis/git/repositories/b/pullrequests',
    409,
    { message: 'TF401179: An active pull request for the source and target branch already exists.' },
    'DUPLICATE',
  ],
  [
    'azure',
    '/p/_apis/git/repositories/b/pullrequests',
    400,
    { message: 'TF401398: The pull request cannot be activated because the source branch no longer exists.' },
    'BRANCH_MISSING',
  ],
  ['azure', '/p/_apis/git/repositories/b', 203, '<html>Sign In</html>', 'AUTH_REJECTED'],
  ['azure', '/p/_apis/git/repositories/b', 302, '<html>Object moved</html>', 'AUTH_REJECTED'],
  ['azure', '/p/_apis/git/repositories/b', 301, '', 'MOVED'],
  [
    'azure',
    '/_apis/hooks/subscriptions',
    403,
    { message: 'TF400813: The user is not authorized to access this resource.' },
    'FORBIDDEN',
  ],
] as [Product, string, number, unknown, string][])(
  '%s %s %i %j is %s',
  (product, path, status, body, code) => {
    expect(ask(product, path, status, body)?.code).toBe(`HOST_API_${code}`);
  },
);

describe.each(Object.keys(products) as Product[])('%s', (product) => {
  it.each([200, 201, 202, 204])('is heard out at status %i', (status) => {
    expect(ask(product, '/x', status, {})).toBeNull();
  });

  it.each([
    [408, 'FAULT'],
    [429, 'RATE_LIMITED'],
    [500, 'FAULT'],
    [503, 'FAULT'],
    [308, 'MOVED'],
    [410, 'NOT_FOUND'],
    [418, 'REFUSED'],
  ])('with status %i and no words is %s', (status, code) => {
    expect(ask(product, '/x', status, '')?.code).toBe(`HOST_API_${code}`);
  });

  it.each([
    null,
    [],
    'x'.repeat(100_000),
    { message: null },
    { errors: { errors: { errors: { errors: { errors: { message: 'deep' } } } } } },
    { message: 'a\u0000\u001b[31mb\nc' },
    { message: ['a'.repeat(9_000)] },
    Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`k${at}`, { message: `m${at}` }])),
  ])('is quoted on one line of bounded length, whatever it says: case %#', (body) => {
    const data = ask(product, '/x', 418, body)?.data as { reason: string } | undefined;
    const reason = data?.reason ?? '\n';
    expect(reason.length).toBeLessThanOrEqual(300);
    expect(reason).not.toMatch(/[\u0000-\u001f]/);
  });
});

it('the place that a host sends to is told without what it adds, which may be a token', () => {
  const failure = ask('gitHub', '/x', 301, '', { location: 'https://git.example/new?access_token=abc#x' });
  expect(failure?.data).toMatchObject({ to: 'https://git.example/new' });
});
