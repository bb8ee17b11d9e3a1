// Secret managers outside: what they are set with, and who may serve them. The builtin one has no row.
import { Injectable } from '@nestjs/common';
import { type Selectable, sql } from 'kysely';
import { record } from '../audit/record.js';
import type { ManagerSettings } from '../contract/secret-managers.js';
import { Failure } from '../kernel/failure.js';
import { placesOf, type Scope } from '../scopes/scope.js';
import { isReferenced, type Session, Storage } from '../storage/database.js';
import type { SecretManagerTable } from '../storage/secret-schema.js';

export interface SecretManagerRecord {
  scope: Scope;
  id: string;
  settings: ManagerSettings;
  /** As of a connector. */
  group: string | null;
  tags: string[];
  /** A builtin secret; null: the delegate's own identity. */
  credential: { secretScope: Scope; secret: string } | null;
  /** Changes with every write. */
  revision: string;
}

/** A key, and how many secret versions and superseded wraps it wrapped. */
export interface KeyRecord {
  key: string;
  versions: number;
  superseded: number;
  retiredAt: Date | null;
}

@Injectable()
export class SecretManagersRepository {
  constructor(private readonly storage: Storage) {}

  /** @throws NOT_FOUND for a credential that is gone, or is no builtin secret any more */
  async put(tx: Session, manager: SecretManagerRecord): Promise<{ created: boolean }> {
    const { scope, id, credential } = manager;
    const values = {
      settings: JSON.stringify(manager.settings),
      delegate_group: manager.group,
      delegate_tags: manager.tags,
      credential_scope: credential?.secretScope ?? null,
      credential_id: credential?.secret ?? null,
      revision: manager.revision,
    };
    const row = await tx
      .insertInto('secret_manager')
      .values({ scope, id, ...values })
      .onConflict((conflict) =>
        conflict.columns(['scope', 'id']).doUpdateSet({ ...values, updated_at: new Date() }),
      )
      .returning(sql<boolean>`xmax = 0`.as('created'))
      .executeTakeFirstOrThrow()
      .catch((error: unknown) => {
        throw isReferenced(error) && credential !== null
          ? new Failure('NOT_FOUND', { what: 'builtin secret', id: credential.secret })
          : error;
      });
    return row;
  }

  async find(
    scope: Scope,
    id: string,
    session: Session = this.storage.db,
  ): Promise<SecretManagerRecord | undefined> {
    const row = await this.#at(session, scope, id).executeTakeFirst();
    return row === undefined ? undefined : toManager(row);
  }

  /**
   * Keeps the secret manager from being deleted, and its lasting settings from being changed, until the transaction ends.
   * @throws NOT_FOUND
   */
  async hold(tx: Session, scope: Scope, id: string): Promise<SecretManagerRecord> {
    const row = await this.#at(tx, scope, id).forShare().executeTakeFirst();
    if (row === undefined) throw notFound(id);
    return toManager(row);
  }

  /** Waits for everybody who is about to need it as it is, and keeps others from it. */
  async holdAlone(tx: Session, scope: Scope, id: string): Promise<void> {
    await this.#at(tx, scope, id).forUpdate().execute();
  }

  /** @throws NOT_FOUND */
  async get(scope: Scope, id: string): Promise<SecretManagerRecord> {
    const found = await this.find(scope, id);
    if (found === undefined) throw notFound(id);
    return found;
  }

  /** The one that is meant by this name in this scope. @throws NOT_FOUND */
  async resolve(scope: Scope, name: string): Promise<SecretManagerRecord> {
    const { id, places } = placesOf(scope, name);
    for (const place of places) {
      const found = await this.find(place, id);
      if (found !== undefined) return found;
    }
    throw notFound(name);
  }

  /** Of this scope alone, by name. */
  async list(scope: Scope): Promise<SecretManagerRecord[]> {
    const rows = await this.storage.db
      .selectFrom('secret_manager')
      .selectAll()
      .where('scope', '=', scope)
      .orderBy('id')
      .execute();
    return rows.map(toManager);
  }

  /** The keys that what it keeps in this scope and within was wrapped with; null for the builtin one. */
  async keys(keeper: { scope: Scope; id: string } | null, within: Scope): Promise<KeyRecord[]> {
    const rows = await this.#wraps(keeper)
      .where((eb) => eb.or([eb('w.scope', '=', within), sql<boolean>`starts_with(w.scope, ${`${within}/`})`]))
      .select(['w.key_id as key'])
      .select(sql<number>`count(*) filter (where not w.superseded)`.as('versions'))
      .select(sql<number>`count(*) filter (where w.superseded)`.as('superseded'))
      .groupBy('w.key_id')
      .execute();
    const retired = keeper === null ? new Map<string, Date>() : await this.#retiredKeys(keeper);
    const unused = [...retired.keys()].filter((key) => rows.every((row) => row.key !== key));
    const all: Omit<KeyRecord, 'retiredAt'>[] = [
      ...rows,
      ...unused.map((key) => ({ key, versions: 0, superseded: 0 })),
    ];
    return all
      .map((row) => ({ ...row, retiredAt: retired.get(row.key) ?? null }))
      .toSorted((one, other) => one.key.localeCompare(other.key));
  }

