// Looks at tracked repositories: when a webhook or a person says so, and every so often in any case, since hosts lose webhooks.
// One listing of refs a look, whatever the number of branches; those that moved are refreshed, each for itself.
import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Connectivity } from '../connectivity/connectivity.js';
import { type Connector, ConnectorsRepository } from '../connectors/connectors.repository.js';
import { KindsRepository } from '../entities/kinds.repository.js';
import type { CommitId } from '../git/git.js';
import { inSpan } from '../kernel/concern.js';
import { secondsSince, tell } from '../kernel/facts.js';
import { Failure } from '../kernel/failure.js';
import { Log } from '../kernel/log.js';
import { step } from '../kernel/step.js';
import { accountOf } from '../scopes/scope.js';
import { Storage } from '../storage/database.js';
import { FileProblemsRepository } from './file-problems.repository.js';
import { chooseBranches } from './followed-branches.js';
import { askedMs, HostPauses, hostOf } from './host-pauses.js';
import { type LaneState, LanesRepository } from './lanes.repository.js';
import { type DueLook, LookClaimsRepository, type LookPlaces } from './look-claims.repository.js';
import { pollIntervalMs, SWEEP_MS, webhookHealth } from './poll-interval.js';
import { RefreshFlow, type RefreshOrder } from './refresh.flow.js';
import { orderOf } from './refresh-order.js';
import {
  type BranchRecord,
  type LookResult,
  type Tracking,
  TrackingRepository,
} from './tracking.repository.js';

/** Looks of one manager at the same time. A host may be silent for long, and a look may bring much. */
const places: LookPlaces = { all: 16, atHost: 5, ofAccount: 12, ofAccountAtHost: 4 };
/** After so long a look begins no further branch: it is due again at once, behind those that wait for its place. */
const LOOK_MS = 10_000;
/** How long a look stays with a manager that no longer answers, and how often one that does says so. */
const CLAIM_MS = 10_000;
const CLAIM_EXTENSION_MS = 3_000;
const FAULT_PAUSE_MS = 1_000;
const FAULT_PAUSE_MS_MAX = 5 * 60_000;
/** Another manager is at the lane: it is asked again after this, and each time after twice as long, as refs are listed for it. */
const BUSY_PAUSE_MS = 250;
const BUSY_PAUSE_MS_MAX = 4_000;

/** As the first to hold it makes it, as at the new address of a repository that was renamed. */
const NEW_LANE: LaneState = { epoch: 0, head: null };

@Injectable()
export class PollFlow {
  readonly #running = new Map<DueLook, Promise<void>>();
  readonly #timers: NodeJS.Timeout[] = [];
  /** How often in a row lanes of branches could not be had. */
  readonly #busy = new Map<string, number>();
  #sweeping: Promise<void> | undefined;
  /** Whether there may be more to begin than the sweep that runs has seen. */
  #isSwept = true;
  #isDraining = false;

  constructor(
    private readonly config: Config,
    private readonly storage: Storage,
    private readonly tracking: TrackingRepository,
    private readonly claims: LookClaimsRepository,
    private readonly connectors: ConnectorsRepository,
    private readonly kinds: KindsRepository,
    private readonly lanes: LanesRepository,
    private readonly refreshes: RefreshFlow,
    private readonly problems: FileProblemsRepository,
    private readonly connectivity: Connectivity,
    private readonly pauses: HostPauses,
    private readonly log: Log,
  ) {}

  start(): void {
    this.#timers.push(setInterval(() => void this.sweep(), SWEEP_MS));
    this.#timers.push(setInterval(() => void this.#extend(), CLAIM_EXTENSION_MS));
    void this.sweep();
  }

