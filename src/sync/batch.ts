// Pure: which of the waiting operations go into the next push, and what their commits look like.
import { blobIdOf } from '../git/blob-id.js';
import type { BlobId, Chain, Mismatch, Step } from '../git/git.js';
import { cutActor } from '../kernel/actor.js';
import type { Failure } from '../kernel/failure.js';
import { expectationsOf, type Plan, type PlannedStep } from './lanes.repository.js';
import {
  bytesOf,
  changeKey,
  changesOf,
  isAlreadySo,
  type OperationChange,
  pathsOf,
} from './operation-changes.js';
import type { GitOperation } from './operations.repository.js';

/** One push carries at most so many operations and bytes: a task for a delegate must fit the queue. */
const OPERATIONS_MAX = 100;
/** And so many changes, which moves have by the hundred: each asks the database, and a tree, for what stands there. */
const CHANGES_MAX = 1_000;
export const BYTES_MAX = 4 * 1024 * 1024;

/** What says which files an operation changes. */
type Changing = Parameters<typeof changesOf>[0];
type Waiting = Changing &
  Pick<GitOperation, 'account' | 'connector_scope' | 'connector_id' | 'new_branch_from' | 'deaths'>;

/** Names a connector in sets and maps. */
export const connectorKey = (operation: Pick<Waiting, 'connector_scope' | 'connector_id'>): string =>
  `${operation.connector_scope}/connectors/${operation.connector_id}`;

/**
 * The operations of one connector that can go together: the first that is not blocked says which connector, and of those the
 * first of `account`, if it is one whose turn it is. Nobody overtakes an earlier operation on one of the same paths.
 */
export function chooseBatch<T extends Waiting>(
  waiting: T[],
  blocked: Set<string>,
  { account, operationsMax = OPERATIONS_MAX }: { account?: string; operationsMax?: number | undefined } = {},
): T[] {
  const ready = firstOnTheirPaths(waiting).filter((operation) => !blocked.has(connectorKey(operation)));
  const first = ready.find((operation) => operation.account === account) ?? ready[0];
  if (first === undefined) return [];
  const batch: T[] = [];
  const passedOver = new Set<string>();
  let bytes = 0;
  let changes = 0;
  for (const operation of waiting) {
    const size = bytesOf(operation);
    const paths = pathsOf(operation);
    const isSmall = bytes + size <= BYTES_MAX && changes + paths.length <= CHANGES_MAX;
    const fits = batch.length < operationsMax && (batch.length === 0 || isSmall);
    if (belongsWith(first, operation) && fits && !paths.some((path) => passedOver.has(path))) {
      batch.push(operation);
      bytes += size;
      changes += paths.length;
    } else for (const path of paths) passedOver.add(path);
  }
  return batch;
}

/** Whose wish it is that a batch is pushed. */
export const causeOf = (
  batch: Pick<GitOperation, 'id' | 'requested_by'>[],
): { kind: 'save'; operations: string[]; actors: string[] } => ({
  kind: 'save',
  operations: batch.map(({ id }) => id),
  actors: [
    ...new Set(batch.flatMap(({ requested_by }) => (requested_by === null ? [] : cutActor(requested_by)))),
  ],
});

function firstOnTheirPaths<T extends Waiting>(waiting: T[]): T[] {
  const seen = new Set<string>();
  return waiting.filter((operation) => {
    const paths = pathsOf(operation);
    const isFirst = !paths.some((path) => seen.has(path));
    for (const path of paths) seen.add(path);
    return isFirst;
  });
}

/** What has cost delegates takes none along that has not. */
const belongsWith = (first: Waiting, operation: Waiting): boolean =>
  connectorKey(first) === connectorKey(operation) &&
  first.new_branch_from === operation.new_branch_from &&
  first.deaths === operation.deaths;

/**
 * What each operation of a batch must find at its paths. Unguarded changes expect what Sallyport itself knows to be there,
 * so that a change by somebody else is noticed; `known` gives that for the state before the batch. `adopted` are changes
 * whose content was found standing in Git already.
 */
