// What is kept of files that the copy has from another commit than the one that somebody followed their branch to.
import { afterAll, beforeAll, beforeEach, expect, inject, it } from 'vitest';
import { Storage } from '../../src/storage/database.js';
import { type Landed, overtake } from '../../src/sync/overtaken.repository.js';
import { sql } from '../support/database.js';
import { createDatabase } from '../support/stack.js';

const place = { repository: 'https://git.example/a.git', branch: 'main' };
const key = { scope: 'accounts/a', connector: 'direct' };

let database: Awaited<ReturnType<typeof createDatabase>>;
let storage: Storage;
beforeAll(async () => {
  database = await createDatabase(inject('embeddedPostgres'));
  storage = new Storage(database.url);
  await sql(
    database.url,
    `insert into scope (path, account, display_name) values ('accounts/a', 'accounts/a', 'a')`,
  );
  await sql(
    database.url,
    `insert into connector (scope, id, url, connectivity, revision)
     values ('accounts/a', 'direct', $1, 'manager', 'first')`,
    [place.repository],
  );
  await sql(
    database.url,
    `insert into tracking (scope, connector, branches, files, rules, revision)
     values ('accounts/a', 'direct', '{}', '[]', '[]', 'r')`,
  );
});
afterAll(async () => {
  await storage.close();
  await database.drop();
});
beforeEach(() => sql(database.url, 'delete from tracked_branch'));

const isAt = (synced: string | null, target: string | null): Promise<unknown> =>
  sql(
    database.url,
    `insert into tracked_branch (scope, connector, branch, repository, listed, synced, target, revision, overtaken, beyond)
     values ('accounts/a', 'direct', 'main', $1, $2, $2, $3, 'r', '{}', '{}')`,
    [place.repository, synced, target],
  );
const landed = async (more: Partial<Landed>): Promise<unknown> => {
  await overtake(storage.db, place, { base: 'base', head: 'head', paths: ['b', 'a', 'b'], ...more });
  const columns = 'listed, synced, target, revision, overtaken, beyond';
  const [row] = await sql(database.url, `select ${columns} from tracked_branch`);
  return row;
};

const still = { revision: 'r', overtaken: [], beyond: [] };
const ab = ['a', 'b'];

it.each<[string, [string | null, string | null], Partial<Landed>, object]>([
  ['on what was followed', ['base', null], {}, { ...still, listed: 'head', synced: 'head', target: null }],
  ['on what nobody had seen', ['older', null], {}, { ...still, synced: 'older', beyond: ab }],
  [
    'on nothing that was followed',
    ['older', null],
    { base: null },
    { ...still, synced: 'older', beyond: ab },
  ],
  ['where it was followed to', ['head', null], { base: null }, { ...still, synced: 'head' }],
  ['where nothing was followed yet', [null, null], {}, { ...still, synced: null }],
  ['while one is on the way', ['base', 'target'], {}, { ...still, synced: 'base', overtaken: ab }],
  ['where one is on the way to', ['older', 'head'], {}, { ...still, synced: 'older' }],
  ['on a branch that is gone', ['head', null], { base: null, head: null }, { ...still, beyond: ab }],
  ['by whoever follows it', ['older', null], { by: key }, { ...still, synced: 'older' }],
])('what landed %s', async (_, [synced, target], more, row) => {
  await isAt(synced, target);
  expect(await landed(more)).toMatchObject(row);
});

it.each<[string, string | null]>([
  ['beyond what was followed', null],
  ['on the way', 'target'],
])('of very many files %s, all is looked at', async (_, target) => {
  await isAt('older', target);
  const paths = Array.from({ length: 5_001 }, (__, at) => `p${at}`);
  expect(await landed({ paths })).toEqual({
    ...{ listed: 'older', synced: null, target: null, revision: null, overtaken: [], beyond: [] },
  });
});
