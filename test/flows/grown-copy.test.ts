// What is asked of a copy costs what is asked for, in a repository that statistics know nothing of yet.
import { sql as query } from 'kysely';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { CopiesRepository } from '../../src/entities/copies.repository.js';
import type { Scope } from '../../src/scopes/scope.js';
import { type Session, Storage } from '../../src/storage/database.js';
import { sql } from '../support/database.js';
import { createDatabase } from '../support/stack.js';

const OLD = 20_000;
const NEW = 3_000;
const ASKED = 200;
const scope = 'accounts/a' as Scope;
const place = { repository: 'https://git.example/new.git', branch: 'main' };
const pathOf = (at: number): string => `new/${at}.yaml`;
const blobOf = (at: number): string => `new${at}`;
const asked = Array.from({ length: ASKED }, (_, at) => at * 7);

let database: Awaited<ReturnType<typeof createDatabase>>;
let storage: Storage;
beforeAll(async () => {
  database = await createDatabase(inject('embeddedPostgres'));
  storage = new Storage(database.url);
  await storage.migrate();
  const fill = (name: string, count: number): Promise<unknown> =>
    sql(
      database.url,
      `insert into entity (scope, kind, id, branch, connector_scope, connector_id, repository, path, yaml, blob_id, commit_id)
       select 'accounts/a', 'part', $1::text || n, 'main', 'accounts/a', 'direct', 'https://git.example/' || $1 || '.git',
         $1 || '/' || n || '.yaml', 'size: 1', $1 || n, 'c' from generate_series(0, $2::int - 1) as n`,
      [name, count],
    );
  await sql(
    database.url,
    `insert into scope (path, account, display_name) values ('accounts/a', 'accounts/a', 'a')`,
  );
  await sql(
    database.url,
    `insert into connector (scope, id, url, connectivity, revision)
     values ('accounts/a', 'direct', 'https://git.example/old.git', 'manager', 'first')`,
  );
  await fill('old', OLD);
  await sql(database.url, 'analyze entity');
  await fill('new', NEW);
});
afterAll(async () => {
  await storage.close();
  await database.drop();
});

/** Of the table of copies, by this connection. */
async function rowsRead(tx: Session): Promise<number> {
  const { rows } = await query<{ read: number }>`
    select (coalesce(idx_tup_fetch, 0) + seq_tup_read)::int as read from pg_stat_xact_user_tables
    where relname = 'entity'`.execute(tx);
  return rows[0]?.read ?? 0;
}

it.each([
  [
    'copies by path and by name',
    (copies: CopiesRepository) =>
      copies.around(
        place,
        asked.map(pathOf),
        asked.map((at) => ({ scope, kind: 'part', id: `new${at}` })),
      ),
    2 * ASKED,
  ],
  [
    'paths on other branches',
    (copies: CopiesRepository) =>
      copies.onOtherBranches({ ...place, branch: 'other' }, asked.map(pathOf), scope),
    ASKED,
  ],
  [
    'known paths',
    (copies: CopiesRepository) => copies.knownPaths(place.repository, asked.map(pathOf)),
    ASKED,
  ],
  [
    'known documents',
    (copies: CopiesRepository) => copies.knownBlobs(place.repository, asked.map(blobOf)),
    ASKED,
  ],
  ['documents', (copies: CopiesRepository) => copies.contents(place.repository, asked.map(blobOf)), ASKED],
])('%s are found without a look at the others', async (_, ask, found) => {
  await storage.db.transaction().execute(async (tx) => {
    const before = await rowsRead(tx);
    const answer = await ask(new CopiesRepository({ db: tx } as unknown as Storage));
    expect(Array.isArray(answer) ? answer.length : answer.size).toBe(found);
    expect((await rowsRead(tx)) - before).toBe(found);
  });
});
