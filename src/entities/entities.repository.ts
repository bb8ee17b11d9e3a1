// The copy of what is in Git: byte for byte, one row per entity and branch.
import { Injectable } from '@nestjs/common';
import { type Insertable, type Selectable, sql } from 'kysely';
import { Failure } from '../kernel/failure.js';
import type { Scope } from '../scopes/scope.js';
import { type Session, Storage } from '../storage/database.js';
import { fitPage, type Page } from '../storage/page.js';
import type { EntityTable } from '../storage/schema.js';

export type EntityRecord = Selectable<EntityTable>;

export interface EntityKey {
  scope: Scope;
  kind: string;
  id: string;
}

export interface EntityFilter {
  scope: Scope;
  kind?: string | undefined;
  branch?: string | undefined;
  /** Sequence number after which the page begins. */
  after: number;
  limit: number;
}

@Injectable()
export class EntitiesRepository {
  constructor(private readonly storage: Storage) {}

  /** The copy on this branch, or, without one, the copy on the branch where the entity was first saved. */
  async find(
    key: EntityKey,
    branch?: string,
    session: Session = this.storage.db,
  ): Promise<EntityRecord | undefined> {
    let query = session
      .selectFrom('entity')
      .selectAll()
      .where('scope', '=', key.scope)
      .where('kind', '=', key.kind)
      .where('id', '=', key.id);
    if (branch !== undefined) query = query.where('branch', '=', branch);
    return query.orderBy('sequence').limit(1).executeTakeFirst();
  }

  /** @throws NOT_FOUND */
  async get(key: EntityKey, branch?: string): Promise<EntityRecord> {
    const record = await this.find(key, branch);
    if (record === undefined) throw new Failure('NOT_FOUND', { what: key.kind, id: key.id });
    return record;
  }

  /** Everything that a batch could touch or collide with: copies at these paths, and copies of these entities, on a branch. */
  async around(
    place: { repository: string; branch: string; paths: string[]; keys: EntityKey[] },
    session: Session = this.storage.db,
  ): Promise<EntityRecord[]> {
    return session
      .selectFrom('entity')
      .selectAll()
      .where('branch', '=', place.branch)
      .where((where) =>
        where.or([
          where.and([where('repository', '=', place.repository), where('path', 'in', place.paths)]),
          where(
            where.refTuple('scope', 'kind', 'id'),
            'in',
            place.keys.map((key) => where.tuple(key.scope, key.kind, key.id)),
          ),
        ]),
      )
      .execute();
  }

  async list(filter: EntityFilter): Promise<Page<EntityRecord>> {
    let query = this.storage.db
      .selectFrom('entity')
      .select(['sequence', sql<number>`octet_length(yaml)`.as('bytes')])
      .where('scope', '=', filter.scope)
      .where('sequence', '>', filter.after);
    if (filter.kind !== undefined) query = query.where('kind', '=', filter.kind);
    if (filter.branch !== undefined) query = query.where('branch', '=', filter.branch);
    const found = await query
      .orderBy('sequence')
      .limit(filter.limit + 1)
      .execute();
    const { sequences, next } = fitPage(found, filter.limit);
    if (sequences.length === 0) return { rows: [], next };
    const rows = this.storage.db.selectFrom('entity').selectAll().where('sequence', 'in', sequences);
    return { rows: await rows.orderBy('sequence').execute(), next };
  }

  async write(tx: Session, row: Insertable<EntityTable>): Promise<void> {
    const { scope: _scope, kind: _kind, id: _id, branch: _branch, ...values } = row;
    await tx
      .insertInto('entity')
      .values(row)
      .onConflict((conflict) =>
        conflict
          .columns(['scope', 'kind', 'id', 'branch'])
          .doUpdateSet({ ...values, updated_at: new Date() }),
      )
      .execute();
  }

  async delete(tx: Session, key: EntityKey & { branch: string }): Promise<void> {
    await tx
      .deleteFrom('entity')
      .where('scope', '=', key.scope)
      .where('kind', '=', key.kind)
      .where('id', '=', key.id)
      .where('branch', '=', key.branch)
      .execute();
  }
}
