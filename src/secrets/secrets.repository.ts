import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { type NotNull, type Selectable, sql } from 'kysely';
import type { StoredSecret } from '../envelope/secret-manager.js';
import { Failure } from '../kernel/failure.js';
import { placesOf, type Scope } from '../scopes/scope.js';
import { isReferenced, type Session, Storage } from '../storage/database.js';
import type { Page } from '../storage/page.js';
import type { SecretKind, SecretTable } from '../storage/secret-schema.js';
import { type KeptBy, toKeptBy } from './kept-by.js';
import { keyRetired, referenced } from './refusals.js';
import { type SecretVersion, storedIn, versionsOf } from './stored-version.repository.js';
import { nameUse, type Use } from './uses.repository.js';

export type { KeptBy } from './kept-by.js';

/** What anybody may know of a secret. */
export interface SecretRecord {
  scope: Scope;
  id: string;
  kind: SecretKind;
  keptBy: KeptBy;
  /** Id of the current version. */
  version: string;
  createdAt: Date;
  updatedAt: Date;
}

export interface SecretFilter {
  scope: Scope;
  /** Sequence number that the page follows. */
  after: number;
  limit: number;
}

/** A secret's current version, as it is stored. */
export interface HeldSecret {
  scope: Scope;
  id: string;
  keptBy: KeptBy;
  stored: StoredSecret;
}

@Injectable()
export class SecretsRepository {
  constructor(private readonly storage: Storage) {}

  /**
   * Makes a version the current one.
   * @throws NOT_FOUND for a secret manager that is gone meanwhile, SECRET_OUT_OF_REACH and STILL_IN_USE where somebody needs it to
   * be a builtin one
   */
  async put(
    tx: Session,
    { scope, id, kind, keptBy, stored }: HeldSecret & { kind: SecretKind },
  ): Promise<{ record: SecretRecord; created: boolean }> {
    const by = keptBy === null ? undefined : await this.#signerBy(tx, scope, id);
    if (by !== undefined) throw new Failure('STILL_IN_USE', { what: 'builtin secret', id, by });
    const values = {
      kind,
      manager_scope: keptBy?.scope ?? null,
      manager_id: keptBy?.id ?? null,
      version: stored.version,
    };
    const row = await tx
      .insertInto('secret')
      .values({ scope, id, ...values })
      .onConflict((conflict) =>
        conflict.columns(['scope', 'id']).doUpdateSet({
          ...values,
          created_at: sql<Date>`case when secret.version is null then now() else secret.created_at end`,
          updated_at: new Date(),
        }),
      )
      .returning([...columns, sql<boolean>`created_at = now()`.as('created')])
      .$narrowType<{ version: NotNull }>()
      .executeTakeFirstOrThrow()
      .catch((error: unknown) => {
        throw isReferenced(error) ? referenced(error, id, keptBy) : error;
      });
    await this.#putVersion(tx, { scope, id, keptBy, stored });
    // What came of an earlier version is not for whoever keeps this one to open.
    await tx.deleteFrom('secret_token').where('scope', '=', scope).where('secret_id', '=', id).execute();
    return { record: toRecord(row), created: row.created };
  }

  /** @throws NOT_FOUND */
  async get(scope: Scope, id: string): Promise<SecretRecord> {
    const record = await this.#find(scope, id);
    if (record === undefined || record === 'deleted') throw new Failure('NOT_FOUND', { what: 'secret', id });
    return record;
  }

  /** @throws NOT_FOUND */
  async versions(scope: Scope, id: string): Promise<SecretVersion[]> {
    await this.get(scope, id);
    return versionsOf(this.storage.db, scope, id);
  }

  /** Of this scope alone, those first written first. */
  async list({ scope, after, limit }: SecretFilter): Promise<Page<SecretRecord>> {
    const rows = await this.storage.db
      .selectFrom('secret')
      .select([...columns, 'sequence'])
      .where('scope', '=', scope)
      .where('sequence', '>', after)
      .where('version', 'is not', null)
      .$narrowType<{ version: NotNull }>()
      .orderBy('sequence')
      .limit(limit + 1)
      .execute();
    const page = rows.slice(0, limit);
    return { rows: page.map(toRecord), next: rows.length > limit ? (page.at(-1)?.sequence ?? null) : null };
  }

