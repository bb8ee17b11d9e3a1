// Tracked files that the copy does not follow, and why: shown until the file, or the tracking, is another one.
import { Injectable } from '@nestjs/common';
import { type Insertable, type Selectable, type SqlBool, sql } from 'kysely';
import type { EntityKey } from '../entities/entities.repository.js';
import { keptPath } from '../policy/paths.js';
import { type Session, Storage } from '../storage/database.js';
import type { FileProblemTable } from '../storage/tracking-schema.js';
import type { ConnectorKey } from './tracking.repository.js';

export type FileProblem = Selectable<FileProblemTable>;

/** Whether nothing stands in the way of a file any more that was in the shadow of another one or of an inline entity, or somebody else's. */
const isFreed = (isLeaving = sql<SqlBool>`false`) => sql<SqlBool>`
  problem.blob_id is not null and case problem.failure ->> 'code'
    when 'ENTITY_ELSEWHERE' then not exists (
      select from entity
      where entity.scope = problem.entity_scope and entity.kind = problem.kind
        and entity.id = problem.entity_id and entity.branch = problem.branch and not (${isLeaving})
    )
    when 'ENTITY_PLACE_TAKEN' then not exists (
      select from tracked_branch as followed
      join entity on entity.repository = followed.repository and entity.branch = followed.branch
      where (followed.scope, followed.connector, followed.branch) = (problem.scope, problem.connector, problem.branch)
        and entity.path = problem.path
    )
    when 'ENTITY_INLINE' then not exists (
      select from inline_entity
      where inline_entity.scope = problem.entity_scope and inline_entity.kind = problem.kind
        and inline_entity.id = problem.entity_id
    )
    else false
  end`;

@Injectable()
export class FileProblemsRepository {
  constructor(private readonly storage: Storage) {}

  /** What is known of these paths; of all of the branch without them. */
  async clear(
    tx: Session,
    { scope, connector }: ConnectorKey,
    branch: string,
    paths?: string[],
  ): Promise<void> {
    if (paths?.length === 0) return;
    let query = tx
      .deleteFrom('file_problem')
      .where('scope', '=', scope)
      .where('connector', '=', connector)
      .where('branch', '=', branch);
    if (paths !== undefined)
      query = query.where('path', '=', sql<string>`any(${paths.map(keptPath)}::text[])`);
    await query.execute();
  }

  /** Which of these paths of a branch are known to have a problem. */
  async pathsAmong({ scope, connector }: ConnectorKey, branch: string, paths: string[]): Promise<string[]> {
    if (paths.length === 0) return [];
    const rows = await this.storage.db
      .selectFrom('file_problem')
      .select('path')
      .where('scope', '=', scope)
      .where('connector', '=', connector)
      .where('branch', '=', branch)
      .where('path', '=', sql<string>`any(${paths.map(keptPath)}::text[])`)
      .execute();
    const known = new Set(rows.map(({ path }) => path));
    return paths.filter((path) => known.has(keptPath(path)));
  }

  /** Files of a branch that are free to be entities, once these paths are left. */
  async freed(
    { scope, connector }: ConnectorKey,
    { repository, branch }: { repository: string; branch: string },
    leaving: string[],
  ): Promise<{ path: string; blob: string }[]> {
    const { rows } = await sql<{ path: string; blob: string }>`
      select path, blob_id as blob from file_problem as problem
      where scope = ${scope} and connector = ${connector} and branch = ${branch}
        and ${isFreed(sql<SqlBool>`entity.repository = ${repository} and entity.path = any(${leaving}::text[])`)}
    `.execute(this.storage.db);
    return rows;
  }

  /** Branches with such files. */
  async freedBranches({ scope, connector }: ConnectorKey): Promise<Set<string>> {
    const { rows } = await sql<{ branch: string }>`
      select distinct branch from file_problem as problem
      where scope = ${scope} and connector = ${connector} and ${isFreed()}
    `.execute(this.storage.db);
    return new Set(rows.map(({ branch }) => branch));
  }

  /** Who follows such files of these entities. */
  async followersFreed(tx: Session, keys: EntityKey[]): Promise<ConnectorKey[]> {
    if (keys.length === 0) return [];
    const of = (field: keyof EntityKey) => sql`${keys.map((key) => key[field])}::text[]`;
    const { rows } = await sql<ConnectorKey>`
      select distinct problem.scope, problem.connector
      from unnest(${of('scope')}, ${of('kind')}, ${of('id')}) as wanted (scope, kind, id)
      join file_problem as problem
        on (problem.entity_scope, problem.kind, problem.entity_id) = (wanted.scope, wanted.kind, wanted.id)
      where ${isFreed()}
      order by 1, 2
    `.execute(tx);
    return rows;
  }

  /** Operations have landed at these paths: what was found there before is over, for whoever follows the branch. */
  async overcome(
    tx: Session,
    { repository, branch }: { repository: string; branch: string },
    paths: string[],
  ): Promise<void> {
    await sql`
      delete from file_problem as problem using tracked_branch as followed
      where followed.repository = ${repository} and followed.branch = ${branch}
        and (problem.scope, problem.connector, problem.branch) = (followed.scope, followed.connector, followed.branch)
        and problem.path = any(${paths}::text[])
    `.execute(tx);
  }

  async write(tx: Session, rows: Insertable<FileProblemTable>[]): Promise<void> {
    if (rows.length === 0) return;
    await tx
      .insertInto('file_problem')
      .values(rows.map((row) => ({ ...row, path: keptPath(row.path) })))
      .onConflict((conflict) =>
        conflict.columns(['scope', 'connector', 'branch', 'path']).doUpdateSet((values) => ({
          verdict: values.ref('excluded.verdict'),
          blob_id: values.ref('excluded.blob_id'),
          commit_id: values.ref('excluded.commit_id'),
          failure: values.ref('excluded.failure'),
        })),
      )
      .execute();
  }

  /** By branch and path, after this one. */
  async list(
    { scope, connector }: ConnectorKey,
    page: {
      branch?: string | undefined;
      after?: { branch: string; path: string } | undefined;
      limit: number;
    },
  ): Promise<FileProblem[]> {
    let query = this.storage.db
      .selectFrom('file_problem')
      .selectAll()
      .where('scope', '=', scope)
      .where('connector', '=', connector);
    if (page.branch !== undefined) query = query.where('branch', '=', page.branch);
    const { after } = page;
    if (after !== undefined)
      query = query.where((where) =>
        where(where.refTuple('branch', 'path'), '>', where.tuple(after.branch, after.path)),
      );
    return query.orderBy('branch').orderBy('path').limit(page.limit).execute();
  }
}
