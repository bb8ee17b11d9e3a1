// Work on many secrets, as rows: what was asked, what is left of it, and who is at which secret now.
import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type Selectable, sql } from 'kysely';
import { record } from '../audit/record.js';
import { Failure, type WireFailure } from '../kernel/failure.js';
import type { Scope } from '../scopes/scope.js';
import { type Session, Storage, soon } from '../storage/database.js';
import type {
  SecretOperationItemState,
  SecretOperationState,
  SecretOperationTable,
} from '../storage/secret-schema.js';
import { type KeptBy, toKeptBy } from './kept-by.js';

export type SecretOperationAction = SecretOperationTable['action'];

export interface SecretOperationRequest {
  scope: Scope;
  action: SecretOperationAction;
  /** Whose secrets. */
  from: KeptBy;
  /** The one secret of this very scope; without it, all that `from` keeps in the scope and within. */
  secret?: string | undefined;
  /** Of a migration: who keeps them then. */
  to: KeptBy;
  onlyIfAbsent: boolean;
  /** The token. */
  requestedBy: string;
}

export interface SecretOperationRecord {
  id: string;
  sequence: number;
  scope: Scope;
  action: SecretOperationAction;
  from: KeptBy;
  to: KeptBy;
  onlyIfAbsent: boolean;
  requestedBy: string;
  state: SecretOperationState;
  createdAt: Date;
  finishedAt: Date | null;
}

/** How far an operation is, in secret versions. */
export interface Progress {
  total: number;
  pending: number;
  done: number;
  /** Not done, and not needed any more: the secret was written or deleted meanwhile. */
  skipped: number;
  failed: number;
}

export interface SecretOperationItem {
  operation: SecretOperationRecord;
  scope: Scope;
  secret: string;
  /** Id of the secret version it is about, and of the one that takes its place. */
  version: string;
  nextVersion: string;
  /** Whose it is to do, until the claim runs out. */
  holder: string;
}

export interface ItemTrouble {
  scope: Scope;
  secret: string;
  state: SecretOperationItemState;
  failure: WireFailure;
}

export type ItemEnd = { state: 'done' | 'skipped' } | { state: 'failed'; failure: WireFailure };

/** Longest pause between two attempts, in seconds. */
const PAUSE_MAX = 60;
const TROUBLES_MAX = 100;
/** How long a finished operation can be read. */
const FINISHED_DAYS = 90;

@Injectable()
export class SecretOperationsRepository {
  constructor(private readonly storage: Storage) {}

  /** What is to be done is decided here: what is written afterwards is new enough. */
  async create(request: SecretOperationRequest): Promise<SecretOperationRecord> {
    const { scope, action, from, to } = request;
    const id = randomUUID();
    await this.storage.transact(async (tx) => {
      await tx
        .insertInto('secret_operation')
        .values({
          id,
          scope,
          action,
          from_scope: from?.scope ?? null,
          from_id: from?.id ?? null,
          to_scope: to?.scope ?? null,
          to_id: to?.id ?? null,
          only_if_absent: request.onlyIfAbsent,
          requested_by: request.requestedBy,
        })
        .execute();
      await tx
        .insertInto('secret_operation_item')
        .columns(['operation_id', 'scope', 'secret_id', 'version', 'next_version'])
        .expression(this.#concerned(tx, id, request))
        .execute();
      await this.#settle(tx, id);
      const data = {
        action,
        manager: from?.id ?? 'builtin',
        to: to?.id ?? null,
        secret: request.secret ?? null,
      };
      record(tx, { action: 'secret-operation.begin', scope, target: `secret-operations/${id}`, data });
    });
    return this.get(scope, id);
  }

  /** A rewrap concerns every version, so that an old key can be retired; anything else the current one. */
  #concerned(tx: Session, id: string, { scope, action, from, secret }: SecretOperationRequest) {
    const next = action === 'rewrap' ? sql<string>`v.id` : sql<string>`gen_random_uuid()::text`;
    let query = tx
      .selectFrom('secret_version as v')
      .innerJoin('secret as s', (join) =>
        join.onRef('s.scope', '=', 'v.scope').onRef('s.id', '=', 'v.secret_id'),
      )
      .select([
        sql<string>`${id}`.as('operation_id'),
        'v.scope',
        'v.secret_id',
        'v.id',
        next.as('next_version'),
      ])
      .where('v.manager_scope', 'is not distinct from', from?.scope ?? null)
      .where('v.manager_id', 'is not distinct from', from?.id ?? null);
    if (action !== 'rewrap') query = query.whereRef('s.version', '=', 'v.id');
    return secret === undefined
      ? query.where((eb) =>
          eb.or([eb('v.scope', '=', scope), sql<boolean>`starts_with(v.scope, ${`${scope}/`})`]),
        )
      : query.where('v.scope', '=', scope).where('v.secret_id', '=', secret);
  }

