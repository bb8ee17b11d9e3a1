// Which files differ between what the copy followed a branch to and where it points now.
import type { CopyRecord } from '../entities/copies.repository.js';
import type { BlobId, CommitId, Git, PathChange } from '../git/git.js';
import { Failure } from '../kernel/failure.js';
import { type FileChange, isPlainFile } from './refresh-plan.js';

export interface FileChangeWithContent extends FileChange {
  /** What it holds, where it came along. */
  content?: Uint8Array | undefined;
}

/**
 * By comparing two commits, which for a successor is one request with the contents; or, where nothing was followed yet, the
 * earlier commit is gone, or a file that the copy has from elsewhere is none of what differs, the whole of the branch with the
 * copies there are. Sorted by path bytes.
 */
export async function findChanges(
  git: Git,
  { from, to, beyond }: { from: CommitId | null; to: CommitId; beyond: readonly string[] },
  copies: () => Promise<CopyRecord[]>,
): Promise<FileChangeWithContent[]> {
  if (from === to && beyond.length === 0) return [];
  const compared = from === null || from === to ? undefined : await compare(git, from, to);
  const paths = new Set(compared?.map(({ path }) => path));
  if (compared !== undefined && beyond.every((path) => paths.has(path))) return compared.map(toFileChange);
  return compareWhole(git, to, await copies());
}

/** Undefined where the earlier commit is gone, as after a force-push. */
async function compare(git: Git, from: CommitId, to: CommitId): Promise<PathChange[] | undefined> {
  try {
    return await git.changes(from, to, { contents: true });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (error.code === 'GIT_OBJECT_NOT_FOUND') return undefined;
    if (error.code !== 'GIT_LIMIT_EXCEEDED') throw error;
  }
  try {
    return await git.changes(from, to);
  } catch (error) {
    if (error instanceof Failure && error.code === 'GIT_OBJECT_NOT_FOUND') return undefined;
    throw error;
  }
}

const toFileChange = ({ path, to, content }: PathChange): FileChangeWithContent => ({
  path,
  to: to === null ? null : { id: to.id, mode: to.mode },
  content,
});

async function compareWhole(git: Git, to: CommitId, copies: CopyRecord[]): Promise<FileChange[]> {
  const entries = await git.list(to, '');
  const present = new Set(entries.map(({ path }) => path));
  const gone = copies.filter(({ path }) => !present.has(path)).map(({ path }) => ({ path, to: null }));
  const known = new Map<string, BlobId>(
    copies.flatMap(({ path, blob_id, invalid }) => (invalid === null ? [[path, blob_id]] : [])),
  );
  const differing = entries
    // What is no file holds nothing, whatever the copy has.
    .filter((entry) => known.get(entry.path) !== entry.id || !isPlainFile(entry))
    .map(({ path, id, mode }) => ({ path, to: { id, mode } }));
  return [...gone, ...differing].toSorted(byPathBytes);
}

/** Their order in Git. */
export const byPathBytes = (one: FileChange, other: FileChange): number =>
  Buffer.compare(Buffer.from(one.path), Buffer.from(other.path));
