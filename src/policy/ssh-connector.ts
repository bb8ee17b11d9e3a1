// What an SSH connector must have, and no other may.
import { isSshUrl, isSshUser, parseSshUrl } from '../git/remote-url.js';
import { Failure } from '../kernel/failure.js';

export interface ConnectorParts {
  url: string;
  connectivity: 'manager' | 'delegate';
  credential?: { kind?: string | undefined; username?: string | undefined } | undefined;
  trust?: object | undefined;
  knownHosts?: string | undefined;
}

/** @throws CONNECTOR_UNFIT, and CONNECTOR_DENIED for an SSH address of the wrong form */
export function requireFitting(parts: ConnectorParts): void {
  const misfit = isSshUrl(parts.url) ? findMisfit(parts) : findForeign(parts);
  if (misfit !== undefined) throw new Failure('CONNECTOR_UNFIT', { problem: misfit[0], mend: misfit[1] });
}

/** Where neither the URL nor the credential names one. */
export const SSH_USER = 'git';

type Misfit = [problem: string, mend: string];

function findForeign({ credential, knownHosts }: ConnectorParts): Misfit | undefined {
  if (credential?.kind === 'ssh')
    return [
      'Only an SSH repository takes a private key',
      'Give a credential of another kind, or the SSH URL',
    ];
  if (knownHosts === undefined) return undefined;
  return ['Only an SSH repository has known hosts', 'Leave knownHosts out, or give the SSH URL'];
}

function findMisfit({
  url,
  connectivity,
  credential,
  knownHosts,
  trust,
}: ConnectorParts): Misfit | undefined {
  const { user } = parseSshUrl(url);
  if (connectivity === 'manager')
    return [
      'An SSH repository is reached by a delegate alone',
      'Set connectivity to delegate, or use the repository’s https URL',
    ];
  if (credential === undefined)
    return [
      'An SSH repository needs a credential',
      'Give the SSH user and a keyring secret that holds the private key',
    ];
  if (knownHosts === undefined)
    return [
      'An SSH repository needs known hosts',
      'Put the host’s lines of known_hosts into knownHosts, with the keys as whoever runs the host confirms them',
    ];
  if (!['ssh', 'basic', undefined].includes(credential.kind))
    return ['An SSH repository takes a private key alone', 'Give a credential of kind ssh'];
  if (trust !== undefined)
    return [
      'SSH knows no certificates and takes no proxy',
      'Leave trust out; knownHosts says whom to believe',
    ];
  const { username = user ?? SSH_USER } = credential;
  if (user !== null && user !== username)
    return ['The URL and the credential name different users', 'Give the credential the user of the URL'];
  if (!isSshUser(username))
    return [
      'The credential’s user name is none that SSH is given',
      'Use letters, digits and . _ - alone; most hosts want git',
    ];
  return undefined;
}
