// Lanes: one repository and branch, one writer in the whole fleet. The lease is fenced by its epoch: a writer whose lease
// passed to another changes nothing any more.
import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type RawBuilder, sql, type Transaction } from 'kysely';
import { Config } from '../config/config.js';
import type { BlobId, CommitId, Person } from '../git/git.js';
import { type Session, Storage } from '../storage/database.js';
import type { Tables } from '../storage/schema.js';
import { type Passage, passageOf } from './passage.js';

/** What is about to be pushed. Stored first, so that a re-run after a crash builds the same commits. */
export interface Plan {
  connector: { scope: string; id: string };
  base: CommitId | null;
  create: boolean;
  committer: Person;
  /** Times this plan may have reached the Git host. */
  attempts: number;
  steps: PlannedStep[];
  /** When its operations were chosen, and when it was stored: ISO 8601. Plans from before this was kept have neither. */
  takenAt?: string | undefined;
  plannedAt?: string | undefined;
}

export interface PlannedStep {
  operation: string;
  /** What must stand at the operation's path: a blob id, or null for no file. */
  expect: BlobId | null;
  /** The same for each change of a move, in their order. */
  expects?: (BlobId | null)[];
}

/** For each change of the operation, in their order. */
export const expectationsOf = ({ expect, expects }: PlannedStep): (BlobId | null)[] => expects ?? [expect];

export interface Lane {
  id: string;
  repository: string;
  branch: string;
  head: CommitId | null;
  plan: Plan | null;
  faults: number;
}

/** Changes with whatever the fleet does there. */
export interface LaneState {
  epoch: number;
  head: CommitId | null;
}

/** A lane where something waits, and an account that it is of. */
export interface DueLane {
  lane: string;
  account: string;
}

/** The right to write to a lane. */
export interface Lease {
  lane: string;
  epoch: number;
}

/** How long the sweep leaves a lane alone: what waits there for this account, or for all of them where none is named. */
export interface Rest {
  ms: number;
  account: string | null;
}

