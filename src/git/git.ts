// The Git port: all that Sallyport asks of Git. Implemented in this process (InProcessGit), by the system git
// (NativeGit, in workers), and across the queue (DelegatedGit). One conformance suite holds all three to these words.

import type { WireFailure } from '../kernel/failure.js';
import type { Secret } from '../kernel/secret.js';

/** Hex object id of a commit, 40 characters (SHA-1). */
export type CommitId = string;
/** Hex object id of a blob, 40 characters (SHA-1). */
export type BlobId = string;
/** Branch name without `refs/heads/`. Always handled as the full ref; short names are never guessed. */
export type Branch = string;
/** Repository path as Git has it: relative, `/`-separated. */
export type Path = string;

/** A repository as an engine sees it: where, and how to prove who we are. Opened anew for every call. */
export interface Remote {
  /**
   * `http(s)://host[:port]/path`, without user-info, query or fragment; for an engine that speaks SSH also
   * `ssh://[user@]host[:port]/path` or `user@host:path`.
   */
  url: string;
  /** Absent: anonymous. */
  credential?: Credential | undefined;
  /** Lines of a known_hosts file. An SSH host is believed by these alone, so there is no SSH without them. */
  knownHosts?: string | undefined;
}

export interface Credential {
  username: string;
  /** How it is shown over HTTP; default: Basic. */
  scheme?: 'basic' | 'bearer' | undefined;
  /** Where the user name depends on what is shown beside it. */
  usernameFor?: ((secret: Secret) => string) | undefined;
  /** Of a private key that has one; opened and wiped like the key. */
  openPassphrase?: (() => Promise<Secret>) | undefined;
  /**
   * Opens the password, or for SSH the private key, for the length of one Git operation; the engine wipes it afterwards.
   * May fail with a SECRET_ code.
   */
  open: () => Promise<Secret>;
}

export interface Person {
  name: string;
  email: string;
}

/** One file written or deleted. `content: null` deletes. */
export interface Change {
  path: Path;
  content: Uint8Array | null;
  /** What must stand at the path just before this step: a blob id, `null` for no file, absent for "whatever is there". */
  expect?: BlobId | null | undefined;
}

/** One commit of a chain. The same step on the same parent gives the same commit id in every implementation. */
export interface Step {
  /** Verbatim commit message, trailer included, ending in a newline. */
  message: string;
  author: Person;
  committer: Person;
  /** Unix seconds; author and committer date, time zone +0000. */
  timestamp: number;
  changes: Change[];
}

/** Commits to be put on a branch by one push. */
export interface Chain {
  branch: Branch;
  /** The commit the chain stands on; `null` only for the first commit of an empty repository. */
  base: CommitId | null;
  /** The branch must not exist yet and is created at the end of the chain. Otherwise it must still point at `base`. */
  create: boolean;
  steps: Step[];
}

/** A step whose expectation does not hold: `theirs` is what stands at the path instead. */
export interface Mismatch {
  step: number;
  path: Path;
  theirs: BlobId | null;
}

/** What became of one step. `commit` is the commit that holds it: its own, or (`unchanged`) the one it stood on. */
export interface Landed {
  commit: CommitId;
  unchanged: boolean;
  /** Blob ids of the step's changes, in order; `null` for a deletion. */
  blobs: (BlobId | null)[];
}

export type ChainResult =
  /** Every step is on the branch, and was put there by this push or an earlier one of the same chain. */
  | { status: 'landed'; head: CommitId; steps: Landed[] }
  /** Nothing was pushed: these expectations do not hold on `base`. */
  | { status: 'mismatch'; mismatches: Mismatch[] }
  /** Nothing of this chain is on the branch, and it never will be: the branch points elsewhere (`null`: is gone). */
  | { status: 'moved'; head: CommitId | null };

export interface TreeEntry {
  path: Path;
  /** Git's mode in octal: 100644, 100755, 120000 (symlink) or 160000 (submodule). Directories are not listed. */
  mode: string;
  id: BlobId;
}

/** One path that differs between two commits; `null` where it is absent. */
export interface PathChange {
  path: Path;
  from: TreeEntry | null;
  to: TreeEntry | null;
  /** What `to` holds, where contents were asked for and it is a file or symbolic link. */
  content?: Uint8Array | undefined;
}

/** Where a page of a history begins: at a commit for the first one, then where the page before it ended. */
export interface HistoryPlace {
  /** Commits to look at next, in this order. At most 256. */
  pending: CommitId[];
  /** The last that were looked at, none of which is told again. At most 64. */
  seen: CommitId[];
}

export interface Signature extends Person {
  /** Unix seconds. */
  at: number;
}

/** A commit that changed what stands at a path. Texts are bounded, and of other bytes than UTF-8 as far as they can be read. */
export interface HistoryCommit {
  id: CommitId;
  /** The first one; `null` for a commit that begins a history. */
  parent: CommitId | null;
  /** It has other parents, and what it left at the path is in none of them. */
  isMerge: boolean;
  author: Signature;
  committer: Signature;
  /** At most 4,096 characters; of a longer one the beginning. */
  message: string;
  isMessageCut: boolean;
  /** What the last trailer `Sallyport-Operation` says. Anybody can write one. */
  operation: string | null;
  /** What stood at the path in its parent, and what it left there; `null` for no file. */
  from: { mode: string; id: BlobId } | null;
  to: { mode: string; id: BlobId } | null;
}

