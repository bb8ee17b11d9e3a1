// What changed. An event is written in the transaction of the change it tells of: there is none without the other. Numbers are
// given out before they can be seen, so events are read by transaction, and only those before the oldest that still runs.
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { Failure } from '../kernel/failure.js';
import { accountOf, type Scope } from '../scopes/scope.js';
import { type Session, Storage } from '../storage/database.js';
import type { EventType, StoredEvent } from './event.js';
import { comparePositions, type Position, toEventCursor } from './position.js';

export interface NewEvent {
  scope: Scope;
  type: EventType;
  /** What it is about, as in the API, below its scope: `entities/pipeline/build`. */
  subject: string;
  data: object;
}

export interface EventPage {
  events: StoredEvent[];
  /** Everything up to here has been read. */
  reached: Position;
  /** Whether there was no room for more. */
  isFull: boolean;
}

interface Row {
  xmin: string;
  xmax: string;
  pruned_transaction: string | null;
  pruned_sequence: number | null;
  /** Null where there is no event. */
  id: string | null;
  transaction: string;
  sequence: number;
  account: string;
  scope: string;
  type: string;
  subject: string;
  data: Record<string, unknown>;
  created_at: Date;
}

@Injectable()
export class EventsRepository {
  constructor(private readonly storage: Storage) {}

  /** In their order. */
  async record(tx: Session, events: NewEvent[]): Promise<void> {
    if (events.length === 0) return;
    const rows = events.map((event) => ({ ...event, account: accountOf(event.scope) }));
    await sql`
      insert into event (account, scope, type, subject, data)
      select account, scope, type, subject, data
      from rows from (json_to_recordset(${JSON.stringify(rows)}::json)
        as (account text, scope text, type text, subject text, data jsonb)) with ordinality
      order by ordinality`.execute(tx);
  }

  /** Of one account, or of all. @throws EVENTS_GONE where some after `after` are no longer kept */
  async read(account: Scope | null, after: Position, limit: number): Promise<EventPage> {
    const rows = await this.#read(account, after, limit);
    const events = rows.flatMap((row) => (row.id === null ? [] : [toEvent({ ...row, id: row.id })]));
    const { xmin, xmax, pruned_transaction: transaction, pruned_sequence: sequence } = rows[0] as Row;
    const pruned = transaction === null || sequence === null ? undefined : { transaction, sequence };
    // A transaction of the future is one of another database, which this one was restored from.
    const isForeign = BigInt(after.transaction) > BigInt(xmax);
    const isBeginning = BigInt(after.transaction) === 0n;
    if (isForeign || (pruned !== undefined && !isBeginning && comparePositions(after, pruned) < 0))
      throw new Failure('EVENTS_GONE', { cursor: toEventCursor(after) });
    const isFull = events.length === limit;
    const end = { transaction: xmin, sequence: 0 };
    const last = events.at(-1)?.position;
    return { events, reached: isFull && last !== undefined ? last : later(after, end), isFull };
  }

  /** Before all that will come. */
  async now(session: Session = this.storage.db): Promise<Position> {
    const { rows } = await sql<{ xmin: string }>`
      select pg_snapshot_xmin(pg_current_snapshot()) as xmin`.execute(session);
    return { transaction: (rows[0] as { xmin: string }).xmin, sequence: 0 };
  }

  /** Before the first of the account’s events since then. */
  async since(account: Scope, moment: Date): Promise<Position> {
    const { rows } = await sql<{ transaction: string; sequence: number }>`
      select transaction, sequence from event
      where account = ${account} and created_at >= ${moment}
        and transaction < pg_snapshot_xmin(pg_current_snapshot())
      order by transaction, sequence limit 1`.execute(this.storage.db);
    const [first] = rows;
    return first === undefined ? this.now() : { ...first, sequence: first.sequence - 1 };
  }

  /** Forgets some that are older than so many days, the oldest first; how many. */
  async prune(days: number, limit: number): Promise<number> {
    const { rows } = await sql<{ count: number }>`
      with old as (
        select sequence from event where created_at < now() - ${days} * interval '1 day'
        order by created_at limit ${limit} for update skip locked
      ), gone as (
        delete from event using old where event.sequence = old.sequence
        returning event.account, event.transaction, event.sequence
      ), noted as (
        insert into event_log (account, pruned_transaction, pruned_sequence)
        select distinct on (account) account, transaction, sequence from gone
        order by account, transaction desc, sequence desc
        on conflict (account) do update
          set pruned_transaction = excluded.pruned_transaction, pruned_sequence = excluded.pruned_sequence
          where (event_log.pruned_transaction, event_log.pruned_sequence)
            < (excluded.pruned_transaction, excluded.pruned_sequence)
      )
      select count(*) as count from gone`.execute(this.storage.db);
    return rows[0]?.count ?? 0;
  }

  /**
   * A database that was restored into another server counts its transactions anew. What came from the other one is put before
   * all that this one writes, in the order of its numbers; subscriptions go back to the first of it that they had not.
   */
  async settleRestored(): Promise<boolean> {
    return this.storage.transact(async (tx) => {
      await sql`select pg_advisory_xact_lock(hashtext('sallyport-events'))`.execute(tx);
      const foreign = sql`transaction >= pg_snapshot_xmax(pg_current_snapshot())`;
      const { rows } = await sql`select 1 from event where ${foreign} limit 1`.execute(tx);
      if (rows.length === 0) return false;
      await sql`update subscription s set position_transaction = '1', position_sequence = coalesce(
          (select min(sequence) - 1 from event e where e.account = s.account
            and (e.transaction, e.sequence) > (s.position_transaction, s.position_sequence)),
          (select max(sequence) from event))`.execute(tx);
      await sql`update event_log set pruned_transaction = '1', pruned_sequence = coalesce(
          (select min(sequence) - 1 from event e where e.account = event_log.account), pruned_sequence)`.execute(
        tx,
      );
      await sql`update event set transaction = '1'`.execute(tx);
      return true;
    });
  }

  async #read(account: Scope | null, after: Position, limit: number): Promise<Row[]> {
    const whose = account === null ? sql`true` : sql`event.account = ${account}`;
    const { rows } = await sql<Row>`
      select moment.xmin, moment.xmax, log.pruned_transaction, log.pruned_sequence, found.*
      from (select pg_snapshot_xmin(pg_current_snapshot()) as xmin, pg_snapshot_xmax(pg_current_snapshot()) as xmax)
        as moment
      left join event_log as log on log.account = ${account}
      left join lateral (
        select id, transaction, sequence, account, scope, type, subject, data, created_at from event
        where ${whose} and (transaction, sequence) > (${after.transaction}::xid8, ${after.sequence}::bigint)
          and transaction < moment.xmin
        order by transaction, sequence limit ${limit}
      ) as found on true
      order by found.transaction, found.sequence`.execute(this.storage.db);
    return rows;
  }
}

const later = (one: Position, other: Position): Position => (comparePositions(one, other) < 0 ? other : one);

const toEvent = (row: Row & { id: string }): StoredEvent => ({
  position: { transaction: row.transaction, sequence: row.sequence },
  id: row.id,
  account: row.account,
  scope: row.scope,
  type: row.type,
  subject: row.subject,
  data: row.data,
  createdAt: row.created_at,
});
