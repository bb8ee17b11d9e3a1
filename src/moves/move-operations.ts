// Writes a move down: its entities, and the operations that begin it.
import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { EntitiesRepository, type EntityKey } from '../entities/entities.repository.js';
import { EventsRepository } from '../events/events.repository.js';
import type { Session } from '../storage/database.js';
import { InlineMoves } from '../sync/inline-moves.js';
import { type DueLane, LanesRepository } from '../sync/lanes.repository.js';
import { arrivalMessage, removalMessage } from '../sync/move-commit.js';
import { MovesRepository } from '../sync/moves.repository.js';
import type { GitOrigin, Origin } from '../sync/operation-changes.js';
import { type ChangeRow, OperationsRepository } from '../sync/operations.repository.js';
import { Reconsideration } from '../sync/reconsideration.js';
import { recordOperation } from '../sync/recorded.js';
import { ofOperation } from '../sync/told.js';
import {
  arrivalChanges,
  bareOrigin,
  type ChangeDraft,
  type GitDestination,
  inlineChanges,
  type MovePlan,
  nameOf,
  type Wish,
} from './move-plan.js';

export type NewMove = Omit<Parameters<MovesRepository['insert']>[1], 'state' | 'finished_at'>;

/** A commit of the move. */
interface Draft {
  id: string;
  changes: ChangeDraft[];
}

/** Where an operation is carried out. */
interface Place {
  connector: { scope: string; id: string };
  repository: string;
  branch: string;
  newBranchFrom: string | undefined;
}

@Injectable()
export class MoveOperations {
  constructor(
    private readonly config: Config,
    private readonly moves: MovesRepository,
    private readonly operations: OperationsRepository,
    private readonly lanes: LanesRepository,
    private readonly inline: InlineMoves,
    private readonly entities: EntitiesRepository,
    private readonly events: EventsRepository,
    private readonly reconsideration: Reconsideration,
  ) {}

  /**
   * Where the acceptance changes copies itself, whoever is at their lanes must not write what it has read before. Lanes come before
   * entities, for everybody.
   */
  async fence(tx: Session, { to, keepFiles }: Wish, keys: EntityKey[]): Promise<void> {
    if (to.store === 'inline' && keepFiles)
      await this.lanes.fence(tx, await this.entities.placesOf(tx, keys));
  }

  /** Answers lanes where something waits for it. Whoever calls holds the entities. */
  async write(tx: Session, move: NewMove, wish: Wish, plan: MovePlan): Promise<DueLane[]> {
    const drafts = draftsOf(wish, plan);
    await this.#writeItems(tx, move, { wish, plan, drafts });
    if (wish.to.store === 'inline' && wish.keepFiles) {
      await this.#keepInline(tx, move, drafts);
      return [];
    }
    const due: DueLane[] = [];
    for (const draft of drafts) {
      const { place, message } =
        wish.to.store === 'git' ? arrival(move, wish.to, plan, draft) : removal(move, draft);
      due.push(await this.#writeOperation(tx, move, { draft, place, message }));
    }
    return due;
  }

  async #writeItems(
    tx: Session,
    move: NewMove,
    { wish, plan, drafts }: { wish: Wish; plan: MovePlan; drafts: Draft[] },
  ): Promise<void> {
    const operationOf = new Map(
      drafts.flatMap(({ id, changes }) => changes.map((change) => [nameOf(change), id] as const)),
    );
    const begun = wish.to.store === 'git' ? ('adding' as const) : ('removing' as const);
    const items = plan.planned.map((one, at) => ({
      move_id: move.id,
      at,
      scope: move.scope,
      kind: one.kind,
      entity_id: one.id,
      state: one.outcome === 'move' ? begun : one.outcome,
      origin: one.origin === null ? null : JSON.stringify(bareOrigin(one.origin)),
      path: one.path,
      operation_id: operationOf.get(nameOf(one)) ?? null,
      failure: one.failure === null ? null : JSON.stringify(one.failure.toWire()),
    }));
    const isOver = drafts.length === 0;
    const state = isOver ? ('done' as const) : begun;
    await this.moves.insert(tx, { ...move, state, finished_at: isOver ? new Date() : null }, items);
  }

