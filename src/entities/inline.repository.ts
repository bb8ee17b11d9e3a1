// Entities that no repository has: byte for byte, one row each. An entity is here or in Git, never both: whoever is about to put
// one into Git, and whoever keeps one here, ask in the transaction that decides it, and the two wait for each other.
import { Injectable } from '@nestjs/common';
import { type Insertable, type Selectable, sql } from 'kysely';
import { type Session, Storage } from '../storage/database.js';
import type { InlineEntityTable } from '../storage/entity-schema.js';
import type { EntityKey } from './entities.repository.js';
import { lockEntities } from './entity-locks.repository.js';

export type InlineRecord = Selectable<InlineEntityTable>;

/** Where an entity is in Git, or is about to be. */
export interface GitHome {
  connector: string;
  branch: string;
  path: string;
}

@Injectable()
export class InlineRepository {
  constructor(private readonly storage: Storage) {}

  async find(
    { scope, kind, id }: EntityKey,
    session: Session = this.storage.db,
  ): Promise<InlineRecord | undefined> {
    return session
      .selectFrom('inline_entity')
      .selectAll()
      .where('scope', '=', scope)
      .where('kind', '=', kind)
      .where('id', '=', id)
      .executeTakeFirst();
  }

  /** Which of these are inline. */
  async among(keys: EntityKey[], session: Session = this.storage.db): Promise<EntityKey[]> {
    if (keys.length === 0) return [];
    return session
      .selectFrom('inline_entity')
      .select(['scope', 'kind', 'id'])
      .where((where) =>
        where(
          where.refTuple('scope', 'kind', 'id'),
          'in',
          keys.map(({ scope, kind, id }) => where.tuple(scope, kind, id)),
        ),
      )
      .execute();
  }

  /**
   * For whoever is about to put these into Git, to its copy or by an operation: which of them are inline, and shall not be. Until
   * the transaction ends, none of them becomes it.
   */
  async keepOut(tx: Session, keys: EntityKey[]): Promise<EntityKey[]> {
    await lockEntities(tx, keys, 'shared');
    return this.among(keys, tx);
  }

  /**
   * For whoever is about to keep this one inline, or no longer: what it is now. Until the transaction ends, nobody else changes
   * that. An operation that may yet put it into Git counts as if it had.
   */
  async hold(
    tx: Session,
    key: EntityKey,
  ): Promise<{ inline: InlineRecord | undefined; git: GitHome | undefined }> {
    await lockEntities(tx, [key], 'exclusive');
    return { inline: await this.find(key, tx), git: await gitHomeOf(tx, key) };
  }

  /** Writes the document, also over one of before, which keeps its place in the order of pages. */
  async write(tx: Session, row: Insertable<InlineEntityTable>): Promise<void> {
    const { yaml, blob_id, operation_id } = row;
    await tx
      .insertInto('inline_entity')
      .values(row)
      .onConflict((conflict) =>
        conflict
          .columns(['scope', 'kind', 'id'])
          .doUpdateSet({ yaml, blob_id, operation_id, updated_at: sql<Date>`now()` }),
      )
      .execute();
  }

  async delete(tx: Session, { scope, kind, id }: EntityKey): Promise<void> {
    await tx
      .deleteFrom('inline_entity')
      .where('scope', '=', scope)
      .where('kind', '=', kind)
      .where('id', '=', id)
      .execute();
  }

  /** What an earlier operation kept inline as this entity, if it did. */
  async earlier(session: Session, { scope, kind, id }: EntityKey, blobId: string): Promise<Buffer | null> {
    const row = await session
      .selectFrom('operation')
      .select('yaml')
      .where('lane_id', 'is', null)
      .where('scope', '=', scope)
      .where('kind', '=', kind)
      .where('entity_id', '=', id)
      .where('state', '=', 'succeeded')
      .where(sql<boolean>`result ->> 'blobId' = ${blobId}`)
      .orderBy('sequence', 'desc')
      .limit(1)
      .executeTakeFirst();
    return row?.yaml ?? null;
  }
}

/**
 * In one statement: an operation that lands meanwhile leaves its copy in the transaction that ends it, and two looks could miss
 * both.
 */
async function gitHomeOf(tx: Session, { scope, kind, id }: EntityKey): Promise<GitHome | undefined> {
  const { rows } = await sql<GitHome>`
    (select connector_id as connector, branch, path from entity
      where scope = ${scope} and kind = ${kind} and id = ${id} order by sequence limit 1)
    union all
    (select connector_id as connector, branch, path from operation
      where scope = ${scope} and kind = ${kind} and entity_id = ${id}
      and state = 'pending' and action <> 'delete' order by sequence limit 1)
    limit 1
  `.execute(tx);
  return rows[0];
}
