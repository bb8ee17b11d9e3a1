// The delta that makes one version of a tree of another: whole runs of entries are copied, what is new is inserted. Both are
// sorted, so one walk along the two finds it all.
import type { Breath } from './breath.js';
import { countEqualBytes, Tree } from './tree.js';

/** Three bytes hold the length of a copy. */
const COPY_BYTES_MAX = 0xff_ffff;
const INSERT_BYTES_MAX = 127;
/** A copy takes up to eight bytes itself. */
const COPY_BYTES_MIN = 9;

/** The delta from `base` to `tree`; `null` when it would take more than half of the tree's own bytes. */
export async function encodeTreeDelta(base: Tree, tree: Tree, breath: Breath): Promise<Buffer | null> {
  const writer = new DeltaWriter(base.content, tree.content);
  for (let i = 0, j = 0; j < tree.size; ) {
    const equal = Tree.countEqual(base, i, tree, j);
    const [start, end] = [tree.startOf(j), tree.startOf(j + Math.max(1, equal))];
    const order = equal > 0 ? 0 : compareHeads(base, i, tree, j);
    if (order === 0) writer.copyWhatFits(base.startOf(i), start, end);
    if (order > 0) writer.insert(start, end);
    if (order <= 0) i += Math.max(1, equal);
    if (order >= 0) j += Math.max(1, equal);
    if (writer.bytes > tree.content.length / 2) return null;
    if (breath.isDue) await breath.take();
  }
  return writer.take();
}

/** Above zero where the base has nothing that comes before the tree's entry or takes its place. */
function compareHeads(base: Tree, i: number, tree: Tree, j: number): number {
  return i === base.size ? 1 : Tree.compare(base, i, tree, j);
}

/** Collects the commands of a delta. Neighbouring copies become one, neighbouring inserts too. */
class DeltaWriter {
  readonly #base: Buffer;
  readonly #target: Buffer;
  readonly #parts: Buffer[];
  #copy = { start: 0, length: 0 };
  #insert = { start: 0, length: 0 };
  bytes = 0;

  constructor(base: Buffer, target: Buffer) {
    this.#base = base;
    this.#target = target;
    this.#parts = [encodeSize(base.length), encodeSize(target.length)];
  }

  /** The target's bytes from `start` to `end`: as far as they are those of the base copied, the rest inserted. */
  copyWhatFits(from: number, start: number, end: number): void {
    const length = countEqualBytes(this.#base.subarray(from), this.#target.subarray(start, end));
    const goesOn = this.#insert.length === 0 && from === this.#copy.start + this.#copy.length;
    const copied = goesOn || length >= COPY_BYTES_MIN ? length : 0;
    if (copied > 0) this.#addCopy(from, copied);
    if (start + copied < end) this.insert(start + copied, end);
  }

  insert(start: number, end: number): void {
    this.#flushCopy();
    if (this.#insert.length === 0) this.#insert.start = start;
    this.#insert.length += end - start;
    this.bytes += end - start;
  }

  take(): Buffer {
    this.#flushCopy();
    this.#flushInsert();
    return Buffer.concat(this.#parts);
  }

  #addCopy(start: number, length: number): void {
    this.#flushInsert();
    if (start !== this.#copy.start + this.#copy.length) this.#flushCopy();
    if (this.#copy.length === 0) this.#copy.start = start;
    this.#copy.length += length;
  }

  #flushCopy(): void {
    const { start, length } = this.#copy;
    for (let done = 0; done < length; done += COPY_BYTES_MAX)
      this.#push(encodeCopy(start + done, Math.min(length - done, COPY_BYTES_MAX)));
    this.#copy.length = 0;
  }

  #flushInsert(): void {
    const { start, length } = this.#insert;
    for (let at = start; at < start + length; at += INSERT_BYTES_MAX) {
      const bytes = this.#target.subarray(at, Math.min(at + INSERT_BYTES_MAX, start + length));
      this.#push(Buffer.of(bytes.length), bytes);
    }
    this.#insert.length = 0;
  }

  #push(...parts: Buffer[]): void {
    this.#parts.push(...parts);
    this.bytes += parts[0]?.length ?? 0;
  }
}

/** Seven bits a byte, lowest first. */
function encodeSize(size: number): Buffer {
  const bytes: number[] = [];
  let rest = size;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest & 127) | 128);
  return Buffer.of(...bytes, rest);
}

/** Four bytes of start and three of length, lowest first; those that are zero are left out, as the command says. */
function encodeCopy(start: number, length: number): Buffer {
  const bytes: number[] = [128];
  for (let bit = 0; bit < 7; bit++) {
    const byte = bit < 4 ? (start >>> (8 * bit)) & 255 : (length >>> (8 * (bit - 4))) & 255;
    if (byte === 0) continue;
    bytes[0] = (bytes[0] ?? 0) | (1 << bit);
    bytes.push(byte);
  }
  return Buffer.from(bytes);
}
