import net from 'node:net';
import { Failure } from '../kernel/failure.js';

export interface RepositoryUrlPolicy {
  allowHttp: boolean;
  /** Whether literal loopback and private addresses are allowed; names are checked when they are dialled. */
  allowPrivate: boolean;
}

const URL_BYTES_MAX = 2_048;

/**
 * The address of a repository as it is kept: as given, without a trailing slash.
 * @throws CONNECTOR_DENIED
 */
export function parseRepositoryUrl(text: string, policy: RepositoryUrlPolicy): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const reason = url === undefined ? 'it is not a URL' : problemOf(text, url, policy);
  if (reason !== undefined || url === undefined)
    throw new Failure('CONNECTOR_DENIED', { url: shown(url), reason: reason ?? 'it is not a URL' });
  return text.replace(/\/+$/, '');
}

/** Never the text itself, which may hold a credential. */
const shown = (url: URL | undefined): string =>
  url === undefined ? 'The address' : `${url.protocol}//${url.host}`;

function problemOf(
  text: string,
  url: URL,
  { allowHttp, allowPrivate }: RepositoryUrlPolicy,
): string | undefined {
  if (Buffer.byteLength(text) > URL_BYTES_MAX) return `it is longer than ${URL_BYTES_MAX} bytes`;
  if (url.protocol !== 'https:' && !(allowHttp && url.protocol === 'http:'))
    return 'its scheme is not allowed';
  if (url.username !== '' || url.password !== '' || /^[^/]*\/\/[^/]*@/.test(text))
    return 'it holds user-info';
  if (text.includes('?') || text.includes('#')) return 'it holds a query or a fragment';
  if (/[\u0000-\u0020\u007f\\]/.test(text)) return 'it holds a space, a backslash or a control character';
  if (/%(2e|2f|5c|00)/i.test(text) || /\/\.\.?(\/|$)/.test(text)) return 'its path is not plain';
  if (url.pathname === '/' || url.pathname === '') return 'it names no repository';
  if (!allowPrivate && isPrivateHost(url.hostname)) return 'its host is not a public address';
  return undefined;
}

function isPrivateHost(hostname: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  const family = net.isIP(host);
  if (family === 6 && !globalUnicast.check(host, 'ipv6')) return true;
  return family !== 0 && privateRanges.check(host, family === 6 ? 'ipv6' : 'ipv4');
}

/** What IPv6 has for the public; IPv4 addresses in IPv6 clothes are outside of it. */
const globalUnicast = new net.BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');

/** Loopback, private, link-local, shared, metadata, test, multicast and reserved ranges. */
const privateRanges = new net.BlockList();
for (const [address, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  privateRanges.addSubnet(address, bits, 'ipv4');
for (const [address, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  privateRanges.addSubnet(address, bits, 'ipv6');
