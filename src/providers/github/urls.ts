// github.com, its subdomains of ghe.com, and GitHub Enterprise Server.
import {
  encodePath,
  type HostPlace,
  joinPath,
  type RepositoryAddress,
  refOf,
  requireOwnerAndName,
  type WebLinks,
} from '../host-place.js';

/** 'https://github.com/acme/app.git' → 'https://api.github.com' + '/repos/acme/app' */
export function locateGitHub(address: RepositoryAddress, apiUrl: string | null): HostPlace {
  const [owner, name] = requireOwnerAndName(address.provider, address.parts);
  const origin = /^(?:www|ssh)\.github\.com$/.test(address.name) ? 'https://github.com' : address.origin;
  return {
    api: apiUrl ?? apiOf(origin),
    web: origin + joinPath(owner, name),
    path: `/repos${joinPath(owner, name)}`,
    owner,
    name,
  };
}

function apiOf(origin: string): string {
  const { protocol, host } = new URL(origin);
  if (host === 'github.com' || host.endsWith('.ghe.com')) return `${protocol}//api.${host}`;
  return `${origin}/api/v3`;
}

export const gitHubLinks = (web: string): WebLinks => ({
  commit: (id) => `${web}/commit/${id}`,
  branch: (name) => `${web}/tree/${encodePath(name)}`,
  file: (at, path) => `${web}/blob/${encodePath(refOf(at))}/${encodePath(path)}`,
  pull: (number) => `${web}/pull/${number}`,
});
