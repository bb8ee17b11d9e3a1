// What of a connector's repository is followed, and how far each branch has been.
import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type Selectable, type SqlBool, sql } from 'kysely';
import { record } from '../audit/record.js';
import { Failure, type WireFailure } from '../kernel/failure.js';
import { outwards, type Scope } from '../scopes/scope.js';
import { isReferenced, type Session, Storage, soon } from '../storage/database.js';
import type { TrackedBranchTable, TrackingTable } from '../storage/tracking-schema.js';
import { afresh, type Landed, overtake } from './overtaken.repository.js';
import type { TrackingRule } from './refresh-plan.js';
import type { TrackedFile } from './tracked-files.js';

/** A connector, as tables name it. */
export interface ConnectorKey {
  scope: Scope;
  connector: string;
}

export interface TrackingWrite {
  /** Patterns; none: the default branch. */
  branches: string[];
  /** None: where the kinds put their entities. */
  files: TrackedFile[];
  rules: TrackingRule[];
}

export interface Tracking extends ConnectorKey, TrackingWrite {
  revision: string;
  defaultBranch: string | null;
  polledAt: Date | null;
  hintedAt: Date | null;
  missedAt: Date | null;
  dueAt: Date;
  wakes: number;
  /** Which claim of it this one is. */
  claims: number;
  faults: number;
  fault: WireFailure | null;
}

/** How a file of a followed branch stands to Git. */
export interface Followed {
  listed: string | null;
  checkedAt: Date | null;
  isCurrent: boolean;
  /** Whether what Git holds is on record as what cannot become, or may not become, the copy. */
  isHeld: boolean;
  /** What may be done from the Git side. */
  rules: TrackingRule[];
}

export type BranchRecord = Selectable<TrackedBranchTable>;

/** How a look at a repository ended. */
export interface LookResult {
  /** Until the next one, in milliseconds. */
  nextMs: number;
  /** Since its refs were asked for, in milliseconds; undefined where they were not learnt. */
  listedAgoMs?: number | undefined;
  defaultBranch?: string | null;
  /** Whether something had moved that nobody had told of. */
  missed: boolean;
  /** Why it failed; or, where refs were learnt, what of them it passed over. */
  fault: WireFailure | null;
}

@Injectable()
export class TrackingRepository {
  constructor(private readonly storage: Storage) {}

  /** @throws NOT_FOUND for the connector */
  async put(key: ConnectorKey, write: TrackingWrite): Promise<{ tracking: Tracking; created: boolean }> {
    const values = {
      branches: write.branches,
      files: JSON.stringify(write.files),
      rules: JSON.stringify(write.rules),
      revision: randomUUID(),
    };
    const written = this.storage.transact(async (tx) => {
      const row = await tx
        .insertInto('tracking')
        .values({ ...key, ...values })
        .onConflict((conflict) =>
          conflict.columns(['scope', 'connector']).doUpdateSet({
            ...values,
            due_at: sql<Date>`now()`,
            wakes: sql<number>`tracking.wakes + 1`,
            updated_at: sql<Date>`now()`,
          }),
        )
        .returningAll()
        .returning(sql<boolean>`xmax = 0`.as('created'))
        .executeTakeFirstOrThrow();
      const data = { created: row.created, revision: row.revision };
      record(tx, { action: 'tracking.put', ...placeOf(key), data });
      return row;
    });
    const row = await written.catch((error: unknown) => {
      throw isReferenced(error) ? new Failure('NOT_FOUND', { what: 'connector', id: key.connector }) : error;
    });
    return { tracking: toTracking(row), created: row.created };
  }

  async find({ scope, connector }: ConnectorKey): Promise<Tracking | undefined> {
    const row = await this.storage.db
      .selectFrom('tracking')
      .selectAll()
      .where('scope', '=', scope)
      .where('connector', '=', connector)
      .executeTakeFirst();
    return row === undefined ? undefined : toTracking(row);
  }

  /** @throws NOT_FOUND */
  async get(key: ConnectorKey): Promise<Tracking> {
    const found = await this.find(key);
    if (found === undefined)
      throw new Failure('NOT_FOUND', { what: 'tracking of connector', id: key.connector });
    return found;
  }

  /** @throws NOT_FOUND */
  async delete({ scope, connector }: ConnectorKey): Promise<void> {
    await this.storage.transact(async (tx) => {
      const { numDeletedRows } = await tx
        .deleteFrom('tracking')
        .where('scope', '=', scope)
        .where('connector', '=', connector)
        .executeTakeFirst();
      if (numDeletedRows === 0n)
        throw new Failure('NOT_FOUND', { what: 'tracking of connector', id: connector });
      record(tx, { action: 'tracking.delete', ...placeOf({ scope, connector }) });
    });
  }

