// Moves and what becomes of each of their entities. Whoever changes one holds its row, so that the operations of one move, which end
// in different lanes, see each other.
import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type Insertable, type Selectable, sql } from 'kysely';
import type { EntityKey } from '../entities/entities.repository.js';
import { lockEntities } from '../entities/entity-locks.repository.js';
import { Failure, type WireFailure } from '../kernel/failure.js';
import type { Scope } from '../scopes/scope.js';
import { type Session, Storage } from '../storage/database.js';
import type { MoveItemState, MoveItemTable, MoveTable } from '../storage/move-schema.js';
import type { Origin } from './operation-changes.js';
import { keysForgotten, sameRequest } from './operations.repository.js';

export type MoveRecord = Selectable<MoveTable>;
export type MoveItem = Omit<Selectable<MoveItemTable>, 'origin' | 'failure'> & {
  origin: Origin | null;
  failure: WireFailure | null;
};

/** Where a move leads. */
export type Target =
  | { store: 'inline' }
  | { store: 'git'; connectorScope: Scope; connector: string; repository: string; branch: string };

export const itemStates = [
  'adding',
  'removing',
  'done',
  'left',
  'failed',
  'same',
  'blocked',
] as const satisfies readonly MoveItemState[];

@Injectable()
export class MovesRepository {
  constructor(private readonly storage: Storage) {}

  /** Fails on the unique index `move_idempotency` when a concurrent request with the same key was first. */
  async insert(
    tx: Session,
    move: Omit<Insertable<MoveTable>, 'id'> & { id: string },
    items: Insertable<MoveItemTable>[],
  ): Promise<void> {
    const { account, idempotency_key: key = null } = move;
    if (key !== null)
      await tx
        .updateTable('move')
        .set({ idempotency_key: null, request_hash: null })
        .where('account', '=', account)
        .where('idempotency_key', '=', key)
        .where('created_at', '<=', keysForgotten)
        .execute();
    await tx.insertInto('move').values(move).execute();
    if (items.length > 0) await tx.insertInto('move_item').values(items).execute();
  }

  /** @throws NOT_FOUND */
  async get(scope: Scope, id: string): Promise<MoveRecord> {
    const row = await this.storage.db
      .selectFrom('move')
      .selectAll()
      .where('scope', '=', scope)
      .where('id', '=', id)
      .executeTakeFirst();
    if (row === undefined) throw new Failure('NOT_FOUND', { what: 'move', id });
    return row;
  }

  /**
   * Newest first; `before` is a sequence number. With a connector, those that bring something to it or from it. One more than
   * `limit` where there are more.
   */
  async list(
    scope: Scope,
    page: { connector?: string | undefined; before?: number | undefined; limit: number },
  ): Promise<MoveRecord[]> {
    const { connector, before, limit } = page;
    let query = this.storage.db.selectFrom('move').selectAll().where('scope', '=', scope);
    if (before !== undefined) query = query.where('sequence', '<', before);
    if (connector !== undefined)
      query = query.where(
        sql<boolean>`(target ->> 'connector' = ${connector} or exists (
          select from move_item where move_id = move.id and origin ->> 'connector' = ${connector}
        ))`,
      );
    return query
      .orderBy('sequence', 'desc')
      .limit(limit + 1)
      .execute();
  }

  /** The move that this key began, if any. @throws IDEMPOTENCY_KEY_REUSED for another request */
  async findByKey(
    account: Scope,
    key: string,
    requestHash: Buffer,
    session: Session = this.storage.db,
  ): Promise<MoveRecord | undefined> {
    const row = await session
      .selectFrom('move')
      .selectAll()
      .where('account', '=', account)
      .where('idempotency_key', '=', key)
      .where('created_at', '>', keysForgotten)
      .executeTakeFirst();
    return sameRequest(row, { key, requestHash });
  }

  /** In the order of the request. */
  async items(
    id: string,
    page: { state?: MoveItemState | undefined; after?: number | undefined; limit: number },
  ): Promise<MoveItem[]> {
    let query = this.storage.db.selectFrom('move_item').selectAll().where('move_id', '=', id);
    if (page.state !== undefined) query = query.where('state', '=', page.state);
    if (page.after !== undefined) query = query.where('at', '>', page.after);
    return (await query.orderBy('at').limit(page.limit).execute()).map(toItem);
  }

  async counts(ids: string[]): Promise<Map<string, Record<MoveItemState, number>>> {
    if (ids.length === 0) return new Map();
    const rows = await this.storage.db
      .selectFrom('move_item')
      .select(['move_id', 'state', sql<number>`count(*)`.as('count')])
      .where('move_id', 'in', ids)
      .groupBy(['move_id', 'state'])
      .execute();
    const found = new Map(rows.map(({ move_id, state, count }) => [`${move_id} ${state}`, count]));
    const of = (id: string, state: MoveItemState): number => found.get(`${id} ${state}`) ?? 0;
    return new Map(
      ids.map((id) => [
        id,
        Object.fromEntries(itemStates.map((state) => [state, of(id, state)])) as Record<
          MoveItemState,
          number
        >,
      ]),
    );
  }

  /** Its operations, by when they were accepted, with the failure of those that have one. */
  async operations(ids: string[]): Promise<{ move_id: string; id: string; failure: WireFailure | null }[]> {
    if (ids.length === 0) return [];
    const rows = await this.storage.db
      .selectFrom('operation')
      .select(['move_id', 'id', 'failure'])
      .where('move_id', 'in', ids)
      .orderBy('sequence')
      .execute();
    return rows.map(({ move_id, id, failure }) => ({
      move_id: move_id as string,
      id,
      failure: failure as WireFailure | null,
    }));
  }

