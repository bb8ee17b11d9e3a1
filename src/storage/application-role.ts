// What the role of the application may do: everything it needs to run a manager, and nothing to what has been put on record.
import { type Kysely, sql } from 'kysely';
import type { Tables } from './schema.js';

/** Tables that rows are added to and never changed. */
const ADDED_TO = ['secret_audit'];
/** Tables that it only reads; the audit is written by the function `audit_append`, which has its owner’s rights. */
const READ = ['audit_entry', 'audit_head', 'kysely_migration', 'kysely_migration_lock'];

/** Lets this role run managers; asked again, it takes back what is more than that. Whoever asks owns the tables. */
export async function grantApplicationRole(db: Kysely<Tables>, name: string): Promise<void> {
  const role = sql.id(name);
  const { rows } = await sql<{ schema: string }>`select current_schema() as schema`.execute(db);
  const schema = sql.id(rows[0]?.schema ?? 'public');
  const only = sql.join([...ADDED_TO, ...READ].map((table) => sql.table(table)));
  const read = sql.join(READ.map((table) => sql.table(table)));
  await db.transaction().execute(async (tx) => {
    for (const statement of [
      sql`grant usage on schema ${schema} to ${role}`,
      sql`revoke create on schema ${schema} from public, ${role}`,
      sql`grant select, insert, update, delete on all tables in schema ${schema} to ${role}`,
      sql`grant usage, select on all sequences in schema ${schema} to ${role}`,
      sql`revoke update, delete, truncate, trigger, references on ${only} from public, ${role}`,
      sql`revoke insert on ${read} from public, ${role}`,
      sql`grant execute on function audit_append(text, text[]) to ${role}`,
    ])
      await statement.execute(tx);
  });
}
