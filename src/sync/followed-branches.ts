// Pure: which branches of a repository a tracking is about.
import type { CommitId } from '../git/git.js';
import { Failure } from '../kernel/failure.js';
import { compilePattern, matchesAny } from '../policy/file-patterns.js';

/** Branches that one connector follows. */
export const BRANCHES_MAX = 1_000;

export interface FollowedBranches {
  followed: Set<string>;
  /** What is to be said of those that are too many. */
  fault: Failure | null;
}

/** Those that a pattern fits, the first so many by name; without patterns the default branch. */
export function chooseBranches(
  patterns: readonly string[],
  refs: { branches: Record<string, CommitId>; default: string | null },
  max: number = BRANCHES_MAX,
): FollowedBranches {
  if (patterns.length === 0) {
    return { followed: new Set(refs.default === null ? [] : [refs.default]), fault: null };
  }
  const matchers = patterns.map((pattern) => compilePattern(pattern));
  const found = Object.keys(refs.branches)
    .filter((branch) => matchesAny(matchers, branch))
    .toSorted();
  const followed = found.slice(0, max);
  const isWhole = followed.length === found.length;
  const data = { branches: found.length, max, last: followed.at(-1) ?? '' };
  return {
    followed: new Set(followed),
    fault: isWhole ? null : new Failure('TRACKING_LIMIT_EXCEEDED', data),
  };
}