  /**
   * The secret that is meant by this name in this scope. One that was deleted although in use is not passed over.
   * @throws NOT_FOUND, SECRET_DELETED
   */
  async resolve(scope: Scope, name: string): Promise<SecretRecord> {
    const { id, places } = placesOf(scope, name);
    for (const place of places) {
      const found = await this.#find(place, id);
      if (found === 'deleted') throw new Failure('SECRET_DELETED', { secret: id, scope: place });
      if (found !== undefined) return found;
    }
    throw new Failure('NOT_FOUND', { what: 'secret', id: name });
  }

  /** The current version, always from the table. @throws NOT_FOUND, SECRET_DELETED */
  async held(scope: Scope, id: string): Promise<HeldSecret> {
    const row = await this.storage.db
      .selectFrom('secret')
      .innerJoin('secret_version', (join) =>
        join
          .onRef('secret_version.scope', '=', 'secret.scope')
          .onRef('secret_version.secret_id', '=', 'secret.id')
          .onRef('secret_version.id', '=', 'secret.version'),
      )
      .select(['secret.manager_scope', 'secret.manager_id', storedIn('secret_version').as('stored')])
      .where('secret.scope', '=', scope)
      .where('secret.id', '=', id)
      .executeTakeFirst();
    if (row === undefined) {
      const found = await this.#find(scope, id);
      throw found === 'deleted'
        ? new Failure('SECRET_DELETED', { secret: id, scope })
        : new Failure('NOT_FOUND', { what: 'secret', id });
    }
    return { scope, id, keptBy: toKeptBy(row.manager_scope, row.manager_id), stored: row.stored };
  }

  /** A version of the secret, current or not. */
  async version(
    scope: Scope,
    id: string,
    version: string,
    session: Session = this.storage.db,
  ): Promise<HeldSecret | undefined> {
    const row = await session
      .selectFrom('secret_version')
      .select(['manager_scope', 'manager_id', storedIn('secret_version').as('stored')])
      .where('scope', '=', scope)
      .where('secret_id', '=', id)
      .where('id', '=', version)
      .executeTakeFirst();
    return row === undefined
      ? undefined
      : {
          scope,
          id,
          keptBy: toKeptBy(row.manager_scope, row.manager_id),
          stored: row.stored,
        };
  }

  /**
   * Another wrap of the same version, in place of the one that was read; the old one stays for a while. Whether it was still
   * there.
   * @throws SECRET_KEY_RETIRED
   */
  async replaceWrap(tx: Session, held: HeldSecret, fresh: StoredSecret): Promise<boolean> {
    const { scope, id, keptBy, stored } = held;
    const version = (session: Session) =>
      session
        .updateTable('secret_version')
        .where('scope', '=', scope)
        .where('secret_id', '=', id)
        .where('id', '=', stored.version)
        .where(sql<boolean>`stored = ${JSON.stringify(stored)}::jsonb`);
    const { numUpdatedRows } = await version(tx)
      .set({ stored: JSON.stringify(fresh) })
      .executeTakeFirst()
      .catch(keyRetired(id));
    if (numUpdatedRows === 0n) return false;
    await tx
      .insertInto('superseded_wrap')
      .values({ scope, secret_id: id, version: stored.version, stored: JSON.stringify(stored) })
      .execute();
    // Waits for whoever retires the key, as the first write of a version does by its foreign key.
    if (keptBy !== null)
      await tx
        .selectFrom('secret_manager')
        .select('id')
        .where('scope', '=', keptBy.scope)
        .where('id', '=', keptBy.id)
        .forKeyShare()
        .execute();
    await this.assertKeyInUse(tx, keptBy, fresh);
    return true;
  }

  /** Locks the secret; its kind, where this version is still the current one. */
  async holdHead(tx: Session, scope: Scope, id: string, version: string): Promise<SecretKind | undefined> {
    const row = await tx
      .selectFrom('secret')
      .select('kind')
      .where('scope', '=', scope)
      .where('id', '=', id)
      .where('version', '=', version)
      .forUpdate()
      .executeTakeFirst();
    return row?.kind;
  }

