// The system git reads trees that no git would write, and would write on: what `ls-tree -t` lists shows them up.
import type { Path, TreeEntry } from '../../src/git/git.js';
import { refuseAnswer } from '../../src/git/host-answer.js';

const DIRECTORY = '040000';
/** Directory, file with any permissions, symbolic link, submodule. */
const MODE = /^(?:040000|100[0-7]{3}|120000|160000)$/;
/** What bytes that are no UTF-8 were read as: their order is not known here. */
const UNREADABLE = '\ufffd';

/**
 * Entries with the directories above them, in the order of the tree.
 * @param below the directory that was asked for, '' for all
 * @throws Failure GIT_ANSWER_INVALID for another order, a name twice, a name with a slash, an unknown mode
 */
export function requireSound(host: string, entries: readonly TreeEntry[], below: Path): void {
  const kinds = new Map<Path, 'directory' | 'other'>();
  for (let at = below; at !== ''; at = parentOf(at)) kinds.set(at, 'directory');
  let last: TreeEntry | null = null;
  for (const entry of entries) {
    const kind = entry.mode === DIRECTORY ? 'directory' : 'other';
    const known = kinds.get(entry.path);
    if (!MODE.test(entry.mode)) throw refuse(host, 'a tree has an entry without proper mode');
    const isReadable = !entry.path.includes(UNREADABLE);
    if (isReadable && known !== undefined && (known !== kind || !isWithin(below, entry.path)))
      throw refuse(host, 'a tree has a name twice');
    const parent = parentOf(entry.path);
    if (parent !== '' && kinds.get(parent) !== 'directory')
      throw refuse(host, 'a tree has a name with a slash');
    if (last !== null && !comesBefore(last, entry)) throw refuse(host, 'a tree is not sorted');
    kinds.set(entry.path, kind);
    last = entry;
  }
}

function refuse(host: string, reason: string): Error {
  return refuseAnswer(host, reason);
}

function parentOf(path: Path): Path {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** Whether the path is the directory that was asked for, or one above it. */
function isWithin(below: Path, path: Path): boolean {
  return below === path || below.startsWith(`${path}/`);
}

/** By bytes, a directory as if its name ended in a slash. */
function comesBefore(a: TreeEntry, b: TreeEntry): boolean {
  const [left, right] = [keyOf(a), keyOf(b)];
  if (left.includes(UNREADABLE) || right.includes(UNREADABLE)) return true;
  return Buffer.compare(Buffer.from(left), Buffer.from(right)) < 0;
}

function keyOf({ path, mode }: TreeEntry): string {
  return mode === DIRECTORY ? `${path}/` : path;
}
