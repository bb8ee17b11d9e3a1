// How an operation, and the entity it saved, look from outside.
import { z } from 'zod';
import type { EntityRecord } from '../entities/entities.repository.js';
import { Failure } from '../kernel/failure.js';
import type { OperationFailure, OperationRecord, OperationResult } from '../sync/operations.repository.js';
import { ProblemAnswer } from './answers.js';
import { type Problem, toProblem } from './problem.filter.js';

export const EntityAnswer = z
  .strictObject({
    kind: z.string(),
    id: z.string(),
    scope: z.string(),
    yaml: z.string().meta({ description: 'The document, byte for byte' }),
    git: z.strictObject({
      connector: z.string(),
      connectivity: z.enum(['manager', 'delegate']),
      branch: z.string(),
      path: z.string(),
      commitId: z.string(),
      blobId: z.string(),
    }),
    operationId: z.string(),
  })
  .meta({ id: 'Entity' });
export type EntityAnswer = z.infer<typeof EntityAnswer>;

export const EntityPage = z
  .strictObject({ entities: z.array(EntityAnswer), nextCursor: z.string().nullable() })
  .meta({ id: 'EntityPage' });

export const OperationAnswer = z
  .strictObject({
    id: z.string(),
    scope: z.string(),
    action: z.enum(['save', 'delete']),
    kind: z.string(),
    entity: z.string(),
    state: z.enum(['pending', 'succeeded', 'conflict', 'failed']),
    waitsFor: z.string().nullable().meta({ description: 'While pending: what it waits for' }),
    git: z.strictObject({
      connector: z.string(),
      branch: z.string(),
      path: z.string(),
      commitId: z.string().nullable(),
      blobId: z.string().nullable(),
    }),
    yaml: z.string().nullable().meta({ description: 'The content, kept whatever becomes of the operation' }),
    problem: ProblemAnswer.nullable(),
    createdAt: z.iso.datetime(),
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
    git: z.strictObject({
      connector: z.string(),
      branch: z.string(),
      path: z.string(),
      commitId: z.string(),
    }),
    operationId: z.string(),
  })
  .meta({ id: 'Deletion' });

export function toEntityAnswer(entity: EntityRecord, connectivity: 'manager' | 'delegate'): EntityAnswer {
  return {
    kind: entity.kind,
    id: entity.id,
    scope: entity.scope,
    yaml: entity.yaml.toString('utf8'),
    git: {
      connector: entity.connector_id,
      connectivity,
      branch: entity.branch,
      path: entity.path,
      commitId: entity.commit_id,
      blobId: entity.blob_id,
    },
    operationId: entity.operation_id,
  };
}

/** What a succeeded save left: the operation's own content, whatever has been saved since. */
export function toSavedAnswer(
  operation: OperationRecord,
  connectivity: 'manager' | 'delegate',
): EntityAnswer {
  const { commitId, blobId } = operation.result as OperationResult;
  return {
    kind: operation.kind,
    id: operation.entity_id,
    scope: operation.scope,
    yaml: (operation.yaml as Buffer).toString('utf8'),
    git: {
      connector: operation.connector_id,
      connectivity,
      branch: operation.branch,
      path: operation.path,
      commitId,
      blobId: blobId as string,
    },
    operationId: operation.id,
  };
}

export function toOperationAnswer(operation: OperationRecord): OperationAnswer {
  const result = operation.result as OperationResult | null;
  return {
    id: operation.id,
    scope: operation.scope,
    action: operation.action,
    kind: operation.kind,
    entity: operation.entity_id,
    state: operation.state,
    waitsFor: operation.waits_for,
    git: {
      connector: operation.connector_id,
      branch: operation.branch,
      path: operation.path,
      commitId: result?.commitId ?? null,
      blobId: result?.blobId ?? null,
    },
    yaml: operation.yaml?.toString('utf8') ?? null,
    problem: problemOf(operation) as OperationAnswer['problem'],
    createdAt: operation.created_at.toISOString(),
    deadlineAt: operation.deadline_at.toISOString(),
    finishedAt: operation.finished_at?.toISOString() ?? null,
  };
}

/** How an unsuccessful operation ended, as a problem; null for any other. */
export function problemOf(operation: OperationRecord): Problem | null {
  if (operation.failure === null) return null;
  const { versions, ...wire } = operation.failure as OperationFailure;
  const more = versions === undefined ? {} : { versions };
  return toProblem(Failure.fromWire(wire), { operationId: operation.id, ...more });
}
