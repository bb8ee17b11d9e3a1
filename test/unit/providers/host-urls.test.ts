// From a repository's address to its host's API and pages, for every form that people clone by.
import { describe, expect, it } from 'vitest';
import { locateAzure } from '../../../src/providers/azure/urls.js';
import { locateBitbucketCloud } from '../../../src/providers/bitbucket-cloud/urls.js';
import { locateBitbucketDc } from '../../../src/providers/bitbucket-dc/urls.js';
import { locateGitea } from '../../../src/providers/gitea/urls.js';
import { locateGitHub } from '../../../src/providers/github/urls.js';
import { locateGitLab } from '../../../src/providers/gitlab/urls.js';
import { apiAddressOf } from '../../../src/providers/host-apis.js';
import { parseRepositoryAddress } from '../../../src/providers/host-place.js';
import type { Provider } from '../../../src/providers/provider.js';
import { failureOf } from '../support/refusals.js';

const locate = {
  github: locateGitHub,
  gitlab: locateGitLab,
  'bitbucket-cloud': locateBitbucketCloud,
  'bitbucket-dc': locateBitbucketDc,
  gitea: locateGitea,
  azure: locateAzure,
};
type Located = keyof typeof locate;

/** Provider, repository, apiUrl, the API's address with the repository's path, the repository's page. */
const places: [Located, string, string | null, string, string][] = [
  [
    'github',
    'https://github.com/Acme/app.git',
    null,
    'https://api.github.com/repos/Acme/app',
    'https://github.com/Acme/app',
  ],
  [
    'github',
    'https://github.com/acme/app',
    null,
    'https://api.github.com/repos/acme/app',
    'https://github.com/acme/app',
  ],
  [
    'github',
    'git@github.com:acme/app.git',
    null,
    'https://api.github.com/repos/acme/app',
    'https://github.com/acme/app',
  ],
  [
    'github',
    'ssh://git@ssh.github.com:443/acme/app.git',
    null,
    'https://api.github.com/repos/acme/app',
    'https://github.com/acme/app',
  ],
  [
    'github',
    'https://ghes.example:8443/acme/app.git',
    null,
    'https://ghes.example:8443/api/v3/repos/acme/app',
    'https://ghes.example:8443/acme/app',
  ],
  [
    'github',
    'ssh://git@ghes.example:122/acme/app.git',
    null,
    'https://ghes.example/api/v3/repos/acme/app',
    'https://ghes.example/acme/app',
  ],
  [
    'github',
    'https://acme.ghe.com/team/app.git',
    null,
    'https://api.acme.ghe.com/repos/team/app',
    'https://acme.ghe.com/team/app',
  ],
  [
    'github',
    'https://ghes.example/acme/app.git',
    'https://api.ghes.example/',
    'https://api.ghes.example/repos/acme/app',
    'https://ghes.example/acme/app',
  ],
  [
    'gitlab',
    'https://gitlab.com/acme/app.git',
    null,
    'https://gitlab.com/api/v4/projects/acme%2Fapp',
    'https://gitlab.com/acme/app',
  ],
  [
    'gitlab',
    'https://gitlab.com/acme/a/b/c/app.git',
    null,
    'https://gitlab.com/api/v4/projects/acme%2Fa%2Fb%2Fc%2Fapp',
    'https://gitlab.com/acme/a/b/c/app',
  ],
  [
    'gitlab',
    'git@gitlab.com:acme/a/app.git',
    null,
    'https://gitlab.com/api/v4/projects/acme%2Fa%2Fapp',
    'https://gitlab.com/acme/a/app',
  ],
  [
    'gitlab',
    'ssh://git@altssh.gitlab.com:443/acme/app.git',
    null,
    'https://gitlab.com/api/v4/projects/acme%2Fapp',
    'https://gitlab.com/acme/app',
  ],
  [
    'gitlab',
    'ssh://git@git.example:2222/acme/app.git',
    null,
    'https://git.example/api/v4/projects/acme%2Fapp',
    'https://git.example/acme/app',
  ],
  [
    'gitlab',
    'https://git.example/gitlab/acme/app.git',
    'https://git.example/gitlab/api/v4',
    'https://git.example/gitlab/api/v4/projects/acme%2Fapp',
    'https://git.example/gitlab/acme/app',
  ],
  [
    'gitlab',
    'git@git.example:acme/app.git',
    'https://git.example/gitlab/api/v4',
    'https://git.example/gitlab/api/v4/projects/acme%2Fapp',
    'https://git.example/gitlab/acme/app',
  ],
  [
    'gitlab',
    'https://git.example/api/v4.git',
    null,
    'https://git.example/api/v4/projects/api%2Fv4',
    'https://git.example/api/v4',
  ],
  [
    'bitbucket-cloud',
    'https://bitbucket.org/acme/app.git',
    null,
    'https://api.bitbucket.org/2.0/repositories/acme/app',
    'https://bitbucket.org/acme/app',
  ],
  [
    'bitbucket-cloud',
    'git@bitbucket.org:acme/app.git',
    null,
    'https://api.bitbucket.org/2.0/repositories/acme/app',
    'https://bitbucket.org/acme/app',
  ],
  [
    'bitbucket-cloud',
    'ssh://git@altssh.bitbucket.org:443/acme/app.git',
    null,
    'https://api.bitbucket.org/2.0/repositories/acme/app',
    'https://bitbucket.org/acme/app',
  ],
  [
    'bitbucket-dc',
    'https://git.example/scm/acme/app.git',
    null,
    'https://git.example/rest/api/latest/projects/ACME/repos/app',
    'https://git.example/projects/ACME/repos/app',
  ],
  [
    'bitbucket-dc',
    'https://git.example/bb/scm/ACME/app.git',
    null,
    'https://git.example/bb/rest/api/latest/projects/ACME/repos/app',
    'https://git.example/bb/projects/ACME/repos/app',
  ],
  [
    'bitbucket-dc',
    'https://git.example:7990/scm/~ada/app.git',
    null,
    'https://git.example:7990/rest/api/latest/projects/~ada/repos/app',
    'https://git.example:7990/users/ada/repos/app',
  ],
  [
    'bitbucket-dc',
    'ssh://git@git.example:7999/acme/app.git',
    null,
    'https://git.example/rest/api/latest/projects/ACME/repos/app',
    'https://git.example/projects/ACME/repos/app',
  ],
  [
    'bitbucket-dc',
    'ssh://git@git.example:7999/~ada/app.git',
    'https://git.example/bb/rest/api/1.0',
    'https://git.example/bb/rest/api/1.0/projects/~ada/repos/app',
    'https://git.example/bb/users/ada/repos/app',
  ],
  [
    'gitea',
    'https://codeberg.example/acme/app.git',
    null,
    'https://codeberg.example/api/v1/repos/acme/app',
    'https://codeberg.example/acme/app',
  ],
  [
    'gitea',
    'https://git.example/forge/acme/app.git',
    null,
    'https://git.example/forge/api/v1/repos/acme/app',
    'https://git.example/forge/acme/app',
  ],
  [
    'gitea',
    'ssh://git@git.example:2222/acme/app.git',
    null,
    'https://git.example/api/v1/repos/acme/app',
    'https://git.example/acme/app',
  ],
  [
    'gitea',
    'git@git.example:acme/app.git',
    'https://git.example/forge/api/v1/',
    'https://git.example/forge/api/v1/repos/acme/app',
    'https://git.example/forge/acme/app',
  ],
  [
    'azure',
    'https://dev.azure.com/acme/My%20Shop/_git/app',
    null,
    'https://dev.azure.com/acme/My%20Shop/_apis/git/repositories/app',
    'https://dev.azure.com/acme/My%20Shop/_git/app',
  ],
  [
    'azure',
    'https://acme@dev.azure.com/acme/Shop/_git/app',
    null,
    'https://dev.azure.com/acme/Shop/_apis/git/repositories/app',
    'https://dev.azure.com/acme/Shop/_git/app',
  ],
  [
    'azure',
    'https://dev.azure.com/acme/_git/Shop',
    null,
    'https://dev.azure.com/acme/Shop/_apis/git/repositories/Shop',
    'https://dev.azure.com/acme/Shop/_git/Shop',
  ],
  [
    'azure',
    'https://acme.visualstudio.com/Shop/_git/app',
    null,
    'https://dev.azure.com/acme/Shop/_apis/git/repositories/app',
    'https://dev.azure.com/acme/Shop/_git/app',
  ],
  [
    'azure',
    'https://acme.visualstudio.com/DefaultCollection/Shop/_git/app',
    null,
    'https://dev.azure.com/acme/Shop/_apis/git/repositories/app',
    'https://dev.azure.com/acme/Shop/_git/app',
  ],
  [
    'azure',
    'https://acme.visualstudio.com/_git/Shop',
    null,
    'https://dev.azure.com/acme/Shop/_apis/git/repositories/Shop',
    'https://dev.azure.com/acme/Shop/_git/Shop',
  ],
  [
    'azure',
    'https://dev.azure.com/acme/Shop/_git/_optimized/app',
    null,
    'https://dev.azure.com/acme/Shop/_apis/git/repositories/app',
    'https://dev.azure.com/acme/Shop/_git/app',
  ],
  [
    'azure',
    'git@ssh.dev.azure.com:v3/acme/Shop/app',
    null,
    'https://dev.azure.com/acme/Shop/_apis/git/repositories/app',
    'https://dev.azure.com/acme/Shop/_git/app',
  ],
  [
    'azure',
    'acme@vs-ssh.visualstudio.com:v3/acme/Shop/app',
    null,
    'https://dev.azure.com/acme/Shop/_apis/git/repositories/app',
    'https://dev.azure.com/acme/Shop/_git/app',
  ],
  [
    'azure',
    'https://tfs.example/tfs/Main/Shop/_git/app',
    null,
    'https://tfs.example/tfs/Main/Shop/_apis/git/repositories/app',
    'https://tfs.example/tfs/Main/Shop/_git/app',
  ],
  [
    'azure',
    'ssh://git@tfs.example:22/tfs/Main/Shop/_git/app',
    null,
    'https://tfs.example/tfs/Main/Shop/_apis/git/repositories/app',
    'https://tfs.example/tfs/Main/Shop/_git/app',
  ],
];

