// Pure: after which failures of a push it is open whether it arrived.
import type { Failure } from '../kernel/failure.js';
import type { Plan } from './lanes.repository.js';

/** After these it is open whether the push arrived. After any other failure it is certain that it did not. */
const doubtful = new Set([
  'GIT_OUTCOME_UNKNOWN',
  'TASK_OUTCOME_UNKNOWN',
  'TASK_POISONED',
  'DELEGATE_SILENT',
  'INTERNAL',
]);
/** These come of the chain and its base alone: an earlier attempt at the same plan met the same. */
const foregone = new Set(['GIT_PATH_BLOCKED', 'INPUT_REFUSED']);
/** So often the host must have refused a plan, its branch read each time, before a lost earlier push counts as refused too. */
const REFUSALS_MIN = 2;

/** Whether the plan may have reached the branch although this attempt failed. */
export function isInDoubt({ attempts }: Pick<Plan, 'attempts'>, { code }: Pick<Failure, 'code'>): boolean {
  if (doubtful.has(code)) return true;
  if (attempts === 1 || foregone.has(code)) return false;
  return code !== 'GIT_PUSH_REJECTED' || attempts <= REFUSALS_MIN;
}
