// Reads a pack from an answer as it arrives. Nothing in it is believed: sizes are checked before memory is given, every id
// is computed here, and the checksum at the end has to fit. What nobody asked for is inflated and dropped.
import { createHash } from 'node:crypto';
import { Breath } from './breath.js';
import { ByteWindow } from './byte-window.js';
import { applyDelta, deltaSize } from './delta.js';
import { refuseAnswer, refuseExcess } from './host-answer.js';
import type { Limits } from './limits.js';
import { type GitObject, hashInTurns, type ObjectType } from './objects.js';
import { BrokenStream, inflateObject } from './pack-inflate.js';

export interface PackOptions {
  host: string;
  limits: Limits;
  /** Whether objects of this type are kept; the others are inflated, counted and dropped. */
  keep: (type: ObjectType) => boolean;
  /** What is known here already: a delta may stand on an object that is not in the pack. */
  known?: (id: string) => GitObject | undefined | null;
  /** Called at every turn of the event loop; what it throws ends the reading. */
  check?: () => void;
  /** Called for every object that is kept: what came before an answer became too much is good all the same. */
  onKept?: (id: string, object: GitObject) => void;
  /** Called for every entry of the pack. */
  onEntry?: () => void;
  /** Called for every object of the pack, kept or not, once its type is known. */
  onObject?: (type: ObjectType) => void;
}

/**
 * The kept objects of a pack by their ids.
 * @throws Failure GIT_ANSWER_INVALID for a broken pack, GIT_LIMIT_EXCEEDED for one that is too much.
 */
export async function readPack(
  chunks: AsyncIterable<Buffer>,
  options: PackOptions,
): Promise<Map<string, GitObject>> {
  const reader = new PackReader(new ByteWindow(chunks), options);
  return reader.read();
}

/** An object of the pack. Without content it was dropped: its type is all that is known. */
interface Resolved {
  type: ObjectType;
  content: Buffer | null;
  depth: number;
}

/** How an object is called: by its id, or by where its entry begins in the pack. */
type Key = string | number;

/** What stands before the compressed bytes of an entry. `base` is `null` for a whole object. */
interface EntryHeader {
  kind: number;
  size: number;
  base: Key | null;
}

interface Waiting {
  offset: number;
  delta: Buffer;
}

const TYPES: Record<number, ObjectType> = { 1: 'commit', 2: 'tree', 3: 'blob', 4: 'tag' };
const OFFSET_DELTA = 6;
const REFERENCE_DELTA = 7;
const HEADER_BYTES = 12;
/** Size and base of an entry never take more. */
const ENTRY_HEADER_BYTES_MAX = 40;
const TRAILER_BYTES = 20;
class PackReader {
  readonly #window: ByteWindow;
  readonly #options: PackOptions;
  readonly #sum = createHash('sha1');
  readonly #found = new Map<Key, Resolved>();
  /** Dropped objects differ in type and depth alone, so one stands for all of them. */
  readonly #dropped = new Map<string, Resolved>();
  readonly #kept = new Map<string, GitObject>();
  /** Deltas by the key of a base that has not come yet. */
  readonly #waiting = new Map<Key, Waiting[]>();
  readonly #breath: Breath;
  #offset = 0;
  #inflatedBytes = 0;
  #keptBytes = 0;

  constructor(window: ByteWindow, options: PackOptions) {
    this.#window = window;
    this.#options = options;
    this.#breath = new Breath(options.check);
  }

  async read(): Promise<Map<string, GitObject>> {
    const count = await this.#readHeader();
    for (let index = 0; index < count; index++) {
      await this.#readEntry();
      this.#options.onEntry?.();
      await this.#breath.take();
    }
    await this.#readTrailer();
    await this.#resolveWaiting();
    return this.#kept;
  }

