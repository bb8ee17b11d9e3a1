// The tables of the way back from Git; schema.ts has the rest.
import type { Generated } from 'kysely';
import type { Json, Stamp } from './columns.js';

/** What of a connector's repository is followed, and when it is looked at next. */
export interface TrackingTable {
  scope: string;
  connector: string;
  /** Patterns of branches; none: the default branch. */
  branches: string[];
  /** Which files are entities of which kind; none: those where the kinds put them. */
  files: Json<object>;
  /** What may be created, changed and deleted from the Git side. */
  rules: Json<object>;
  /** Changes with every write. */
  revision: string;
  due_at: Generated<Date>;
  /** Counts who asked for a look at once, so that none that comes during a look is lost. */
  wakes: Generated<number>;
  /** Until then one manager looks. */
  claimed_until: Date | null;
  /** Counts who claimed it: only the last of them may end its look, or go on with it. */
  claims: Generated<number>;
  default_branch: string | null;
  polled_at: Date | null;
  /** When a webhook told of something last. */
  hinted_at: Date | null;
  /** When a look found last what no webhook had told of. */
  missed_at: Date | null;
  faults: Generated<number>;
  /** Why the last look failed. */
  fault: Json<object> | null;
  created_at: Stamp;
  updated_at: Generated<Date>;
}

/** How far a branch has been followed. */
export interface TrackedBranchTable {
  scope: string;
  connector: string;
  branch: string;
  repository: string;
  /** The commit it pointed at when refs were listed last. */
  listed: string | null;
  /** The commit that the copy equals; null before the first time. */
  synced: string | null;
  synced_at: Date | null;
  /** What the tracking was then. */
  revision: string | null;
  /** The commit that the copy is being brought to. */
  target: string | null;
  /** Up to this path, in order of paths. */
  applied_to: string | null;
  /** Paths that others wrote meanwhile: what the copy holds there is not the target's. */
  overtaken: Generated<string[]>;
  /** Paths whose copies are of other commits than `synced`: the next refresh looks at them, whatever differs in Git. */
  beyond: Generated<string[]>;
  faults: Generated<number>;
  fault: Json<object> | null;
  due_at: Generated<Date>;
}

export type FileVerdict = 'invalid' | 'refused';

/** A tracked file, or its absence, that the copy does not follow. */
export interface FileProblemTable {
  scope: string;
  connector: string;
  branch: string;
  path: string;
  verdict: FileVerdict;
  /** Null where the file is gone. */
  blob_id: string | null;
  commit_id: string;
  kind: string | null;
  entity_scope: string | null;
  entity_id: string | null;
  failure: Json<object>;
  created_at: Stamp;
}
