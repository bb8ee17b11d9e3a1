// Opens the pull requests that saves asked for, once their commits are on their branches, and follows those that are open: when a
// webhook told of them, and every so often in any case. Whichever manager claims a request is at it; what a killed one was at is
// claimed again, and the host is asked in such a way that nothing is opened twice.
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Connectivity } from '../connectivity/connectivity.js';
import { type Connector, ConnectorsRepository } from '../connectors/connectors.repository.js';
import { cutActor } from '../kernel/actor.js';
import { concerning, inSpan } from '../kernel/concern.js';
import { secondsSince, tell } from '../kernel/facts.js';
import { Failure } from '../kernel/failure.js';
import { FairTurns } from '../kernel/fair-turns.js';
import { Log } from '../kernel/log.js';
import { step } from '../kernel/step.js';
import type { HostApi, Pull } from '../providers/host-api.js';
import { HostPauses, hostOf } from '../sync/host-pauses.js';
import { MergedCopies } from '../sync/merged-copies.js';
import { PullOutcomesRepository } from './pull-outcomes.repository.js';
import { judgeFault, judgeLook, lookPauseMs, mayHaveOpened } from './pull-request.js';
import {
  type ClaimedPullRequest,
  type ConnectorName,
  type PullRequest,
  PullRequestsRepository,
} from './pull-requests.repository.js';
import { PullWaits } from './pull-waits.js';

const SWEEP_MS = 500;
/** Requests that one manager is at. */
const RUNNING_MAX = 16;
/** And at one host, which may be silent for long. */
const RUNNING_AT_HOST_MAX = 4;
/** Another manager is at the lane of the base: it is asked again after this. */
const BUSY_PAUSE_MS = 250;

@Injectable()
export class PullRequestsFlow {
  readonly #turns = new FairTurns(RUNNING_MAX, RUNNING_AT_HOST_MAX);
  /** By claim: one that comes again at once is another. */
  readonly #running = new Map<ClaimedPullRequest, Promise<void>>();
  readonly #timers: NodeJS.Timeout[] = [];
  #sweeping: Promise<void> | undefined;
  #isStopping = false;

  constructor(
    private readonly config: Config,
    private readonly requests: PullRequestsRepository,
    private readonly outcomes: PullOutcomesRepository,
    private readonly connectors: ConnectorsRepository,
    private readonly connectivity: Connectivity,
    private readonly copies: MergedCopies,
    private readonly pauses: HostPauses,
    private readonly waits: PullWaits,
    private readonly log: Log,
  ) {}

  start(): void {
    this.#timers.push(setInterval(() => void this.sweep(), SWEEP_MS));
    this.#timers.push(setInterval(() => void this.#extend(), this.#claimMs / 3));
  }

