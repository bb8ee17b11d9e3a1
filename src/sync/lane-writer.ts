// One account's work on one lane, round by round under the lease of the moment: a plan is made, stored, pushed and settled.
// A plan, once stored, is the only one that may be pushed until it has landed or is known to be dead; that, and not the
// lease, is why no operation is ever applied twice.
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../config/config.js';
import type { Connectivity } from '../connectivity/connectivity.js';
import type { ConnectorsRepository } from '../connectors/connectors.repository.js';
import type { EntitiesRepository } from '../entities/entities.repository.js';
import type { BlobId, ChainResult, CommitId, Git } from '../git/git.js';
import { secondsSince, tell } from '../kernel/facts.js';
import { Failure } from '../kernel/failure.js';
import type { Log } from '../kernel/log.js';
import { step } from '../kernel/step.js';
import { causeOf, chainOf, chooseBatch, connectorKey, partMismatches, planSteps } from './batch.js';
import { asBatch } from './batch-trace.js';
import { commitOnHead, emptyRepository } from './commit-on-head.js';
import { DEATHS_MAX, deathsOf, lostOver, poisoned } from './deaths.js';
import { isInDoubt } from './doubt.js';
import { askedMs, explainWait, type HostPauses } from './host-pauses.js';
import {
  type Lane,
  type LanesRepository,
  type Lease,
  LeaseLost,
  type Plan,
  type Rest,
} from './lanes.repository.js';
import { keyOf, Neighbourhood } from './neighbourhood.js';
import { changesOf, pathsOf } from './operation-changes.js';
import type { GitOperation, OperationsRepository } from './operations.repository.js';
import { type Passage, type Pusher, passageOf } from './passage.js';
import type { RemovalGuard } from './removal-guard.js';
import type { Settlement } from './settlement.js';

/** What a writer works with; the same for all lanes. */
export interface Desk {
  config: Config;
  lanes: LanesRepository;
  operations: OperationsRepository;
  entities: EntitiesRepository;
  connectors: ConnectorsRepository;
  connectivity: Connectivity;
  settlement: Settlement;
  pauses: HostPauses;
  guard: RemovalGuard;
  log: Log;
}

const WAITING_MAX = 500;
const RACES_MAX = 8;
const RACE_PAUSE_MS = 20;
const ABSENCE_PAUSE_MS = 1_000;
const FAULT_PAUSE_MS = 500;
const FAULT_PAUSE_MS_MAX = 30_000;

/** These may be one operation's fault, and must not fail its neighbours in the batch. */
const personal = new Set(['GIT_PATH_BLOCKED', 'GIT_PUSH_REJECTED', 'GIT_LIMIT_EXCEEDED']);

export class LaneWriter {
  /** How long the account's operations rest after the last round. */
  #pauseMs = 0;
  /** Whether nobody may go on before the rest is over, since it is open what has landed. */
  #isInDoubt = false;
  #held: Lease | undefined;
  readonly #blocked = new Set<string>();
  /** Changes whose content stands in Git already: what they must expect there. */
  readonly #adopted = new Map<string, BlobId | null>();
  #alone = 0;
  /** The next batch ends before an operation that has to see the ones before it in Git. */
  #prefixMax: number | undefined;
  #races = 0;
  /** Of the batch of this round. */
  #passage: Passage = {};
  /** Who answers for the host. */
  #pusher: Pusher | undefined;

  constructor(
    private readonly desk: Desk,
    private readonly account: string,
  ) {}

