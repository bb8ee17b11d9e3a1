// Azure DevOps Services under each of its names, and Azure DevOps Server, where collections take the place of organisations.
import {
  type HostPlace,
  joinPath,
  type RepositoryAddress,
  refOf,
  unclear,
  type WebLinks,
} from '../host-place.js';

const SERVICES = 'https://dev.azure.com';

/**
 * 'https://dev.azure.com/acme/Shop/_git/app', 'https://acme.visualstudio.com/Shop/_git/app' and
 * 'git@ssh.dev.azure.com:v3/acme/Shop/app' → 'https://dev.azure.com/acme' + '/Shop/_apis/git/repositories/app';
 * 'https://tfs.example/tfs/Main/Shop/_git/app' → 'https://tfs.example/tfs/Main' + the same
 */
export function locateAzure(address: RepositoryAddress, apiUrl: string | null): HostPlace {
  const { root, owner, name } = address.isSsh ? fromSsh(address) : fromWeb(address);
  return {
    api: apiUrl ?? root,
    web: `${root}${joinPath(owner, '_git', name)}`,
    path: `${joinPath(owner)}/_apis/git/repositories${joinPath(name)}`,
    owner,
    name,
  };
}

interface Found {
  /** The organisation’s or the collection’s. */
  root: string;
  owner: string;
  name: string;
}

function fromSsh({ provider, name: host, parts, origin }: RepositoryAddress): Found {
  const [version, ...rest] = parts;
  if (host === 'ssh.dev.azure.com' || host === 'vs-ssh.visualstudio.com') {
    const [organisation, owner, name, ...more] = rest;
    if (version === 'v3' && organisation !== undefined && owner !== undefined && name !== undefined)
      if (more.length === 0) return { root: SERVICES + joinPath(organisation), owner, name };
    throw unclear(provider, 'the path of its address is not v3/organisation/project/name');
  }
  return fromWeb({ provider, name: host, parts, origin, isSsh: true });
}

function fromWeb({ provider, name: host, parts, origin }: RepositoryAddress): Found {
  const at = parts.indexOf('_git');
  // A way of cloning stands before the name: _full or _optimized.
  const [name, ...more] = parts.slice(at + 1).filter((part) => part !== '_full' && part !== '_optimized');
  if (at < 0 || name === undefined || more.length > 0)
    throw unclear(provider, 'the path of its address is not …/project/_git/name');
  const [organisation] = /^[^.]+(?=\.visualstudio\.com$)/.exec(host) ?? [];
  if (organisation !== undefined) {
    const [owner = name] = parts.slice(0, at).filter((part) => part !== 'DefaultCollection');
    return { root: SERVICES + joinPath(organisation), owner, name };
  }
  const before = parts.slice(0, at);
  const isServices = host === 'dev.azure.com';
  // The repository that is named as its project is cloned without the project’s name.
  const hasProject = isServices ? before.length > 1 : before.length > 2;
  const owner = hasProject ? (before.pop() ?? name) : name;
  if (before.length === 0) throw unclear(provider, 'its address names no organisation or collection');
  return { root: (isServices ? SERVICES : origin) + joinPath(...before), owner, name };
}

export const azureLinks = (web: string): WebLinks => ({
  commit: (id) => `${web}/commit/${id}`,
  branch: (name) => `${web}?version=${encodeURIComponent(`GB${name}`)}`,
  file: (at, path) => {
    const version = `${'branch' in at ? 'GB' : 'GC'}${refOf(at)}`;
    return `${web}?path=${encodeURIComponent(`/${path}`)}&version=${encodeURIComponent(version)}`;
  },
  pull: (number) => `${web}/pullrequest/${number}`,
});
