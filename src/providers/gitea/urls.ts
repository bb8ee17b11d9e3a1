// Gitea and Forgejo, also below a path of the host; and the pages of Gogs, which are alike.
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

/** 'https://git.example/forge/acme/app.git' → 'https://git.example/forge/api/v1' + '/repos/acme/app' */
export function locateGitea(address: RepositoryAddress, apiUrl: string | null): HostPlace {
  const { provider, origin, parts } = address;
  const [owner, name] = parts.slice(-2);
  if (owner === undefined || name === undefined)
    throw unclear(provider, 'the path of its address is not owner/name');
  const context = address.isSsh ? partsBelow(address, apiUrl, /\/api\/v\d+\/*$/).context : parts.slice(0, -2);
  const root = origin + joinPath(...context);
  return {
    api: apiUrl ?? `${root}/api/v1`,
    web: root + joinPath(owner, name),
    path: `/repos${joinPath(owner, name)}`,
    owner,
    name,
  };
}

export const giteaLinks = (web: string): WebLinks => ({
  commit: (id) => `${web}/commit/${id}`,
  branch: (name) => `${web}/src/branch/${encodePath(name)}`,
  file: (at, path) =>
    `${web}/src/${'branch' in at ? 'branch' : 'commit'}/${encodePath(refOf(at))}/${encodePath(path)}`,
  pull: (number) => `${web}/pulls/${number}`,
});

export const gogsLinks = (web: string): WebLinks => ({
  ...giteaLinks(web),
  branch: (name) => `${web}/src/${encodePath(name)}`,
  file: (at, path) => `${web}/src/${encodePath(refOf(at))}/${encodePath(path)}`,
});
