// What the API asks of pull requests: to wait for one, to close one, to try again.
import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Acts } from '../audit/acts.js';
import { Config } from '../config/config.js';
import { Connectivity } from '../connectivity/connectivity.js';
import { type Connector, ConnectorsRepository } from '../connectors/connectors.repository.js';
import { Failure } from '../kernel/failure.js';
import { Log } from '../kernel/log.js';
import type { HostApi, Pull } from '../providers/host-api.js';
import { isOurs } from '../providers/rest-host-api.js';
import type { Scope } from '../scopes/scope.js';
import { type OperationRecord, OperationsRepository } from '../sync/operations.repository.js';
import { PullOutcomesRepository } from './pull-outcomes.repository.js';
import { causeOf, defaultBranchOf, isMissing, PullRequestsFlow } from './pull-requests.flow.js';
import {
  type PullRequest,
  PullRequestsRepository,
  type ShownPullRequest,
} from './pull-requests.repository.js';
import { PullWaits } from './pull-waits.js';

/** How long closing waits for whoever is asking the host about the request. */
const BUSY_MS_MAX = 10_000;
const BUSY_LOOK_MS = 100;
/** On top of what the host may take to answer. */
const CLOSING_MARGIN_MS = 60_000;

/** An operation, and the request that it has. */
export interface WithPull {
  operation: OperationRecord;
  pull: ShownPullRequest | undefined;
}

@Injectable()
export class PullRequestsService {
  constructor(
    private readonly config: Config,
    private readonly flow: PullRequestsFlow,
    private readonly requests: PullRequestsRepository,
    private readonly outcomes: PullOutcomesRepository,
    private readonly operations: OperationsRepository,
    private readonly connectors: ConnectorsRepository,
    private readonly connectivity: Connectivity,
    private readonly waits: PullWaits,
    private readonly acts: Acts,
    private readonly log: Log,
  ) {}

  /** Where the operation wished for a request, waits up to `waitMs` until it is open, or has failed. */
  async settle(operation: OperationRecord, waitMs: number): Promise<WithPull> {
    if (operation.pull_request === null || operation.state !== 'succeeded')
      return { operation, pull: undefined };
    const [isSettled] = await this.requests.settled([operation.id]);
    if (isSettled === undefined) {
      void this.flow.sweep();
      await this.waits.until(operation.id, waitMs);
    }
    const now = await this.operations.get(operation.scope, operation.id);
    return { operation: now, pull: await this.of(now) };
  }

  async of({ pull_request_id: id }: OperationRecord): Promise<ShownPullRequest | undefined> {
    return id === null ? undefined : (await this.requests.load([id])).get(id);
  }

  /** By id. */
  load(ids: string[]): Promise<Map<string, ShownPullRequest>> {
    return this.requests.load([...new Set(ids)]);
  }

  /**
   * Without merging; one that is not open yet is given up, and closed where an attempt opened it unnoticed.
   * @throws NOT_FOUND, PULL_REQUEST_BUSY, AUDIT_UNWRITABLE, and what the host refuses it for
   */
  async close(scope: Scope, id: string, actor: string): Promise<ShownPullRequest> {
    const request = await this.#take(scope, id);
    let isWritten = false;
    try {
      isWritten = await this.#close(request, actor);
    } finally {
      if (!isWritten) await this.requests.release(request);
    }
    if (isWritten) this.log.info({ audit: true, id, scope, actor }, 'pull request closed');
    void this.flow.sweep();
    return this.requests.get(scope, id);
  }

  /** What failed is tried again, and what is open looked at. @throws NOT_FOUND */
  async retry(scope: Scope, id: string, actor: string): Promise<ShownPullRequest> {
    this.log.info({ audit: true, id, scope, actor }, 'pull request tried again');
    const request = await this.requests.retry(scope, id);
    void this.flow.sweep();
    return request;
  }

  /** Whether that was news. */
  async #close(request: PullRequest, actor: string): Promise<boolean> {
    const { scope, id, state } = request;
    if (state === 'merged' || state === 'closed') return false;
    const act = { action: 'pull-request.close', scope, target: `pull-requests/${id}` };
    const connector = await this.#connectorToAsk(request);
    if (connector === undefined) {
      await this.outcomes.ended(request, 'closed', null, act);
      return true;
    }
    const closing = () => this.#closeAtHost(request, connector, actor);
    return (await this.acts.outside(act, closing, tellClosed)) !== 'open';
  }

  /** Undefined where its host has nothing that is ours to close. */
  async #connectorToAsk(request: PullRequest): Promise<Connector | undefined> {
    if (!isOpenAtHost(request) && request.attempts === 0) return undefined;
    const connector = await this.connectors.get(request.connector_scope, request.connector_id);
    return (await this.requests.isAtConnector(request)) ? connector : undefined;
  }

  /** How it stands now: somebody may have merged it a moment before. */
  async #closeAtHost(request: PullRequest, connector: Connector, actor: string): Promise<Pull['state']> {
    const pull = await this.#askToClose(request, connector, actor);
    const state = pull?.state ?? 'closed';
    if (state !== 'open') await this.outcomes.ended(request, state, pull);
    return state;
  }

  /** Null where the host does not have it. */
  async #askToClose(request: PullRequest, connector: Connector, actor: string): Promise<Pull | null> {
    const cause = { ...causeOf(request), actors: [actor] };
    const api = await this.connectivity.openHost(connector, cause);
    try {
      // Whether an attempt opened it is open: its answer may be lost.
      const own = isOpenAtHost(request) ? request.number : (await findOpened(request, api))?.number;
      return own === undefined ? null : await api.closePull(own);
    } catch (error) {
      if (!isMissing(error)) throw error;
      return null;
    }
  }

  /** @throws NOT_FOUND, PULL_REQUEST_BUSY */
  async #take(scope: Scope, id: string): Promise<PullRequest> {
    for (const end = Date.now() + BUSY_MS_MAX; Date.now() < end; await delay(BUSY_LOOK_MS)) {
      const claimMs = this.config.SALLYPORT_GIT_DEADLINE_SECONDS * 1_000 + CLOSING_MARGIN_MS;
      const taken = await this.requests.claimOne(scope, id, claimMs);
      if (taken !== undefined) return taken;
    }
    throw new Failure('PULL_REQUEST_BUSY', { id });
  }
}

const tellClosed = (state: Pull['state']): object => ({ state });

const isOpenAtHost = (request: PullRequest): request is PullRequest & { number: number } =>
  request.state === 'open' && request.number !== null;

/** What an attempt opened for the branches that were asked for. @throws HOST_API_BRANCH_MISSING */
async function findOpened({ branch: head, base, title }: PullRequest, api: HostApi): Promise<Pull | null> {
  const found = await api.findPull({ head, base: base ?? (await defaultBranchOf(api)) });
  return found !== null && isOurs(found, { title }) ? found : null;
}
