// What somebody outside will notice is on record before it happens, as begun, and what came of it after. Whoever may write secrets may
// go on using them.
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

export const begunActs: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`alter table audit_entry drop constraint audit_entry_outcome_check`.execute(db);
    await sql`alter table audit_entry add constraint audit_entry_outcome_check
      check (outcome in ('done', 'refused', 'denied', 'begun', 'failed'))`.execute(db);
    await sql`update role set permissions = array_append(permissions, 'secret.use')
      where 'secret.manage' = any (permissions)`.execute(db);
  },
};
