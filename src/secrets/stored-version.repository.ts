// What the row of a secret version holds goes by the row’s own id: whatever an older version sealed, and somebody wrote into its
// place, is opened as this version, which it was not sealed for.
import { type RawBuilder, sql } from 'kysely';
import type { StoredSecret } from '../envelope/secret-manager.js';
import type { Scope } from '../scopes/scope.js';
import type { Session } from '../storage/database.js';
import { type KeptBy, toKeptBy } from './kept-by.js';

/** @param table as the query calls `secret_version` */
export const storedIn = (table: string): RawBuilder<StoredSecret> =>
  sql<StoredSecret>`(${sql.ref(`${table}.stored`)} || jsonb_build_object('version', ${sql.ref(`${table}.id`)}))`;

/** What anybody may know of a version. */
export interface SecretVersion {
  version: string;
  /** 1 for the first one. */
  number: number;
  keptBy: KeptBy;
  createdAt: Date;
  /** Null for the current one. */
  supersededAt: Date | null;
}

const VERSIONS_MAX = 100;

/** Those that are still kept, newest first. */
export async function versionsOf(session: Session, scope: Scope, id: string): Promise<SecretVersion[]> {
  const rows = await session
    .selectFrom('secret_version')
    .select(['id', 'number', 'manager_scope', 'manager_id', 'created_at', 'superseded_at'])
    .where('scope', '=', scope)
    .where('secret_id', '=', id)
    .orderBy('number', 'desc')
    .limit(VERSIONS_MAX)
    .execute();
  return rows.map((row) => ({
    version: row.id,
    number: row.number,
    keptBy: toKeptBy(row.manager_scope, row.manager_id),
    createdAt: row.created_at,
    supersededAt: row.superseded_at,
  }));
}
