// How the operations of moves end, in the transaction in which the lane's writer ends them: copies come to where their files are,
// and once they are at the target, what removes the files they came from is written down. So nobody has to bring a move on, and
// none is found half-way after a crash.
import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { ConnectorsRepository } from '../connectors/connectors.repository.js';
import { EntitiesRepository, type EntityKey } from '../entities/entities.repository.js';
import { lockEntities } from '../entities/entity-locks.repository.js';
import { EventsRepository, type NewEvent } from '../events/events.repository.js';
import { blobIdOf } from '../git/blob-id.js';
import type { BlobId, CommitId, Landed } from '../git/git.js';
import { Failure } from '../kernel/failure.js';
import type { Session } from '../storage/database.js';
import type { Conflicting } from './batch.js';
import { InlineMoves } from './inline-moves.js';
import { type DueLane, type Lane, LanesRepository } from './lanes.repository.js';
import { removalMessage } from './move-commit.js';
import { type MoveItem, type MoveRecord, MovesRepository, type Target } from './moves.repository.js';
import {
  changesOf,
  type GitOrigin,
  type OperationChange,
  type Origin,
  originKey,
} from './operation-changes.js';
import { type GitOperation, type OperationResult, OperationsRepository } from './operations.repository.js';
import type { Passage } from './passage.js';
import { recordOperation } from './recorded.js';
import { ofCopy, ofOperation } from './told.js';

/** What has landed where. */
interface Landing {
  lane: Lane;
  move: MoveRecord;
  operation: GitOperation;
  commitId: CommitId;
}

/** Where entities have arrived. */
interface Arrival {
  branch: string;
  commitId: CommitId;
  /** Paths where what was to be written stood already. */
  standing: ReadonlySet<string>;
}

@Injectable()
export class MoveSettlement {
  constructor(
    private readonly config: Config,
    private readonly moves: MovesRepository,
    private readonly operations: OperationsRepository,
    private readonly entities: EntitiesRepository,
    private readonly connectors: ConnectorsRepository,
    private readonly lanes: LanesRepository,
    private readonly events: EventsRepository,
    private readonly inline: InlineMoves,
  ) {}

  /**
   * What the moves among these operations change besides the lane's own: other lanes first and entities then, each in one order, as
   * everybody takes them who brings something into copies.
   */
  async hold(tx: Session, lane: Lane, operations: readonly GitOperation[]): Promise<void> {
    const landing = operations.filter(({ action }) => action === 'move');
    if (landing.length === 0) return;
    const keeping = await this.moves.keeping(
      tx,
      landing.flatMap(({ move_id }) => move_id ?? []),
    );
    const places = landing.flatMap((one) => touchedBy(one, lane, keeping.has(one.move_id ?? '')));
    const keys = landing.flatMap((one) => changesOf(one).filter(isToOrFromInline));
    const copies = await this.entities.placesOf(tx, keys);
    await this.lanes.fence(
      tx,
      [...places, ...copies].filter((place) => !isOf(lane, place)),
    );
    await lockEntities(tx, keys, 'exclusive');
  }

