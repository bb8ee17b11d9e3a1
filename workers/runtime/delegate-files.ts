// What a delegate keeps in its data folder: its own keys, its group's, and where it has enrolled. Readable by its owner alone,
// each file written whole or not at all.
import fs from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { Enrolment } from '../../src/contract/enrolment.js';
import { GroupEdition } from '../../src/contract/group-keys.js';
import { Envelope } from '../../src/envelope/envelope.js';
import { Failure } from '../../src/kernel/failure.js';
import { makeP256Pair, makeSealingPair } from '../../src/sealing/hpke.js';
import { Identity } from '../../src/sealing/identity.js';
import { P256Key, PublicKey } from '../../src/sealing/sealed-message.js';

const SealingPair = z.strictObject({ publicKey: PublicKey, privateKey: PublicKey });
const P256Pair = z.strictObject({ publicKey: P256Key, privateKey: PublicKey });

export const IdentityFile = z.strictObject({
  format: z.literal('sallyport-identity-1'),
  identity: PublicKey,
  sealing: SealingPair,
});
export type IdentityFile = z.infer<typeof IdentityFile>;

/** As delegates that know of no editions write it. */
const FoundersKeys = z.strictObject({
  format: z.literal('sallyport-group-1'),
  identity: PublicKey,
  sealing: SealingPair,
});

const EditedKeys = z.strictObject({
  format: z.literal('sallyport-group-2'),
  identity: PublicKey,
  sealing: SealingPair,
  /** Null in a group of before there was a second suite, until its first rotation. */
  p256: P256Pair.nullable(),
  /** Null for the keys that the group was founded with. */
  edition: GroupEdition.nullable(),
  /** The next edition, inert until it is promoted: it only opens. */
  staged: z.strictObject({ edition: GroupEdition, sealing: SealingPair, p256: P256Pair }).nullable(),
  /** What goes on opening, until then: milliseconds since 1970. */
  previous: z.array(z.strictObject({ sealing: SealingPair, p256: P256Pair.nullable(), until: z.int() })),
});
export type GroupKeysFile = z.infer<typeof EditedKeys>;

export const GroupKeysFile = z.union([
  EditedKeys,
  FoundersKeys.transform(
    ({ identity, sealing }): GroupKeysFile => ({
      format: 'sallyport-group-2',
      identity,
      sealing,
      p256: null,
      edition: null,
      staged: null,
      previous: [],
    }),
  ),
]);

/** The same, as a KMS of the operators' choice wraps it. */
export const WrappedKeysFile = z.strictObject({
  format: z.literal('sallyport-group-wrapped-1'),
  /** Whose keys they are, by its id. */
  group: z.string(),
  envelope: Envelope,
});
export type WrappedKeysFile = z.infer<typeof WrappedKeysFile>;

export const EnrolmentFile = Enrolment.extend({
  format: z.literal('sallyport-enrolment-1'),
  /** The name it enrolled under. */
  name: z.string(),
  /** Where it enrolled. */
  managerUrl: z.string(),
});
export type EnrolmentFile = z.infer<typeof EnrolmentFile>;

/**
 * An enrolment under way: the keys that were sent, and the answer where one came. The first delegate of a group has the
 * group's only keys in it, so it stays until the other files are written.
 */
export const PendingEnrolmentFile = z.strictObject({
  format: z.literal('sallyport-pending-1'),
  own: IdentityFile,
  group: GroupKeysFile,
  enrolment: EnrolmentFile.nullable(),
});
export type PendingEnrolmentFile = z.infer<typeof PendingEnrolmentFile>;

const schemas = {
  'pending-enrolment.json': PendingEnrolmentFile,
  'identity.json': IdentityFile,
  'group.json': z.union([GroupKeysFile, WrappedKeysFile]),
  'delegate.json': EnrolmentFile,
};
type FileName = keyof typeof schemas;
type Content<N extends FileName> = z.infer<(typeof schemas)[N]>;