  /** What still needs the secret to be kept by the builtin manager, in words. */
  async builtinUser(scope: Scope, id: string): Promise<string | undefined> {
    const { rows } = await sql<{ scope: string; id: string }>`
      select scope, id from connector
        where connectivity = 'manager' and secret_scope = ${scope} and secret_id = ${id}
      union select connector_scope, connector_id from credential_secret
        where connectivity = 'manager' and secret_scope = ${scope} and secret_id = ${id} limit 1`.execute(
      this.storage.db,
    );
    if (rows[0] !== undefined) return `${rows[0].scope}/connectors/${rows[0].id}`;
    return this.#signerBy(this.storage.db, scope, id);
  }

  /** A secret manager that signs in with the secret, a subscription that it signs for, or a webhook or client that it proves, in words. */
  async #signerBy(session: Session, scope: Scope, id: string): Promise<string | undefined> {
    const { rows } = await sql<Use>`
      select 'secret-manager' as what, scope, id from secret_manager
        where (credential_scope, credential_id) = (${scope}, ${id})
      union all
      select 'subscription', scope, id from subscription
        where (secret_scope, secret_id) = (${scope}, ${id}) or (previous_scope, previous_id) = (${scope}, ${id})
      union all
      select 'webhook', scope, connector_id from webhook_secret where (secret_scope, secret_id) = (${scope}, ${id})
      union all
      select 'identity-provider', account, id from identity_provider where (secret_scope, secret_id) = (${scope}, ${id})
      limit 1`.execute(session);
    return rows[0] === undefined ? undefined : nameUse(rows[0]);
  }

  /** Versions and wraps that were superseded so many hours ago, tokens that have ended, and secrets that nobody names any more. */
  async forgetSuperseded(hours: number): Promise<void> {
    await this.forgetDeleted();
    const then = sql<Date>`now() - ${hours} * interval '1 hour'`;
    await this.storage.db.deleteFrom('secret_version').where('superseded_at', '<', then).execute();
    await this.storage.db.deleteFrom('superseded_wrap').where('superseded_at', '<', then).execute();
    await this.storage.db.deleteFrom('secret_token').where('usable_until', '<', sql<Date>`now()`).execute();
  }

  /** Of secrets that were deleted although in use: those that nobody names any more. */
  async forgetDeleted(): Promise<void> {
    await this.storage.db
      .deleteFrom('secret')
      .where('version', 'is', null)
      .where(
        sql<boolean>`(scope, id) not in (
          select secret_scope, secret_id from connector where secret_id is not null
          union select secret_scope, secret_id from credential_secret
          union select credential_scope, credential_id from secret_manager where credential_id is not null)`,
      )
      .where(isProvingNothing)
      .execute()
      .catch((error: unknown) => {
        // Somebody who had found the secret before it was deleted names it this moment.
        if (!isReferenced(error)) throw error;
      });
  }

  /** Takes every version away; who names the secret finds that it was deleted. @throws NOT_FOUND */
  async bury(tx: Session, scope: Scope, id: string): Promise<void> {
    const result = await tx
      .updateTable('secret')
      .set({ version: null, updated_at: new Date() })
      .where('scope', '=', scope)
      .where('id', '=', id)
      .where('version', 'is not', null)
      .executeTakeFirst();
    if (result.numUpdatedRows === 0n) throw new Failure('NOT_FOUND', { what: 'secret', id });
    for (const table of ['secret_version', 'secret_token'] as const)
      await tx.deleteFrom(table).where('scope', '=', scope).where('secret_id', '=', id).execute();
  }

  /** @throws NOT_FOUND; the database says no while it is used */
  async delete(tx: Session, scope: Scope, id: string): Promise<void> {
    const result = await tx
      .deleteFrom('secret')
      .where('scope', '=', scope)
      .where('id', '=', id)
      .where('version', 'is not', null)
      .executeTakeFirst();
    if (result.numDeletedRows === 0n) throw new Failure('NOT_FOUND', { what: 'secret', id });
  }

  async #find(scope: Scope, id: string): Promise<SecretRecord | 'deleted' | undefined> {
    const row = await this.storage.db
      .selectFrom('secret')
      .select(columns)
      .where('scope', '=', scope)
      .where('id', '=', id)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const { version } = row;
    return version === null ? 'deleted' : toRecord({ ...row, version });
  }

  async #putVersion(tx: Session, { scope, id, keptBy, stored }: HeldSecret): Promise<void> {
    // The secret's own row, which is locked by now, puts versions in a row.
    await tx
      .insertInto('secret_version')
      .values({
        id: stored.version,
        scope,
        secret_id: id,
        number: sql<number>`1 + coalesce((select max(number) from secret_version
          where scope = ${scope} and secret_id = ${id}), 0)`,
        manager_scope: keptBy?.scope ?? null,
        manager_id: keptBy?.id ?? null,
        stored: JSON.stringify(stored),
      })
      .onConflict((conflict) => conflict.columns(['scope', 'secret_id', 'id']).doNothing())
      .execute()
      .catch(keyRetired(id));
    const known = await this.version(scope, id, stored.version, tx);
    // Who sends the same bytes again means the same version; no other bytes may have its id.
    if (!isSame(known, { keptBy, stored }))
      throw new Failure('INPUT_REFUSED', { field: 'version', rule: 'is the id of another secret version' });
    await tx
      .updateTable('secret_version')
      .set({ superseded_at: null })
      .where('scope', '=', scope)
      .where('secret_id', '=', id)
      .where('id', '=', stored.version)
      .execute();
    await tx
      .updateTable('secret_version')
      .set({ superseded_at: sql<Date>`now()` })
      .where('scope', '=', scope)
      .where('secret_id', '=', id)
      .where('id', '<>', stored.version)
      .where('superseded_at', 'is', null)
      .execute();
    await this.assertKeyInUse(tx, keptBy, stored);
  }

  /** After the row is written, which waits for whoever retires the key. @throws SECRET_KEY_RETIRED */
  async assertKeyInUse(tx: Session, keptBy: KeptBy, stored: StoredSecret): Promise<void> {
    if (keptBy === null || !('keyId' in stored)) return;
    const retired = await tx
      .selectFrom('retired_key')
      .select('key_id')
      .where('manager_scope', '=', keptBy.scope)
      .where('manager_id', '=', keptBy.id)
      .where('key_id', '=', stored.keyId)
      .executeTakeFirst();
    if (retired !== undefined)
      throw new Failure('SECRET_KEY_RETIRED', { manager: keptBy.id, scope: keptBy.scope, key: stored.keyId });
  }
}