  /** Begins no look more, and lets the running ones finish. */
  async stop(): Promise<void> {
    this.#isDraining = true;
    clearInterval(this.#timers[0]);
    await this.#sweeping;
    await Promise.allSettled(this.#running.values());
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** Begins what is due and nobody is at. */
  async sweep(): Promise<void> {
    this.#isSwept = false;
    this.#sweeping ??= this.#claim();
    await this.#sweeping;
  }

  async #claim(): Promise<void> {
    try {
      while (!this.#isSwept && !this.#isDraining) {
        this.#isSwept = true;
        const at = performance.now();
        const claimed = await this.claims.claim(CLAIM_MS, places, [...this.#running.keys()]);
        for (const one of claimed) this.#begin(one);
        // Where very many are due, the database has as much time for others as for this.
        await delay(performance.now() - at);
      }
    } catch (error) {
      this.log.warn({ err: error }, 'tracked repositories not looked for');
    } finally {
      this.#sweeping = undefined;
    }
  }

  #begin(tracking: DueLook): void {
    const run = inSpan({ name: 'poll.look', parent: null }, () => this.#look(tracking))
      .catch((error: unknown) =>
        this.log.error({ err: error, connector: tracking.connector }, 'look not ended'),
      )
      .finally(() => {
        this.#running.delete(tracking);
        // Its place is another’s.
        void this.sweep();
      });
    this.#running.set(tracking, run);
  }

  async #extend(): Promise<void> {
    await this.tracking
      .extend([...this.#running.keys()], CLAIM_MS)
      .catch((error: unknown) => this.log.warn({ err: error }, 'looks not extended'));
  }

  async #look(tracking: Tracking): Promise<void> {
    const connector = await this.connectors.find(tracking.scope, tracking.connector);
    // Deleted meanwhile, and the tracking with it.
    if (connector === undefined) return;
    const pausedMs = this.pauses.forLooks(connector);
    const began = performance.now();
    const result =
      pausedMs > 0
        ? this.#paused(tracking, hostOf(connector.url), pausedMs)
        : await this.#lookNow(tracking, connector);
    await this.tracking.finish(tracking, result);
    const outcome = pausedMs > 0 ? 'paused' : (result.fault?.code ?? 'OK');
    tellLook(tracking, connector, { outcome, missed: result.missed, seconds: secondsSince(began) });
  }

  #paused(tracking: Tracking, host: string, pausedMs: number): LookResult {
    const retryAfterSeconds = Math.ceil(pausedMs / 1_000);
    const fault = new Failure('GIT_HOST_ERROR', { host, status: 429, retryAfterSeconds }).toWire();
    return { nextMs: pausedMs * (1 + Math.random() / 10), missed: false, fault: tracking.fault ?? fault };
  }

  async #lookNow(tracking: Tracking, connector: Connector): Promise<LookResult> {
    try {
      return await this.#list(tracking, connector);
    } catch (error) {
      const failure = Failure.from(error, `tracking ${tracking.connector}`);
      this.log.warn({ err: error, connector: tracking.connector }, 'tracked repository not looked at');
      this.pauses.hear(failure, connector);
      const nextMs = Math.max(askedMs(failure), pauseAfter(tracking.faults + 1));
      return { nextMs, missed: false, fault: failure.toWire() };
    }
  }

  async #list(tracking: Tracking, connector: Connector): Promise<LookResult> {
    const key = { scope: tracking.scope, connector: tracking.connector };
    const [known, kinds] = await Promise.all([
      this.tracking.branches(key),
      this.kinds.list(accountOf(connector.scope)),
    ]);
    const branches = known.map(({ branch }) => branch);
    const lanes = await this.lanes.peekAll(connector.url, branches);
    const cause = { kind: 'refresh' as const, operations: [], actors: ['sallyport'] };
    const git = await this.connectivity.open(connector, cause);
    const listedAt = performance.now();
    const refs = await step('poll.list', () => git.heads());
    const { followed, fault } = chooseBranches(tracking.branches, refs);
    const listed = new Map(Object.entries(refs.branches));
    const gone = known.filter(({ branch }) => !followed.has(branch));
    await this.storage.transact(async (tx) => {
      await this.connectors.holdAt(tx, connector);
      await this.tracking.note(tx, key, connector.url, [
        ...[...followed].map((branch): [string, CommitId | null] => [branch, listed.get(branch) ?? null]),
        ...gone
          .filter(({ branch }) => !listed.has(branch))
          .map(({ branch }): [string, null] => [branch, null]),
      ]);
    });
    const base = orderOf(tracking, connector, kinds);
    const missed = hasMissed(tracking, known, listed);
    const pauseMs = await this.#refreshAll(base, { listed, followed, gone, lanes });
    return {
      nextMs: Math.min(pauseMs, this.#intervalMs(tracking, missed)),
      listedAgoMs: performance.now() - listedAt,
      defaultBranch: refs.default,
      missed,
      fault: fault?.toWire() ?? null,
    };
  }

  /**
   * One branch after the other, the one that was brought to its head longest ago first; one that fails holds up no other. How long
   * to wait before the next look, at most.
   */
  async #refreshAll(
    base: Omit<RefreshOrder, 'branch' | 'hint'>,
    at: {
      listed: Map<string, CommitId>;
      followed: Set<string>;
      gone: BranchRecord[];
      lanes: Map<string, LaneState>;
    },
  ): Promise<number> {
    const { listed, followed, gone, lanes } = at;
    let pauseMs = Number.POSITIVE_INFINITY;
    const records = (await this.tracking.branches(base.key)).toSorted(bySyncedAt);
    const end = performance.now() + LOOK_MS;
    const freed = await this.problems.freedBranches(base.key);
    for (const record of records) {
      // It asked for patience at one branch before.
      const leftMs = this.pauses.forLooks(base.connector);
      if (leftMs > 0) {
        pauseMs = Math.min(pauseMs, leftMs);
        break;
      }
      const head = listed.get(record.branch) ?? null;
      const isOurs = followed.has(record.branch) || head === null;
      const isWanted = isOurs && (needsRefresh(record, head, base.revision) || freed.has(record.branch));
      if (this.#isDraining || !isWanted) continue;
      const waitMs = record.due_at.getTime() - Date.now();
      if (waitMs > 0) {
        pauseMs = Math.min(pauseMs, waitMs);
        continue;
      }
      if (performance.now() > end) {
        pauseMs = 0;
        break;
      }
      const hint = { head, lane: lanes.get(record.branch) ?? NEW_LANE };
      const order = { ...base, branch: record.branch, hint };
      pauseMs = Math.min(pauseMs, await this.#refreshOne(order, record));
    }
    await this.#forgetUnfollowed(base, gone, { listed, followed });
    return pauseMs;
  }

  async #refreshOne(order: RefreshOrder, record: BranchRecord): Promise<number> {
    const place = `${order.key.scope}/${order.key.connector} ${order.branch}`;
    const times = this.#busy.get(place) ?? 0;
    this.#busy.delete(place);
    try {
      const outcome = await this.refreshes.refresh(order);
      if (outcome !== 'busy') return Number.POSITIVE_INFINITY;
      this.#busy.set(place, times + 1);
      return busyPause(times);
    } catch (error) {
      const failure = Failure.from(error, `branch ${order.branch}`);
      this.log.warn({ err: error, branch: order.branch }, 'branch not refreshed');
      this.pauses.hear(failure, order.connector);
      const pauseMs = Math.max(pauseAfter(record.faults + 1), askedMs(failure));
      await this.tracking.change(this.storage.db, order.key, order.branch, {
        faults: record.faults + 1,
        fault: failure.toWire(),
        due_at: new Date(Date.now() + pauseMs),
      });
      return pauseMs;
    }
  }

  /** Branches that are gone and left nothing, and those that the tracking is no longer about, whose copies stay as they are. */
  async #forgetUnfollowed(
    { key, revision }: Pick<RefreshOrder, 'key' | 'revision'>,
    gone: BranchRecord[],
    { listed, followed }: { listed: Map<string, CommitId>; followed: Set<string> },
  ): Promise<void> {
    const over = await Promise.all(
      gone.map(async ({ branch }) => {
        if (followed.has(branch)) return [];
        if (listed.has(branch)) return [branch];
        const now = await this.tracking.branch(key, branch);
        if (now === undefined || needsRefresh(now, null, revision)) return [];
        // What a rule kept is shown for as long as it is kept.
        const kept = await this.problems.list(key, { branch, limit: 1 });
        return kept.length === 0 ? [branch] : [];
      }),
    );
    await this.tracking.forget(this.storage.db, key, over.flat());
  }

  #intervalMs(tracking: Tracking, missed: boolean): number {
    const health = webhookHealth(tracking, Date.now());
    return pollIntervalMs({ health, missed, random: Math.random() }, this.config);
  }
}