  /** How long a request stays with a manager that no longer answers. */
  get #claimMs(): number {
    return this.config.SALLYPORT_LEASE_SECONDS * 1_000;
  }

  /** Begins nothing more, and lets what runs finish. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#timers[0]);
    await this.#sweeping;
    await Promise.allSettled(this.#running.values());
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** A host said that something happened to its request of this number. Whether that is one of ours. */
  async hint(connector: ConnectorName, number: number): Promise<boolean> {
    const isOurs = await this.requests.hint(connector, number);
    if (isOurs) void this.sweep();
    return isOurs;
  }

  /** Begins what is due and nobody is at. */
  async sweep(): Promise<void> {
    if (this.#isStopping) return;
    this.#sweeping ??= this.#begin()
      .catch((error: unknown) => this.log.warn({ err: error }, 'pull requests not looked for'))
      .finally(() => {
        this.#sweeping = undefined;
      });
    await this.#sweeping;
  }

  async #begin(): Promise<void> {
    for (const request of await this.requests.claim(this.#claimMs, [...this.#running.keys()])) {
      const work = () => inSpan({ name: 'pull.work', parent: null }, () => this.#work(request));
      const run = concerning([request.operation_id], work)
        .catch((error: unknown) => this.log.error({ err: error, id: request.id }, 'pull request'))
        .finally(() => {
          this.#running.delete(request);
          void this.waits.look();
        });
      this.#running.set(request, run);
    }
  }

  async #extend(): Promise<void> {
    await this.requests
      .extend([...this.#running.keys()], this.#claimMs)
      .catch((error: unknown) => this.log.warn({ err: error }, 'pull requests not extended'));
  }

  async #work(request: ClaimedPullRequest): Promise<void> {
    const connector = await this.connectors.find(request.connector_scope, request.connector_id);
    // Deleted meanwhile, and its requests with it.
    if (connector === undefined) return;
    const { account, host } = request;
    await this.#turns.take(account, host, async () => {
      // Others that call as it does were told so.
      const asked = this.pauses.forApi(connector, attemptOf(request));
      if (asked !== undefined) return this.#fault(request, connector, asked);
      const began = performance.now();
      try {
        await this.#workNow(request, connector);
        tell('pull.work', { work: workOf(request), code: 'OK', seconds: secondsSince(began) });
      } catch (error) {
        if (await this.#hasMoved(request)) return this.requests.release(request);
        const failure = Failure.from(error, `pull request ${request.id}`);
        tell('pull.work', { work: workOf(request), code: failure.code, seconds: secondsSince(began) });
        this.pauses.hear(failure, connector);
        await this.#fault(request, connector, failure);
      }
    });
  }

  /** Whether its repository was renamed since it was claimed: it is due again, at the new place. */
  async #hasMoved({ scope, id, repository }: PullRequest): Promise<boolean> {
    return (await this.requests.get(scope, id)).repository !== repository;
  }

  async #workNow(request: PullRequest, connector: Connector): Promise<void> {
    if (connector.url !== request.repository)
      throw new Failure('NOT_FOUND', { what: 'repository of the pull request', id: request.id });
    if (request.copies_due) return this.#bringBack(request, connector);
    const api = await this.connectivity.openHost(connector, causeOf(request));
    try {
      await (request.state === 'wanted' ? this.#open(request, api) : this.#look(request, api));
    } finally {
      this.pauses.note(api.rate, connector);
    }
  }

  async #open(request: PullRequest, api: HostApi): Promise<void> {
    const { branch: head, title, body, draft, reviewers, attempts } = request;
    const base = request.base ?? (await defaultBranchOf(api));
    if (base === head) throw new Failure('PULL_REQUEST_UNFIT', { branch: head });
    const wish = { head, base, title, body, draft, reviewers, wasTried: attempts > 1 };
    const pull = await step('pull.open', () => api.ensurePull(wish));
    await step('pull.note', () => this.outcomes.opened(request, base, pull, this.#pauseMs(request, api)));
  }

  async #look(request: PullRequest, api: HostApi): Promise<void> {
    const pull = await step('pull.look', () => findAgain(request, api));
    const news = judgeLook(request.state, pull ?? { state: 'closed' });
    const pauseMs = this.#pauseMs(request, api);
    if (news === 'same') return this.outcomes.same(request, pauseMs);
    if (pull !== null && news === 'opened again') return this.outcomes.openedAgain(request, pull, pauseMs);
    await step('pull.end', () => this.outcomes.ended(request, news === 'merged' ? 'merged' : 'closed', pull));
    // A save that waits for a request in place of this one, or copies that wait.
    setImmediate(() => void this.sweep());
  }

  /** What was merged comes into the copies of the base, where nobody follows it. */
  async #bringBack(request: PullRequest, connector: Connector): Promise<void> {
    const files = await this.requests.savedFiles(request);
    const outcome = await this.copies.refresh({ connector, branch: request.base as string, files });
    await (outcome === 'done'
      ? this.outcomes.copiesDone(request)
      : this.outcomes.postponed(request, BUSY_PAUSE_MS));
  }

  #pauseMs(request: PullRequest, { rate }: HostApi): number {
    const pace = { baseMs: this.config.SALLYPORT_PULLS_POLL_SECONDS * 1_000, rate, now: Date.now() };
    return lookPauseMs({ quietMs: quietMsOf(request) }, pace, Math.random());
  }

  async #fault(request: PullRequest, connector: Connector, failure: Failure): Promise<void> {
    this.log.warn({ err: failure, id: request.id, connector: connector.id }, 'pull request not done');
    const { state, faults } = request;
    const wantedMs = Date.now() - request.wanted_at.getTime();
    const standing = { state, faults, wantedMs, quietMs: quietMsOf(request) };
    const after = judgeFault(failure, standing, Math.random());
    const counted = uncounted(request, failure);
    await (after.kind === 'failed'
      ? this.outcomes.failed(counted, failure.toWire())
      : this.outcomes.faulted(counted, failure.toWire(), after.inMs));
  }
}

/**
 * Null where the host has it no more. What is missing may be hidden: that requests of these branches are listed says that it is
 * this one that is missing, and not the repository. @throws HOST_API_NOT_FOUND
 */
async function findAgain({ number, branch: head, base }: PullRequest, api: HostApi): Promise<Pull | null> {
  try {
    return await api.pull(number as number);
  } catch (error) {
    if (!isMissing(error) || base === null) throw error;
    await api.findPull({ head, base });
    return null;
  }
}

export const isMissing = (error: unknown): boolean =>
  error instanceof Failure && error.code === 'HOST_API_NOT_FOUND';

export const causeOf = ({ operation_id, requested_by }: PullRequest) => ({
  kind: 'pull-request' as const,
  operations: [operation_id],
  actors: requested_by === null ? [] : [cutActor(requested_by)],
});

const attemptOf = ({ state }: PullRequest): string =>
  state === 'wanted' ? 'open the pull request' : 'read the pull request';

function workOf({ copies_due, state }: PullRequest): 'open' | 'look' | 'copies' {
  if (copies_due) return 'copies';
  return state === 'wanted' ? 'open' : 'look';
}

/** An attempt that certainly opened nothing counts for none. */
const uncounted = (request: PullRequest, failure: Failure): PullRequest =>
  request.state !== 'wanted' || mayHaveOpened(failure)
    ? request
    : { ...request, attempts: request.attempts - 1 };

/** Since it was opened, or since a webhook told of it. */
const quietMsOf = ({ opened_at, hinted_at }: PullRequest): number =>
  Date.now() - Math.max(opened_at?.getTime() ?? Date.now(), hinted_at?.getTime() ?? 0);

/** @throws HOST_API_BRANCH_MISSING */
export async function defaultBranchOf(api: HostApi): Promise<string> {
  const { defaultBranch, webUrl } = await api.repo();
  if (defaultBranch !== null) return defaultBranch;
  throw new Failure('HOST_API_BRANCH_MISSING', { host: hostOf(webUrl), branch: 'by default' });
}
