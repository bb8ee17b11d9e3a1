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
import type { GroupKeysFile } from './delegate-files.js';
import type { GroupFile } from './group-file.js';
import { keyringFile, numberOf, requireKeys } from './group-keys.js';

/** What was sealed to a key that is no longer the current one is opened for so long: a value is good for 15 minutes. */
export const PREVIOUS_MS = 20 * 60_000;

const refuse = (reason: string): Failure => new Failure('TASK_REFUSED', { reason }) as Failure;

/**
 * Makes what the rotation asks for, and signs it as the group; asked again, answers what it made. What another rotation left
 * staged is taken into use first where it is current by now; where it is not, it goes on opening for a while.
 * @throws TASK_REFUSED where this delegate lacks what is current, KEY_FILE_UNUSABLE, and as the file's `write`
 */
export async function stageEdition(
  file: GroupFile,
  { rotation, keys, current }: TaskInput<'group.stage'>,
  now: number,
): Promise<GroupEdition> {
  const known = (await requireKeys(file)).group;
  const made = [known.staged?.edition, known.edition].find((one) => one?.rotation === rotation);
  if (made != null) return made;
  if (current !== null) await promoteEdition(file, current, now);
  else if (known.edition !== null) throw refuse('this delegate has newer keys than those that are to follow');
  const { group, keyring } = await requireKeys(file);
  const isSealing = keys.includes('sealing');
  const sealing = isSealing ? await makeSealingPair() : group.sealing;
  const p256 = isSealing || group.p256 === null ? await makeP256Pair() : group.p256;
  const active = keyring.keys.find(({ state }) => state === 'active') as { id: string };
  const edition = signEdition(new Identity(group.identity), {
    rotation,
    number: numberOf(group.edition) + 1,
    sealingKey: sealing.publicKey,
    p256Key: p256.publicKey,
    keyring: keys.includes('keyring') ? addKey(keyringFile(file.folder)) : active.id,
  });
  await file.write({
    ...group,
    staged: { edition, sealing, p256 },
    previous: [...(group.staged === null ? [] : replaced(group.staged, group, now)), ...group.previous],
  });
  return edition;
}

/**
 * Makes the staged edition the current one; asked again, changes nothing.
 * @throws TASK_REFUSED for an edition that the group did not sign, or that this delegate lacks; KEY_FILE_UNUSABLE, and as the file's `write`
 */
export async function promoteEdition(file: GroupFile, edition: GroupEdition, now: number): Promise<void> {
  if (!isGenuineEdition(edition, file.enrolment.group.identityKey))
    throw refuse('the identity of the group did not sign these keys');
  const { group } = await requireKeys(file);
  const id = idOfEdition(edition);
  if (group.edition !== null && idOfEdition(group.edition) === id) return;
  const { staged } = group;
  if (staged === null || idOfEdition(staged.edition) !== id)
    throw refuse('this delegate does not have these keys');
  // Before the group's own file: cut off in between, it is promoted again.
  activateKey(keyringFile(file.folder), edition.keyring);
  await file.write({
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

/** Destroys what has had its time; whether there was any. @throws as the file's `write` */
export async function destroyPrevious(file: GroupFile, now: number): Promise<boolean> {
  const group = await file.read();
  const left = group?.previous.filter(({ until }) => until > now);
  if (group === undefined || left?.length === group.previous.length) return false;
  await file.write({ ...group, previous: left ?? [] });
  return true;
}
