// Credentials that the manager itself shows to hosts: opened at every use, or exchanged for a token that is kept for a while.
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import type { Connector } from '../connectors/connectors.repository.js';
import type { Credential, CredentialOf } from '../connectors/credential.js';
import type { Purpose } from '../contract/audit.js';
import { type AccessKind, type Presentation, presentationOf } from '../credentials/access.js';
import { AccessTokens, type Taken, usableUntil } from '../credentials/access-tokens.js';
import { ConnectorNetworks } from '../credentials/connector-network.js';
import {
  apiOfGitHub,
  appErrandOf,
  appTokenKey,
  fetchInstallationToken,
  repositoryOf,
} from '../credentials/github-app.js';
import { digestOf, refresh, signInToEntra } from '../credentials/oauth2.js';
import type { EndpointOptions, Grant } from '../credentials/token-endpoint.js';
import { type Network, openNetwork } from '../git/network.js';
import type { Failure } from '../kernel/failure.js';
import { Secret } from '../kernel/secret.js';
import { SecretsService } from '../secrets/secrets.service.js';
import { CredentialSecrets, type Looked, required, type Secrets, versionsKey } from './credential-secrets.js';
import { GrantTokens } from './grant-tokens.js';
import { type Exchanged, type ExchangeTurn, Grants, type LookedGrant, placeOf } from './grants.js';

/** How long it is remembered what took the place of a refresh token. */
const REMEMBERED_MS = 24 * 3_600_000;
/** For one request for a token. */
const EXCHANGE_MS = 15_000;

/** Whose tokens any manager opens. */
const ROAD = 'manager';

/** What a host is shown; the caller wipes it. */
export interface Shown extends Taken {
  /** The host refused it: this very token is used no more. */
  forget: () => void;
}

@Injectable()
export class ManagerAccess {
  readonly #tokens = new AccessTokens();
  /** What took the place of refresh tokens, by digest; apart from tokens, which can be fetched again. */
  readonly #successors = new AccessTokens();
  readonly #networks: ConnectorNetworks;

  constructor(
    config: Config,
    private readonly looker: CredentialSecrets,
    private readonly grants: Grants,
    private readonly shared: GrantTokens,
    private readonly opener: SecretsService,
  ) {
    this.#networks = new ConnectorNetworks(openNetwork(config));
  }