  /** Which of these have ended. */
  async ended(ids: string[]): Promise<string[]> {
    const rows = await this.storage.db
      .selectFrom('move')
      .select('id')
      .where('id', 'in', ids)
      .where('state', 'in', ['done', 'failed'])
      .execute();
    return rows.map(({ id }) => id);
  }

  /** Until the transaction ends, nobody else brings the move on. */
  async hold(tx: Session, id: string): Promise<MoveRecord> {
    return tx.selectFrom('move').selectAll().where('id', '=', id).forUpdate().executeTakeFirstOrThrow();
  }

  /** Which of these leave the files that their entities come from. */
  async keeping(tx: Session, ids: string[]): Promise<Set<string>> {
    const rows = await tx
      .selectFrom('move')
      .select('id')
      .where('id', 'in', ids)
      .where('keep_files', '=', true)
      .execute();
    return new Set(rows.map(({ id }) => id));
  }

  /**
   * Entities whose old files these operations of a place are to remove, and which have no copy on the branch that they were moved
   * to: none but the one of the old file, where the branches have one name.
   */
  async lost(
    removals: string[],
    { repository, branch }: { repository: string; branch: string },
  ): Promise<(EntityKey & { removal: string })[]> {
    const { rows } = await sql<EntityKey & { removal: string }>`
      select item.removal_id as removal, item.scope, item.kind, item.entity_id as id
      from operation join move on move.id = operation.move_id
      join move_item as item on item.move_id = move.id and item.removal_id = operation.id
      where operation.id = any(${removals}::text[]) and item.state = 'removing' and not exists (
        select from entity
        where (entity.scope, entity.kind, entity.id) = (item.scope, item.kind, item.entity_id)
          and entity.branch = move.target ->> 'branch'
          and not (entity.repository = ${repository} and entity.branch = ${branch}
            and entity.path = item.origin ->> 'path')
      )
    `.execute(this.storage.db);
    return rows;
  }

  /** Those that this operation moves, or whose old files it removes. */
  async itemsOf(tx: Session, move: string, operation: string): Promise<MoveItem[]> {
    const rows = await tx
      .selectFrom('move_item')
      .selectAll()
      .where('move_id', '=', move)
      .where((where) =>
        where.or([where('operation_id', '=', operation), where('removal_id', '=', operation)]),
      )
      .orderBy('at')
      .execute();
    return rows.map(toItem);
  }

  async change(
    tx: Session,
    items: Pick<MoveItem, 'move_id' | 'at'>[],
    { state, removal, failure }: { state: MoveItemState; removal?: string; failure?: WireFailure },
  ): Promise<void> {
    const [first] = items;
    if (first === undefined) return;
    await tx
      .updateTable('move_item')
      .set({
        state,
        ...(removal === undefined ? {} : { removal_id: removal }),
        ...(failure === undefined ? {} : { failure: JSON.stringify(failure) }),
      })
      .where('move_id', '=', first.move_id)
      .where(
        'at',
        'in',
        items.map(({ at }) => at),
      )
      .execute();
  }

  /** The move is where its entities are. */
  async conclude(tx: Session, id: string): Promise<void> {
    const states = await tx
      .selectFrom('move_item')
      .select('state')
      .distinct()
      .where('move_id', '=', id)
      .execute();
    const has = (state: MoveItemState): boolean => states.some((row) => row.state === state);
    const ended = has('failed') ? 'failed' : 'done';
    const running = has('adding') ? 'adding' : 'removing';
    const isOver = !has('adding') && !has('removing');
    await tx
      .updateTable('move')
      .set({ state: isOver ? ended : running, finished_at: isOver ? new Date() : null })
      .where('id', '=', id)
      .execute();
  }

  /** For whoever accepts a move of these: until the transaction ends, no save of them is accepted. */
  async holdEntities(tx: Session, keys: EntityKey[]): Promise<void> {
    await lockEntities(tx, keys, 'exclusive');
  }

  /**
   * For whoever accepts a save and holds the entity, which no move takes then: whether this copy of it is still where it was found;
   * true without one.
   * @throws ENTITY_MOVING
   */
  async assertStill(
    tx: Session,
    { scope, kind, id }: EntityKey,
    copy?: { repository: string; branch: string; path: string },
  ): Promise<boolean> {
    const { rows } = await sql<{ move: string | null; isThere: boolean }>`
      select (
        select move_id from move_item where scope = ${scope} and kind = ${kind} and entity_id = ${id}
        and state in ('adding', 'removing') limit 1
      ) as move,
      exists (
        select 1 from entity where scope = ${scope} and kind = ${kind} and id = ${id}
        and branch = ${copy?.branch ?? ''} and repository = ${copy?.repository ?? ''} and path = ${copy?.path ?? ''}
      ) as "isThere"
    `.execute(tx);
    const { move = null, isThere = false } = rows[0] ?? {};
    if (move !== null) throw new Failure('ENTITY_MOVING', { kind, id, move });
    return isThere || copy === undefined;
  }

  /** Which of these are being moved, and by which move. */
  async moving(session: Session, keys: EntityKey[]): Promise<(EntityKey & { move: string })[]> {
    if (keys.length === 0) return [];
    return session
      .selectFrom('move_item')
      .select(['scope', 'kind', 'entity_id as id', 'move_id as move'])
      .where('state', 'in', ['adding', 'removing'])
      .where((where) =>
        where(
          where.refTuple('scope', 'kind', 'entity_id'),
          'in',
          keys.map(({ scope, kind, id }) => where.tuple(scope, kind, id)),
        ),
      )
      .execute();
  }
}

export const newMoveId = (): string => randomUUID();

const toItem = (row: Selectable<MoveItemTable>): MoveItem => ({
  ...row,
  origin: row.origin as Origin | null,
  failure: row.failure as WireFailure | null,
});
