// Imports and their files. An import goes from state to state, and through its files in order of their paths; whoever brings it on
// says from where, so that nobody does who has lost it.
import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { tell } from '../kernel/facts.js';
import { Failure, type WireFailure } from '../kernel/failure.js';
import { type Session, Storage, soon } from '../storage/database.js';
import type { ImportState } from '../storage/import-schema.js';
import type { Page } from '../storage/page.js';
import type { Named, TrackedFile } from '../sync/tracked-files.js';
import type { ConnectorKey } from '../sync/tracking.repository.js';
import type { ImportOutcome, Verdict, Wanted } from './import-plan.js';
import { recordEnd, recordImport } from './import-record.js';
import {
  type ImportItem,
  type ImportRecord,
  meaningColumns,
  outcomes,
  progressOf,
  toWanted,
} from './import-rows.js';
import { countOutcomes, writeVerdicts } from './import-verdicts.repository.js';

type Claim = Pick<ImportRecord, 'id' | 'claims'>;

export interface NewImport extends ConnectorKey {
  repository: string;
  branch: string;
  folder: string;
  /** Null where `files` say which entities they are. */
  patterns: TrackedFile[] | null;
  files: ({ path: string } & Named)[];
  dryRun: boolean;
  requestedBy: string;
}

/** Somebody else brought the import on, or ended it. */
export class ImportOvertaken extends Error {
  override readonly name = 'ImportOvertaken';
}

/** Rows of one statement. */
const ROWS_MAX = 1_000;
const KEPT_DAYS = 7;

@Injectable()
export class ImportsRepository {
  constructor(private readonly storage: Storage) {}

  async insert({ files, patterns, dryRun, requestedBy, ...place }: NewImport): Promise<ImportRecord> {
    const id = randomUUID();
    return this.storage.transact(async (tx) => {
      const row = await tx
        .insertInto('import')
        .values({
          ...place,
          id,
          patterns: patterns === null ? null : JSON.stringify(patterns),
          dry_run: dryRun,
          state: dryRun ? 'reporting' : 'applying',
          requested_by: requestedBy,
        })
        .returningAll()
        .executeTakeFirstOrThrow();
      const wanted = files.map(({ path, ...named }) => ({ path, isNamed: true, meaning: { named } }));
      recordImport(tx, 'import.begin', row);
      return this.#want(tx, row, wanted);
    });
  }

  /** @throws NOT_FOUND */
  async get({ scope, connector }: ConnectorKey, id: string): Promise<ImportRecord> {
    const row = await this.storage.db
      .selectFrom('import')
      .selectAll()
      .where('id', '=', id)
      .where('scope', '=', scope)
      .where('connector', '=', connector)
      .executeTakeFirst();
    if (row === undefined) throw new Failure('NOT_FOUND', { what: 'import', id });
    return row;
  }

  /** Newest first; `before` is a sequence number. */
  async page(
    { scope, connector }: ConnectorKey,
    { before, limit }: { before: number | undefined; limit: number },
  ): Promise<Page<ImportRecord>> {
    let query = this.storage.db
      .selectFrom('import')
      .selectAll()
      .where('scope', '=', scope)
      .where('connector', '=', connector);
    if (before !== undefined) query = query.where('sequence', '<', before);
    const found = await query
      .orderBy('sequence', 'desc')
      .limit(limit + 1)
      .execute();
    const rows = found.slice(0, limit);
    return { rows, next: found.length > limit ? (rows.at(-1)?.sequence ?? null) : null };
  }

  /** Takes those that are to be brought on, for so long. */
  async claim(limit: number, claimMs: number): Promise<ImportRecord[]> {
    const due = this.storage.db
      .selectFrom('import')
      .select('id')
      .where('state', 'in', ['reporting', 'applying'])
      .where('due_at', '<=', sql<Date>`now()`)
      .where((where) =>
        where.or([where('claimed_until', 'is', null), where('claimed_until', '<', sql<Date>`now()`)]),
      )
      .orderBy('due_at')
      .limit(limit)
      .forUpdate()
      .skipLocked();
    return this.storage.db
      .with('due', () => due)
      .updateTable('import')
      .from('due')
      .set({ claimed_until: soon(claimMs), claims: sql<number>`import.claims + 1` })
      .whereRef('import.id', '=', 'due.id')
      .returningAll('import')
      .execute();
  }

  /** Keeps what was claimed for so long again, but for what somebody else claimed since. */
  async extend(claimed: Claim[], claimMs: number): Promise<void> {
    if (claimed.length === 0) return;
    await this.storage.db
      .updateTable('import')
      .set({ claimed_until: soon(claimMs) })
      .where((where) =>
        where(
          where.refTuple('id', 'claims'),
          'in',
          claimed.map(({ id, claims }) => where.tuple(id, claims)),
        ),
      )
      .where('claimed_until', 'is not', null)
      .execute();
  }

