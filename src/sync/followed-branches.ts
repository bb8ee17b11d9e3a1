// Pure: which branches of a repository a tracking is about.
import type { CommitId } from '../git/git.js';
import { Failure } from '../kernel/failure.js';
import { branchProblem } from '../policy/branches.js';
import { compilePattern, matchesAny } from '../policy/file-patterns.js';

/** Branches that one connector follows. */
export const BRANCHES_MAX = 1_000;

const NAME_SHOWN_MAX = 100;

export interface FollowedBranches {
  followed: Set<string>;
  /** What is to be said of those that are too many, or that have names which nobody may save to. */
  fault: Failure | null;
}

/** Those that a pattern fits, the first so many by name; without patterns the default branch. */
export function chooseBranches(
  patterns: readonly string[],
  refs: { branches: Record<string, CommitId>; default: string | null },
  max: number = BRANCHES_MAX,
): FollowedBranches {
  const wanted = wantedOf(patterns, refs).toSorted();
  const found = wanted.filter((branch) => branchProblem(branch) === undefined);
  const followed = found.slice(0, max);
  const isWhole = followed.length === found.length;
  const data = { branches: found.length, max, last: followed.at(-1) ?? '' };
  return {
    followed: new Set(followed),
    fault: isWhole ? unfit(wanted) : new Failure('TRACKING_LIMIT_EXCEEDED', data),
  };
}

function wantedOf(patterns: readonly string[], refs: Parameters<typeof chooseBranches>[1]): string[] {
  if (patterns.length === 0) return refs.default === null ? [] : [refs.default];
  const matchers = patterns.map((pattern) => compilePattern(pattern));
  return Object.keys(refs.branches).filter((branch) => matchesAny(matchers, branch));
}

/** Null where all of them have names that one may save to. */
function unfit(wanted: string[]): Failure | null {
  const others = wanted.filter((branch) => branchProblem(branch) !== undefined);
  const [first] = others;
  if (first === undefined) return null;
  const branch = first.length > NAME_SHOWN_MAX ? `${first.slice(0, NAME_SHOWN_MAX)}…` : first;
  const problem = branchProblem(first) as string;
  return new Failure('BRANCH_UNFIT', {
    branches: others.length,
    branch: branch.toWellFormed(),
    problem,
  }) as Failure;
}
