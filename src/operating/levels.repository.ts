// How much there is of what waits, in the whole deployment, in one look at the tables of many rooms: a scrape must not cost the
// database as many questions as there are metrics.
import { sql } from 'kysely';
import type { Storage } from '../storage/database.js';

/** Ages in seconds; 0 where there is nothing. */
export interface StoredLevels {
  operationsPending: number;
  operationAge: number;
  lanesWaiting: number;
  lanesHeld: number;
  deliveriesWaiting: number;
  deliveryAge: number;
  tracked: number;
  trackedFailing: number;
  lookOverdue: number;
  branchesBehind: number;
  importsUnfinished: number;
  pullsWanted: number;
  pullsOpen: number;
  pullsFailed: number;
  subscriptionsServed: number;
  subscriptionsFailing: number;
  subscriptionsPaused: number;
  subscriptionsDisabled: number;
  subscriptionFailure: number;
  renewalsPending: number;
}

const age = (column: string) =>
  sql`coalesce(greatest(0, extract(epoch from now() - min(${sql.ref(column)})))::float8, 0)`;

export class LevelsRepository {
  constructor(private readonly storage: Storage) {}

  async read(): Promise<StoredLevels> {
    const { rows } = await sql<StoredLevels>`
      with waiting as (
        select count(*) as "operationsPending", ${age('created_at')} as "operationAge",
          count(distinct lane_id) as "lanesWaiting"
        from operation where state = 'pending'
      ), held as (
        select count(*) as "lanesHeld" from lane where holder is not null and lease_expires_at > now()
      ), deliveries as (
        select count(*) as "deliveriesWaiting", ${age('received_at')} as "deliveryAge"
        from webhook_delivery where state = 'waiting'
      ), looks as (
        select count(*) as tracked, count(*) filter (where fault is not null) as "trackedFailing",
          coalesce(greatest(0, extract(epoch from now() - min(due_at) filter (
            where claimed_until is null or claimed_until < now()
          )))::float8, 0) as "lookOverdue"
        from tracking
      ), branches as (
        select count(*) filter (where target is not null or listed is distinct from synced) as "branchesBehind"
        from tracked_branch
      ), unfinished as (
        select count(*) as "importsUnfinished" from import where state in ('reporting', 'applying')
      ), pulls as (
        select count(*) filter (where state = 'wanted') as "pullsWanted",
          count(*) filter (where state = 'open') as "pullsOpen",
          count(*) filter (where state = 'failed') as "pullsFailed"
        from pull_request where state in ('wanted', 'open', 'failed')
      ), subscriptions as (
        select count(*) filter (where enabled and not paused and failures = 0) as "subscriptionsServed",
          count(*) filter (where enabled and not paused and failures > 0) as "subscriptionsFailing",
          count(*) filter (where enabled and paused) as "subscriptionsPaused",
          count(*) filter (where not enabled) as "subscriptionsDisabled",
          coalesce(greatest(0, extract(epoch from now() - min(failing_since) filter (
            where enabled and not paused
          )))::float8, 0) as "subscriptionFailure"
        from subscription
      ), renewals as (
        select count(*) as "renewalsPending" from secret_operation_item where state = 'pending'
      )
      select * from waiting, held, deliveries, looks, branches, unfinished, pulls, subscriptions, renewals
    `.execute(this.storage.db);
    return rows[0] as StoredLevels;
  }
}
