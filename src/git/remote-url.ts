// The address of a repository as every engine takes it. What users may write is the input policy's; this guards the form.
import { isIPv6 } from 'node:net';
import { Failure } from '../kernel/failure.js';

/** The address without trailing slashes. @throws Failure CONNECTOR_DENIED for one of the wrong form */
export function parseRemoteUrl(text: string, allowHttp: boolean): URL {
  const url = URL.parse(text);
  const reason = url === null ? 'it is not a URL' : problemOf(url, allowHttp);
  if (url === null || reason !== undefined)
    throw new Failure('CONNECTOR_DENIED', { url: text, reason: reason ?? 'it is not a URL' });
  url.pathname = url.pathname.replace(/\/+$/, '');
  return url;
}

function problemOf(url: URL, allowHttp: boolean): string | undefined {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'its scheme is neither https nor http';
  if (url.protocol === 'http:' && !allowHttp) return 'unencrypted http is not allowed';
  if (url.username !== '' || url.password !== '') return 'it contains user-info';
  if (url.search !== '' || url.hash !== '') return 'it contains a query or a fragment';
  return undefined;
}

/** An address of SSH, taken apart. */
export interface SshAddress {
  /** `null` where the address leaves it to the credential. */
  user: string | null;
  /** Name or literal address, in lower case and without brackets. */
  name: string;
  port: number;
  /** As written; without a slash in front it begins at the user's home. */
  path: string;
  isScpLike: boolean;
}

export const SSH_PORT = 22;
const SSH_USER = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/;
const SSH_NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/;
// Nothing that a shell would take for more than a letter: the host's side hands the path to one.
const SSH_PATH = /^[\p{L}\p{N}/~_][\p{L}\p{N}/~_.+@=,:-]*$/u;

/** 'ssh://…' or 'user@host:path'; whether it is a valid one is `parseSshUrl`'s to say. */
export function isSshUrl(text: string): boolean {
  return /^ssh:/i.test(text) || (!text.includes('://') && /^[^/]*@[^/]*:/.test(text));
}

/** The address without trailing slashes. @throws Failure CONNECTOR_DENIED for one of the wrong form */
export function parseSshUrl(text: string): SshAddress {
  const long = /^ssh:\/\/(?:([^@/]*)@)?(\[[^\]/]*\]|[^:/@[\]]*)(?::(\d{1,5}))?(\/.*)$/s.exec(text);
  const short = /^([^@/:]*)@(\[[^\]/]*\]|[^:/@[\]]*):()(.*)$/s.exec(text);
  const [, user, host = '', port = '', path = ''] = (text.includes('://') ? long : short) ?? [];
  const address: SshAddress = {
    user: user ?? null,
    name: host.replace(/^\[(.*)\]$/, '$1').toLowerCase(),
    port: port === '' ? SSH_PORT : Number(port),
    path: path.replace(/\/+$/, ''),
    isScpLike: !text.includes('://'),
  };
  const reason =
    host === '' ? 'it is neither ssh://host/path nor user@host:path' : problemOfSsh(address, host);
  if (reason !== undefined) throw new Failure('CONNECTOR_DENIED', { url: 'The SSH address', reason });
  return address;
}

function problemOfSsh({ user, name, port, path }: SshAddress, host: string): string | undefined {
  if (user !== null && !SSH_USER.test(user)) return 'its user name is not plain';
  if (host.startsWith('[') ? !isIPv6(name) || name.includes('%') : !SSH_NAME.test(name))
    return 'its host is not a name or an address';
  if (port < 1 || port > 65_535) return 'its port is not between 1 and 65535';
  if (path === '') return 'it names no repository';
  if (!SSH_PATH.test(path) || /(^|\/)\.\.?(\/|$)/.test(path)) return 'its path is not plain';
  return undefined;
}

/** Whether ssh takes it for a user name and for nothing else. */
export function isSshUser(text: string): boolean {
  return SSH_USER.test(text);
}
