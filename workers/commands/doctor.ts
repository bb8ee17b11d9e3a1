// `delegate doctor`: looks at everything a delegate depends on, in turn, changes nothing, and says what to mend.
import type { Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import type { Config } from '../../src/config/config.js';
import { Failure } from '../../src/kernel/failure.js';
import { redact, registerSecret } from '../../src/kernel/redact.js';
import { type EnrolmentFile, readDelegateFile } from '../runtime/delegate-files.js';
import { openPolicy } from '../runtime/policy.js';
import type { Check, Finding, Patient } from './checks/check.js';
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

type NamedFinding = Finding & { name: string };

const USAGE = 'Usage: doctor [--json]';

/** In this order. Whatever else a delegate serves adds its own check. */
const checks: readonly Check[] = [
  ...machineChecks,
  managerCheck,
  queueCheck,
  gitHostsCheck,
  secretManagersCheck,
];

/** The command's exit code: 1 where anything is wrong. */
export async function doctor(command: DoctorCommand): Promise<number> {
  const asJson = parse(command.arguments);
  if (asJson === undefined) {
    command.stderr.write(`${USAGE}\n`);
    return 2;
  }
  const patient = look(command.config);
  const forget = registerSecret(passwordOf(patient));
  try {
    const all: NamedFinding[] = [];
    for (const check of checks) {
      const findings = (await examine(check, patient)).map(clean);
      all.push(...findings);
      if (!asJson) for (const finding of findings) command.stdout.write(`${line(finding)}\n`);
    }
    const isWell = all.every(({ status }) => status !== 'wrong');
    if (asJson) command.stdout.write(`${JSON.stringify({ ok: isWell, checks: all })}\n`);
    return isWell ? 0 : 1;
  } finally {
    forget();
  }
}

function parse(args: string[]): boolean | undefined {
  try {
    return parseArgs({ args, options: { json: { type: 'boolean' } } }).values.json ?? false;
  } catch {
    return undefined;
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

async function examine({ name, look: find }: Check, patient: Patient): Promise<NamedFinding[]> {
  try {
    return (await find(patient)).map((finding) => ({ ...finding, name: finding.name ?? name }));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return [{ status: 'wrong', name, found: error.message, mend: error.hint }];
  }
}

/** Words of others may quote what is secret, or span lines. */
function clean({ status, name, found, mend }: NamedFinding): NamedFinding {
  const plain = (text: string): string => redact(text).replace(/\s*\n\s*/g, ' ');
  return { status, name, found: plain(found), ...(mend === undefined ? {} : { mend: plain(mend) }) };
}

const line = ({ status, name, found, mend }: NamedFinding): string =>
  `${status.padEnd(8)}${name}: ${found}${mend === undefined ? '' : `. ${mend}`}`;