  /**
   * The operation's commit is on the branch, where each of its changes met what it `expects`. Answers lanes where something waits for
   * it. Whoever calls has what `hold` takes.
   */
  async land(
    tx: Session,
    lane: Lane,
    operation: GitOperation,
    { landed, expects, passage }: { landed: Landed; expects: readonly (BlobId | null)[]; passage: Passage },
  ): Promise<DueLane[]> {
    const { commit: commitId, unchanged } = landed;
    const move = await this.moves.hold(tx, operation.move_id as string);
    const items = await this.moves.itemsOf(tx, move.id, operation.id);
    const landing = { lane, move, operation, commitId };
    await this.inline.leaveInline(tx, changesOf(operation).filter(isFromInline));
    const told: NewEvent[] = [];
    for (const change of changesOf(operation)) told.push(...(await this.#settle(tx, landing, change)));
    const result = { commitId, blobId: null, created: false, unchanged };
    await this.operations.finish(tx, operation.id, { state: 'succeeded', result, passage });
    await this.events.record(tx, [ofOperation(operation, 'succeeded', { commitId }), ...told]);
    recordOperation(tx, operation, 'succeeded', { commitId });
    const leaving = move.keep_files ? [] : items.filter((item) => isToLeave(item, operation, lane));
    const arrived = items.filter((item) => !leaving.includes(item));
    await this.moves.change(tx, arrived, { state: 'done' });
    const standing = standingOf(operation, expects);
    const due = await this.#remove(tx, move, leaving, { branch: lane.branch, commitId, standing });
    await this.moves.conclude(tx, move.id);
    return due;
  }

  /** The operation met something else at these of its paths; nothing of it was written. */
  async refuse(
    tx: Session,
    operation: GitOperation,
    found: Conflicting['found'],
    passage: Passage,
  ): Promise<DueLane[]> {
    const { branch } = operation;
    const failures = found.map(({ change: { path, kind, id }, expect, theirs, failure: known }) => ({
      kind,
      id,
      failure: known ?? (new Failure('MOVE_CONFLICT', { path, branch, expected: expect, theirs }) as Failure),
    }));
    const { failure } = failures[0] as (typeof failures)[number];
    const ended = { state: 'conflict' as const, failure: failure.toWire(), passage };
    await this.operations.finish(tx, operation.id, ended);
    await this.events.record(tx, [ofOperation(operation, 'conflict', { code: failure.code })]);
    recordOperation(tx, operation, 'conflict', { code: failure.code });
    const own = (item: MoveItem): Failure | undefined =>
      failures.find(({ kind, id }) => kind === item.kind && id === item.entity_id)?.failure;
    const move = await this.moves.hold(tx, operation.move_id as string);
    const items = await this.moves.itemsOf(tx, move.id, operation.id);
    const leaving = items.filter(({ removal_id }) => removal_id === operation.id);
    for (const item of items) {
      const isLeaving = leaving.includes(item);
      if (isLeaving && own(item) === undefined) continue;
      const why = (own(item) ?? failure).toWire();
      await this.moves.change(tx, [item], { state: isLeaving ? 'left' : 'failed', failure: why });
    }
    const others = leaving.filter((item) => own(item) === undefined);
    const due = others.length === 0 ? [] : await this.#removeOthers(tx, move, others, operation);
    await this.moves.conclude(tx, move.id);
    return due;
  }

  /** The operation has failed. Answers entities whose copies went, as their branch is gone. */
  async fail(tx: Session, operation: GitOperation, failure: Failure): Promise<EntityKey[]> {
    const move = await this.moves.hold(tx, operation.move_id as string);
    const items = await this.moves.itemsOf(tx, move.id, operation.id);
    const left = items.filter(({ removal_id }) => removal_id === operation.id);
    const failed = items.filter((item) => !left.includes(item));
    // Where the branch is gone, so are the files.
    const isGone = failure.code === 'GIT_REF_NOT_FOUND';
    if (isGone) await this.#leaveBranch(tx, operation, left);
    else await this.moves.change(tx, left, { state: 'left', failure: failure.toWire() });
    await this.moves.change(tx, failed, { state: 'failed', failure: failure.toWire() });
    await this.moves.conclude(tx, move.id);
    return isGone ? left.map(({ scope, kind, entity_id: id }) => ({ scope, kind, id })) : [];
  }

  async #leaveBranch(tx: Session, operation: GitOperation, items: MoveItem[]): Promise<void> {
    const { branch, connector_id: connector, id: operationId, move_id: moveId } = operation;
    const about = { connector, cause: 'move', operationId, moveId };
    const told: NewEvent[] = [];
    for (const { scope, kind, entity_id: id, origin } of items) {
      const { repository, path, commitId } = origin as GitOrigin;
      const key = { scope, kind, id, branch };
      const isGone = await this.entities.deleteAt(tx, key, { repository, path });
      if (isGone) told.push(ofCopy({ ...key, path }, 'deleted', { ...about, commitId }));
    }
    await this.events.record(tx, told);
    await this.moves.change(tx, items, { state: 'done' });
  }

  async #settle(tx: Session, landing: Landing, change: OperationChange): Promise<NewEvent[]> {
    const { lane, move, operation, commitId } = landing;
    const { scope, kind, id, path, meaning, content, origin } = change;
    const key = { scope, kind, id, branch: lane.branch };
    const connector = operation.connector_id;
    const about = { commitId, connector, cause: 'move', operationId: operation.id, moveId: move.id };
    if (meaning === 'remove') {
      const isGone = await this.entities.deleteAt(tx, key, { repository: lane.repository, path });
      return isGone ? [ofCopy({ ...key, path }, 'deleted', { ...about, blobId: null })] : [];
    }
    if (meaning === 'inline') {
      const cause = { id: operation.id, move: move.id, commitId };
      return [await this.inline.becomeInline(tx, change, cause)];
    }
    if (meaning !== 'arrive' || content === null || origin === null) return [];
    if (origin.store === 'git' && move.keep_files && !isOf(lane, origin))
      await this.entities.deleteAt(tx, { ...key, branch: origin.branch }, origin);
    const blobId = blobIdOf(content);
    const copy = {
      ...key,
      connector_scope: operation.connector_scope,
      connector_id: connector,
      repository: lane.repository,
      path,
      yaml: content,
      blob_id: blobId,
      commit_id: commitId,
      operation_id: operation.id,
      invalid: null,
    };
    await this.entities.write(tx, copy, { over: true });
    return [ofCopy({ ...key, path }, 'moved', { ...about, blobId, ...fromOf(origin, lane) })];
  }

