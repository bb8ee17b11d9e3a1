// An import and its files as their rows have them.
import type { ImportItemRow, ImportRow } from '../storage/import-schema.js';
import type { ImportOutcome, Verdict, Wanted } from './import-plan.js';

export type ImportRecord = ImportRow;
export type ImportItem = ImportItemRow;

export const outcomes = [
  'create',
  'update',
  'same',
  'invalid',
  'mismatch',
  'elsewhere',
  'taken',
  'refused',
] as const satisfies readonly ImportOutcome[];

export interface Progress {
  counts: Record<ImportOutcome, number>;
  total: number;
  done: number;
}

/** How far it is. */
export function progressOf({ counts, total, done, state }: ImportRecord): Progress {
  const known = (counts ?? {}) as Partial<Progress['counts']>;
  const all = Object.fromEntries(outcomes.map((outcome) => [outcome, known[outcome] ?? 0]));
  return { counts: all as Progress['counts'], total, done: state === 'done' ? total : done };
}

/** A name that is none is kept as its problem. */
export function meaningColumns(meaning: Wanted['meaning']) {
  if (meaning === undefined) return {};
  if ('named' in meaning) {
    const { scope, kind, id } = meaning.named;
    return { kind, entity_scope: scope, entity_id: id };
  }
  return { kind: meaning.kind, failure: JSON.stringify({ problem: meaning.problem }) };
}

export function toWanted({
  path,
  is_named,
  kind,
  entity_scope,
  entity_id,
  failure,
  outcome,
}: ImportItem): Wanted {
  const wanted = { path, isNamed: is_named };
  if (kind === null) return { ...wanted, meaning: undefined };
  if (entity_scope !== null && entity_id !== null)
    return { ...wanted, meaning: { named: { scope: entity_scope, kind, id: entity_id } } };
  const { problem, data } = (failure ?? {}) as { problem?: string; data?: { problem?: string } };
  return { ...wanted, meaning: { kind, problem: (outcome === null ? problem : data?.problem) ?? '' } };
}

export function toColumns({ path, blob, named, kind, outcome, failure }: Verdict) {
  return {
    path,
    blob_id: blob,
    kind,
    entity_scope: named?.scope ?? null,
    entity_id: named?.id ?? null,
    outcome,
    failure: failure === null ? null : JSON.stringify(failure),
  };
}
