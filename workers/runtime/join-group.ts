// How a delegate becomes one of its group, at every start: welcomed by a manager, and with the keys that the group has now.
import { setTimeout as delay } from 'node:timers/promises';
import { idOfEdition, isGenuineEdition } from '../../src/contract/group-keys.js';
import type { Welcome } from '../../src/contract/presence.js';
import { contractVersion } from '../../src/contract/version.js';
import { Failure } from '../../src/kernel/failure.js';
import type { Log } from '../../src/kernel/log.js';
import type { Identity } from '../../src/sealing/identity.js';
import type { EnrolmentFile, IdentityFile } from './delegate-files.js';
import { adopt, findGroupKeys, hasKeyring, numberOf, signNewcomer } from './group-keys.js';
import { promoteEdition } from './group-rotation.js';
import type { PresenceReporter } from './presence-reporter.js';
import type { VitalSigns } from './vital-signs.js';

interface Newcomer {
  folder: string;
  enrolment: EnrolmentFile;
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
 * Says hello until the manager has welcomed this delegate and it has the current keys of its group; the contract they speak.
 * @throws CONTRACT_VERSION_MISMATCH, KEY_FILE_UNUSABLE
 */
export async function joinGroup(
  person: Newcomer,
  reporter: PresenceReporter,
  vitals: VitalSigns,
  log: Log,
): Promise<number> {
  const stop = new AbortController();
  const abort = (): void => stop.abort(new Error('stopped before a manager answered'));
  process.once('SIGTERM', abort).once('SIGINT', abort).once('disconnect', abort);
  const { folder, enrolment, who } = person;
  try {
    for (let isBehind = false; ; ) {
      // A keyring that is gone comes from the others again; a new one would open nothing of theirs.
      const own = hasKeyring(folder) ? findGroupKeys(folder, enrolment) : undefined;
      const lacks: boolean = own === undefined || isBehind;
      const welcome = await greet(person, reporter, { lacks, signal: stop.signal });
      const isFirst = vitals.welcome();
      if (isFirst) log.info({ ...who, contract: welcome.contract }, 'welcomed');
      const has: boolean = (await takeKeys(person, welcome, log)) || !lacks;
      if (has && isUpToDate(person, welcome, log)) return welcome.contract;
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
  { folder, enrolment, keys, who }: Newcomer,
  { groupKeys }: AcceptedWelcome,
  log: Log,
): Promise<boolean> {
  if (groupKeys === null) return false;
  await adopt(folder, enrolment, keys, groupKeys);
  log.info({ audit: true, ...who }, 'group keys received');
  return true;
}

const lackOf = ({ folder, enrolment }: Newcomer): string =>
  findGroupKeys(folder, enrolment) === undefined
    ? 'waits for another delegate to hand over the keys of the group'
    : KEYRING_MISSING;

/**
 * Whether this delegate has the edition that the manager names; what it had staged of it, it takes into use. An edition that the
 * group's identity did not sign is nobody's.
 */
function isUpToDate({ folder, enrolment, who }: Newcomer, { edition }: AcceptedWelcome, log: Log): boolean {
  if (edition == null) return true;
  if (!isGenuineEdition(edition, enrolment.group.identityKey)) {
    log.warn({ audit: true, ...who }, 'the manager names keys that the identity of the group did not sign');
    return true;
  }
  const group = findGroupKeys(folder, enrolment);
  if (group?.staged != null && idOfEdition(group.staged.edition) === idOfEdition(edition)) {
    promoteEdition(folder, enrolment, edition, Date.now());
    log.info({ audit: true, ...who, edition: idOfEdition(edition) }, 'group keys taken into use');
    return true;
  }
  const number = numberOf(group?.edition ?? null);
  return (
    number > edition.number || (group?.edition != null && idOfEdition(group.edition) === idOfEdition(edition))
  );
}
