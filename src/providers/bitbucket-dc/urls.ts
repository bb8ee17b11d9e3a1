// Bitbucket Data Center: its pages and its API are below a context path, repositories are cloned below /scm there.
import {
  encodePath,
  type HostPlace,
  joinPath,
  partsBelow,
  type RepositoryAddress,
  refOf,
  unclear,
  type WebLinks,
} from '../host-place.js';

/**
 * 'https://git.example/bb/scm/KEY/app.git' → 'https://git.example/bb/rest/api/latest' + '/projects/KEY/repos/app';
 * 'ssh://git@git.example:7999/~ada/app.git' → 'https://git.example/rest/api/latest' + '/projects/~ada/repos/app'
 */
export function locateBitbucketDc(address: RepositoryAddress, apiUrl: string | null): HostPlace {
  const { provider, origin, parts } = address;
  const [key, name] = parts.slice(-2);
  const isBelowScm = parts.at(-3) === 'scm';
  if (key === undefined || name === undefined || (address.isSsh ? parts.length > 2 : !isBelowScm))
    throw unclear(provider, 'the path of its address is not /scm/PROJECT/name');
  const context = address.isSsh
    ? partsBelow(address, apiUrl, /\/rest(?:\/api(?:\/[^/]+)?)?\/*$/).context
    : parts.slice(0, -3);
  const root = origin + joinPath(...context);
  const owner = key.startsWith('~') ? key : key.toUpperCase();
  const pages = owner.startsWith('~') ? joinPath('users', owner.slice(1)) : joinPath('projects', owner);
  return {
    api: apiUrl ?? `${root}/rest/api/latest`,
    web: `${root}${pages}${joinPath('repos', name)}`,
    path: `/projects/${encodeURIComponent(owner)}/repos/${encodeURIComponent(name)}`,
    owner,
    name,
  };
}

export const bitbucketDcLinks = (web: string): WebLinks => ({
  commit: (id) => `${web}/commits/${id}`,
  branch: (name) => `${web}/browse?at=${encodeURIComponent(`refs/heads/${name}`)}`,
  file: (at, path) => {
    const ref = 'branch' in at ? `refs/heads/${at.branch}` : refOf(at);
    return `${web}/browse/${encodePath(path)}?at=${encodeURIComponent(ref)}`;
  },
  pull: (number) => `${web}/pull-requests/${number}/overview`,
});
