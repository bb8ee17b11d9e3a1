// What a host is shown: for every kind of credential the form that the hosts of a provider take.
import type { Network } from '../git/network.js';
import type { Secret } from '../kernel/secret.js';
import type { Provider } from '../providers/provider.js';

export type AccessKind = 'basic' | 'token' | 'oauth2' | 'github-app' | 'azure-entra';
export type Scheme = 'basic' | 'bearer';

/** How a credential is shown over HTTP. */
export interface Presentation {
  scheme: Scheme;
  /** Beside what is secret; of a Bearer, for an engine that knows nothing but Basic. */
  username: string;
  /** Whether the connector itself says the user name. */
  usernameGiven: boolean;
}

/** A credential, opened; whoever asked for it wipes the secret. */
export interface OpenedAccess extends Presentation {
  kind: AccessKind;
  secret: Secret;
}

/** All that it takes to ask a host. Without a credential: anonymously. */
export interface HostAccess {
  credential: OpenedAccess | null;
  network: Network;
}

/** User names that the hosts of a provider take beside a token; most take any. */
const beside: Record<Provider, string> = {
  github: 'x-access-token',
  gitlab: 'oauth2',
  'bitbucket-cloud': 'x-token-auth',
  'bitbucket-dc': 'x-token-auth',
  gitea: 'oauth2',
  forgejo: 'oauth2',
  gogs: 'oauth2',
  azure: '',
  generic: 'oauth2',
};

/** An API token of Bitbucket Cloud begins so, and goes beside another name than an access token does. */
export const BITBUCKET_API_TOKEN = 'ATATT';
export const BITBUCKET_API_USER = 'x-bitbucket-api-token-auth';

/** Where Basic is not taken from everybody: tokens of a project or a repository, and what Entra gives. */
const isBearer = (kind: AccessKind, provider: Provider): boolean =>
  provider === 'bitbucket-dc' || kind === 'azure-entra' || (provider === 'azure' && kind === 'oauth2');

/** A user name that the connector gives is taken at its word: it goes into Basic. */
export function presentationOf(
  kind: AccessKind,
  provider: Provider,
  given: string | undefined,
): Presentation {
  if (given !== undefined) return { scheme: 'basic', username: given, usernameGiven: true };
  return {
    scheme: isBearer(kind, provider) ? 'bearer' : 'basic',
    username: beside[provider],
    usernameGiven: false,
  };
}

/** The user name beside this very token, where that depends on the token. */
export function usernameFor({ username, usernameGiven }: Presentation, token: Secret): string {
  const isApiToken = token.use((bytes) => bytes.subarray(0, BITBUCKET_API_TOKEN.length).toString('latin1'));
  const isDefault = !usernameGiven && username === beside['bitbucket-cloud'];
  return isDefault && isApiToken === BITBUCKET_API_TOKEN ? BITBUCKET_API_USER : username;
}
