// Pages of a scope's entities, those in Git and those that are inline, in the one order in which they were first saved.
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Scope } from '../scopes/scope.js';
import { type Session, Storage } from '../storage/database.js';
import { fitPage, type Page } from '../storage/page.js';
import type { EntityRecord } from './entities.repository.js';
import type { InlineRecord } from './inline.repository.js';

export interface EntityFilter {
  scope: Scope;
  kind?: string | undefined;
  /** What is inline is on no branch. */
  branch?: string | undefined;
  store?: 'git' | 'inline' | undefined;
  /** What the id holds, whether in capitals or small letters. */
  search?: string | undefined;
  /** Sequence number after which the page begins. */
  after: number;
  limit: number;
}

export type Listed = { store: 'git'; entity: EntityRecord } | { store: 'inline'; entity: InlineRecord };

@Injectable()
export class EntityPagesRepository {
  constructor(private readonly storage: Storage) {}

  /** As it is at one moment, so that an entity that is moved meanwhile is on it once. */
  async list(filter: EntityFilter): Promise<Page<Listed>> {
    return this.storage.db
      .transaction()
      .setIsolationLevel('repeatable read')
      .setAccessMode('read only')
      .execute((tx) => page(tx, filter));
  }
}

async function page(tx: Session, filter: EntityFilter): Promise<Page<Listed>> {
  const { store, branch, limit } = filter;
  const inGit = store === 'inline' ? [] : await sizes(tx, 'entity', filter);
  const inline = store === 'git' || branch !== undefined ? [] : await sizes(tx, 'inline_entity', filter);
  const found = [...inGit, ...inline].toSorted((one, other) => one.sequence - other.sequence);
  const { sequences, next } = fitPage(found.slice(0, limit + 1), limit);
  if (sequences.length === 0) return { rows: [], next };
  const copies = await tx.selectFrom('entity').selectAll().where('sequence', 'in', sequences).execute();
  const others = await tx
    .selectFrom('inline_entity')
    .selectAll()
    .where('sequence', 'in', sequences)
    .execute();
  const rows: Listed[] = [
    ...copies.map((entity) => ({ store: 'git' as const, entity })),
    ...others.map((entity) => ({ store: 'inline' as const, entity })),
  ];
  return { rows: rows.toSorted((one, other) => one.entity.sequence - other.entity.sequence), next };
}

async function sizes(
  tx: Session,
  table: 'entity' | 'inline_entity',
  { scope, kind, branch, search, after, limit }: EntityFilter,
): Promise<{ sequence: number; bytes: number }[]> {
  const { rows } = await sql<{ sequence: number; bytes: number }>`
    select sequence, octet_length(yaml) as bytes from ${sql.table(table)}
    where scope = ${scope} and sequence > ${after}
    ${kind === undefined ? sql`` : sql`and kind = ${kind}`}
    ${branch === undefined ? sql`` : sql`and branch = ${branch}`}
    ${search === undefined ? sql`` : sql`and strpos(lower(id), lower(${search})) > 0`}
    order by sequence limit ${limit + 1}
  `.execute(tx);
  return rows;
}
