// The lease of a lane and the claim of a look as facts of the database: one holder at a time, and a holder of yesterday changes
// nothing.
import type { QueryResultRow } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { readConfig } from '../../src/config/config.js';
import { Storage } from '../../src/storage/database.js';
import { LanesRepository, type Lease, LeaseLost, type Plan } from '../../src/sync/lanes.repository.js';
import { type DueLook, LookClaimsRepository } from '../../src/sync/look-claims.repository.js';
import { type Tracking, TrackingRepository } from '../../src/sync/tracking.repository.js';
import { eventually } from '../support/api.js';
import { sql } from '../support/database.js';
import { createDatabase } from '../support/stack.js';

const plan: Plan = {
  connector: { scope: 'accounts/a', id: 'c' },
  base: null,
  create: true,
  committer: { name: 'Sallyport', email: 'sallyport@localhost' },
  attempts: 1,
  steps: [],
};

describe.each([
  ['embedded', 'embeddedPostgres'],
  ['real', 'realPostgres'],
] as const)('on the %s PostgreSQL', (_, server) => {
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let storage: Storage;
  let lanes: LanesRepository;
  let lane: string;
  let count = 0;
  beforeAll(async () => {
    database = await createDatabase(inject(server));
    storage = new Storage(database.url);
    await storage.migrate();
    lanes = new LanesRepository(storage, readConfig({ SALLYPORT_LEASE_SECONDS: '200' }));
  });
  afterAll(async () => {
    await storage.close();
    await database.drop();
  });
  beforeEach(async () => {
    lane = await storage.transact((tx) => lanes.open(tx, `https://git.example/${count++}.git`, 'main'));
  });

  const acquire = async () => {
    const lease = await lanes.acquire(lane);
    if (lease === undefined) throw new Error('The lane is taken');
    return lease;
  };
  /** The lease of the next holder, once the present one has run out: it ages in the database. */
  const succeed = async () => {
    expect(await lanes.acquire(lane)).toBeUndefined();
    await sql(database.url, `update lane set lease_expires_at = now() where id = $1`, [lane]);
    return acquire();
  };

  it('makes one lane of one repository and branch, whoever asks at once', async () => {
    const asked = await Promise.all(
      Array.from({ length: 10 }, () =>
        storage.transact((tx) => lanes.open(tx, 'https://git.example/same.git', 'main')),
      ),
    );
    expect(new Set(asked).size).toBe(1);
    const other = await storage.transact((tx) => lanes.open(tx, 'https://git.example/same.git', 'Main'));
    expect(asked).not.toContain(other);
  });

  it('is given to one of many who want it', async () => {
    const leases = await Promise.all(Array.from({ length: 10 }, () => lanes.acquire(lane)));
    expect(leases.filter((lease) => lease !== undefined)).toHaveLength(1);
  });

  it('is given on when it was released, and when it ran out, with a higher epoch each time', async () => {
    const first = await acquire();
    await lanes.release(first, { ms: 0, account: null });
    const second = await acquire();
    const third = await succeed();
    expect(second.epoch).toBeGreaterThan(first.epoch);
    expect(third.epoch).toBeGreaterThan(second.epoch);
  });

  it('stays with a holder that extends it', async () => {
    const lease = await acquire();
    const passed = `update lane set lease_expires_at = lease_expires_at - interval '150 seconds' where id = $1`;
    const left = `select lease_expires_at > now() + interval '100 seconds' as whole from lane where id = $1`;
    for (let times = 0; times < 3; times++) {
      await sql(database.url, passed, [lane]);
      await lanes.extend(lease);
      expect(await sql(database.url, left, [lane])).toEqual([{ whole: true }]);
      expect(await lanes.acquire(lane)).toBeUndefined();
    }
    expect((await lanes.load(lease)).id).toBe(lane);
  });

  it('lets a holder of yesterday read, change, extend and release nothing', async () => {
    const old = await acquire();
    await lanes.update(old, { plan, head: 'a'.repeat(40) });
    const current = await succeed();
    let ran = false;
    const late = lanes.update(old, { plan: null, head: 'b'.repeat(40), faults: 9 }, async () => {
      ran = true;
    });
    await expect(late).rejects.toThrow(LeaseLost);
    expect(ran).toBe(false);
    await expect(lanes.load(old)).rejects.toThrow(LeaseLost);
    await expect(lanes.extend(old)).rejects.toThrow(LeaseLost);
    await lanes.release(old, { ms: 60_000, account: null });
    expect(await lanes.load(current)).toMatchObject({ plan, head: 'a'.repeat(40), faults: 0 });
    expect(await lanes.acquire(lane)).toBeUndefined();
  });

  it('is withheld from its writer for as long as an operation is taken back, if that is of no stored plan', async () => {
    const steps = [{ operation: 'theirs', expect: null }];
    const lease = await acquire();
    let storing: Promise<boolean> | undefined;
    await storage.transact(async (tx) => {
      expect(await lanes.withhold(tx, lane, 'theirs')).toBe(true);
      storing = lanes.plan(lease, { ...plan, steps });
      const waits = `select 1 from pg_stat_activity where datname = current_database()
        and wait_event_type = 'Lock' and query like '%"epoch"%'`;
      await eventually(async () => (await sql(database.url, waits)).length > 0, 'the writer to wait');
    });
    expect(await storing).toBe(true);
    const withhold = (operation: string) => storage.transact((tx) => lanes.withhold(tx, lane, operation));
    expect([await withhold('theirs'), await withhold('mine')]).toEqual([false, true]);
    await lanes.update(lease, { plan: null });
    expect(await withhold('theirs')).toBe(true);
  });

  it('is known as it is, with all others of its repository in one question', async () => {
    const repository = 'https://git.example/known.git';
    const asked = await storage.transact((tx) => lanes.open(tx, repository, 'main'));
    await storage.transact((tx) => lanes.open(tx, repository, 'idle'));
    await storage.transact((tx) => lanes.open(tx, `${repository}/other`, 'elsewhere'));
    const lease = (await lanes.acquire(asked)) as Lease;
    await lanes.update(lease, { head: 'a'.repeat(40) });
    const known = await lanes.peekAll(repository, ['main', 'idle', 'new', 'elsewhere']);
    expect(Object.fromEntries(known)).toEqual({
      main: { epoch: 1, head: 'a'.repeat(40) },
      idle: { epoch: 0, head: null },
    });
  });

  it('undoes everything of a moment that fails half way', async () => {
    const lease = await acquire();
    const change = lanes.update(lease, { plan, faults: 3 }, async () => {
      throw new Error('half way');
    });
    await expect(change).rejects.toThrow('half way');
    expect(await lanes.load(lease)).toMatchObject({ plan: null, faults: 0 });
  });

  describe('a look', () => {
    const scope = 'accounts/a';
    let tracking: TrackingRepository;
    beforeAll(async () => {
      tracking = new TrackingRepository(storage);
      await query(`insert into scope (path, account, display_name) values ('${scope}', '${scope}', 'a')`);
    });
    const query = <Row extends QueryResultRow>(text: string): Promise<Row[]> => sql<Row>(database.url, text);
    const track = async (
      connector: string,
      url = 'https://git.example/r.git',
      owner = scope,
    ): Promise<void> => {
      await query(
        `insert into connector (scope, id, url, connectivity, revision)
         values ('${owner}', '${connector}', '${url}', 'manager', 'r')`,
      );
      await tracking.put({ scope: owner, connector }, { branches: [], files: [], rules: [] });
    };

    it('that was lost is ended and extended by its next holder alone', async () => {
      await track('lost');
      const key = { scope, connector: 'lost' };
      const first = (await tracking.claimOne(key, 60_000)) as Tracking;
      await query(`update tracking set claimed_until = now() - interval '1 second'`);
      const second = (await tracking.claimOne(key, 60_000)) as Tracking;
      const result = { nextMs: 60_000, missed: true, fault: null };
      await tracking.finish(first, result);
      await tracking.extend([first], 3_600_000);
      const [held] = await query<{ held: boolean }>(
        `select claimed_until between now() and now() + interval '2 minutes' and missed_at is null as held from tracking`,
      );
      expect(held).toEqual({ held: true });
      await tracking.extend([second], 3_600_000);
      await query(`update tracking set claimed_until = claimed_until - interval '30 minutes'`);
      expect(await tracking.claimOne(key, 60_000)).toBeUndefined();
      await tracking.finish(second, result);
      expect(await tracking.claimOne(key, 60_000)).toMatchObject({ missedAt: expect.any(Date) });
      await query('delete from connector');
    });

    it('finds nothing that nobody told of where somebody told while it lasted', async () => {
      await track('told');
      const key = { scope, connector: 'told' };
      const result = { nextMs: 0, missed: true, fault: null };
      await tracking.finish((await tracking.claimOne(key, 60_000)) as Tracking, result);
      expect(await tracking.claimOne(key, 60_000)).toMatchObject({ missedAt: expect.any(Date) });
      await query(`update tracking set missed_at = null, claimed_until = null`);
      const look = (await tracking.claimOne(key, 60_000)) as Tracking;
      await tracking.wake(key, { isHint: true });
      await tracking.finish(look, result);
      expect(await tracking.claimOne(key, 60_000)).toMatchObject({
        missedAt: null,
        hintedAt: expect.any(Date),
      });
      await query('delete from connector');
    });

    describe('is begun', () => {
      const places = { all: 16, atHost: 5, ofAccount: 12, ofAccountAtHost: 4 };
      let claims: LookClaimsRepository;
      beforeAll(async () => {
        claims = new LookClaimsRepository(storage);
        const others = ['b', 'c'].map((name) => `('accounts/${name}', 'accounts/${name}', '${name}')`);
        await query(`insert into scope (path, account, display_name) values ${others.join(',')}`);
      });
      afterEach(() => query('delete from connector'));
      /** At a manager that is at these already. */
      const claim = (running: Pick<DueLook, 'account' | 'host'>[] = []): Promise<DueLook[]> =>
        claims.claim(60_000, places, running);
      const trackMany = async (count: number, host: string): Promise<void> => {
        await query(
          `insert into connector (scope, id, url, connectivity, revision)
           select 'accounts/a', 'many' || at, 'https://who@' || ${host} || ':' || 8000 + at || '/r.git', 'manager', 'r'
           from generate_series(1, ${count}) as at`,
        );
        await query(
          `insert into tracking (scope, connector, branches, files, rules, revision, due_at)
           select scope, id, '{}', '[]', '[]', 'r', now() - interval '1 hour' from connector`,
        );
      };
      const accountsOf = (looks: DueLook[]): string[] => looks.map(({ account }) => account).toSorted();

      it('only where it finds a place at its host, however it is written', async () => {
        await trackMany(4, `'Silent.example'`);
        await track('ssh', 'git@silent.example:r.git', 'accounts/b');
        await track('ssh2', 'ssh://git@silent.example/r.git', 'accounts/c');
        await track('late', 'https://[::1]:8443/r.git', 'accounts/b');
        const silent = { account: 'accounts/c', host: 'silent.example' };
        const begun = await claim([silent, silent]);
        const host = 'silent.example';
        expect(begun.map((one) => one.host).toSorted()).toEqual(['[::1]', host, host, host]);
        expect(await claim([silent, silent, ...begun])).toEqual([]);
        expect(await claim(begun)).toHaveLength(2);
      });

      it('of another account although one has many that are due before it at slow hosts', async () => {
        await trackMany(32, `'silent' || at % 4 || '.example'`);
        await track('late', 'https://silent0.example/r.git', 'accounts/b');
        const first = await claim();
        expect(accountsOf(first)).toEqual([...Array(12).fill('accounts/a'), 'accounts/b']);
        await track('later', 'https://silent1.example/r.git', 'accounts/b');
        expect(await claim(first)).toMatchObject([{ connector: 'later', account: 'accounts/b' }]);
      });

      it('of whoever has the fewest first', async () => {
        await trackMany(8, `'git.example'`);
        for (const name of ['one', 'two']) await track(name, 'https://git.example/r.git', 'accounts/b');
        await track('one', 'https://git.example/r.git', 'accounts/c');
        const own = { account: 'accounts/a', host: 'other.example' };
        expect(accountsOf(await claim([own]))).toEqual([
          'accounts/a',
          'accounts/a',
          'accounts/b',
          'accounts/b',
          'accounts/c',
        ]);
      });
    });
  });
});
