// Operations: what was acknowledged, and what became of it.
import { Injectable } from '@nestjs/common';
import { type Insertable, type Selectable, sql } from 'kysely';
import { Failure, type WireFailure } from '../kernel/failure.js';
import type { Scope } from '../scopes/scope.js';
import { type Session, Storage } from '../storage/database.js';
import { fitPage, type Page } from '../storage/page.js';
import type { OperationState, OperationTable } from '../storage/schema.js';

export type OperationRecord = Selectable<OperationTable>;

/** What a succeeded operation left in Git. */
export interface OperationResult {
  commitId: string;
  /** Null after a deletion. */
  blobId: string | null;
  /** Whether the entity was new on its branch. */
  created: boolean;
  /** Whether Git held exactly this already, so that no commit was needed. */
  unchanged: boolean;
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
}

/** How long an idempotency key is remembered. */
const KEY_DAYS = 7;

@Injectable()
export class OperationsRepository {
  constructor(private readonly storage: Storage) {}

  async insert(tx: Session, row: Insertable<OperationTable>): Promise<void> {
    await tx.insertInto('operation').values(row).execute();
  }

  /** @throws NOT_FOUND */
  async get(scope: Scope, id: string): Promise<OperationRecord> {
    const row = await this.storage.db
      .selectFrom('operation')
      .selectAll()
      .where('scope', '=', scope)
      .where('id', '=', id)
      .executeTakeFirst();
    if (row === undefined) throw new Failure('NOT_FOUND', { what: 'operation', id });
    return row;
  }

  /** Newest first; `before` is a sequence number. */
  async list(filter: {
    scope: Scope;
    state?: OperationState | undefined;
    before?: number | undefined;
    limit: number;
  }): Promise<Page<OperationRecord>> {
    let query = this.storage.db
      .selectFrom('operation')
      .select(['sequence', sql<number>`coalesce(octet_length(yaml), 0)`.as('bytes')])
      .where('scope', '=', filter.scope);
    if (filter.state !== undefined) query = query.where('state', '=', filter.state);
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
  ): Promise<OperationRecord | undefined> {
    let query = this.storage.db
      .selectFrom('operation')
      .selectAll()
      .where('scope', '=', scope)
      .where('kind', '=', kind)
      .where('entity_id', '=', id)
      .where('action', '=', 'save')
      .where('state', '=', 'pending');
    if (branch !== undefined) query = query.where('branch', '=', branch);
    return query.orderBy('sequence', 'desc').limit(1).executeTakeFirst();
  }

  /**
   * What waits in a lane for an account, in order of acceptance: at most `limit` of its own, and at each of their paths the
   * first operation of others that came before it.
   */
  async waiting(lane: string, account: string, limit: number): Promise<OperationRecord[]> {
    const inLane = this.storage.db
      .selectFrom('operation')
      .where('lane_id', '=', lane)
      .where('state', '=', 'pending');
    const own = await inLane
      .selectAll()
      .where('account', '=', account)
      .orderBy('sequence')
      .limit(limit)
      .execute();
    if (own.length === 0) return [];
    const lastAt = new Map(own.map(({ path, sequence }) => [path, sequence]));
    const others = await inLane
      .select(['id', 'path', 'sequence'])
      .where('account', '<>', account)
      .where('path', 'in', [...lastAt.keys()])
      .distinctOn('path')
      .orderBy('path')
      .orderBy('sequence')
      .execute();
    const ahead = others.filter(({ path, sequence }) => sequence < (lastAt.get(path) ?? 0));
    if (ahead.length === 0) return own;
    const known = await this.load(ahead.map(({ id }) => id));
    return [...own, ...known.filter(({ state }) => state === 'pending')].toSorted(
      (one, other) => one.sequence - other.sequence,
    );
  }

  /** These operations, in this order. */
  async load(ids: string[]): Promise<OperationRecord[]> {
    const rows = await this.storage.db.selectFrom('operation').selectAll().where('id', 'in', ids).execute();
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.flatMap((id) => byId.get(id) ?? []);
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

  /** Ends an operation; one that has ended already keeps its outcome. */
  async finish(tx: Session, id: string, { state, result, failure }: Outcome): Promise<void> {
    await tx
      .updateTable('operation')
      .set({
        state,
        result: result === undefined ? null : JSON.stringify(result),
        failure: failure === undefined ? null : JSON.stringify(failure),
        waits_for: null,
        finished_at: new Date(),
      })
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
      .where('idempotency.created_at', '>', sql<Date>`now() - ${KEY_DAYS} * interval '1 day'`)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    if (!row.request_hash.equals(requestHash)) throw new Failure('IDEMPOTENCY_KEY_REUSED', { key });
    return row;
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
    let query = session
      .deleteFrom('idempotency')
      .where('created_at', '<=', sql<Date>`now() - ${KEY_DAYS} * interval '1 day'`);
    if (one !== undefined) query = query.where('account', '=', one.account).where('key', '=', one.key);
    await query.execute();
  }
}
