// Operations: what was acknowledged, and what became of it.
import { Injectable } from '@nestjs/common';
import { type Insertable, type Selectable, sql } from 'kysely';
import { traceparent } from '../kernel/concern.js';
import { Failure, type WireFailure } from '../kernel/failure.js';
import type { Scope } from '../scopes/scope.js';
import { type Session, Storage } from '../storage/database.js';
import type { OperationChangeTable } from '../storage/move-schema.js';
import { fitPage, type Page } from '../storage/page.js';
import type { OperationState, OperationTable } from '../storage/schema.js';
import { pathsOf } from './operation-changes.js';
import { type Passage, passageColumns } from './passage.js';

/** Any operation. */
export type OperationRecord = Selectable<OperationTable> & {
  /** Of a move, where they were loaded. */
  changes?: readonly ChangeRow[];
};
export type ChangeRow = Selectable<OperationChangeTable>;

/** Null together, where an operation has no place in Git. */
type PlaceColumn =
  | 'lane_id'
  | 'connector_scope'
  | 'connector_id'
  | 'branch'
  | 'path'
  | 'message'
  | 'author_name'
  | 'author_email';

/** An operation that a lane brings to Git. */
export type GitOperation = OperationRecord & { [C in PlaceColumn]: NonNullable<OperationRecord[C]> };

export const isOfGit = (operation: OperationRecord): operation is GitOperation => operation.lane_id !== null;

/** What a succeeded operation left. */
export interface OperationResult {
  /** Null where it left nothing in Git. */
  commitId: string | null;
  /** Null after a deletion. */
  blobId: string | null;
  /** Whether the entity was new on its branch. */
  created: boolean;
  /** Whether Git held exactly this already, so that no commit was needed. */
  unchanged: boolean;
  /** Where the entity is, if that is another repository by now: what landed is in Git, and no copy of it. */
  elsewhere?: { connector: string; path: string };
}

export interface Version {
  blobId: string | null;
  /** Absent content is null; so is what cannot be shown as text. */
  yaml: string | null;
}

/** How an unsuccessful operation ended; with a conflict, the three versions. */
export interface OperationFailure extends WireFailure {
  versions?: { base: Version; theirs: Version; ours: Version };
}

export interface Outcome {
  state: Exclude<OperationState, 'pending'>;
  result?: OperationResult;
  failure?: OperationFailure;
  /** How far it came. */
  passage?: Passage | undefined;
}

/** How long an idempotency key is remembered. */
const KEY_DAYS = 7;
/** Keys from before this moment are free again. */
export const keysForgotten = sql<Date>`now() - ${KEY_DAYS} * interval '1 day'`;

/** Moves that are looked at in one go: each may have as much as a batch may. */
const MOVES_MAX = 16;
/** What a page counts for a change of a move: bytes, with its names. */
const CHANGE_BYTES = 512;

export interface OperationFilter {
  scope: Scope;
  state?: OperationState | undefined;
  kind?: string | undefined;
  /** Its id. */
  entity?: string | undefined;
  connector?: string | undefined;
  branch?: string | undefined;
  /** Sequence before which the page begins. */
  before?: number | undefined;
  limit: number;
}

const filterColumns = [
  ['state', 'state'],
  ['kind', 'kind'],
  ['entity', 'entity_id'],
  ['connector', 'connector_id'],
  ['branch', 'branch'],
] as const;

@Injectable()
export class OperationsRepository {
  constructor(private readonly storage: Storage) {}

  async insert(
    tx: Session,
    row: Insertable<OperationTable>,
    changes: Insertable<OperationChangeTable>[] = [],
  ): Promise<void> {
    const traced = { traceparent: traceparent() ?? null, ...row };
    await tx.insertInto('operation').values(traced).execute();
    if (changes.length > 0) await tx.insertInto('operation_change').values(changes).execute();
  }

  /** One that ends where it begins, without a place in Git. */
  async insertEnded(
    tx: Session,
    row: Omit<Insertable<OperationTable>, 'deadline_at'>,
    outcome: Outcome,
  ): Promise<void> {
    const ended = columnsOf(outcome);
    await this.insert(tx, { ...row, ...ended, deadline_at: ended.finished_at });
  }

  /** @throws NOT_FOUND */
  async get(scope: Scope, id: string, session: Session = this.storage.db): Promise<OperationRecord> {
    const row = await session
      .selectFrom('operation')
      .selectAll()
      .where('scope', '=', scope)
      .where('id', '=', id)
      .executeTakeFirst();
    if (row === undefined) throw new Failure('NOT_FOUND', { what: 'operation', id });
    return row;
  }