  async #readHeader(): Promise<number> {
    const header = await this.#take(HEADER_BYTES);
    if (header.toString('latin1', 0, 4) !== 'PACK') throw this.#invalid('there is no pack where one belongs');
    const version = header.readUInt32BE(4);
    if (version !== 2 && version !== 3) throw this.#invalid(`the pack has version ${version}`);
    const count = header.readUInt32BE(8);
    const { packObjects } = this.#options.limits;
    if (count > packObjects) throw this.#excess('objects of one pack', packObjects);
    return count;
  }

  async #readEntry(): Promise<void> {
    const offset = this.#offset;
    const { kind, size, base } = await this.#readEntryHeader(offset);
    const { objectBytes } = this.#options.limits;
    if (size > objectBytes) throw this.#excess('bytes of one object', objectBytes);
    const type = TYPES[kind];
    const found = base === null ? undefined : this.#findBase(base);
    const content = await this.#inflate(
      size,
      type === undefined ? found?.content !== null : this.#options.keep(type),
    );
    if (type !== undefined) await this.#settle(offset, this.#resolve(type, content, 0));
    else if (found !== undefined) await this.#settle(offset, await this.#rebuild(found, content));
    else if (base !== null && content !== null) this.#wait(base, { offset, delta: content });
  }

  /** The base of a delta, unless it is still to come. What is known already needs not to. */
  #findBase(base: Key): Resolved | undefined {
    const found = this.#found.get(base);
    if (found !== undefined || typeof base === 'number') return found;
    const known = this.#options.known?.(base);
    return known === undefined || known === null ? undefined : this.#resolve(known.type, known.content, 0);
  }

  #resolve(type: ObjectType, content: Buffer | null, depth: number): Resolved {
    if (content !== null && this.#options.keep(type)) return { type, content, depth };
    const key = `${type} ${depth}`;
    const dropped = this.#dropped.get(key) ?? { type, content: null, depth };
    this.#dropped.set(key, dropped);
    return dropped;
  }

  /** Three bits of type and a size of seven bits a byte, lowest first; then the base of a delta. */
  async #readEntryHeader(offset: number): Promise<EntryHeader> {
    await this.#window.fill(ENTRY_HEADER_BYTES_MAX);
    const bytes = this.#window.peek(ENTRY_HEADER_BYTES_MAX);
    let at = 0;
    let byte = bytes[at++] ?? 0;
    const kind = (byte >> 4) & 7;
    let size = byte & 15;
    for (let factor = 16; byte & 128; factor *= 128) {
      byte = bytes[at++] ?? 0;
      size += (byte & 127) * factor;
      if (size > Number.MAX_SAFE_INTEGER) throw this.#invalid('the size of an object is beyond all bounds');
    }
    if (TYPES[kind] === undefined && kind !== OFFSET_DELTA && kind !== REFERENCE_DELTA)
      throw this.#invalid(`the pack has an object of type ${kind}`);
    const base = readBase(bytes, at, kind, offset);
    await this.#take(base.next);
    return { kind, size, base: base.key };
  }

  async #inflate(size: number, keep: boolean): Promise<Buffer | null> {
    this.#inflatedBytes += size;
    const { inflatedBytes } = this.#options.limits;
    if (this.#inflatedBytes > inflatedBytes) throw this.#excess('inflated bytes of one pack', inflatedBytes);
    try {
      return await inflateObject(this.#window, size, { keep, consumed: (bytes) => this.#advance(bytes) });
    } catch (error) {
      throw error instanceof BrokenStream ? this.#invalid(error.message) : error;
    }
  }

  /** What a delta makes of its base. Of a dropped one nothing is made. */
  async #rebuild(base: Resolved, delta: Buffer | null): Promise<Resolved> {
    const depth = base.depth + 1;
    const { deltaDepth, objectBytes, inflatedBytes } = this.#options.limits;
    if (depth > deltaDepth) throw this.#excess('length of a chain of deltas', deltaDepth);
    if (base.content === null || delta === null) return this.#resolve(base.type, null, depth);
    const size = deltaSize(delta);
    if (size === null) throw this.#invalid('a delta is broken');
    if (size > objectBytes) throw this.#excess('bytes of one object', objectBytes);
    this.#inflatedBytes += size;
    if (this.#inflatedBytes > inflatedBytes) throw this.#excess('inflated bytes of one pack', inflatedBytes);
    const content = await applyDelta(base.content, delta, this.#breath);
    if (content === null) throw this.#invalid('a delta does not fit its base');
    return this.#resolve(base.type, content, depth);
  }

  /** Notes what an entry is. Answers its id where it is kept. */
  async #settle(offset: number, object: Resolved): Promise<string | null> {
    this.#found.set(offset, object);
    this.#options.onObject?.(object.type);
    const { type, content } = object;
    if (content === null) return null;
    this.#count(content.length);
    const id = await hashInTurns(type, content, this.#breath);
    this.#found.set(id, object);
    this.#kept.set(id, { type, content });
    this.#options.onKept?.(id, { type, content });
    return id;
  }

  #wait(base: Key, entry: Waiting): void {
    this.#count(entry.delta.length);
    const waiting = this.#waiting.get(base);
    if (waiting === undefined) this.#waiting.set(base, [entry]);
    else waiting.push(entry);
  }

  /** Deltas may stand before the object they are made from, and be the base of others. */
  async #resolveWaiting(): Promise<void> {
    const ready = [...this.#waiting.keys()].filter((key) => this.#found.has(key));
    for (let key = ready.pop(); key !== undefined; key = ready.pop()) {
      const base = this.#found.get(key);
      const entries = this.#waiting.get(key) ?? [];
      this.#waiting.delete(key);
      for (const { offset, delta } of base === undefined ? [] : entries) {
        const id = await this.#settle(offset, await this.#rebuild(base as Resolved, delta));
        ready.push(...[offset, id ?? ''].filter((name) => this.#waiting.has(name)));
        await this.#breath.take();
      }
    }
    // Whether the base was dropped or never came cannot be told apart where objects are dropped.
    const dropsSome = !Object.values(TYPES).every(this.#options.keep);
    if (this.#waiting.size > 0 && !dropsSome) throw this.#invalid('a delta names a base that is not there');
  }

  #count(bytes: number): void {
    this.#keptBytes += bytes;
    const { keptBytes } = this.#options.limits;
    if (this.#keptBytes > keptBytes) throw this.#excess('bytes of objects in memory', keptBytes);
  }

  async #readTrailer(): Promise<void> {
    const expected = this.#sum.digest();
    const available = await this.#window.fill(TRAILER_BYTES + 1);
    if (available < TRAILER_BYTES) throw this.#invalid('the pack ends before its checksum');
    if (!this.#window.peek(TRAILER_BYTES).equals(expected))
      throw this.#invalid('the checksum of the pack does not fit');
    if (available > TRAILER_BYTES) throw this.#invalid('something follows the pack');
  }

  async #take(bytes: number): Promise<Buffer> {
    if ((await this.#window.fill(bytes)) < bytes) throw this.#invalid('the pack ends too early');
    return this.#advance(bytes);
  }

  /** Takes bytes that are there. */
  #advance(bytes: number): Buffer {
    const taken = this.#window.take(bytes);
    this.#sum.update(taken);
    this.#offset += bytes;
    return taken;
  }

  #invalid(reason: string): Error {
    return refuseAnswer(this.#options.host, reason);
  }

  #excess(limit: string, max: number): Error {
    return refuseExcess(this.#options.host, limit, max);
  }
}

/** The base of a delta: a distance back in the pack, or an id. `next` is where the compressed bytes begin. */
function readBase(
  bytes: Buffer,
  start: number,
  kind: number,
  offset: number,
): { key: Key | null; next: number } {
  if (kind === REFERENCE_DELTA) return { key: bytes.toString('hex', start, start + 20), next: start + 20 };
  if (kind !== OFFSET_DELTA) return { key: null, next: start };
  let at = start;
  let byte = bytes[at++] ?? 0;
  let distance = byte & 127;
  while (byte & 128 && at < bytes.length) {
    byte = bytes[at++] ?? 0;
    distance = (distance + 1) * 128 + (byte & 127);
  }
  return { key: offset - distance, next: at };
}
