// A tree as its bytes are: entries are found and compared where they stand, and a changed tree is made of ranges of the old
// one. Only the entries somebody asks for become objects, so a directory of many thousand files costs its bytes and little more.
import type { Breath } from './breath.js';
import { isDirectory, MalformedObject, type TreeItem } from './objects.js';

const SPACE = 0x20;
const SLASH = 0x2f;
const ZERO = 0x30;
const ID_BYTES = 20;
/** As long as a path may be anywhere. */
const NAME_BYTES_MAX = 4_096;
const MODE_BYTES_MAX = 7;
const STRIDE_BYTES_MAX = 65_536;
/** Entries between two looks at the clock. */
const STRIDE = 1_024;

/** One entry: where it begins, where its name is, whether it is a directory. */
interface Place {
  start: number;
  name: number;
  nameEnd: number;
  directory: boolean;
}

/** A change of what stands at a place: an item put before it, or the entry itself taken away. */
interface Cut {
  index: number;
  added: TreeItem | null;
}

export class Tree {
  static readonly empty = new Tree(Buffer.alloc(0), Uint32Array.of(0));

  readonly content: Buffer;
  /** Where each entry begins, and behind them where the last one ends. */
  readonly #starts: Uint32Array;

  private constructor(content: Buffer, starts: Uint32Array) {
    this.content = content;
    this.#starts = starts;
  }

  /** @throws MalformedObject for anything but a sorted tree that has each name once. */
  static async read(content: Buffer, breath: Breath): Promise<Tree> {
    const starts = new StartList();
    let last: Place | null = null;
    let at = 0;
    while (at < content.length) {
      const place = readPlace(content, at);
      if (last !== null && comparePlaces(content, last, content, place) >= 0)
        throw new MalformedObject('a tree is not sorted');
      if (place.directory && hasFile(content, starts, place))
        throw new MalformedObject('a tree has a file and a directory of one name');
      starts.push(at);
      at = place.nameEnd + 1 + ID_BYTES;
      last = place;
      if (starts.length % STRIDE === 0 && breath.isDue) await breath.take();
    }
    starts.push(at);
    return new Tree(content, starts.take());
  }

  /** The tree of these items, in any order given. */
  static of(items: readonly TreeItem[]): Tree {
    return Tree.empty.change([], items);
  }

  get size(): number {
    return this.#starts.length - 1;
  }

  /** Where an entry begins, or for the number of entries where the last one ends. */
  startOf(index: number): number {
    return this.#starts[index] ?? this.content.length;
  }

  at(index: number): TreeItem {
    const { start, name, nameEnd } = readPlace(this.content, this.startOf(index));
    return {
      mode: this.content.toString('latin1', start, name - 1),
      name: this.content.toString('latin1', name, nameEnd),
      id: this.content.toString('hex', nameEnd + 1, nameEnd + 1 + ID_BYTES),
    };
  }

  find(name: string): TreeItem | null {
    for (const mode of ['100644', '40000']) {
      const index = this.#indexOf({ mode, name });
      if (index !== null) return this.at(index);
    }
    return null;
  }

