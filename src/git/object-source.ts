// Where an operation finds objects: among those it made, in the process's cache, and on the host, in this order.
import { Failure } from '../kernel/failure.js';
import { Breath } from './breath.js';
import { knowCapabilities } from './capabilities.js';
import type { CommitId, Path } from './git.js';
import { ANSWER_LIMIT, refuseAnswer } from './host-answer.js';
import type { ObjectCache } from './object-cache.js';
import {
  type CommitHeader,
  decodeCommit,
  EMPTY_TREE,
  type GitObject,
  isDirectory,
  MalformedObject,
  toRawName,
} from './objects.js';
import { requireTime, type Session } from './session.js';
import { Tree } from './tree.js';
import { fetchObjects, type Wanted } from './upload-pack.js';

const DECODED_MAX = 500;
/** A difference of more bytes is fetched without its files first, to see what is wanted of it. */
const DIFFERENCE_BYTES = 4 * 1024 * 1024;
/** So far below a head what is known is looked for with trees, and without them. */
const NEAR_COMMITS = 50;
const FAR_COMMITS = 1_000;

/** Paths, as lists of names, that go on in a tree. */
interface Walk {
  tree: string;
  names: string[][];
}

export class ObjectSource {
  readonly session: Session;
  readonly #cache: ObjectCache;
  /** What this operation saw: the cache may be too small to keep it to the end. */
  readonly #held = new Map<string, GitObject>();
  readonly #decoded = new Map<string, Tree>();
  /** Commits this operation required. */
  readonly #required = new Set<CommitId>();

  constructor(session: Session, cache: ObjectCache) {
    this.session = session;
    this.#cache = cache;
  }

