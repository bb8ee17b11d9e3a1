// What an OpenID Connect provider is asked, over a network of its own: what may be reached to sign somebody in is set apart from
// what may be reached for Git.
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { askHost, type HostAsk } from '../git/host-http.js';
import { type Network, openNetworkBesideGit } from '../git/network.js';
import { AgedMap } from '../kernel/aged-map.js';
import { Failure } from '../kernel/failure.js';
import type { ReceiverPolicy } from '../policy/receiver-url.js';
import type { IdentityProvider } from './identity-providers.repository.js';
import type { Identified } from './members.repository.js';

/** What a sign-in that has begun is recognised by when the browser comes back. */
export interface Begun {
  /** PKCE, RFC 7636. */
  verifier: string;
  state: string;
  nonce: string;
}

type Client = typeof import('openid-client');
type Configuration = Awaited<ReturnType<Client['discovery']>>;

/** For each request; a sign-in takes up to five. */
const DEADLINE_MS = 10_000;
/** How long what a provider says of itself is taken as it is. */
const DISCOVERY_AGE_MS = 10 * 60_000;
const GROUPS_MAX = 500;
const TEXT_MAX = 256;

@Injectable()
export class OpenId {
  readonly policy: ReceiverPolicy;
  readonly #network: Network;
  readonly #discovered = new AgedMap<Promise<Configuration>>({ ageMsMax: DISCOVERY_AGE_MS, weightMax: 256 });

  constructor(config: Config) {
    this.policy = {
      allowHttp: config.SALLYPORT_IDENTITY_ALLOW_HTTP,
      allowPrivate: config.SALLYPORT_IDENTITY_ALLOW_PRIVATE,
      allowed: config.SALLYPORT_IDENTITY_ALLOWED_RANGES,
      denied: config.SALLYPORT_GIT_DENIED_RANGES,
    };
    this.#network = openNetworkBesideGit(config, this.policy);
  }

  /** Where the browser goes, and what is kept of it until it comes back. @throws SIGN_IN_FAILED */
  async begin(provider: IdentityProvider, redirectUri: string): Promise<{ url: string; begun: Begun }> {
    const client = await load();
    const configuration = await this.#discover(client, provider);
    const begun = {
      verifier: client.randomPKCECodeVerifier(),
      state: client.randomState(),
      nonce: client.randomNonce(),
    };
    const url = client.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: ['openid', ...provider.scopes].join(' '),
      code_challenge: await client.calculatePKCECodeChallenge(begun.verifier),
      code_challenge_method: 'S256',
      state: begun.state,
      nonce: begun.nonce,
    });
    return { url: url.href, begun };
  }

  /**
   * Whom the provider sends back. `secret`: the client’s; undefined for a public one.
   * @throws SIGN_IN_FAILED
   */
  async end(
    provider: IdentityProvider,
    { callback, begun, secret }: { callback: URL; begun: Begun; secret: string | undefined },
  ): Promise<Identified> {
    const client = await load();
    const known = await this.#discover(client, provider);
    const authentication = secret === undefined ? client.None() : authenticationFor(client, known, secret);
    const configuration = new client.Configuration(
      known.serverMetadata(),
      provider.clientId,
      {},
      authentication,
    );
    this.#furnish(client, configuration);
    try {
      const tokens = await client.authorizationCodeGrant(configuration, callback, {
        pkceCodeVerifier: begun.verifier,
        expectedState: begun.state,
        expectedNonce: begun.nonce,
        idTokenExpected: true,
      });
      const claims = tokens.claims() as Record<string, unknown> & { iss: string; sub: string };
      // Many providers tell no more than the subject in the token itself.
      const told =
        configuration.serverMetadata().userinfo_endpoint === undefined
          ? {}
          : await client.fetchUserInfo(configuration, tokens.access_token, claims.sub);
      return identify({ ...told, ...claims }, provider.groupsClaim);
    } catch (error) {
      throw failed(provider, error);
    }
  }

  async #discover(client: Client, provider: IdentityProvider): Promise<Configuration> {
    const { account, id, issuer, clientId } = provider;
    const key = `${account} ${id} ${issuer} ${clientId}`;
    const known = this.#discovered.get(key);
    if (known !== undefined) return known;
    const asked = client
      .discovery(new URL(issuer), clientId, {}, client.None(), {
        [client.customFetch]: this.#fetch,
        timeout: DEADLINE_MS / 1_000,
        ...(this.policy.allowHttp ? { execute: [client.allowInsecureRequests] } : {}),
      })
      .catch((error: unknown) => {
        this.#discovered.delete(key);
        throw failed(provider, error);
      });
    this.#discovered.put(key, asked, 1);
    return asked;
  }

  #furnish(client: Client, configuration: Configuration): void {
    configuration[client.customFetch] = this.#fetch;
    configuration.timeout = DEADLINE_MS / 1_000;
    // Without it a token that comes straight from the provider is taken by its connection alone, which may be plain.
    client.enableNonRepudiationChecks(configuration);
    if (this.policy.allowHttp) client.allowInsecureRequests(configuration);
  }

  readonly #fetch = async (
    address: string,
    options: { method: string; headers: Record<string, string>; body?: unknown },
  ) => {
    const ask: HostAsk = {
      url: new URL(address),
      method: options.method as HostAsk['method'],
      headers: options.headers,
      // A form or nothing: only a token is asked for with a body.
      body: options.body instanceof URLSearchParams ? Buffer.from(options.body.toString()) : undefined,
    };
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const deadline = {
      signal,
      cancel: undefined,
      totalMs: DEADLINE_MS,
      endsAt: performance.now() + DEADLINE_MS,
    };
    const answer = await askHost(this.#network, deadline, ask);
    return new Response(answer.body.length === 0 ? null : new Uint8Array(answer.body), {
      status: answer.status,
      headers: answer.headers,
    });
  };
}

