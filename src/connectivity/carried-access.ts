// What a delegate is to show to a host, on its way there. A refresh token goes to one delegate, which exchanges it and seals the
// token for all of its group; that is kept as it came, unreadable here, and sent along until it ends.
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import type { Connector } from '../connectors/connectors.repository.js';
import type { Credential, CredentialOf } from '../connectors/credential.js';
import type { Purpose } from '../contract/audit.js';
import type { CarriedAccess, CarriedCredential, CarriedTrust } from '../contract/remote.js';
import type { TaskOutput } from '../contract/tasks.js';
import { usableUntil } from '../credentials/access-tokens.js';
import { Dispatcher, type Errand } from '../delegates/dispatcher.js';
import type { StoredSecret } from '../envelope/secret-manager.js';
import { isSshUrl, parseSshUrl } from '../git/remote-url.js';
import { AgedMap } from '../kernel/aged-map.js';
import { Failure } from '../kernel/failure.js';
import { Secret } from '../kernel/secret.js';
import { SSH_USER } from '../policy/ssh-connector.js';
import {
  type Begun,
  type GrantPlace,
  type GrantToken,
  SecretGrantsRepository,
} from '../secrets/secret-grants.repository.js';
import { SecretsService } from '../secrets/secrets.service.js';
import { CredentialSecrets, type Looked, required, type Secrets, versionsKey } from './credential-secrets.js';
import { GrantTokens } from './grant-tokens.js';
import { type Exchanged, type ExchangeTurn, Grants, type LookedGrant, placeOf } from './grants.js';
import { appOf, presentationFor } from './manager-access.js';
import { joinErrands, SecretCarrier } from './secret-carrier.js';

/** Delegates know of credentials that are exchanged, and of trust, since this version of the contract. */
const KINDS_SINCE = 7;
const TASK_MARGIN_MS = 30_000;
const FITTING_MAX = 16_384;
/** After that its delegates may be gone, and others there. */
const FITTING_MS = 30_000;
/**
 * For so long at least nobody else exchanges a refresh token in place of a delegate that was lost over it: what took its place is on
 * that one’s disk, and hosts end the whole grant when the one before comes again.
 */
const BEGUN_MS = 120_000;
/** After these the delegate may have exchanged it, or may still. */
const lost = new Set(['TASK_OUTCOME_UNKNOWN', 'TASK_POISONED', 'DELEGATE_SILENT']);
const inDoubt = new Set([...lost, 'CREDENTIAL_UNKEPT', 'INTERNAL']);

interface Carried {
  errand: Errand;
  access: CarriedAccess;
  /** Whether what is shown is of this moment, and was not at hand before. */
  isFresh: boolean;
  /** The host refused it: this very token is used no more. */
  forget: () => void;
}

interface ExchangeOrder extends ExchangeTurn {
  errand: Errand;
  purpose: Purpose;
  trust: CarriedTrust | undefined;
}

@Injectable()
export class CarriedAccesses {
  /** Which tokens are known to be for delegates that an errand may go to. */
  readonly #fitting = new AgedMap<true>({ ageMsMax: FITTING_MS, weightMax: FITTING_MAX });

  constructor(
    private readonly config: Config,
    private readonly looker: CredentialSecrets,
    private readonly grants: Grants,
    private readonly tokens: GrantTokens,
    private readonly repository: SecretGrantsRepository,
    private readonly carrier: SecretCarrier,
    private readonly secrets: SecretsService,
    private readonly dispatcher: Dispatcher,
  ) {}

  /** Who may be sent it follows from the same look at its secrets. @throws SECRET_*, NOT_FOUND, CREDENTIAL_*, DELEGATE_* */
  async carry(connector: Connector, credential: Credential | undefined, purpose: Purpose): Promise<Carried> {
    const trusted = await this.looker.lookAtTrust(connector);
    const base = errandOf(connector, trusted);
    const trust = await this.#carryTrust(connector, trusted, purpose);
    const along = trust === undefined ? {} : { trust };
    const unchanged = { isFresh: true, forget: () => undefined };
    if (credential === undefined) return { errand: { ...base, purpose }, access: along, ...unchanged };
    if (isRefreshed(credential)) return this.#carryGrant(connector, credential, { base, purpose, trust });
    const looked = await this.looker.look(connector, credential);
    const errand = joinAll(base, looked.secrets, credential);
    const carried = await this.#carryCredential(connector, looked, purpose);
    return { errand: { ...errand, purpose }, access: { credential: carried, ...along }, ...unchanged };
  }