  async #writeOperation(
    tx: Session,
    move: NewMove,
    { draft, place, message }: { draft: Draft; place: Place; message: string },
  ): Promise<DueLane> {
    const lane = await this.lanes.open(tx, place.repository, place.branch);
    const [first] = draft.changes as [ChangeDraft];
    await this.operations.insert(
      tx,
      {
        ...bareOperation(move, draft),
        path: first.path,
        lane_id: lane,
        connector_scope: place.connector.scope,
        connector_id: place.connector.id,
        branch: place.branch,
        new_branch_from: place.newBranchFrom ?? null,
        message,
        author_name: move.author_name,
        author_email: move.author_email,
        deadline_at: new Date(Date.now() + this.config.SALLYPORT_OPERATION_DEADLINE_SECONDS * 1000),
      },
      rowsOf(draft),
    );
    return { lane, account: move.account };
  }

  /** Where the files stay there is nothing to do in Git: it is done with the acceptance. */
  async #keepInline(tx: Session, move: NewMove, drafts: Draft[]): Promise<void> {
    for (const draft of drafts) {
      const row = bareOperation(move, draft);
      const result = { commitId: null, blobId: null, created: false, unchanged: true };
      const ended = { state: 'succeeded' as const, result: JSON.stringify(result), finished_at: new Date() };
      await this.operations.insert(tx, { ...row, ...ended, deadline_at: new Date() }, rowsOf(draft));
      const told = [ofOperation({ ...row, branch: null, path: null }, 'succeeded', { commitId: null })];
      const cause = { id: draft.id, move: move.id, commitId: null };
      for (const change of draft.changes)
        told.push(await this.inline.becomeInline(tx, { ...change, scope: move.scope, content: null }, cause));
      await this.events.record(tx, told);
      recordOperation(tx, { ...row, branch: null, path: null }, 'succeeded', { commitId: null });
      await this.moves.change(tx, await this.moves.itemsOf(tx, move.id, draft.id), { state: 'done' });
    }
    const left = drafts.flatMap(({ changes }) =>
      changes.map(({ kind, id }) => ({ scope: move.scope, kind, id })),
    );
    await this.reconsideration.begin(tx, left);
    await this.moves.conclude(tx, move.id);
  }
}

function draftsOf(wish: Wish, { planned, documents }: MovePlan): Draft[] {
  const moving = planned.filter(({ outcome }) => outcome === 'move');
  if (moving.length === 0) return [];
  const commits =
    wish.to.store === 'git' ? [arrivalChanges(moving, documents, wish)] : inlineChanges(moving, documents);
  return commits.map((changes) => ({ id: randomUUID(), changes }));
}

function arrival(
  move: NewMove,
  { connector, branch, newBranchFrom }: GitDestination,
  { planned }: MovePlan,
  { id }: Draft,
): { place: Place; message: string } {
  const moved = planned
    .filter(({ outcome }) => outcome === 'move')
    .map(({ kind, id: entity, origin }) => ({ kind, id: entity, origin: origin as Origin }));
  return {
    place: { connector, repository: connector.url, branch, newBranchFrom },
    message: arrivalMessage(move.message ?? null, id, moved),
  };
}

function removal(move: NewMove, { id, changes }: Draft): { place: Place; message: string } {
  const [first] = changes as [ChangeDraft];
  const { connectorScope, connector, repository, branch } = first.origin as GitOrigin;
  const left = changes.map(({ kind, id: entity }) => ({ kind, id: entity, to: null }));
  return {
    place: {
      connector: { scope: connectorScope, id: connector },
      repository,
      branch,
      newBranchFrom: undefined,
    },
    message: removalMessage(move.message ?? null, id, left),
  };
}

function bareOperation(move: NewMove, { id, changes }: Draft) {
  const [first] = changes as [ChangeDraft];
  return {
    id,
    scope: move.scope,
    account: move.account,
    action: 'move' as const,
    move_id: move.id,
    kind: first.kind,
    entity_id: first.id,
    expected: first.expected,
    requested_by: move.requested_by,
  };
}

const rowsOf = ({ id, changes }: Draft) =>
  changes.map(({ kind, id: entity, path, meaning, document, expected, origin }, at) => ({
    operation_id: id,
    at,
    kind,
    entity_id: entity,
    path,
    meaning: meaning as ChangeRow['meaning'],
    yaml: document,
    expected,
    origin: origin === null ? null : JSON.stringify(origin),
  }));
