// What a doctor is made of: checks that look at one thing each, change nothing, and say what to do; and how what they find is told.
import type { Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import { Failure } from '../kernel/failure.js';
import { redact } from '../kernel/redact.js';

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

export interface Check<Patient> {
  /** What it looks at, in words for whoever reads. */
  name: string;
  /** What it throws counts as wrong. */
  look: (patient: Patient) => Finding | Finding[] | Promise<Finding | Finding[]>;
}

export const ok = (found: string): Finding => ({ status: 'ok', found });
export const note = (found: string, mend: string): Finding => ({ status: 'note', found, mend });
export const wrong = (found: string, mend: string): Finding => ({ status: 'wrong', found, mend });
export const skipped = (found: string): Finding => ({ status: 'skipped', found });

/** 'connect ECONNREFUSED 10.0.0.1:443', also of an error that Node wraps. */
export function reasonOf(error: unknown): string {
  const { message, cause, errors } = error as Error & { errors?: Error[] };
  if (cause instanceof Error) return reasonOf(cause);
  if (message === '' && errors?.[0] !== undefined) return reasonOf(errors[0]);
  return message || String(error);
}

type NamedFinding = Finding & { name: string };

const USAGE = 'Usage: doctor [--json]';

/** Whether JSON is wanted; undefined, once the usage is told, where the arguments are none of a doctor’s. */
export function readDoctorArguments(args: string[], stderr: Writable): boolean | undefined {
  try {
    return parseArgs({ args, options: { json: { type: 'boolean' } } }).values.json ?? false;
  } catch {
    stderr.write(`${USAGE}\n`);
    return undefined;
  }
}

/** Tells what each check finds, in order. The exit code: 1 where anything is wrong. */
export async function examine<Patient>(
  checks: readonly Check<Patient>[],
  patient: Patient,
  { asJson, stdout }: { asJson: boolean; stdout: Writable },
): Promise<number> {
  const all: NamedFinding[] = [];
  for (const check of checks) {
    const findings = (await lookBy(check, patient)).map(clean);
    all.push(...findings);
    if (!asJson) for (const finding of findings) stdout.write(`${line(finding)}\n`);
  }
  const isWell = all.every(({ status }) => status !== 'wrong');
  if (asJson) stdout.write(`${JSON.stringify({ ok: isWell, checks: all })}\n`);
  return isWell ? 0 : 1;
}

async function lookBy<Patient>({ name, look }: Check<Patient>, patient: Patient): Promise<NamedFinding[]> {
  try {
    return [await look(patient)].flat().map((finding) => ({ ...finding, name: finding.name ?? name }));
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
