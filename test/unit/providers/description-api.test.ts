// The contract mocks themselves: whatever a host's description does not name, they refuse.
import { describe, expect, it } from 'vitest';
import { problemsOf, readDescription } from '../../support/host-servers/api-description.js';

const ask = (
  name: string,
  method: string,
  path: string,
  { query = {}, body }: { query?: object; body?: unknown } = {},
) =>
  problemsOf(readDescription(name), {
    method,
    path,
    query: query as Record<string, string>,
    headers: {},
    body,
  });

const guid = '11111111-1111-4111-8111-111111111111';
/** What opens a pull request at each host. */
const opening: Record<string, { path: string; query?: object; body: object }> = {
  github: { path: '/repos/a/b/pulls', body: { title: 't', head: 'h', base: 'b', body: 'x', draft: true } },
  gitlab: {
    path: '/projects/a%2Fb/merge_requests',
    body: { source_branch: 'h', target_branch: 'b', title: 't', description: 'x' },
  },
  'bitbucket-cloud': {
    path: '/repositories/a/b/pullrequests',
    body: {
      title: 't',
      source: { branch: { name: 'h' } },
      destination: { branch: { name: 'b' } },
      draft: false,
    },
  },
  'bitbucket-dc': {
    path: '/projects/A/repos/b/pull-requests',
    body: { title: 't', fromRef: { id: 'refs/heads/h' }, toRef: { id: 'refs/heads/b' } },
  },
  gitea: { path: '/repos/a/b/pulls', body: { title: 't', head: 'h', base: 'b', body: 'x' } },
  forgejo: { path: '/repos/a/b/pulls', body: { title: 't', head: 'h', base: 'b', body: 'x' } },
  azure: {
    path: '/p/_apis/git/repositories/b/pullrequests',
    query: { 'api-version': '7.1' },
    body: { sourceRefName: 'refs/heads/h', targetRefName: 'refs/heads/b', title: 't', description: 'x' },
  },
};
const hosts = Object.keys(opening);
/** Gitea and Forgejo took theirs over from GitHub. */
const alike = new Set(['github', 'gitea', 'forgejo']);

describe.each(hosts)('the description of %s', (host) => {
  const { path, query = {}, body } = opening[host] ?? { path: '', body: {} };

  it('knows how a pull request is opened', () => {
    expect(ask(host, 'POST', path, { query, body })).toEqual([]);
  });

  it.each(hosts.filter((other) => other !== host && !(alike.has(host) && alike.has(other))))(
    'does not take the one of %s',
    (other) => {
      expect(ask(host, 'POST', path, { query, body: opening[other]?.body })).not.toEqual([]);
    },
  );

  it.each([
    ['a path', 'POST', `${path}/nowhere/at/all`, { query, body }],
    ['a method', 'DELETE', path, { query }],
    ['a query parameter', 'POST', path, { query: { ...query, nonsense: '1' }, body }],
    ['a property', 'POST', path, { query, body: { ...body, nonsense: 1 } }],
    ['a type', 'POST', path, { query, body: { ...body, title: 7 } }],
    ['a body', 'POST', path, { query }],
    ['a list', 'POST', path, { query, body: [body] }],
  ])('refuses %s that it does not name', (_, method, at, more) => {
    expect(ask(host, method, at, more)).not.toEqual([]);
  });

  it('says where it is from, and under which licence', () => {
    expect(readDescription(host)).toMatchObject({ source: expect.any(String), licence: expect.any(String) });
  });
});

it.each([
  ['github', 'GET', '/repos/a/b/pulls', { query: { state: 'opened' } }],
  ['github', 'POST', '/repos/a/b/pulls', { body: { title: 't', head: 'h' } }],
  ['gitlab', 'GET', '/projects/1/merge_requests', { query: { state: 'open' } }],
  ['gitlab', 'GET', '/users', {}],
  ['gitlab', 'PUT', '/projects/1/merge_requests/1', { body: { state_event: 'closed' } }],
  ['gitea', 'GET', '/repos/a/b/pulls', { query: { state: 'opened' } }],
  ['gitea', 'POST', '/repos/a/b/hooks', { body: { type: 'web', config: {} } }],
  [
    'bitbucket-cloud',
    'POST',
    '/repositories/a/b/hooks',
    { body: { url: 'u', active: true, events: ['push'] } },
  ],
  ['bitbucket-dc', 'GET', '/projects/A/repos/b/pull-requests', { query: { limit: 'many' } }],
  ['azure', 'GET', '/p/_apis/git/repositories/b', {}],
  ['azure', 'GET', '/p/_apis/git/repositories/b', { query: { 'api-version': '1.0' } }],
  [
    'azure',
    'PUT',
    `/p/_apis/git/repositories/b/pullrequests/1/reviewers/${guid}`,
    { query: { 'api-version': '7.1' }, body: { id: guid, vote: 3 } },
  ],
])('%s does not take %s %s %j', (host, method, path, more) => {
  expect(ask(host, method, path, more)).not.toEqual([]);
});
