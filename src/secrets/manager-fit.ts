// What the settings of a secret manager allow.
import type { ManagerSettings } from '../contract/secret-managers.js';

type Misfit = [problem: string, mend: string];

/** With another of these, what is kept could not be found or opened any more. An address may change: the same may answer there. */
const LASTING = ['key', 'mount', 'namespace', 'project', 'region', 'vault'];

export function isElsewhere(before: ManagerSettings, after: ManagerSettings): boolean {
  const [one, other]: Record<string, unknown>[] = [{ ...before }, { ...after }];
  return LASTING.some((name) => one?.[name] !== other?.[name]);
}

export function credentialMisfit(settings: ManagerSettings, hasCredential: boolean): Misfit | undefined {
  if (settings.kind === 'keyring')
    return hasCredential ? ['a keyring needs no credential', 'Leave the credential out'] : undefined;
  if (!('auth' in settings)) return undefined;
  const { method } = settings.auth;
  if (method === 'kubernetes')
    return hasCredential
      ? ['signing in by Kubernetes needs no credential', 'Leave the credential out']
      : undefined;
  return hasCredential
    ? undefined
    : [`signing in by ${method} needs a credential`, 'Name the builtin secret that holds it'];
}
