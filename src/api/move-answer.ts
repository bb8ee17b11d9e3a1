// How a move, and what becomes of its entities, look from outside.
import { z } from 'zod';
import { Failure, type WireFailure } from '../kernel/failure.js';
import type { Planned } from '../moves/move-plan.js';
import { itemStates, type MoveItem, type MoveRecord, type Target } from '../sync/moves.repository.js';
import type { Origin } from '../sync/operation-changes.js';
import { ProblemAnswer } from './answers.js';
import { toProblem } from './problem.filter.js';

const Place = z
  .discriminatedUnion('store', [
    z.strictObject({ store: z.literal('inline') }),
    z.strictObject({
      store: z.literal('git'),
      connector: z.string(),
      branch: z.string(),
      path: z.string(),
      commitId: z.string().optional().meta({ description: 'Of the copy that is moved' }),
    }),
  ])
  .meta({ id: 'MovePlace' });

const entity = { kind: z.string(), entity: z.string() };
const from = Place.nullable().meta({ description: 'Null where there is no such entity' });
const to = Place.nullable().meta({ description: 'Null where it has no place to be at' });

const PlannedAnswer = z
  .strictObject({
    ...entity,
    outcome: z.enum(['move', 'same', 'blocked']),
    from,
    to,
    problem: ProblemAnswer.nullable().meta({ description: 'Why it is blocked' }),
  })
  .meta({ id: 'PlannedMove' });

const reported = z.strictObject({ move: z.int(), same: z.int(), blocked: z.int() });

export const MoveReport = z
  .strictObject({ dryRun: z.literal(true), counts: reported, entities: z.array(PlannedAnswer) })
  .meta({ id: 'MoveReport', description: 'What the move would do; nothing has changed' });

const State = z.enum(itemStates).meta({
  description:
    '`adding`: its commit is to come; `removing`: it is there, and its old file is to go; `left`: it is there, and its old file is, too; `failed`: it is where it was; `same`: it was there already',
});
const counts = Object.fromEntries(itemStates.map((state) => [state, z.int()])) as Record<
  (typeof itemStates)[number],
  z.ZodInt
>;

export const MoveAnswer = z
  .strictObject({
    id: z.uuid(),
    scope: z.string(),
    state: z.enum(['adding', 'removing', 'done', 'failed']),
    to: z.discriminatedUnion('store', [
      z.strictObject({ store: z.literal('inline') }),
      z.strictObject({ store: z.literal('git'), connector: z.string(), branch: z.string() }),
    ]),
    keepFiles: z.boolean(),
    counts: z.strictObject(counts).meta({ description: 'Entities by what became of them so far' }),
    operations: z.array(z.string()).meta({ description: 'One for each commit, in their order' }),
    requestedBy: z.string(),
    createdAt: z.iso.datetime(),
    finishedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Move' });

export const MovePage = z
  .strictObject({ moves: z.array(MoveAnswer), nextCursor: z.string().nullable() })
  .meta({ id: 'MovePage' });

const ItemAnswer = z
  .strictObject({
    ...entity,
    state: State,
    from,
    to,
    operationId: z.string().nullable().meta({ description: 'What brings it to its place' }),
    removalId: z
      .string()
      .nullable()
      .meta({ description: 'What removes its old file, where another one does' }),
    problem: ProblemAnswer.nullable().meta({ description: 'Why it is blocked, failed or left' }),
  })
  .meta({ id: 'MoveItem' });

export const MoveItemPage = z
  .strictObject({ entities: z.array(ItemAnswer), nextCursor: z.string().nullable() })
  .meta({ id: 'MoveItemPage' });

export const MoveItemState = State;

type Answer = z.infer<typeof MoveAnswer>;

export function toReport(planned: Planned[], target: Target): z.infer<typeof MoveReport> {
  const of = (outcome: Planned['outcome']): number => planned.filter((one) => one.outcome === outcome).length;
  return {
    dryRun: true,
    counts: { move: of('move'), same: of('same'), blocked: of('blocked') },
    entities: planned.map((one) => toPlanned(one, target)),
  };
}

export function toPlanned({ kind, id, outcome, origin, path, failure }: Planned, target: Target) {
  return {
    kind,
    entity: id,
    outcome,
    from: toFrom(origin),
    to: toPlace(target, path, outcome !== 'blocked'),
    problem: failure === null ? null : (toProblem(failure) as z.infer<typeof ProblemAnswer>),
  };
}

export function toMoveAnswer(
  move: MoveRecord,
  found: { counts: Answer['counts']; operations: string[] },
): Answer {
  const target = move.target as Target;
  return {
    id: move.id,
    scope: move.scope,
    state: move.state,
    to:
      target.store === 'inline'
        ? target
        : { store: 'git', connector: target.connector, branch: target.branch },
    keepFiles: move.keep_files,
    ...found,
    requestedBy: move.requested_by,
    createdAt: move.created_at.toISOString(),
    finishedAt: move.finished_at?.toISOString() ?? null,
  };
}

export function toItem(item: MoveItem, target: Target) {
  return {
    kind: item.kind,
    entity: item.entity_id,
    state: item.state,
    from: toFrom(item.origin),
    to: toPlace(target, item.path, item.state !== 'blocked'),
    operationId: item.operation_id,
    removalId: item.removal_id,
    problem: item.failure === null ? null : toProblem(Failure.fromWire(item.failure as WireFailure)),
  };
}

function toFrom(origin: Origin | null) {
  if (origin === null || origin.store === 'inline') return origin;
  const { store, connector, branch, path, commitId } = origin;
  return { store, connector, branch, path, commitId };
}

function toPlace(target: Target, path: string | null, isKnown: boolean) {
  if (target.store === 'inline') return isKnown ? target : null;
  if (path === null) return null;
  return { store: target.store, connector: target.connector, branch: target.branch, path };
}
