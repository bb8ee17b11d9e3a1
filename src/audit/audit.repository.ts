// Reads the trails; nothing here writes.
import { Injectable } from '@nestjs/common';
import { type Selectable, type SqlBool, sql } from 'kysely';
import type { AuditEntryTable } from '../storage/audit-schema.js';
import { Storage } from '../storage/database.js';
import type { Page } from '../storage/page.js';
import { GENESIS, type Head, type Link } from '../trail/link.js';
import { trailOf } from './record.js';

export interface AuditFilter {
  /** And all that is within it. */
  scope: string;
  /** Id or name. */
  actor?: string | undefined;
  /** An action, or all that begin so: `connector.*`. */
  action?: string | undefined;
  /** A target, or all below it: `entities/pipeline/*`. */
  target?: string | undefined;
  outcome?: AuditEntryTable['outcome'] | undefined;
  since?: Date | undefined;
  until?: Date | undefined;
  /** Position before which the page begins. */
  before?: number | undefined;
  limit: number;
}

export type AuditRow = Pick<Selectable<AuditEntryTable>, 'position' | 'hash' | 'entry'>;

@Injectable()
export class AuditRepository {
  constructor(private readonly storage: Storage) {}

  /** Newest first. */
  async list(filter: AuditFilter): Promise<Page<AuditRow>> {
    const { scope, limit } = filter;
    const account = trailOf(scope);
    let query = this.storage.db
      .selectFrom('audit_entry')
      .select(['position', 'hash', 'entry'])
      .where('account', '=', account);
    if (scope !== account)
      query = query.where(sql<SqlBool>`(scope = ${scope} or starts_with(scope, ${`${scope}/`}))`);
    if (filter.actor !== undefined)
      query = query.where(sql<SqlBool>`${filter.actor} in (actor_id, actor_name)`);
    if (filter.action !== undefined) query = query.where(matches('action', filter.action));
    if (filter.target !== undefined) query = query.where(matches('target', filter.target));
    if (filter.outcome !== undefined) query = query.where('outcome', '=', filter.outcome);
    if (filter.since !== undefined) query = query.where('at', '>=', filter.since);
    if (filter.until !== undefined) query = query.where('at', '<', filter.until);
    if (filter.before !== undefined) query = query.where('position', '<', filter.before);
    const found = await query
      .orderBy('position', 'desc')
      .limit(limit + 1)
      .execute();
    const rows = found.slice(0, limit);
    return { rows, next: found.length > limit ? (rows.at(-1)?.position ?? null) : null };
  }

  async head(account: string): Promise<Head> {
    const row = await this.storage.db
      .selectFrom('audit_head')
      .select(['position', 'hash'])
      .where('account', '=', account)
      .executeTakeFirst();
    return row === undefined ? GENESIS : { position: row.position, hash: row.hash.toString('hex') };
  }

  /** In their order, after this position and up to `last`. */
  async links(
    account: string,
    after: number,
    { last, limit }: { last: number; limit: number },
  ): Promise<Link[]> {
    const rows = await this.storage.db
      .selectFrom('audit_entry')
      .select(['position', 'previous', 'hash', 'entry'])
      .where('account', '=', account)
      .where('position', '>', after)
      .where('position', '<=', last)
      .orderBy('position')
      .limit(limit)
      .execute();
    return rows.map(({ position, previous, hash, entry }) => ({
      account,
      position,
      previous: previous.toString('hex'),
      hash: hash.toString('hex'),
      entry,
    }));
  }
}

/** The very text, or all that begin as what stands before a star. */
const matches = (column: 'action' | 'target', wanted: string) =>
  wanted.endsWith('*')
    ? sql<SqlBool>`starts_with(${sql.ref(column)}, ${wanted.slice(0, -1)})`
    : sql<SqlBool>`${sql.ref(column)} = ${wanted}`;
