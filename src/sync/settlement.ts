// How operations end: what landed enters the copy, conflicts keep all three versions, failures say what to do. Everything
// that belongs to one outcome is one transaction under the lane's lease.
import { Injectable } from '@nestjs/common';
import { EntitiesRepository, type EntityKey, type EntityRecord } from '../entities/entities.repository.js';
import { EventsRepository } from '../events/events.repository.js';
import { blobIdOf } from '../git/blob-id.js';
import type { BlobId, ChainResult, CommitId, Git, Landed } from '../git/git.js';
import { tell } from '../kernel/facts.js';
import { Failure } from '../kernel/failure.js';
import { JobQueue } from '../queue/job-queue.js';
import type { Session } from '../storage/database.js';
import type { Conflicting } from './batch.js';
import { FileProblemsRepository } from './file-problems.repository.js';
import {
  type DueLane,
  expectationsOf,
  type Lane,
  LanesRepository,
  type Lease,
  type Plan,
  type PlannedStep,
} from './lanes.repository.js';
import { MoveSettlement } from './move-settlement.js';
import { keyOf } from './neighbourhood.js';
import { changesOf } from './operation-changes.js';
import { type GitOperation, OperationsRepository, type Version } from './operations.repository.js';
import type { Passage } from './passage.js';
import { PullWishesRepository } from './pull-wishes.repository.js';
import { Reconsideration } from './reconsideration.js';
import { recordOperation } from './recorded.js';
import { ofCopy, ofOperation } from './told.js';
import { TrackingRepository } from './tracking.repository.js';
import { Waits } from './waits.js';

/** What has been pushed. */
interface Put {
  operations: GitOperation[];
  plan: Pick<Plan, 'base' | 'steps'>;
  passage: Passage;
}

@Injectable()
export class Settlement {
  constructor(
    private readonly lanes: LanesRepository,
    private readonly operations: OperationsRepository,
    private readonly entities: EntitiesRepository,
    private readonly events: EventsRepository,
    private readonly tracking: TrackingRepository,
    private readonly problems: FileProblemsRepository,
    private readonly wishes: PullWishesRepository,
    private readonly reconsideration: Reconsideration,
    private readonly waits: Waits,
    private readonly moves: MoveSettlement,
    private readonly jobs: JobQueue,
  ) {}

  /** The plan's chain is on the branch. `operations` in the order of its steps. @throws LeaseLost */
  async succeed(
    lease: Lease,
    lane: Lane,
    { operations, plan, passage }: Put,
    result: Extract<ChainResult, { status: 'landed' }>,
  ): Promise<void> {
    const hints: DueLane[] = [];
    await this.lanes.update(lease, { plan: null, head: result.head, faults: 0 }, async (tx) => {
      const head = result.steps.at(-1)?.commit ?? result.head;
      const changes = operations.flatMap(changesOf);
      const paths = changes.map(({ path }) => path);
      await this.moves.hold(tx, lane, operations);
      const around = { repository: lane.repository, branch: lane.branch, paths, keys: changes };
      const copies = await this.entities.around(around, tx);
      const present = new Set(copies.map(({ scope, kind, id }) => keyOf(scope, kind, id)));
      const foreign = new Set<string>();
      for (const [index, operation] of operations.entries()) {
        const landed = result.steps[index] as Landed;
        if (operation.action === 'move') {
          const expects = expectationsOf(plan.steps[index] as PlannedStep);
          hints.push(...(await this.moves.land(tx, lane, operation, { landed, expects, passage })));
          continue;
        }
        const key = keyOf(operation.scope, operation.kind, operation.entity_id);
        const created = operation.yaml !== null && !present.has(key);
        const isHere = await this.#land(tx, lane, operation, { landed, created, passage });
        if (!isHere) foreign.add(operation.path);
        else if (operation.yaml === null) present.delete(key);
        else present.add(key);
      }
      await this.problems.overcome(tx, lane, paths);
      // Another file of an entity that is not where it was may be it now.
      await this.reconsideration.begin(
        tx,
        changes.filter(({ meaning }) => meaning !== 'save'),
      );
      await this.#overtake(tx, lane, { base: plan.base, head, paths }, foreign);
    });
    this.#wake(operations, { state: 'succeeded', code: 'OK' }, hints);
  }

