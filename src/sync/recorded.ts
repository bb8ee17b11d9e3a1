// What the sync rooms put on record of their own accord: how operations end, and what refreshes and imports bring.
import { SYSTEM } from '../audit/acting.js';
import { recordAs } from '../audit/record.js';
import type { Session } from '../storage/database.js';
import type { OperationRecord } from './operations.repository.js';
import type { Action } from './refresh-plan.js';
import { ofOperation } from './told.js';

/** In the words of the event that tells subscribers. */
export function recordOperation(
  tx: Session,
  operation: Parameters<typeof ofOperation>[0] & Partial<Pick<OperationRecord, 'requested_by'>>,
  outcome: Parameters<typeof ofOperation>[1],
  more: object,
): void {
  const { scope, subject: target, type: action, data } = ofOperation(operation, outcome, more);
  const asked = operation.requested_by ?? null;
  recordAs(tx, SYSTEM, {
    action,
    scope,
    target,
    data: { ...data, ...(asked === null ? {} : { requestedBy: asked }) },
  });
}

/** One entry for all that one transaction brings of a commit, however many files that are; none for nothing. */
export function recordPart(
  tx: Session,
  place: { scope: string; connector: string; branch: string; commit: string; by: 'refreshed' | 'imported' },
  actions: Action[],
): void {
  const counts: Record<string, number> = {};
  for (const action of actions) {
    const what = nameOf(action);
    counts[what] = (counts[what] ?? 0) + 1;
  }
  if (actions.length === 0) return;
  const { scope, connector, branch, commit, by } = place;
  const data = { branch, commit, ...counts };
  recordAs(tx, SYSTEM, { action: `copies.${by}`, scope, target: `connectors/${connector}`, data });
}

function nameOf(action: Action): string {
  if (action.do === 'delete') return 'deleted';
  return action.do === 'write' ? action.change : action.verdict;
}