  /** @throws NOT_FOUND */
  async get(scope: Scope, id: string): Promise<SecretOperationRecord> {
    const row = await this.storage.db
      .selectFrom('secret_operation')
      .selectAll()
      .where('scope', '=', scope)
      .where('id', '=', id)
      .executeTakeFirst();
    if (row === undefined) throw new Failure('NOT_FOUND', { what: 'secret operation', id });
    return toOperation(row);
  }

  /** Of this scope alone, the newest first. */
  async list(scope: Scope, limit: number, before?: number): Promise<SecretOperationRecord[]> {
    let query = this.storage.db
      .selectFrom('secret_operation')
      .selectAll()
      .where('scope', '=', scope)
      .orderBy('sequence', 'desc')
      .limit(limit);
    if (before !== undefined) query = query.where('sequence', '<', before);
    return (await query.execute()).map(toOperation);
  }

  async progress(ids: readonly string[]): Promise<Map<string, Progress>> {
    const found = new Map(ids.map((id) => [id, { total: 0, pending: 0, done: 0, skipped: 0, failed: 0 }]));
    if (ids.length === 0) return found;
    const rows = await this.storage.db
      .selectFrom('secret_operation_item')
      .select(['operation_id', 'state', sql<number>`count(*)`.as('count')])
      .where('operation_id', 'in', ids)
      .groupBy(['operation_id', 'state'])
      .execute();
    for (const { operation_id, state, count } of rows) {
      const progress = found.get(operation_id) as Progress;
      progress[state] = count;
      progress.total += count;
    }
    return found;
  }

  /** What could not be done, and what was tried in vain so far. */
  async troubles(id: string): Promise<ItemTrouble[]> {
    const rows = await this.storage.db
      .selectFrom('secret_operation_item')
      .select(['scope', 'secret_id', 'state', 'failure'])
      .where('operation_id', '=', id)
      .where('failure', 'is not', null)
      .where('state', 'in', ['failed', 'pending'])
      .orderBy('scope')
      .orderBy('secret_id')
      .limit(TROUBLES_MAX)
      .execute();
    return rows.map((row) => ({
      scope: row.scope,
      secret: row.secret_id,
      state: row.state,
      failure: row.failure as WireFailure,
    }));
  }

  /** Up to `max` items that nobody is at, for so long. */
  async claim(max: number, claimMs: number): Promise<SecretOperationItem[]> {
    if (max <= 0) return [];
    const holder = randomUUID();
    return this.storage.transact(async (tx) => {
      const due = await tx
        .selectFrom('secret_operation_item as i')
        .innerJoin('secret_operation as o', 'o.id', 'i.operation_id')
        .selectAll('o')
        .select(['i.scope as item_scope', 'i.secret_id', 'i.version', 'i.next_version'])
        .where('i.state', '=', 'pending')
        .where('i.claimed_until', '<', sql<Date>`now()`)
        .orderBy('i.claimed_until')
        .limit(max)
        .forUpdate('i')
        .skipLocked()
        .execute();
      const items = due.map((row) => ({
        operation: toOperation(row),
        scope: row.item_scope,
        secret: row.secret_id,
        version: row.version,
        nextVersion: row.next_version,
        holder,
      }));
      for (const item of items)
        await this.#ofItem(tx, item)
          .set({ holder, claimed_until: soon(claimMs) })
          .execute();
      return items;
    });
  }

  /** Says that the holders live: what they are at stays their own for so long. */
  async renew(holders: readonly string[], claimMs: number): Promise<void> {
    if (holders.length === 0) return;
    await this.storage.db
      .updateTable('secret_operation_item')
      .set({ claimed_until: soon(claimMs) })
      .where('holder', 'in', holders)
      .where('state', '=', 'pending')
      .execute();
  }

  /** Lets anybody try again after a pause that grows with the attempts. */
  async release(item: SecretOperationItem, failure: WireFailure): Promise<void> {
    await this.#ofItem(this.storage.db, item)
      .set({
        holder: null,
        failure: JSON.stringify(failure),
        attempts: sql<number>`attempts + 1`,
        claimed_until: sql<Date>`now() + least(power(2, attempts), ${PAUSE_MAX}) * interval '1 second'`,
      })
      .where('holder', '=', item.holder)
      .execute();
  }

  /** Locks the item; whether it is still its holder’s to end. */
  async hold(
    tx: Session,
    { operation, scope, secret, version, holder }: SecretOperationItem,
  ): Promise<boolean> {
    const row = await tx
      .selectFrom('secret_operation_item')
      .select('version')
      .where('operation_id', '=', operation.id)
      .where('scope', '=', scope)
      .where('secret_id', '=', secret)
      .where('version', '=', version)
      .where('state', '=', 'pending')
      .where('holder', '=', holder)
      .forUpdate()
      .executeTakeFirst();
    return row !== undefined;
  }

