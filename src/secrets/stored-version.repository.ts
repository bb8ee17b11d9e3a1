// What the row of a secret version holds goes by the row’s own id: whatever an older version sealed, and somebody wrote into its
// place, is opened as this version, which it was not sealed for.
import { type RawBuilder, sql } from 'kysely';
import type { StoredSecret } from '../envelope/secret-manager.js';

/** @param table as the query calls `secret_version` */
export const storedIn = (table: string): RawBuilder<StoredSecret> =>
  sql<StoredSecret>`(${sql.ref(`${table}.stored`)} || jsonb_build_object('version', ${sql.ref(`${table}.id`)}))`;
