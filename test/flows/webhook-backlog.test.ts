// How many deliveries may wait to be processed, as a fact of the database.
import { afterAll, beforeAll, beforeEach, expect, inject, it, vi } from 'vitest';
import { Storage } from '../../src/storage/database.js';
import { Backlog, backlogLimits } from '../../src/webhooks/backlog.js';
import { DeliveriesRepository } from '../../src/webhooks/deliveries.repository.js';
import { createDatabase, sql } from '../support/database.js';

const SCOPE = 'accounts/demo';
const full = expect.objectContaining({ code: 'WEBHOOK_DOOR_FULL' });

let database: Awaited<ReturnType<typeof createDatabase>>;
let storage: Storage;

beforeAll(async () => {
  database = await createDatabase(inject('realPostgres'));
  storage = new Storage(database.url);
  await sql(database.url, `insert into scope (path, account, display_name) values ($1, $1, 'Demo')`, [SCOPE]);
  for (const id of ['one', 'two', 'three']) {
    await sql(
      database.url,
      `insert into connector (scope, id, url, connectivity, revision) values ($1, $2, 'https://git.example/r.git', 'manager', 'r')`,
      [SCOPE, id],
    );
    await sql(
      database.url,
      `insert into webhook (scope, connector_id, address, address_digest) values ($1, $2::text, $2::text, sha256(convert_to($2::text, 'UTF8')))`,
      [SCOPE, id],
    );
  }
});
beforeEach(() => sql(database.url, 'delete from webhook_delivery'));
afterAll(async () => {
  await storage.close();
  await database.drop();
});

/** So many deliveries of a webhook, each said to be of so many bytes. */
const put = (connector: string, count: number, bytes: number, state = 'waiting') =>
  sql(
    database.url,
    `insert into webhook_delivery (scope, connector_id, provider, source, headers, body_bytes, state)
     select $1, $2, 'generic', '192.0.2.1', '{}', $4, $5 from generate_series(1, $3)`,
    [SCOPE, connector, count, bytes, state],
  );

/** As a manager that looks for the first time. */
const enter = (id: string): Promise<void> =>
  new Backlog(new DeliveriesRepository(storage)).assertRoom({ scope: SCOPE, id });
const half = backlogLimits.bytesMax * backlogLimits.share;

it('lets in while little waits, and counts nothing that is done', async () => {
  await put('one', 1, half - 1);
  await put('one', 1, half, 'done');
  await expect(enter('one')).resolves.toBeUndefined();
});

it('is full for a webhook of which half of all waits, by bytes or by number, and open for the others', async () => {
  await put('one', 1, half);
  await expect(enter('one')).rejects.toEqual(full);
  await expect(enter('two')).resolves.toBeUndefined();
  await sql(database.url, 'delete from webhook_delivery');
  await put('two', backlogLimits.rowsMax * backlogLimits.share, 1);
  await expect(enter('two')).rejects.toEqual(full);
  await expect(enter('one')).resolves.toBeUndefined();
});

it('is full for everybody once all of it is taken', async () => {
  await put('one', 1, half);
  await put('two', 1, half);
  await expect(enter('three')).rejects.toEqual(full);
});

it('opens again when what waited was processed, and asks the database once a second at most', async () => {
  const backlog = new Backlog(new DeliveriesRepository(storage));
  await put('one', 1, half);
  const place = { scope: SCOPE, id: 'one' };
  // It stands still, however long the database takes.
  const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now());
  await expect(backlog.assertRoom(place)).rejects.toEqual(full);
  await sql(database.url, "update webhook_delivery set state = 'done'");
  await expect(backlog.assertRoom(place)).rejects.toEqual(full);
  clock.mockReturnValue(clock() + 1_001);
  await expect(backlog.assertRoom(place)).resolves.toBeUndefined();
  clock.mockRestore();
});
