// What copies were taken from another commit than the one that a branch was followed to, or is being followed to. Where the branch is
// turned back behind that commit, no comparison of commits names these files, and the copy would keep what Git has no more.
import { sql } from 'kysely';
import type { CommitId } from '../git/git.js';
import type { Scope } from '../scopes/scope.js';
import type { Session } from '../storage/database.js';

/** Paths of a branch, of either list. Where there are more, the whole of the branch is cheaper to compare. */
const PATHS_MAX = 5_000;

/** A branch of which nothing is known to be followed: the next refresh compares the whole of it. */
export const afresh = {
  synced: null,
  revision: null,
  target: null,
  applied_to: null,
  overtaken: [],
  beyond: [],
} satisfies Record<string, null | string[]>;

export interface Landed {
  /** Whoever had followed the branch to here has followed it to `head`; null for nobody. */
  base: CommitId | null;
  /** Null where the branch is gone. */
  head: CommitId | null;
  paths: string[];
  /** Who took them in following the branch, and knows of them. */
  by?: { scope: Scope; connector: string };
}

/**
 * These files of the branch are in the copy as they are in `head`: whoever is on the way to another commit passes over them, and
 * looks at them again when the branch is followed next.
 */
export async function overtake(
  tx: Session,
  place: { repository: string; branch: string },
  { base, head, paths, by }: Landed,
): Promise<void> {
  const isBrought = sql<boolean>`target is null and synced = ${base}::text`;
  const brought = (column: 'synced' | 'listed') =>
    sql<string>`case when ${isBrought} then ${head}::text else ${sql.ref(column)} end`;
  const withPaths = (column: 'overtaken' | 'beyond') =>
    sql<string[]>`array(select distinct unnest(${sql.ref(column)} || ${paths}::text[]))`;
  let query = tx
    .updateTable('tracked_branch')
    .set({
      overtaken: sql<string[]>`case when target is null or target = ${head}::text then overtaken
        else ${withPaths('overtaken')} end`,
      beyond: sql<
        string[]
      >`case when ${isBrought} or target is not null or synced is null or synced = ${head}::text then beyond
        else ${withPaths('beyond')} end`,
      synced: brought('synced'),
      listed: brought('listed'),
    })
    .where('repository', '=', place.repository)
    .where('branch', '=', place.branch);
  if (by !== undefined)
    query = query.where((where) => where.not(where.and({ scope: by.scope, connector: by.connector })));
  const rows = await query
    .returning(sql<number>`greatest(cardinality(overtaken), cardinality(beyond))`.as('paths'))
    .execute();
  if (rows.every((row) => row.paths <= PATHS_MAX)) return;
  await tx
    .updateTable('tracked_branch')
    .set(afresh)
    .where('repository', '=', place.repository)
    .where('branch', '=', place.branch)
    .where(sql<boolean>`greatest(cardinality(overtaken), cardinality(beyond)) > ${PATHS_MAX}`)
    .execute();
}
