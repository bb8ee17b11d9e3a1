// Where an operation finds objects: among those it made, in the process's cache, and on the host, in this order.
import { Failure } from '../kernel/failure.js';
import type { CommitId } from './git.js';
import { refuseAnswer } from './host-answer.js';
import type { ObjectCache } from './object-cache.js';
import {
  type CommitHeader,
  decodeCommit,
  decodeTree,
  EMPTY_TREE,
  type GitObject,
  MalformedObject,
  type TreeItem,
} from './objects.js';
import type { Session } from './session.js';
import { fetchObjects } from './upload-pack.js';

const DECODED_MAX = 500;

export class ObjectSource {
  readonly session: Session;
  readonly #cache: ObjectCache;
  /** What this operation saw: the cache may be too small to keep it to the end. */
  readonly #held = new Map<string, GitObject>();
  readonly #decoded = new Map<string, TreeItem[]>();

  constructor(session: Session, cache: ObjectCache) {
    this.session = session;
    this.#cache = cache;
  }

  /** Makes commits known with all their trees, in one request, or none where the cache has them. */
  async requireSnapshots(commits: CommitId[]): Promise<void> {
    const missing = [...new Set(commits)].filter((commit) => !this.#isKnown(commit));
    if (missing.length === 0) return;
    const recent = this.#cache.recent(this.session.partition);
    const known = recent !== undefined && this.#isKnown(recent) ? [recent] : [];
    const fetched = await fetchObjects(this.session, {
      ids: missing,
      haves: known,
      shallow: known,
      without: 'blobs',
      depth: 1,
      keep: ['commit', 'tree'],
    });
    this.keep(fetched);
    for (const commit of missing) {
      if (this.#find(commit)?.type !== 'commit')
        throw new Failure('GIT_OBJECT_NOT_FOUND', { object: `commit ${commit}` });
      this.#cache.noteRecent(this.session.partition, commit);
    }
  }

  /** Id of a commit's tree. The commit must have been required. */
  rootOf(commit: CommitId): string {
    return this.#decodeCommit(commit).tree;
  }

  async tree(id: string): Promise<TreeItem[]> {
    const known = this.#decoded.get(id);
    if (known !== undefined) return known;
    await this.requireTrees([id]);
    const object = this.#find(id);
    if (object?.type !== 'tree') throw refuseAnswer(this.session.host, `object ${id} is not a tree`);
    const items = this.#decode(() => decodeTree(object.content));
    if (this.#decoded.size >= DECODED_MAX) this.#decoded.clear();
    this.#decoded.set(id, items);
    return items;
  }

  /** Fetches those of the trees that are not known, with all below them, in one request. */
  async requireTrees(ids: string[]): Promise<void> {
    const missing = ids.filter((id) => id !== EMPTY_TREE && this.#find(id) === undefined);
    if (missing.length > 0)
      this.keep(await fetchObjects(this.session, { ids: missing, without: 'blobs', keep: ['tree'] }));
    for (const id of missing)
      if (!this.#held.has(id)) throw new Failure('GIT_OBJECT_NOT_FOUND', { object: `tree ${id}` });
  }

  /** Contents of blobs, in one request. */
  async blobs(ids: string[]): Promise<Map<string, Buffer>> {
    const wanted = [...new Set(ids)];
    if (wanted.length === 0) return new Map();
    const fetched = await fetchObjects(this.session, { ids: wanted, keep: ['blob'] });
    return new Map(
      wanted.map((id) => {
        const content = fetched.get(id)?.content;
        if (content === undefined) throw new Failure('GIT_OBJECT_NOT_FOUND', { object: `blob ${id}` });
        return [id, content];
      }),
    );
  }

  /**
   * Whether `ancestor` is `head` or below it, above `base`. Fetches commits alone: a few at first, all when these do not
   * reach far enough.
   */
  async isAncestor(ancestor: CommitId, head: CommitId, base: CommitId | null): Promise<boolean> {
    for (const depth of [1_000, undefined]) {
      const commits = await fetchObjects(this.session, {
        ids: [head],
        haves: base === null ? [] : [base],
        without: 'trees',
        ...(depth === undefined ? {} : { depth }),
        keep: ['commit'],
      });
      this.hold(commits);
      const found = this.#search(ancestor, head, commits, base);
      if (found !== null) return found;
    }
    return false;
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
    return this.#decode(() => decodeCommit(object.content));
  }

  #decode<T>(decode: () => T): T {
    try {
      return decode();
    } catch (error) {
      if (error instanceof MalformedObject) throw refuseAnswer(this.session.host, error.message);
      throw error;
    }
  }
}