  /** What would be asked of a delegate, without a look at any token. @throws NOT_FOUND, SECRET_MANAGER_UNFIT */
  async errandOf(connector: Connector, credential: Credential | undefined): Promise<Errand> {
    const base = errandOf(connector, await this.looker.lookAtTrust(connector));
    if (credential === undefined) return base;
    const { secrets } = await this.looker.look(connector, credential);
    return joinAll(base, secrets, credential);
  }

  async #carryGrant(
    connector: Connector,
    credential: CredentialOf<'oauth2'>,
    { base, purpose, trust }: { base: Errand; purpose: Purpose; trust: CarriedTrust | undefined },
  ): Promise<Carried> {
    const { token, isFresh } = await this.grants.ensure(connector, credential, {
      fits: ({ secrets }, one) => this.#fits(joinAll(base, secrets, credential), one),
      exchange: (looked, turn) =>
        this.#exchange(looked, {
          ...turn,
          errand: joinAll(base, looked.secrets, credential),
          purpose,
          trust,
        }),
    });
    const errand = { ...(await this.errandOf(connector, credential)), groupId: token.road, purpose };
    const shown = presentationFor(connector, credential);
    const carried = { kind: 'oauth2' as const, ...shown, ...token.place, token: token.sealed };
    const access = { credential: carried, ...(trust === undefined ? {} : { trust }) };
    return { errand, access, isFresh, forget: () => this.tokens.refuse(token) };
  }

  /** Whether a delegate of the group that opens the token may be sent this errand. */
  async #fits(errand: Errand, { id, road }: GrantToken): Promise<boolean> {
    const { scope, group, tags, url, since } = errand;
    const key = JSON.stringify([id, scope, group, tags, url, since]);
    if (this.#fitting.get(key) === true) return true;
    const verdicts = await this.dispatcher.explain({ ...errand, groupId: road });
    if (!verdicts.some(({ eligible }) => eligible)) return false;
    this.#fitting.put(key, true);
    return true;
  }

  async #exchange(looked: LookedGrant, order: ExchangeOrder): Promise<Exchanged> {
    const begun = await this.repository.begunBy(placeOf(looked), versionOf(looked), this.#begunMs);
    const errand = { ...order.errand, only: begun?.by };
    const { groupId } = await this.dispatcher.choose(errand);
    try {
      return await this.#exchangeIn(groupId, looked, { ...order, errand, begun });
    } catch (error) {
      if (Failure.from(error).code !== 'SECRET_UNREADABLE') throw error;
      // The keyring of another group may have the key.
      const verdicts = await this.dispatcher.explain(errand);
      const fit = verdicts.filter(({ eligible, delegate }) => eligible && delegate.groupId !== groupId);
      for (const other of new Set(fit.map(({ delegate }) => delegate.groupId))) {
        const answer = await this.#exchangeIn(other, looked, { ...order, errand, begun }).catch(
          (fault: unknown) => Failure.from(fault),
        );
        if (!(answer instanceof Failure)) return answer;
        if (answer.code !== 'SECRET_UNREADABLE') throw answer;
      }
      throw error;
    }
  }

  async #exchangeIn(
    groupId: string,
    looked: LookedGrant,
    { errand, begun, next, assertHeld, purpose, trust }: ExchangeOrder & { begun: Begun | undefined },
  ): Promise<Exchanged> {
    const { credential, secrets } = looked;
    const place = placeOf(looked);
    const input = {
      ...place,
      tokenUrl: credential.tokenUrl,
      clientId: credential.clientId,
      clientSecret: await this.carrier.carryCurrent(required(secrets, 'clientSecret'), purpose),
      refreshToken: await this.carrier.carryCurrent(required(secrets, 'refreshToken'), purpose),
      ...(trust === undefined ? {} : { trust }),
      next,
    };
    const begin = async (delegate: string): Promise<void> => {
      await assertHeld();
      await this.repository.begin(place, versionOf(looked), delegate);
    };
    const answer = await this.dispatcher
      .run({ ...errand, groupId, begin, purpose }, 'credentials.exchange', input, this.#timeoutMs)
      .catch((error: unknown) => this.#fail(place, begun, error));
    const { token } = answer;
    return {
      rotated: await this.#take(answer.rotated, { ...place, next }),
      token:
        token === null
          ? null
          : { road: groupId, sealed: token.sealed, usableUntil: usableUntil(token.expiresAt) },
    };
  }

  /** No push has been tried, so nothing of it is in doubt but who has the refresh token's successor. */
  async #fail(place: GrantPlace, begun: Begun | undefined, error: unknown): Promise<never> {
    const { code, message } = Failure.from(error);
    if (!inDoubt.has(code)) await this.repository.end(place, begun).catch(() => undefined);
    if (!lost.has(code)) throw error;
    const reason = `the delegate that was to exchange the refresh token may have done so, and no other is asked before long (${message})`;
    throw new Failure('DELEGATE_UNAVAILABLE', { reason }, { cause: error });
  }

  /** What a delegate answers for a builtin secret is taken into that one's keeping. */
  async #take(
    rotated: TaskOutput<'credentials.exchange'>['rotated'],
    { scope, id, next }: { scope: string; id: string; next: string },
  ): Promise<StoredSecret | null> {
    if (rotated === null) return null;
    if (rotated.kind === 'value')
      return this.secrets.keep(new Secret(Buffer.from(rotated.value, 'base64')), {
        scope,
        id,
        version: next,
      });
    if (rotated.stored.version !== next) throw new Error('The delegate answered another version');
    return rotated.stored;
  }

  async #carryCredential(connector: Connector, looked: Looked, purpose: Purpose): Promise<CarriedCredential> {
    const { credential, secrets, fingerprint } = looked;
    const carry = (part: string) => this.carrier.carryCurrent(required(secrets, part), purpose);
    if (!('kind' in credential)) return { username: credential.username, secret: await carry('secret') };
    const shown = presentationFor(connector, credential);
    switch (credential.kind) {
      case 'token':
        return { kind: 'token', ...shown, secret: await carry('secret') };
      case 'github-app': {
        const app = { ...appOf(connector, credential), privateKey: await carry('privateKey') };
        return { kind: 'github-app', ...shown, ...app, fingerprint };
      }
      case 'azure-entra': {
        const { tenant, clientId, authority } = credential;
        const at = authority === undefined ? {} : { authority };
        return {
          kind: 'azure-entra',
          ...shown,
          tenant,
          clientId,
          ...at,
          secret: await carry('secret'),
          fingerprint,
        };
      }
      case 'ssh': {
        const passphrase = secrets.has('passphrase') ? { passphrase: await carry('passphrase') } : {};
        const username = sshUserOf(connector, credential.username);
        return { kind: 'ssh', username, privateKey: await carry('privateKey'), ...passphrase };
      }
      case 'oauth2':
        throw new Error('A refresh token is carried to nobody who does not exchange it');
    }
  }

  async #carryTrust(
    { trust }: Connector,
    secrets: Secrets,
    purpose: Purpose,
  ): Promise<CarriedTrust | undefined> {
    if (trust === null) return undefined;
    const { ca, clientCertificate, proxyUrl, proxyUsername, noProxy } = trust;
    const carried: CarriedTrust = { versions: versionsKey(secrets) };
    Object.assign(carried, defined({ ca, clientCertificate, proxyUrl, proxyUsername, noProxy }));
    for (const [part, secret] of secrets)
      Object.assign(carried, { [part]: await this.carrier.carryCurrent(secret, purpose) });
    return carried;
  }

  get #timeoutMs(): number {
    const secrets = 4 * this.config.SALLYPORT_SECRETS_DEADLINE_SECONDS * 1_000;
    return secrets + TASK_MARGIN_MS;
  }

  /** No shorter than the task may take. */
  get #begunMs(): number {
    return Math.max(BEGUN_MS, this.#timeoutMs + TASK_MARGIN_MS);
  }
}