  /**
   * Leaves it to whoever claims it next, after a pause; unless somebody else claimed it since, or ended it. What its host asked it to
   * wait is no time in which it failed.
   */
  async release(
    { id, claims, state }: ImportRecord,
    pauseMs: number,
    fault?: { failure: WireFailure; askedMs: number },
  ): Promise<void> {
    await this.storage.db
      .updateTable('import')
      .set({
        claimed_until: null,
        due_at: soon(pauseMs),
        ...(fault === undefined
          ? {}
          : {
              fault: JSON.stringify(fault.failure),
              faults: sql<number>`faults + 1`,
              failing_since: sql<Date>`coalesce(failing_since, now()) + ${fault.askedMs} * interval '1 millisecond'`,
            }),
      })
      .where('id', '=', id)
      .where('claims', '=', claims)
      .where('state', '=', state)
      .execute();
  }

  /** The files that it is about, as they are found on the branch; none that it has passed. @throws ImportOvertaken */
  async list(record: ImportRecord, commit: string, wanted: Wanted[]): Promise<ImportRecord> {
    const passed = Buffer.from(record.applied_to ?? '');
    const ahead = wanted.filter(({ path }) => Buffer.compare(Buffer.from(path), passed) > 0);
    return this.storage.transact(async (tx) => {
      return this.#want(tx, await this.#bringOn(tx, record, { commit_id: commit }), ahead);
    });
  }

  /** The next files after those that it has got to. */
  async next({ id, applied_to }: Pick<ImportRecord, 'id' | 'applied_to'>, limit: number): Promise<Wanted[]> {
    let query = this.storage.db.selectFrom('import_item').selectAll().where('import_id', '=', id);
    if (applied_to !== null) query = query.where('path', '>', applied_to);
    const rows = await query.orderBy('path').limit(limit).execute();
    return rows.map(toWanted);
  }

  /** Where earlier files of a report would put these entities. */
  async claimed({ id, applied_to }: ImportRecord, named: Named[]): Promise<(Named & { path: string })[]> {
    if (named.length === 0 || applied_to === null) return [];
    const rows = await this.storage.db
      .selectFrom('import_item')
      .select(['path', 'kind', 'entity_scope', 'entity_id'])
      .where('import_id', '=', id)
      .where('path', '<=', applied_to)
      .where('outcome', 'in', ['create', 'update'])
      .where((where) =>
        where(
          where.refTuple('entity_scope', 'kind', 'entity_id'),
          'in',
          named.map((one) => where.tuple(one.scope, one.kind, one.id)),
        ),
      )
      .execute();
    return rows.map(({ path, kind, entity_scope, entity_id }) => ({
      path,
      kind: kind as string,
      scope: entity_scope as string,
      id: entity_id as string,
    }));
  }

  /** What these files would come to. @throws ImportOvertaken */
  async report(record: ImportRecord, noted: Parameters<ImportsRepository['note']>[2]): Promise<ImportRecord> {
    return this.storage.transact((tx) => this.note(tx, record, noted));
  }

