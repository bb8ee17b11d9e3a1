// What a task carries to be shown to a host, opened and exchanged on this side of the wall. Tokens stay in this process; what is
// dialled for them is allowed by the policy as a Git host is.
import type {
  CarriedAccess,
  CarriedCredential,
  CarriedSecret,
  CarriedTrust,
} from '../../src/contract/remote.js';
import type { HostAccess, Presentation } from '../../src/credentials/access.js';
import { usernameFor } from '../../src/credentials/access.js';
import { AccessTokens, type Taken } from '../../src/credentials/access-tokens.js';
import { ConnectorNetworks } from '../../src/credentials/connector-network.js';
import { appErrandOf, appTokenKey, fetchInstallationToken } from '../../src/credentials/github-app.js';
import { entraUrl, signInToEntra } from '../../src/credentials/oauth2.js';
import type { EndpointOptions, Grant } from '../../src/credentials/token-endpoint.js';
import type { Credential } from '../../src/git/git.js';
import type { Network } from '../../src/git/network.js';
import { Failure } from '../../src/kernel/failure.js';
import { Secret } from '../../src/kernel/secret.js';
import { step } from '../../src/kernel/step.js';
import type { TaskContext } from '../../src/queue/task-worker.js';
import type { Keyring } from '../secret-managers/keyring.js';
import type { SecretManagerRegistry } from '../secret-managers/registry.js';
import type { DelegatePolicy } from './policy.js';
import { auditSubject, type SecretAudit, wipe } from './secret-audit.js';

/** What opens secrets here, and keeps the record of it. */
export interface Openers {
  keyring: Keyring;
  managers: SecretManagerRegistry;
  audit: SecretAudit;
}

export type OpenAccess = (carried: CarriedAccess, task: TaskContext) => Promise<HostAccess>;

type Kind = Extract<CarriedCredential, { kind: string }>;
type KindOf<K extends Kind['kind']> = Extract<Kind, { kind: K }>;

/** For one request for a token. */
const EXCHANGE_MS = 15_000;

export class DelegateAccess {
  readonly #tokens = new AccessTokens();
  readonly #networks: ConnectorNetworks;

  constructor(
    network: Network,
    private readonly policy: DelegatePolicy,
    private readonly openers: Openers,
  ) {
    this.#networks = new ConnectorNetworks(network);
  }

  /** Whatever asks a host’s API; the caller wipes the secret. @throws SECRET_*, CREDENTIAL_*, GIT_*, DELEGATE_POLICY_REFUSED */
  readonly open: OpenAccess = async ({ credential, trust }, task) => {
    const network = await this.networkOf(trust, task);
    if (credential === undefined) return { credential: null, network };
    if ('kind' in credential && credential.kind === 'ssh') return { credential: null, network };
    const { secret } = await this.take(credential, trust, task);
    const shown: Presentation =
      'kind' in credential
        ? credential
        : { scheme: 'basic', username: credential.username, usernameGiven: true };
    const { scheme, username, usernameGiven } = shown;
    const kind = 'kind' in credential ? credential.kind : 'basic';
    return { credential: { kind, scheme, username, usernameGiven, secret }, network };
  };

  /** The same for Git, which opens it when it needs it. `onTaken` hears whether the token was at hand. */
  credentialOf(
    { credential, trust }: CarriedAccess,
    task: TaskContext,
    onTaken: (taken: Taken) => void,
  ): Credential | undefined {
    if (credential === undefined) return undefined;
    const open = (secret: CarriedSecret): Promise<Secret> => this.openSecret(secret, task);
    if (!('kind' in credential))
      return { username: credential.username, open: () => open(credential.secret) };
    if (credential.kind === 'ssh') {
      const { username, privateKey, passphrase } = credential;
      const openPassphrase = passphrase === undefined ? {} : { openPassphrase: () => open(passphrase) };
      return { username, open: () => open(privateKey), ...openPassphrase };
    }
    return {
      username: credential.username,
      scheme: credential.scheme,
      usernameFor: (secret) => usernameFor(credential, secret),
      open: async () => {
        const taken = await this.take(credential, trust, task);
        onTaken(taken);
        return taken.secret;
      },
    };
  }