/** Of the refresh token: who shows it as which client is no matter of whether it is spent. */
const versionOf = ({ secrets }: LookedGrant): string => required(secrets, 'refreshToken').stored.version;

const isRefreshed = (credential: Credential): credential is CredentialOf<'oauth2'> =>
  'kind' in credential && credential.kind === 'oauth2';

const defined = (members: object): object =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));

function sshUserOf({ url }: Connector, username: string | undefined): string {
  if (username !== undefined) return username;
  return (isSshUrl(url) ? parseSshUrl(url).user : null) ?? SSH_USER;
}

function errandOf({ scope, group, tags, url, trust }: Connector, secrets: Secrets): Errand {
  const git = { scope, group, tags, url, ...(trust === null ? {} : { since: KINDS_SINCE }) };
  return joinManagers(git, secrets);
}

function joinAll(base: Errand, secrets: Secrets, credential: Credential): Errand {
  const errand = joinManagers(base, secrets);
  return 'kind' in credential ? { ...errand, since: KINDS_SINCE } : errand;
}

/** One delegate opens them all. @throws SECRET_MANAGER_UNFIT */
function joinManagers(git: Errand, secrets: Secrets): Errand {
  let errand = git;
  for (const { manager } of secrets.values()) if (manager !== null) errand = joinErrands(errand, manager);
  return errand;
}
