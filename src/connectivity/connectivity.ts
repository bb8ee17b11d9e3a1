// Hands out the Git for a connector. Which road it takes is the connector's word alone: there is no fallback.
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { type Connector, ConnectorsRepository } from '../connectors/connectors.repository.js';
import type { Credential } from '../connectors/credential.js';
import type { Purpose } from '../contract/audit.js';
import type { TaskName } from '../contract/tasks.js';
import { historySince, hostApiSince } from '../contract/version.js';
import { usernameFor } from '../credentials/access.js';
import { ReauthorisingGit } from '../credentials/reauthorising-git.js';
import { ReauthorisingHostApi } from '../credentials/reauthorising-host-api.js';
import { Dispatcher, type Errand } from '../delegates/dispatcher.js';
import type { Git, Credential as GitCredential } from '../git/git.js';
import { InProcessGit } from '../git/in-process-git.js';
import { ObjectCache } from '../git/object-cache.js';
import { isSshUrl } from '../git/remote-url.js';
import { AgedMap } from '../kernel/aged-map.js';
import { Failure } from '../kernel/failure.js';
import type { HostApi } from '../providers/host-api.js';
import { apiAddressOf, capsOf, openHostApi } from '../providers/host-apis.js';
import { HostRates } from '../providers/host-rates.js';
import { CarriedAccesses } from './carried-access.js';
import { CredentialSecrets, credentialFor } from './credential-secrets.js';
import { DelegatedGit } from './delegated-git.js';
import { DelegatedHostApi } from './delegated-host-api.js';
import { LastShown, REFUSING_MS } from './last-shown.js';
import { ManagerAccess, presentationFor } from './manager-access.js';

/** What a task may take on top of the Git operation itself: queueing, and redelivery after a delegate's death. */
const TASK_MARGIN_MS = 30_000;
const REFUSING_MAX = 16_384;

@Injectable()
export class Connectivity {
  readonly #cache: ObjectCache;
  readonly #rates = new HostRates();
  readonly #refusing = new AgedMap<true>({ ageMsMax: REFUSING_MS, weightMax: REFUSING_MAX });

  constructor(
    private readonly config: Config,
    private readonly looker: CredentialSecrets,
    private readonly here: ManagerAccess,
    private readonly carried: CarriedAccesses,
    private readonly dispatcher: Dispatcher,
    private readonly connectors: ConnectorsRepository,
  ) {
    this.#cache = new ObjectCache(config.SALLYPORT_GIT_CACHE_MIB * 1024 * 1024);
  }

  /**
   * The repository behind the connector, under the connector's credential, over the connector's road. The credential is looked up
   * anew at every use, and once before; whenever it is opened, the cause is put on record. Each delegate that has answered a call
   * is told to `done`.
   * @throws SECRET_OUT_OF_REACH, NOT_FOUND for the secret
   */
  async open(connector: Connector, cause: Omit<Purpose, 'subject'>, done?: Errand['done']): Promise<Git> {
    const credential = credentialFor(connector, 'git');
    const purpose = { ...cause, subject: `${connector.scope}/connectors/${connector.id}` };
    if (connector.connectivity === 'delegate') {
      await this.carried.errandOf(connector, credential);
      return this.#delegated(connector, { credential, done }, purpose);
    }
    if (credential !== undefined) await this.looker.look(connector, credential);
    return this.#direct(connector, credential, purpose);
  }

  /**
   * The API of the host behind the connector, over the connector's road, as `open` opens its repository: under the credential for
   * the API where the connector has one. Opening it asks the host nothing.
   * @throws PULL_REQUESTS_UNSUPPORTED, HOST_API_ADDRESS_UNCLEAR, HOST_API_CREDENTIAL_MISSING, SECRET_OUT_OF_REACH, NOT_FOUND
   */
  async openHost(connector: Connector, cause: Omit<Purpose, 'subject'>): Promise<HostApi> {
    const subject = `${connector.scope}/connectors/${connector.id}`;
    const caps = capsOf(connector.provider);
    apiAddressOf(connector, this.config.SALLYPORT_GIT_ALLOW_HTTP);
    const credential = credentialFor(connector, 'api');
    if (credential === undefined && isSshUrl(connector.url))
      throw new Failure('HOST_API_CREDENTIAL_MISSING', { connector: subject });
    const purpose = { ...cause, subject };
    if (connector.connectivity === 'delegate') {
      await this.carried.errandOf(connector, credential);
      return this.#delegatedHost(connector, { credential, caps }, purpose);
    }
    if (credential !== undefined) await this.looker.look(connector, credential);
    return this.#directHost(connector, credential, purpose);
  }

  /** What this connector asks of the delegate that serves it, its secrets’ managers included. @throws NOT_FOUND */
  async errandOf(connector: Connector): Promise<Errand> {
    const delegated = { ...connector, connectivity: 'delegate' as const };
    return this.carried.errandOf(delegated, credentialFor(delegated, 'git'));
  }