  async #removeOthers(
    tx: Session,
    move: MoveRecord,
    items: MoveItem[],
    refused: GitOperation,
  ): Promise<DueLane[]> {
    const { operation_id: id } = items[0] as MoveItem;
    const [arrival] = (await this.operations.load([id as string])) as [GitOperation];
    const { commitId } = arrival.result as OperationResult;
    const standing = new Set(changesOf(refused).flatMap(({ path, origin }) => (origin === null ? [] : path)));
    return this.#remove(tx, move, items, {
      branch: arrival.branch,
      commitId: commitId as CommitId,
      standing,
    });
  }

  /** Writes down what removes the files that these came from: one operation for each connector and branch. */
  async #remove(tx: Session, move: MoveRecord, items: MoveItem[], to: Arrival): Promise<DueLane[]> {
    const due: DueLane[] = [];
    const groups = Map.groupBy(items, (item) => originKey(item.origin as GitOrigin));
    for (const some of groups.values()) {
      const origin = some[0]?.origin as GitOrigin;
      const failure = await this.#unfit(tx, origin);
      if (failure !== undefined) {
        await this.moves.change(tx, some, { state: 'left', failure: failure.toWire() });
        continue;
      }
      const lane = await this.lanes.open(tx, origin.repository, origin.branch);
      const removal = await this.#writeRemoval(tx, { move, items: some, lane, to });
      await this.moves.change(tx, some, { state: 'removing', removal });
      due.push({ lane, account: move.account });
    }
    return due;
  }

  /** Why nothing can be removed by the connector that the files came by, if so. */
  async #unfit(tx: Session, origin: GitOrigin): Promise<Failure | undefined> {
    const { connectorScope: scope, connector: id, repository } = origin;
    const held = await this.connectors.hold(tx, { scope, id }).catch((error: unknown) => {
      if (error instanceof Failure) return error;
      throw error;
    });
    if (held instanceof Failure || held.url === repository) return held instanceof Failure ? held : undefined;
    return new Failure('CONNECTOR_UNFIT', {
      problem: `The connector ${id} points at another repository by now`,
      mend: 'Remove the file in Git, or leave it there',
    }) as Failure;
  }

  async #writeRemoval(
    tx: Session,
    { move, items, lane, to }: { move: MoveRecord; items: MoveItem[]; lane: string; to: Arrival },
  ): Promise<string> {
    const id = randomUUID();
    const [first] = items as [MoveItem];
    const origin = first.origin as GitOrigin;
    const { branch, commitId } = to;
    const left = items.map(({ kind, entity_id, path }) => ({
      kind,
      id: entity_id,
      to: { branch, commitId, path: path as string },
    }));
    const changes = items.map((item, at) => {
      const { path, blobId } = item.origin as GitOrigin;
      const { kind, entity_id } = item;
      const twin = twinOf(move, item, to);
      return {
        ...{ operation_id: id, at, kind, entity_id, path },
        meaning: 'remove' as const,
        expected: blobId,
        origin: twin === null ? null : JSON.stringify(twin),
      };
    });
    await this.operations.insert(
      tx,
      {
        id,
        scope: move.scope,
        account: move.account,
        action: 'move',
        move_id: move.id,
        kind: first.kind,
        entity_id: first.entity_id,
        path: origin.path,
        expected: origin.blobId,
        lane_id: lane,
        connector_scope: origin.connectorScope,
        connector_id: origin.connector,
        branch: origin.branch,
        message: removalMessage(move.message, id, left),
        author_name: move.author_name,
        author_email: move.author_email,
        requested_by: move.requested_by,
        deadline_at: new Date(Date.now() + this.config.SALLYPORT_OPERATION_DEADLINE_SECONDS * 1000),
      },
      changes,
    );
    return id;
  }
}

