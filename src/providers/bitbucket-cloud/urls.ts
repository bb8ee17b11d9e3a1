// bitbucket.org.
import {
  encodePath,
  type HostPlace,
  joinPath,
  type RepositoryAddress,
  refOf,
  requireOwnerAndName,
  type WebLinks,
} from '../host-place.js';

/** 'https://bitbucket.org/acme/app.git' → 'https://api.bitbucket.org/2.0' + '/repositories/acme/app' */
export function locateBitbucketCloud(address: RepositoryAddress, apiUrl: string | null): HostPlace {
  const [owner, name] = requireOwnerAndName(address.provider, address.parts);
  const isCloud = /^(?:altssh\.|www\.)?bitbucket\.org$/.test(address.name);
  const origin = isCloud ? 'https://bitbucket.org' : address.origin;
  return {
    api: apiUrl ?? (isCloud ? 'https://api.bitbucket.org/2.0' : `${origin}/2.0`),
    web: origin + joinPath(owner, name),
    path: `/repositories${joinPath(owner, name)}`,
    owner,
    name,
  };
}

export const bitbucketCloudLinks = (web: string): WebLinks => ({
  commit: (id) => `${web}/commits/${id}`,
  branch: (name) => `${web}/branch/${encodePath(name)}`,
  file: (at, path) => `${web}/src/${encodePath(refOf(at))}/${encodePath(path)}`,
  pull: (number) => `${web}/pull-requests/${number}`,
});
