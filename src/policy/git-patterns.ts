// Which repositories a pattern names: `host[:port]/path`, where `*` stands for a part of the path or of the host's name, and
// `**` at the end for the rest of the path. Addresses are read as the engines read them, and what another reader could take
// for another path is named by no pattern.
import { isIPv6 } from 'node:net';
import { isSshUrl, parseSshUrl, SSH_PORT } from '../git/remote-url.js';

interface Place {
  host: string;
  path: string;
}

/**
 * 'https://git.example:8443/a/b.git' → { host: 'git.example:8443', path: 'a/b' }, 'git@git.example:a/b.git' →
 * { host: 'git.example', path: 'a/b' }. Both are empty where no engine would take the address.
 */
export function placeOf(url: string): Place {
  return (isSshUrl(url) ? sshPlaceOf(url) : webPlaceOf(url)) ?? { host: '', path: '' };
}

/** Whether one of the patterns names the repository. */
export function isGitAllowed(patterns: readonly string[], url: string): boolean {
  const { host, path } = placeOf(url);
  if (host === '' || !isPlain(path)) return false;
  return patterns.some((pattern) => {
    const slash = pattern.indexOf('/');
    const hostPattern = (slash < 0 ? pattern : pattern.slice(0, slash)).toLowerCase();
    const pathPattern = slash < 0 ? '**' : trim(pattern.slice(slash));
    return matchesHost(hostPattern, host) && matchesPath(pathPattern, path);
  });
}

function sshPlaceOf(url: string): Place | undefined {
  try {
    const { name, port, path } = parseSshUrl(url);
    const host = isIPv6(name) ? `[${name}]` : name;
    return { host: port === SSH_PORT ? host : `${host}:${port}`, path: trim(path) };
  } catch {
    return undefined;
  }
}

function webPlaceOf(url: string): Place | undefined {
  const parsed = URL.parse(url);
  if (parsed?.protocol !== 'https:' && parsed?.protocol !== 'http:') return undefined;
  try {
    return { host: parsed.host, path: trim(decodeURIComponent(parsed.pathname)) };
  } catch {
    return undefined;
  }
}

const trim = (path: string): string => path.replace(/^\/+|\/+$/g, '').replace(/\.git$/, '');

/** Nothing in it leads elsewhere, or would once somebody decoded it again. */
function isPlain(path: string): boolean {
  if (path === '') return true;
  if (/[\\%\u0000-\u001f\u007f]/.test(path)) return false;
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

function matchesHost(pattern: string, host: string): boolean {
  if (pattern.startsWith('*.')) return host.endsWith(pattern.slice(1)) && host.length > pattern.length - 1;
  return pattern === host;
}

function matchesPath(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const given = path.split('/');
  const open = wanted.at(-1) === '**';
  if (open) wanted.pop();
  if (open ? given.length < wanted.length : given.length !== wanted.length) return false;
  return wanted.every((part, at) => part === '*' || part === given[at]);
}
