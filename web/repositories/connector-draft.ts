// What a form shows of a connector, and what is sent of it: a change replaces all of it, so what no field shows goes back as it was read.
import type { Connector, ConnectorWrite } from '../data/connectors.js';
import { nameFrom } from '../data/scopes.js';

export interface Draft {
  url: string;
  knownHosts: string;
  provider: Connector['provider'];
  apiUrl: string;
  connectivity: Connector['connectivity'];
  group: string;
  /** With commas between them. */
  tags: string;
  /** Its name; empty for none, `KEPT` for a credential that is more than one secret. */
  secret: string;
  username: string;
  passphrase: string;
}

/** No name of a secret. */
export const KEPT = ' kept';

export const emptyDraft: Draft = {
  url: '',
  knownHosts: '',
  provider: 'generic',
  apiUrl: '',
  connectivity: 'manager',
  group: '',
  tags: '',
  secret: '',
  username: '',
  passphrase: '',
};

const labels: Record<keyof Draft, string> = {
  url: 'Repository URL',
  knownHosts: 'Known hosts',
  provider: 'Host',
  apiUrl: 'API address',
  connectivity: 'Who talks to it',
  group: 'Group',
  tags: 'Tags',
  secret: 'Secret',
  username: 'User name',
  passphrase: 'Passphrase',
};
const names = Object.keys(labels) as (keyof Draft)[];

/** 'ssh://host/path' or 'user@host:path' */
export const isSsh = (url: string): boolean =>
  /^ssh:/i.test(url) || (!url.includes('://') && /^[^/]*@[^/]*:/.test(url));

export function toDraft(connector: Connector): Draft {
  const { url, knownHosts, provider, apiUrl, connectivity, group, tags } = connector;
  return {
    url,
    knownHosts: knownHosts ?? '',
    provider,
    apiUrl: apiUrl ?? '',
    connectivity,
    group: group ?? '',
    tags: tags.join(', '),
    ...shownOf(connector),
  };
}

function shownOf({ scope, credential }: Connector): Pick<Draft, 'secret' | 'username' | 'passphrase'> {
  if (credential === null) return { secret: '', username: '', passphrase: '' };
  const written = asWritten(scope, credential) as Record<string, string | undefined>;
  const { kind = 'basic', username = '', passphrase = '' } = written;
  return { secret: written[parts[kind] ?? ''] ?? KEPT, username, passphrase };
}

/** What each kind that the fields show has for its secret. */
const parts: Record<string, string> = { basic: 'secret', token: 'secret', ssh: 'privateKey' };

/** @param before what it replaces, and where that was read from */
export function toWrite(draft: Draft, before?: Connector): ConnectorWrite {
  const { url, provider, connectivity, apiUrl, group, knownHosts } = draft;
  const tags = draft.tags.split(',').map((tag) => tag.trim());
  const kept = {
    apiCredential: before?.apiCredential && asWritten(before.scope, before.apiCredential),
    trust: before?.trust && asWritten(before.scope, before.trust),
  };
  return withoutEmpty({
    ...kept,
    url: url.trim(),
    provider,
    connectivity,
    apiUrl: apiUrl.trim(),
    credential: credentialOf(draft, before),
    knownHosts: isSsh(url.trim()) ? knownHosts : '',
    ...(connectivity === 'delegate' && { group: group.trim(), tags: tags.filter((tag) => tag !== '') }),
  }) as ConnectorWrite;
}

function credentialOf(draft: Draft, before: Connector | undefined): object | undefined {
  const { secret, username, passphrase } = draft;
  if (before?.credential != null && isUntouched(draft, before))
    return asWritten(before.scope, before.credential);
  if (secret === '' || secret === KEPT) return undefined;
  if (isSsh(draft.url)) return withoutEmpty({ kind: 'ssh', username, privateKey: secret, passphrase });
  return isToken(before)
    ? withoutEmpty({ kind: 'token', username, secret })
    : { username: username || 'git', secret };
}

const isUntouched = (draft: Draft, before: Connector): boolean => {
  const shown = toDraft(before);
  return (
    draft.secret === KEPT ||
    (isSsh(draft.url) === isSsh(before.url) &&
      (['secret', 'username', 'passphrase'] as const).every((name) => draft[name] === shown[name]))
  );
};

export const isToken = (connector: Connector | undefined): boolean =>
  connector?.credential != null && 'kind' in connector.credential && connector.credential.kind === 'token';

/** As it is sent: each secret by its name from the connector’s scope, in place of its id and its own scope. */
function asWritten(scope: string, answered: object): object {
  const all = new Map<string, unknown>(Object.entries(answered));
  const written = [...all].filter(([part]) => !part.endsWith('Scope'));
  const found = Object.fromEntries(
    written.map(([part, value]) => {
      const place = all.get(`${part}Scope`);
      return [part, typeof place === 'string' ? nameFrom(scope, place, String(value)) : value];
    }),
  );
  // Whose the reference is stands in it.
  const { manager: _, ...rest } = found;
  return 'reference' in found ? rest : found;
}

const withoutEmpty = (all: object): object =>
  Object.fromEntries(Object.entries(all).filter(([, value]) => value !== '' && value != null));

/** The scopes whose secrets it names. */
export function scopesOf({ credential, apiCredential, trust }: Connector): string[] {
  const all = [credential, apiCredential, trust].flatMap((one) => Object.entries(one ?? {}));
  return all.filter(([part]) => part.endsWith('Scope')).map(([, scope]) => String(scope));
}

/** What is other between the two, as the form calls it. */
export function changesBetween(one: Connector, other: Connector): string[] {
  const [before, after] = [toDraft(one), toDraft(other)];
  const found = names.filter((name) => before[name] !== after[name]).map((name) => labels[name]);
  const unseen = ({ credential, apiCredential, trust }: Connector): string =>
    JSON.stringify([credential, apiCredential, trust]);
  if (found.length === 0 && unseen(one) !== unseen(other)) return ['what this form does not show'];
  return found;
}

/** What somebody typed, over what it is now. */
export function rebase(draft: Draft, base: Connector, now: Connector): Draft {
  const before = toDraft(base);
  const typed = names.filter((name) => draft[name] !== before[name]).map((name) => [name, draft[name]]);
  return { ...toDraft(now), ...Object.fromEntries(typed) };
}

export const isTyped = (draft: Draft, base: Connector): boolean => {
  const before = toDraft(base);
  return names.some((name) => draft[name] !== before[name]);
};
