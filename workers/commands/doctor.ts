// `delegate doctor`: looks at everything a delegate depends on, in turn, changes nothing, and says what to mend.
import type { Writable } from 'node:stream';
import type { Config } from '../../src/config/config.js';
import { registerSecret } from '../../src/kernel/redact.js';
import { examine, readDoctorArguments } from '../../src/telemetry/examination.js';
import { type EnrolmentFile, readDelegateFile } from '../runtime/delegate-files.js';
import { openPolicy } from '../runtime/policy.js';
import type { DelegateCheck, Patient } from './checks/check.js';
import { gitHostsCheck } from './checks/git-hosts.js';
import { machineChecks } from './checks/machine.js';
import { managerCheck } from './checks/manager.js';
import { queueCheck } from './checks/queue.js';
import { secretManagersCheck } from './checks/secret-managers.js';

export interface DoctorCommand {
  arguments: string[];
  stdout: Writable;
  stderr: Writable;
  config: Config;
}

/** In this order. Whatever else a delegate serves adds its own check. */
const checks: readonly DelegateCheck[] = [
  ...machineChecks,
  managerCheck,
  queueCheck,
  gitHostsCheck,
  secretManagersCheck,
];

/** The command's exit code: 1 where anything is wrong. */
export async function doctor(command: DoctorCommand): Promise<number> {
  const asJson = readDoctorArguments(command.arguments, command.stderr);
  if (asJson === undefined) return 2;
  const patient = look(command.config);
  const forget = registerSecret(passwordOf(patient));
  try {
    return await examine(checks, patient, { asJson, stdout: command.stdout });
  } finally {
    forget();
  }
}

/** What can be read of the delegate; why the rest cannot is for the checks to say. */
function look(config: Config): Patient {
  const folder = config.SALLYPORT_DATA_DIR;
  const enrolment = attempt(() => readDelegateFile(folder, 'delegate.json'));
  return { config, folder, enrolment, policy: attempt(() => openPolicy(config)) };
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

const passwordOf = ({ enrolment }: { enrolment: EnrolmentFile | undefined }): string =>
  enrolment?.queue.kind === 'redis' ? enrolment.queue.password : '';
