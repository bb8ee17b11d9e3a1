// Whether a delivery is about the connector's repository. What a payload says of it is compared, and never used.
import type { RepoKey } from '../providers/webhook.js';

export type Match = 'same' | 'other' | 'unknown';

/**
 * By the host's own id first, which a renaming does not change; then by address, which a repository that was made anew keeps. A
 * payload that names neither is about the connector's repository: its secret says so.
 */
export function matchRepository(
  { url, hostRepoId }: { url: string; hostRepoId: string | null },
  named: RepoKey,
): Match {
  if (hostRepoId !== null && named.hostRepoId === hostRepoId) return 'same';
  const own = placeOf(url);
  const places = named.cloneUrls.map(placeOf).filter((place) => place !== undefined);
  if (own === undefined) return 'unknown';
  const fullName = named.fullName?.toLowerCase();
  if (places.includes(own) || pathOf(own) === fullName) return 'same';
  const isOtherId = hostRepoId !== null && named.hostRepoId !== undefined;
  // A host may be reached below a path, and have repositories whose path is the end of another one’s.
  const mayBeBelow = !isOtherId || places.length === 0;
  if (mayBeBelow && endsWithName(own, fullName)) return 'same';
  // A host may be reached by another name than it gives itself, so without an id its names are all there is.
  return isOtherId || places.length > 0 || fullName !== undefined ? 'other' : 'unknown';
}

const endsWithName = (place: string, fullName: string | undefined): boolean =>
  fullName !== undefined && `/${pathOf(place)}`.endsWith(`/${fullName}`);

/**
 * What the host calls the connector's repository now, by a delivery that names it by its id: a URL that fits the connector's kind of
 * road, without user-info, or else its full name. Null where that is the name in the connector's URL, undefined where it is not told.
 * Hosts go by several names, and repositories below several paths, so what counts is the end of the path.
 */
export function nameGiven(url: string, named: RepoKey): string | null | undefined {
  const own = placeOf(url);
  if (own === undefined) return undefined;
  const { fullName } = named;
  const known = fullName === undefined ? [] : [fullName.toLowerCase()];
  const urls = named.cloneUrls.flatMap((one) => {
    const place = placeOf(one);
    return place === undefined ? [] : [{ url: one, path: pathOf(place) }];
  });
  const paths = known.length > 0 ? known : urls.map(({ path }) => path);
  if (paths.length === 0) return undefined;
  if (paths.some((path) => `/${pathOf(own)}`.endsWith(`/${path}`))) return null;
  const isHttp = (one: string): boolean => /^https?:/i.test(one);
  const fitting = urls.find((one) => isHttp(one.url) === isHttp(url));
  return fitting === undefined ? fullName : withoutUser(fitting.url);
}

const pathOf = (place: string): string => place.slice(place.indexOf('/') + 1);

/** An SSH address without its user would be another one. */
function withoutUser(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    return text.replace(/^((?:ssh:\/\/)?[^@:/]*):[^@/]*@/, '$1@');
  return `${url.origin}${url.pathname}`;
}

/**
 * `git.example.com/team/repo` for all of https://git.example.com/Team/repo.git, ssh://git@git.example.com:7999/team/repo and
 * git@git.example.com:team/repo.git: owners and names are compared without case, as hosts do; ports are the road's. The several
 * addresses of one repository at Azure are one.
 */
export function placeOf(url: string): string | undefined {
  const scp = /^(?:[^@/\s]+@)?([^:/\s]+):(?!\/\/)(.+)$/.exec(url);
  const parsed = scp === null ? URL.parse(url) : null;
  const host = (scp?.[1] ?? parsed?.hostname ?? '').toLowerCase();
  const path = scp?.[2] ?? parsed?.pathname ?? '';
  if (host === '') return undefined;
  const parts = decode(path)
    .toLowerCase()
    .replace(/\.git\/*$/, '')
    .split('/')
    .filter((part) => part !== '');
  return azurePlace(host, parts) ?? [host, ...withoutPrefix(parts)].join('/');
}

/** Bitbucket Data Center clones over HTTP below /scm. */
const withoutPrefix = (parts: string[]): string[] => (parts[0] === 'scm' ? parts.slice(1) : parts);

function azurePlace(host: string, parts: string[]): string | undefined {
  const place = (organisation = '', project = '', name = ''): string =>
    `dev.azure.com/${organisation}/${project}/${name}`;
  const names = parts.filter((part) => part !== '_git' && part !== 'defaultcollection');
  if (host === 'dev.azure.com') {
    const [organisation, project, name = project] = names;
    return place(organisation, project, name);
  }
  if (host === 'ssh.dev.azure.com' || host === 'vs-ssh.visualstudio.com') {
    const [organisation, project, name] = names.filter((part) => part !== 'v3');
    return place(organisation, project, name);
  }
  const [organisation = ''] = host.split('.visualstudio.com');
  if (!host.endsWith('.visualstudio.com')) return undefined;
  const [project, name = project] = names;
  return place(organisation, project, name);
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
