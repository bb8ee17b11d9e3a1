// Trees and commits of a process, least recently used out first. Blobs never enter: they are large and read once.
import type { GitObject } from './objects.js';

const OVERHEAD_BYTES = 250;
const PARTITIONS_MAX = 10_000;

/**
 * Shared by all engines of a process. A partition stands for one repository under one credential: what one credential
 * fetched is never shown to another.
 */
export class ObjectCache {
  readonly #bytesMax: number;
  readonly #objects = new Map<string, GitObject>();
  readonly #recent = new Map<string, string>();
  readonly #large = new Set<string>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes held, bookkeeping included. */
  get bytes(): number {
    return this.#bytes;
  }

  get(partition: string, id: string): GitObject | undefined {
    const key = partition + id;
    const object = this.#objects.get(key);
    if (object === undefined) return undefined;
    this.#objects.delete(key);
    this.#objects.set(key, object);
    return object;
  }

  /** Keeps a tree or commit; other objects, and those larger than the whole cache, are passed over. */
  put(partition: string, id: string, object: GitObject): void {
    const key = partition + id;
    const size = object.content.length + OVERHEAD_BYTES;
    if (
      (object.type !== 'tree' && object.type !== 'commit') ||
      size > this.#bytesMax ||
      this.#objects.has(key)
    )
      return;
    this.#objects.set(key, object);
    this.#bytes += size;
    for (const [oldest, { content }] of this.#objects) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#objects.delete(oldest);
      this.#bytes -= content.length + OVERHEAD_BYTES;
    }
  }

  /** Remembers a commit whose trees were fetched, so that the next fetch asks only for the difference. */
  noteRecent(partition: string, commit: string): void {
    this.#recent.delete(partition);
    this.#recent.set(partition, commit);
    const oldest = this.#recent.keys().next().value;
    if (this.#recent.size > PARTITIONS_MAX && oldest !== undefined) this.#recent.delete(oldest);
  }

  /** Remembers that the trees of this repository are too many to be fetched all at once. */
  noteLarge(partition: string): void {
    this.#large.delete(partition);
    this.#large.add(partition);
    const oldest = this.#large.values().next().value;
    if (this.#large.size > PARTITIONS_MAX && oldest !== undefined) this.#large.delete(oldest);
  }

  isLarge(partition: string): boolean {
    return this.#large.has(partition);
  }

  /** Drops all objects, and what was fetched last; what is known of the size of repositories stays. */
  clear(): void {
    this.#objects.clear();
    this.#recent.clear();
    this.#bytes = 0;
  }

  recent(partition: string): string | undefined {
    return this.#recent.get(partition);
  }
}
