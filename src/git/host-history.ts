// What a history is made of, from the host. Nothing of it goes into the cache, which is for what is written and read at the heads of
// branches.
import { Failure } from '../kernel/failure.js';
import { knowCapabilities } from './capabilities.js';
import type { CommitId } from './git.js';
import type { HistorySource } from './history.js';
import type { Limits } from './limits.js';
import { type ObjectSource, withAnswerBytes } from './object-source.js';
import type { GitObject } from './objects.js';
import { requireTime, type Session } from './session.js';
import { fetchObjects } from './upload-pack.js';

/** Commits of a line of history that are asked for at once, alone and with their trees. */
const COMMITS_DEPTH = 256;
const SNAPSHOTS_DEPTH = 16;
/** Where merges meet, so many generations are far more commits: those that came in so many bytes will do. */
const COMMITS_BYTES = 4 * 1024 * 1024;
const TREES_BYTES = 32 * 1024 * 1024;
const PAGE_MS = 10_000;
/** Of an operation's time, for the page that it is for. */
const PAGE_SHARE = 0.3;

export class HostHistory implements HistorySource {
  readonly host: string;
  readonly limits: Limits;
  readonly pageMs: number;
  readonly #source: ObjectSource;
  readonly #session: Session;
  /** What came along of a host that gives commits with their trees alone. */
  readonly #trees = new Map<string, Buffer>();
  #depth = SNAPSHOTS_DEPTH;
  #bytes = 0;

  constructor(source: ObjectSource) {
    this.#source = source;
    this.#session = source.session;
    this.host = source.session.host;
    this.limits = source.session.limits;
    this.pageMs = Math.min(PAGE_MS, source.session.deadline.totalMs * PAGE_SHARE);
  }

  get bytes(): number {
    return this.#bytes;
  }

  check(): void {
    requireTime(this.#session);
  }

  async commits(ids: CommitId[]): Promise<Map<CommitId, Buffer>> {
    return (await this.#canSelect()) ? this.#commitsAlone(ids) : this.#snapshots(ids);
  }

  async trees(ids: string[]): Promise<Map<string, Buffer>> {
    const found = new Map<string, Buffer>();
    for (const id of ids) {
      const content = this.#trees.get(id) ?? this.#peek(id);
      if (content !== undefined) found.set(id, content);
    }
    const missing = ids.filter((id) => !found.has(id));
    if (missing.length === 0) return found;
    for (const [id, content] of await this.#fetchTrees(missing)) found.set(id, content);
    const still = missing.find((id) => !found.has(id));
    if (still !== undefined) throw new Failure('GIT_OBJECT_NOT_FOUND', { object: `tree ${still}` });
    return found;
  }

  async #canSelect(): Promise<boolean> {
    const { filter, wants } = await knowCapabilities(this.#session);
    return filter && wants === 'any';
  }

  /** What came before it was too much is as good as all of it, as long as it holds what was asked for. */
  async #commitsAlone(ids: CommitId[]): Promise<Map<CommitId, Buffer>> {
    const found = new Map<CommitId, Buffer>();
    const onKept = (id: CommitId, { content }: GitObject) => {
      found.set(id, content);
      this.#bytes += content.length;
    };
    const fetch = (session: Session, depth: number) =>
      fetchObjects(session, { ids, depth, without: 'trees', keep: ['commit'], onKept });
    try {
      await fetch(withAnswerBytes(this.#session, COMMITS_BYTES), COMMITS_DEPTH);
    } catch (error) {
      if (!isExcess(error)) throw error;
      if (!ids.every((id) => found.has(id))) await fetch(this.#session, 1);
    }
    return found;
  }

  /** Where a tree cannot be asked for by itself, trees come with their commits, of which fewer are asked for then. */
  async #snapshots(ids: CommitId[]): Promise<Map<CommitId, Buffer>> {
    for (;;) {
      try {
        const extent = { ids, depth: this.#depth, without: 'blobs' as const };
        return this.#sort(await fetchObjects(this.#session, { ...extent, keep: ['commit', 'tree'] }));
      } catch (error) {
        if (!isExcess(error) || this.#depth === 1) throw error;
        this.#depth = Math.ceil(this.#depth / 4);
      }
    }
  }

  #sort(fetched: Map<string, GitObject>): Map<CommitId, Buffer> {
    const commits = new Map<CommitId, Buffer>();
    for (const [id, { type, content }] of fetched) {
      (type === 'tree' ? this.#trees : commits).set(id, content);
      this.#bytes += content.length;
    }
    return commits;
  }

  async #fetchTrees(ids: string[]): Promise<Map<string, Buffer>> {
    // One alone may be as large as anything else; several are asked for again, and fewer.
    const bytes = Math.min(TREES_BYTES, this.limits.answerBytes);
    const limits = ids.length === 1 ? this.limits : { ...this.limits, answerBytes: bytes, keptBytes: bytes };
    const session = { ...this.#session, limits };
    const fetched = new Map<string, Buffer>();
    for (const [id, { content }] of await fetchObjects(session, { ids, without: 'trees', keep: ['tree'] })) {
      fetched.set(id, content);
      this.#bytes += content.length;
    }
    return fetched;
  }

  #peek(id: string): Buffer | undefined {
    const known = this.#source.peek(id);
    return known?.type === 'tree' ? known.content : undefined;
  }
}

const isExcess = (error: unknown): boolean => error instanceof Failure && error.code === 'GIT_LIMIT_EXCEEDED';