  /**
   * One round; whether another one may find work. It is the account's own, unless a plan of another one is stored or stands
   * in its way at a path. @throws LeaseLost, and what the database throws
   */
  async round(lease: Lease): Promise<boolean> {
    this.#held = lease;
    this.#isInDoubt = false;
    this.#passage = {};
    const lane = await this.desk.lanes.load(lease);
    const { plan } = lane;
    if (plan !== null) {
      const planned = await this.desk.operations.load(plan.steps.map(({ operation }) => operation));
      return asBatch(planned, () => this.#resume(lane, plan, planned));
    }
    const { account } = this;
    const waiting = await this.#expire(await this.desk.operations.waiting(lane.id, account, WAITING_MAX));
    const operationsMax = this.#alone > 0 ? 1 : this.#prefixMax;
    const batch = chooseBatch(waiting, this.#blocked, { account, operationsMax });
    if (batch.length === 0) return false;
    this.#alone = Math.max(0, this.#alone - 1);
    this.#prefixMax = undefined;
    this.#passage = { takenAt: now() };
    return asBatch(batch, () => this.#begin(lane, batch));
  }

  /** What has to pass before the sweep asks for the account, or for the lane, again. */
  get rest(): Rest {
    return { ms: this.#pauseMs, account: this.#isInDoubt ? null : this.account };
  }

  /** Of the round that runs. */
  private get lease(): Lease {
    if (this.#held === undefined) throw new Error('There is no lease outside a round');
    return this.#held;
  }

  async #begin(lane: Lane, batch: GitOperation[]): Promise<boolean> {
    const asked = this.#askedOf(lane, batch);
    if (asked !== undefined) {
      this.#blocked.add(connectorKey(batch[0] as GitOperation));
      await this.#rest(batch, asked, lane.faults);
      return true;
    }
    let git: Git;
    let plan: Plan | undefined;
    try {
      git = await this.#open(batch);
      const objections = await this.desk.guard.objections(lane, batch, git);
      if (objections.length > 0) {
        const met = { base: null, passage: this.#passage };
        await this.desk.settlement.conflict(this.lease, met, objections, git);
        return true;
      }
      const place = await this.#landingPlace(lane, batch[0] as GitOperation, git);
      plan = await this.#plan(lane, batch, place);
    } catch (error) {
      if (error instanceof LeaseLost) throw error;
      return this.#fault(error, lane, undefined, batch);
    }
    return plan === undefined || this.#push(lane, plan, batch, git);
  }

  async #resume(lane: Lane, stored: Plan, operations: GitOperation[]): Promise<boolean> {
    const asked = this.#askedOf(lane, operations);
    if (asked !== undefined) {
      await this.#rest(operations, asked, lane.faults);
      this.#isInDoubt = true;
      return false;
    }
    this.#passage = passageOf(stored);
    const plan = { ...stored, attempts: stored.attempts + 1 };
    await this.desk.lanes.update(this.lease, { plan });
    let git: Git;
    try {
      git = await this.#open(operations);
    } catch (error) {
      return this.#fault(error, lane, plan, operations);
    }
    return this.#push(lane, plan, operations, git);
  }

  /**
   * What the host asked others of the account to wait for: it is not asked by this round, and that is no attempt. Where an operation
   * would be over by then, it is asked all the same: who waits for one that others were told of may be let in.
   */
  #askedOf({ repository }: Lane, operations: GitOperation[]): Failure | undefined {
    const [first] = operations;
    const asked = first && this.desk.pauses.forWork({ scope: first.connector_scope, url: repository });
    if (asked === undefined || askedPauseMs(asked, operations) < askedMs(asked)) return undefined;
    return asked;
  }

  async #open(operations: GitOperation[]): Promise<Git> {
    const { connector_scope, connector_id } = operations[0] as GitOperation;
    const connector = await this.desk.connectors.get(connector_scope, connector_id);
    this.#pusher = connector.connectivity === 'manager' ? { connectivity: 'manager' } : undefined;
    return this.desk.connectivity.open(connector, causeOf(operations), ({ id, name, group }) => {
      this.#pusher = { connectivity: 'delegate', delegate: { id, name, group } };
    });
  }

  /** Where the chain stands: on the branch, on the branch a new one starts from, or on nothing in an empty repository. */
  async #landingPlace(lane: Lane, first: GitOperation, git: Git): Promise<Pick<Plan, 'base' | 'create'>> {
    const source = first.new_branch_from;
    if (source === null && lane.head !== null) return { base: lane.head, create: false };
    const head = await git.head(lane.branch);
    if (source === null && head !== null) return { base: head, create: false };
    if (source === null) return emptyRepository(git, lane.branch);
    if (head !== null) throw new Failure('GIT_BRANCH_EXISTS', { branch: lane.branch });
    const base = await git.head(source);
    if (base === null) throw new Failure('GIT_REF_NOT_FOUND', { ref: source });
    return { base, create: true };
  }

  /** Makes and stores the plan; undefined when no operation of the batch is left, or one was cancelled and all are chosen anew. */
  async #plan(
    lane: Lane,
    batch: GitOperation[],
    place: Pick<Plan, 'base' | 'create'>,
  ): Promise<Plan | undefined> {
    const around = await this.#look(lane, batch, lane.branch);
    const admitted = await this.#admit(around, batch);
    if (admitted.length === 0) return undefined;
    const source = admitted[0]?.new_branch_from ?? null;
    const known = source === null ? around : await this.#look(lane, batch, source);
    const { connector_scope: scope, connector_id: id } = admitted[0] as GitOperation;
    const plan: Plan = {
      connector: { scope, id },
      ...place,
      committer: {
        name: this.desk.config.SALLYPORT_COMMITTER_NAME,
        email: this.desk.config.SALLYPORT_COMMITTER_EMAIL,
      },
      attempts: 1,
      steps: planSteps(admitted, (path) => known.blobAt(path), this.#adopted),
      takenAt: this.#passage.takenAt,
      plannedAt: now(),
    };
    this.#passage = passageOf(plan);
    const isStored = await step('lane.plan', () => this.desk.lanes.plan(this.lease, plan));
    return isStored ? plan : undefined;
  }

  async #look(lane: Lane, batch: GitOperation[], branch: string): Promise<Neighbourhood> {
    const keys = batch.flatMap(changesOf);
    const paths = batch.flatMap(pathsOf);
    const copies = await this.desk.entities.around({ repository: lane.repository, branch, paths, keys });
    return new Neighbourhood(lane.repository, copies);
  }

