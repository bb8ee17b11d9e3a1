// Every command line the engine runs, as pure functions. Nothing a user wrote can be an option here: refs are full names,
// ids are checked hex, paths stand behind `--` and are taken literally, and everything else goes through standard input.
import { createHash } from 'node:crypto';
import type { Branch, CommitId, Path } from '../../src/git/git.js';

/** Where the last chain that was built stands, so that its objects stay reachable. */
export const BUILT_REF = 'refs/sallyport/built';
/** The branch a check pretends to push; never sent. */
const CHECK_REF = 'refs/heads/sallyport-check';

/** 'main' → 'refs/sallyport/heads/<hash>': flat, so that `a` and `a/b` can follow each other. */
export function trackingRef(branch: Branch): string {
  return `refs/sallyport/heads/${createHash('sha1').update(branch).digest('hex')}`;
}

/** folder → 'init --quiet --bare … <folder>' */
export function initArgv(folder: string): string[] {
  return ['init', '--quiet', '--bare', '--template=', '--object-format=sha1', folder];
}

/** Branches with `HEAD`; one branch: 'main' → 'ls-remote --quiet origin refs/heads/main' */
export function listRemoteArgv(branch?: Branch): string[] {
  if (branch === undefined) return ['ls-remote', '--quiet', '--symref', 'origin', 'HEAD', 'refs/heads/*'];
  return ['ls-remote', '--quiet', 'origin', `refs/heads/${branch}`];
}

const FETCH = [
  'fetch',
  '--quiet',
  '--no-tags',
  '--no-write-fetch-head',
  '--no-auto-maintenance',
  '--recurse-submodules=no',
  '--filter=blob:none',
];

/** 'main' → 'fetch … origin +refs/heads/main:refs/sallyport/heads/<hash>' */
export function fetchBranchArgv(branch: Branch): string[] {
  return [...FETCH, 'origin', `+refs/heads/${branch}:${trackingRef(branch)}`];
}

/** Commits with their history and trees, without their files. */
export function fetchCommitsArgv(commits: CommitId[]): string[] {
  return [...FETCH, 'origin', ...commits.map(requireId)];
}

/** Objects by id, named on standard input. Needs WITHOUT_HAVES. */
export function fetchObjectsArgv(): string[] {
  return [...FETCH, '--stdin', 'origin'];
}

/**
 * For commands that deal in missing files on purpose. Without it a missing object is an error; with it, git fetches any on
 * its own, one at a time, and a push would.
 */
export const PROMISOR: [string, string] = ['remote.origin.promisor', 'true'];

/** Offers the host nothing: it would take the files of every commit it hears of for present. */
export const WITHOUT_HAVES: [string, string] = ['fetch.negotiationAlgorithm', 'noop'];

/** Everything below a directory, or everything, with the directories. */
export function listTreeArgv(commit: CommitId, prefix: Path): string[] {
  const paths = prefix === '' ? [] : ['--', `${prefix}/`];
  return ['ls-tree', '-r', '-t', '-z', '--full-tree', requireId(commit), ...paths];
}

/** These paths, and for those with a slash at the end what stands in them. */
export function listEntriesArgv(commit: CommitId, paths: Path[]): string[] {
  return ['ls-tree', '-t', '-z', '--full-tree', requireId(commit), '--', ...paths];
}

/** The commits, and so many that follow on them, the youngest first. */
export function listCommitsArgv(commits: CommitId[], max: number): string[] {
  return ['rev-list', `--max-count=${max}`, ...commits.map(requireId), '--'];
}

export function diffTreeArgv(from: CommitId, to: CommitId): string[] {
  return ['diff-tree', '-r', '-z', '--raw', '--no-renames', '--no-abbrev', requireId(from), requireId(to)];
}

/** Commits whose presence is asked, one `<id>^{tree}` a line on standard input. */
export function checkObjectsArgv(): string[] {
  return ['cat-file', '--batch-check'];
}

/** Contents of the objects named on standard input. */
export function readObjectsArgv(): string[] {
  return ['cat-file', '--batch'];
}

export function importArgv(): string[] {
  return ['fast-import', '--quiet', '--force', '--date-format=raw'];
}

/** Moves the branch from `from` (null: it is not there) to `to`, or not at all. */
export function pushArgv(branch: Branch, from: CommitId | null, to: CommitId): string[] {
  const ref = `refs/heads/${branch}`;
  const lease = `--force-with-lease=${ref}:${from === null ? '' : requireId(from)}`;
  return [
    'push',
    '--porcelain',
    '--quiet',
    '--no-verify',
    '--no-follow-tags',
    '--atomic',
    lease,
    'origin',
    `${requireId(to)}:${ref}`,
  ];
}

/** Deletes the branch where it points at `at`, or not at all. */
export function deleteBranchArgv(branch: Branch, at: CommitId): string[] {
  const ref = `refs/heads/${branch}`;
  const lease = `--force-with-lease=${ref}:${requireId(at)}`;
  return ['push', '--porcelain', '--quiet', '--no-verify', lease, 'origin', `:${ref}`];
}

/** Asks the host whether it would take a push, and sends nothing. */
export function probePushArgv(commit: CommitId): string[] {
  return ['push', '--dry-run', '--porcelain', '--no-verify', 'origin', `${requireId(commit)}:${CHECK_REF}`];
}

/** A commit of nothing, the same everywhere. */
export function emptyCommitArgv(): string[] {
  return ['hash-object', '-t', 'commit', '-w', '--stdin'];
}

export function isAncestorArgv(old: CommitId, young: CommitId): string[] {
  return ['merge-base', '--is-ancestor', requireId(old), requireId(young)];
}

/** One pack out of many. */
export function repackArgv(): string[] {
  return ['repack', '-a', '-d', '-q'];
}

function requireId(id: string): string {
  if (!/^[0-9a-f]{40}$/.test(id)) throw new RangeError('An object id is 40 hexadecimal digits');
  return id;
}
