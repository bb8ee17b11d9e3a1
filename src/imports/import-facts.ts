// What is told of imports to whoever counts.
import { tell } from '../kernel/facts.js';
import type { Verdict } from './import-plan.js';

/** A part was judged or applied, which the import may end with. */
export function tellPart({ state }: { state: string }, verdicts: Verdict[], isLast: boolean): void {
  const files: Record<string, number> = {};
  for (const { outcome } of verdicts) files[outcome] = (files[outcome] ?? 0) + 1;
  const isReport = state === 'reporting';
  tell('import.part', { work: isReport ? 'report' : 'apply', files });
  if (isLast) tell('import.end', { outcome: isReport ? 'reported' : 'done' });
}