export interface HistoryPage {
  /** Newest first. */
  commits: HistoryCommit[];
  /** The last commit that was looked at, whether or not it is among them. */
  searchedTo: CommitId;
  /** Where the next page begins; `null` where the history does. */
  next: HistoryPlace | null;
}

export type DeleteResult =
  /** The branch is gone, by this call or before it. */
  | { status: 'deleted' }
  /** Nothing was deleted: the branch points elsewhere. */
  | { status: 'moved'; head: CommitId };

/** What a host was found to support, as far as an operation depends on it. */
export interface HostFeatures {
  /** What the host calls itself, fit to print; `null` when it does not say. */
  agent: string | null;
  /** Version of Git's wire protocol. */
  protocol: 0 | 1 | 2;
  /** Fetches can leave out blobs or trees. Without it every first fetch brings the files of a whole commit along. */
  filter: boolean;
  /** Fetches can leave out history. */
  shallow: boolean;
  /** What can be asked for by id: any object, or commits only, with all that belongs to them. */
  wants: 'any' | 'commits';
  objectFormat: 'sha1';
  /** `null` when it was not asked. */
  push: PushFeatures | null;
}

/** What a push to a host may ask for. It refuses, or stumbles over, what it did not offer. */
export interface PushFeatures {
  /** It says of each branch whether it took it; in the newer form, where it put it instead. */
  reportStatus: boolean;
  reportStatusV2: boolean;
  /** It takes packs that build on objects it has. */
  thinPacks: boolean;
  /** Reports and the words of hooks come in channels. */
  sideBand: boolean;
  /** Several branches are taken together or not at all. */
  atomic: boolean;
  pushOptions: boolean;
  agent: boolean;
}

export type Stage = 'reach' | 'authenticate' | 'read' | 'write';

/** One stage of a check. A stage after a failed one is not tried and not listed. */
export interface StageResult {
  stage: Stage;
  ok: boolean;
  ms: number;
  /** With `ok: false`: why. */
  failure?: WireFailure | undefined;
}

export interface Check {
  stages: StageResult[];
  /** What the host was found to support; `null` when it was not asked, or the engine cannot tell. */
  host: HostFeatures | null;
}

/**
 * A repository under one credential. All methods fail with a `Failure` of a GIT_ or SECRET_ code and have a deadline of
 * their own; none ever leaves anything behind on the host but `commit`.
 */
export abstract class Git {
  /** The commit the branch points at; `null` when there is no such branch. Tags are never looked at. */
  abstract head(branch: Branch): Promise<CommitId | null>;

  /** All branches with their commits, and the default branch (where HEAD points; `null` when it points nowhere). */
  abstract heads(): Promise<{ branches: Record<Branch, CommitId>; default: Branch | null }>;

  /** Content of the files at these paths in this commit, in order; `null` where there is no file (or a directory). */
  abstract read(at: CommitId, paths: Path[]): Promise<({ id: BlobId; content: Uint8Array } | null)[]>;

  /**
   * Every file of the commit below `prefix` (a directory path without trailing slash; '' for all), sorted by path bytes.
   * What is named `.`, `..` or, in any spelling, `.git` is no file: not here, not in `read` and not in `changes`.
   */
  abstract list(at: CommitId, prefix: Path): Promise<TreeEntry[]>;

  /**
   * The paths that differ between two commits, sorted by path bytes. With `contents`, the new files come along, which for a
   * successor of a known commit costs no further request; GIT_LIMIT_EXCEEDED when they are too much for one answer.
   */
  abstract changes(from: CommitId, to: CommitId, options?: { contents?: boolean }): Promise<PathChange[]>;

  /**
   * The commits that changed what stands at the path, as `git log -- path` finds them: a merge that leaves there what one of its
   * parents has is passed over, and with it all others. A page ends with `limit` commits, or where enough was looked at; then it
   * may have fewer, or none. In a history whose clocks go backwards, a commit may be on two pages.
   */
  abstract history(path: Path, place: HistoryPlace, limit: number): Promise<HistoryPage>;

  /**
   * Puts a chain of commits on a branch with one push, never forced; the branch moves by compare-and-swap from `base`.
   *
   * Idempotent: called again with an equal chain after a lost answer, it finds its own commits on the branch (at the head
   * or below it) and answers `landed` with the same commit ids. A step that changes nothing makes no commit. Neighbours in
   * touched trees keep mode and order. Expectations are checked before anything is sent.
   *
   * A rejection by the host (hook, protection) is GIT_PUSH_REJECTED: the branch was read afterwards and holds nothing of the
   * chain. When no answer came, it reads the branch and tells the truth; where it cannot be read it fails with
   * GIT_OUTCOME_UNKNOWN until the same chain is tried again. Every other failure means that this call wrote nothing.
   */
  abstract commit(chain: Chain): Promise<ChainResult>;

  /**
   * Deletes a branch that still points at `at`. One that is gone already counts as deleted; a host that does not want it
   * (its default branch, a protected one) is GIT_PUSH_REJECTED.
   */
  abstract deleteBranch(branch: Branch, at: CommitId): Promise<DeleteResult>;

  /** Tries reach, authenticate, read and write in order, through the very road a save takes, and writes nothing. */
  abstract check(): Promise<Check>;
}
