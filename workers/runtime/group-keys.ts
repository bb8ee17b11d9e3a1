// The private keys of a group: made by its first delegate, handed by one that has them to one that lacks them, sealed to the
// newcomer's own key. No manager can read them on their way.
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { type GroupEdition, isGenuineEdition } from '../../src/contract/group-keys.js';
import { groupKeysInfo } from '../../src/contract/presence.js';
import type { TaskInput } from '../../src/contract/tasks.js';
import { adoptKeys, KeyFile, type KeyRing, openKeyFile, readKeyFile } from '../../src/envelope/key-file.js';
import { Failure } from '../../src/kernel/failure.js';
import { isP256Pair, isPair, Opener, type Sealed, Sealer } from '../../src/sealing/hpke.js';
import { fingerprintOf, Identity, isSignedBy } from '../../src/sealing/identity.js';
import { type EnrolmentFile, GroupKeysFile, type IdentityFile, readDelegateFile } from './delegate-files.js';
import { type GroupFile, isWrapped } from './group-file.js';
import type { DelegatePolicy } from './policy.js';

const HandedOver = z.strictObject({ group: GroupKeysFile, keyring: KeyFile });

export const keyringFile = (folder: string): string => path.join(folder, 'keyring.json');
/** A link that leads nowhere is a fault for whoever opens it, and no keyring that is missing. */
export const hasKeyring = (folder: string): boolean =>
  fs.lstatSync(keyringFile(folder), { throwIfNoEntry: false }) !== undefined;

/** The group's keys, if this delegate has them and the group's identity vouches for them. @throws as the file's `read` */
export async function findGroupKeys(file: GroupFile): Promise<GroupKeysFile | undefined> {
  const keys = await file.read();
  return keys !== undefined && areOf(file.enrolment, keys) ? keys : undefined;
}

/** Whether they are there, as far as can be seen without the KMS that may wrap them. @throws KEY_FILE_UNUSABLE */
export function hasGroupKeys(folder: string, enrolment: EnrolmentFile): boolean {
  const content = readDelegateFile(folder, 'group.json');
  if (content === undefined) return false;
  return isWrapped(content) ? content.group === enrolment.group.id : areOf(enrolment, content);
}

/** The keyring that this delegate shares with its group. @throws DELEGATE_KEYS_MISSING, KEY_FILE_UNUSABLE */
export function openSharedKeyring(folder: string, enrolment: EnrolmentFile): KeyRing {
  const lacking = (reason: string): Failure =>
    new Failure('DELEGATE_KEYS_MISSING', { folder, reason }) as Failure;
  if (!hasGroupKeys(folder, enrolment)) throw lacking('it has not been handed the keys of its group');
  if (!hasKeyring(folder)) throw lacking('its keyring is gone');
  return openKeyFile(keyringFile(folder), { createIfMissing: false });
}

/**
 * The enrolment pins the identity. What the group was founded with it pins as well, with the identity's signature; every
 * edition has a signature of its own.
 */
function areOf({ group }: EnrolmentFile, keys: GroupKeysFile): boolean {
  const { identity, sealing, p256, edition, staged } = keys;
  if (new Identity(identity).publicKey !== group.identityKey) return false;
  const isVouched = (of: GroupEdition, pairs: Pick<GroupKeysFile, 'sealing' | 'p256'>): boolean =>
    isGenuineEdition(of, group.identityKey) &&
    of.sealingKey === pairs.sealing.publicKey &&
    of.p256.sealingKey === pairs.p256?.publicKey;
  const isCurrent = edition === null ? sealing.publicKey === group.sealingKey : isVouched(edition, keys);
  return (
    isCurrent &&
    (staged === null || isVouched(staged.edition, staged)) &&
    [keys, ...(staged === null ? [] : [staged])].every((pairs) => isPair(pairs.sealing)) &&
    [p256, staged?.p256 ?? null].every((pair) => pair === null || isP256Pair(pair))
  );
}