  async #retiredKeys({ scope, id }: { scope: Scope; id: string }): Promise<Map<string, Date>> {
    const rows = await this.storage.db
      .selectFrom('retired_key')
      .select(['key_id', 'retired_at'])
      .where('manager_scope', '=', scope)
      .where('manager_id', '=', id)
      .execute();
    return new Map(rows.map((row) => [row.key_id, row.retired_at]));
  }

  /**
   * From now on nothing is stored that this key wrapped.
   * @throws NOT_FOUND, STILL_IN_USE
   */
  async retireKey(scope: Scope, id: string, key: string): Promise<void> {
    await this.storage.transact(async (tx) => {
      const row = await tx
        .selectFrom('secret_manager')
        .select('id')
        .where('scope', '=', scope)
        .where('id', '=', id)
        .forUpdate()
        .executeTakeFirst();
      if (row === undefined) throw notFound(id);
      const by = await this.#dependants({ scope, id }, key, tx);
      if (by !== undefined) throw new Failure('STILL_IN_USE', { what: 'key', id: key, by });
      await tx
        .insertInto('retired_key')
        .values({ manager_scope: scope, manager_id: id, key_id: key })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      record(tx, { action: 'key.retire', scope, target: `secret-managers/${id}`, data: { key } });
    });
  }

  /** @throws NOT_FOUND for a key that is not retired */
  async reinstateKey(scope: Scope, id: string, key: string): Promise<void> {
    await this.storage.transact(async (tx) => {
      const { numDeletedRows } = await tx
        .deleteFrom('retired_key')
        .where('manager_scope', '=', scope)
        .where('manager_id', '=', id)
        .where('key_id', '=', key)
        .executeTakeFirst();
      if (numDeletedRows === 0n) throw new Failure('NOT_FOUND', { what: 'retired key', id: key });
      record(tx, { action: 'key.reinstate', scope, target: `secret-managers/${id}`, data: { key } });
    });
  }

  /** Secrets with a version, or a superseded wrap, under this key, in words; undefined where there are none. */
  async #dependants(
    keeper: { scope: Scope; id: string } | null,
    key: string,
    session: Session,
  ): Promise<string | undefined> {
    const rows = await this.#wraps(keeper, session)
      .select(['w.scope', 'w.secret_id'])
      .select(sql<boolean>`bool_and(w.superseded)`.as('superseded'))
      .select(sql<number>`count(*) over ()`.as('count'))
      .where('w.key_id', '=', key)
      .groupBy(['w.scope', 'w.secret_id'])
      .orderBy('w.scope')
      .orderBy('w.secret_id')
      .limit(LISTED_MAX)
      .execute();
    const names = rows.map(
      (row) =>
        `${row.scope}/secrets/${row.secret_id}${row.superseded ? ' (superseded, kept for a while)' : ''}`,
    );
    return inWords(names, rows[0]?.count ?? 0);
  }

  /** Every wrap of a data key, those that were superseded too. */
  #wraps(keeper: { scope: Scope; id: string } | null, session: Session = this.storage.db) {
    const versions = session
      .selectFrom('secret_version as v')
      .select(['v.scope', 'v.secret_id', sql<string>`v.stored->>'keyId'`.as('key_id')])
      .select(sql<boolean>`v.superseded_at is not null`.as('superseded'))
      .where(sql<boolean>`v.stored ? 'keyId'`)
      .where('v.manager_scope', 'is not distinct from', keeper?.scope ?? null)
      .where('v.manager_id', 'is not distinct from', keeper?.id ?? null);
    const replaced = session
      .selectFrom('superseded_wrap as r')
      .innerJoin('secret_version as v', (join) =>
        join
          .onRef('v.scope', '=', 'r.scope')
          .onRef('v.secret_id', '=', 'r.secret_id')
          .onRef('v.id', '=', 'r.version'),
      )
      .select(['r.scope', 'r.secret_id', sql<string>`r.stored->>'keyId'`.as('key_id')])
      .select(sql<boolean>`true`.as('superseded'))
      .where('v.manager_scope', 'is not distinct from', keeper?.scope ?? null)
      .where('v.manager_id', 'is not distinct from', keeper?.id ?? null);
    return session.selectFrom(versions.unionAll(replaced).as('w'));
  }

  /** @throws NOT_FOUND; the database says no while it is used */
  async delete(scope: Scope, id: string): Promise<void> {
    await this.storage.transact(async (tx) => {
      const result = await tx
        .deleteFrom('secret_manager')
        .where('scope', '=', scope)
        .where('id', '=', id)
        .executeTakeFirst();
      if (result.numDeletedRows === 0n) throw notFound(id);
      record(tx, { action: 'secret-manager.delete', scope, target: `secret-managers/${id}` });
    });
  }

  #at(session: Session, scope: Scope, id: string) {
    return session.selectFrom('secret_manager').selectAll().where('scope', '=', scope).where('id', '=', id);
  }
}

const LISTED_MAX = 20;

/** 'a, b and 3 more'; undefined for nothing. */
function inWords(names: readonly string[], count: number): string | undefined {
  const more = count - names.length;
  return names.length === 0 ? undefined : `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

const notFound = (id: string): Failure => new Failure('NOT_FOUND', { what: 'secret manager', id }) as Failure;

export const toManager = (row: Selectable<SecretManagerTable>): SecretManagerRecord => ({
  scope: row.scope,
  id: row.id,
  settings: row.settings as ManagerSettings,
  group: row.delegate_group,
  tags: row.delegate_tags,
  credential:
    row.credential_scope === null || row.credential_id === null
      ? null
      : { secretScope: row.credential_scope, secret: row.credential_id },
  revision: row.revision,
});
