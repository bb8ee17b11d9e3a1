// Which pull requests a manager takes upon itself, as a fact of the database.
import { afterAll, afterEach, beforeAll, expect, inject, it } from 'vitest';
import { PullRequestsRepository } from '../../src/pulls/pull-requests.repository.js';
import { Storage } from '../../src/storage/database.js';
import { createDatabase, sql } from '../support/database.js';

const ALICE = 'accounts/alice';
const BOB = 'accounts/bob';
const CAROL = 'accounts/carol';

let database: Awaited<ReturnType<typeof createDatabase>>;
let storage: Storage;
let requests: PullRequestsRepository;

beforeAll(async () => {
  database = await createDatabase(inject('realPostgres'));
  storage = new Storage(database.url);
  requests = new PullRequestsRepository(storage);
  await sql(
    database.url,
    `insert into scope (path, account, display_name) select path, path, path from unnest($1::text[]) as path`,
    [[ALICE, BOB, CAROL]],
  );
});
afterEach(() => sql(database.url, 'delete from connector'));
afterAll(async () => {
  await storage.close();
  await database.drop();
});

interface Due {
  scope: string;
  id: string;
  url: string;
  apiUrl?: string;
  road?: string;
  count: number;
}

/** A connector, and so many open requests that are due since long. */
async function due({ scope, id, url, apiUrl, road = 'manager', count }: Due): Promise<void> {
  await sql(
    database.url,
    `insert into connector (scope, id, url, api_url, connectivity, revision)
     values ($1, $2, $3, $4, $5, 'r')`,
    [scope, id, url, apiUrl ?? null, road],
  );
  await sql(
    database.url,
    `insert into pull_request (id, scope, connector_scope, connector_id, repository, branch, base, title, body, reviewers,
       draft, operation_id, state, number, due_at)
     select $2 || nr, $1, $1, $2, $3, 'topic/' || nr, 'main', 'Title', '', '{}', false, 'none', 'open', nr,
       now() - interval '1 hour' from generate_series(1, $4) as nr`,
    [scope, id, url, count],
  );
}

/** How many of each connector are taken, while those of `before` are at work. */
async function claim(before: Awaited<ReturnType<typeof requests.claim>> = []) {
  const claimed = await requests.claim(60_000, before);
  const of = Map.groupBy(claimed, ({ connector_id: id }) => id);
  const counts = Object.fromEntries([...of].map(([id, rows]) => [id, rows.length]));
  return { claimed, counts };
}

it('are few of one connector, whose host may be silent for long, and room is left for others', async () => {
  await due({ scope: ALICE, id: 'silent', url: 'https://one.example/a.git', count: 100 });
  await sql(database.url, `update pull_request set due_at = due_at - interval '1 hour'`);
  await due({ scope: BOB, id: 'other', url: 'https://two.example/a.git', count: 1 });
  const { claimed, counts } = await claim();
  expect(counts).toEqual({ silent: 4, other: 1 });
  expect((await claim(claimed)).counts).toEqual({});
  const left = claimed.filter(({ connector_id: id }) => id === 'other');
  expect((await claim([...left, ...claimed.slice(0, 1)])).counts).toEqual({ silent: 3 });
});

it('are few of one host, however many connectors go there', async () => {
  for (const id of ['a', 'b', 'c'])
    await due({ scope: ALICE, id, url: 'https://one.example/a.git', count: 9 });
  await due({ scope: BOB, id: 'there', url: 'git@ONE.example:b.git', count: 9 });
  await due({ scope: BOB, id: 'elsewhere', url: 'https://two.example/a.git', count: 1 });
  const { claimed, counts } = await claim();
  expect(counts.elsewhere).toBe(1);
  expect(claimed).toHaveLength(8 + 1);
  expect((await claim(claimed)).counts).toEqual({});
});

it('are few of one account, to however many hosts that are silent it sends them', async () => {
  for (const id of ['a', 'b', 'c', 'd', 'e', 'f'])
    await due({ scope: ALICE, id, url: `https://${id}.example/a.git`, count: 9 });
  await due({ scope: BOB, id: 'other', url: 'https://two.example/a.git', count: 1 });
  const { claimed, counts } = await claim();
  expect(counts.other).toBe(1);
  expect(claimed).toHaveLength(12 + 1);
});

it('take nothing of the room at a host where its API, or who asks it, is another', async () => {
  const url = 'https://one.example/a.git';
  for (const id of ['api1', 'api2', 'api3'])
    await due({ scope: ALICE, id, url, apiUrl: 'https://silent.example/api', count: 9 });
  for (const id of ['road1', 'road2', 'road3'])
    await due({ scope: BOB, id, url, road: 'delegate', count: 9 });
  await sql(database.url, `update pull_request set due_at = due_at - interval '1 hour'`);
  await due({ scope: CAROL, id: 'direct', url, count: 9 });
  const { claimed, counts } = await claim();
  expect(counts.direct).toBe(4);
  expect(claimed).toHaveLength(8 + 8 + 4);
});
