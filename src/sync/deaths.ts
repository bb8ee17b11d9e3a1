// Operations that cost delegate after delegate.
import { Failure } from '../kernel/failure.js';
import type { GitOperation } from './operations.repository.js';

/** So many delegates may go away over an operation before it counts as one that kills them. */
export const DEATHS_MAX = 5;

/** How many delegates went away over this attempt. */
export function lostOver({ data }: Failure): number {
  const { lost } = data as { lost?: unknown };
  return Number.isInteger(lost) ? (lost as number) : 0;
}

/** How many went away over these operations with this attempt and before; a batch has cost as many as the dearest of it. */
export const deathsOf = (operations: GitOperation[], failure: Failure): number =>
  lostOver(failure) + Math.max(0, ...operations.map(({ deaths }) => deaths));

export function poisoned(lost: number, failure: Failure): Failure {
  const { reason = failure.message } = failure.data as { reason?: string };
  return new Failure('TASK_POISONED', { lost, reason }) as Failure;
}
