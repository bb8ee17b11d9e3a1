// The copy of what is in Git: byte for byte, one row per entity and branch.
import { Injectable } from '@nestjs/common';
import { type Insertable, type Selectable, sql } from 'kysely';
import { Failure } from '../kernel/failure.js';
import type { Scope } from '../scopes/scope.js';
import { type Session, Storage } from '../storage/database.js';
import type { EntityTable } from '../storage/entity-schema.js';

export type EntityRecord = Selectable<EntityTable>;

export interface EntityKey {
  scope: Scope;
  kind: string;
  id: string;
}

/** Places where an entity is looked for. */
const PATHS_MAX = 20;

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

  /** Where the entity's copies of a repository lie. */
  async pathsOf({ scope, kind, id }: EntityKey, repository: string): Promise<string[]> {
    const rows = await this.storage.db
      .selectFrom('entity')
      .select('path')
      .distinct()
      .where('scope', '=', scope)
      .where('kind', '=', kind)
      .where('id', '=', id)
      .where('repository', '=', repository)
      .orderBy('path')
      .limit(PATHS_MAX)
      .execute();
    return rows.map(({ path }) => path);
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

  /**
   * Writes the copy where the entity has none on its branch, or one of the same repository. One that is another repository’s by now
   * stays as it is, and is answered. `over`: it goes over to this one.
   */
  async write(
    tx: Session,
    row: Insertable<EntityTable>,
    { over = false }: { over?: boolean } = {},
  ): Promise<EntityRecord | undefined> {
    const { scope, kind, id, branch, ...values } = row;
    const written = await tx
      .insertInto('entity')
      .values(row)
      .onConflict((conflict) =>
        conflict
          .columns(['scope', 'kind', 'id', 'branch'])
          .doUpdateSet({ ...values, updated_at: new Date() })
          .where(sql<boolean>`${over} or entity.repository = ${row.repository}`),
      )
      .returning('id')
      .executeTakeFirst();
    return written === undefined ? this.find({ scope, kind, id }, branch, tx) : undefined;
  }

  /** Deletes the copy of this repository. One that is another’s stays, and is answered. */
  async delete(
    tx: Session,
    key: EntityKey & { branch: string },
    repository: string,
  ): Promise<EntityRecord | undefined> {
    const { numDeletedRows } = await tx
      .deleteFrom('entity')
      .where('scope', '=', key.scope)
      .where('kind', '=', key.kind)
      .where('id', '=', key.id)
      .where('branch', '=', key.branch)
      .where('repository', '=', repository)
      .executeTakeFirst();
    return numDeletedRows > 0n ? undefined : this.find(key, key.branch, tx);
  }

  /** Deletes the copy only where it is still there, and with a blob id only while it has this content; whether it did. */
  async deleteAt(
    tx: Session,
    key: EntityKey & { branch: string },
    { repository, path, blobId }: { repository: string; path: string; blobId?: string },
  ): Promise<boolean> {
    let query = tx
      .deleteFrom('entity')
      .where('scope', '=', key.scope)
      .where('kind', '=', key.kind)
      .where('id', '=', key.id)
      .where('branch', '=', key.branch)
      .where('repository', '=', repository)
      .where('path', '=', path);
    if (blobId !== undefined) query = query.where('blob_id', '=', blobId);
    const { numDeletedRows } = await query.executeTakeFirst();
    return numDeletedRows > 0n;
  }

  /** Repositories and branches where these entities have copies. */
  async placesOf(tx: Session, keys: EntityKey[]): Promise<{ repository: string; branch: string }[]> {
    if (keys.length === 0) return [];
    return tx
      .selectFrom('entity')
      .select(['repository', 'branch'])
      .distinct()
      .where((where) =>
        where(
          where.refTuple('scope', 'kind', 'id'),
          'in',
          keys.map(({ scope, kind, id }) => where.tuple(scope, kind, id)),
        ),
      )
      .execute();
  }

  /** Deletes its copies on all branches. */
  async deleteAll(tx: Session, key: EntityKey): Promise<void> {
    await tx
      .deleteFrom('entity')
      .where('scope', '=', key.scope)
      .where('kind', '=', key.kind)
      .where('id', '=', key.id)
      .execute();
  }
}
