// A connector whose refresh of `main` is on the way to an earlier commit, and does not get on.
import { sql } from './database.js';
import type { Stack } from './stack.js';

export interface Wayfarer {
  /** Files that it has been told to pass over. */
  overtaken: () => Promise<string[]>;
  end: () => Promise<void>;
}

export async function setOut(stack: Stack, connector: string): Promise<Wayfarer> {
  const query = (text: string) =>
    sql<{ overtaken: string[] }>(stack.databaseUrl, text, ['accounts/demo', connector]);
  await query(`insert into tracking (scope, connector, branches, files, rules, revision, due_at)
    values ($1, $2, '{}', '[]', '[]', 'r', now() + interval '1 day')`);
  await query(`insert into tracked_branch (scope, connector, branch, repository, target)
    select scope, id, 'main', url, repeat('0', 40) from connector where scope = $1 and id = $2`);
  return {
    overtaken: async () =>
      (await query('select overtaken from tracked_branch where scope = $1 and connector = $2')).flatMap(
        (row) => row.overtaken,
      ),
    end: async () => void (await query('delete from tracking where scope = $1 and connector = $2')),
  };
}