const isProvingNothing = sql<boolean>`not exists (select 1 from subscription
    where (secret_scope, secret_id) = (secret.scope, secret.id) or (previous_scope, previous_id) = (secret.scope, secret.id))
  and not exists (select 1 from webhook_secret where (secret_scope, secret_id) = (secret.scope, secret.id))
  and not exists (select 1 from identity_provider where (secret_scope, secret_id) = (secret.scope, secret.id))`;

/** Of one version there may be several wraps, but one payload. */
function isSame(
  known: Pick<HeldSecret, 'keptBy' | 'stored'> | undefined,
  { keptBy, stored }: Pick<HeldSecret, 'keptBy' | 'stored'>,
): boolean {
  if (known === undefined || !isDeepStrictEqual(known.keptBy, keptBy)) return false;
  return 'payload' in known.stored && 'payload' in stored
    ? isDeepStrictEqual(known.stored.payload, stored.payload)
    : isDeepStrictEqual(known.stored, stored);
}

const columns = [
  'scope',
  'id',
  'kind',
  'manager_scope',
  'manager_id',
  'version',
  'created_at',
  'updated_at',
] as const;
type Columns = Pick<Selectable<SecretTable>, (typeof columns)[number]>;

const toRecord = (row: Columns & { version: string }): SecretRecord => ({
  scope: row.scope,
  id: row.id,
  kind: row.kind,
  keptBy: toKeptBy(row.manager_scope, row.manager_id),
  version: row.version,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});
