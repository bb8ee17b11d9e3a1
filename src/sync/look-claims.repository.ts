// Which looks a manager begins. It claims none that would have to wait with it, where another manager could begin it: so many of
// all as there are places, so many at a host, and of both an account leaves some to the others, however slow its hosts are.
import { Injectable } from '@nestjs/common';
import { type Selectable, sql } from 'kysely';
import { hostOfUrl, Storage, soon } from '../storage/database.js';
import type { TrackingTable } from '../storage/tracking-schema.js';
import { isFree, type Tracking, toTracking } from './tracking.repository.js';

/** One to be looked at now; `host` is a name without a port. */
export type DueLook = Tracking & { host: string; account: string };

/** Looks at the same time. */
export interface LookPlaces {
  all: number;
  atHost: number;
  ofAccount: number;
  ofAccountAtHost: number;
}

@Injectable()
export class LookClaimsRepository {
  constructor(private readonly storage: Storage) {}

  /**
   * Takes those that are due and find a place beside `running`, for as long as a look may take at most. First come those whose
   * account has the fewest.
   */
  async claim(
    claimMs: number,
    places: LookPlaces,
    running: readonly Pick<DueLook, 'account' | 'host'>[],
  ): Promise<DueLook[]> {
    const free = places.all - running.length;
    if (free <= 0) return [];
    const there = JSON.stringify(running.map(({ account, host }) => ({ account, host })));
    const { rows } = await sql<Selectable<TrackingTable> & { host: string; account: string }>`
      with there as (
        select account, host from jsonb_to_recordset(${there}::jsonb) as one (account text, host text)
      ), waiting as (
        select t.scope, t.connector, due_at, host, account
        from tracking t join connector c on (c.scope, c.id) = (t.scope, t.connector),
          ${hostOfUrl(sql`c.url`)} as host, substring(t.scope from '^[^/]*/[^/]*') as account
        where due_at <= now() and ${isFree} and (select count(*) from there where there.host = host.host) < ${places.atHost}
      ), by_host as (
        select *, row_number() over (partition by account, host order by due_at)
          + (select count(*) from there where (there.account, there.host) = (waiting.account, waiting.host)) as place
        from waiting
      ), by_account as (
        select *, row_number() over (partition by account order by due_at)
          + (select count(*) from there where there.account = by_host.account) as turn
        from by_host where place <= ${places.ofAccountAtHost}
      ), placed as (
        select *, row_number() over (partition by host order by turn, due_at)
          + (select count(*) from there where there.host = by_account.host) as place_of_all
        from by_account where turn <= ${places.ofAccount}
      ), due as (
        select placed.* from tracking t join placed on (placed.scope, placed.connector) = (t.scope, t.connector)
        where t.due_at <= now() and ${isFree} and placed.place_of_all <= ${places.atHost}
        order by turn, t.due_at limit ${free} for update of t skip locked
      )
      update tracking set claimed_until = ${soon(claimMs)}, claims = claims + 1
      from due where (tracking.scope, tracking.connector) = (due.scope, due.connector)
      returning tracking.*, due.host, due.account`.execute(this.storage.db);
    return rows.map((row) => ({ ...toTracking(row), host: row.host, account: row.account }));
  }
}