  /** @throws LeaseLost */
  async fail(
    lease: Lease,
    change: Parameters<LanesRepository['update']>[1],
    { operations, passage }: { operations: GitOperation[]; passage: Passage },
    failure: Failure,
  ): Promise<void> {
    let ended: GitOperation[] = [];
    await this.lanes.update(lease, change, async (tx) => {
      // One of no stored plan may have been cancelled meanwhile.
      ended = await this.operations.pending(tx, operations, ({ id }) => id);
      for (const { id } of ended)
        await this.operations.finish(tx, id, { state: 'failed', failure: failure.toWire(), passage });
      const gone: EntityKey[] = [];
      for (const one of ended.filter(({ action }) => action === 'move'))
        gone.push(...(await this.moves.fail(tx, one, failure)));
      await this.reconsideration.begin(tx, gone);
      const told = ended.map((one) => ofOperation(one, 'failed', { code: failure.code }));
      for (const one of ended) recordOperation(tx, one, 'failed', { code: failure.code });
      await this.events.record(tx, told);
    });
    this.#wake(ended, { state: 'failed', code: failure.code });
  }

  /** Ends the plan, and these of its operations as conflicts. @throws LeaseLost */
  async conflict(
    lease: Lease,
    { base, passage }: { base: CommitId | null; passage: Passage },
    conflicts: Conflicting[],
    git: Git,
  ): Promise<void> {
    const single = conflicts.filter(({ operation }) => operation.action !== 'move');
    const texts = await this.#readTheirs(
      git,
      base,
      single.map(({ operation }) => operation.path),
    );
    const textOf = new Map(single.map((one, index) => [one, texts[index] ?? null]));
    const hints: DueLane[] = [];
    let ended: Conflicting[] = [];
    await this.lanes.update(lease, { plan: null }, async (tx) => {
      ended = await this.operations.pending(tx, conflicts, ({ operation }) => operation.id);
      for (const conflict of ended) {
        const { operation, found } = conflict;
        if (operation.action === 'move')
          hints.push(...(await this.moves.refuse(tx, operation, found, passage)));
        else await this.#refuse(tx, conflict, textOf.get(conflict) ?? null, passage);
      }
    });
    this.#wake(
      ended.map(({ operation }) => operation),
      { state: 'conflict', code: 'ENTITY_CONFLICT' },
      hints,
    );
  }

  /** Ends a save or a deletion as a conflict. `text` is what stands at its path. */
  async #refuse(
    tx: Session,
    { operation, found }: Conflicting,
    text: { id: BlobId; content: Uint8Array } | null,
    passage: Passage,
  ): Promise<void> {
    const { expect, theirs } = found[0] as Conflicting['found'][number];
    const { path, branch } = operation;
    const copy = await this.#copyOf(tx, operation);
    const failure = new Failure('ENTITY_CONFLICT', { path, branch, base: expect, theirs }).toWire();
    const versions = {
      base: {
        blobId: expect,
        yaml: expect !== null && copy?.blob_id === expect ? toText(copy.yaml) : null,
      },
      theirs: { blobId: theirs, yaml: text?.id === theirs ? toText(text.content) : null },
      ours: versionOf(operation.yaml),
    };
    const ended = { state: 'conflict' as const, failure: { ...failure, versions }, passage };
    await this.operations.finish(tx, operation.id, ended);
    await this.events.record(tx, [ofOperation(operation, 'conflict', { code: failure.code })]);
    recordOperation(tx, operation, 'conflict', { code: failure.code });
  }

  /**
   * Whoever follows the branch need not look at what landed, unless a file of it is another repository’s entity by now: a refresh
   * says so of the file.
   */
  async #overtake(
    tx: Session,
    lane: Lane,
    { base, head, paths }: { base: CommitId | null; head: CommitId; paths: string[] },
    foreign: ReadonlySet<string>,
  ): Promise<void> {
    await this.tracking.overtake(tx, lane, {
      base: foreign.size === 0 ? base : null,
      head,
      paths: paths.filter((path) => !foreign.has(path)),
    });
  }

  /** Whether the entity is of this repository still. */
  async #land(
    tx: Session,
    lane: Lane,
    operation: GitOperation,
    { landed, created, passage }: { landed: Landed; created: boolean; passage: Passage },
  ): Promise<boolean> {
    const { commit: commitId, unchanged } = landed;
    const blobId = landed.blobs[0] ?? null;
    const { scope, kind, entity_id: id, branch, path, yaml } = operation;
    const other = await this.#writeCopy(tx, lane, operation, { commitId, blobId });
    const elsewhere =
      other === undefined ? {} : { elsewhere: { connector: other.connector_id, path: other.path } };
    await this.operations.finish(tx, operation.id, {
      state: 'succeeded',
      result: { commitId, blobId, created: created && other === undefined, unchanged, ...elsewhere },
      passage,
    });
    await this.wishes.want(tx, operation, lane.repository);
    const kept = created ? 'created' : 'changed';
    const change = yaml === null || blobId === null ? 'deleted' : kept;
    const told = {
      commitId,
      blobId,
      connector: operation.connector_id,
      cause: 'save',
      operationId: operation.id,
    };
    const isTold = other === undefined && !(unchanged && change === 'changed');
    recordOperation(tx, operation, 'succeeded', { commitId, blobId, ...elsewhere });
    await this.events.record(tx, [
      ofOperation(operation, 'succeeded', { commitId, blobId, ...elsewhere }),
      ...(isTold ? [ofCopy({ scope, kind, id, branch, path }, change, told)] : []),
    ]);
    return other === undefined;
  }

  /** The copy that is another repository’s by now, and stays as it is. */
  async #writeCopy(
    tx: Session,
    lane: Lane,
    operation: GitOperation,
    { commitId, blobId }: { commitId: CommitId; blobId: BlobId | null },
  ): Promise<EntityRecord | undefined> {
    const { scope, kind, entity_id: id, branch, path, yaml } = operation;
    const key = { scope, kind, id, branch };
    if (yaml === null || blobId === null) return this.entities.delete(tx, key, lane.repository);
    return this.entities.write(tx, {
      ...key,
      connector_scope: operation.connector_scope,
      connector_id: operation.connector_id,
      repository: lane.repository,
      path,
      yaml,
      blob_id: blobId,
      commit_id: commitId,
      operation_id: operation.id,
      invalid: null,
    });
  }

  /** The text that stands in the way, as far as it can be shown; a conflict is one without it, too. */
  async #readTheirs(
    git: Git,
    base: CommitId | null,
    paths: string[],
  ): Promise<Awaited<ReturnType<Git['read']>>> {
    if (base === null || paths.length === 0) return [];
    return git.read(base, paths).catch(() => []);
  }

  async #copyOf(tx: Session, { scope, kind, entity_id: id, branch, new_branch_from }: GitOperation) {
    const copy: EntityRecord | undefined = await this.entities.find(
      { scope, kind, id },
      new_branch_from ?? branch,
      tx,
    );
    return copy;
  }

  /** `hints` are lanes where operations were written down meanwhile. */
  #wake(operations: GitOperation[], end: { state: string; code: string }, hints: DueLane[] = []): void {
    for (const { action, created_at } of operations)
      tell('operation.end', { action, ...end, seconds: (Date.now() - created_at.getTime()) / 1_000 });
    this.waits.wake(operations.map(({ id }) => id));
    for (const due of hints) this.jobs.add('lane.run', due);
  }
}

function versionOf(yaml: Uint8Array | null): Version {
  return yaml === null ? { blobId: null, yaml: null } : { blobId: blobIdOf(yaml), yaml: toText(yaml) };
}

/** Longer texts, and bytes that are no text, are not shown. */
const SHOWN_BYTES_MAX = 1024 * 1024;

function toText(bytes: Uint8Array): string | null {
  if (bytes.byteLength > SHOWN_BYTES_MAX) return null;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.includes('\0') ? null : text;
  } catch {
    return null;
  }
}
