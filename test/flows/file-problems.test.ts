// Files that are no entities, and the longest names that entities may have, as facts of the database.
import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, it } from 'vitest';
import { Failure } from '../../src/kernel/failure.js';
import { Storage } from '../../src/storage/database.js';
import { FileProblemsRepository } from '../../src/sync/file-problems.repository.js';
import { TrackingRepository } from '../../src/sync/tracking.repository.js';
import { sql } from '../support/database.js';
import { createDatabase } from '../support/stack.js';

const key = { scope: 'accounts/a', connector: 'c' };
const branch = 'main';
const repository = 'https://git.example/r.git';

let database: Awaited<ReturnType<typeof createDatabase>>;
let storage: Storage;
let problems: FileProblemsRepository;
beforeAll(async () => {
  database = await createDatabase(inject('embeddedPostgres'));
  storage = new Storage(database.url);
  await storage.migrate();
  problems = new FileProblemsRepository(storage);
  for (const name of ['a', 'b'])
    await query(
      `insert into scope (path, account, display_name) values ('accounts/${name}', 'accounts/${name}', 'x')`,
    );
});
beforeEach(async () => {
  for (const name of ['a', 'b'])
    await query(
      `insert into connector (scope, id, url, connectivity, revision)
       values ('accounts/${name}', 'c', '${repository}', 'manager', 'r')`,
    );
  const tracking = new TrackingRepository(storage);
  await tracking.put(key, { branches: [], files: [], rules: [] });
  await tracking.note(storage.db, key, repository, [[branch, 'a'.repeat(40)]]);
});
afterEach(async () => {
  await query('delete from entity');
  await query('delete from connector');
});
afterAll(async () => {
  await storage.close();
  await database.drop();
});

const query = (text: string) => sql(database.url, text);
/** That no compression makes shorter. */
function longName(bytes: number): string {
  let text = '';
  while (text.length < bytes) text += createHash('sha512').update(text).digest('base64url');
  return text.slice(0, bytes);
}
const keep = (owner: string, path: string, at: { repository: string; branch: string }) =>
  query(
    `insert into entity (scope, kind, id, branch, connector_scope, connector_id, repository, path, yaml, blob_id, commit_id)
     values ('${owner}', 'k', 'x', '${at.branch}', '${owner}', 'c', '${at.repository}', '${path}', '', 'b', 'c')`,
  );
const report = (path: string, failure: Failure) =>
  problems.write(storage.db, [
    {
      ...key,
      branch,
      path,
      verdict: 'invalid',
      blob_id: 'b'.repeat(40),
      commit_id: 'c'.repeat(40),
      kind: 'k',
      entity_scope: 'accounts/a',
      entity_id: 'mine',
      failure: JSON.stringify(failure.toWire()),
    },
  ]);
const unfit = (path: string) => new Failure('FILE_UNFIT', { path, problem: 'the path is long' }) as Failure;

it('an entity with the longest path of the longest branch of the longest URL has its place', async () => {
  const url = `https://${longName(1_024 - 8)}`;
  await keep('accounts/a', longName(1_024), { repository: url, branch: longName(250) });
  expect(await query(`select length(path) as bytes from entity`)).toEqual([{ bytes: 1_024 }]);
});

it('a file with a longer path is a problem like another, and over when it is gone', async () => {
  const paths = [longName(4_000), `${longName(4_000)}x`, 'short.yaml'];
  for (const path of paths) await report(path, unfit('long'));
  expect(await problems.list(key, { limit: 10 })).toHaveLength(3);
  const asked = [...paths, `${longName(4_000)}y`];
  expect((await problems.pathsAmong(key, branch, asked)).toSorted()).toEqual(paths.toSorted());
  await problems.clear(storage.db, key, branch, paths.slice(1));
  expect(await problems.pathsAmong(key, branch, asked)).toEqual(paths.slice(0, 1));
});

it('a file that another account has is judged again once that has it no more', async () => {
  const path = 'p/mine.yaml';
  await keep('accounts/b', path, { repository, branch });
  const data = { path, branch, by: 'an entity of another account' };
  await report(path, new Failure('ENTITY_PLACE_TAKEN', data) as Failure);
  const freed = async () => [
    await problems.freed(key, { repository, branch }, []),
    [...(await problems.freedBranches(key))],
  ];
  expect(await freed()).toEqual([[], []]);
  await query('delete from entity');
  expect(await freed()).toEqual([[{ path, blob: 'b'.repeat(40) }], [branch]]);
});
