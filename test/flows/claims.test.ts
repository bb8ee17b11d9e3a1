// Claims of imports, of pull requests and of subscriptions as facts of the database: who has lost one frees, keeps and ends nothing of its next holder,
// whatever it found out meanwhile.
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { EventsRepository } from '../../src/events/events.repository.js';
import { type ImportRecord, progressOf } from '../../src/imports/import-rows.js';
import { ImportOvertaken, ImportsRepository } from '../../src/imports/imports.repository.js';
import { Failure } from '../../src/kernel/failure.js';
import { PullOutcomesRepository } from '../../src/pulls/pull-outcomes.repository.js';
import { type PullRequest, PullRequestsRepository } from '../../src/pulls/pull-requests.repository.js';
import { Storage } from '../../src/storage/database.js';
import { type Claim, SubscriptionsRepository } from '../../src/subscriptions/subscriptions.repository.js';
import { TrackingRepository } from '../../src/sync/tracking.repository.js';
import { sql } from '../support/database.js';
import { createDatabase } from '../support/stack.js';

const scope = 'accounts/a';
const HOUR_MS = 3_600_000;
const verdict = { path: 'b.yaml', blob: null, named: null, kind: null, outcome: 'refused' } as const;
const failure = (new Failure('TRACKING_BUSY', { connector: 'c' }) as Failure).toWire();