  /** Newest first; `before` is a sequence number. */
  async list(filter: OperationFilter): Promise<Page<OperationRecord>> {
    let query = this.storage.db
      .selectFrom('operation')
      .select(['sequence', sql<number>`coalesce(octet_length(yaml), 0) + ${bytesOfChanges}`.as('bytes')])
      .where('scope', '=', filter.scope);
    for (const [name, column] of filterColumns)
      if (filter[name] !== undefined) query = query.where(column, '=', filter[name]);
    if (filter.before !== undefined) query = query.where('sequence', '<', filter.before);
    const found = await query
      .orderBy('sequence', 'desc')
      .limit(filter.limit + 1)
      .execute();
    const { sequences, next } = fitPage(found, filter.limit);
    if (sequences.length === 0) return { rows: [], next };
    const rows = this.storage.db.selectFrom('operation').selectAll().where('sequence', 'in', sequences);
    return { rows: await rows.orderBy('sequence', 'desc').execute(), next };
  }

  /** The latest unfinished save of the entity, on this branch or on any: where it will be, although it is not there yet. */
  async pendingSave(
    { scope, kind, id }: { scope: Scope; kind: string; id: string },
    branch?: string,
  ): Promise<GitOperation | undefined> {
    let query = this.storage.db
      .selectFrom('operation')
      .selectAll()
      .where('scope', '=', scope)
      .where('kind', '=', kind)
      .where('entity_id', '=', id)
      .where('action', '=', 'save')
      .where('state', '=', 'pending');
    if (branch !== undefined) query = query.where('branch', '=', branch);
    const row = await query.orderBy('sequence', 'desc').limit(1).executeTakeFirst();
    return row === undefined || !isOfGit(row) ? undefined : row;
  }

  /**
   * What waits in a lane for an account, in order of acceptance: at most `limit` of its own, up to the sixteenth move, and at each
   * of their paths the first operation of others that came before it.
   */
  async waiting(lane: string, account: string, limit: number): Promise<GitOperation[]> {
    const rows = await this.storage.db
      .selectFrom('operation')
      .selectAll()
      .where('lane_id', '=', lane)
      .where('state', '=', 'pending')
      .where('account', '=', account)
      .orderBy('sequence')
      .limit(limit)
      .execute();
    if (rows.length === 0) return [];
    const own = await this.#withChanges(upToMoves(rows));
    const lastAt = new Map(own.flatMap((one) => pathsOf(one).map((path) => [path, one.sequence] as const)));
    const others = await this.#othersAt(lane, account, [...lastAt.keys()]);
    const ahead = others.filter(({ path, sequence }) => sequence < (lastAt.get(path) ?? 0));
    if (ahead.length === 0) return own;
    const known = await this.load([...new Set(ahead.map(({ id }) => id))]);
    return [...own, ...known.filter(({ state }) => state === 'pending')].toSorted(
      (one, other) => one.sequence - other.sequence,
    );
  }