  /** As the connector's trust has it. @throws SECRET_*, NOT_FOUND */
  async networkOf(connector: Connector, purpose: Purpose): Promise<Network> {
    const { trust } = connector;
    if (trust === null) return this.#networks.base;
    const secrets = await this.looker.lookAtTrust(connector);
    return this.#networks.find(trust, versionsKey(secrets), async () => {
      const clientKey = await this.#openWhere(secrets, 'clientKey', purpose);
      return { clientKey, proxyPassword: await this.#openWhere(secrets, 'proxyPassword', purpose) };
    });
  }

  /** What the host is shown at this moment; the caller wipes it. @throws SECRET_*, CREDENTIAL_*, GIT_* */
  async open(connector: Connector, credential: Credential, purpose: Purpose): Promise<Shown> {
    if ('kind' in credential && credential.kind === 'oauth2')
      return this.#refreshed(connector, credential, purpose);
    const looked = await this.looker.look(connector, credential);
    const fetch = this.#exchangeOf(connector, looked, purpose);
    if (fetch === undefined) {
      const secret = await this.opener.open(required(looked.secrets, 'secret'), purpose);
      return { secret, isFresh: true, forget: () => undefined };
    }
    const isApp = 'kind' in credential && credential.kind === 'github-app';
    const name = appTokenKey(looked.fingerprint, isApp ? appErrandOf(purpose.kind) : 'git');
    const taken = await this.#tokens.take(name, fetch);
    return { ...taken, forget: () => this.#tokens.forget(name) };
  }

  /** For credentials that are exchanged by the manager without being changed. */
  #exchangeOf(connector: Connector, looked: Looked, purpose: Purpose): (() => Promise<Grant>) | undefined {
    const { credential, secrets } = looked;
    if (!('kind' in credential)) return undefined;
    if (credential.kind === 'github-app')
      return () =>
        this.#lend(secrets, ['privateKey'], { connector, purpose }, ([privateKey], options) =>
          fetchInstallationToken(
            { ...appOf(connector, credential), privateKey: privateKey as Secret },
            options,
            appErrandOf(purpose.kind),
          ),
        );
    if (credential.kind === 'azure-entra')
      return () =>
        this.#lend(secrets, ['secret'], { connector, purpose }, ([secret], options) =>
          signInToEntra({ ...credential, secret: secret as Secret }, options),
        );
    return undefined;
  }

  async #refreshed(
    connector: Connector,
    credential: CredentialOf<'oauth2'>,
    purpose: Purpose,
  ): Promise<Shown> {
    for (;;) {
      const { token, isFresh } = await this.grants.ensure(connector, credential, {
        fits: async (_, { road }) => road === ROAD,
        exchange: (looked, turn) => this.#exchange(connector, looked, { ...turn, purpose }),
      });
      const forget = (): void => this.shared.refuse(token);
      try {
        return { secret: await this.opener.openToken(token.sealed, token.place), isFresh, forget };
      } catch (error) {
        // Its master key may be gone by now.
        forget();
        if (isFresh) throw error;
      }
    }
  }

  async #exchange(
    connector: Connector,
    looked: LookedGrant,
    { next, assertHeld, purpose }: ExchangeTurn & { purpose: Purpose },
  ): Promise<Exchanged> {
    const place = placeOf(looked);
    const { rotated, grant, fault } = await this.#refresh(connector, looked, { assertHeld, purpose });
    const stored = rotated === null ? null : await this.opener.keep(rotated, { ...place, version: next });
    if (grant === undefined)
      return { rotated: stored, token: null, ...(fault === undefined ? {} : { fault }) };
    const sealed = await this.opener.keepToken(grant.token, place);
    return {
      rotated: stored,
      token: { road: ROAD, sealed, usableUntil: usableUntil(grant.expiresAt) },
    };
  }

  /**
   * Without a grant, the refresh token was exchanged before and what took its place has not been written since, or the host
   * answered nothing else that can be used.
   */
  #refresh(
    connector: Connector,
    { credential, secrets }: LookedGrant,
    { assertHeld, purpose }: Pick<ExchangeTurn, 'assertHeld'> & { purpose: Purpose },
  ): Promise<{ grant?: Grant; fault?: Failure; rotated: Secret | null }> {
    const { tokenUrl, clientId } = credential;
    return this.#lend(
      secrets,
      ['clientSecret', 'refreshToken'],
      { connector, purpose },
      async (opened, options) => {
        const [clientSecret, refreshToken] = opened as [Secret, Secret];
        const digest = digestOf(refreshToken);
        const successor = this.#successors.find(digest);
        if (successor !== undefined) return { rotated: successor };
        await assertHeld();
        const answer = await refresh({ tokenUrl, clientId, clientSecret, refreshToken }, options);
        const { rotated } = answer;
        if (rotated !== null)
          this.#successors.keep(digest, {
            token: rotated.use(copyOf),
            expiresAt: Date.now() + REMEMBERED_MS,
          });
        return answer.token === null ? answer : { grant: answer, rotated };
      },
    );
  }

  /** Opens secrets for an exchange, and wipes them. */
  async #lend<T>(
    secrets: Secrets,
    parts: string[],
    { connector, purpose }: { connector: Connector; purpose: Purpose },
    work: (opened: Secret[], options: EndpointOptions) => Promise<T>,
  ): Promise<T> {
    const network = await this.networkOf(connector, purpose);
    const opened: Secret[] = [];
    try {
      for (const part of parts) opened.push(await this.opener.open(required(secrets, part), purpose));
      return await work(opened, { network, deadlineMs: EXCHANGE_MS });
    } finally {
      for (const secret of opened) secret.wipe();
    }
  }

  async #openWhere(secrets: Secrets, part: string, purpose: Purpose): Promise<Secret | undefined> {
    const secret = secrets.get(part);
    return secret === undefined ? undefined : this.opener.open(secret, purpose);
  }
}

const copyOf = (bytes: Buffer): Secret => new Secret(Buffer.from(bytes));

/** Without its key. Nothing but the connector's own repository can be reached, where no others are named. */
export function appOf(
  { url, apiUrl }: Connector,
  { appId, installationId, repositories }: CredentialOf<'github-app'>,
) {
  return {
    apiUrl: apiOfGitHub(url, apiUrl),
    appId,
    installationId,
    repositories: repositories ?? [repositoryOf(url)],
  };
}

export const kindOf = (credential: Credential): AccessKind =>
  'kind' in credential && credential.kind !== 'ssh' ? credential.kind : 'basic';

/** How it is shown, without opening it. */
export function presentationFor({ provider }: Connector, credential: Credential): Presentation {
  const given = 'username' in credential ? credential.username : undefined;
  return presentationOf(kindOf(credential), provider, given);
}