describe.each([
  ['embedded', 'embeddedPostgres'],
  ['real', 'realPostgres'],
] as const)('on the %s PostgreSQL', (_, server) => {
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let storage: Storage;
  beforeAll(async () => {
    database = await createDatabase(inject(server));
    storage = new Storage(database.url);
    await storage.migrate();
    await query(`insert into scope (path, account, display_name) values ('${scope}', '${scope}', 'a')`);
    await query(
      `insert into connector (scope, id, url, connectivity, revision)
       values ('${scope}', 'c', 'https://git.example/r.git', 'manager', 'r')`,
    );
  });
  afterAll(async () => {
    await storage.close();
    await database.drop();
  });

  const query = (text: string) => sql(database.url, text);
  const lapse = (table: string) => query(`update ${table} set claimed_until = now() - interval '1 second'`);
  /** Whether it is claimed for about a minute more. */
  const isHeld = async (table: string): Promise<unknown> =>
    (
      await query(
        `select claimed_until between now() and now() + interval '2 minutes' as held, fault_ is null as well
         from (select claimed_until, ${table === 'import' ? 'fault' : 'failure'} as fault_ from ${table}) as row`,
      )
    )[0];
  const held = { held: true, well: true };

  describe('an import', () => {
    let imports: ImportsRepository;
    const claim = async (): Promise<ImportRecord> => {
      const [record] = await imports.claim(1, 60_000);
      if (record === undefined) throw new Error('Nothing to claim');
      return record;
    };
    beforeEach(async () => {
      imports = new ImportsRepository(storage);
      await query('delete from import');
      const place = { scope, connector: 'c', repository: 'https://git.example/r.git', branch: 'main' };
      await imports.insert({
        ...place,
        folder: '',
        patterns: [],
        files: [],
        dryRun: true,
        requestedBy: 'test',
      });
    });

    it('that was lost is freed, kept, failed and brought on by its next holder alone', async () => {
      const first = await claim();
      await lapse('import');
      const second = await claim();
      await imports.release(first, 0, { failure, askedMs: 0 });
      await imports.extend([first], HOUR_MS);
      await imports.fail(first, failure);
      await expect(imports.list(first, 'b'.repeat(40), [])).rejects.toThrow(ImportOvertaken);
      expect(await isHeld('import')).toEqual(held);
      await imports.extend([second], 2 * HOUR_MS);
      await query(`update import set claimed_until = claimed_until - interval '1 hour'`);
      expect(await imports.claim(1, 60_000)).toEqual([]);
      await imports.release(second, 0);
      expect((await claim()).claims).toBe(3);
    });

    it('whose branch was forced elsewhere takes up no file that it has passed', async () => {
      const file = (name: string) => ({ path: name, isNamed: false, meaning: undefined });
      const listed = await imports.list(await claim(), 'b'.repeat(40), [file('b.yaml'), file('d.yaml')]);
      const noted = { verdicts: [{ ...verdict, failure }], commit: 'b'.repeat(40), isLast: false };
      const begun = await imports.report(listed, noted);
      await imports.list(begun, 'c'.repeat(40), ['a.yaml', 'b.yaml', 'c.yaml'].map(file));
      const items = await imports.items(begun.id, { limit: 10 });
      expect(items.map(({ path, outcome }) => [path, outcome])).toEqual([
        ['b.yaml', 'refused'],
        ['c.yaml', null],
        ['d.yaml', null],
      ]);
    });

    it('has failed since the first fault after it came on, and not while its host asked it to wait', async () => {
      const failingFor = async (): Promise<unknown> =>
        (
          await query(
            'select round(extract(epoch from now() - failing_since)::float8 / 100) * 100 as s from import',
          )
        )[0];
      const fault = async (askedMs: number): Promise<void> =>
        imports.release(await claim(), 0, { failure, askedMs });
      await query(`update import set created_at = now() - interval '1 day', progressed_at = created_at`);
      await fault(0);
      expect(await failingFor()).toEqual({ s: 0 });
      await query(`update import set failing_since = now() - interval '1000 seconds'`);
      await fault(0);
      expect(await failingFor()).toEqual({ s: 1_000 });
      await fault(700_000);
      expect(await failingFor()).toEqual({ s: 300 });
      await imports.list(await claim(), 'b'.repeat(40), []);
      expect(await failingFor()).toEqual({ s: null });
    });

    it('says how far it is without a look at its files', async () => {
      const file = (path: string) => ({ path, isNamed: false, meaning: undefined });
      const verdictOf = (path: string, outcome: 'create' | 'same') => ({
        ...verdict,
        failure: null,
        path,
        outcome,
      });
      const at = async (): Promise<unknown> => {
        const { rows } = await imports.page({ scope, connector: 'c' }, { before: undefined, limit: 10 });
        const [{ counts, total, done }] = rows.map(progressOf) as [ReturnType<typeof progressOf>];
        return [counts.create, counts.same, done, total];
      };
      const commit = 'b'.repeat(40);
      const listed = await imports.list(await claim(), commit, ['a.yaml', 'b.yaml', 'c.yaml'].map(file));
      expect(await at()).toEqual([0, 0, 0, 3]);
      const verdicts = [verdictOf('a.yaml', 'create'), verdictOf('b.yaml', 'create')];
      const begun = await imports.report(listed, { verdicts, commit, isLast: false });
      expect(await at()).toEqual([2, 0, 2, 3]);
      // Listed anew: what it has passed is known already.
      const again = await imports.list(begun, commit, ['b.yaml', 'c.yaml', 'd.yaml'].map(file));
      expect(await at()).toEqual([2, 0, 2, 4]);
      const last = [verdictOf('c.yaml', 'same'), verdictOf('d.yaml', 'create')];
      await imports.report(again, { verdicts: last, commit, isLast: true });
      expect(await at()).toEqual([3, 1, 4, 4]);
      await imports.apply({ scope, connector: 'c' }, again.id);
      expect(await at()).toEqual([3, 1, 0, 4]);
      const changed = [verdictOf('a.yaml', 'same'), verdictOf('b.yaml', 'create')];
      await imports.report(await claim(), { verdicts: changed, commit, isLast: false });
      expect(await at()).toEqual([2, 2, 2, 4]);
    });

    it('that was cancelled keeps no fault of whoever was at it', async () => {
      const record = await claim();
      await imports.cancel({ scope, connector: 'c' }, record.id);
      await imports.release(record, 0, { failure, askedMs: 0 });
      expect(await imports.get({ scope, connector: 'c' }, record.id)).toMatchObject({
        state: 'cancelled',
        fault: null,
      });
    });
  });

  describe('a pull request', () => {
    let requests: PullRequestsRepository;
    let outcomes: PullOutcomesRepository;
    const stored = async () => (await query('select * from pull_request'))[0];
    const claim = async (): Promise<PullRequest> => {
      const [request] = await requests.claim(60_000);
      if (request === undefined) throw new Error('Nothing to claim');
      return request;
    };
    const pull = {
      number: 1,
      webUrl: 'https://git.example/r/pulls/1',
      draft: false,
      state: 'merged' as const,
      mergeCommit: 'c'.repeat(40),
      title: 't',
      head: 'topic',
      base: 'main',
      headCommit: null,
      created: true,
      reviewersRefused: [],
    };
    const make = (columns: string, values: string) =>
      query(`insert into pull_request (id, scope, connector_scope, connector_id, repository, branch, title, body, reviewers, draft,
          operation_id, due_at, ${columns})
        values ('p', '${scope}', '${scope}', 'c', 'https://git.example/r.git', 'topic', 't', '', '{}', false, 'o', now(), ${values})`);
    beforeEach(async () => {
      requests = new PullRequestsRepository(storage);
      outcomes = new PullOutcomesRepository(
        storage,
        new EventsRepository(storage),
        new TrackingRepository(storage),
      );
      await query('delete from pull_request');
    });

    it.each([
      ['wanted', `null, null`],
      ['open', `'main', 1`],
    ])('that is %s and was lost is freed, kept and judged by its next holder alone', async (state, more) => {
      await make('state, base, number', `'${state}', ${more}`);
      const first = await claim();
      await lapse('pull_request');
      const second = await claim();
      await requests.release(first);
      await requests.extend([first], HOUR_MS);
      await outcomes.failed(first, failure);
      await outcomes.faulted({ ...first, attempts: 0 }, failure, 0);
      await outcomes.same(first, HOUR_MS);
      await outcomes.postponed(first, HOUR_MS);
      expect(await isHeld('pull_request')).toEqual(held);
      expect(await stored()).toMatchObject({
        state,
        attempts: second.attempts,
        due_at: second.due_at,
      });
      await requests.extend([second], 2 * HOUR_MS);
      await query(`update pull_request set claimed_until = claimed_until - interval '1 hour'`);
      expect(await requests.claimOne(scope, 'p', 60_000)).toBeUndefined();
      await requests.release(second);
      expect((await requests.claimOne(scope, 'p', 60_000))?.claims).toBe(3);
    });

    it('that was lost is known to be open, and stays with its next holder until that has looked', async () => {
      await make('state', `'wanted'`);
      const first = await claim();
      await lapse('pull_request');
      const second = await claim();
      await outcomes.opened(first, 'main', { ...pull, state: 'open', mergeCommit: null }, HOUR_MS);
      expect(await requests.get(scope, 'p')).toMatchObject({ state: 'open', number: 1 });
      expect(await isHeld('pull_request')).toEqual(held);
      await outcomes.opened(second, 'main', { ...pull, state: 'open', mergeCommit: null }, HOUR_MS);
      expect(await stored()).toMatchObject({ state: 'open', claimed_until: null });
    });

    it('that was closed, opened again and merged between two looks is merged, and asked about no more', async () => {
      await make('state, base, number, finished_at', `'closed', 'main', 1, now()`);
      const request = await claim();
      await outcomes.ended(request, 'merged', pull);
      const ended = await stored();
      expect(ended).toMatchObject({
        state: 'merged',
        merge_commit: pull.mergeCommit,
        copies_due: true,
        claimed_until: null,
      });
      await outcomes.copiesDone(await claim());
      expect(await stored()).toMatchObject({ copies_due: false, due_at: null });
    });
  });

  describe('a subscription', () => {
    let subscriptions: SubscriptionsRepository;
    const start = { transaction: '0', sequence: 0 };
    const event = {
      position: { transaction: '3', sequence: 1 },
      id: '00000000-0000-4000-8000-000000000001',
      account: scope,
      scope,
      type: 'connector.created' as const,
      subject: 'connectors/c',
      data: {},
      createdAt: new Date(),
    };
    const done = { event, attempt: { event, ms: 1, status: 204, error: null } };
    const claim = async (): Promise<Claim> => {
      const [claimed] = await subscriptions.claim({ leaseMs: 60_000, limit: 1, without: [] });
      if (claimed === undefined) throw new Error('Nothing to claim');
      return claimed;
    };
    const write = async (url: string, how: object = {}): Promise<unknown> => {
      const wish = { types: ['*'], kinds: null, branches: null, enabled: true, secret: { scope, id: 's' } };
      const options = { position: start, isGenerated: false, changesSecret: false, ...how };
      return storage.transact((tx) => subscriptions.put(tx, { scope, id: 'b', url, ...wish }, options));
    };
    beforeEach(async () => {
      subscriptions = new SubscriptionsRepository(storage);
      await query('delete from subscription');
      await query('delete from event');
      await query(`insert into secret (scope, id) values ('${scope}', 's') on conflict do nothing`);
      await query(`insert into event (account, scope, type, subject, data, transaction)
        values ('${scope}', '${scope}', 'connector.created', 'connectors/c', '{}', '3')`);
      await write('https://receiver.example/old');
    });

    it.each([
      ['replayed', () => subscriptions.replay(scope, 'b', start)],
      ['given another address', () => write('https://receiver.example/new')],
      ['given another secret', () => write('https://receiver.example/old', { staysPaused: true })],
    ])('that is %s while a delivery hangs is brought on by its next claim alone', async (_, change) => {
      const hanging = await claim();
      await change();
      const next = await claim();
      expect(await subscriptions.delivered(hanging, done)).toBe(false);
      expect(await subscriptions.passed(hanging, event.position)).toBe(false);
      const verdict = { kind: 'pause', error: 'no answer' } as const;
      expect(await subscriptions.failed(hanging, { verdict, attempt: done.attempt })).toBe(false);
      await subscriptions.release(hanging);
      await subscriptions.renew([hanging], HOUR_MS);
      const [row] = await query(`select claimed_until between now() and now() + interval '2 minutes' as held
        from subscription`);
      expect(row).toEqual({ held: true });
      expect(await subscriptions.get(scope, 'b')).toMatchObject({ state: 'active', position: start });
      expect(await subscriptions.attempts(scope, 'b', 10)).toEqual([]);
      await subscriptions.renew([hanging, next], 2 * HOUR_MS);
      await query(`update subscription set claimed_until = claimed_until - interval '1 hour'`);
      expect(await subscriptions.claim({ leaseMs: 60_000, limit: 1, without: [] })).toEqual([]);
      expect(await subscriptions.delivered(next, done)).toBe(true);
      expect(await subscriptions.get(scope, 'b')).toMatchObject({ position: event.position });
    });
  });
});
