// The tables of imports; schema.ts has the rest.
import type { Generated, Selectable } from 'kysely';
import type { Json, Stamp } from './columns.js';

export type ImportState = 'reporting' | 'reported' | 'applying' | 'done' | 'failed' | 'cancelled';

/** Files of a branch that are to become entities, or a report of what would become of them. */
export interface ImportTable {
  id: string;
  /** Order in which they were made. */
  sequence: Generated<number>;
  scope: string;
  connector: string;
  repository: string;
  branch: string;
  /** What is imported lies below it; empty for the whole branch. */
  folder: string;
  /** Which files are entities of which kind; null where the files were named one by one. */
  patterns: Json<object> | null;
  dry_run: boolean;
  state: ImportState;
  /** Where the branch pointed when its files were listed, and later when the last part was looked at. */
  commit_id: string | null;
  /** Up to this path, in order of paths, its state has got. */
  applied_to: string | null;
  requested_by: string;
  /** Until then one manager is at it. */
  claimed_until: Date | null;
  /** Counts who claimed it: only the last of them may bring it on. */
  claims: Generated<number>;
  due_at: Generated<Date>;
  faults: Generated<number>;
  /** Why it failed, or was tried in vain last. */
  fault: Json<object> | null;
  /** When it was tried in vain for the first time since it came on; later by what its host asked it to wait. */
  failing_since: Date | null;
  /** How many of its files came to what. */
  counts: Json<object> | null;
  total: Generated<number>;
  /** Files that its state has got through. */
  done: Generated<number>;
  created_at: Stamp;
  progressed_at: Generated<Date>;
  finished_at: Date | null;
}

export type ImportRow = Selectable<ImportTable>;

/** A file of an import. */
export interface ImportItemTable {
  import_id: string;
  path: string;
  /** Whether the request, and not its path, says which entity it is. */
  is_named: boolean;
  kind: string | null;
  entity_scope: string | null;
  entity_id: string | null;
  /** The content that was looked at. */
  blob_id: string | null;
  /** What was done or would be; null before it was looked at. */
  outcome: string | null;
  failure: Json<object> | null;
}

export type ImportItemRow = Selectable<ImportItemTable>;