  async #direct(connector: Connector, shown: Credential | undefined, purpose: Purpose): Promise<Git> {
    const { url } = connector;
    const options = {
      allowHttp: this.config.SALLYPORT_GIT_ALLOW_HTTP,
      allowPrivate: this.config.SALLYPORT_GIT_ALLOW_PRIVATE,
      deadlineMs: this.config.SALLYPORT_GIT_DEADLINE_SECONDS * 1000,
      network: await this.here.networkOf(connector, purpose),
      cache: this.#cache,
    };
    const hear = this.#hearFor(connector);
    if (shown === undefined)
      return new ReauthorisingGit(new InProcessGit({ url }, options), { forget: () => false }, hear);
    const last = this.#lastShown(connector, shown, 'git');
    const credential = this.#credentialOf(connector, shown, { purpose, last });
    return new ReauthorisingGit(new InProcessGit({ url, credential }, options), last, hear);
  }

  /** Notes where a redirect leads. Nobody goes there. */
  #hearFor(connector: Connector): (failure: Failure) => void {
    return ({ code, data }) => {
      if (code !== 'GIT_REPOSITORY_MOVED') return;
      const { target } = data as Failure<'GIT_REPOSITORY_MOVED'>['data'];
      // It is heard again with the next call.
      void this.connectors.noteRenamed(connector, { url: target, by: 'redirect' }).catch(() => undefined);
    };
  }

  /** Opened whenever it is used. */
  #credentialOf(
    connector: Connector,
    credential: Credential,
    { purpose, last }: { purpose: Purpose; last: LastShown },
  ): GitCredential {
    const shown = presentationFor(connector, credential);
    return {
      username: shown.username,
      scheme: shown.scheme,
      usernameFor: (secret) => usernameFor(shown, secret),
      open: async () => last.show(await this.here.open(connector, credential, purpose)).secret,
    };
  }

  #lastShown({ scope, id }: Connector, credential: Credential | undefined, use: 'git' | 'api'): LastShown {
    return new LastShown(this.#refusing, JSON.stringify([scope, id, use, credential]));
  }

  async #directHost(connector: Connector, shown: Credential | undefined, purpose: Purpose): Promise<HostApi> {
    const { provider, url, apiUrl } = connector;
    const options = {
      allowHttp: this.config.SALLYPORT_GIT_ALLOW_HTTP,
      network: await this.here.networkOf(connector, purpose),
      deadlineMs: this.config.SALLYPORT_GIT_DEADLINE_SECONDS * 1000,
      rates: this.#rates,
    };
    if (shown === undefined) return openHostApi({ provider, url, apiUrl }, options);
    const last = this.#lastShown(connector, shown, 'api');
    const credential = this.#credentialOf(connector, shown, { purpose, last });
    return new ReauthorisingHostApi(openHostApi({ provider, url, apiUrl, credential }, options), last);
  }

  #delegatedHost(
    connector: Connector,
    { credential, caps }: { credential: Credential | undefined; caps: HostApi['caps'] },
    purpose: Purpose,
  ): HostApi {
    const { provider, url, apiUrl } = connector;
    const last = this.#lastShown(connector, credential, 'api');
    const api = new DelegatedHostApi(caps, async () => {
      const carried = last.show(await this.carried.carry(connector, credential, purpose));
      return {
        host: { provider, url, apiUrl, ...carried.access },
        run: (name, input) =>
          this.dispatcher.run({ ...carried.errand, since: hostApiSince }, name, input, this.#timeoutMs()),
      };
    });
    return new ReauthorisingHostApi(api, last);
  }

  #timeoutMs(): number {
    return this.config.SALLYPORT_GIT_DEADLINE_SECONDS * 1000 + TASK_MARGIN_MS;
  }

  #delegated(
    connector: Connector,
    { credential, done }: { credential: Credential | undefined; done: Errand['done'] },
    purpose: Purpose,
  ): Git {
    const last = this.#lastShown(connector, credential, 'git');
    const git = new DelegatedGit(async () => {
      const carried = last.show(await this.carried.carry(connector, credential, purpose));
      const { url, knownHosts } = connector;
      return {
        remote: { url, ...(knownHosts === null ? {} : { knownHosts }), ...carried.access },
        run: (name, input) =>
          this.dispatcher.run({ ...sinceFor(name, carried.errand), done }, name, input, this.#timeoutMs()),
      };
    });
    return new ReauthorisingGit(git, last, this.#hearFor(connector));
  }
}

/** Delegates of before know no histories. */
const sinceFor = (task: TaskName, errand: Errand): Errand =>
  task === 'git.history' ? { ...errand, since: Math.max(errand.since ?? 0, historySince) } : errand;
