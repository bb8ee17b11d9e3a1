// Pure: which of the waiting operations go into the next push, and what their commits look like.
import { blobIdOf } from '../git/blob-id.js';
import type { BlobId, Chain, Step } from '../git/git.js';
import { cutActor } from '../kernel/actor.js';
import type { Plan, PlannedStep } from './lanes.repository.js';
import type { OperationRecord } from './operations.repository.js';

/** One push carries at most so many operations and bytes: a task for a delegate must fit the queue. */
const OPERATIONS_MAX = 100;
const BYTES_MAX = 4 * 1024 * 1024;

type Waiting = Pick<
  OperationRecord,
  'account' | 'path' | 'yaml' | 'connector_scope' | 'connector_id' | 'new_branch_from' | 'deaths'
>;

/** Names a connector in sets and maps. */
export const connectorKey = (operation: Pick<Waiting, 'connector_scope' | 'connector_id'>): string =>
  `${operation.connector_scope}/connectors/${operation.connector_id}`;

/**
 * The operations of one connector that can go together: the first that is not blocked says which connector, and of those the
 * first of `account`, if it is one whose turn it is. Nobody overtakes an earlier operation on the same path.
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
  for (const operation of waiting) {
    const size = operation.yaml?.byteLength ?? 0;
    const fits = batch.length < operationsMax && (batch.length === 0 || bytes + size <= BYTES_MAX);
    if (belongsWith(first, operation) && fits && !passedOver.has(operation.path)) {
      batch.push(operation);
      bytes += size;
    } else passedOver.add(operation.path);
  }
  return batch;
}

/** Whose wish it is that a batch is pushed. */
export const causeOf = (
  batch: Pick<OperationRecord, 'id' | 'requested_by'>[],
): { kind: 'save'; operations: string[]; actors: string[] } => ({
  kind: 'save',
  operations: batch.map(({ id }) => id),
  actors: [
    ...new Set(batch.flatMap(({ requested_by }) => (requested_by === null ? [] : cutActor(requested_by)))),
  ],
});

function firstOnTheirPaths<T extends Waiting>(waiting: T[]): T[] {
  const seen = new Set<string>();
  return waiting.filter(({ path }) => !seen.has(path) && seen.add(path));
}

/** What has cost delegates takes none along that has not. */
const belongsWith = (first: Waiting, operation: Waiting): boolean =>
  connectorKey(first) === connectorKey(operation) &&
  first.new_branch_from === operation.new_branch_from &&
  first.deaths === operation.deaths;

/**
 * What each operation of a batch must find at its path. Unguarded ones expect what Sallyport itself knows to be there,
 * so that a change by somebody else is noticed; `known` gives that for the state before the batch. `adopted` are operations
 * whose content was found standing in Git already.
 */
export function planSteps(
  batch: Pick<OperationRecord, 'id' | 'path' | 'yaml' | 'expected'>[],
  known: (path: string) => BlobId | null,
  adopted: ReadonlyMap<string, BlobId | null> = new Map(),
): PlannedStep[] {
  const standing = new Map<string, BlobId | null>();
  return batch.map(({ id, path, yaml, expected }) => {
    const before = standing.has(path) ? (standing.get(path) ?? null) : known(path);
    standing.set(path, yaml === null ? null : blobIdOf(yaml));
    if (adopted.has(id)) return { operation: id, expect: adopted.get(id) ?? null };
    if (expected === 'any') return { operation: id, expect: before };
    return { operation: id, expect: expected === 'absent' ? null : expected };
  });
}

/** The plan's commits. The same plan and operations give the same chain, whoever builds it and whenever. */
export function chainOf(plan: Plan, branch: string, operations: OperationRecord[]): Chain {
  const byId = new Map(operations.map((operation) => [operation.id, operation]));
  const steps = plan.steps.map((planned): Step => {
    const operation = byId.get(planned.operation);
    if (operation === undefined) throw new Error(`operation ${planned.operation} of a plan is missing`);
    return {
      message: operation.message,
      author: { name: operation.author_name, email: operation.author_email },
      committer: plan.committer,
      timestamp: Math.floor(operation.created_at.getTime() / 1000),
      changes: [{ path: operation.path, content: operation.yaml, expect: planned.expect }],
    };
  });
  return { branch, base: plan.base, create: plan.create, steps };
}