/** The lease passed to another writer, who now answers for the lane. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

@Injectable()
export class LanesRepository {
  constructor(
    private readonly storage: Storage,
    private readonly config: Config,
  ) {}

  /** The lane of this repository and branch, made at its first use. */
  async open(tx: Session, repository: string, branch: string): Promise<string> {
    const known = tx
      .selectFrom('lane')
      .select('id')
      .where('repository', '=', repository)
      .where('branch', '=', branch);
    // An insertion waits for whoever changes the row that is there already.
    const row = await known.executeTakeFirst();
    if (row !== undefined) return row.id;
    await tx
      .insertInto('lane')
      .values({ id: randomUUID(), repository, branch })
      .onConflict((conflict) => conflict.columns(['repository', 'branch']).doNothing())
      .execute();
    return (await known.executeTakeFirstOrThrow()).id;
  }

  /** The lane of this repository and branch as it is, held by whomever. */
  async peek(
    repository: string,
    branch: string,
  ): Promise<{ id: string; epoch: number; head: CommitId | null }> {
    const id = await this.open(this.storage.db, repository, branch);
    return this.storage.db
      .selectFrom('lane')
      .select(['id', 'epoch', 'head'])
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
  }

  /** The lanes of these branches as they are, held by whomever, by branch; without those that are not made yet. */
  async peekAll(repository: string, branches: string[]): Promise<Map<string, LaneState>> {
    if (branches.length === 0) return new Map();
    const rows = await this.storage.db
      .selectFrom('lane')
      .select(['branch', 'epoch', 'head'])
      .where('repository', '=', repository)
      .where('branch', '=', sql<string>`any(${branches}::text[])`)
      .execute();
    return new Map(rows.map(({ branch, ...state }) => [branch, state]));
  }

  /** The lease, unless somebody else holds it. */
  async acquire(lane: string): Promise<Lease | undefined> {
    const row = await this.storage.db
      .updateTable('lane')
      .set({ holder: randomUUID(), epoch: sql<number>`epoch + 1`, lease_expires_at: this.#expiry() })
      .where('id', '=', lane)
      .where((where) =>
        where.or([where('holder', 'is', null), where('lease_expires_at', '<', sql<Date>`now()`)]),
      )
      .returning('epoch')
      .executeTakeFirst();
    return row === undefined ? undefined : { lane, epoch: row.epoch };
  }

  /** @throws LeaseLost */
  async extend({ lane, epoch }: Lease): Promise<void> {
    const result = await this.storage.db
      .updateTable('lane')
      .set({ lease_expires_at: this.#expiry() })
      .where('id', '=', lane)
      .where('epoch', '=', epoch)
      .executeTakeFirst();
    if (result.numUpdatedRows === 0n) throw new LeaseLost();
  }

  /**
   * Gives the lease back. What another account rests for stands, and the account's own rest is this one; without one, all rest
   * as they did.
   */
  async release({ lane, epoch }: Lease, rest: Rest | undefined): Promise<void> {
    await this.storage.db
      .updateTable('lane')
      .set({ holder: null, lease_expires_at: null, ...(rest === undefined ? {} : restColumns(rest)) })
      .where('id', '=', lane)
      .where('epoch', '=', epoch)
      .execute();
  }

  /** @throws LeaseLost */
  async load(lease: Lease): Promise<Lane> {
    const row = await this.storage.db
      .selectFrom('lane')
      .selectAll()
      .where('id', '=', lease.lane)
      .where('epoch', '=', lease.epoch)
      .executeTakeFirst();
    if (row === undefined) throw new LeaseLost();
    const { id, repository, branch, head, faults } = row;
    return { id, repository, branch, head, faults, plan: row.plan as Plan | null };
  }

  /** How far those operations came that plans stored for these lanes are of, by operation. */
  async passages(lanes: string[]): Promise<Map<string, Passage>> {
    if (lanes.length === 0) return new Map();
    const rows = await this.storage.db
      .selectFrom('lane')
      .select('plan')
      .where('id', 'in', lanes)
      .where('plan', 'is not', null)
      .execute();
    const plans = rows.map(({ plan }) => plan as unknown as Plan);
    return new Map(plans.flatMap((plan) => plan.steps.map(({ operation }) => [operation, passageOf(plan)])));
  }

  /**
   * Stores the plan, unless one of its operations has ended since it was chosen: whoever cancels holds the lane as well.
   * @throws LeaseLost, with nothing changed
   */
  async plan(lease: Lease, plan: Plan): Promise<boolean> {
    return this.storage.transact(async (tx) => {
      await this.#hold(tx, lease);
      const operations = plan.steps.map(({ operation }) => operation);
      const { numUpdatedRows } = await tx
        .updateTable('lane')
        .set({ plan: JSON.stringify(plan) })
        .where('id', '=', lease.lane)
        .where(
          sql<boolean>`not exists (
            select from operation where id = any(${operations}::text[]) and state <> 'pending'
          )`,
        )
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    });
  }

  /**
   * Changes the lane, and with `also` whatever belongs to the same moment, in one transaction.
   * @throws LeaseLost, with nothing changed
   */
  async update(
    lease: Lease,
    change: { plan?: Plan | null; head?: CommitId | null; faults?: number },
    also: (tx: Transaction<Tables>) => Promise<void> = async () => undefined,
  ): Promise<void> {
    await this.storage.transact(async (tx) => {
      await this.#hold(tx, lease);
      const { plan, ...values } = change;
      const planned = plan === undefined ? {} : { plan: plan === null ? null : JSON.stringify(plan) };
      await tx
        .updateTable('lane')
        .set({ ...values, ...planned, epoch: lease.epoch })
        .where('id', '=', lease.lane)
        .execute();
      await also(tx);
    });
  }

  /** @throws LeaseLost */
  async #hold(tx: Session, lease: Lease): Promise<void> {
    const row = await tx
      .selectFrom('lane')
      .select('epoch')
      .where('id', '=', lease.lane)
      .where('epoch', '=', lease.epoch)
      // Operations that refer to the lane may be written meanwhile.
      .forNoKeyUpdate()
      .executeTakeFirst();
    if (row === undefined) throw new LeaseLost();
  }

  /**
   * Whoever is at these lanes changes nothing any more, and looks again: copies of their branches are changed by somebody else in
   * this transaction. In one order, so that nobody waits for each other; and before entities are locked, as a lane's writer does.
   */
  async fence(tx: Session, places: { repository: string; branch: string }[]): Promise<void> {
    if (places.length === 0) return;
    const repositories = places.map(({ repository }) => repository);
    const branches = places.map(({ branch }) => branch);
    await sql`
      with fenced as (
        select id from lane
        where (repository, branch) in (select * from unnest(${repositories}::text[], ${branches}::text[]))
        order by id for no key update
      )
      update lane set epoch = epoch + 1, holder = null, lease_expires_at = null
      from fenced where lane.id = fenced.id
    `.execute(tx);
  }

  /** Until the transaction ends nobody plans or ends operations of the lane. Answers whether this one is of no stored plan. */
  async withhold(tx: Session, lane: string, operation: string): Promise<boolean> {
    const row = await tx
      .selectFrom('lane')
      .select('plan')
      .where('id', '=', lane)
      .forNoKeyUpdate()
      .executeTakeFirstOrThrow();
    const plan = row.plan as Plan | null;
    return plan === null || !plan.steps.some((step) => step.operation === operation);
  }

  /** Lanes where something waits, nobody works, and no pause is on, once for each account: all of them, or this one. */
  async due(lane?: string): Promise<DueLane[]> {
    const these = lane === undefined ? sql`true` : sql`lane.id = ${lane}`;
    return this.#due(
      sql`(lane.holder is null or lane.lease_expires_at < now()) and lane.due_at <= now() and ${these}`,
    );
  }

  /** The same of a lane that the caller holds. */
  async dueIn(lane: string): Promise<DueLane[]> {
    return this.#due(sql`lane.id = ${lane}`);
  }

  async #due(condition: RawBuilder<unknown>): Promise<DueLane[]> {
    const { rows } = await sql<DueLane>`
      select lane.id as lane, waiting.account from lane
      cross join lateral (${accountsWaiting(sql`lane.id`)}) as waiting
      where ${condition} and coalesce((lane.pauses ->> waiting.account)::timestamptz <= now(), true)
    `.execute(this.storage.db);
    return rows;
  }

  #expiry() {
    return sql<Date>`now() + ${this.config.SALLYPORT_LEASE_SECONDS} * interval '1 second'`;
  }
}

function restColumns({ ms, account }: Rest) {
  const end = sql<Date>`now() + ${ms} * interval '1 millisecond'`;
  const pauses = sql<never>`case when ${ms} > 0 then pauses || jsonb_build_object(${account}::text, ${end})
    else pauses - ${account}::text end`;
  return account === null ? { due_at: end } : { due_at: sql<Date>`now()`, pauses };
}

/** By one look at the index for each account, however much of it waits. */
const accountsWaiting = (lane: RawBuilder<unknown>): RawBuilder<{ account: string }> => sql<{
  account: string;
}>`
  with recursive known as (
    select (
      select min(account) from operation where lane_id = ${lane} and state = 'pending'
    ) as account
    union all
    select (
      select min(account) from operation
      where lane_id = ${lane} and state = 'pending' and account > known.account
    ) from known where known.account is not null
  )
  select account from known where account is not null`;