  /** What these files came to; after the last ones the import has got where its state leads. @throws ImportOvertaken */
  async note(
    tx: Session,
    record: ImportRecord,
    { verdicts, commit, isLast }: { verdicts: Verdict[]; commit: string; isLast: boolean },
  ): Promise<ImportRecord> {
    const end: { state: ImportState } = { state: record.state === 'reporting' ? 'reported' : 'done' };
    const applied_to = verdicts.at(-1)?.path ?? record.applied_to;
    const row = await this.#bringOn(tx, record, {
      applied_to,
      commit_id: commit,
      ...(isLast ? { ...end, finished_at: new Date(), claimed_until: null } : {}),
    });
    if (isLast && row.state === 'done') recordEnd(tx, row, {});
    if (verdicts.length === 0) return row;
    const files = { id: record.id, after: record.applied_to ?? '', to: applied_to ?? '' };
    const before = await countOutcomes(tx, files);
    await writeVerdicts(tx, record.id, verdicts);
    return this.#recount(tx, row, { before, after: await countOutcomes(tx, files) });
  }

  /** These files have been got through, and came to something else than before. */
  async #recount(
    tx: Session,
    row: ImportRecord,
    { before, after }: Record<'before' | 'after', Map<string | null, number>>,
  ): Promise<ImportRecord> {
    const { counts } = progressOf(row);
    for (const outcome of outcomes) counts[outcome] += (after.get(outcome) ?? 0) - (before.get(outcome) ?? 0);
    const done = row.done + [...after.values()].reduce((sum, count) => sum + count, 0);
    return tx
      .updateTable('import')
      .set({ counts: JSON.stringify(counts), done })
      .where('id', '=', row.id)
      .returningAll()
      .executeTakeFirstOrThrow();
  }

  async fail({ id, claims, state }: ImportRecord, failure: WireFailure): Promise<void> {
    tell('import.end', { outcome: failure.code });
    await this.storage.transact(async (tx) => {
      const row = await tx
        .updateTable('import')
        .set({
          state: 'failed',
          fault: JSON.stringify(failure),
          finished_at: sql<Date>`now()`,
          claimed_until: null,
        })
        .where('id', '=', id)
        .where('claims', '=', claims)
        .where('state', '=', state)
        .returningAll()
        .executeTakeFirst();
      if (row !== undefined) recordEnd(tx, row, { code: failure.code });
    });
  }

  /** Begins to do what was reported; again while it is done, or was, changes nothing. @throws NOT_FOUND, IMPORT_NOT_REPORTED */
  async apply(key: ConnectorKey, id: string): Promise<ImportRecord> {
    await this.storage.transact(async (tx) => {
      const row = await tx
        .updateTable('import')
        .set({
          state: 'applying',
          applied_to: null,
          finished_at: null,
          due_at: sql<Date>`now()`,
          progressed_at: sql<Date>`now()`,
          failing_since: null,
          done: 0,
        })
        .where('id', '=', id)
        .where('scope', '=', key.scope)
        .where('connector', '=', key.connector)
        .where('state', '=', 'reported')
        .returningAll()
        .executeTakeFirst();
      if (row !== undefined) recordImport(tx, 'import.apply', row);
    });
    const record = await this.get(key, id);
    if (record.state !== 'applying' && record.state !== 'done')
      throw new Failure('IMPORT_NOT_REPORTED', { id, state: record.state });
    return record;
  }

  /** Ends one that has not ended; what is done stays. @throws NOT_FOUND */
  async cancel(key: ConnectorKey, id: string): Promise<ImportRecord> {
    await this.storage.transact(async (tx) => {
      const row = await tx
        .updateTable('import')
        .set({ state: 'cancelled', finished_at: sql<Date>`now()`, claimed_until: null })
        .where('id', '=', id)
        .where('scope', '=', key.scope)
        .where('connector', '=', key.connector)
        .where('state', 'in', ['reporting', 'reported', 'applying'])
        .returningAll()
        .executeTakeFirst();
      if (row !== undefined) recordImport(tx, 'import.cancel', row);
    });
    return this.get(key, id);
  }

  /** By path, after this one. */
  async items(
    id: string,
    page: { outcome?: ImportOutcome | undefined; after?: string | undefined; limit: number },
  ): Promise<ImportItem[]> {
    let query = this.storage.db.selectFrom('import_item').selectAll().where('import_id', '=', id);
    if (page.outcome !== undefined) query = query.where('outcome', '=', page.outcome);
    if (page.after !== undefined) query = query.where('path', '>', page.after);
    return query.orderBy('path').limit(page.limit).execute();
  }

  /** Those that ended, or have waited for somebody, for a week. */
  async forget(): Promise<void> {
    await this.storage.db
      .deleteFrom('import')
      .where('finished_at', '<', sql<Date>`now() - ${KEPT_DAYS} * interval '1 day'`)
      .execute();
  }

  async #bringOn(tx: Session, record: ImportRecord, change: Partial<ImportRecord>): Promise<ImportRecord> {
    const { fault: _fault, counts: _counts, created_at: _created, ...values } = change;
    const row = await tx
      .updateTable('import')
      .set({
        ...values,
        faults: 0,
        fault: null,
        failing_since: null,
        progressed_at: sql<Date>`now()`,
      } as never)
      .where('id', '=', record.id)
      .where('claims', '=', record.claims)
      .where('state', '=', record.state)
      .where('applied_to', 'is not distinct from', record.applied_to)
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) throw new ImportOvertaken();
    return row;
  }

  async #want(tx: Session, row: ImportRecord, wanted: Wanted[]): Promise<ImportRecord> {
    let more = 0n;
    for (let at = 0; at < wanted.length; at += ROWS_MAX) {
      const { numInsertedOrUpdatedRows = 0n } = await tx
        .insertInto('import_item')
        .values(
          wanted.slice(at, at + ROWS_MAX).map(({ path, isNamed, meaning }) => ({
            import_id: row.id,
            path,
            is_named: isNamed,
            ...meaningColumns(meaning),
          })),
        )
        .onConflict((conflict) => conflict.columns(['import_id', 'path']).doNothing())
        .executeTakeFirstOrThrow();
      more += numInsertedOrUpdatedRows;
    }
    if (more === 0n) return row;
    return tx
      .updateTable('import')
      .set({ total: row.total + Number(more) })
      .where('id', '=', row.id)
      .returningAll()
      .executeTakeFirstOrThrow();
  }
}