  /** The first operation of another account that waits at each of these paths. */
  async #othersAt(
    lane: string,
    account: string,
    paths: string[],
  ): Promise<{ id: string; path: string; sequence: number }[]> {
    const { rows } = await sql<{ id: string; path: string; sequence: number }>`
      select distinct on (path) id, path, sequence from (
        select id, path, sequence from operation
        where lane_id = ${lane} and state = 'pending' and account <> ${account} and path = any(${paths}::text[])
        union all
        select id, operation_change.path, sequence from operation
        join operation_change on operation_change.operation_id = operation.id
        where lane_id = ${lane} and state = 'pending' and account <> ${account} and action = 'move'
        and operation_change.path = any(${paths}::text[])
      ) as at order by path, sequence
    `.execute(this.storage.db);
    return rows;
  }

  /** These operations of a lane, in this order. */
  async load(ids: string[]): Promise<GitOperation[]> {
    const rows = await this.storage.db.selectFrom('operation').selectAll().where('id', 'in', ids).execute();
    const byId = new Map((await this.#withChanges(rows)).map((row) => [row.id, row]));
    return ids.flatMap((id) => byId.get(id) ?? []);
  }

  /** Those of these operations that are in Git. */
  async landed(
    ids: string[],
  ): Promise<Pick<OperationRecord, 'id' | 'scope' | 'result' | 'pull_request_id'>[]> {
    if (ids.length === 0) return [];
    return this.storage.db
      .selectFrom('operation')
      .select(['id', 'scope', 'result', 'pull_request_id'])
      .where('id', 'in', ids)
      .where('state', '=', 'succeeded')
      .execute();
  }

  async #withChanges(found: OperationRecord[]): Promise<GitOperation[]> {
    const rows = found.filter(isOfGit);
    const moves = rows.filter(({ action }) => action === 'move').map(({ id }) => id);
    if (moves.length === 0) return rows;
    const changes = await this.storage.db
      .selectFrom('operation_change')
      .selectAll()
      .where('operation_id', 'in', moves)
      .orderBy('operation_id')
      .orderBy('at')
      .execute();
    const byOperation = Map.groupBy(changes, ({ operation_id }) => operation_id);
    return rows.map((row) =>
      row.action === 'move' ? { ...row, changes: byOperation.get(row.id) ?? [] } : row,
    );
  }

  /** What moves among these change, without the documents. */
  async changesIn(ids: string[]): Promise<Map<string, Omit<ChangeRow, 'yaml'>[]>> {
    if (ids.length === 0) return new Map();
    const found = await this.storage.db
      .selectFrom('operation_change')
      .select(['operation_id', 'at', 'kind', 'entity_id', 'path', 'meaning', 'expected', 'origin'])
      .where('operation_id', 'in', ids)
      .orderBy('operation_id')
      .orderBy('at')
      .execute();
    return Map.groupBy(found, ({ operation_id }) => operation_id);
  }

  /** Which of these are no longer pending. */
  async finished(ids: string[]): Promise<string[]> {
    const rows = await this.storage.db
      .selectFrom('operation')
      .select('id')
      .where('id', 'in', ids)
      .where('state', '<>', 'pending')
      .execute();
    return rows.map((row) => row.id);
  }

  /** Those that have not ended. Whoever holds their lane knows that they do not until the transaction ends. */
  async pending<T>(tx: Session, some: readonly T[], idOf: (one: T) => string): Promise<T[]> {
    if (some.length === 0) return [];
    const rows = await tx
      .selectFrom('operation')
      .select('id')
      .where('id', 'in', some.map(idOf))
      .where('state', '=', 'pending')
      .execute();
    const ids = new Set(rows.map(({ id }) => id));
    return some.filter((one) => ids.has(idOf(one)));
  }

  /** Ends an operation; one that has ended already keeps its outcome. */
  async finish(tx: Session, id: string, outcome: Outcome): Promise<void> {
    await tx
      .updateTable('operation')
      .set({ ...columnsOf(outcome), waits_for: null })
      .where('id', '=', id)
      .where('state', '=', 'pending')
      .execute();
  }

  /** @param deaths delegates that went away over them meanwhile */
  async explainWait(ids: string[], waitsFor: string, deaths = 0): Promise<void> {
    if (ids.length === 0) return;
    await this.storage.db
      .updateTable('operation')
      .set({ waits_for: waitsFor, deaths: sql<number>`deaths + ${deaths}` })
      .where('id', 'in', ids)
      .where('state', '=', 'pending')
      .execute();
  }

  /** The operation that this key began, if any. @throws IDEMPOTENCY_KEY_REUSED for another request. */
  async findByKey(
    account: Scope,
    key: string,
    requestHash: Buffer,
    session: Session = this.storage.db,
  ): Promise<OperationRecord | undefined> {
    const row = await session
      .selectFrom('idempotency')
      .innerJoin('operation', 'operation.id', 'idempotency.operation_id')
      .selectAll('operation')
      .select('idempotency.request_hash')
      .where('idempotency.account', '=', account)
      .where('idempotency.key', '=', key)
      .where('idempotency.created_at', '>', keysForgotten)
      .executeTakeFirst();
    return sameRequest(row, { key, requestHash });
  }

  /** Takes the key for this operation. Fails on the unique index when a concurrent request was first. */
  async takeKey(
    tx: Session,
    taken: { account: Scope; key: string; requestHash: Buffer; operation: string },
  ): Promise<void> {
    await this.forgetOldKeys(tx, taken);
    await tx
      .insertInto('idempotency')
      .values({
        account: taken.account,
        key: taken.key,
        request_hash: taken.requestHash,
        operation_id: taken.operation,
      })
      .execute();
  }

  /** Keys older than seven days are free again: one of them, or (without one) all. */
  async forgetOldKeys(
    session: Session = this.storage.db,
    one?: { account: Scope; key: string },
  ): Promise<void> {
    let query = session.deleteFrom('idempotency').where('created_at', '<=', keysForgotten);
    if (one !== undefined) query = query.where('account', '=', one.account).where('key', '=', one.key);
    await query.execute();
  }
}

/** What a key began, for the same request. @throws IDEMPOTENCY_KEY_REUSED for another one */
export function sameRequest<R extends { request_hash: Buffer | null }>(
  begun: R | undefined,
  { key, requestHash }: { key: string; requestHash: Buffer },
): R | undefined {
  if (begun !== undefined && begun.request_hash?.equals(requestHash) !== true)
    throw new Failure('IDEMPOTENCY_KEY_REUSED', { key });
  return begun;
}

function upToMoves(rows: OperationRecord[]): OperationRecord[] {
  const moves = rows.filter(({ action }) => action === 'move');
  const beyond = moves[MOVES_MAX];
  return beyond === undefined ? rows : rows.slice(0, rows.indexOf(beyond));
}

/** Changes are numbered from 0. */
const bytesOfChanges = sql`case when action = 'move' then coalesce((
  select at + 1 from operation_change where operation_id = operation.id order by at desc limit 1
), 0) * ${sql.lit(CHANGE_BYTES)} else 0 end`;

const columnsOf = ({ state, result, failure, passage = {} }: Outcome) => ({
  state,
  result: result === undefined ? null : JSON.stringify(result),
  failure: failure === undefined ? null : JSON.stringify(failure),
  finished_at: new Date(),
  ...passageColumns(passage),
});
