// `delegate secret put`: seals a value on this side of the wall; what it prints is what the API takes.
import type { Readable, Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import { type KeyRing, openKeyFile } from '../../src/envelope/key-file.js';
import { Failure } from '../../src/kernel/failure.js';
import { readDelegateFile } from '../runtime/delegate-files.js';
import { hasKeyring, keyringFile, openSharedKeyring } from '../runtime/group-keys.js';
import { Keyring } from '../secret-managers/keyring.js';

export interface SecretPut {
  arguments: string[];
  /** The value, with at most one line end behind it. */
  stdin: Readable;
  stdout: Writable;
  stderr: Writable;
  dataDir: string;
}

const ID = '[A-Za-z_][A-Za-z0-9_$-]{0,127}';
const SCOPE = new RegExp(`^accounts/${ID}(/orgs/${ID}(/projects/${ID})?)?$`);
const VALUE_BYTES_MAX = 64 * 1024;

/** The command's exit code. @throws DELEGATE_KEYS_MISSING, DELEGATE_NOT_ENROLLED, KEY_FILE_UNUSABLE */
export async function putSecret(put: SecretPut): Promise<number> {
  const complain = (text: string, code: number): number => {
    put.stderr.write(`${text}\n`);
    return code;
  };
  const values = parse(put.arguments);
  if (values === undefined || !SCOPE.test(values.scope ?? '') || !new RegExp(`^${ID}$`).test(values.id ?? ''))
    return complain(
      'Usage: secret put --scope accounts/A[/orgs/O[/projects/P]] --id SECRET [--deployment ID] < value',
      2,
    );
  const dataDir = values['data-dir'] ?? put.dataDir;
  const { ring, deployment } = openRing(dataDir, values.deployment);
  const value = await readValue(put.stdin);
  try {
    const problem = refusal(value);
    if (problem !== undefined) return complain(`The value on standard input ${problem}`, 1);
    const place = { scope: values.scope as string, secret: values.id as string };
    const envelope = await new Keyring(ring, deployment).put(value, place);
    put.stdout.write(`${JSON.stringify({ manager: 'keyring', envelope })}\n`);
    return 0;
  } finally {
    value.fill(0);
  }
}

function parse(args: string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({ args, options: { scope: text, id: text, deployment: text, 'data-dir': text } }).values;
  } catch {
    return undefined;
  }
}

/**
 * What to seal with, and for whom. A copy of a keyring, in a folder where no delegate has enrolled, needs to be told for whom.
 * A keyring that only this delegate had would be made for nothing: the others of its group could not open what it seals.
 * @throws DELEGATE_KEYS_MISSING, DELEGATE_NOT_ENROLLED, KEY_FILE_UNUSABLE
 */
function openRing(folder: string, named: string | undefined): { ring: KeyRing; deployment: string } {
  const enrolment = readDelegateFile(folder, 'delegate.json');
  if (enrolment !== undefined)
    return { ring: openSharedKeyring(folder, enrolment), deployment: named ?? enrolment.deployment };
  const unknown = (reason: string): Failure =>
    new Failure('DELEGATE_NOT_ENROLLED', { folder, reason }) as Failure;
  if (!hasKeyring(folder)) throw unknown('it holds no delegate.json, and no keyring either');
  if (named === undefined)
    throw unknown(
      'it holds no delegate.json; pass --deployment (GET /api/v1/health shows it) to use its keyring',
    );
  return { ring: openKeyFile(keyringFile(folder), { createIfMissing: false }), deployment: named };
}

async function readValue(stdin: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin) {
    chunks.push(Buffer.from(chunk as Buffer));
    bytes += (chunk as Buffer).length;
    if (bytes > VALUE_BYTES_MAX + 2) break;
  }
  const value = Buffer.concat(chunks);
  if (value.at(-1) !== 0x0a) return value;
  return value.subarray(0, value.at(-2) === 0x0d ? -2 : -1);
}

function refusal(value: Buffer): string | undefined {
  if (value.byteLength === 0) return 'is empty';
  if (value.byteLength > VALUE_BYTES_MAX) return `is longer than ${VALUE_BYTES_MAX} bytes`;
  const isKey = /^-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----\r?\n/.test(value.toString('latin1', 0, 64));
  if (isKey) return value.includes(0) ? 'holds a NUL' : undefined;
  return value.some((byte) => byte === 0x0a || byte === 0x0d || byte === 0)
    ? 'holds a line end or a NUL'
    : undefined;
}
