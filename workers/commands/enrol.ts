// `delegate enrol`: makes this delegate's keys, and joins a group with a token. One HTTPS call; afterwards the delegate
// needs nothing but the queue and what it serves. The keys are on disk before the call and its answer before anything is made
// of it, so that a run that was cut off anywhere is finished by the next one.
import fs from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import type { Config } from '../../src/config/config.js';
import { Enrolment, type EnrolmentRequest, proofText } from '../../src/contract/enrolment.js';
import type { SelfDescription } from '../../src/contract/presence.js';
import { openKeyFile } from '../../src/envelope/key-file.js';
import { Failure } from '../../src/kernel/failure.js';
import { step } from '../../src/kernel/step.js';
import { fingerprintOf, Identity, isSignedBy } from '../../src/sealing/identity.js';
import { reasonOf } from '../../src/telemetry/examination.js';
import {
  type EnrolmentFile,
  type IdentityFile,
  isInstalled,
  makeGroupKeys,
  makeKeys,
  type PendingEnrolmentFile,
  readDelegateFile,
  removeDelegateFile,
  writeDelegateFile,
} from '../runtime/delegate-files.js';
import { hasGroupKeys, keyringFile } from '../runtime/group-keys.js';
import {
  callManager,
  isLocal,
  type ManagerAnswer,
  managerAddress,
  routeAt,
} from '../runtime/manager-line.js';
import { openPolicy } from '../runtime/policy.js';
import { describeSelf } from '../runtime/self-description.js';

export interface EnrolCommand {
  arguments: string[];
  /** The token, where it is named by `-`. */
  stdin: Readable;
  stdout: Writable;
  stderr: Writable;
  config: Config;
}

const USAGE =
  'Usage: enrol --manager URL (--token-file FILE | --token - < token | --token TOKEN) [--name NAME] [--replace]';
const TIMEOUT_MS = 30_000;
const TOKEN_BYTES_MAX = 1_024;

/** The command's exit code. @throws CONFIGURATION_INVALID, KEY_FILE_UNUSABLE, ENROLMENT_REFUSED */
export async function enrol(command: EnrolCommand): Promise<number> {
  const values = parse(command.arguments);
  const token = values === undefined ? undefined : await tokenOf(values, command.stdin);
  if (values?.manager === undefined || token === undefined) {
    command.stderr.write(`${USAGE}\n`);
    return 2;
  }
  const manager = parseManager(values.manager);
  const folder = command.config.SALLYPORT_DATA_DIR;
  const tell = (enrolment: EnrolmentFile): number => {
    command.stdout.write(`${report(folder, enrolment)}\n`);
    return 0;
  };
  const begun = readDelegateFile(folder, 'pending-enrolment.json');
  if (begun?.enrolment != null && values.replace !== true) {
    requireSameManager(folder, begun.enrolment, manager);
    return tell(install(folder, begun, begun.enrolment));
  }
  if (values.replace !== true) requireUnenrolled(folder);
  const pending = reusable(folder, begun, manager) ?? (await makePending());
  // Also where the file is there already: what cannot be written is found before the call.
  writeDelegateFile(folder, 'pending-enrolment.json', pending);
  const self = describeSelf(command.config, openPolicy(command.config), values.name);
  const answer = await step('delegate.enrol', () =>
    send(manager, token, requestFor(token, self, pending), command.config),
  );
  const enrolment = {
    format: 'sallyport-enrolment-1' as const,
    name: self.name,
    managerUrl: manager,
    ...answer,
  };
  writeDelegateFile(folder, 'pending-enrolment.json', { ...pending, enrolment });
  return tell(install(folder, pending, enrolment));
}

/** What is asked now is not what was begun. @throws ENROLMENT_REFUSED */
function requireSameManager(folder: string, { managerUrl, group }: EnrolmentFile, manager: string): void {
  if (managerUrl === manager) return;
  throw new Failure('ENROLMENT_REFUSED', {
    reason: `${folder} holds an unfinished enrolment in group ${group.name} at ${managerUrl}`,
    hint: `Finish it with --manager ${managerUrl}, or choose another data folder; --replace gives it up, with its keys`,
  });
}

/** The keys of a run that was cut off, which the same manager answers again; not those of one that was finished. */
function reusable(
  folder: string,
  begun: PendingEnrolmentFile | undefined,
  manager: string,
): PendingEnrolmentFile | undefined {
  const answered = begun?.enrolment;
  if (begun === undefined || answered == null) return begun;
  const isOver = answered.managerUrl !== manager || isInstalled(folder, answered);
  return isOver ? undefined : { ...begun, enrolment: null };
}

async function makePending(): Promise<PendingEnrolmentFile> {
  return {
    format: 'sallyport-pending-1',
    own: { format: 'sallyport-identity-1', ...(await makeKeys()) },
    group: await makeGroupKeys(),
    enrolment: null,
  };
}

