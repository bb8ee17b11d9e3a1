// What `delegate doctor` is made of: checks that look at one thing each, change nothing, and say what to do.
import type { Config } from '../../../src/config/config.js';
import type { EnrolmentFile } from '../../runtime/delegate-files.js';
import type { DelegatePolicy } from '../../runtime/policy.js';

/** `note`: worth knowing, and no fault. `skipped`: something else has to be mended first. */
export type Status = 'ok' | 'note' | 'wrong' | 'skipped';

export interface Finding {
  status: Status;
  found: string;
  /** What to do about it. */
  mend?: string;
  /** What it is about, where that is not what the whole check is about. */
  name?: string;
}

/** The delegate that is looked at; what cannot be read of it is absent. */
export interface Patient {
  config: Config;
  folder: string;
  enrolment: EnrolmentFile | undefined;
  policy: DelegatePolicy | undefined;
}

export interface Check {
  /** What it looks at, in words for whoever reads. */
  name: string;
  /** What it throws counts as wrong. */
  look: (patient: Patient) => Finding[] | Promise<Finding[]>;
}

export const ok = (found: string): Finding => ({ status: 'ok', found });
export const note = (found: string, mend: string): Finding => ({ status: 'note', found, mend });
export const wrong = (found: string, mend: string): Finding => ({ status: 'wrong', found, mend });
export const skipped = (found: string): Finding => ({ status: 'skipped', found });

export const NOT_ENROLLED = 'not looked at: there is no enrolment that can be read';

/** 'connect ECONNREFUSED 10.0.0.1:443', also of an error that Node wraps. */
export function reasonOf(error: unknown): string {
  const { message, cause, errors } = error as Error & { errors?: Error[] };
  if (cause instanceof Error) return reasonOf(cause);
  if (message === '' && errors?.[0] !== undefined) return reasonOf(errors[0]);
  return message || String(error);
}