/** The file's content; undefined where there is none. @throws KEY_FILE_UNUSABLE */
export function readDelegateFile<N extends FileName>(folder: string, name: N): Content<N> | undefined {
  const file = path.join(folder, name);
  const stat = look(file);
  if (stat === undefined) return undefined;
  const unusable = (reason: string): Failure => new Failure('KEY_FILE_UNUSABLE', { file, reason }) as Failure;
  if (!stat.isFile()) throw unusable('it is not a regular file');
  if ((stat.mode & 0o077) !== 0) throw unusable(`its mode is ${(stat.mode & 0o777).toString(8)}, not 600`);
  if (process.getuid !== undefined && stat.uid !== process.getuid())
    throw unusable('it belongs to another user');
  try {
    return schemas[name].parse(JSON.parse(fs.readFileSync(file, 'utf8'))) as Content<N>;
  } catch {
    throw unusable('it is not what this version of the delegate writes');
  }
}

function look(file: string): fs.Stats | undefined {
  try {
    return fs.lstatSync(file, { throwIfNoEntry: false });
  } catch (cause) {
    const reason = `it cannot be looked at: ${(cause as Error).message}`;
    throw new Failure('KEY_FILE_UNUSABLE', { file, reason }, { cause });
  }
}

/** @throws KEY_FILE_UNUSABLE */
export function writeDelegateFile<N extends FileName>(folder: string, name: N, content: Content<N>): void {
  const file = path.join(folder, name);
  const fresh = `${file}.${process.pid}`;
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    // A process of the same id may have died over it.
    fs.rmSync(fresh, { force: true });
    fs.writeFileSync(fresh, `${JSON.stringify(content)}\n`, { flag: 'wx', mode: 0o600, flush: true });
    fs.renameSync(fresh, file);
    syncFolder(folder);
  } catch (cause) {
    if (fs.existsSync(fresh)) fs.rmSync(fresh);
    throw new Failure(
      'KEY_FILE_UNUSABLE',
      { file, reason: `it cannot be written: ${(cause as Error).message}` },
      { cause },
    );
  }
}

/** Whether this enrolment is the one the delegate runs by. @throws KEY_FILE_UNUSABLE */
export const isInstalled = (folder: string, enrolment: EnrolmentFile): boolean =>
  isDeepStrictEqual(readDelegateFile(folder, 'delegate.json'), enrolment);

/** A run that was cut off at its very end left an enrolment that is done. @throws KEY_FILE_UNUSABLE */
export function forgetFinishedEnrolment(folder: string): void {
  const enrolment = readDelegateFile(folder, 'pending-enrolment.json')?.enrolment;
  if (enrolment != null && isInstalled(folder, enrolment))
    removeDelegateFile(folder, 'pending-enrolment.json');
}

/** @throws KEY_FILE_UNUSABLE */
export function removeDelegateFile(folder: string, name: FileName): void {
  const file = path.join(folder, name);
  try {
    fs.rmSync(file, { force: true });
    syncFolder(folder);
  } catch (cause) {
    const reason = `it cannot be removed: ${(cause as Error).message}`;
    throw new Failure('KEY_FILE_UNUSABLE', { file, reason }, { cause });
  }
}

/** So that what was renamed or removed stays so when the machine loses its power. */
function syncFolder(folder: string): void {
  const handle = fs.openSync(folder, 'r');
  try {
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
}

/** Removes what processes left that were killed while they wrote. @throws KEY_FILE_UNUSABLE */
export function sweepDelegateFolder(folder: string): void {
  const names = Object.keys(schemas);
  const isLeft = (file: string): boolean => names.some((name) => new RegExp(`^${name}\\.\\d+$`).test(file));
  try {
    for (const file of fs.readdirSync(folder).filter(isLeft)) fs.rmSync(path.join(folder, file));
    syncFolder(folder);
  } catch (cause) {
    const reason = `what was left there cannot be removed: ${(cause as Error).message}`;
    throw new Failure('KEY_FILE_UNUSABLE', { file: folder, reason }, { cause });
  }
}

/** The keys that a group is founded with. */
export async function makeGroupKeys(): Promise<GroupKeysFile> {
  const p256 = await makeP256Pair();
  return {
    format: 'sallyport-group-2',
    ...(await makeKeys()),
    p256,
    edition: null,
    staged: null,
    previous: [],
  };
}

/** Keys nobody else has. */
export async function makeKeys(): Promise<Pick<IdentityFile, 'identity' | 'sealing'>> {
  return { identity: Identity.make(), sealing: await makeSealingPair() };
}
