// Reads a pack from an answer as it arrives. Nothing in it is believed: sizes are checked before memory is given, every id
// is computed here, and the checksum at the end has to fit. What nobody asked for is inflated and dropped.
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { inflate, inflateSync } from 'node:zlib';
import { ByteWindow } from './byte-window.js';
import { applyDelta, deltaSize } from './delta.js';
import { refuseAnswer, refuseExcess } from './host-answer.js';
import type { Limits } from './limits.js';
import { type GitObject, hashObject, type ObjectType } from './objects.js';

export interface PackOptions {
  host: string;
  limits: Limits;
  /** Whether objects of this type are kept; the others are inflated, counted and dropped. */
  keep: (type: ObjectType) => boolean;
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

/** What stands before the compressed bytes of an entry. `base` is a key of `#found`; `null` for a whole object. */
interface EntryHeader {
  kind: number;
  size: number;
  base: string | null;
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
/** Larger objects are inflated on another thread. */
const INFLATE_HERE_MAX = 256 * 1024;
/** Work between two turns of the event loop. */
const SLICE_MS = 10;

const inflateAside = promisify(
  (
    input: Buffer,
    options: object,
    done: (error: Error | null, result: { buffer: Buffer; engine: { bytesWritten: number } }) => void,
  ) => inflate(input, options, done as never),
);

class PackReader {
  readonly #window: ByteWindow;
  readonly #options: PackOptions;
  readonly #sum = createHash('sha1');
  /** By id, and by `@offset`. */
  readonly #found = new Map<string, Resolved>();
  readonly #kept = new Map<string, GitObject>();
  /** Deltas by the key of a base that has not come yet. */
  readonly #waiting = new Map<string, Waiting[]>();
  #offset = 0;
  #inflatedBytes = 0;
  #keptBytes = 0;
  #sliceEndsAt = performance.now() + SLICE_MS;

  constructor(window: ByteWindow, options: PackOptions) {
    this.#window = window;
    this.#options = options;
  }

  async read(): Promise<Map<string, GitObject>> {
    const count = await this.#readHeader();
    for (let index = 0; index < count; index++) {
      await this.#readEntry();
      this.#options.onEntry?.();
      await this.#breathe();
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
    const bytes = await this.#inflate(size);
    const type = TYPES[kind];
    if (type !== undefined)
      this.#settle(offset, { type, content: this.#options.keep(type) ? bytes : null, depth: 0 });
    else if (base !== null) this.#settleDelta(base, { offset, delta: bytes });
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

  /** Inflates the stream at the window, which must give exactly `size` bytes. */
  async #inflate(size: number): Promise<Buffer> {
    this.#inflatedBytes += size;
    const { inflatedBytes } = this.#options.limits;
    if (this.#inflatedBytes > inflatedBytes) throw this.#excess('inflated bytes of one pack', inflatedBytes);
    // Deflate never grows by more than this; an odd encoder gets more when it needs it.
    for (let need = size + (size >> 9) + 64; ; need *= 2) {
      const available = await this.#window.fill(need);
      const input = this.#window.peek(Math.min(need, available));
      try {
        const { buffer, engine } = await inflateBounded(input, size);
        if (buffer.length !== size) throw this.#invalid('an object has another size than it says');
        await this.#take(engine.bytesWritten);
        return buffer;
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'ERR_BUFFER_TOO_LARGE') throw this.#invalid('an object is larger than it says');
        if (code !== 'Z_BUF_ERROR')
          throw code?.startsWith('Z_') ? this.#invalid('an object cannot be inflated') : error;
        if (available < need) throw this.#invalid('the pack ends inside an object');
        if (need > 4 * this.#options.limits.objectBytes) throw this.#invalid('an object does not end');
      }
    }
  }

  #rebuild(base: Resolved, delta: Buffer): Resolved {
    const depth = base.depth + 1;
    const { deltaDepth, objectBytes, inflatedBytes } = this.#options.limits;
    if (depth > deltaDepth) throw this.#excess('length of a chain of deltas', deltaDepth);
    if (base.content === null) return { type: base.type, content: null, depth };
    const size = deltaSize(delta);
    if (size === null) throw this.#invalid('a delta is broken');
    if (size > objectBytes) throw this.#excess('bytes of one object', objectBytes);
    this.#inflatedBytes += size;
    if (this.#inflatedBytes > inflatedBytes) throw this.#excess('inflated bytes of one pack', inflatedBytes);
    const content = applyDelta(base.content, delta);
    if (content === null) throw this.#invalid('a delta does not fit its base');
    return { type: base.type, content, depth };
  }

  #settle(offset: number, object: Resolved): void {
    this.#found.set(`@${offset}`, object);
    this.#options.onObject?.(object.type);
    if (object.content === null) return;
    this.#count(object.content.length);
    const id = hashObject(object.type, object.content);
    this.#found.set(id, object);
    this.#kept.set(id, { type: object.type, content: object.content });
  }

  #settleDelta(base: string, entry: Waiting): void {
    const found = this.#found.get(base);
    if (found !== undefined) return this.#settle(entry.offset, this.#rebuild(found, entry.delta));
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
        const object = this.#rebuild(base as Resolved, delta);
        this.#settle(offset, object);
        const keys = [`@${offset}`, object.content === null ? '' : hashObject(object.type, object.content)];
        ready.push(...keys.filter((name) => this.#waiting.has(name)));
        await this.#breathe();
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
    const taken = this.#window.take(bytes);
    this.#sum.update(taken);
    this.#offset += bytes;
    return taken;
  }

  async #breathe(): Promise<void> {
    if (performance.now() < this.#sliceEndsAt) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#sliceEndsAt = performance.now() + SLICE_MS;
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
): { key: string | null; next: number } {
  if (kind === REFERENCE_DELTA) return { key: bytes.toString('hex', start, start + 20), next: start + 20 };
  if (kind !== OFFSET_DELTA) return { key: null, next: start };
  let at = start;
  let byte = bytes[at++] ?? 0;
  let distance = byte & 127;
  while (byte & 128 && at < bytes.length) {
    byte = bytes[at++] ?? 0;
    distance = (distance + 1) * 128 + (byte & 127);
  }
  return { key: `@${offset - distance}`, next: at };
}

/** One byte above `size` is allowed, so that too much shows; a whole buffer is only given for what the object is. */
async function inflateBounded(
  input: Buffer,
  size: number,
): Promise<{ buffer: Buffer; engine: { bytesWritten: number } }> {
  const options = {
    info: true,
    maxOutputLength: size + 1,
    chunkSize: Math.max(64, Math.min(size + 1, 65_536)),
  };
  if (size > INFLATE_HERE_MAX) return inflateAside(input, options);
  return inflateSync(input, options) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
}