  /**
   * Has the connector's repository looked at as soon as somebody can; whether it is tracked at all. Once too often is harmless:
   * wishes that come during a look make one look more.
   * @param isHint whether the host itself told of something, by a webhook
   */
  async wake(
    { scope, connector }: ConnectorKey,
    { isHint, session = this.storage.db }: { isHint: boolean; session?: Session },
  ): Promise<boolean> {
    const { numUpdatedRows } = await session
      .updateTable('tracking')
      .set({
        due_at: sql<Date>`least(due_at, now())`,
        wakes: sql<number>`wakes + 1`,
        ...(isHint ? { hinted_at: sql<Date>`now()` } : {}),
      })
      .where('scope', '=', scope)
      .where('connector', '=', connector)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  /** Takes this one, whether it is due or not; undefined while somebody else has it. @throws NOT_FOUND */
  async claimOne(key: ConnectorKey, claimMs: number): Promise<Tracking | undefined> {
    const row = await this.storage.db
      .updateTable('tracking')
      .set({ claimed_until: soon(claimMs), claims: sql<number>`claims + 1` })
      .where('scope', '=', key.scope)
      .where('connector', '=', key.connector)
      .where(isFree)
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) await this.get(key);
    return row === undefined ? undefined : toTracking(row);
  }

  /** Keeps what was claimed for so long again, but for what somebody else claimed since. */
  async extend(claimed: Tracking[], claimMs: number): Promise<void> {
    if (claimed.length === 0) return;
    await this.storage.db
      .updateTable('tracking')
      .set({ claimed_until: soon(claimMs) })
      .where((where) =>
        where(
          where.refTuple('scope', 'connector', 'claims'),
          'in',
          claimed.map(({ scope, connector, claims }) => where.tuple(scope, connector, claims)),
        ),
      )
      .where('claimed_until', 'is not', null)
      .execute();
  }

  /** Ends a look, unless somebody else claimed it since. What was wished for since it was claimed is due at once. */
  async finish({ scope, connector, wakes, claims }: Tracking, result: LookResult): Promise<void> {
    const { fault, missed, nextMs, listedAgoMs, defaultBranch } = result;
    await this.storage.db
      .updateTable('tracking')
      .set({
        claimed_until: null,
        ...(listedAgoMs === undefined ? {} : { polled_at: soon(-listedAgoMs) }),
        due_at: sql<Date>`case when wakes = ${wakes} then ${soon(nextMs)} else now() end`,
        fault: fault === null ? null : JSON.stringify(fault),
        faults: fault === null || listedAgoMs !== undefined ? 0 : sql<number>`faults + 1`,
        // Whoever told of something while it was looked may have told of that.
        ...(missed ? { missed_at: sql<Date>`case when wakes = ${wakes} then now() else missed_at end` } : {}),
        ...(defaultBranch === undefined ? {} : { default_branch: defaultBranch }),
      })
      .where('scope', '=', scope)
      .where('connector', '=', connector)
      .where('claims', '=', claims)
      .execute();
  }

  /** In order of their names. */
  async branches(
    { scope, connector }: ConnectorKey,
    session: Session = this.storage.db,
  ): Promise<BranchRecord[]> {
    return session
      .selectFrom('tracked_branch')
      .selectAll()
      .where('scope', '=', scope)
      .where('connector', '=', connector)
      .orderBy('branch')
      .execute();
  }

  async branch(
    { scope, connector }: ConnectorKey,
    branch: string,
    session: Session = this.storage.db,
  ): Promise<BranchRecord | undefined> {
    return session
      .selectFrom('tracked_branch')
      .selectAll()
      .where('scope', '=', scope)
      .where('connector', '=', connector)
      .where('branch', '=', branch)
      .executeTakeFirst();
  }