const isOf = (lane: Lane, { repository, branch }: { repository: string; branch: string }): boolean =>
  repository === lane.repository && branch === lane.branch;

const isFromInline = ({ meaning, origin }: OperationChange): boolean =>
  meaning === 'arrive' && origin?.store === 'inline';

const isToOrFromInline = (change: OperationChange): boolean =>
  change.meaning === 'inline' || isFromInline(change);

/**
 * Where copies of another lane's branch are changed here, its writer must not write what it has read before. A name of a branch has
 * one copy of an entity, in whichever repository: it goes over to this one.
 */
function touchedBy(operation: GitOperation, lane: Lane, keepsFiles: boolean): GitOrigin[] {
  const arriving = changesOf(operation).filter(({ meaning }) => meaning === 'arrive');
  const origins = arriving.flatMap(({ origin }) => (origin?.store === 'git' ? origin : []));
  return origins.filter(({ branch }) => keepsFiles || branch === lane.branch);
}

const standingOf = (operation: GitOperation, expects: readonly (BlobId | null)[]): ReadonlySet<string> =>
  new Set(
    changesOf(operation).flatMap(({ path, content }, at) =>
      content !== null && blobIdOf(content) === expects[at] ? path : [],
    ),
  );

/**
 * Of two URLs nobody knows that they lead to one repository. What stood at the same path of the same branch before it arrived there
 * may be the very file that is to go: see src/sync/removal-guard.ts.
 */
function twinOf(
  { target }: MoveRecord,
  { origin, path }: MoveItem,
  { branch, commitId, standing }: Arrival,
): GitOrigin | null {
  const from = origin as GitOrigin;
  const isTwin = path === from.path && branch === from.branch && standing.has(from.path);
  if (!isTwin) return null;
  const { connectorScope, connector, repository } = target as Extract<Target, { store: 'git' }>;
  return {
    ...{ store: 'git', connectorScope, connector, repository },
    ...{ branch, path: from.path, commitId, blobId: from.blobId },
  };
}

/** Whether the item has arrived by this operation, and its old file is in another lane. */
const isToLeave = ({ operation_id, origin }: MoveItem, operation: GitOperation, lane: Lane): boolean =>
  operation_id === operation.id && origin?.store === 'git' && !isOf(lane, origin);

/** What subscribers learn of where it was. */
function fromOf(origin: Origin, lane: Lane): object {
  if (origin.store === 'inline') return { from: null, fromStore: 'inline' };
  const { path, branch, connector } = origin;
  return { from: path, ...(isOf(lane, origin) ? {} : { fromBranch: branch, fromConnector: connector }) };
}