  /** The tree without some of its items and with others, which are not in it yet. */
  change(removed: readonly TreeItem[], added: readonly TreeItem[]): Tree {
    const cuts: Cut[] = removed.map((item) => ({ index: this.#indexOf(item) ?? this.size, added: null }));
    for (const item of added) cuts.push({ index: this.#placeFor(item), added: item });
    const writer = new TreeWriter(
      this.content.length + sizeOf(added) - sizeOf(removed),
      this.size + added.length - removed.length,
    );
    let from = 0;
    for (const { index, added: item } of cuts.toSorted(compareCuts)) {
      writer.copy(this.content, this.#starts, from, index);
      if (item !== null) writer.write(item);
      from = item === null ? index + 1 : index;
    }
    writer.copy(this.content, this.#starts, from, this.size);
    return new Tree(...writer.take());
  }

  /** The tree with its modes as git writes them; itself where they are. */
  unpadded(): Tree {
    const isPadded = (index: number): boolean => this.content[this.startOf(index)] === ZERO;
    for (let index = 0; index < this.size; index++)
      if (isPadded(index)) return Tree.of(Array.from({ length: this.size }, (_, at) => unpad(this.at(at))));
    return this;
  }

  /** Git's order of two entries, which may stand in two trees. */
  static compare(a: Tree, index: number, b: Tree, other: number): number {
    const left = readPlace(a.content, a.startOf(index));
    return comparePlaces(a.content, left, b.content, readPlace(b.content, b.startOf(other)));
  }

  /** How many entries from these on are the same in both trees, byte for byte. */
  static countEqual(a: Tree, index: number, b: Tree, other: number): number {
    const start = b.startOf(other);
    const bytes = countEqualBytes(a.content.subarray(a.startOf(index)), b.content.subarray(start));
    return b.#lastStartUpTo(start + bytes) - other;
  }

  /** The last entry that begins at this byte or before it; the number of entries where all end before. */
  #lastStartUpTo(byte: number): number {
    return search(0, this.size + 1, (index) => this.startOf(index) > byte) - 1;
  }

  #indexOf(item: { mode: string; name: string }): number | null {
    const index = this.#placeFor(item);
    if (index === this.size) return null;
    const key = keyOf(item);
    return compareTo(this.content, readPlace(this.content, this.startOf(index)), key) === 0 ? index : null;
  }

  /** Index of the first entry that does not come before the item. */
  #placeFor(item: { mode: string; name: string }): number {
    const key = keyOf(item);
    return search(
      0,
      this.size,
      (index) => compareTo(this.content, readPlace(this.content, this.startOf(index)), key) >= 0,
    );
  }
}

/** The item without the zero that old tools put before a mode. */
export function unpad(item: TreeItem): TreeItem {
  return item.mode.startsWith('0') ? { ...item, mode: item.mode.slice(1) } : item;
}

/** A list of numbers that grows. */
class StartList {
  #numbers = new Uint32Array(64);
  length = 0;

  push(value: number): void {
    if (this.length === this.#numbers.length) {
      const grown = new Uint32Array(2 * this.length);
      grown.set(this.#numbers);
      this.#numbers = grown;
    }
    this.#numbers[this.length++] = value;
  }

  at(index: number): number {
    return this.#numbers[index] ?? 0;
  }

  take(): Uint32Array {
    return this.#numbers.slice(0, this.length);
  }
}

/** Puts a tree together out of ranges of another and of new items. */
class TreeWriter {
  readonly #content: Buffer;
  readonly #starts: Uint32Array;
  #at = 0;
  #count = 0;

  constructor(bytes: number, entries: number) {
    this.#content = Buffer.allocUnsafeSlow(bytes);
    this.#starts = new Uint32Array(entries + 1);
  }

  copy(content: Buffer, starts: Uint32Array, from: number, to: number): void {
    const [start = 0, end = 0] = [starts[from], starts[to]];
    const shift = this.#at - start;
    for (let index = from; index < to; index++) this.#starts[this.#count++] = (starts[index] ?? 0) + shift;
    this.#at += content.copy(this.#content, this.#at, start, end);
  }

  write({ mode, name, id }: TreeItem): void {
    this.#starts[this.#count++] = this.#at;
    this.#at += this.#content.write(`${mode} ${name}\0`, this.#at, 'latin1');
    this.#at += this.#content.write(id, this.#at, 'hex');
  }

  take(): [Buffer, Uint32Array] {
    this.#starts[this.#count] = this.#at;
    return [this.#content, this.#starts];
  }
}

function sizeOf(items: readonly TreeItem[]): number {
  return items.reduce((sum, { mode, name }) => sum + mode.length + name.length + 2 + ID_BYTES, 0);
}

/** By place; what is added to one place in git's order. */
function compareCuts(a: Cut, b: Cut): number {
  if (a.index !== b.index) return a.index - b.index;
  if (a.added === null || b.added === null) return a.added === null ? 1 : -1;
  return Buffer.compare(keyOf(a.added), keyOf(b.added));
}

/** What an item is sorted by: its name, of a directory with a slash behind it. */
function keyOf(item: { mode: string; name: string }): Buffer {
  return Buffer.from(isDirectory(item) ? `${item.name}/` : item.name, 'latin1');
}

function readPlace(content: Buffer, start: number): Place {
  const name = skipTo(content, SPACE, start, MODE_BYTES_MAX) + 1;
  const nameEnd = skipTo(content, 0, name, NAME_BYTES_MAX);
  if (nameEnd + 1 + ID_BYTES > content.length) throw new MalformedObject('a tree ends inside an entry');
  if (content[nameEnd] !== 0 || name === nameEnd || !isMode(content, start, name - 1))
    throw new MalformedObject('a tree has an entry without proper mode and name');
  return { start, name, nameEnd, directory: isDirectoryMode(content, start, name - 1) };
}

/** Where this byte is, or what stands in its way: a slash, the end, or too much else. */
function skipTo(content: Buffer, byte: number, start: number, max: number): number {
  const end = Math.min(content.length, start + max);
  let at = start;
  while (at < end && content[at] !== byte && content[at] !== SLASH) at++;
  return at;
}

/** Directory, file with any permissions, symbolic link or submodule; an old tree may have a zero too many in front. */
function isMode(content: Buffer, start: number, end: number): boolean {
  if (end - start > MODE_BYTES_MAX) return false;
  return /^0?(?:40000|100[0-7]{3}|120000|160000)$/.test(content.toString('latin1', start, end));
}

/** 40000 or 040000. */
function isDirectoryMode(content: Buffer, start: number, end: number): boolean {
  const four = content[start] === ZERO ? start + 1 : start;
  if (content[four] !== ZERO + 4 || end - four !== 5) return false;
  for (let at = four + 1; at < end; at++) if (content[at] !== ZERO) return false;
  return true;
}

function hasFile(content: Buffer, starts: StartList, directory: Place): boolean {
  const wanted = { ...directory, directory: false };
  const index = search(
    0,
    starts.length,
    (middle) => comparePlaces(content, readPlace(content, starts.at(middle)), content, wanted) >= 0,
  );
  if (index === starts.length) return false;
  return comparePlaces(content, readPlace(content, starts.at(index)), content, wanted) === 0;
}

function comparePlaces(a: Buffer, left: Place, b: Buffer, right: Place): number {
  const leftLength = left.nameEnd - left.name;
  const rightLength = right.nameEnd - right.name;
  const length = Math.min(leftLength, rightLength);
  for (let at = 0; at < length; at++) {
    const difference = (a[left.name + at] ?? 0) - (b[right.name + at] ?? 0);
    if (difference !== 0) return difference;
  }
  return (
    byteBehind(a, left, length === leftLength, length) - byteBehind(b, right, length === rightLength, length)
  );
}

/** What follows so much of a name: its next byte, or the slash that a directory has behind it, or nothing. */
function byteBehind(content: Buffer, place: Place, hasEnded: boolean, length: number): number {
  if (!hasEnded) return content[place.name + length] ?? 0;
  return place.directory ? SLASH : -1;
}

function compareTo(content: Buffer, place: Place, key: Buffer): number {
  const length = place.nameEnd - place.name;
  const order = content.compare(key, 0, Math.min(length, key.length), place.name, place.nameEnd);
  if (order !== 0 || key.length < length) return order;
  if (key.length === length) return place.directory ? 1 : 0;
  const next = place.directory ? SLASH : -1;
  const difference = next - (key[length] ?? 0);
  return difference === 0 ? length + 1 - key.length : difference;
}

/** Lowest number from `low` up to `high` of which this is true; it must be true of all that follow. */
function search(low: number, high: number, isReached: (index: number) => boolean): number {
  let [from, to] = [low, high];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (isReached(middle)) to = middle;
    else from = middle + 1;
  }
  return from;
}

/** How many bytes are the same from the beginning on: great strides while they are, then ever smaller ones. */
export function countEqualBytes(a: Buffer, b: Buffer): number {
  const end = Math.min(a.length, b.length);
  let equal = 0;
  const goesOn = (bytes: number): boolean =>
    equal + bytes <= end && a.compare(b, equal, equal + bytes, equal, equal + bytes) === 0;
  let stride = 64;
  while (goesOn(stride)) {
    equal += stride;
    stride = Math.min(4 * stride, STRIDE_BYTES_MAX);
  }
  for (stride /= 2; stride >= 1; stride /= 2) if (goesOn(stride)) equal += stride;
  return equal;
}
