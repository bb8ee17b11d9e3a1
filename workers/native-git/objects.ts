// Commits, trees and files of a remote in the local repository, fetched where they are missing.
import type { BlobId, Branch, CommitId, Path, TreeEntry } from '../../src/git/git.js';
import { Failure } from '../../src/kernel/failure.js';
import {
  checkObjectsArgv,
  fetchBranchArgv,
  fetchCommitsArgv,
  fetchObjectsArgv,
  listEntriesArgv,
  listRemoteArgv,
  listTreeArgv,
  PROMISOR,
  readObjectsArgv,
  WITHOUT_HAVES,
} from './argv.js';
import type { Operation } from './operation.js';
import { requireSound } from './sound-tree.js';

/** So many paths fit into one command line: each has at most 4,096 bytes. */
const PATHS_MAX = 200;

/** What `ls-remote` says of all branches and HEAD, or of one branch; nothing only where the host has nothing of it. */
export async function listRemote(operation: Operation, branch?: Branch): Promise<string> {
  const output = await operation.network(listRemoteArgv(branch));
  if (output.trim() === '') await operation.confirmEmpty();
  return output;
}

/** Commit of the branch on the host, `null` when it has none. */
export async function findBranch(operation: Operation, branch: Branch): Promise<CommitId | null> {
  const lines = parseRefs(operation, await listRemote(operation, branch));
  return lines.find(([, ref]) => ref === `refs/heads/${branch}`)?.[0] ?? null;
}

/** 'id<TAB>ref' a line → [[id, ref]]; `ref: …` lines are left out. */
export function parseRefs(operation: Operation, output: string): [CommitId, string][] {
  const lines = output.split('\n').filter((line) => line !== '' && !line.startsWith('ref: '));
  return lines.map((line) => {
    const [id = '', ref = ''] = line.split(/\t(.*)/s);
    if (id.length === 40) return [id, ref];
    throw new Failure('GIT_OBJECT_FORMAT_UNSUPPORTED', {
      host: operation.host,
      format: 'another object format',
    });
  });
}

/** Fetches the branch with its history and trees. @throws Failure GIT_REF_NOT_FOUND */
export async function fetchBranch(operation: Operation, branch: Branch): Promise<void> {
  await operation.network(fetchBranchArgv(branch), { config: [PROMISOR] });
}

/** @throws Failure GIT_OBJECT_NOT_FOUND when the host has one of them neither. */
export async function requireCommits(operation: Operation, commits: CommitId[]): Promise<void> {
  const missing = await findMissing(operation, commits);
  if (missing.length > 0) await operation.network(fetchCommitsArgv(missing), { config: [PROMISOR] });
  const [still] = missing.length === 0 ? [] : await findMissing(operation, missing);
  if (still !== undefined) throw new Failure('GIT_OBJECT_NOT_FOUND', { object: `commit ${still}` });
}

/** Those of the commits that are not here with their trees. */
export async function findMissing(operation: Operation, commits: CommitId[]): Promise<CommitId[]> {
  const unique = [...new Set(commits)];
  for (const id of unique)
    if (!/^[0-9a-f]{40}$/.test(id)) throw new Failure('GIT_OBJECT_NOT_FOUND', { object: `commit ${id}` });
  const output = await operation.local(checkObjectsArgv(), {
    input: unique.map((id) => `${id}^{tree}\n`).join(''),
  });
  const lines = output.split('\n');
  return unique.filter((_, index) => !/^[0-9a-f]{40} tree /.test(lines[index] ?? ''));
}

/** What stands at these paths, and for `a/` what stands in the directory. Directories are listed with mode 040000. */
export async function listEntries(
  operation: Operation,
  commit: CommitId,
  paths: Path[],
): Promise<TreeEntry[]> {
  const entries: TreeEntry[] = [];
  for (let at = 0; at < paths.length; at += PATHS_MAX) {
    const some = parseTree(await operation.local(listEntriesArgv(commit, paths.slice(at, at + PATHS_MAX))));
    requireSound(operation.host, some, '');
    for (const entry of some) entries.push(entry);
  }
  return entries;
}

/** As `listEntries`, for those who write: all trees that are touched are sound, the topmost too. */
export async function listStanding(
  operation: Operation,
  commit: CommitId,
  paths: Path[],
): Promise<TreeEntry[]> {
  requireSound(operation.host, parseTree(await operation.local(listEntriesArgv(commit, []))), '');
  return listEntries(operation, commit, paths);
}

/** Every file below a directory. @throws Failure GIT_ANSWER_INVALID for a tree that is none */
export async function listFiles(operation: Operation, commit: CommitId, prefix: Path): Promise<TreeEntry[]> {
  const entries = parseTree(await operation.local(listTreeArgv(commit, prefix)));
  requireSound(operation.host, entries, prefix);
  return entries.filter(({ mode }) => mode !== '040000');
}

/** '100644 blob <id><TAB>a/b<NUL>…' → entries */
function parseTree(output: string): TreeEntry[] {
  const lines = output.split('\0').filter((line) => line !== '');
  return lines.map((line) => {
    const [about = '', path = ''] = line.split(/\t(.*)/s);
    const [mode = '', , id = ''] = about.split(' ');
    return { path, mode, id };
  });
}

/** Contents of these blobs by id. @throws Failure GIT_OBJECT_NOT_FOUND */
export async function readBlobs(operation: Operation, ids: BlobId[]): Promise<Map<BlobId, Buffer>> {
  const wanted = [...new Set(ids)];
  const found = await readObjects(operation, wanted);
  const missing = wanted.filter((id) => !found.has(id));
  if (missing.length === 0) return found;
  const input = missing.map((id) => `${id}\n`).join('');
  await operation.network(fetchObjectsArgv(), { input, config: [PROMISOR, WITHOUT_HAVES] });
  for (const [id, content] of await readObjects(operation, missing)) found.set(id, content);
  const still = wanted.find((id) => !found.has(id));
  if (still !== undefined) throw new Failure('GIT_OBJECT_NOT_FOUND', { object: `blob ${still}` });
  return found;
}

/** Contents of those that are here: '<id> <type> <size>\n<bytes>\n' or '<id> missing\n' for each */
export async function readObjects(operation: Operation, ids: string[]): Promise<Map<string, Buffer>> {
  const contents = new Map<string, Buffer>();
  if (ids.length === 0) return contents;
  const input = ids.map((id) => `${id}\n`).join('');
  const output = await operation.localBytes(readObjectsArgv(), { input });
  for (let at = 0; at < output.length; ) {
    const end = output.indexOf('\n', at);
    const [id = '', type = '', size = ''] = output.toString('latin1', at, end).split(' ');
    at = end + 1;
    if (type === 'missing') continue;
    contents.set(id, output.subarray(at, at + Number(size)));
    at += Number(size) + 1;
  }
  return contents;
}