  /** Makes commits known with all their trees, in one request, or none where the cache has them. */
  async requireSnapshots(commits: CommitId[]): Promise<void> {
    for (const commit of commits) this.#required.add(commit);
    const missing = [...new Set(commits)].filter((commit) => !this.#isKnown(commit));
    if (missing.length > 0) await this.#fetchSnapshots(missing, this.session);
  }

  /**
   * Makes two commits known with their trees, of which the second usually follows the first: then its new files come along
   * in the same request, and are held for this operation.
   */
  async requireSuccessor(from: CommitId, to: CommitId): Promise<void> {
    if (this.#isKnown(from) && !this.#isKnown(to)) {
      const session = withAnswerBytes(this.session, DIFFERENCE_BYTES);
      try {
        const wanted = { ids: [to], haves: [from], depth: NEAR_COMMITS };
        this.keep(await fetchObjects(session, { ...wanted, keep: ['commit', 'tree', 'blob'] }));
      } catch (error) {
        if (!isExcessOfAnswer(error)) throw error;
      }
    }
    await this.requireSnapshots([from, to]);
  }

  /**
   * Makes a commit known with the trees above these paths at least: with all its trees in one request where they are few,
   * else with those of the paths alone, a level of directories each.
   */
  async requirePaths(commit: CommitId, paths: readonly Path[]): Promise<void> {
    this.#required.add(commit);
    if (!this.#isKnown(commit)) await this.#fetchSnapshotOrCommit(commit);
    let level: Walk[] = [
      { tree: this.rootOf(commit), names: paths.map((path) => toRawName(path).split('/')) },
    ];
    while (level.length > 0) {
      await this.#fetchTrees(
        level.map(({ tree }) => tree),
        'trees',
      );
      level = (await Promise.all(level.map((walk) => this.#descend(walk)))).flat();
    }
  }

  /** A commit or tree, where it is known here already. */
  peek(id: string): GitObject | undefined {
    return this.#find(id);
  }

  /** Id of a commit's tree. The commit must have been required. */
  rootOf(commit: CommitId): string {
    return this.#decodeCommit(commit).tree;
  }

  async tree(id: string): Promise<Tree> {
    const known = this.#decoded.get(id);
    if (known !== undefined) return known;
    await this.requireTrees([id]);
    const object = this.#find(id);
    if (object?.type !== 'tree') throw refuseAnswer(this.session.host, `object ${id} is not a tree`);
    const breath = new Breath(() => requireTime(this.session));
    try {
      const tree = await Tree.read(object.content, breath);
      this.#noteTree(id, tree);
      return tree;
    } catch (error) {
      throw this.#refuseMalformed(error);
    }
  }

  /** A tree this operation made. */
  holdTree(id: string, tree: Tree): void {
    this.hold([[id, { type: 'tree', content: tree.content }]]);
    this.#noteTree(id, tree);
  }

  /** Lets go of a tree this operation made and will not look at again. */
  dropTree(id: string): void {
    this.#held.delete(id);
    this.#decoded.delete(id);
  }

  /** Fetches those of the trees that are not known, with all below them, in one request. */
  async requireTrees(ids: string[]): Promise<void> {
    await this.#fetchTrees(ids, 'blobs');
  }

  /** Contents of blobs of a commit, in one request. */
  async blobs(at: CommitId, ids: string[]): Promise<Map<string, Buffer>> {
    const wanted = [...new Set(ids)];
    const missing = new Set(wanted.filter((id) => !this.#held.has(id)));
    if (missing.size > 0) {
      const { wants } = await knowCapabilities(this.session);
      // A host that gives commits alone gives them with all their files.
      const request = wants === 'any' ? { ids: [...missing] } : { ids: [at], depth: 1 };
      this.hold(await fetchObjects(this.session, { ...request, keep: ['blob'] }));
    }
    return new Map(
      wanted.map((id) => {
        const content = this.#held.get(id)?.content;
        if (content === undefined) throw new Failure('GIT_OBJECT_NOT_FOUND', { object: `blob ${id}` });
        return [id, content];
      }),
    );
  }

  /**
   * Whether `ancestor` is `head` or below it, above `base`. The trees of a near head come along, since the next chain will
   * stand on it; from a far one commits alone are fetched, all of them when some do not reach.
   */
  async isAncestor(ancestor: CommitId, head: CommitId, base: CommitId | null): Promise<boolean> {
    const known = (id: string): GitObject | undefined => this.#find(id);
    const near = base === null ? [] : [{ depth: NEAR_COMMITS, without: 'blobs' as const, known }];
    const far = [{ depth: FAR_COMMITS, without: 'trees' as const }, { without: 'trees' as const }];
    for (const extent of [...near, ...far]) {
      const isNear = extent.without === 'blobs';
      const fetched = await this.#fetchWithin(isNear ? DIFFERENCE_BYTES : null, {
        ids: [head],
        haves: base === null ? [] : [base],
        ...extent,
        keep: ['commit', 'tree'],
      });
      if (fetched === null) continue;
      this.keep(fetched);
      if (this.#isKnown(head)) this.noteRecent(head);
      const found = this.#search(ancestor, head, fetched, base);
      if (found !== null) return found;
    }
    return false;
  }

  /** `null` when the answer takes more than so many bytes. */
  async #fetchWithin(bytesMax: number | null, wanted: Wanted): Promise<Map<string, GitObject> | null> {
    if (bytesMax === null) return fetchObjects(this.session, wanted);
    try {
      return await fetchObjects(withAnswerBytes(this.session, bytesMax), wanted);
    } catch (error) {
      if (isExcessOfAnswer(error)) return null;
      throw error;
    }
  }

  /** Objects this operation made; the cache gets them only by `keep`. */
  hold(objects: Iterable<[string, GitObject]>): void {
    for (const [id, object] of objects) this.#held.set(id, object);
  }

  /** Objects the host has: kept for this operation and those to come. */
  keep(objects: Iterable<[string, GitObject]>): void {
    for (const [id, object] of objects) {
      this.#held.set(id, object);
      this.#cache.put(this.session.partition, id, object);
    }
  }

  /** The host has this commit and all its trees are known here. */
  noteRecent(commit: CommitId): void {
    this.#cache.noteRecent(this.session.partition, commit);
  }

  async #fetchSnapshotOrCommit(commit: CommitId): Promise<void> {
    const { filter, wants } = await knowCapabilities(this.session);
    const canSelect = filter && wants === 'any';
    if (!canSelect) return this.#fetchSnapshots([commit], this.session);
    const { partition } = this.session;
    if (!this.#cache.isLarge(partition) || this.#knownRecent() !== null) {
      try {
        return await this.#fetchSnapshots(
          [commit],
          withAnswerBytes(this.session, this.session.limits.treesAtOnceBytes),
        );
      } catch (error) {
        if (!isExcessOfAnswer(error)) throw error;
        this.#cache.noteLarge(partition);
        this.#cache.noteRecent(partition, commit);
      }
    }
    // The commit comes first, and the topmost trees follow it: what was too much has brought them.
    if (this.#find(commit)?.type === 'commit') return;
    this.keep(
      await fetchObjects(this.session, { ids: [commit], without: 'trees', depth: 1, keep: ['commit'] }),
    );
    this.#requireFetched([commit]);
  }

  async #fetchSnapshots(commits: CommitId[], session: Session): Promise<void> {
    const recent = this.#knownRecent();
    const known = recent === null ? [] : [recent];
    const fetched = await fetchObjects(session, {
      ids: commits,
      haves: known,
      shallow: known,
      known: recent === null ? undefined : (id) => this.#find(id),
      without: 'blobs',
      depth: 1,
      keep: ['commit', 'tree'],
      onKept: (id, object) => this.keep([[id, object]]),
    });
    this.keep(fetched);
    this.#requireFetched(commits);
  }

  /** The last commit met, of which the next one is fetched as a difference. */
  #knownRecent(): CommitId | null {
    const recent = this.#cache.recent(this.session.partition);
    return recent !== undefined && this.#isKnown(recent) ? recent : null;
  }

  #requireFetched(commits: CommitId[]): void {
    for (const commit of commits) {
      if (this.#find(commit)?.type !== 'commit')
        throw new Failure('GIT_OBJECT_NOT_FOUND', { object: `commit ${commit}` });
      this.#cache.noteRecent(this.session.partition, commit);
    }
  }

  /** Trees that are not known, with what is below them (`blobs`) or alone (`trees`). */
  async #fetchTrees(ids: string[], without: 'blobs' | 'trees'): Promise<void> {
    const missing = [...new Set(ids)].filter((id) => id !== EMPTY_TREE && this.#find(id) === undefined);
    if (missing.length === 0) return;
    const { wants } = await knowCapabilities(this.session);
    // A host that gives commits alone gives a tree with the commit it belongs to.
    const request: Pick<Wanted, 'ids' | 'depth' | 'without'> =
      wants === 'any' ? { ids: missing, without } : { ids: [...this.#required], depth: 1, without: 'blobs' };
    if (request.ids.length > 0) this.keep(await fetchObjects(this.session, { ...request, keep: ['tree'] }));
    for (const id of missing)
      if (!this.#held.has(id)) throw new Failure('GIT_OBJECT_NOT_FOUND', { object: `tree ${id}` });
  }

  /** Where the paths of a walk go on: the directories of its tree that they name. */
  async #descend({ tree, names }: Walk): Promise<Walk[]> {
    const deeper = names.filter(({ length }) => length > 1);
    if (deeper.length === 0) return [];
    const below = new Map<string, string[][]>();
    for (const [name = '', ...rest] of deeper) {
      const known = below.get(name);
      if (known === undefined) below.set(name, [rest]);
      else known.push(rest);
    }
    const items = await this.tree(tree);
    return [...below].flatMap(([name, rests]) => {
      const item = items.find(name);
      return item !== null && isDirectory(item) ? [{ tree: item.id, names: rests }] : [];
    });
  }

  /** `null` when the commits end before either the ancestor or the base was met. */
  #search(
    ancestor: CommitId,
    head: CommitId,
    commits: Map<string, GitObject>,
    base: CommitId | null,
  ): boolean | null {
    const seen = new Set<string>();
    const pending = [head];
    let complete = true;
    for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
      if (id === ancestor) return true;
      if (id === base || seen.has(id)) continue;
      seen.add(id);
      if (commits.has(id)) pending.push(...this.#decodeCommit(id).parents);
      else complete = false;
    }
    return complete ? false : null;
  }

  #isKnown(commit: CommitId): boolean {
    if (this.#find(commit)?.type !== 'commit') return false;
    const root = this.rootOf(commit);
    return root === EMPTY_TREE || this.#find(root) !== undefined;
  }

  #find(id: string): GitObject | undefined {
    const held = this.#held.get(id) ?? this.#cache.get(this.session.partition, id);
    if (held !== undefined) this.#held.set(id, held);
    return held ?? (id === EMPTY_TREE ? { type: 'tree', content: Buffer.alloc(0) } : undefined);
  }

  #decodeCommit(id: CommitId): CommitHeader {
    const object = this.#find(id);
    if (object?.type !== 'commit') throw new Failure('GIT_OBJECT_NOT_FOUND', { object: `commit ${id}` });
    try {
      return decodeCommit(object.content);
    } catch (error) {
      throw this.#refuseMalformed(error);
    }
  }

  #noteTree(id: string, tree: Tree): void {
    if (this.#decoded.size >= DECODED_MAX) this.#decoded.clear();
    this.#decoded.set(id, tree);
  }

  #refuseMalformed(error: unknown): unknown {
    return error instanceof MalformedObject ? refuseAnswer(this.session.host, error.message) : error;
  }
}

export function withAnswerBytes(session: Session, answerBytes: number): Session {
  return {
    ...session,
    limits: { ...session.limits, answerBytes: Math.min(answerBytes, session.limits.answerBytes) },
  };
}

function isExcessOfAnswer(error: unknown): boolean {
  return (
    error instanceof Failure &&
    error.code === 'GIT_LIMIT_EXCEEDED' &&
    (error.data as { limit: string }).limit === ANSWER_LIMIT
  );
}
