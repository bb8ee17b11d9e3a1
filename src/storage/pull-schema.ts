// The table of pull requests.
import type { Generated } from 'kysely';
import type { Json, Stamp } from './columns.js';

export type PullRequestState = 'wanted' | 'open' | 'failed' | 'merged' | 'closed';

export interface PullRequestTable {
  id: string;
  sequence: Generated<number>;
  /** Of the save that wanted it first. */
  scope: string;
  connector_scope: string;
  connector_id: string;
  /** The connector's URL when it was wanted. */
  repository: string;
  branch: string;
  /** What it is to be merged into; null until the host has said what its default branch is. */
  base: string | null;
  /** What was wished for. */
  title: string;
  body: string;
  reviewers: string[];
  draft: boolean;
  /** The save, and who requested it. */
  operation_id: string;
  requested_by: string | null;
  state: Generated<PullRequestState>;
  /** Since when it is tried to be opened. */
  wanted_at: Generated<Date>;
  number: number | null;
  web_url: string | null;
  /** Whether it was opened by us; false where it was open before. */
  created: boolean | null;
  reviewers_refused: Generated<string[]>;
  /** A save's wish for a request while this one counts as open: it is looked whether it still is. */
  again: Json<object> | null;
  merge_commit: string | null;
  /** Whether copies of the base are still to be brought to what was merged. */
  copies_due: Generated<boolean>;
  /** Why it failed; of one that has not, why the last attempt or look did. */
  failure: Json<object> | null;
  faults: Generated<number>;
  /** To open it, since it is wanted. */
  attempts: Generated<number>;
  /** Counts who asked for a look, so that none that comes during a look is lost. */
  hints: Generated<number>;
  /** When a webhook told of it last. */
  hinted_at: Date | null;
  /** Null: there is nothing to do. */
  due_at: Date | null;
  claimed_until: Date | null;
  /** Counts who claimed it: only the last of them may give it back, or keep it. */
  claims: Generated<number>;
  opened_at: Date | null;
  looked_at: Date | null;
  finished_at: Date | null;
  created_at: Stamp;
}
