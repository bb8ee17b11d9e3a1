// Writes packs: whole objects, and of trees that changed what makes them of a version the host has or gets before them.
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { deflate, deflateSync } from 'node:zlib';
import { Breath } from './breath.js';
import type { GitObject, ObjectType } from './objects.js';
import type { Tree } from './tree.js';
import { encodeTreeDelta } from './tree-delta.js';

/** A tree and the id it has. */
export interface NamedTree {
  id: string;
  tree: Tree;
}

/** What the pack knows of a tree that others may be made of. */
interface Ancestry {
  /** Deltas from the tree down to `root`, which is whole or on the host. */
  depth: number;
  root: NamedTree;
}

const TYPE_NUMBERS: Record<ObjectType, number> = { commit: 1, tree: 2, blob: 3, tag: 4 };
const REFERENCE_DELTA = 7;
const ID_BYTES = 20;
/** As deep as git makes chains of deltas itself. */
const DELTA_DEPTH_MAX = 50;
/** Larger objects are deflated on another thread. */
const DEFLATE_HERE_MAX = 64 * 1024;
const CHUNK_BYTES_MIN = 64;
const CHUNK_BYTES_MAX = 16 * 1024;
const SLICE_BYTES = 4 * 1024 * 1024;

const deflateAside = promisify((input: Buffer, done: (error: Error | null, result: Buffer) => void) =>
  deflate(input, done),
);

/** A pack in the making. What goes in is deflated at once, so that no more than that has to be kept. */
export class PackWriter {
  readonly #entries = new Map<string, Buffer[]>();
  readonly #ancestry = new Map<string, Ancestry>();
  readonly #breath: Breath;

  constructor(breath = new Breath()) {
    this.#breath = breath;
  }

  /** Puts an object in, once. */
  async add(id: string, { type, content }: GitObject): Promise<void> {
    if (this.#entries.has(id)) return;
    this.#entries.set(id, [encodeEntryHeader(TYPE_NUMBERS[type], content.length), await squeeze(content)]);
    await this.#breath.take();
  }

  /**
   * Puts a tree in, as a delta on the version before it where that takes less. `older` must be on the host or in this pack;
   * a tree that others in here are made of is taken to be there, and not put in again.
   */
  async addTree({ id, tree }: NamedTree, older: NamedTree | null): Promise<void> {
    if (this.#entries.has(id) || this.#ancestry.has(id)) return;
    const whole: GitObject = { type: 'tree', content: tree.content };
    const base = older === null || older.tree.size === 0 ? null : this.#chooseBase(older);
    const delta = base === null ? null : await this.#encodeDelta(base, tree);
    if (base === null || delta === null) {
      this.#ancestry.set(id, { depth: 0, root: { id, tree } });
      return this.add(id, whole);
    }
    const { depth, root } = this.#ancestry.get(base.id) as Ancestry;
    this.#ancestry.set(id, { depth: depth + 1, root });
    this.#entries.set(id, delta);
    await this.#breath.take();
  }

  /** The pack, version 2, checksum included. An empty one is legal. */
  async finish(): Promise<Buffer> {
    const header = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1');
    header.writeUInt32BE(this.#entries.size, 8);
    const parts = [header, ...[...this.#entries.values()].flat()];
    const pack = Buffer.allocUnsafeSlow(parts.reduce((sum, { length }) => sum + length, ID_BYTES));
    const sum = createHash('sha1');
    let at = 0;
    for (const part of parts)
      for (let from = 0; from < part.length; from += SLICE_BYTES) {
        const slice = part.subarray(from, from + SLICE_BYTES);
        at += slice.copy(pack, at);
        sum.update(slice);
        await this.#breath.take();
      }
    sum.digest().copy(pack, at);
    return pack;
  }

  /** The version before, or the one its chain of deltas began with when the chain is long enough. */
  #chooseBase(older: NamedTree): NamedTree {
    const known = this.#ancestry.get(older.id) ?? { depth: 0, root: older };
    this.#ancestry.set(older.id, known);
    return known.depth < DELTA_DEPTH_MAX ? older : known.root;
  }

  /** The entry of a delta, unless the whole tree takes no more. */
  async #encodeDelta(base: NamedTree, tree: Tree): Promise<Buffer[] | null> {
    const delta = await encodeTreeDelta(base.tree, tree, this.#breath);
    if (delta === null) return null;
    const squeezed = await squeeze(delta);
    // Ids cannot be squeezed, so a whole tree never takes less than they do.
    const isSmaller = squeezed.length < ID_BYTES * (tree.size - 1);
    if (!isSmaller && squeezed.length + ID_BYTES >= (await squeeze(tree.content)).length) return null;
    return [encodeEntryHeader(REFERENCE_DELTA, delta.length), Buffer.from(base.id, 'hex'), squeezed];
  }
}

async function squeeze(content: Buffer): Promise<Buffer> {
  if (content.length > DEFLATE_HERE_MAX) return deflateAside(content);
  // Most objects are small, and memory for large ones costs more time than squeezing them.
  return deflateSync(content, { chunkSize: Math.min(content.length + CHUNK_BYTES_MIN, CHUNK_BYTES_MAX) });
}

function encodeEntryHeader(type: number, size: number): Buffer {
  const bytes = [(type << 4) | (size & 15)];
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 128;
    bytes.push(rest & 127);
  }
  return Buffer.from(bytes);
}