export function planSteps(
  batch: (Changing & Pick<GitOperation, 'id'>)[],
  known: (path: string) => BlobId | null,
  adopted: ReadonlyMap<string, BlobId | null> = new Map(),
): PlannedStep[] {
  const standing = new Map<string, BlobId | null>();
  return batch.map((operation): PlannedStep => {
    const { id } = operation;
    const expects = changesOf(operation).map(({ path, content, expected }) => {
      const before = standing.has(path) ? (standing.get(path) ?? null) : known(path);
      standing.set(path, content === null ? null : blobIdOf(content));
      const key = changeKey(id, path);
      if (adopted.has(key)) return adopted.get(key) ?? null;
      if (expected === 'any') return before;
      return expected === 'absent' ? null : expected;
    });
    const [expect = null] = expects;
    return { operation: id, expect, ...(operation.action === 'move' ? { expects } : {}) };
  });
}

/** The plan's commits. The same plan and operations give the same chain, whoever builds it and whenever. */
export function chainOf(plan: Plan, branch: string, operations: GitOperation[]): Chain {
  const byId = new Map(operations.map((operation) => [operation.id, operation]));
  const steps = plan.steps.map((planned): Step => {
    const operation = byId.get(planned.operation);
    if (operation === undefined) throw new Error(`operation ${planned.operation} of a plan is missing`);
    return {
      message: operation.message,
      author: { name: operation.author_name, email: operation.author_email },
      committer: plan.committer,
      timestamp: Math.floor(operation.created_at.getTime() / 1000),
      changes: changesOf(operation).map(({ path, content }, at) => ({
        path,
        content,
        expect: expectationsOf(planned)[at] ?? null,
      })),
    };
  });
  return { branch, base: plan.base, create: plan.create, steps };
}

/** An operation that found something else, and at which of its paths. */
export interface Conflicting {
  operation: GitOperation;
  found: {
    change: OperationChange;
    expect: BlobId | null;
    theirs: BlobId | null;
    /** Why the change is not made, where that is not what stands at its path. */
    failure?: Failure;
  }[];
}

interface Parted {
  /** Changes whose content stands in Git already, by their key. */
  standing: Map<string, BlobId | null>;
  /** The next batch ends before this operation, which has met an earlier one of its batch: it is judged once that one is in Git. */
  prefixMax: number | undefined;
  conflicts: Conflicting[];
}

/** What became of the operations of a plan that found something else at these paths. `operations` in the order of its steps. */
export function partMismatches(
  plan: Pick<Plan, 'steps'>,
  operations: GitOperation[],
  mismatches: readonly Mismatch[],
  adopted: ReadonlyMap<string, BlobId | null>,
): Parted {
  const seen = new Set<string>();
  const found = new Map<GitOperation, Conflicting['found']>();
  const parted: Parted = { standing: new Map(), prefixMax: undefined, conflicts: [] };
  const placed = operations.map(changesByPath);
  const firstAt = new Map<string, number>();
  for (const [index, changes] of placed.entries())
    for (const path of changes.keys()) if (!firstAt.has(path)) firstAt.set(path, index);
  for (const { step: index, path, theirs } of mismatches) {
    if (seen.has(path)) continue;
    seen.add(path);
    const operation = operations[index] as GitOperation;
    const { at, change } = (placed[index] as Map<string, Placed>).get(path) as Placed;
    const key = changeKey(operation.id, path);
    if (firstAt.get(path) !== index) parted.prefixMax = Math.min(index, parted.prefixMax ?? index);
    else if (isAlreadySo(change, theirs) && !adopted.has(key)) parted.standing.set(key, theirs);
    else {
      const expect = expectationsOf(plan.steps[index] as PlannedStep)[at] ?? null;
      found.set(operation, [...(found.get(operation) ?? []), { change, expect, theirs }]);
    }
  }
  parted.conflicts = [...found].map(([operation, some]) => ({ operation, found: some }));
  return parted;
}

interface Placed {
  at: number;
  change: OperationChange;
}

/** The first change at each path. */
function changesByPath(operation: Changing): Map<string, Placed> {
  const placed = new Map<string, Placed>();
  for (const [at, change] of changesOf(operation).entries())
    if (!placed.has(change.path)) placed.set(change.path, { at, change });
  return placed;
}
