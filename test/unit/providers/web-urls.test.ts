// The pages of a host about a repository, and whether an API is that of the host that is cloned from.
import { describe, expect, it } from 'vitest';
import { webLinksOf } from '../../../src/providers/host-apis.js';
import { isApiOfHost } from '../../../src/providers/host-place.js';
import type { Provider } from '../../../src/providers/provider.js';

describe('the pages about a repository', () => {
  const at = { branch: 'team/it is #1' };
  const commit = 'c'.repeat(40);
  const shown = (provider: Provider, url: string) => {
    const links = webLinksOf({ provider, url, apiUrl: null });
    if (links === null) return null;
    const short = (link: string): string => link.replace(commit, 'SHA').replace(/^https:\/\/[^/]+/, '');
    return [
      links.commit(commit),
      links.branch(at.branch),
      links.file(at, 'a b/c.yaml'),
      links.file({ commit }, 'c.yaml'),
      links.pull(7),
    ].map(short);
  };

  it.each([
    [
      'github',
      'https://github.com/acme/app.git',
      [
        '/acme/app/commit/SHA',
        '/acme/app/tree/team/it%20is%20%231',
        '/acme/app/blob/team/it%20is%20%231/a%20b/c.yaml',
        '/acme/app/blob/SHA/c.yaml',
        '/acme/app/pull/7',
      ],
    ],
    [
      'gitlab',
      'git@gitlab.com:acme/team/app.git',
      [
        '/acme/team/app/-/commit/SHA',
        '/acme/team/app/-/tree/team/it%20is%20%231',
        '/acme/team/app/-/blob/team/it%20is%20%231/a%20b/c.yaml',
        '/acme/team/app/-/blob/SHA/c.yaml',
        '/acme/team/app/-/merge_requests/7',
      ],
    ],
    [
      'bitbucket-cloud',
      'https://bitbucket.org/acme/app.git',
      [
        '/acme/app/commits/SHA',
        '/acme/app/branch/team/it%20is%20%231',
        '/acme/app/src/team/it%20is%20%231/a%20b/c.yaml',
        '/acme/app/src/SHA/c.yaml',
        '/acme/app/pull-requests/7',
      ],
    ],
    [
      'bitbucket-dc',
      'https://git.example/scm/acme/app.git',
      [
        '/projects/ACME/repos/app/commits/SHA',
        '/projects/ACME/repos/app/browse?at=refs%2Fheads%2Fteam%2Fit%20is%20%231',
        '/projects/ACME/repos/app/browse/a%20b/c.yaml?at=refs%2Fheads%2Fteam%2Fit%20is%20%231',
        '/projects/ACME/repos/app/browse/c.yaml?at=SHA',
        '/projects/ACME/repos/app/pull-requests/7/overview',
      ],
    ],
    [
      'forgejo',
      'https://git.example/acme/app.git',
      [
        '/acme/app/commit/SHA',
        '/acme/app/src/branch/team/it%20is%20%231',
        '/acme/app/src/branch/team/it%20is%20%231/a%20b/c.yaml',
        '/acme/app/src/commit/SHA/c.yaml',
        '/acme/app/pulls/7',
      ],
    ],
    [
      'gogs',
      'https://git.example/acme/app.git',
      [
        '/acme/app/commit/SHA',
        '/acme/app/src/team/it%20is%20%231',
        '/acme/app/src/team/it%20is%20%231/a%20b/c.yaml',
        '/acme/app/src/SHA/c.yaml',
        '/acme/app/pulls/7',
      ],
    ],
    [
      'azure',
      'https://dev.azure.com/acme/Shop/_git/app',
      [
        '/acme/Shop/_git/app/commit/SHA',
        '/acme/Shop/_git/app?version=GBteam%2Fit%20is%20%231',
        '/acme/Shop/_git/app?path=%2Fa%20b%2Fc.yaml&version=GBteam%2Fit%20is%20%231',
        '/acme/Shop/_git/app?path=%2Fc.yaml&version=GCSHA',
        '/acme/Shop/_git/app/pullrequest/7',
      ],
    ],
    ['generic', 'https://git.example/acme/app.git', null],
    ['github', 'https://git.example/nonsense', null],
  ] as [Provider, string, string[] | null][])('of %s at %s', (provider, url, links) => {
    expect(shown(provider, url)).toEqual(links);
  });
});

describe('the API of the very host that is cloned from', () => {
  it.each([
    ['https://github.com/a/b', 'https://api.github.com', true],
    ['git@github.com:a/b', 'https://api.github.com', true],
    ['https://github.com/a/b', 'https://api.github.com.evil.example', false],
    ['https://github.com/a/b', 'http://api.github.com', false],
    ['https://github.com/a/b', 'https://api.github.com:8443', false],
    ['https://git.example/a/b', 'https://api.github.com', false],
    ['https://git.example/a/b', 'https://git.example/api/v4', true],
    ['https://git.example:8443/a/b', 'https://git.example:8443/api/v4', true],
    ['https://git.example/a/b', 'https://git.example:8443/api/v4', false],
    ['ssh://git@git.example:7999/a/b', 'https://git.example/rest/api/latest', true],
    ['ssh://git@git.example:7999/a/b', 'https://git.example:8443/rest/api/latest', false],
    ['https://bitbucket.org/a/b', 'https://api.bitbucket.org/2.0', true],
    ['https://acme.visualstudio.com/s/_git/a', 'https://dev.azure.com/acme', true],
    ['https://acme.ghe.com/a/b', 'https://api.acme.ghe.com', true],
    ['https://acme.ghe.com/a/b', 'https://api.other.ghe.com', false],
    ['https://git.example/a/b', 'nonsense', false],
  ])('of %s is %s: %s', (repository, api, isIts) => {
    expect(isApiOfHost(repository, api)).toBe(isIts);
  });
});
