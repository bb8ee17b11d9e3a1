// The log of events, as a fact of the database: in one order, without gaps, however transactions overlap.
import type { Transaction } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { readConfig } from '../../src/config/config.js';
import { EventFeed } from '../../src/events/event-feed.js';
import { EventsRepository } from '../../src/events/events.repository.js';
import { type Position, START } from '../../src/events/position.js';
import { createLog } from '../../src/kernel/log.js';
import { Storage } from '../../src/storage/database.js';
import type { Tables } from '../../src/storage/schema.js';
import { eventually } from '../support/api.js';
import { sql } from '../support/database.js';
import { createDatabase } from '../support/stack.js';

describe.each([
  ['embedded', 'embeddedPostgres'],
  ['real', 'realPostgres'],
] as const)('the log on the %s PostgreSQL', (_, server) => {
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let storage: Storage;
  let events: EventsRepository;
  beforeAll(async () => {
    database = await createDatabase(inject(server));
    storage = new Storage(database.url);
    await storage.migrate();
    events = new EventsRepository(storage);
  });
  afterEach(() => sql(database.url, 'truncate event, event_log'));
  afterAll(async () => {
    await storage.close();
    await database.drop();
  });

  const account = 'accounts/a';
  const record = (tx: Transaction<Tables>, name: string, scope = account): Promise<void> =>
    events.record(tx, [
      { scope, type: 'connector.created', subject: `connectors/${name}`, data: { id: name } },
    ]);
  const write = (name: string, scope = account): Promise<void> =>
    storage.transact((tx) => record(tx, name, scope));
  /** Until no transaction of before runs any more: those of other databases of the server count as well. */
  const readable = (): Promise<unknown> =>
    eventually(async () => {
      const [row] = await sql<{ seen: boolean }>(
        database.url,
        `select coalesce(bool_and(transaction < pg_snapshot_xmin(pg_current_snapshot())), true) as seen
         from event where transaction < pg_snapshot_xmax(pg_current_snapshot())`,
      );
      return row?.seen;
    }, 'what was written to be readable');
  const add = async (name: string, scope = account): Promise<void> => {
    await write(name, scope);
    await readable();
  };
  /** A transaction that has written its event, and waits to be told to end. */
  const begin = async (name: string) => {
    let end!: (how: 'commit' | 'abort') => void;
    const told = new Promise<'commit' | 'abort'>((resolve) => (end = resolve));
    let written!: () => void;
    const isWritten = new Promise<void>((resolve) => (written = resolve));
    const over = storage
      .transact(async (tx) => {
        await record(tx, name);
        written();
        if ((await told) === 'abort') throw new Error('aborted');
      })
      .catch(() => undefined);
    await isWritten;
    return async (how: 'commit' | 'abort') => {
      end(how);
      await over;
    };
  };
  const names = (page: { events: { data: Record<string, unknown> }[] }): unknown[] =>
    page.events.map(({ data }) => data.id);
  /** Reads on until there is nothing more. */
  const readOn = async (from: Position, limit = 100) => {
    const found: unknown[] = [];
    for (let at = from; ; ) {
      const page = await events.read(account, at, limit);
      found.push(...names(page));
      at = page.reached;
      if (!page.isFull) return { found, at };
    }
  };

  it('shows nothing that a transaction which still runs could come before', async () => {
    const from = await events.now();
    const end = await begin('early');
    await write('late');
    const before = await readOn(from);
    expect(before.found).toEqual([]);
    await end('commit');
    await readable();
    expect((await readOn(before.at)).found).toEqual(['early', 'late']);
  });

  it('goes on when that transaction is aborted', async () => {
    const from = await events.now();
    const end = await begin('never');
    await write('late');
    const before = await readOn(from);
    await end('abort');
    await readable();
    expect((await readOn(before.at)).found).toEqual(['late']);
  });

  it('gives every event once to whoever reads along, however transactions overlap', async () => {
    const from = await events.now();
    const written = new Set<string>();
    let isOver = false;
    const writers = Promise.all(
      Array.from({ length: 8 }, async (_unused, writer) => {
        for (let n = 0; n < 25; n += 1) {
          const name = `${writer}-${n}`;
          const end = await begin(name);
          // As long as others take, so that they end in another order than they began in.
          if (n % 3 === writer % 3) await events.now();
          const how = n % 7 === 3 ? 'abort' : 'commit';
          if (how === 'commit') written.add(name);
          await end(how);
        }
      }),
    ).finally(() => (isOver = true));
    const seen: unknown[] = [];
    let at = from;
    while (!isOver) {
      const step = await readOn(at, 7);
      seen.push(...step.found);
      at = step.at;
    }
    await writers;
    await readable();
    seen.push(...(await readOn(at)).found);
    expect(new Set(seen)).toEqual(written);
    expect(seen).toHaveLength(written.size);
    expect((await readOn(from, 3)).found).toEqual(seen);
  });

  it('is of the account alone, or of all', async () => {
    const from = await events.now();
    await add('mine');
    await add('inner', `${account}/orgs/o`);
    await add('theirs', 'accounts/ab');
    expect((await readOn(from)).found).toEqual(['mine', 'inner']);
    expect(names(await events.read(null, from, 10))).toEqual(['mine', 'inner', 'theirs']);
  });

  it('says what is gone to whoever has not read it, and to nobody else', async () => {
    const from = await events.now();
    await add('first');
    const [first] = (await events.read(account, from, 1)).events;
    await add('second');
    await add('third');
    await add('other', 'accounts/b');
    const read = await readOn(from);
    await sql(
      database.url,
      `update event set created_at = now() - interval '3 days' where data->>'id' <> 'third'`,
    );
    expect([await events.prune(2, 1), await events.prune(2, 100), await events.prune(2, 100)]).toEqual([
      1, 2, 0,
    ]);
    await expect(events.read(account, from, 10)).rejects.toMatchObject({ code: 'EVENTS_GONE' });
    await expect(events.read(account, first?.position as Position, 10)).rejects.toMatchObject({
      code: 'EVENTS_GONE',
    });
    expect((await readOn(read.at)).found).toEqual([]);
    expect((await readOn(START)).found).toEqual(['third']);
    // Nothing of this one is gone.
    expect((await events.read('accounts/c', from, 10)).events).toEqual([]);
  });

  it('forgets nothing that is not old', async () => {
    await add('young');
    expect(await events.prune(1, 100)).toBe(0);
    expect((await readOn(START)).found).toEqual(['young']);
  });

  it('begins where the first event since a moment is', async () => {
    await add('old');
    await sql(database.url, `update event set created_at = now() - interval '1 hour'`);
    await add('new');
    const since = (minutes: number): Promise<Position> =>
      events.since(account, new Date(Date.now() - minutes * 60_000));
    expect((await readOn(await since(90))).found).toEqual(['old', 'new']);
    expect((await readOn(await since(30))).found).toEqual(['new']);
    expect((await readOn(await since(-30))).found).toEqual([]);
  });

  it('keeps no more than a thousand for whoever follows too slowly, and loses nothing for them', async () => {
    const feed = new EventFeed(readConfig({}), events, createLog('test', 'silent'));
    feed.start();
    const over = new AbortController();
    const follow = async function* () {
      const options = { signal: over.signal, idleMs: 200 };
      for await (const batch of feed.follow(account, await events.now(), options)) yield names(batch);
    };
    const batches = follow();
    // By then it has caught up.
    while ((await batches.next()).value?.[0] !== 'seen') await add('seen');
    for (const part of [0, 1, 2, 3])
      await sql(
        database.url,
        `insert into event (account, scope, type, subject, data)
         select $1, $1, 'connector.changed', 'connectors/x', jsonb_build_object('id', $2::int * 400 + n)
         from generate_series(1, 400) as n`,
        [account, part],
      );
    const other = feed.follow(account, await events.now(), { signal: over.signal, idleMs: 2_000 });
    await other.next();
    await add('later');
    await other.next();
    const sizes: number[] = [];
    const found: unknown[] = [];
    while (found.at(-1) !== 'later') {
      const batch = (await batches.next()).value ?? [];
      sizes.push(batch.length);
      found.push(...batch.filter((one) => one !== 'seen'));
    }
    over.abort();
    feed.stop();
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1_000);
    expect(found).toEqual([...Array.from({ length: 1_600 }, (_unused, n) => n + 1), 'later']);
  });

  it('goes on in a server that counts its transactions anew', async () => {
    await add('one');
    await add('two');
    await sql(database.url, `update event set transaction = (900000000000 + sequence)::text::xid8`);
    const [one] = await sql<{ transaction: string; sequence: number }>(
      database.url,
      'select transaction, sequence::int from event order by sequence limit 1',
    );
    expect(await events.settleRestored()).toBe(true);
    expect(await events.settleRestored()).toBe(false);
    await add('three');
    expect((await readOn(START)).found).toEqual(['one', 'two', 'three']);
    await expect(events.read(account, one as Position, 10)).rejects.toMatchObject({ code: 'EVENTS_GONE' });
  });
});
