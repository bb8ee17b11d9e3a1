// What a move has to know: its entities with their copies and unfinished operations, and what stands at the places where they are to be.
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { accountOf, type Scope } from '../scopes/scope.js';
import { type Session, Storage } from '../storage/database.js';
import { keyOf } from '../sync/neighbourhood.js';
import { type Ahead, type Known, type Named, nameOf, placeName, type Source } from './move-plan.js';

/** Which entities of a scope are meant. */
export interface Selection {
  connector?: { scope: Scope; id: string } | undefined;
  /** By default, the branch where each was first saved. */
  branch?: string | undefined;
  folder?: string | undefined;
  kind?: string | undefined;
  /** `inline`: those that no repository has. */
  store?: 'git' | 'inline' | undefined;
}

@Injectable()
export class MoveSourcesRepository {
  constructor(private readonly storage: Storage) {}

  /** At most so many of the entities that are meant, in the order in which they were first saved. */
  async select(
    scope: Scope,
    { connector, branch, folder, kind, store = 'git' }: Selection,
    limit: number,
  ): Promise<Named[]> {
    if (store === 'inline') return this.#selectInline(scope, kind, limit);
    const { rows } = await sql<Named>`
      select kind, id from (
        select distinct on (kind, id) kind, id, connector_scope, connector_id, path, sequence from entity
        where scope = ${scope} and ${kind === undefined ? sql`true` : sql`kind = ${kind}`}
        and ${branch === undefined ? sql`true` : sql`branch = ${branch}`}
        order by kind, id, sequence
      ) as first
      where ${
        connector === undefined
          ? sql`true`
          : sql`connector_scope = ${connector.scope} and connector_id = ${connector.id}`
      }
      and ${folder === undefined ? sql`true` : sql`starts_with(path, ${`${folder}/`})`}
      order by sequence limit ${limit}
    `.execute(this.storage.db);
    return rows;
  }