/** What a newcomer signs to show that the sealing key is its own. */
export const signNewcomer = (identity: Identity, sealingKey: string): string =>
  identity.sign('group-keys', sealingKey);

/** @throws DELEGATE_POLICY_REFUSED, TASK_REFUSED, and as the file's `read` */
export async function handOver(
  file: GroupFile,
  policy: DelegatePolicy,
  newcomer: TaskInput<'group.handOver'>,
): Promise<Sealed> {
  const { delegate, identityKey, sealingKey, signature } = newcomer;
  if (!isSignedBy(identityKey, 'group-keys', sealingKey, signature))
    throw new Failure('TASK_REFUSED', { reason: 'the newcomer has not signed its sealing key' });
  policy.assertMayReceiveKeys(fingerprintOf(identityKey));
  const { group, keyring } = await requireKeys(file);
  const secret = Buffer.from(JSON.stringify({ group, keyring }));
  try {
    return await new Sealer(sealingKey, groupKeysInfo(file.enrolment.group.id)).seal(secret, delegate);
  } finally {
    secret.fill(0);
  }
}

/** What this delegate shares with its group. @throws TASK_REFUSED, and as the file's `read` */
export async function requireKeys(file: GroupFile): Promise<{ group: GroupKeysFile; keyring: KeyFile }> {
  const { folder } = file;
  const group = await findGroupKeys(file);
  if (group === undefined)
    throw new Failure('TASK_REFUSED', { reason: 'this delegate lacks the keys itself' });
  if (!hasKeyring(folder))
    throw new Failure('TASK_REFUSED', { reason: 'this delegate lacks the keyring itself' });
  return { group, keyring: readKeyFile(keyringFile(folder)) };
}

/** Opens and keeps what another delegate handed over. @throws KEY_FILE_UNUSABLE, and as the file's `write` */
export async function adopt(
  file: GroupFile,
  { sealing }: IdentityFile,
  sealed: Sealed,
): Promise<GroupKeysFile> {
  const { folder, enrolment } = file;
  const reject = (reason: string, cause?: unknown): Failure =>
    new Failure('KEY_FILE_UNUSABLE', { file: path.join(folder, 'group.json'), reason }, { cause }) as Failure;
  const opener = new Opener(sealing, groupKeysInfo(enrolment.group.id));
  const secret = await opener.open(sealed, enrolment.delegate).catch((cause: unknown) => {
    throw reject('what was handed over cannot be opened', cause);
  });
  const handed = parseHandedOver(secret);
  if (handed === undefined) throw reject('what was handed over is not readable');
  if (!areOf(enrolment, handed.group)) throw reject('what was handed over is of another group');
  const own = await findGroupKeys(file);
  const keys = own === undefined ? handed.group : join(own, handed.group);
  // Somebody may have recorded what was handed over once, and send it again.
  if (keys === undefined) throw reject('what was handed over is older than what is there');
  adoptKeys(keyringFile(folder), handed.keyring);
  await file.write(keys);
  return keys;
}

/** The newer edition, and what either has to open with; undefined where the own one is the newer. */
function join(own: GroupKeysFile, handed: GroupKeysFile): GroupKeysFile | undefined {
  const number = numberOf(handed.edition);
  if (number < numberOf(own.edition)) return undefined;
  const known = new Set(handed.previous.map(({ sealing }) => sealing.publicKey));
  const staged = [handed.staged, own.staged].find((one) => one !== null && one.edition.number > number);
  return {
    ...handed,
    p256: handed.p256 ?? own.p256,
    staged: staged ?? null,
    previous: [...handed.previous, ...own.previous.filter(({ sealing }) => !known.has(sealing.publicKey))],
  };
}

export const numberOf = (edition: GroupEdition | null): number => edition?.number ?? 0;

/** Undefined without a cause: what a parser quotes here would be keys. */
function parseHandedOver(secret: Buffer): z.infer<typeof HandedOver> | undefined {
  try {
    return HandedOver.parse(JSON.parse(secret.toString('utf8')));
  } catch {
    return undefined;
  } finally {
    secret.fill(0);
  }
}