/** Loaded when somebody signs in for the first time: no manager waits for it. */
const load = async (): Promise<Client> => import('openid-client');

function authenticationFor(client: Client, known: Configuration, secret: string) {
  const methods = known.serverMetadata().token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
  return methods.includes('client_secret_basic')
    ? client.ClientSecretBasic(secret)
    : client.ClientSecretPost(secret);
}

function identify(
  claims: Record<string, unknown> & { iss: string; sub: string },
  groupsClaim: string,
): Identified {
  const email = textOf(claims['email']);
  const name = textOf(claims['name']) ?? textOf(claims['preferred_username']) ?? email ?? claims.sub;
  const groups = [claims[groupsClaim] ?? []].flat().filter((one) => typeof one === 'string');
  return {
    issuer: claims.iss,
    subject: claims.sub,
    name: name.slice(0, TEXT_MAX).toWellFormed(),
    email: email !== undefined && claims['email_verified'] === true ? email : null,
    groups: groups.filter((one) => one.length <= TEXT_MAX && one.isWellFormed()).slice(0, GROUPS_MAX),
  };
}

const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' && !CONTROL.test(value) ? value : undefined;

const inWords: Record<string, string> = {
  OAUTH_WWW_AUTHENTICATE_CHALLENGE: 'it refused the client, so its identifier or secret is another there',
};

/** In words that hold neither a code nor a token: a library’s errors carry what was sent in their cause. */
function failed(provider: IdentityProvider, error: unknown): Failure {
  if (error instanceof Failure && error.code === 'SIGN_IN_FAILED') return error;
  const { message, code, error: said } = error as { message?: string; code?: string; error?: string };
  const inner = (error as { cause?: unknown }).cause;
  const own = inner instanceof Failure ? inner.message : inWords[code ?? ''];
  const reason = own ?? said ?? message ?? 'it did not answer';
  const told = reason.replace(/[^\x20-\x7e]/g, ' ').slice(0, TEXT_MAX);
  return new Failure('SIGN_IN_FAILED', { provider: provider.name, reason: told }) as Failure;
}
