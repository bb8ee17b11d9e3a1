// Secret managers outside: what they are set with, and who may serve them. The builtin one has no row.
import { Injectable } from '@nestjs/common';
import { type Selectable, sql } from 'kysely';
import type { ManagerSettings } from '../contract/secret-managers.js';
import { Failure } from '../kernel/failure.js';
import { placesOf, type Scope } from '../scopes/scope.js';
import { isReferenced, type Session, Storage } from '../storage/database.js';
import type { SecretManagerTable } from '../storage/schema.js';

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
    const row = await session
      .selectFrom('secret_manager')
      .selectAll()
      .where('scope', '=', scope)
      .where('id', '=', id)
      .executeTakeFirst();
    return row === undefined ? undefined : toRecord(row);
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
    return rows.map(toRecord);
  }

  /** Secrets that it keeps a version of, in words; undefined where it keeps nothing. */
  async keeps(scope: Scope, id: string, session: Session = this.storage.db): Promise<string | undefined> {
    const rows = await session
      .selectFrom('secret_version')
      .select(['scope', 'secret_id'])
      .select(sql<number>`count(*) over ()`.as('count'))
      .where('manager_scope', '=', scope)
      .where('manager_id', '=', id)
      .groupBy(['scope', 'secret_id'])
      .orderBy('scope')
      .orderBy('secret_id')
      .limit(LISTED_MAX)
      .execute();
    const names = rows.map((row) => `${row.scope}/secrets/${row.secret_id}`).join(', ');
    const more = (rows[0]?.count ?? 0) - rows.length;
    return rows.length === 0 ? undefined : `${names}${more > 0 ? ` and ${more} more` : ''}`;
  }

  /** @throws NOT_FOUND, STILL_IN_USE */
  async delete(scope: Scope, id: string): Promise<void> {
    const result = await this.storage.db
      .deleteFrom('secret_manager')
      .where('scope', '=', scope)
      .where('id', '=', id)
      .executeTakeFirst()
      .catch(async (error: unknown) => {
        if (!isReferenced(error)) throw error;
        const by = (await this.keeps(scope, id)) ?? 'a secret';
        throw new Failure('STILL_IN_USE', { what: 'secret manager', id, by });
      });
    if (result.numDeletedRows === 0n) throw notFound(id);
  }
}

const LISTED_MAX = 20;

const notFound = (id: string): Failure => new Failure('NOT_FOUND', { what: 'secret manager', id }) as Failure;

const toRecord = (row: Selectable<SecretManagerTable>): SecretManagerRecord => ({
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