  /** Ends what the copy already rules out, and answers the rest. */
  async #admit(around: Neighbourhood, batch: GitOperation[]): Promise<GitOperation[]> {
    const claimed = new Map<string, string>();
    const refused: { operation: GitOperation; failure: Failure }[] = [];
    const admitted = batch.filter((operation) => {
      const failure = around.objection(operation, claimed);
      if (failure !== undefined) refused.push({ operation, failure });
      else
        for (const { path, content, scope, kind, id } of changesOf(operation))
          if (operation.action !== 'move' || content !== null) claimed.set(path, keyOf(scope, kind, id));
      return failure === undefined;
    });
    for (const { operation, failure } of refused) await this.#fail({}, [operation], failure);
    return admitted;
  }

  /**
   * A fault of Git decides what becomes of the plan. One of the database does not: it goes up, the plan stays stored, and
   * whoever takes the lane next finds out that it has landed.
   */
  async #push(lane: Lane, plan: Plan, operations: GitOperation[], git: Git): Promise<boolean> {
    const chain = chainOf(plan, lane.branch, operations);
    const began = performance.now();
    const told = { operations: operations.length };
    let result: ChainResult;
    try {
      result = await step('lane.push', () => commitOnHead(git, chain));
    } catch (error) {
      tell('lane.push', { ...told, outcome: 'fault', seconds: secondsSince(began) });
      return this.#fault(error, lane, plan, operations);
    }
    const outcome = result.status === 'mismatch' ? 'conflict' : result.status;
    tell('lane.push', { ...told, outcome, seconds: secondsSince(began) });
    if (result.status === 'moved') return this.#replan(result.head, operations);
    const ordered = plan.steps.map(
      (planned) => operations.find(({ id }) => id === planned.operation) as GitOperation,
    );
    if (result.status === 'mismatch') return this.#part(plan, ordered, result.mismatches, git);
    const passage = { ...this.#passage, pushedAt: now(), pushedBy: this.#pusher };
    const put = { operations: ordered, plan, passage };
    await step('lane.settle', () => this.desk.settlement.succeed(this.lease, lane, put, result));
    this.#races = 0;
    return true;
  }

  /**
   * Somebody else moved the branch first: the plan is dead, the next one stands on the new head. Where delegates died over it,
   * one of its operations may be what they die of, and must not take its neighbours along.
   */
  async #replan(head: CommitId | null, operations: GitOperation[]): Promise<boolean> {
    await this.desk.lanes.update(this.lease, { plan: null, head });
    if (operations.some(({ deaths }) => deaths > 0)) this.#alone = operations.length;
    this.#races += 1;
    if (this.#races > RACES_MAX) {
      this.#pauseMs = FAULT_PAUSE_MS;
      return false;
    }
    await delay(Math.random() * RACE_PAUSE_MS * 2 ** this.#races);
    return true;
  }

  /** Ends the operations that found something else at their paths; the others go on with the next plan. */
  async #part(
    plan: Plan,
    operations: GitOperation[],
    mismatches: Mismatched['mismatches'],
    git: Git,
  ): Promise<boolean> {
    const { standing, prefixMax, conflicts } = partMismatches(plan, operations, mismatches, this.#adopted);
    for (const [key, theirs] of standing) this.#adopted.set(key, theirs);
    if (prefixMax !== undefined) this.#prefixMax = Math.min(prefixMax, this.#prefixMax ?? prefixMax);
    const met = { base: plan.base, passage: this.#passage };
    await this.desk.settlement.conflict(this.lease, met, conflicts, git);
    return true;
  }

  async #fault(
    error: unknown,
    lane: Lane,
    plan: Plan | undefined,
    operations: GitOperation[],
  ): Promise<boolean> {
    const failure = Failure.from(error, `lane ${lane.id}`);
    tell('lane.fault', { code: failure.code });
    this.desk.log.warn({ err: error, lane: lane.id, branch: lane.branch }, 'push not done');
    const { connector_scope: scope, connector_id: id } = operations[0] as GitOperation;
    this.desk.pauses.hear(failure, { scope, id, url: lane.repository });
    if (plan !== undefined && isInDoubt(plan, failure))
      return this.#keepPlan(lane, plan, operations, failure);
    const deaths = deathsOf(operations, failure);
    if (deaths >= DEATHS_MAX) return this.#end(operations, poisoned(deaths, failure));
    if (failure.disposition !== 'stop') return this.#block(lane, operations, failure);
    if (operations.length > 1 && personal.has(failure.code)) {
      this.#alone = operations.length;
      await this.desk.lanes.update(this.lease, { plan: null });
      return true;
    }
    return this.#end(operations, failure);
  }

  async #end(operations: GitOperation[], failure: Failure): Promise<boolean> {
    await this.#fail({ plan: null, head: null }, operations, failure);
    return true;
  }

  async #fail(change: Partial<Lane>, operations: GitOperation[], failure: Failure): Promise<void> {
    const ended = { operations, passage: this.#passage };
    await this.desk.settlement.fail(this.lease, change, ended, failure);
  }

  /** Nothing was written: this connector's operations wait, others go on. */
  async #block(lane: Lane, operations: GitOperation[], failure: Failure): Promise<boolean> {
    const faults = isMereAbsence(failure) ? 0 : lane.faults + 1;
    await this.desk.lanes.update(this.lease, { plan: null, head: null, faults });
    this.#blocked.add(connectorKey(operations[0] as GitOperation));
    await this.#rest(operations, failure, faults);
    return true;
  }

  /** The push may have arrived: nothing else happens on the lane until the same plan has been tried again. */
  async #keepPlan(lane: Lane, plan: Plan, operations: GitOperation[], failure: Failure): Promise<boolean> {
    const deaths = deathsOf(operations, failure);
    const isPoison = deaths >= DEATHS_MAX;
    if (isPoison || operations.every((operation) => isOver(operation))) {
      const { branch } = lane;
      const { message: waitedFor } = isPoison ? poisoned(deaths, failure) : failure;
      return this.#end(operations, new Failure('OPERATION_IN_DOUBT', { branch, waitedFor }) as Failure);
    }
    await this.desk.lanes.update(this.lease, { plan, faults: lane.faults + 1 });
    await this.#rest(operations, failure, lane.faults + 1);
    this.#isInDoubt = true;
    return false;
  }

  async #rest(operations: GitOperation[], failure: Failure, faults: number): Promise<void> {
    const ids = operations.map(({ id }) => id);
    await this.desk.operations.explainWait(ids, explainWait(failure), lostOver(failure));
    const pause = isMereAbsence(failure)
      ? ABSENCE_PAUSE_MS
      : Math.min(FAULT_PAUSE_MS * 2 ** Math.min(faults, 10), FAULT_PAUSE_MS_MAX) * (0.5 + Math.random() / 2);
    this.#pauseMs = Math.max(this.#pauseMs, pause, askedPauseMs(failure, operations));
  }

  /** Ends what waited too long, and answers the rest. */
  async #expire(waiting: GitOperation[]): Promise<GitOperation[]> {
    for (const operation of waiting.filter(isOver)) {
      const waitedFor = operation.waits_for ?? 'its turn';
      const failure = new Failure('OPERATION_EXPIRED', { waitedFor }) as Failure;
      await this.#fail({}, [operation], failure);
    }
    return waiting.filter((operation) => !isOver(operation));
  }
}

type Mismatched = Extract<ChainResult, { status: 'mismatch' }>;

/** It costs nothing to look again; where somebody was asked in vain, it does. */
const isMereAbsence = ({ disposition, data }: Failure): boolean =>
  disposition === 'wait' && (data as { wasAsked?: true }).wasAsked !== true;

/** What the host asked for, but no longer than the first of these operations may wait. */
function askedPauseMs(failure: Failure, operations: GitOperation[]): number {
  const leftMs = operations.map(({ deadline_at }) => deadline_at.getTime() - Date.now());
  return Math.max(0, Math.min(askedMs(failure), ...leftMs));
}

const now = (): string => new Date().toISOString();

const isOver = ({ deadline_at }: GitOperation): boolean => deadline_at.getTime() <= Date.now();
