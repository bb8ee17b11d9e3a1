// Where a repository is: the address people clone, taken apart; where the host’s API and its pages about the repository are
// follows from that, and from the connector’s apiUrl where it says so itself.
import { isSshUrl, parseSshUrl } from '../git/remote-url.js';
import { Failure } from '../kernel/failure.js';
import type { Provider } from './provider.js';

/** A repository’s address, whichever protocol it is for. */
export interface RepositoryAddress {
  provider: Provider;
  /** Of the host’s pages: `https://git.example:8443`. An SSH address says nothing of their port. */
  origin: string;
  /** Without port, in lower case. */
  name: string;
  /** Parts of the path, decoded; the last without `.git`. */
  parts: string[];
  isSsh: boolean;
}

export interface HostPlace {
  /** Address of the API, without trailing slash. */
  api: string;
  /** Address of the repository for browsers, without trailing slash. */
  web: string;
  /** Path of the repository below the API: `/repos/acme/app`. */
  path: string;
  /** Whose it is, as bodies and queries name it: an owner, a namespace, a workspace, a project. */
  owner: string;
  name: string;
}

/** What shows something of a repository to somebody with a browser. */
export interface WebLinks {
  commit: (id: string) => string;
  branch: (name: string) => string;
  file: (at: { branch: string } | { commit: string }, path: string) => string;
  pull: (number: number) => string;
}

/** @throws HOST_API_ADDRESS_UNCLEAR */
export function parseRepositoryAddress(provider: Provider, text: string): RepositoryAddress {
  const address = isSshUrl(text) ? parseSsh(provider, text) : parseWeb(provider, text);
  const { parts } = address;
  if (parts.length === 0) throw unclear(provider, 'its address names no repository');
  if (parts.some((part) => part === '' || part === '.' || part === '..' || /[\u0000-\u001f/\\]/.test(part)))
    throw unclear(provider, 'the path of its address is not plain');
  return address;
}

function parseSsh(provider: Provider, text: string): RepositoryAddress {
  const { name, path } = parseSshUrl(text);
  const host = name.includes(':') ? `[${name}]` : name;
  return { provider, origin: `https://${host}`, name, parts: partsOf(path), isSsh: true };
}

function parseWeb(provider: Provider, text: string): RepositoryAddress {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) throw unclear(provider, 'its address is not a URL');
  try {
    const parts = partsOf(url.pathname).map(decodeURIComponent);
    return { provider, origin: url.origin, name: url.hostname, parts, isSsh: false };
  } catch {
    throw unclear(provider, 'the path of its address is not plain');
  }
}

/** '/acme/app.git/' → ['acme', 'app'] */
function partsOf(path: string): string[] {
  const plain = path
    .replace(/\/+$/, '')
    .replace(/^\/+/, '')
    .replace(/\.git$/i, '');
  return plain === '' ? [] : plain.split('/');
}

export function unclear(provider: Provider, reason: string): Failure {
  return new Failure('HOST_API_ADDRESS_UNCLEAR', { provider, reason }) as Failure;
}

/** The parts below what the host’s own path is: `/git/acme/app` with `/git/api/v4` → ['acme', 'app']. */
export function partsBelow(
  { parts, isSsh }: RepositoryAddress,
  apiUrl: string | null,
  suffix: RegExp,
): { context: string[]; parts: string[] } {
  const path = apiUrl === null ? '' : (URL.parse(apiUrl)?.pathname ?? '').replace(suffix, '');
  const context = partsOf(path);
  // Whatever is in front of the host’s pages is not in front of its SSH.
  if (isSsh) return { context, parts };
  const isBelow = context.every((part, at) => part === parts[at]);
  return isBelow ? { context, parts: parts.slice(context.length) } : { context: [], parts };
}

/** Exactly two parts. @throws HOST_API_ADDRESS_UNCLEAR */
export function requireOwnerAndName(provider: Provider, parts: string[]): [string, string] {
  const [owner, name, ...more] = parts;
  if (owner === undefined || name === undefined || more.length > 0)
    throw unclear(provider, 'the path of its address is not owner/name');
  return [owner, name];
}

/** 'a b/c' → 'a%20b/c' */
export const encodePath = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

export const joinPath = (...parts: string[]): string =>
  parts.map((part) => `/${encodeURIComponent(part)}`).join('');

/** The name of the branch or the id of the commit. */
export const refOf = (at: { branch: string } | { commit: string }): string =>
  'branch' in at ? at.branch : at.commit;

/** Names under which a product has its API, by those under which people clone; each its only one, and all of one owner. */
const apiNames: Record<string, string> = {
  'github.com': 'api.github.com',
  'ssh.github.com': 'api.github.com',
  'altssh.gitlab.com': 'gitlab.com',
  'bitbucket.org': 'api.bitbucket.org',
  'altssh.bitbucket.org': 'api.bitbucket.org',
  'ssh.dev.azure.com': 'dev.azure.com',
  'vs-ssh.visualstudio.com': 'dev.azure.com',
};

/** Whether the API is that of the host that the repository is cloned from. */
export function isApiOfHost(repository: string, api: string): boolean {
  const [address, to] = [parseRepositoryAddress('generic', repository), URL.parse(api)];
  if (to === null) return false;
  const { name, origin } = address;
  if (to.protocol === 'https:' && to.port === '') {
    if (to.hostname === apiNames[name]) return true;
    if (name.endsWith('.visualstudio.com') && to.hostname === 'dev.azure.com') return true;
    if (name.endsWith('.ghe.com') && to.hostname === `api.${name}`) return true;
  }
  // An SSH address says nothing of where the host’s pages are but its name.
  return to.origin === origin;
}
