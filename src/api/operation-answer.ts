// How an operation, and the entity it saved, look from outside.
import { z } from 'zod';
import type { EntityRecord } from '../entities/entities.repository.js';
import type { InlineRecord } from '../entities/inline.repository.js';
import { Failure } from '../kernel/failure.js';
import type { ShownPullRequest } from '../pulls/pull-requests.repository.js';
import {
  type ChangeRow,
  type GitOperation,
  isOfGit,
  type OperationFailure,
  type OperationRecord,
  type OperationResult,
} from '../sync/operations.repository.js';
import { endedPassage, type Passage } from '../sync/passage.js';
import type { Freshness } from '../sync/read.flow.js';
import { ProblemAnswer } from './answers.js';
import { type Problem, toProblem } from './problem.filter.js';
import { SavedPullAnswer, toSavedPull } from './pull-request-answer.js';

const FreshnessAnswer = z
  .strictObject({
    source: z.enum(['git', 'inline']).meta({
      description: '`inline`: Sallyport’s own word, which is always current',
    }),
    state: z.enum(['current', 'behind', 'gone', 'held', 'unknown']).meta({
      description:
        '`current`: what stood in Git at `checkedAt`; `held`: Git holds what a rule of the tracking, or its being no entity, keeps out; `unknown`: nobody looks',
    }),
    checkedAt: z.iso.datetime().nullable(),
    head: z.string().nullable().meta({ description: 'Where the branch pointed then' }),
    gitBlobId: z
      .string()
      .nullable()
      .optional()
      .meta({ description: 'What Git held then, where it was asked' }),
  })
  .meta({ id: 'Freshness' });

const store = z.enum(['git', 'inline']).meta({
  description: '`inline`: in Sallyport alone, and `git` is null',
});

export const EntityAnswer = z
  .strictObject({
    kind: z.string(),
    id: z.string(),
    scope: z.string(),
    yaml: z.string().meta({ description: 'The document, byte for byte' }),
    store,
    blobId: z.string().meta({ description: 'What the ETag quotes' }),
    git: z
      .strictObject({
        connector: z.string(),
        connectivity: z.enum(['manager', 'delegate']),
        branch: z.string(),
        path: z.string(),
        commitId: z.string(),
        blobId: z.string(),
      })
      .nullable(),
    operationId: z
      .string()
      .nullable()
      .meta({ description: 'The save that wrote it; null for what came from Git' }),
    invalid: ProblemAnswer.nullable().meta({
      description: 'Why what stands in Git is no document of its kind; null where it is one',
    }),
    freshness: FreshnessAnswer.optional().meta({ description: 'Of a read of one entity' }),
  })
  .meta({ id: 'Entity' });
export type EntityAnswer = z.infer<typeof EntityAnswer>;

const elsewhere = z.strictObject({ connector: z.string(), path: z.string() }).optional().meta({
  description:
    'The commit is on the branch, and before it was there the entity had come to another repository: where. What it is there is untouched',
});

const asked = SavedPullAnswer.optional().meta({
  description: 'Where the change asked for one; that the commit is on its branch does not depend on it',
});

export const SavedAnswer = EntityAnswer.extend({ elsewhere, pullRequest: asked }).meta({ id: 'SavedEntity' });

export const EntityPage = z
  .strictObject({ entities: z.array(EntityAnswer), nextCursor: z.string().nullable() })
  .meta({ id: 'EntityPage' });

const MoveChangeAnswer = z
  .strictObject({
    kind: z.string(),
    entity: z.string(),
    path: z.string(),
    action: z.enum(['write', 'remove']),
  })
  .meta({ id: 'MoveChange' });

const pusher = z.strictObject({
  connectivity: z.enum(['manager', 'delegate']),
  delegate: z
    .strictObject({ id: z.string(), name: z.string(), group: z.string() })
    .nullable()
    .meta({ description: 'As it was called then; null for the manager' }),
});