const bySyncedAt = (one: BranchRecord, other: BranchRecord): number =>
  (one.synced_at?.getTime() ?? 0) - (other.synced_at?.getTime() ?? 0);

/** A look that was asked for is over: what was told of is in the copies, where nothing failed. */
function tellLook(
  { hintedAt, polledAt }: Tracking,
  { provider }: Connector,
  look: { outcome: string; missed: boolean; seconds: number },
): void {
  const isHinted = hintedAt !== null && (polledAt === null || hintedAt > polledAt);
  tell('poll.look', { because: isHinted ? 'hint' : 'schedule', ...look });
  if (isHinted && look.outcome === 'OK')
    tell('webhook.lag', { provider, seconds: Math.max(0, Date.now() - hintedAt.getTime()) / 1_000 });
}

/** Whether something moved although nobody told of anything since the last look, which may have left branches where they were. */
function hasMissed(tracking: Tracking, known: BranchRecord[], listed: Map<string, CommitId>): boolean {
  const { hintedAt, polledAt } = tracking;
  if (hintedAt === null || polledAt === null || hintedAt > polledAt) return false;
  return known.some(({ branch, synced, target, listed: before }) => {
    const now = listed.get(branch) ?? null;
    return target === null && now !== synced && now !== before;
  });
}

function needsRefresh(record: BranchRecord, head: CommitId | null, revision: string): boolean {
  // One that is gone and was never followed may have copies, too: of saves, or of before what was known of it was forgotten.
  return record.synced !== head || record.target !== null || record.revision !== revision;
}

const pauseAfter = (faults: number): number =>
  Math.min(FAULT_PAUSE_MS * 2 ** Math.min(faults, 12), FAULT_PAUSE_MS_MAX) * (0.75 + Math.random() / 2);

/** After a lane could not be had so many times before. */
export const busyPause = (times: number): number =>
  Math.min(BUSY_PAUSE_MS * 2 ** Math.min(times, 10), BUSY_PAUSE_MS_MAX) * (0.75 + Math.random() / 2);
