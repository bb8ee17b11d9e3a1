import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type Selectable, sql } from 'kysely';
import { record } from '../audit/record.js';
import { Failure } from '../kernel/failure.js';
import type { Scope } from '../scopes/scope.js';
import { Storage } from '../storage/database.js';
import type { KindTable } from '../storage/schema.js';
import type { Identity } from './identity.js';

/** The type of an entity. Kinds are the account's own data. */
export interface Kind {
  id: string;
  /** JSON Schema, 2020-12. */
  schema: object;
  /** Where an entity's file goes when a save names no path: `{org}/{project}/pipelines/{id}.yaml`. */
  pathTemplate: string;
  /** Where documents name themselves; null: nowhere. */
  identity: Identity | null;
  /** Changes with the schema and the identity. */
  revision: string;
}

@Injectable()
export class KindsRepository {
  constructor(private readonly storage: Storage) {}

  async put(account: Scope, kind: Omit<Kind, 'revision'>): Promise<{ kind: Kind; created: boolean }> {
    const schema = JSON.stringify(kind.schema);
    const identity = kind.identity === null ? null : JSON.stringify(kind.identity);
    const revision = createHash('sha256')
      .update(schema)
      .update(identity ?? '')
      .digest('hex')
      .slice(0, 32);
    const values = { schema, path_template: kind.pathTemplate, identity, revision };
    const created = await this.storage.transact(async (tx) => {
      const row = await tx
        .insertInto('kind')
        .values({ account, id: kind.id, ...values })
        .onConflict((conflict) =>
          conflict.columns(['account', 'id']).doUpdateSet({ ...values, updated_at: new Date() }),
        )
        .returning(sql<boolean>`xmax = 0`.as('created'))
        .executeTakeFirstOrThrow();
      const data = { created: row.created, revision, pathTemplate: kind.pathTemplate };
      record(tx, { action: 'kind.put', scope: account, target: `kinds/${kind.id}`, data });
      return row.created;
    });
    return { kind: { ...kind, revision }, created };
  }

  /** All kinds of an account, in the order in which they were made. */
  async list(account: Scope): Promise<Kind[]> {
    const rows = await this.storage.db
      .selectFrom('kind')
      .selectAll()
      .where('account', '=', account)
      .orderBy('created_at')
      .orderBy('id')
      .execute();
    return rows.map(toKind);
  }

  /** @throws NOT_FOUND */
  async get(account: Scope, id: string): Promise<Kind> {
    const row = await this.storage.db
      .selectFrom('kind')
      .selectAll()
      .where('account', '=', account)
      .where('id', '=', id)
      .executeTakeFirst();
    if (row === undefined) throw new Failure('NOT_FOUND', { what: 'kind', id });
    return toKind(row);
  }
}

const toKind = (row: Selectable<KindTable>): Kind => ({
  id: row.id,
  schema: row.schema,
  pathTemplate: row.path_template,
  identity: row.identity as Identity | null,
  revision: row.revision,
});
