import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { Failure } from '../kernel/failure.js';
import type { Scope } from '../scopes/scope.js';
import { Storage } from '../storage/database.js';

/** The type of an entity. Kinds are the account's own data. */
export interface Kind {
  id: string;
  /** JSON Schema, 2020-12. */
  schema: object;
  /** Where an entity's file goes when a save names no path: `{org}/{project}/pipelines/{id}.yaml`. */
  pathTemplate: string;
  /** Changes with the schema. */
  revision: string;
}

@Injectable()
export class KindsRepository {
  constructor(private readonly storage: Storage) {}

  async put(account: Scope, kind: Omit<Kind, 'revision'>): Promise<{ kind: Kind; created: boolean }> {
    const schema = JSON.stringify(kind.schema);
    const revision = createHash('sha256').update(schema).digest('hex').slice(0, 32);
    const values = { schema, path_template: kind.pathTemplate, revision };
    const row = await this.storage.db
      .insertInto('kind')
      .values({ account, id: kind.id, ...values })
      .onConflict((conflict) =>
        conflict.columns(['account', 'id']).doUpdateSet({ ...values, updated_at: new Date() }),
      )
      .returning(sql<boolean>`xmax = 0`.as('created'))
      .executeTakeFirstOrThrow();
    return { kind: { ...kind, revision }, created: row.created };
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
    return { id: row.id, schema: row.schema, pathTemplate: row.path_template, revision: row.revision };
  }
}
