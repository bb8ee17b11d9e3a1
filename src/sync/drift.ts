// What differs between Git, the copy and what belongs to them. Each source looks at one thing; a report has a section of each.

import type { Connector } from '../connectors/connectors.repository.js';
import type { CopyRecord } from '../entities/copies.repository.js';
import type { BlobId, CommitId, TreeEntry } from '../git/git.js';
import type { WireFailure } from '../kernel/failure.js';
import { keptPath } from '../policy/paths.js';
import type { FileProblem } from './file-problems.repository.js';
import type { Named, TrackedFiles } from './tracked-files.js';

export const differenceKinds = [
  /** A tracked file that the copy does not have. */
  'missing',
  /** A copy whose file is not in Git. */
  'surplus',
  /** The copy holds another content than Git. */
  'differing',
  /** The copy does not hold what it says it does: a row was changed by hand. */
  'corrupt',
  /** No document of its kind, or no entity. */
  'invalid',
  /** A change in Git that a rule of the tracking does not allow. */
  'refused',
  /** Something beside the files, which the problem tells. */
  'registration',
] as const;
export type DifferenceKind = (typeof differenceKinds)[number];

export interface Difference {
  kind: DifferenceKind;
  path: string | null;
  entity: Named | null;
  /** In Git, and in the copy. */
  git: BlobId | null;
  copy: BlobId | null;
  problem: WireFailure | null;
}

export interface DriftSection {
  source: 'branch' | 'webhook';
  branch: string | null;
  /** Whether the branch is followed; one that is not has copies of saves and imports alone. */
  isTracked: boolean;
  head: CommitId | null;
  synced: CommitId | null;
  copies: number;
  /** Of all differences, whereas `differences` are the first of them. */
  counts: Record<DifferenceKind, number>;
  differences: Difference[];
}

export interface DriftQuestion {
  connector: Connector;
  /** This one alone. */
  branch?: string | undefined;
  /** The branches that come after it by name, where an earlier report ended, and nothing else. */
  after?: string | undefined;
  actor: string;
}

/** What one source says. */
export interface DriftPart {
  sections: DriftSection[];
  /** The branch after which there are more; null where there are none. */
  next: string | null;
}

/** One who knows of a thing what it should be and what it is. It changes nothing. */
export abstract class DriftSource {
  abstract look(question: DriftQuestion): Promise<DriftPart>;

  /** Makes it what it should be, where that is not the affair of a refresh; undefined where there is nothing of it. */
  async repair(_question: Pick<DriftQuestion, 'connector' | 'actor'>): Promise<RepairedThing | undefined> {
    return undefined;
  }
}

/** What was repaired beside the branches. */
export interface RepairedThing {
  source: 'webhook';
  /** Why it could not be; null where it is what it should be. */
  failure: WireFailure | null;
}

/** Whoever knows of something that may differ: the manager's page says who. */
export class DriftSources {
  constructor(readonly all: readonly DriftSource[]) {}
}

/** Branches of one report, each of which is listed as a whole; and differences of a branch that are shown. */
const BRANCHES_MAX = 20;
export const DIFFERENCES_MAX = 1_000;

/** Pure: which of these branches a report is of, and where the next one goes on. */
export function chooseReported(
  all: readonly string[],
  { branch, after }: Pick<DriftQuestion, 'branch' | 'after'>,
): { asked: string[]; next: string | null } {
  if (branch !== undefined) return { asked: [branch], next: null };
  const left = [...new Set(all)].filter((name) => after === undefined || name > after).toSorted();
  const asked = left.slice(0, BRANCHES_MAX);
  return { asked, next: left.length > asked.length ? (asked.at(-1) ?? null) : null };
}

/** Pure: how many they are, and those that are shown. */
export function summarise(differences: readonly Difference[]): Pick<DriftSection, 'counts' | 'differences'> {
  const counts = Object.fromEntries(differenceKinds.map((kind) => [kind, 0])) as DriftSection['counts'];
  for (const { kind } of differences) counts[kind] += 1;
  return { counts, differences: differences.slice(0, DIFFERENCES_MAX) };
}

interface Compared {
  entries: readonly TreeEntry[];
  copies: readonly CopyRecord[];
  problems: readonly FileProblem[];
  /** What each copy that is not what it says holds, by path. */
  corrupt: ReadonlyMap<string, BlobId>;
  /** Undefined for a branch that is not followed. */
  files: TrackedFiles | undefined;
}

/** Pure: the differences of a branch, in order of their paths. */
export function compareBranch({ entries, copies, problems, corrupt, files }: Compared): Difference[] {
  const inGit = new Map(entries.map((entry) => [entry.path, entry.id]));
  const known = new Set(copies.map(({ path }) => path));
  const reasons = new Map(problems.map((problem) => [problem.path, problem]));
  const ofCopies = copies.flatMap((copy): Difference[] => {
    const { path, scope, kind, id, blob_id, invalid } = copy;
    const git = inGit.get(path) ?? null;
    const held = corrupt.get(path);
    const about = { path, entity: { scope, kind, id }, git, copy: held ?? blob_id };
    if (held !== undefined) return [{ ...about, kind: 'corrupt', problem: null }];
    if (git !== blob_id)
      return [explained({ ...about, kind: git === null ? 'surplus' : 'differing' }, reasons)];
    return invalid === null ? [] : [{ ...about, kind: 'invalid', problem: invalid as WireFailure }];
  });
  const ofFiles = entries.flatMap(({ path, id }): Difference[] => {
    const meaning = known.has(path) ? undefined : files?.meaningOf(path);
    if (meaning === undefined) return [];
    const entity = 'named' in meaning ? meaning.named : null;
    return [explained({ kind: 'missing', path, entity, git: id, copy: null }, reasons)];
  });
  return [...ofCopies, ...ofFiles].toSorted((one, other) =>
    Buffer.compare(Buffer.from(one.path ?? ''), Buffer.from(other.path ?? '')),
  );
}

/** A difference that is meant, or is a fault of the file, is told as that. */
function explained(
  difference: Omit<Difference, 'problem'>,
  reasons: ReadonlyMap<string, FileProblem>,
): Difference {
  const reason = reasons.get(keptPath(difference.path ?? ''));
  if (reason === undefined) return { ...difference, problem: null };
  return { ...difference, kind: reason.verdict, problem: reason.failure as WireFailure };
}
