// The copy as refreshes see it: many rows at a time, and no document where its id is enough.
import { Injectable } from '@nestjs/common';
import { type Insertable, sql } from 'kysely';
import { Failure } from '../kernel/failure.js';
import type { Scope } from '../scopes/scope.js';
import { type Session, Storage } from '../storage/database.js';
import type { EntityTable } from '../storage/entity-schema.js';
import type { EntityKey, EntityRecord } from './entities.repository.js';

/** A copy without its document. */
export type CopyRecord = Omit<EntityRecord, 'yaml' | 'created_at' | 'updated_at'>;

/** A repository's branch. */
export interface Place {
  repository: string;
  branch: string;
}

const light = [
  'scope',
  'kind',
  'id',
  'branch',
  'connector_scope',
  'connector_id',
  'repository',
  'path',
  'blob_id',
  'commit_id',
  'operation_id',
  'invalid',
  'sequence',
] as const;

/** As the indexes of paths and of blobs have it, and no other: migration 24. */
const isIn = (repository: string) => sql<boolean>`repository || '' = ${repository}`;

@Injectable()
export class CopiesRepository {
  constructor(private readonly storage: Storage) {}

  /** All copies of a branch in a scope and below it. */
  async allOn({ repository, branch }: Place, scope: Scope): Promise<CopyRecord[]> {
    return this.storage.db
      .selectFrom('entity')
      .select(light)
      .where('repository', '=', repository)
      .where('branch', '=', branch)
      .where((where) => where.or([where('scope', '=', scope), where('scope', 'like', `${escape(scope)}/%`)]))
      .execute();
  }

  /** The branches of a repository that the copy of a scope has something of, in order of their names. */
  async branchesOf(repository: string, scope: Scope): Promise<string[]> {
    const rows = await this.storage.db
      .selectFrom('entity')
      .select('branch')
      .distinct()
      .where('repository', '=', repository)
      .where((where) => where.or([where('scope', '=', scope), where('scope', 'like', `${escape(scope)}/%`)]))
      .orderBy('branch')
      .execute();
    return rows.map(({ branch }) => branch);
  }

  /** Documents of a branch in the order in which they were made, those after this one. */
  async documents(
    { repository, branch }: Place,
    scope: Scope,
    page: { after: number; limit: number },
  ): Promise<(CopyRecord & { yaml: Buffer })[]> {
    return this.storage.db
      .selectFrom('entity')
      .select([...light, 'yaml'])
      .where('repository', '=', repository)
      .where('branch', '=', branch)
      .where((where) => where.or([where('scope', '=', scope), where('scope', 'like', `${escape(scope)}/%`)]))
      .where('sequence', '>', page.after)
      .orderBy('sequence')
      .limit(page.limit)
      .execute();
  }

  /** Makes the document of a copy, or what is said to be in it, the truth again. */
  async mend(
    tx: Session,
    { scope, kind, id }: EntityKey,
    branch: string,
    truth: { yaml: Buffer } | { blob_id: string },
  ): Promise<void> {
    await tx
      .updateTable('entity')
      .set({ ...truth, updated_at: sql<Date>`now()` })
      .where('scope', '=', scope)
      .where('kind', '=', kind)
      .where('id', '=', id)
      .where('branch', '=', branch)
      .execute();
  }

  /** Copies at these paths of a branch, and copies of these entities on a branch of that name. */
  async around({ repository, branch }: Place, paths: string[], keys: EntityKey[]): Promise<CopyRecord[]> {
    const of = (field: keyof EntityKey) => sql`${keys.map((key) => key[field])}::text[]`;
    const columns = sql.join(light.map((column) => sql.ref(`entity.${column}`)));
    const { rows } = await sql<CopyRecord>`
      select ${columns} from unnest(${paths}::text[]) as wanted(path)
      cross join lateral (
        select * from entity where path = wanted.path and ${isIn(repository)} and branch = ${branch} limit 1
      ) as entity
      union all
      select ${columns} from unnest(${of('scope')}, ${of('kind')}, ${of('id')}) as wanted(scope, kind, id)
      cross join lateral (
        select * from entity where scope = wanted.scope and kind = wanted.kind and id = wanted.id and branch = ${branch} limit 1
      ) as entity`.execute(this.storage.db);
    return rows;
  }

  /** Whose files, of a scope and below it, these paths are on other branches; the entity that was there first. */
  async onOtherBranches(
    { repository, branch }: Place,
    paths: string[],
    scope: Scope,
  ): Promise<Map<string, EntityKey>> {
    if (paths.length === 0) return new Map();
    const { rows } = await sql<EntityKey & { path: string }>`
      select wanted.path, found.scope, found.kind, found.id
      from unnest(${paths}::text[]) as wanted(path)
      cross join lateral (
        select scope, kind, id from entity
        where path = wanted.path and ${isIn(repository)} and branch <> ${branch}
          and (scope = ${scope} or scope like ${`${escape(scope)}/%`})
        order by sequence limit 1
      ) as found
    `.execute(this.storage.db);
    return new Map(rows.map(({ path, ...key }) => [path, key]));
  }

