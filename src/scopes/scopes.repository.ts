import { Injectable } from '@nestjs/common';
import { type SqlBool, sql } from 'kysely';
import { record } from '../audit/record.js';
import { Failure } from '../kernel/failure.js';
import { isReferenced, type Session, Storage } from '../storage/database.js';
import { accountOf, outwards, parentOf, type Scope } from './scope.js';

export interface ScopeRecord {
  path: Scope;
  displayName: string;
  createdAt: Date;
}

@Injectable()
export class ScopesRepository {
  constructor(private readonly storage: Storage) {}

  /** @throws SCOPE_NOT_FOUND for the parent. */
  async put(path: Scope, displayName: string): Promise<{ record: ScopeRecord; created: boolean }> {
    const parent = parentOf(path);
    if (parent !== null) await this.get(parent);
    const row = await this.storage.transact(async (tx) => {
      const put = await tx
        .insertInto('scope')
        .values({ path, parent, account: accountOf(path), display_name: displayName })
        .onConflict((conflict) => conflict.column('path').doUpdateSet({ display_name: displayName }))
        .returning(['path', 'display_name', 'created_at', sql<boolean>`xmax = 0`.as('created')])
        .executeTakeFirstOrThrow();
      const data = { created: put.created, displayName };
      record(tx, { action: 'scope.put', scope: path, target: '', data });
      return put;
    });
    return { record: toRecord(row), created: row.created };
  }

  /** @throws SCOPE_NOT_FOUND */
  async get(path: Scope): Promise<ScopeRecord> {
    const row = await this.storage.db
      .selectFrom('scope')
      .selectAll()
      .where('path', '=', path)
      .executeTakeFirst();
    if (row === undefined) throw new Failure('SCOPE_NOT_FOUND', { scope: path });
    return toRecord(row);
  }

  /** Those of an account that are within these, or around them; each after the one it lies in. `next`: what the next page follows. */
  async list(
    account: Scope,
    { inner, after, limit }: { inner: Scope[]; after: Scope | undefined; limit: number },
  ): Promise<{ rows: ScopeRecord[]; next: Scope | null }> {
    let query = this.storage.db
      .selectFrom('scope')
      .selectAll()
      .where('account', '=', account)
      .where((where) =>
        where.or([
          where('path', '=', where.fn.any(where.val(inner.flatMap(outwards)))),
          sql<SqlBool>`exists (select from unnest(${inner}::text[]) as outside where starts_with(path, outside || '/'))`,
        ]),
      );
    if (after !== undefined) query = query.where('path', '>', after);
    const found = await query
      .orderBy('path')
      .limit(limit + 1)
      .execute();
    const rows = found.slice(0, limit).map(toRecord);
    return { rows, next: found.length > limit ? (rows.at(-1)?.path ?? null) : null };
  }

  /** Those of these scopes that there are. */
  async existing(scopes: Scope[]): Promise<Set<Scope>> {
    if (scopes.length === 0) return new Set();
    const rows = await this.storage.db
      .selectFrom('scope')
      .select('path')
      .where('path', 'in', scopes)
      .execute();
    return new Set(rows.map(({ path }) => path));
  }

  /** Holds the scope until the transaction ends, so that it cannot be deleted meanwhile. @throws SCOPE_NOT_FOUND */
  async hold(tx: Session, path: Scope): Promise<void> {
    const row = await tx
      .selectFrom('scope')
      .select('path')
      .where('path', '=', path)
      .forShare()
      .executeTakeFirst();
    if (row === undefined) throw new Failure('SCOPE_NOT_FOUND', { scope: path });
  }

  /**
   * Deletes an empty scope with the record of its operations, its events, the groups whose delegates are all revoked and, with an account,
   * its kinds; with any of them its API tokens and who has which role in it: who makes it again finds nothing of it but the account’s
   * audit.
   * @throws SCOPE_NOT_FOUND, STILL_IN_USE
   */
  async delete(path: Scope): Promise<void> {
    const inUse = (by: string): Failure =>
      new Failure('STILL_IN_USE', { what: 'scope', id: path, by }) as Failure;
    await this.storage
      .transact(async (tx) => {
        const row = await tx
          .selectFrom('scope')
          .select('path')
          .where('path', '=', path)
          .forUpdate()
          .executeTakeFirst();
        if (row === undefined) throw new Failure('SCOPE_NOT_FOUND', { scope: path });
        const pending = await tx
          .selectFrom('operation')
          .select('id')
          .where('scope', '=', path)
          .where('state', '=', 'pending')
          .executeTakeFirst();
        if (pending !== undefined) throw inUse(`the unfinished operation ${pending.id}`);
        await deleteDeserted(tx, path);
        await tx.deleteFrom('kind').where('account', '=', path).execute();
        await tx.deleteFrom('operation').where('scope', '=', path).execute();
        await tx
          .deleteFrom('event')
          .where('account', '=', accountOf(path))
          .where('scope', '=', path)
          .execute();
        await tx.deleteFrom('event_log').where('account', '=', path).execute();
        await tx.deleteFrom('scope').where('path', '=', path).execute();
        record(tx, { action: 'scope.delete', scope: path, target: '' });
      })
      .catch((error: unknown) => {
        throw isReferenced(error) ? inUse('what it still holds') : error;
      });
  }
}

/** Groups of this scope that no delegate belongs to any more. */
async function deleteDeserted(tx: Session, scope: Scope): Promise<void> {
  await tx
    .deleteFrom('delegate_group')
    .where('scope', '=', scope)
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom('delegate')
            .select('delegate.id')
            .whereRef('delegate.group_id', '=', 'delegate_group.id')
            .where('delegate.state', '<>', 'revoked'),
        ),
      ),
    )
    .execute();
}

const toRecord = (row: { path: string; display_name: string; created_at: Date }): ScopeRecord => ({
  path: row.path,
  displayName: row.display_name,
  createdAt: row.created_at,
});