  /** What is shown at this moment; the caller wipes it. */
  async take(
    credential: Exclude<CarriedCredential, KindOf<'ssh'>>,
    trust: CarriedTrust | undefined,
    task: TaskContext,
  ): Promise<Taken> {
    if (!('kind' in credential))
      return { secret: await this.openSecret(credential.secret, task), isFresh: true };
    switch (credential.kind) {
      case 'token':
        return { secret: await this.openSecret(credential.secret, task), isFresh: true };
      case 'oauth2':
        // Whether it was at hand is for whoever sent it.
        return { secret: await this.#openToken(credential), isFresh: true };
      case 'github-app':
        return this.#tokens.take(appTokenKey(credential.fingerprint, appErrandOf(task.purpose?.kind)), () =>
          this.#installation(credential, trust, task),
        );
      case 'azure-entra':
        return this.#tokens.take(credential.fingerprint, () => this.#entra(credential, trust, task));
    }
  }

  /** The host refused it: the next use gets another one. */
  forget(credential: CarriedCredential | undefined): void {
    if (credential === undefined || !('fingerprint' in credential)) return;
    for (const errand of ['git', 'hooks'] as const)
      this.#tokens.forget(appTokenKey(credential.fingerprint, errand));
  }

  /** @throws SECRET_*, DELEGATE_POLICY_REFUSED for the proxy */
  async networkOf(trust: CarriedTrust | undefined, task: TaskContext): Promise<Network> {
    if (trust === undefined) return this.#networks.base;
    const { clientKey, proxyPassword, versions, ...settings } = trust;
    if (settings.proxyUrl !== undefined) this.policy.assertServiceAllowed(settings.proxyUrl);
    return this.#networks.find(settings, versions, async () => ({
      clientKey: clientKey === undefined ? undefined : await this.openSecret(clientKey, task),
      proxyPassword: proxyPassword === undefined ? undefined : await this.openSecret(proxyPassword, task),
    }));
  }

  /** @throws SECRET_* */
  openSecret(secret: CarriedSecret, task: TaskContext): Promise<Secret> {
    return step('delegate.open-secret', () => openSecret(secret, task, this.openers));
  }

  /** @throws DELEGATE_POLICY_REFUSED */
  async endpoint(url: string, trust: CarriedTrust | undefined, task: TaskContext): Promise<EndpointOptions> {
    this.policy.assertServiceAllowed(url);
    return { network: await this.networkOf(trust, task), deadlineMs: EXCHANGE_MS };
  }

  close(): void {
    this.#tokens.close();
    this.#networks.close();
  }

  /** Sealed by a delegate of the group. Where the group has other keys by now, another one is asked for. */
  async #openToken({ scope, id, token }: KindOf<'oauth2'>): Promise<Secret> {
    try {
      return await this.openers.keyring.open(token, tokenPlace(scope, id));
    } catch (error) {
      const { message } = Failure.from(error);
      throw new Failure('CREDENTIAL_STALE', { reason: message }, { cause: error });
    }
  }

  async #installation(
    app: KindOf<'github-app'>,
    trust: CarriedTrust | undefined,
    task: TaskContext,
  ): Promise<Grant> {
    const options = await this.endpoint(app.apiUrl, trust, task);
    const privateKey = await this.openSecret(app.privateKey, task);
    const errand = appErrandOf(task.purpose?.kind);
    return fetchInstallationToken({ ...app, privateKey }, options, errand).finally(() => privateKey.wipe());
  }

  async #entra(
    entra: KindOf<'azure-entra'>,
    trust: CarriedTrust | undefined,
    task: TaskContext,
  ): Promise<Grant> {
    const options = await this.endpoint(entraUrl(entra).href, trust, task);
    const secret = await this.openSecret(entra.secret, task);
    return signInToEntra({ ...entra, secret }, options).finally(() => secret.wipe());
  }
}

/** Where the token that came of a refresh token is sealed for; no secret has such a name. */
export const tokenPlace = (scope: string, id: string) => ({ scope, secret: `grant:${id}:token` });

async function openSecret(
  secret: CarriedSecret,
  task: TaskContext,
  { keyring, managers, audit }: Openers,
): Promise<Secret> {
  // The manager opened it, and has that on record.
  if (secret.manager === 'builtin') return new Secret(Buffer.from(secret.value, 'base64'));
  const place = { scope: secret.scope, secret: secret.id };
  if (secret.manager === 'keyring') {
    const { envelope } = secret;
    const open = () => keyring.open(envelope, place);
    return audit.open(auditSubject(place, envelope, null), task, { open, wipe });
  }
  const { stored, keptBy } = secret;
  const open = () => managers.use(keptBy, (manager) => manager.open(stored, place));
  return audit.open(auditSubject(place, stored, keptBy), task, { open, wipe });
}
