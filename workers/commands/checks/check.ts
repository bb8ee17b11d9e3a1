// The delegate as its doctor sees it.
import type { Config } from '../../../src/config/config.js';
import type { Check } from '../../../src/telemetry/examination.js';
import type { EnrolmentFile } from '../../runtime/delegate-files.js';
import type { DelegatePolicy } from '../../runtime/policy.js';

/** The delegate that is looked at; what cannot be read of it is absent. */
export interface Patient {
  config: Config;
  folder: string;
  enrolment: EnrolmentFile | undefined;
  policy: DelegatePolicy | undefined;
}

export type DelegateCheck = Check<Patient>;

export const NOT_ENROLLED = 'not looked at: there is no enrolment that can be read';