export const OperationAnswer = z
  .strictObject({
    id: z.string(),
    scope: z.string(),
    action: z.enum(['save', 'delete', 'move']),
    kind: z.string().nullable().meta({ description: 'Null for a move, which is of many' }),
    entity: z.string().nullable(),
    state: z.enum(['pending', 'succeeded', 'conflict', 'failed', 'cancelled']),
    waitsFor: z.string().nullable().meta({ description: 'While pending: what it waits for' }),
    store,
    blobId: z.string().nullable().meta({ description: 'Of a save that succeeded: what it left' }),
    git: z
      .strictObject({
        connector: z.string(),
        branch: z.string(),
        path: z.string().nullable(),
        commitId: z.string().nullable(),
        blobId: z.string().nullable(),
      })
      .nullable(),
    move: z
      .strictObject({ id: z.string(), changes: z.array(MoveChangeAnswer) })
      .optional()
      .meta({ description: 'Of a move: which one, and the files of this commit' }),
    yaml: z.string().nullable().meta({ description: 'The content, kept whatever becomes of the operation' }),
    elsewhere,
    problem: ProblemAnswer.nullable(),
    pullRequest: SavedPullAnswer.nullable().meta({ description: 'Null where it asked for none' }),
    createdAt: z.iso.datetime().meta({ description: 'When it was accepted' }),
    takenAt: z.iso.datetime().nullable().meta({
      description:
        'When the writer of its lane chose it for a batch. This and what follows are of the attempt that led to its end, or is under way; null where it did not come so far, is inline, or ended before this was kept',
    }),
    plannedAt: z.iso.datetime().nullable().meta({
      description: 'When the plan of its batch was stored: from then on it may be on the way to the host',
    }),
    pushedAt: z.iso.datetime().nullable().meta({
      description: 'When the host had answered the push; `finishedAt` is when that was confirmed here',
    }),
    pushedBy: pusher.nullable().meta({ description: 'Who had the host’s answer' }),
    deadlineAt: z.iso.datetime(),
    finishedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Operation' });
export type OperationAnswer = z.infer<typeof OperationAnswer>;

export const OperationPage = z
  .strictObject({ operations: z.array(OperationAnswer), nextCursor: z.string().nullable() })
  .meta({ id: 'OperationPage' });

export const DeletionAnswer = z
  .strictObject({
    kind: z.string(),
    id: z.string(),
    scope: z.string(),
    store,
    git: z
      .strictObject({
        connector: z.string(),
        branch: z.string(),
        path: z.string(),
        commitId: z.string(),
      })
      .nullable(),
    operationId: z.string(),
    elsewhere,
    pullRequest: asked,
  })
  .meta({ id: 'Deletion' });

export const inlineFreshness: EntityAnswer['freshness'] = {
  source: 'inline',
  state: 'current',
  checkedAt: null,
  head: null,
};

export function toFreshness({ checkedAt, ...freshness }: Freshness): EntityAnswer['freshness'] {
  return { source: 'git', ...freshness, checkedAt: checkedAt?.toISOString() ?? null };
}

export function toEntityAnswer(entity: EntityRecord, connectivity: 'manager' | 'delegate'): EntityAnswer {
  return {
    kind: entity.kind,
    id: entity.id,
    scope: entity.scope,
    yaml: entity.yaml.toString('utf8'),
    store: 'git',
    blobId: entity.blob_id,
    git: {
      connector: entity.connector_id,
      connectivity,
      branch: entity.branch,
      path: entity.path,
      commitId: entity.commit_id,
      blobId: entity.blob_id,
    },
    operationId: entity.operation_id,
    invalid:
      entity.invalid === null
        ? null
        : (toProblem(Failure.fromWire(entity.invalid as never)) as EntityAnswer['invalid']),
  };
}

export const toInlineAnswer = (entity: InlineRecord): EntityAnswer => ({
  kind: entity.kind,
  id: entity.id,
  scope: entity.scope,
  yaml: entity.yaml.toString('utf8'),
  store: 'inline',
  blobId: entity.blob_id,
  git: null,
  operationId: entity.operation_id,
  invalid: null,
});

/**
 * What a succeeded save left: the operation's own content, whatever has been saved since.
 * @param connectivity of its connector, where it has one
 */
export function toSavedAnswer(
  operation: OperationRecord,
  pull: ShownPullRequest | undefined,
  connectivity: 'manager' | 'delegate',
): z.infer<typeof SavedAnswer> {
  const result = operation.result as OperationResult;
  const blobId = result.blobId as string;
  return {
    kind: operation.kind,
    id: operation.entity_id,
    scope: operation.scope,
    yaml: (operation.yaml as Buffer).toString('utf8'),
    store: isOfGit(operation) ? 'git' : 'inline',
    blobId,
    git: isOfGit(operation)
      ? { ...placeOf(operation), connectivity, commitId: result.commitId as string, blobId }
      : null,
    operationId: operation.id,
    invalid: null,
    ...elsewhereOf(result),
    ...askedOf(operation, pull),
  };
}

export function toDeletion(operation: OperationRecord, pull: ShownPullRequest | undefined) {
  const { kind, entity_id: id, scope } = operation;
  const result = operation.result as OperationResult;
  const { commitId } = result;
  return {
    kind,
    id,
    scope,
    store: isOfGit(operation) ? 'git' : 'inline',
    git: isOfGit(operation) ? { ...placeOf(operation), commitId } : null,
    operationId: operation.id,
    ...elsewhereOf(result),
    ...askedOf(operation, pull),
  };
}

const elsewhereOf = (result: OperationResult | null) =>
  result?.elsewhere === undefined ? {} : { elsewhere: result.elsewhere };

const placeOf = ({ connector_id: connector, branch, path }: GitOperation) => ({ connector, branch, path });

/** The request of a change that asked for one. */
function askedOf(operation: OperationRecord, pull: ShownPullRequest | undefined) {
  const pullRequest = toSavedPull(operation, pull);
  return pullRequest === null ? {} : { pullRequest };
}

/** What is known of an operation besides its row. */
interface Known {
  /** Of a move. */
  changes?: readonly Omit<ChangeRow, 'yaml'>[] | undefined;
  /** Of one that is on its way. */
  passage?: Passage | undefined;
}

export function toOperationAnswer(
  operation: OperationRecord,
  pull: ShownPullRequest | undefined,
  { changes, passage = endedPassage(operation) }: Known = {},
): OperationAnswer {
  const result = operation.result as OperationResult | null;
  const { move_id: move } = operation;
  return {
    id: operation.id,
    scope: operation.scope,
    action: operation.action,
    kind: move === null ? operation.kind : null,
    entity: move === null ? operation.entity_id : null,
    state: operation.state,
    waitsFor: operation.waits_for,
    store: isOfGit(operation) ? 'git' : 'inline',
    blobId: result?.blobId ?? null,
    git: isOfGit(operation) ? gitOf(operation) : null,
    ...moveOf(operation, changes),
    yaml: operation.yaml?.toString('utf8') ?? null,
    ...elsewhereOf(result),
    problem: problemOf(operation) as OperationAnswer['problem'],
    pullRequest: toSavedPull(operation, pull),
    createdAt: operation.created_at.toISOString(),
    ...toPassage(passage),
    deadlineAt: operation.deadline_at.toISOString(),
    finishedAt: operation.finished_at?.toISOString() ?? null,
  };
}

const moveOf = ({ move_id: id }: OperationRecord, changes: Known['changes'] = []) =>
  id === null ? {} : { move: { id, changes: changes.map(toChangeAnswer) } };

const toPassage = ({ takenAt, plannedAt, pushedAt, pushedBy }: Passage) => ({
  takenAt: takenAt ?? null,
  plannedAt: plannedAt ?? null,
  pushedAt: pushedAt ?? null,
  pushedBy: pushedBy === undefined ? null : { delegate: null, ...pushedBy },
});

function gitOf(operation: GitOperation) {
  const result = operation.result as OperationResult | null;
  const { connector, branch, path } = placeOf(operation);
  return {
    connector,
    branch,
    path: operation.move_id === null ? path : null,
    commitId: result?.commitId ?? null,
    blobId: result?.blobId ?? null,
  };
}

const toChangeAnswer = ({ kind, entity_id, path, meaning }: Omit<ChangeRow, 'yaml'>) => ({
  kind,
  entity: entity_id,
  path,
  action: meaning === 'arrive' ? ('write' as const) : ('remove' as const),
});

/** How an unsuccessful operation ended, as a problem; null for any other. */
export function problemOf(operation: OperationRecord): Problem | null {
  if (operation.failure === null) return null;
  const { versions, ...wire } = operation.failure as OperationFailure;
  const more = versions === undefined ? {} : { versions };
  return toProblem(Failure.fromWire(wire), { operationId: operation.id, ...more });
}