  /** Which of these paths the copy of a repository has on any branch. */
  async knownPaths(repository: string, paths: string[]): Promise<Set<string>> {
    if (paths.length === 0) return new Set();
    const rows = await this.storage.db
      .selectFrom('entity')
      .select('path')
      .distinct()
      .where('path', '=', sql<string>`any(${paths}::text[])`)
      .where(isIn(repository))
      .execute();
    return new Set(rows.map(({ path }) => path));
  }

  /** Which of these documents the copy of a repository has. */
  async knownBlobs(repository: string, blobIds: string[]): Promise<Set<string>> {
    if (blobIds.length === 0) return new Set();
    const rows = await this.storage.db
      .selectFrom('entity')
      .select('blob_id')
      .distinct()
      .where('blob_id', '=', sql<string>`any(${blobIds}::text[])`)
      .where(isIn(repository))
      .execute();
    return new Set(rows.map(({ blob_id }) => blob_id));
  }

  /** Documents that the copy of a repository has, by blob id. */
  async contents(repository: string, blobIds: string[]): Promise<Map<string, Buffer>> {
    if (blobIds.length === 0) return new Map();
    const rows = await this.storage.db
      .selectFrom('entity')
      .select(['blob_id', 'yaml'])
      .distinctOn('blob_id')
      .where('blob_id', 'in', blobIds)
      .where(isIn(repository))
      .orderBy('blob_id')
      .execute();
    return new Map(rows.map(({ blob_id, yaml }) => [blob_id, yaml]));
  }

  /**
   * Writes rows that are there or not; one that is there keeps its connector and its place in the order of pages.
   * @throws ENTITY_ELSEWHERE where another repository's lane has put one of the entities in its own meanwhile
   */
  async write(tx: Session, rows: Insertable<EntityTable>[]): Promise<void> {
    if (rows.length === 0) return;
    // Two parameters, whatever the number of rows: the documents as they are, and beside them where each begins.
    let end = 0;
    const others = rows.map(({ yaml, ...row }) => {
      const begin = end + 1;
      end += yaml.byteLength;
      return { ...row, yaml_begin: begin, yaml_bytes: yaml.byteLength };
    });
    const documents = Buffer.concat(rows.map(({ yaml }) => yaml));
    const written = await sql<EntityKey>`
      insert into entity (scope, kind, id, branch, connector_scope, connector_id, repository, path, yaml, blob_id, commit_id,
        operation_id, invalid)
      select scope, kind, id, branch, connector_scope, connector_id, repository, path,
        substring(${documents}::bytea from yaml_begin for yaml_bytes), blob_id, commit_id, operation_id, invalid::jsonb
      from rows from (json_to_recordset(${JSON.stringify(others)}::json) as (scope text, kind text, id text, branch text,
        connector_scope text, connector_id text, repository text, path text, yaml_begin integer, yaml_bytes integer,
        blob_id text, commit_id text, operation_id text, invalid text)) with ordinality
      order by ordinality
      on conflict (scope, kind, id, branch) do update set path = excluded.path, yaml = excluded.yaml,
        blob_id = excluded.blob_id, commit_id = excluded.commit_id, operation_id = excluded.operation_id,
        invalid = excluded.invalid, updated_at = now()
      where entity.repository = excluded.repository
      returning scope, kind, id`.execute(tx);
    if (written.rows.length === rows.length) return;
    const keys = new Set(written.rows.map(toKey));
    const other = rows.find((row) => !keys.has(toKey(row)));
    if (other !== undefined)
      throw new Failure('ENTITY_ELSEWHERE', {
        id: other.id,
        connector: other.connector_id,
        path: other.path,
      });
  }

  /** Says why what stands in Git could not be taken into these copies, which stay as they are. */
  async mark(
    tx: Session,
    { scope, kind, id }: EntityKey,
    { repository, branch }: Place,
    invalid: object,
  ): Promise<void> {
    await tx
      .updateTable('entity')
      .set({ invalid: JSON.stringify(invalid), updated_at: sql<Date>`now()` })
      .where(isIn(repository))
      .where('scope', '=', scope)
      .where('kind', '=', kind)
      .where('id', '=', id)
      .where('branch', '=', branch)
      .execute();
  }

  /** Copies that have come to another repository meanwhile stay. */
  async delete(tx: Session, keys: EntityKey[], { repository, branch }: Place): Promise<void> {
    if (keys.length === 0) return;
    await tx
      .deleteFrom('entity')
      .where(isIn(repository))
      .where('branch', '=', branch)
      .where((where) =>
        where(
          where.refTuple('scope', 'kind', 'id'),
          'in',
          keys.map(({ scope, kind, id }) => where.tuple(scope, kind, id)),
        ),
      )
      .execute();
  }
}

const toKey = ({ scope, kind, id }: EntityKey): string => JSON.stringify([scope, kind, id]);

const escape = (text: string): string => text.replace(/[\\%_]/g, '\\$&');