  /** Where these branches point now; `null` for one that is gone. */
  async note(
    tx: Session,
    key: ConnectorKey,
    repository: string,
    listed: [branch: string, head: string | null][],
  ): Promise<void> {
    if (listed.length === 0) return;
    await tx
      .insertInto('tracked_branch')
      .values(
        listed.map(([branch, head]) => ({
          scope: key.scope,
          connector: key.connector,
          branch,
          repository,
          listed: head,
        })),
      )
      .onConflict((conflict) =>
        conflict.columns(['scope', 'connector', 'branch']).doUpdateSet((values) => ({
          listed: values.ref('excluded.listed'),
          repository: values.ref('excluded.repository'),
        })),
      )
      .execute();
    // Nothing but Git says what changed, and by that nothing did: the branch has been turned back behind what the copy has of it.
    await tx
      .updateTable('tracked_branch')
      .set(afresh)
      .where('scope', '=', key.scope)
      .where('connector', '=', key.connector)
      .where(sql<boolean>`target is null and listed = synced and beyond <> '{}'`)
      .execute();
  }

  /** What is known of a file on a branch that is followed, by whichever connector serves its scope; the one that looked last. */
  async followed(file: {
    repository: string;
    branch: string;
    path: string;
    scope: Scope;
  }): Promise<Followed | undefined> {
    const row = await this.storage.db
      .selectFrom('tracked_branch')
      .innerJoin('tracking', (join) =>
        join
          .onRef('tracking.scope', '=', 'tracked_branch.scope')
          .onRef('tracking.connector', '=', 'tracked_branch.connector'),
      )
      .leftJoin('file_problem', (join) =>
        join
          .onRef('file_problem.scope', '=', 'tracked_branch.scope')
          .onRef('file_problem.connector', '=', 'tracked_branch.connector')
          .onRef('file_problem.branch', '=', 'tracked_branch.branch')
          .on('file_problem.path', '=', file.path),
      )
      .select([
        'tracked_branch.listed',
        'tracked_branch.synced',
        'tracked_branch.target',
        'tracking.polled_at',
        'tracking.rules',
      ])
      .select('file_problem.verdict')
      .where('tracked_branch.repository', '=', file.repository)
      .where('tracked_branch.branch', '=', file.branch)
      .where('tracked_branch.scope', 'in', outwards(file.scope))
      .orderBy('tracking.polled_at', (order) => order.desc().nullsLast())
      .limit(1)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    return {
      listed: row.listed,
      checkedAt: row.polled_at,
      isCurrent: row.listed === row.synced && row.target === null,
      isHeld: row.verdict !== null,
      rules: row.rules as TrackingRule[],
    };
  }

  /** Whether there was something to change: the branch as it was, where that is said. */
  async change(
    tx: Session,
    { scope, connector }: ConnectorKey,
    branch: string,
    change: Partial<Omit<BranchRecord, 'fault'>> & { fault?: WireFailure | null },
    was?: Pick<BranchRecord, 'target' | 'revision'>,
  ): Promise<boolean> {
    const { fault, ...values } = change;
    let query = tx
      .updateTable('tracked_branch')
      .set({
        ...values,
        ...(fault === undefined ? {} : { fault: fault === null ? null : JSON.stringify(fault) }),
      })
      .where('scope', '=', scope)
      .where('connector', '=', connector)
      .where('branch', '=', branch);
    if (was !== undefined)
      query = query
        .where('target', 'is not distinct from', was.target)
        .where('revision', 'is not distinct from', was.revision);
    return (await query.executeTakeFirst()).numUpdatedRows > 0n;
  }

  async forget(tx: Session, { scope, connector }: ConnectorKey, branches: string[]): Promise<void> {
    if (branches.length === 0) return;
    for (const table of ['file_problem', 'tracked_branch'] as const)
      await tx
        .deleteFrom(table)
        .where('scope', '=', scope)
        .where('connector', '=', connector)
        .where('branch', 'in', branches)
        .execute();
  }

  /** As `overtake` says. */
  async overtake(tx: Session, place: { repository: string; branch: string }, landed: Landed): Promise<void> {
    await overtake(tx, place, landed);
  }
}

const placeOf = ({ scope, connector }: ConnectorKey) => ({
  scope,
  target: `connectors/${connector}/tracking`,
});

export const isFree = sql<SqlBool>`(claimed_until is null or claimed_until < now())`;

export function toTracking(row: Selectable<TrackingTable>): Tracking {
  const { scope, connector, branches, revision, wakes, claims, faults } = row;
  return {
    ...{ scope, connector, branches, revision, wakes, claims, faults },
    files: row.files as TrackedFile[],
    rules: row.rules as TrackingRule[],
    defaultBranch: row.default_branch,
    polledAt: row.polled_at,
    hintedAt: row.hinted_at,
    missedAt: row.missed_at,
    dueAt: row.due_at,
    fault: row.fault as WireFailure | null,
  };
}
