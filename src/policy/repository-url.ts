import net from 'node:net';
import { type AddressPolicy, isAllowed } from '../git/address-policy.js';
import { isSshUrl, parseSshUrl } from '../git/remote-url.js';
import { Failure } from '../kernel/failure.js';

/** Addresses count where they are literal; names are checked when they are dialled. */
export interface RepositoryUrlPolicy extends AddressPolicy {
  allowHttp: boolean;
  /** Whether the engine behind it speaks SSH. */
  allowSsh?: boolean;
}

const URL_BYTES_MAX = 1_024;

/**
 * The address of a repository as it is kept: as given, without a trailing slash.
 * @throws CONNECTOR_DENIED
 */
export function parseRepositoryUrl(text: string, policy: RepositoryUrlPolicy): string {
  if (policy.allowSsh === true && isSshUrl(text)) return parseSsh(text, policy);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const reason = url === undefined ? 'it is not a URL' : problemOf(text, url, policy);
  if (reason !== undefined || url === undefined)
    throw new Failure('CONNECTOR_DENIED', { url: shown(url), reason: reason ?? 'it is not a URL' });
  return text.replace(/\/+$/, '');
}

/**
 * The address of a host's API as it is kept: as given, without a trailing slash. Unlike a repository's it may have no path.
 * @throws CONNECTOR_DENIED
 */
export function parseServiceUrl(text: string, policy: RepositoryUrlPolicy): string {
  parseRepositoryUrl(`${text.replace(/\/+$/, '')}/api`, policy);
  return text.replace(/\/+$/, '');
}

function parseSsh(text: string, policy: RepositoryUrlPolicy): string {
  const { name } = parseSshUrl(text);
  const isLong = Buffer.byteLength(text) > URL_BYTES_MAX;
  const reason = isLong ? `it is longer than ${URL_BYTES_MAX} bytes` : 'its host is not a public address';
  if (isLong || (!policy.allowPrivate && isClosedHost(name, policy)))
    throw new Failure('CONNECTOR_DENIED', { url: 'The SSH address', reason });
  return text.replace(/\/+$/, '');
}

/** Never the text itself, which may hold a credential. */
const shown = (url: URL | undefined): string =>
  url === undefined ? 'The address' : `${url.protocol}//${url.host}`;

function problemOf(text: string, url: URL, policy: RepositoryUrlPolicy): string | undefined {
  if (Buffer.byteLength(text) > URL_BYTES_MAX) return `it is longer than ${URL_BYTES_MAX} bytes`;
  if (url.protocol !== 'https:' && !(policy.allowHttp && url.protocol === 'http:'))
    return 'its scheme is not allowed';
  if (url.username !== '' || url.password !== '' || /^[^/]*\/\/[^/]*@/.test(text))
    return 'it holds user-info';
  if (text.includes('?') || text.includes('#')) return 'it holds a query or a fragment';
  if (/[\u0000-\u0020\u007f\\]/.test(text)) return 'it holds a space, a backslash or a control character';
  if (/%(2e|2f|5c|00)/i.test(text) || /\/\.\.?(\/|$)/.test(text)) return 'its path is not plain';
  if (/^\/*$/.test(url.pathname)) return 'it names no repository';
  if (!policy.allowPrivate && isClosedHost(url.hostname, policy)) return 'its host is not a public address';
  return undefined;
}

/** By the same rules as when it is dialled. */
function isClosedHost(hostname: string, policy: RepositoryUrlPolicy): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  if (host === 'localhost' || host.endsWith('.localhost')) return !isAllowed('127.0.0.1', policy);
  return net.isIP(host) !== 0 && !isAllowed(host, policy);
}