describe('the API behind', () => {
  it.each(places)('%s %s (apiUrl %s)', (provider, url, apiUrl, api, web) => {
    const place = locate[provider](
      parseRepositoryAddress(provider, url),
      apiUrl?.replace(/\/+$/, '') ?? null,
    );
    expect(place.api + place.path).toBe(api);
    expect(place.web).toBe(web);
  });
});

describe('no API follows from', () => {
  it.each([
    ['github', 'https://github.com/app.git'],
    ['github', 'https://github.com/a/b/c.git'],
    ['github', 'https://github.com/'],
    ['gitlab', 'https://gitlab.com/app.git'],
    ['bitbucket-cloud', 'https://bitbucket.org/a/b/c'],
    ['bitbucket-dc', 'https://git.example/acme/app.git'],
    ['bitbucket-dc', 'ssh://git@git.example:7999/a/b/c.git'],
    ['gitea', 'https://git.example/app.git'],
    ['azure', 'https://dev.azure.com/acme/Shop/app'],
    ['azure', 'https://dev.azure.com/_git/app'],
    ['azure', 'https://dev.azure.com/acme/Shop/_git/app/more'],
    ['azure', 'git@ssh.dev.azure.com:v2/acme/Shop/app'],
    ['azure', 'git@ssh.dev.azure.com:v3/acme/Shop/more/app'],
    ['github', 'https://github.com/acme/%2e%2e'],
    ['github', 'https://github.com/acme/a%2Fb'],
    ['github', 'https://github.com/acme//app'],
    ['github', 'https://github.com/acme/%E0%A4%A'],
    ['github', 'file:///acme/app'],
    ['github', 'acme/app'],
  ] as [Provider, string][])('%s %s', (provider, url) => {
    const failure = failureOf(() => apiAddressOf({ provider, url, apiUrl: null }, false));
    expect(failure.code).toBe('HOST_API_ADDRESS_UNCLEAR');
  });

  it.each([
    'http://api.example',
    'ftp://api.example',
    'https://user:password@api.example',
    'https://api.example/?token=x',
    'nonsense',
  ])('an apiUrl of %s', (apiUrl) => {
    const remote = { provider: 'github' as const, url: 'https://github.com/acme/app', apiUrl };
    expect(failureOf(() => apiAddressOf(remote, false)).code).toBe('HOST_API_ADDRESS_UNCLEAR');
  });

  it('plain Git and Gogs', () => {
    for (const provider of ['generic', 'gogs'] as const)
      expect(
        failureOf(() => apiAddressOf({ provider, url: 'https://git.example/a/b', apiUrl: null }, false)).code,
      ).toBe('PULL_REQUESTS_UNSUPPORTED');
  });
});
