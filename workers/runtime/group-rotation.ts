// How a delegate's keys of its group change while it works. The next edition is kept in the files, and only opens, until every
// delegate of the group has it; then it takes the place of the current one, which goes on opening for a while.
import {
  type GroupEdition,
  idOfEdition,
  isGenuineEdition,
  signEdition,
} from '../../src/contract/group-keys.js';
import type { TaskInput } from '../../src/contract/tasks.js';
import { activateKey, addKey } from '../../src/envelope/key-file.js';
import { Failure } from '../../src/kernel/failure.js';
import { makeP256Pair, makeSealingPair } from '../../src/sealing/hpke.js';
import { Identity } from '../../src/sealing/identity.js';
import {
  type EnrolmentFile,
  type GroupKeysFile,
  readDelegateFile,
  writeDelegateFile,
} from './delegate-files.js';
import { keyringFile, numberOf, requireKeys } from './group-keys.js';

/** What was sealed to a key that is no longer the current one is opened for so long: a value is good for 15 minutes. */
export const PREVIOUS_MS = 20 * 60_000;

const refuse = (reason: string): Failure => new Failure('TASK_REFUSED', { reason }) as Failure;

/**
 * Makes what the rotation asks for, and signs it as the group; asked again, answers what it made. What another rotation left
 * staged is taken into use first where it is current by now; where it is not, it goes on opening for a while.
 * @throws TASK_REFUSED where this delegate lacks what is current, KEY_FILE_UNUSABLE
 */
export async function stageEdition(
  folder: string,
  enrolment: EnrolmentFile,
  { rotation, keys, current }: TaskInput<'group.stage'>,
  now: number,
): Promise<GroupEdition> {
  const known = requireKeys(folder, enrolment).group;
  const made = [known.staged?.edition, known.edition].find((one) => one?.rotation === rotation);
  if (made != null) return made;
  if (current !== null) promoteEdition(folder, enrolment, current, now);
  else if (known.edition !== null) throw refuse('this delegate has newer keys than those that are to follow');
  const { group, keyring } = requireKeys(folder, enrolment);
  const isSealing = keys.includes('sealing');
  const sealing = isSealing ? await makeSealingPair() : group.sealing;
  const p256 = isSealing || group.p256 === null ? await makeP256Pair() : group.p256;
  const active = keyring.keys.find(({ state }) => state === 'active') as { id: string };
  const edition = signEdition(new Identity(group.identity), {
    rotation,
    number: numberOf(group.edition) + 1,
    sealingKey: sealing.publicKey,
    p256Key: p256.publicKey,
    keyring: keys.includes('keyring') ? addKey(keyringFile(folder)) : active.id,
  });
  writeDelegateFile(folder, 'group.json', {
    ...group,
    staged: { edition, sealing, p256 },
    previous: [...(group.staged === null ? [] : replaced(group.staged, group, now)), ...group.previous],
  });
  return edition;
}

/**
 * Makes the staged edition the current one; asked again, changes nothing.
 * @throws TASK_REFUSED for an edition that the group did not sign, or that this delegate lacks; KEY_FILE_UNUSABLE
 */
export function promoteEdition(
  folder: string,
  enrolment: EnrolmentFile,
  edition: GroupEdition,
  now: number,
): void {
  if (!isGenuineEdition(edition, enrolment.group.identityKey))
    throw refuse('the identity of the group did not sign these keys');
  const { group } = requireKeys(folder, enrolment);
  const id = idOfEdition(edition);
  if (group.edition !== null && idOfEdition(group.edition) === id) return;
  const { staged } = group;
  if (staged === null || idOfEdition(staged.edition) !== id)
    throw refuse('this delegate does not have these keys');
  // Before the group's own file: cut off in between, it is promoted again.
  activateKey(keyringFile(folder), edition.keyring);
  writeDelegateFile(folder, 'group.json', {
    ...group,
    ...staged,
    staged: null,
    previous: [...replaced(group, staged, now), ...group.previous],
  });
}

function replaced(
  { sealing, p256 }: Pick<GroupKeysFile, 'sealing' | 'p256'>,
  next: Pick<GroupKeysFile, 'sealing' | 'p256'>,
  now: number,
): GroupKeysFile['previous'] {
  if (sealing.publicKey === next.sealing.publicKey) return [];
  return [{ sealing, p256, until: now + PREVIOUS_MS }];
}

/** Destroys what has had its time; whether there was any. @throws KEY_FILE_UNUSABLE */
export function destroyPrevious(folder: string, now: number): boolean {
  const group = readDelegateFile(folder, 'group.json');
  const left = group?.previous.filter(({ until }) => until > now);
  if (group === undefined || left?.length === group.previous.length) return false;
  writeDelegateFile(folder, 'group.json', { ...group, previous: left ?? [] });
  return true;
}
