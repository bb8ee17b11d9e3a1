// Finds a folder for an operation and puts it in order: operations of this process on one repository follow one another, and
// of several processes each works in a folder of its own, so that none waits for another.
import fs from 'node:fs';
import path from 'node:path';
import type { Remote } from '../../src/git/git.js';
import { quoteServer } from '../../src/git/host-answer.js';
import { plainNetwork } from '../../src/git/network.js';
import { isSshUrl } from '../../src/git/remote-url.js';
import { Failure } from '../../src/kernel/failure.js';
import { freeBytes, keepWithin, lockOf, makeRoom } from './disk.js';
import { FolderLock } from './folder-lock.js';
import { HttpRoad } from './http-road.js';
import { DISK_BYTES_MAX, type NativeGitOptions, Operation } from './operation.js';
import { nameOfFolder, OpenedOnce } from './partition.js';
import { RepositoryFolder } from './repository-folder.js';
import type { Road } from './road.js';
import { type Scripts, writeScripts } from './scripts.js';
import { SshRoad } from './ssh-road.js';
import { DiskFull, RepositoryDamaged } from './stderr.js';

/** So many processes may work on one repository at the same time. */
const FOLDERS_MAX = 64;
/** The last operation on each repository of this process. */
const queues = new Map<string, Promise<unknown>>();

/**
 * Runs `use` on the remote's folder, alone. A folder that turns out to be damaged is made again, once.
 * @throws Failure CONNECTOR_DENIED for an address of the wrong form, GIT_TIMEOUT when its turn does not come in time.
 */
export async function withOperation<T>(
  remote: Remote,
  options: NativeGitOptions,
  use: (operation: Operation) => Promise<T>,
): Promise<T> {
  fs.mkdirSync(options.root, { recursive: true, mode: 0o700 });
  const root = fs.realpathSync(options.root);
  const scripts = writeScripts(root);
  const credential = remote.credential === undefined ? undefined : new OpenedOnce(remote.credential);
  const road = openRoad({ ...remote, credential }, options, { root, scripts });
  // Its time runs from here, whenever its turn comes.
  const begin = Operation.timed(road, scripts, options);
  try {
    const base = path.join(root, await nameOfFolder(root, road.repository, credential));
    return await takeTurn(base, () =>
      withFolder(base, options, async (folder) => {
        const operation = begin(folder);
        try {
          return await repairOnce(road.host, folder, options, () => run(operation, folder, use));
        } finally {
          await operation.close();
        }
      }),
    );
  } finally {
    await credential?.wipe();
  }
}

function openRoad(
  remote: Remote,
  { allowHttp, allowPrivate = false, network = plainNetwork(allowPrivate) }: NativeGitOptions,
  place: { root: string; scripts: Scripts },
): Road {
  const options = { remote, allowHttp, network, ...place };
  return isSshUrl(remote.url) ? new SshRoad(options) : new HttpRoad(options);
}

async function takeTurn<T>(base: string, work: () => Promise<T>): Promise<T> {
  const before = queues.get(base) ?? Promise.resolve();
  const turn = before.then(work, work);
  queues.set(base, turn);
  try {
    return await turn;
  } finally {
    if (queues.get(base) === turn) queues.delete(base);
  }
}

/** The first folder of the repository that no other process works in, locked for as long as `use` runs. */
async function withFolder<T>(
  base: string,
  { diskBytesMax = DISK_BYTES_MAX }: NativeGitOptions,
  use: (folder: RepositoryFolder) => Promise<T>,
): Promise<T> {
  for (let at = 0; at < FOLDERS_MAX; at++) {
    const folder = at === 0 ? `${base}.git` : `${base}-${at}.git`;
    const lock = await FolderLock.take(lockOf(folder));
    if (lock === null) continue;
    try {
      return await use(new RepositoryFolder(folder));
    } finally {
      await lock.release();
      // Tidying up decides nothing: what was done is done, and the next operation tries again.
      await keepWithin(folder, diskBytesMax).catch(() => undefined);
    }
  }
  throw new Failure('GIT_ENGINE_FAILED', {
    command: 'flock',
    reason: `${FOLDERS_MAX} processes work on this repository already`,
  });
}

async function run<T>(
  operation: Operation,
  folder: RepositoryFolder,
  use: (operation: Operation) => Promise<T>,
): Promise<T> {
  await operation.prepare();
  try {
    return await use(operation);
  } finally {
    // Whatever ended its commands; a process that is killed itself leaves this to the next one.
    folder.sweep();
    folder.end();
  }
}

/** A second try with a fresh folder, and on a full disk with the room of all that nobody uses. */
async function repairOnce<T>(
  host: string,
  folder: RepositoryFolder,
  { diskBytesMax = DISK_BYTES_MAX }: NativeGitOptions,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isMendable(error)) throw error;
    folder.remove();
    const root = path.dirname(folder.path);
    // Only where it can be true: a host might say the same.
    if (isDiskFull(error) && (await freeBytes(root)) < diskBytesMax) await makeRoom(root, 0);
  }
  try {
    return await work();
  } catch (error) {
    if (!isMendable(error)) throw error;
    folder.remove();
    if (error instanceof RepositoryDamaged && error.isByObjects) throw blameHost(host, error);
    const reason = isDiskFull(error) ? 'the disk of the data folder is full' : (error as Error).message;
    throw new Failure('GIT_ENGINE_FAILED', { command: 'repository', reason }, { cause: error });
  }
}

/** The objects of a folder that was made anew are nothing but what the host sent. */
function blameHost(host: string, error: Error): Failure {
  const reason = `what it sends is not sound: ${quoteServer(error.message)}`;
  return new Failure('GIT_ANSWER_INVALID', { host, reason }, { cause: error }) as Failure;
}

function isMendable(error: unknown): boolean {
  return error instanceof RepositoryDamaged || isDiskFull(error);
}

/** As git says it, or as this process meets it. */
function isDiskFull(error: unknown): boolean {
  return error instanceof DiskFull || (error as NodeJS.ErrnoException).code === 'ENOSPC';
}
