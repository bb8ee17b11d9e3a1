// Where events may be sent.
import net from 'node:net';
import { type AddressPolicy, isAllowed } from '../git/address-policy.js';
import { Failure } from '../kernel/failure.js';

/** Addresses count where they are literal; names are checked when they are dialled. */
export interface ReceiverPolicy extends AddressPolicy {
  allowHttp: boolean;
}

const URL_BYTES_MAX = 2_048;

/**
 * The address of a receiver as it is kept: as given. Unlike a repository’s it may have a query.
 * @throws RECEIVER_DENIED
 */
export function parseReceiverUrl(text: string, policy: ReceiverPolicy): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const reason = url === undefined ? 'it is not a URL' : problemOf(text, url, policy);
  if (reason === undefined) return text;
  // Never the text itself, whose path or query may be a credential.
  const shown = url === undefined ? 'The address' : `${url.protocol}//${url.host}`;
  throw new Failure('RECEIVER_DENIED', { url: shown, reason });
}

function problemOf(text: string, url: URL, policy: ReceiverPolicy): string | undefined {
  if (Buffer.byteLength(text) > URL_BYTES_MAX) return `it is longer than ${URL_BYTES_MAX} bytes`;
  if (url.protocol !== 'https:' && !(policy.allowHttp && url.protocol === 'http:'))
    return 'its scheme is not allowed';
  if (url.username !== '' || url.password !== '' || /^[^/]*\/\/[^/?#]*@/.test(text))
    return 'it holds user-info';
  if (text.includes('#')) return 'it holds a fragment';
  if (/[^\u0021-\u007e]|\\/.test(text)) return 'it holds a character that stands in no URL';
  if (isClosedHost(url.hostname, policy)) return 'its host is not a public address';
  return undefined;
}

function isClosedHost(hostname: string, policy: ReceiverPolicy): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  if (host === 'localhost' || host.endsWith('.localhost')) return !isAllowed('127.0.0.1', policy);
  return net.isIP(host) !== 0 && !isAllowed(host, policy);
}
