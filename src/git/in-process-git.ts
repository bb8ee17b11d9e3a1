// Git without a clone, a working tree or a git binary: trees and commits in memory, one small request at a time.
import { Failure } from '../kernel/failure.js';
import { step } from '../kernel/step.js';
import { findBranch, listBranches } from './branches.js';
import { type BuiltChain, buildChain } from './chain.js';
import { checkRemote } from './check.js';
import { deleteBranch } from './deletion.js';
import { confirmMoved, deliverChain } from './delivery.js';
import {
  type Branch,
  type Chain,
  type ChainResult,
  type Check,
  type CommitId,
  type DeleteResult,
  Git,
  type HistoryPage,
  type HistoryPlace,
  type Path,
  type PathChange,
  type Remote,
  type TreeEntry,
} from './git.js';
import { walkHistory } from './history.js';
import { HostHistory } from './host-history.js';
import { defaultLimits, type Limits } from './limits.js';
import type { Network } from './network.js';
import { ObjectCache } from './object-cache.js';
import { ObjectSource } from './object-source.js';
import { hasBlob } from './objects.js';
import { type SessionOptions, withSession } from './session.js';
import { compareTrees, findItem, listFiles } from './tree-walk.js';

export interface EngineOptions {
  /** Whether unencrypted http may be spoken. */
  allowHttp: boolean;
  /** Whether loopback and private addresses may be dialled. Link-local, metadata and multicast never are. */
  allowPrivate: boolean;
  /** How hosts are reached, in the place of `allowPrivate`. Without one: directly, trusting whom every process trusts. */
  network?: Network | undefined;
  /** Longest time one operation may take, in milliseconds. Default: a minute. */
  deadlineMs?: number;
  /** What is accepted from a host, where it differs from the defaults. */
  limits?: Partial<Limits>;
  /** Ends running operations with GIT_CANCELLED. */
  signal?: AbortSignal | undefined;
  /** Shared by the engines of a process. Without one, nothing is kept between engines. */
  cache?: ObjectCache;
}

const DEADLINE_MS = 60_000;
const OWN_CACHE_BYTES = 16 * 1024 * 1024;

export class InProcessGit extends Git {
  readonly #remote: Remote;
  readonly #options: SessionOptions;
  readonly #cache: ObjectCache;

  constructor(remote: Remote, options: EngineOptions) {
    super();
    this.#remote = remote;
    this.#cache = options.cache ?? new ObjectCache(OWN_CACHE_BYTES);
    this.#options = {
      allowHttp: options.allowHttp,
      allowPrivate: options.allowPrivate,
      network: options.network,
      deadlineMs: options.deadlineMs ?? DEADLINE_MS,
      limits: { ...defaultLimits, ...options.limits },
      signal: options.signal,
    };
  }

  head(branch: Branch): Promise<CommitId | null> {
    return this.#open(({ session }) => findBranch(session, branch));
  }

  heads(): Promise<{ branches: Record<Branch, CommitId>; default: Branch | null }> {
    return this.#open(({ session }) => listBranches(session));
  }

  read(at: CommitId, paths: Path[]): Promise<({ id: string; content: Uint8Array } | null)[]> {
    return this.#open(async (source) => {
      await source.requirePaths(at, paths);
      const root = source.rootOf(at);
      const ids: (string | null)[] = [];
      for (const path of paths) {
        const item = await findItem(source, root, path);
        ids.push(item !== null && hasBlob(item) ? item.id : null);
      }
      const contents = await source.blobs(
        at,
        ids.filter((id) => id !== null),
      );
      return ids.map((id) => (id === null ? null : { id, content: contents.get(id) as Buffer }));
    });
  }

  list(at: CommitId, prefix: Path): Promise<TreeEntry[]> {
    return this.#open(async (source) => {
      await (prefix === '' ? source.requireSnapshots([at]) : source.requirePaths(at, [prefix]));
      return listFiles(source, source.rootOf(at), prefix);
    });
  }

  changes(from: CommitId, to: CommitId, options: { contents?: boolean } = {}): Promise<PathChange[]> {
    return this.#open(async (source) => {
      const isWhole = options.contents === true;
      await (isWhole ? source.requireSuccessor(from, to) : source.requireSnapshots([from, to]));
      const changes = await compareTrees(source, source.rootOf(from), source.rootOf(to));
      return isWhole ? addContents(source, to, changes) : changes;
    });
  }

  history(path: Path, place: HistoryPlace, limit: number): Promise<HistoryPage> {
    return this.#open((source) => walkHistory(new HostHistory(source), path, place, limit));
  }

  commit(chain: Chain): Promise<ChainResult> {
    return this.#open(async (source) => {
      let built: BuiltChain;
      try {
        built = await step('git.build', () => buildChain(source, chain));
      } catch (error) {
        if (error instanceof Failure && error.code === 'GIT_OBJECT_NOT_FOUND')
          return confirmMoved(source, chain, error);
        throw error;
      }
      if (built.mismatches.length > 0) return { status: 'mismatch', mismatches: built.mismatches };
      return deliverChain(source, chain, built);
    });
  }

  deleteBranch(branch: Branch, at: CommitId): Promise<DeleteResult> {
    return this.#open(({ session }) => deleteBranch(session, branch, at));
  }

  check(): Promise<Check> {
    return checkRemote(this.#remote, this.#options);
  }

  #open<T>(use: (source: ObjectSource) => Promise<T>): Promise<T> {
    return withSession(this.#remote, this.#options, (session) => use(new ObjectSource(session, this.#cache)));
  }
}

async function addContents(source: ObjectSource, at: CommitId, changes: PathChange[]): Promise<PathChange[]> {
  const written = changes.filter(({ to }) => to !== null && hasBlob(to));
  const contents = await source.blobs(
    at,
    written.map(({ to }) => to?.id ?? ''),
  );
  return changes.map((change) => {
    const content = change.to === null ? undefined : contents.get(change.to.id);
    return content === undefined ? change : { ...change, content };
  });
}
