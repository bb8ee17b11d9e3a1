// How a delegate becomes one of its group, at every start: welcomed by a manager, and with the keys that the group has now.
import { setTimeout as delay } from 'node:timers/promises';
import { idOfEdition, isGenuineEdition } from '../../src/contract/group-keys.js';
import type { Welcome } from '../../src/contract/presence.js';
import { contractVersion } from '../../src/contract/version.js';
import { Failure } from '../../src/kernel/failure.js';
import type { Log } from '../../src/kernel/log.js';
import type { Identity } from '../../src/sealing/identity.js';
import type { IdentityFile } from './delegate-files.js';
import type { GroupFile } from './group-file.js';
import { adopt, findGroupKeys, hasGroupKeys, hasKeyring, numberOf, signNewcomer } from './group-keys.js';
import { promoteEdition } from './group-rotation.js';
import { outlastKms } from './outlast-kms.js';
import type { PresenceReporter } from './presence-reporter.js';
import type { VitalSigns } from './vital-signs.js';

interface Newcomer {
  groupFile: GroupFile;
  keys: IdentityFile;
  identity: Identity;
  who: { delegate: string; group: string };
}

type AcceptedWelcome = Extract<Welcome, { accepted: true }>;

const RETRY_MS = 2_000;
const KEYRING_MISSING =
  'has the keys of the group and lacks its keyring: waits for another delegate to hand it over. ' +
  'If no other delegate of the group has it, make a new one: npm run -s delegate -- keyring make';
/**
 * Says hello until the manager has welcomed this delegate and it has the current keys of its group. Where a
 * KMS wraps what it has of them, no manager is greeted before they are open.
 * @throws CONTRACT_VERSION_MISMATCH, KEY_FILE_UNUSABLE, CONFIGURATION_INVALID, SECRET_*
 */
export async function joinGroup(
  person: Newcomer,
  reporter: PresenceReporter,
  vitals: VitalSigns,
  log: Log,
): Promise<void> {
  const stop = new AbortController();
  const abort = (): void => stop.abort(new Error('stopped before a manager answered'));
  process.once('SIGTERM', abort).once('SIGINT', abort).once('disconnect', abort);
  const { groupFile, who } = person;
  const tell = tellOfKms(person, vitals, log);
  const outlast = <T>(work: () => Promise<T>): Promise<T> => outlastKms(work, { signal: stop.signal, tell });
  try {
    await outlast(() => groupFile.read());
    for (let isBehind = false; ; ) {
      // A keyring that is gone comes from the others again; a new one would open nothing of theirs.
      const own = hasKeyring(groupFile.folder) ? await findGroupKeys(groupFile) : undefined;
      const lacks: boolean = own === undefined || isBehind;
      const welcome = await greet(person, reporter, { lacks, signal: stop.signal });
      const isFirst = vitals.welcome();
      if (isFirst) log.info({ ...who, contract: welcome.contract }, 'welcomed');
      const has: boolean = (await outlast(() => takeKeys(person, welcome, log))) || !lacks;
      if (has && (await outlast(() => isUpToDate(person, welcome, log)))) return;
      if (has && !isBehind)
        log.warn(who, 'lacks the current keys of its group, which others of it made meanwhile');
      isBehind ||= has;
      if (isFirst && own === undefined) log.warn(who, lackOf(person));
      // What it did not know that it lacks it asks for at once.
      if (lacks) await delay(RETRY_MS, undefined, { signal: stop.signal });
    }
  } finally {
    process.off('SIGTERM', abort).off('SIGINT', abort).off('disconnect', abort);
  }
}

/** The log hears it when it changes, the health endpoint has it all the while. */
function tellOfKms({ who }: Newcomer, vitals: VitalSigns, log: Log): (failure: Failure | undefined) => void {
  let known: string | undefined;
  return (failure) => {
    vitals.noteKms(failure?.code);
    if (failure?.code === known) return;
    known = failure?.code;
    if (failure === undefined) return log.info(who, 'the KMS that wraps the keys of the group answers again');
    const { code, hint } = failure;
    log.warn({ ...who, code, hint, err: failure }, 'waits for the KMS that wraps the keys of the group');
  };
}

/** @throws CONTRACT_VERSION_MISMATCH */
async function greet(
  { keys, identity }: Newcomer,
  reporter: PresenceReporter,
  { lacks, signal }: { lacks: boolean; signal: AbortSignal },
): Promise<AcceptedWelcome> {
  const wants = lacks ? signNewcomer(identity, keys.sealing.publicKey) : null;
  const welcome = await reporter.hello(wants, signal);
  if (welcome.accepted) return welcome;
  throw new Failure('CONTRACT_VERSION_MISMATCH', { manager: welcome.contract, delegate: contractVersion });
}

/** Whether another delegate has handed over the keys. @throws KEY_FILE_UNUSABLE */
async function takeKeys(
  { groupFile, keys, who }: Newcomer,
  { groupKeys }: AcceptedWelcome,
  log: Log,
): Promise<boolean> {
  if (groupKeys === null) return false;
  await adopt(groupFile, keys, groupKeys);
  log.info({ audit: true, ...who }, 'group keys received');
  return true;
}

const lackOf = ({ groupFile: { folder, enrolment } }: Newcomer): string =>
  hasGroupKeys(folder, enrolment)
    ? KEYRING_MISSING
    : 'waits for another delegate to hand over the keys of the group';

/**
 * Whether this delegate has the edition that the manager names; what it had staged of it, it takes into use. An edition that the
 * group's identity did not sign is nobody's.
 */
async function isUpToDate(
  { groupFile, who }: Newcomer,
  { edition }: AcceptedWelcome,
  log: Log,
): Promise<boolean> {
  if (edition === null) return true;
  if (!isGenuineEdition(edition, groupFile.enrolment.group.identityKey)) {
    log.warn({ audit: true, ...who }, 'the manager names keys that the identity of the group did not sign');
    return true;
  }
  const group = await findGroupKeys(groupFile);
  if (group?.staged != null && idOfEdition(group.staged.edition) === idOfEdition(edition)) {
    await promoteEdition(groupFile, edition, Date.now());
    log.info({ audit: true, ...who, edition: idOfEdition(edition) }, 'group keys taken into use');
    return true;
  }
  const number = numberOf(group?.edition ?? null);
  return (
    number > edition.number || (group?.edition != null && idOfEdition(group.edition) === idOfEdition(edition))
  );
}
