// Hands out the Git for a connector. Which road it takes is the connector's word alone: there is no fallback.
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import type { Connector } from '../connectors/connectors.repository.js';
import type { CarriedRemote } from '../contract/remote.js';
import { Dispatcher, type Errand } from '../delegates/dispatcher.js';
import type { Git, Remote } from '../git/git.js';
import { InProcessGit } from '../git/in-process-git.js';
import { type Network, openNetwork } from '../git/network.js';
import { ObjectCache } from '../git/object-cache.js';
import { type HeldSecret, SecretsRepository } from '../secrets/secrets.repository.js';
import { assertWithinReach, SecretsService } from '../secrets/secrets.service.js';
import { DelegatedGit } from './delegated-git.js';
import { joinErrands, SecretCarrier } from './secret-carrier.js';

/** What a task may take on top of the Git operation itself: queueing, and redelivery after a delegate's death. */
const TASK_MARGIN_MS = 30_000;

@Injectable()
export class Connectivity {
  readonly #cache: ObjectCache;
  readonly #network: Network;

  constructor(
    private readonly config: Config,
    private readonly opener: SecretsService,
    private readonly secrets: SecretsRepository,
    private readonly carrier: SecretCarrier,
    private readonly dispatcher: Dispatcher,
  ) {
    this.#cache = new ObjectCache(config.SALLYPORT_GIT_CACHE_MIB * 1024 * 1024);
    this.#network = openNetwork(config);
  }

  /**
   * The repository behind the connector, under the connector's credential, over the connector's road.
   * @throws SECRET_OUT_OF_REACH, NOT_FOUND for the secret
   */
  async open(connector: Connector): Promise<Git> {
    const secret = await this.#secretOf(connector);
    return connector.connectivity === 'manager'
      ? this.#direct(connector, secret)
      : this.#delegated(connector, secret);
  }

  async #secretOf({ credential, connectivity }: Connector): Promise<HeldSecret | undefined> {
    if (credential === null) return undefined;
    const secret = await this.secrets.held(credential.secretScope, credential.secret);
    assertWithinReach(secret, connectivity);
    return secret;
  }

  #direct({ url, credential }: Connector, secret: HeldSecret | undefined): Git {
    const remote: Remote =
      credential === null || secret === undefined
        ? { url }
        : {
            url,
            credential: { username: credential.username, open: () => this.opener.open(secret) },
          };
    return new InProcessGit(remote, {
      allowHttp: this.config.SALLYPORT_GIT_ALLOW_HTTP,
      allowPrivate: this.config.SALLYPORT_GIT_ALLOW_PRIVATE,
      deadlineMs: this.config.SALLYPORT_GIT_DEADLINE_SECONDS * 1000,
      network: this.#network,
      cache: this.#cache,
    });
  }

  async #delegated(connector: Connector, secret: HeldSecret | undefined): Promise<Git> {
    const timeoutMs = this.config.SALLYPORT_GIT_DEADLINE_SECONDS * 1000 + TASK_MARGIN_MS;
    const errand = await this.#errandOf(connector, secret);
    return new DelegatedGit({
      carry: () => this.#carry(connector, secret),
      run: (name, input) => this.dispatcher.run(errand, name, input, timeoutMs),
    });
  }

  /** What this connector asks of the delegate that serves it, its secret’s manager included. @throws NOT_FOUND */
  async errandOf(connector: Connector): Promise<Errand> {
    return this.#errandOf(connector, await this.#secretOf({ ...connector, connectivity: 'delegate' }));
  }

  async #errandOf({ scope, group, tags, url }: Connector, secret: HeldSecret | undefined): Promise<Errand> {
    const git = { scope, group, tags, url };
    if (secret === undefined || secret.keptBy === null) return git;
    return joinErrands(git, await this.carrier.find(secret.keptBy));
  }

  /** What the delegate gets to see. */
  async #carry(
    { url, credential, knownHosts }: Connector,
    secret: HeldSecret | undefined,
  ): Promise<CarriedRemote> {
    const place = knownHosts === null ? { url } : { url, knownHosts };
    if (credential === null || secret === undefined) return place;
    const { username } = credential;
    return { ...place, credential: { username, secret: await this.carrier.carrySecret(secret) } };
  }
}
