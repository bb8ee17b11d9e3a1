// What became of pull requests. What a holder of a row found is written only where the row still stands as it was, together with
// the event that tells of it. Who has lost the row to another frees nothing, and has no word on what is to be done next.
import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { SYSTEM } from '../audit/acting.js';
import { type Act, record, recordAs } from '../audit/record.js';
import { EventsRepository, type NewEvent } from '../events/events.repository.js';
import type { WireFailure } from '../kernel/failure.js';
import type { EnsuredPull, Pull } from '../providers/host-api.js';
import { isTaken, type Session, Storage, soon } from '../storage/database.js';
import { columnsOf, type WishAgain } from '../sync/pull-wishes.repository.js';
import { TrackingRepository } from '../sync/tracking.repository.js';
import { finished, type PullRequest } from './pull-requests.repository.js';

@Injectable()
export class PullOutcomesRepository {
  constructor(
    private readonly storage: Storage,
    private readonly events: EventsRepository,
    private readonly tracking: TrackingRepository,
  ) {}

  /** The host has it, and we know. Several rows turn out to be one request where a name of a branch was not known. */
  async opened(row: PullRequest, base: string, pull: EnsuredPull, dueMs: number): Promise<void> {
    const at = { ...numbered(pull), base, created: pull.created, reviewers_refused: pull.reviewersRefused };
    await this.storage.transact(async (tx) => {
      const other = await this.#sameRequest(tx, row, base, pull.number);
      if (other !== undefined) await this.#join(tx, row, other);
      const opened = await tx
        .updateTable('pull_request')
        .set({
          ...((other?.number ?? null) === null ? at : numbered(pull)),
          ...quiet(row),
          state: 'open',
          opened_at: sql<Date>`coalesce(opened_at, now())`,
          looked_at: sql<Date>`now()`,
          finished_at: null,
          due_at: other === undefined ? dueUnlessHinted(row, dueMs) : soon(dueMs),
        })
        .where('id', '=', other?.id ?? row.id)
        .where('state', other === undefined ? '=' : '<>', other === undefined ? 'wanted' : 'merged')
        .returningAll()
        .executeTakeFirst();
      if (opened === undefined) return this.#free(tx, row);
      if (other?.state !== 'open') await this.#tell(tx, opened, 'opened', { created: pull.created });
    });
  }

  async failed(row: PullRequest, failure: WireFailure): Promise<void> {
    await this.storage.transact(async (tx) => {
      const failed = await tx
        .updateTable('pull_request')
        .set({
          state: 'failed',
          failure: JSON.stringify(failure),
          faults: row.faults + 1,
          attempts: row.attempts,
          claimed_until: null,
          due_at: null,
        })
        .where('id', '=', row.id)
        .where('claims', '=', row.claims)
        .where('state', '=', 'wanted')
        .returningAll()
        .executeTakeFirst();
      if (failed !== undefined) await this.#tell(tx, failed, 'failed', { code: failure.code });
    });
  }

  /** It did not work now; it is tried again. */
  async faulted(row: PullRequest, failure: WireFailure, dueMs: number): Promise<void> {
    await this.storage.db
      .updateTable('pull_request')
      .set({
        failure: JSON.stringify(failure),
        faults: row.faults + 1,
        attempts: row.attempts,
        claimed_until: null,
        due_at: soon(Math.ceil(dueMs)),
      })
      .where('id', '=', row.id)
      .where('claims', '=', row.claims)
      .where('state', '=', row.state)
      .execute();
  }

  /** It is open as before. What was asked for since it was claimed is due at once. */
  async same(row: PullRequest, dueMs: number): Promise<void> {
    await this.storage.db
      .updateTable('pull_request')
      .set({
        ...quiet(row),
        looked_at: sql<Date>`now()`,
        again: sql<string | null>`case when hints = ${row.hints} then null else again end`,
        due_at: row.state === 'open' ? dueUnlessHinted(row, dueMs) : null,
      })
      .where('id', '=', row.id)
      .where('claims', '=', row.claims)
      .execute();
  }

  /** Somebody opened again what was closed; unless a later request of the same branches is there by now. */
  async openedAgain(row: PullRequest, pull: Pull, dueMs: number): Promise<void> {
    const reopen = this.storage.transact(async (tx) => {
      const opened = await tx
        .updateTable('pull_request')
        .set({ ...numbered(pull), ...quiet(row), state: 'open', finished_at: null, due_at: soon(dueMs) })
        .where('id', '=', row.id)
        .where('state', '=', 'closed')
        .returningAll()
        .executeTakeFirst();
      if (opened === undefined) return this.#free(tx, row);
      await this.#tell(tx, opened, 'opened', {});
    });
    await reopen.catch(async (error: unknown) => {
      if (!isTaken(error, 'pull_request_unfinished')) throw error;
      await this.same(row, dueMs);
    });
  }

  /**
   * It is over; `pull` as the host has it, null where the host does not have it. What was merged comes into the copies of its base:
   * by whoever follows that branch, or else `copies_due`. `act`: what ends it, where nobody else puts that on record.
   */
  async ended(row: PullRequest, state: 'merged' | 'closed', pull: Pull | null, act?: Act): Promise<void> {
    await this.storage.transact(async (tx) => {
      // A save may have wished while the host was asked.
      const again = await this.#againOf(tx, row);
      const ended = await tx
        .updateTable('pull_request')
        .set({
          ...(pull === null ? {} : numbered(pull)),
          ...quiet(row),
          state,
          merge_commit: pull?.mergeCommit ?? null,
          again: null,
          looked_at: sql<Date>`now()`,
          finished_at: sql<Date>`now()`,
          due_at: null,
        })
        .where('id', '=', row.id)
        // What was closed may have been opened again and merged between two looks.
        .where('state', 'not in', state === 'merged' ? ['merged'] : finished)
        .returningAll()
        .executeTakeFirst();
      if (ended === undefined) return this.#free(tx, row);
      if (act !== undefined) record(tx, act);
      const { mergeCommit = null } = pull ?? {};
      const more = state === 'merged' ? { mergeCommit } : {};
      await this.#tell(tx, ended, state, more);
      if (state === 'merged') await this.#bringBack(tx, ended);
      if (again !== null) await this.#begin(tx, ended, again);
    });
  }