  async #selectInline(scope: Scope, kind: string | undefined, limit: number): Promise<Named[]> {
    let query = this.storage.db.selectFrom('inline_entity').select(['kind', 'id']).where('scope', '=', scope);
    if (kind !== undefined) query = query.where('kind', '=', kind);
    return query.orderBy('sequence').limit(limit).execute();
  }

  async know(
    session: Session,
    scope: Scope,
    names: readonly Named[],
  ): Promise<Pick<Known, 'copies' | 'inline' | 'pending' | 'repositories'>> {
    if (names.length === 0)
      return { copies: new Map(), inline: new Set(), pending: new Map(), repositories: new Map() };
    const copies = await this.#copies(session, scope, names);
    return {
      copies: Map.groupBy(copies, nameOf),
      inline: await this.#inline(session, scope, names),
      pending: await this.#pending(session, scope, names),
      repositories: await this.#repositories(session, copies),
    };
  }

  async #copies(session: Session, scope: Scope, names: readonly Named[]): Promise<Source[]> {
    const rows = await session
      .selectFrom('entity')
      .select([
        'kind',
        'id',
        'connector_scope as connectorScope',
        'connector_id as connector',
        'repository',
        'branch',
        'path',
        'commit_id as commitId',
        'blob_id as blobId',
        sql<boolean>`invalid is not null`.as('invalid'),
      ])
      .where('scope', '=', scope)
      .where((where) =>
        where(
          where.refTuple('kind', 'id'),
          'in',
          names.map(({ kind, id }) => where.tuple(kind, id)),
        ),
      )
      .orderBy('sequence')
      .execute();
    return rows.map((row) => ({ ...row, store: 'git' as const }));
  }

  async #inline(session: Session, scope: Scope, names: readonly Named[]): Promise<Set<string>> {
    const rows = await session
      .selectFrom('inline_entity')
      .select(['kind', 'id'])
      .where('scope', '=', scope)
      .where((where) =>
        where(
          where.refTuple('kind', 'id'),
          'in',
          names.map(({ kind, id }) => where.tuple(kind, id)),
        ),
      )
      .execute();
    return new Set(rows.map(nameOf));
  }

  async #pending(session: Session, scope: Scope, names: readonly Named[]): Promise<Map<string, string>> {
    const rows = await session
      .selectFrom('operation')
      .select(['kind', 'entity_id', 'id'])
      .where('scope', '=', scope)
      .where('state', '=', 'pending')
      .where('action', '<>', 'move')
      .where((where) =>
        where(
          where.refTuple('kind', 'entity_id'),
          'in',
          names.map(({ kind, id }) => where.tuple(kind, id)),
        ),
      )
      .execute();
    return new Map(rows.map(({ kind, entity_id, id }) => [nameOf({ kind, id: entity_id }), id]));
  }

  async #repositories(session: Session, copies: Source[]): Promise<Map<string, string>> {
    const keys = new Map(copies.map((one) => [`${one.connectorScope} ${one.connector}`, one]));
    if (keys.size === 0) return new Map();
    const rows = await session
      .selectFrom('connector')
      .select(['scope', 'id', 'url'])
      .where((where) =>
        where(
          where.refTuple('scope', 'id'),
          'in',
          [...keys.values()].map(({ connectorScope, connector }) => where.tuple(connectorScope, connector)),
        ),
      )
      .execute();
    return new Map(rows.map((row) => [placeName(row), row.url]));
  }

  /** Bytes of these documents together. */
  async bytesOf(session: Session, scope: Scope, sources: readonly Placed[]): Promise<number> {
    if (sources.length === 0) return 0;
    const { rows } = await sql<{ bytes: number }>`
      select coalesce(sum(octet_length(yaml)), 0)::bigint as bytes from (${found(scope, sources)}) as found
    `.execute(session);
    return rows[0]?.bytes ?? 0;
  }

  /** By `nameOf`. */
  async documents(session: Session, scope: Scope, sources: readonly Placed[]): Promise<Map<string, Buffer>> {
    if (sources.length === 0) return new Map();
    const { rows } = await found(scope, sources).execute(session);
    return new Map(rows.map((row) => [nameOf(row), row.yaml]));
  }

  /** What is at these paths of the branch, or of the one that it is made from, and what waits there. */
  async ahead(
    session: Session,
    {
      scope,
      repository,
      branch,
      newBranchFrom,
    }: { scope: Scope; repository: string; branch: string; newBranchFrom?: string | undefined },
    paths: string[],
  ): Promise<Ahead> {
    if (paths.length === 0) return { owners: new Map(), pending: new Map() };
    const owners = await session
      .selectFrom('entity')
      .select(['scope', 'kind', 'id', 'path'])
      .where('repository', '=', repository)
      .where('branch', 'in', [branch, newBranchFrom ?? branch])
      .where('path', 'in', paths)
      .execute();
    const { rows } = await sql<{ path: string; id: string; account: string }>`
      with waiting as (
        select operation.id, operation.path, operation.account from operation join lane on lane.id = operation.lane_id
        where lane.repository = ${repository} and lane.branch = ${branch} and operation.state = 'pending'
      )
      select path, id, account from waiting where path = any(${paths}::text[])
      union
      select operation_change.path, waiting.id, waiting.account from waiting
      join operation_change on operation_change.operation_id = waiting.id
      where operation_change.path = any(${paths}::text[])
    `.execute(session);
    return {
      owners: new Map(owners.map(({ scope, kind, id, path }) => [path, keyOf(scope, kind, id)])),
      pending: new Map(
        rows.map(({ path, id, account }) => [
          path,
          account === accountOf(scope) ? `the operation ${id}` : 'an operation of another account',
        ]),
      ),
    };
  }
}

/** An entity's document: that of its copy on a branch, or without a branch the inline one. */
export type Placed = Named & { branch: string | null };

const found = (scope: Scope, sources: readonly Placed[]) => sql<Named & { yaml: Buffer }>`
  with wanted as (
    select * from unnest(
      ${sources.map(({ kind }) => kind)}::text[],
      ${sources.map(({ id }) => id)}::text[],
      ${sources.map(({ branch }) => branch)}::text[]
    ) as wanted (kind, id, branch)
  )
  select entity.kind, entity.id, entity.yaml from wanted
  join entity on entity.scope = ${scope} and entity.kind = wanted.kind and entity.id = wanted.id
    and entity.branch = wanted.branch
  union all
  select inline_entity.kind, inline_entity.id, inline_entity.yaml from wanted
  join inline_entity on inline_entity.scope = ${scope} and inline_entity.kind = wanted.kind
    and inline_entity.id = wanted.id and wanted.branch is null`;
