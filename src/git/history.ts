// The history of one path, as `git log -- path` tells it: newest first, and past a merge only where it leads to what the merge
// left. Commits come in runs, trees a level of directories at a time, and only those above the path: a page costs what it looked at,
// however large the repository is.
import { Failure } from '../kernel/failure.js';
import { Breath } from './breath.js';
import { readCommit, readCommitDate } from './commit-text.js';
import type { CommitId, HistoryCommit, HistoryPage, HistoryPlace, Path } from './git.js';
import { refuseAnswer, refuseExcess } from './host-answer.js';
import type { Limits } from './limits.js';
import {
  canonicalMode,
  decodeCommit,
  EMPTY_TREE,
  hasBlob,
  isDirectory,
  MalformedObject,
  toRawName,
} from './objects.js';
import { isFilePath } from './path-names.js';
import { Tree } from './tree.js';

/** Where a walk gets objects from. Both may fail with GIT_LIMIT_EXCEEDED, and are then asked for fewer. */
export interface HistorySource {
  readonly host: string;
  readonly limits: Pick<Limits, 'historyCommits' | 'historyBytes'>;
  /** For how long a page may be looked for, in milliseconds. */
  readonly pageMs: number;
  /** Bytes of commits and trees that have come so far. */
  readonly bytes: number;
  /** @throws Failure when the operation should be over */
  check: () => void;
  /** Contents of these commits, and of as many that follow on them as come along. What is missing is not there. */
  commits: (ids: CommitId[]) => Promise<Map<CommitId, Buffer>>;
  /** Contents of these trees. @throws Failure GIT_OBJECT_NOT_FOUND */
  trees: (ids: string[]) => Promise<Map<string, Buffer>>;
}

interface Known {
  content: Buffer;
  tree: string;
  parents: CommitId[];
  committedAt: number;
}

/** What a commit has at the path, directories too; `null` for nothing. */
type Standing = { mode: string; id: string } | null;

/** Branches of a history that are looked at side by side, and parents of one commit. */
const PENDING_MAX = 256;
const SEEN_MAX = 64;
/** Commits whose trees are asked for together: as many as fit into this many bytes. */
const TREES_BYTES = 8 * 1024 * 1024;
const RUN_FIRST = 32;
const RUN_MAX = 256;

/** @throws Failure GIT_OBJECT_NOT_FOUND, GIT_LIMIT_EXCEEDED, and what the source fails with */
export async function walkHistory(
  source: HistorySource,
  path: Path,
  place: HistoryPlace,
  limit: number,
): Promise<HistoryPage> {
  const walk = new HistoryWalk(source, isFilePath(path) ? toRawName(path).split('/') : null);
  try {
    return await walk.page(place, limit);
  } catch (error) {
    throw error instanceof MalformedObject ? refuseAnswer(source.host, error.message) : error;
  }
}

class HistoryWalk {
  readonly #source: HistorySource;
  /** Names of the path as bytes; `null` for a path that no file has. */
  readonly #names: string[] | null;
  readonly #commits = new Map<CommitId, Known>();
  readonly #standing = new Map<CommitId, Standing>();
  /** What trees hold under the path's name, by level. */
  readonly #items: Map<string, Standing>[] = [];
  readonly #breath: Breath;
  #run = RUN_FIRST;

  constructor(source: HistorySource, names: string[] | null) {
    this.#source = source;
    this.#names = names;
    this.#breath = new Breath(() => source.check());
  }