  /** Ends an item that is held, and the operation with its last one. */
  async end(tx: Session, item: SecretOperationItem, end: ItemEnd): Promise<void> {
    const failure = end.state === 'failed' ? JSON.stringify(end.failure) : null;
    await this.#ofItem(tx, item).set({ state: end.state, failure, holder: null }).execute();
    await this.#settle(tx, item.operation.id);
  }

  /** What is pending is not done any more; what somebody is at right now is let go. @throws NOT_FOUND */
  async cancel(scope: Scope, id: string): Promise<SecretOperationRecord> {
    await this.storage.transact(async (tx) => {
      await tx
        .updateTable('secret_operation_item')
        .set({ state: 'skipped', holder: null })
        .where('operation_id', '=', id)
        .where('state', '=', 'pending')
        .where(
          'operation_id',
          'in',
          tx.selectFrom('secret_operation').select('id').where('scope', '=', scope),
        )
        .execute();
      const { numUpdatedRows } = await tx
        .updateTable('secret_operation')
        .set({ state: 'cancelled', finished_at: sql<Date>`now()` })
        .where('id', '=', id)
        .where('scope', '=', scope)
        .where('state', '=', 'pending')
        .executeTakeFirst();
      await recordAsked(tx, 'secret-operation.cancel', { scope, id, changed: numUpdatedRows > 0n });
    });
    return this.get(scope, id);
  }

  /** What failed is tried again, at once. @throws NOT_FOUND */
  async retry(scope: Scope, id: string): Promise<SecretOperationRecord> {
    await this.storage.transact(async (tx) => {
      const { numUpdatedRows } = await tx
        .updateTable('secret_operation_item')
        .set({ state: 'pending', attempts: 0, failure: null, claimed_until: sql<Date>`now()` })
        .where('operation_id', '=', id)
        .where('state', '=', 'failed')
        .where(
          'operation_id',
          'in',
          tx.selectFrom('secret_operation').select('id').where('scope', '=', scope),
        )
        .executeTakeFirst();
      if (numUpdatedRows > 0n)
        await tx
          .updateTable('secret_operation')
          .set({ state: 'pending', finished_at: null })
          .where('id', '=', id)
          .execute();
      await recordAsked(tx, 'secret-operation.retry', { scope, id, changed: numUpdatedRows > 0n });
    });
    return this.get(scope, id);
  }

  /** Those that ended so long ago. */
  async forgetFinished(): Promise<void> {
    await this.storage.db
      .deleteFrom('secret_operation')
      .where('finished_at', '<', sql<Date>`now() - ${FINISHED_DAYS} * interval '1 day'`)
      .execute();
  }

  /** Of two that end the last items at once, the second one sees that nothing is left. */
  async #settle(tx: Session, id: string): Promise<void> {
    await tx.selectFrom('secret_operation').select('id').where('id', '=', id).forUpdate().execute();
    const items = tx.selectFrom('secret_operation_item').select('version').where('operation_id', '=', id);
    const left = await items.where('state', '=', 'pending').limit(1).executeTakeFirst();
    if (left !== undefined) return;
    const failed = await items.where('state', '=', 'failed').limit(1).executeTakeFirst();
    await tx
      .updateTable('secret_operation')
      .set({ state: failed === undefined ? 'succeeded' : 'failed', finished_at: sql<Date>`now()` })
      .where('id', '=', id)
      .where('state', '=', 'pending')
      .execute();
  }

  #ofItem(session: Session, { operation, scope, secret, version }: SecretOperationItem) {
    return session
      .updateTable('secret_operation_item')
      .where('operation_id', '=', operation.id)
      .where('scope', '=', scope)
      .where('secret_id', '=', secret)
      .where('version', '=', version);
  }
}

/** Of an operation that there is, whether there was anything left to do about it or not. */
async function recordAsked(
  tx: Session,
  action: string,
  { scope, id, changed }: { scope: Scope; id: string; changed: boolean },
): Promise<void> {
  const known = await tx
    .selectFrom('secret_operation')
    .select('id')
    .where('id', '=', id)
    .where('scope', '=', scope)
    .executeTakeFirst();
  if (known !== undefined)
    record(tx, { action, scope, target: `secret-operations/${id}`, data: { changed } });
}

const toOperation = (row: Selectable<SecretOperationTable>): SecretOperationRecord => ({
  id: row.id,
  sequence: row.sequence,
  scope: row.scope,
  action: row.action,
  from: toKeptBy(row.from_scope, row.from_id),
  to: toKeptBy(row.to_scope, row.to_id),
  onlyIfAbsent: row.only_if_absent,
  requestedBy: row.requested_by,
  state: row.state,
  createdAt: row.created_at,
  finishedAt: row.finished_at,
});
