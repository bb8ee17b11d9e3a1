import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** A migration of statements, each ended by `;` and a line end. */
export function statements(text: string): Migration {
  return {
    async up(db: Kysely<unknown>): Promise<void> {
      for (const statement of text.split(';\n'))
        if (statement.trim() !== '') await sql.raw(statement).execute(db);
    },
  };
}
