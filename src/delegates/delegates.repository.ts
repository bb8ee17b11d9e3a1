// Who is there: every delegate process that said hello, and when it was last heard of.
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { type Presence, silenceMaxMs } from '../contract/presence.js';
import { Storage } from '../storage/database.js';

export interface DelegateRecord {
  id: string;
  group: string;
  name: string;
  version: string;
  lastSeenAt: Date;
  alive: boolean;
}

const isAlive = sql<boolean>`(not gone and last_seen_at > now() - ${silenceMaxMs} * interval '1 millisecond')`;
/** Delegates that went away are forgotten after this many days. */
const FORGET_DAYS = 7;

@Injectable()
export class DelegatesRepository {
  constructor(private readonly storage: Storage) {}

  async heard(presence: Presence): Promise<void> {
    const values = {
      delegate_group: presence.group,
      name: presence.name,
      version: presence.version,
      contract: presence.contract,
      tasks_max: presence.tasksMax,
      last_seen_at: sql<Date>`now()`,
      gone: presence.said === 'goodbye',
    };
    await this.storage.db
      .insertInto('delegate')
      .values({ id: presence.delegate, ...values })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
      .execute();
  }

  async isServed(group: string): Promise<boolean> {
    const row = await this.storage.db
      .selectFrom('delegate')
      .select('id')
      .where('delegate_group', '=', group)
      .where(isAlive)
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  }

  /** The living and those gone since a short while, by group and name. */
  async list(): Promise<DelegateRecord[]> {
    const rows = await this.storage.db
      .selectFrom('delegate')
      .select(['id', 'delegate_group', 'name', 'version', 'last_seen_at', isAlive.as('alive')])
      .where('last_seen_at', '>', sql<Date>`now() - interval '1 hour'`)
      .orderBy('delegate_group')
      .orderBy('name')
      .execute();
    return rows.map((row) => ({
      id: row.id,
      group: row.delegate_group,
      name: row.name,
      version: row.version,
      lastSeenAt: row.last_seen_at,
      alive: row.alive,
    }));
  }

  async forgetLongGone(): Promise<void> {
    await this.storage.db
      .deleteFrom('delegate')
      .where('last_seen_at', '<', sql<Date>`now() - ${FORGET_DAYS} * interval '1 day'`)
      .execute();
  }
}
