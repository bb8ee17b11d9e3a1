// Hands out the Git for a connector. Which road it takes is the connector's word alone: there is no fallback.
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import type { Connector, Credential } from '../connectors/connectors.repository.js';
import { referredSecret } from '../connectors/path-reference.js';
import type { Purpose } from '../contract/audit.js';
import type { CarriedRemote } from '../contract/remote.js';
import { Dispatcher, type Errand } from '../delegates/dispatcher.js';
import type { Git, Remote } from '../git/git.js';
import { InProcessGit } from '../git/in-process-git.js';
import { type Network, openNetwork } from '../git/network.js';
import { ObjectCache } from '../git/object-cache.js';
import { type CurrentSecret, CurrentSecretsRepository } from '../secrets/current-secrets.repository.js';
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
    private readonly secrets: CurrentSecretsRepository,
    private readonly carrier: SecretCarrier,
    private readonly dispatcher: Dispatcher,
  ) {
    this.#cache = new ObjectCache(config.SALLYPORT_GIT_CACHE_MIB * 1024 * 1024);
    this.#network = openNetwork(config);
  }

  /**
   * The repository behind the connector, under the connector's credential, over the connector's road. The credential is looked up
   * anew at every use, and once before; whenever it is opened, the cause is put on record.
   * @throws SECRET_OUT_OF_REACH, NOT_FOUND for the secret
   */
  async open(connector: Connector, cause: Omit<Purpose, 'subject'>): Promise<Git> {
    const secret = await this.#secretOf(connector);
    const purpose = { ...cause, subject: `${connector.scope}/connectors/${connector.id}` };
    if (connector.connectivity === 'manager') return this.#direct(connector, purpose);
    errandFor(connector, secret);
    return this.#delegated(connector, purpose);
  }

  /** What this connector asks of the delegate that serves it, its secret’s manager included. @throws NOT_FOUND */
  async errandOf(connector: Connector): Promise<Errand> {
    return errandFor(connector, await this.#secretOf({ ...connector, connectivity: 'delegate' }));
  }

  async #secretOf(connector: Connector): Promise<CurrentSecret | undefined> {
    const { credential, connectivity } = connector;
    if (credential === null) return undefined;
    const secret = await this.#lookUp(connector, credential);
    assertWithinReach(secret, connectivity);
    return secret;
  }

  /** As it is at this moment. */
  async #lookUp(connector: Connector, credential: Credential): Promise<CurrentSecret> {
    return 'reference' in credential
      ? this.carrier.complete(referredSecret(connector, credential))
      : this.secrets.find(credential.secretScope, credential.secret);
  }

  #direct(connector: Connector, purpose: Purpose): Git {
    const { url, credential } = connector;
    const remote: Remote =
      credential === null
        ? { url }
        : {
            url,
            credential: {
              username: credential.username,
              open: async () => this.opener.open(await this.#lookUp(connector, credential), purpose),
            },
          };
    return new InProcessGit(remote, {
      allowHttp: this.config.SALLYPORT_GIT_ALLOW_HTTP,
      allowPrivate: this.config.SALLYPORT_GIT_ALLOW_PRIVATE,
      deadlineMs: this.config.SALLYPORT_GIT_DEADLINE_SECONDS * 1000,
      network: this.#network,
      cache: this.#cache,
    });
  }

  #delegated(connector: Connector, purpose: Purpose): Git {
    const timeoutMs = this.config.SALLYPORT_GIT_DEADLINE_SECONDS * 1000 + TASK_MARGIN_MS;
    return new DelegatedGit(async () => {
      const secret = await this.#secretOf(connector);
      // Who may be sent the secret follows from the same look at it.
      const errand = { ...errandFor(connector, secret), purpose };
      return {
        remote: await this.#carry(connector, secret, purpose),
        run: (name, input) => this.dispatcher.run(errand, name, input, timeoutMs),
      };
    });
  }

  /** What the delegate gets to see. */
  async #carry(
    { url, credential, knownHosts }: Connector,
    secret: CurrentSecret | undefined,
    purpose: Purpose,
  ): Promise<CarriedRemote> {
    const place = knownHosts === null ? { url } : { url, knownHosts };
    if (credential === null || secret === undefined) return place;
    const { username } = credential;
    return { ...place, credential: { username, secret: await this.carrier.carryCurrent(secret, purpose) } };
  }
}

function errandFor({ scope, group, tags, url }: Connector, secret: CurrentSecret | undefined): Errand {
  const git = { scope, group, tags, url };
  const manager = secret?.manager ?? null;
  return manager === null ? git : joinErrands(git, manager);
}
