// Which provider has which API. Where there is none, saves and reads work all the same: they go through Git.
import { Failure } from '../kernel/failure.js';
import { azure } from './azure/api.js';
import { azureLinks } from './azure/urls.js';
import { bitbucketCloud } from './bitbucket-cloud/api.js';
import { bitbucketCloudLinks } from './bitbucket-cloud/urls.js';
import { bitbucketDc } from './bitbucket-dc/api.js';
import { bitbucketDcLinks } from './bitbucket-dc/urls.js';
import { gitea } from './gitea/api.js';
import { giteaLinks, gogsLinks, locateGitea } from './gitea/urls.js';
import { gitHub } from './github/api.js';
import { gitHubLinks } from './github/urls.js';
import { gitLab } from './gitlab/api.js';
import { gitLabLinks } from './gitlab/urls.js';
import type { Caps, HostApi } from './host-api.js';
import type { HostProduct } from './host-client.js';
import { parseRepositoryAddress, type WebLinks } from './host-place.js';
import type { Provider } from './provider.js';
import {
  type HostApiOptions,
  type HostedRepository,
  type HostRemote,
  placeOf,
  RestHostApi,
} from './rest-host-api.js';

const products: Record<Provider, HostProduct | null> = {
  github: gitHub,
  gitlab: gitLab,
  'bitbucket-cloud': bitbucketCloud,
  'bitbucket-dc': bitbucketDc,
  gitea,
  forgejo: gitea,
  // Its API opens no pull requests.
  gogs: null,
  azure,
  generic: null,
};

const links: Record<Provider, ((web: string) => WebLinks) | null> = {
  github: gitHubLinks,
  gitlab: gitLabLinks,
  'bitbucket-cloud': bitbucketCloudLinks,
  'bitbucket-dc': bitbucketDcLinks,
  gitea: giteaLinks,
  forgejo: giteaLinks,
  gogs: gogsLinks,
  azure: azureLinks,
  generic: null,
};

/** @throws PULL_REQUESTS_UNSUPPORTED, HOST_API_ADDRESS_UNCLEAR */
export function openHostApi(remote: HostRemote, options: HostApiOptions): HostApi {
  return new RestHostApi(productOf(remote.provider), remote, options);
}

/** @throws PULL_REQUESTS_UNSUPPORTED */
export function capsOf(provider: Provider): Caps {
  return productOf(provider).caps;
}

/** Where the API is that a remote is asked through. @throws PULL_REQUESTS_UNSUPPORTED, HOST_API_ADDRESS_UNCLEAR */
export function apiAddressOf(remote: HostedRepository, allowHttp: boolean): string {
  return placeOf(productOf(remote.provider), remote, allowHttp).api;
}

/** The pages of the host about a repository; null where they are not known. */
export function webLinksOf({ provider, url, apiUrl }: HostedRepository): WebLinks | null {
  const make = links[provider];
  if (make === null) return null;
  const locate = products[provider]?.locate ?? locateGitea;
  try {
    return make(locate(parseRepositoryAddress(provider, url), apiUrl).web);
  } catch {
    return null;
  }
}

function productOf(provider: Provider): HostProduct {
  const product = products[provider];
  if (product === null) throw new Failure('PULL_REQUESTS_UNSUPPORTED', { provider });
  return product;
}
