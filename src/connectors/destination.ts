// Where what a connector shows goes to. Another path of the same host is no other place; another way there is.
import { isDeepStrictEqual } from 'node:util';
import type { Scope } from '../scopes/scope.js';
import type { Connector } from './connectors.repository.js';
import { usesOf } from './credential.js';

export const goElsewhere = (before: Connector, after: Connector): boolean =>
  !isDeepStrictEqual(destinationOf(before), destinationOf(after));

/** As it is read back: without what is left out. */
const destinationOf = (connector: Connector): unknown => {
  const { url, connectivity, group, credential, apiCredential, trust, knownHosts, provider, apiUrl } =
    connector;
  const ways = { connectivity, group, credential, apiCredential, trust, knownHosts, provider, apiUrl };
  return JSON.parse(JSON.stringify({ host: hostOf(url), ...ways }));
};

/** Of `https://host:8443/a.git` and `ssh://git@host/a.git`: all before the path. */
const hostOf = (url: string): string => {
  // As SSH has them: `git@host:a.git`, `git@[fd00::1]:a.git`.
  if (!URL.canParse(url)) return /^[^@]*@(?:\[[^\]]*\]|[^:]*)/.exec(url)?.[0] ?? url;
  const { protocol, username, host } = new URL(url);
  return `${protocol}//${username}@${host}`;
};

/** Where the secrets are that it names, and the secret manager that its reference leads to. */
export const scopesUsed = ({ credential, apiCredential, trust }: Connector): Scope[] => [
  ...usesOf('credential', credential).map(({ scope }) => scope),
  ...usesOf('apiCredential', apiCredential).map(({ scope }) => scope),
  ...usesOf('trust', trust).map(({ scope }) => scope),
  ...(credential !== null && 'reference' in credential ? [credential.managerScope] : []),
];