  async page(place: HistoryPlace, limit: number): Promise<HistoryPage> {
    const until = performance.now() + this.#source.pageMs;
    const { historyCommits, historyBytes } = this.#source.limits;
    const queue = new Queue(place.seen.filter((id) => !place.pending.includes(id)));
    await this.#require(place.pending);
    for (const id of place.pending) queue.add(id, this.#known(id).committedAt);
    const found: HistoryCommit[] = [];
    const looked: CommitId[] = [];
    const isEnough = (): boolean =>
      found.length === limit ||
      looked.length >= historyCommits ||
      this.#source.bytes >= historyBytes ||
      performance.now() >= until;
    for (let id = queue.take(); id !== undefined; id = queue.take()) {
      const { found: one, next } = await this.#look(id);
      looked.push(id);
      if (one !== null) found.push(one);
      await this.#require(next);
      for (const parent of next) queue.add(parent, this.#known(parent).committedAt);
      if (queue.size > PENDING_MAX) throw this.#tooMany();
      if (isEnough()) break;
    }
    const pending = queue.rest();
    const seen = [...place.seen, ...looked].slice(-SEEN_MAX);
    return {
      commits: found,
      searchedTo: looked.at(-1) ?? '',
      next: pending.length === 0 ? null : { pending, seen },
    };
  }

  /** Whether the commit is told, and where the history goes on. */
  async #look(id: CommitId): Promise<{ found: HistoryCommit | null; next: CommitId[] }> {
    const { parents } = this.#known(id);
    if (parents.length > PENDING_MAX) throw this.#tooMany();
    const own = await this.#standingOf(id);
    for (const parent of parents)
      if (isSame(own, await this.#standingOf(parent))) return { found: null, next: [parent] };
    const [first] = parents;
    const before = first === undefined ? null : await this.#standingOf(first);
    const found = first === undefined && own === null ? null : this.#describe(id, before, own);
    return { found, next: [...new Set(parents)] };
  }

  #describe(id: CommitId, from: Standing, to: Standing): HistoryCommit {
    const { parents, author, committer, ...words } = readCommit(this.#known(id).content);
    const { message, isMessageCut, operation } = words;
    return {
      id,
      parent: parents[0] ?? null,
      isMerge: parents.length > 1,
      author,
      committer,
      message,
      isMessageCut,
      operation,
      from: fileOf(from),
      to: fileOf(to),
    };
  }

  async #standingOf(id: CommitId): Promise<Standing> {
    const known = this.#standing.get(id);
    if (known !== undefined) return known;
    await this.#find(await this.#runFrom(id));
    return this.#standing.get(id) ?? null;
  }

  /** The commit and what follows on it by first parents, as far as it is at hand. */
  async #runFrom(id: CommitId): Promise<CommitId[]> {
    await this.#require([id]);
    const run: CommitId[] = [];
    for (let at: CommitId | undefined = id; at !== undefined && run.length < this.#run; ) {
      const commit: Known | undefined = this.#commits.get(at);
      if (commit === undefined || this.#standing.has(at)) break;
      run.push(at);
      [at] = commit.parents;
    }
    return run;
  }

  /** Finds what these commits have at the path. */
  async #find(commits: CommitId[]): Promise<void> {
    let level = commits.map((commit) => ({ commit, tree: this.#known(commit).tree }));
    for (const [depth, name] of (this.#names ?? []).entries()) {
      await this.#readLevel(depth, name, [...new Set(level.map(({ tree }) => tree))]);
      const deeper: typeof level = [];
      for (const { commit, tree } of level) {
        const item = this.#items[depth]?.get(tree) ?? null;
        const isLast = depth + 1 === this.#names?.length;
        if (isLast || item === null || !isDirectory(item)) this.#standing.set(commit, isLast ? item : null);
        else deeper.push({ commit, tree: item.id });
      }
      level = deeper;
    }
    for (const { commit } of level) this.#standing.set(commit, null);
  }

  async #readLevel(depth: number, name: string, trees: string[]): Promise<void> {
    const items = this.#items[depth] ?? new Map<string, Standing>();
    this.#items[depth] = items;
    const missing = trees.filter((id) => !items.has(id) && id !== EMPTY_TREE);
    for (let at = 0; at < missing.length; ) {
      const some = missing.slice(at, at + this.#run);
      const contents = await this.#fetchTrees(some);
      if (contents === null) continue;
      at += some.length;
      for (const [id, content] of contents) {
        const item = (await Tree.read(content, this.#breath)).find(name);
        items.set(id, item === null ? null : { mode: modeOf(item), id: item.id });
        await this.#breath.take();
      }
    }
  }

  /** `null` when these are too many: the next are fewer. */
  async #fetchTrees(ids: string[]): Promise<Map<string, Buffer> | null> {
    try {
      const contents = await this.#source.trees(ids);
      const bytes = sizeOf(contents);
      const fitting = Math.floor((TREES_BYTES * ids.length) / Math.max(bytes, 1));
      if (ids.length >= this.#run || fitting < this.#run)
        this.#run = Math.max(1, Math.min(fitting, this.#run * 2, RUN_MAX));
      return contents;
    } catch (error) {
      if (!isExcess(error) || ids.length === 1) throw error;
      this.#run = Math.max(1, Math.floor(ids.length / 2));
      return null;
    }
  }

  /** @throws Failure GIT_OBJECT_NOT_FOUND */
  async #require(ids: CommitId[]): Promise<void> {
    const missing = ids.filter((id) => !this.#commits.has(id));
    if (missing.length === 0) return;
    const fetched = await this.#source.commits(missing);
    for (const [id, content] of fetched) {
      const { tree, parents } = decodeCommit(content);
      this.#commits.set(id, { content, tree, parents, committedAt: readCommitDate(content) });
      await this.#breath.take();
    }
    for (const id of missing) this.#known(id);
  }

  #known(id: CommitId): Known {
    const known = this.#commits.get(id);
    if (known === undefined) throw new Failure('GIT_OBJECT_NOT_FOUND', { object: `commit ${id}` });
    return known;
  }

  #tooMany(): Failure {
    return refuseExcess(this.#source.host, 'branches of a history side by side', PENDING_MAX) as Failure;
  }
}

/** Commits to look at, the youngest first, and of the same age in the order of their coming. Each is in it once. */
class Queue {
  readonly #known: Set<CommitId>;
  readonly #waiting: { id: CommitId; at: number }[] = [];

  constructor(seen: readonly CommitId[]) {
    this.#known = new Set(seen);
  }

  get size(): number {
    return this.#waiting.length;
  }

  add(id: CommitId, at: number): void {
    if (this.#known.has(id)) return;
    this.#known.add(id);
    const older = this.#waiting.findIndex((one) => one.at < at);
    this.#waiting.splice(older < 0 ? this.#waiting.length : older, 0, { id, at });
  }

  take(): CommitId | undefined {
    return this.#waiting.shift()?.id;
  }

  rest(): CommitId[] {
    return this.#waiting.map(({ id }) => id);
  }
}

const isSame = (one: Standing, other: Standing): boolean =>
  one?.id === other?.id && one?.mode === other?.mode;

/** A directory or submodule at the path is no file. */
const fileOf = (standing: Standing): Standing => (standing !== null && hasBlob(standing) ? standing : null);

/** Padded or not, a directory is one. */
const modeOf = ({ mode }: { mode: string }): string => canonicalMode(mode).replace(/^0/, '');

const sizeOf = (contents: Map<string, Buffer>): number =>
  [...contents.values()].reduce((sum, { length }) => sum + length, 0);

const isExcess = (error: unknown): boolean => error instanceof Failure && error.code === 'GIT_LIMIT_EXCEEDED';
