// Hands out the Git for a connector. Which road it takes is the connector's word alone: there is no fallback.
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import type { Connector } from '../connectors/connectors.repository.js';
import type { SealedRemote } from '../contract/remote.js';
import { DelegatesService } from '../delegates/delegates.service.js';
import type { Git, Remote } from '../git/git.js';
import { InProcessGit } from '../git/in-process-git.js';
import { type Network, openNetwork } from '../git/network.js';
import { ObjectCache } from '../git/object-cache.js';
import { TaskQueue } from '../queue/task-queue.js';
import { SecretsRepository } from '../secrets/secrets.repository.js';
import { assertWithinReach, SecretsService } from '../secrets/secrets.service.js';
import { DelegatedGit } from './delegated-git.js';

/** What a task may take on top of the Git operation itself: queueing, and redelivery after a delegate's death. */
const TASK_MARGIN_MS = 30_000;

@Injectable()
export class Connectivity {
  readonly #cache: ObjectCache;
  readonly #network: Network;

  constructor(
    private readonly config: Config,
    private readonly secrets: SecretsService,
    private readonly sealed: SecretsRepository,
    private readonly tasks: TaskQueue,
    private readonly delegates: DelegatesService,
  ) {
    this.#cache = new ObjectCache(config.SALLYPORT_GIT_CACHE_MIB * 1024 * 1024);
    this.#network = openNetwork(config);
  }

  /**
   * The repository behind the connector, under the connector's credential, over the connector's road.
   * @throws SECRET_OUT_OF_REACH, NOT_FOUND for the secret
   */
  async open(connector: Connector): Promise<Git> {
    const remote = await this.#seal(connector);
    return connector.connectivity === 'manager' ? this.#direct(remote) : this.#delegated(connector, remote);
  }

  async #seal({ url, credential, connectivity, knownHosts }: Connector): Promise<SealedRemote> {
    const place = knownHosts === null ? { url } : { url, knownHosts };
    if (credential === null) return place;
    const secret = await this.sealed.sealed(credential.secretScope, credential.secret);
    assertWithinReach(secret, connectivity);
    return { ...place, credential: { username: credential.username, secret } };
  }

  #direct({ url, credential }: SealedRemote): Git {
    const remote: Remote =
      credential === undefined
        ? { url }
        : {
            url,
            credential: {
              username: credential.username,
              open: async () => this.secrets.open(credential.secret),
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

  #delegated(connector: Connector, remote: SealedRemote): Git {
    const group = connector.group as string;
    return new DelegatedGit(remote, {
      queue: this.tasks,
      group,
      timeoutMs: this.config.SALLYPORT_GIT_DEADLINE_SECONDS * 1000 + TASK_MARGIN_MS,
      isServed: () => this.delegates.isServed(group),
    });
  }
}
