// gitlab.com and GitLab elsewhere, also below a path of the host. A project is in any number of groups.
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

/** 'https://gitlab.com/acme/team/app.git' → 'https://gitlab.com/api/v4' + '/projects/acme%2Fteam%2Fapp' */
export function locateGitLab(address: RepositoryAddress, apiUrl: string | null): HostPlace {
  const origin = address.name === 'altssh.gitlab.com' ? 'https://gitlab.com' : address.origin;
  const { context, parts } = partsBelow(address, apiUrl, /\/api\/v\d+\/*$/);
  const name = parts.at(-1);
  if (name === undefined || parts.length < 2)
    throw unclear(address.provider, 'the path of its address is not group/project');
  return {
    api: apiUrl ?? `${origin}/api/v4`,
    web: origin + joinPath(...context, ...parts),
    path: `/projects/${encodeURIComponent(parts.join('/'))}`,
    owner: parts.slice(0, -1).join('/'),
    name,
  };
}

export const gitLabLinks = (web: string): WebLinks => ({
  commit: (id) => `${web}/-/commit/${id}`,
  branch: (name) => `${web}/-/tree/${encodePath(name)}`,
  file: (at, path) => `${web}/-/blob/${encodePath(refOf(at))}/${encodePath(path)}`,
  pull: (number) => `${web}/-/merge_requests/${number}`,
});