  /** Nothing is wrong, but it has to wait. */
  async postponed(row: PullRequest, dueMs: number): Promise<void> {
    await this.storage.db
      .updateTable('pull_request')
      .set({ ...quiet(row), due_at: soon(dueMs) })
      .where('id', '=', row.id)
      .where('claims', '=', row.claims)
      .execute();
  }

  async copiesDone(row: PullRequest): Promise<void> {
    await this.storage.db
      .updateTable('pull_request')
      .set({ ...quiet(row), copies_due: false, due_at: null })
      .where('id', '=', row.id)
      .where('claims', '=', row.claims)
      .execute();
  }

  /** To subscribers, and on record. */
  async #tell(tx: Session, row: PullRequest, what: PullOutcome, more: object): Promise<void> {
    const { scope, subject: target, type: action, data } = tell(row, what, more);
    await this.events.record(tx, [{ scope, type: action, subject: target, data }]);
    recordAs(tx, SYSTEM, { action, scope, target, data });
  }

  /** Somebody brought it on meanwhile, who knows when it is due. */
  async #free(tx: Session, { id, claims }: PullRequest): Promise<void> {
    await tx
      .updateTable('pull_request')
      .set({ claimed_until: null })
      .where('id', '=', id)
      .where('claims', '=', claims)
      .execute();
  }

  /** One that has these branches and is not over, or has this number. */
  async #sameRequest(
    tx: Session,
    row: PullRequest,
    base: string,
    number: number,
  ): Promise<PullRequest | undefined> {
    return tx
      .selectFrom('pull_request')
      .selectAll()
      .where('connector_scope', '=', row.connector_scope)
      .where('connector_id', '=', row.connector_id)
      .where('repository', '=', row.repository)
      .where('id', '<>', row.id)
      .where((where) =>
        where.or([
          where.and([
            where('branch', '=', row.branch),
            where('base', '=', base),
            where('state', 'not in', finished),
          ]),
          where.and([where('number', '=', number), where('state', '<>', 'merged')]),
        ]),
      )
      .orderBy('sequence', 'desc')
      .limit(1)
      .forUpdate()
      .executeTakeFirst();
  }

  async #join(tx: Session, row: PullRequest, other: PullRequest): Promise<void> {
    await tx
      .updateTable('operation')
      .set({ pull_request_id: other.id })
      .where('pull_request_id', '=', row.id)
      .execute();
    await tx.deleteFrom('pull_request').where('id', '=', row.id).execute();
  }

  async #bringBack(tx: Session, { id, base, ...row }: PullRequest): Promise<void> {
    const key = { scope: row.connector_scope, connector: row.connector_id };
    const isFollowed = base !== null && (await this.tracking.branch(key, base, tx)) !== undefined;
    if (isFollowed) return void (await this.tracking.wake(key, { isHint: false, session: tx }));
    await tx
      .updateTable('pull_request')
      .set({ copies_due: true, due_at: sql<Date>`now()` })
      .where('id', '=', id)
      .execute();
  }

  async #againOf(tx: Session, { id }: PullRequest): Promise<WishAgain | null> {
    const row = await tx
      .selectFrom('pull_request')
      .select('again')
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst();
    return (row?.again ?? null) as WishAgain | null;
  }

  /** Another request in place of one that is over, for the saves that came meanwhile. */
  async #begin(tx: Session, before: PullRequest, again: WishAgain): Promise<void> {
    const id = randomUUID();
    const [first = before.operation_id] = again.operations;
    await tx
      .insertInto('pull_request')
      .values({
        id,
        scope: again.scope,
        connector_scope: before.connector_scope,
        connector_id: before.connector_id,
        repository: before.repository,
        branch: before.branch,
        ...columnsOf(again),
        operation_id: first,
        requested_by: again.requestedBy,
        due_at: sql<Date>`now()`,
      })
      .execute();
    await tx
      .updateTable('operation')
      .set({ pull_request_id: id })
      .where('id', 'in', again.operations)
      .execute();
  }
}

const numbered = ({ number, webUrl, draft }: Pull) => ({ number, web_url: webUrl, draft });

/** Nothing is wrong, and whoever has claimed this row is not at it any more. */
const quiet = ({ id, claims }: PullRequest) => ({
  failure: null,
  faults: 0,
  claimed_until: sql<Date | null>`case when id = ${id} and claims = ${claims} then null else claimed_until end`,
});

const dueUnlessHinted = ({ hints }: PullRequest, dueMs: number) =>
  sql<Date>`case when hints = ${hints} then ${soon(Math.ceil(dueMs))} else now() end`;

type PullOutcome = 'opened' | 'merged' | 'closed' | 'failed';

function tell(row: PullRequest, what: PullOutcome, more: object): NewEvent {
  return {
    scope: row.scope,
    type: `pull-request.${what}`,
    subject: `pull-requests/${row.id}`,
    data: {
      id: row.id,
      connector: row.connector_id,
      branch: row.branch,
      into: row.base,
      number: row.number,
      webUrl: row.web_url,
      draft: row.draft,
      operationId: row.operation_id,
      ...more,
    },
  };
}