function requestFor(
  token: string,
  self: SelfDescription,
  { own, group }: PendingEnrolmentFile,
): EnrolmentRequest {
  const identity = new Identity(own.identity);
  const groupIdentity = new Identity(group.identity);
  const keys = { identityKey: identity.publicKey, sealingKey: own.sealing.publicKey };
  return {
    self,
    ...keys,
    group: {
      identityKey: groupIdentity.publicKey,
      sealingKey: group.sealing.publicKey,
      signature: groupIdentity.sign('sealing-key', group.sealing.publicKey),
    },
    proof: identity.sign('enrolment', proofText(token, keys)),
  };
}

/** Can be done again. The enrolment comes last: with it the delegate has enrolled. */
function install(
  folder: string,
  { own, group }: PendingEnrolmentFile,
  enrolment: EnrolmentFile,
): EnrolmentFile {
  writeDelegateFile(folder, 'identity.json', own);
  if (enrolment.group.sealingKey === group.sealing.publicKey) {
    writeDelegateFile(folder, 'group.json', group);
    // The first delegate's keyring becomes the group's.
    openKeyFile(keyringFile(folder), { createIfMissing: true });
  }
  writeDelegateFile(folder, 'delegate.json', enrolment);
  removeDelegateFile(folder, 'pending-enrolment.json');
  return enrolment;
}

/** Keys that are overwritten are gone. @throws ENROLMENT_REFUSED */
function requireUnenrolled(folder: string): void {
  const present = readDelegateFile(folder, 'delegate.json');
  if (present === undefined) return;
  throw new Failure('ENROLMENT_REFUSED', {
    reason: `${folder} holds the enrolment of ${present.name} in group ${present.group.name} already`,
    hint: 'Add --replace to give it a new identity, or choose another data folder',
  });
}

function report(folder: string, enrolment: EnrolmentFile): string {
  const { name, group } = enrolment;
  const own = readDelegateFile(folder, 'identity.json') as IdentityFile;
  return [
    `Enrolled as ${name} in group ${group.name} of ${group.scope}.`,
    `Identity of this delegate: ${fingerprintOf(new Identity(own.identity).publicKey)}`,
    `Identity of the group:     ${fingerprintOf(group.identityKey)}`,
    hasGroupKeys(folder, enrolment)
      ? 'This delegate holds the keys of the group. Start it: npm run -s delegate'
      : 'Start it (npm run -s delegate) while another delegate of the group runs, which hands over the keys of the group.',
  ].join('\n');
}

function parse(args: string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args,
      options: { manager: text, token: text, 'token-file': text, name: text, replace: { type: 'boolean' } },
    }).values;
  } catch {
    return undefined;
  }
}

async function tokenOf(
  values: { token?: string; 'token-file'?: string },
  stdin: Readable,
): Promise<string | undefined> {
  const { token, 'token-file': file } = values;
  if ((token === undefined) === (file === undefined)) return undefined;
  if (file !== undefined) return fs.readFileSync(file, 'utf8').trim();
  if (token !== '-') return token;
  let text = '';
  for await (const chunk of stdin) {
    text += chunk;
    if (text.length > TOKEN_BYTES_MAX) break;
  }
  return text.trim();
}

/** Keys and the password for Redis come back: only over TLS, or within this machine. */
function parseManager(text: string): string {
  const refuse = (problem: string): Failure =>
    new Failure('CONFIGURATION_INVALID', { problems: [`--manager ${problem}`] }) as Failure;
  const manager = managerAddress(text);
  if (manager === undefined) throw refuse('is not a URL');
  const url = new URL(manager);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLocal(url)))
    throw refuse('is neither an https URL nor one of this machine');
  return manager;
}

async function send(
  manager: string,
  token: string,
  request: EnrolmentRequest,
  config: Config,
): Promise<Enrolment> {
  let answer: ManagerAnswer;
  try {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const call = { method: 'POST' as const, headers, body: JSON.stringify(request), timeoutMs: TIMEOUT_MS };
    answer = await callManager(routeAt(manager, 'enrolments'), call, config);
  } catch (cause) {
    const reason = reasonOf(cause);
    throw new Failure(
      'ENROLMENT_REFUSED',
      {
        reason: `${manager} cannot be reached: ${reason}`,
        hint: 'Check the address, and that the manager runs; then enrol again, which costs no second use of the token',
      },
      { cause },
    );
  }
  const { status, body } = answer;
  if (status !== 201) {
    const {
      detail = `${manager} answers ${status}, and not as a manager does`,
      hint = 'Check the address: it is that of the manager, with the path that a proxy serves it under, without /api/v1',
    } = (body ?? {}) as { detail?: string; hint?: string };
    throw new Failure('ENROLMENT_REFUSED', { reason: detail, hint });
  }
  const enrolment = Enrolment.safeParse(body);
  if (!enrolment.success)
    throw new Failure('ENROLMENT_REFUSED', {
      reason: 'the manager’s answer is not an enrolment',
      hint: 'Use a manager and a delegate of the same version',
    });
  const { group } = enrolment.data;
  if (!isSignedBy(group.identityKey, 'sealing-key', group.sealingKey, group.signature))
    throw new Failure('ENROLMENT_REFUSED', {
      reason: 'the group’s sealing key is not signed by its identity',
      hint: 'Ask the operators of the manager: its answer was changed',
    });
  return enrolment.data;
}
