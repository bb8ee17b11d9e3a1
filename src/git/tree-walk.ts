// Walks trees in git's order, which is the byte order of full paths. Equal subtrees are never entered.
import type { PathChange, TreeEntry } from './git.js';
import { refuseExcess } from './host-answer.js';
import type { ObjectSource } from './object-source.js';
import { canonicalMode, compareItems, isDirectory, type TreeItem, toPath, toRawName } from './objects.js';
import { explainEnd } from './session.js';

/** The item at a path, or `null`. */
export async function findItem(
  source: ObjectSource,
  root: string | null,
  path: string,
): Promise<TreeItem | null> {
  let item: TreeItem | null = root === null ? null : { mode: '40000', name: '', id: root };
  for (const name of path === '' ? [] : toRawName(path).split('/')) {
    if (item === null || !isDirectory(item)) return null;
    const items: TreeItem[] = await source.tree(item.id);
    item = items.find((candidate) => candidate.name === name) ?? null;
  }
  return item;
}

/** All files below a directory, sorted by path bytes; none when there is no such directory. */
export async function listFiles(source: ObjectSource, root: string, prefix: string): Promise<TreeEntry[]> {
  const top = await findItem(source, root, prefix);
  if (top === null || !isDirectory(top)) return [];
  const found: TreeEntry[] = [];
  const walk = new TreeWalk(source, ({ to }) => to !== null && found.push(to));
  await walk.compare(null, top.id, prefix === '' ? '' : `${toRawName(prefix)}/`, 0);
  return found;
}

/** The paths that differ between two trees, sorted by path bytes. */
export async function compareTrees(source: ObjectSource, from: string, to: string): Promise<PathChange[]> {
  const found: PathChange[] = [];
  await new TreeWalk(source, (change) => found.push(change)).compare(from, to, '', 0);
  return found;
}

interface Pair {
  from: TreeItem | null;
  to: TreeItem | null;
}

/** Work between two turns of the event loop. */
const SLICE_MS = 10;

class TreeWalk {
  readonly #source: ObjectSource;
  readonly #emit: (change: PathChange) => unknown;
  #visited = 0;
  #sliceEndsAt = performance.now() + SLICE_MS;

  constructor(source: ObjectSource, emit: (change: PathChange) => unknown) {
    this.#source = source;
    this.#emit = emit;
  }

  /** Trees may nest into each other's copies without end in few bytes: visits are counted, not bytes. */
  async compare(from: string | null, to: string | null, prefix: string, depth: number): Promise<void> {
    if (from === to) return;
    const { host, limits } = this.#source.session;
    if (depth > limits.treeDepth) throw refuseExcess(host, 'depth of directories', limits.treeDepth);
    const pairs = await this.#readPairs(from, to);
    this.#visited += pairs.length;
    if (this.#visited > limits.treeEntries)
      throw refuseExcess(host, 'entries of all trees', limits.treeEntries);
    for (const pair of pairs) {
      const { name, mode } = (pair.from ?? pair.to) as TreeItem;
      if (isDirectory({ mode }))
        await this.compare(pair.from?.id ?? null, pair.to?.id ?? null, `${prefix}${name}/`, depth + 1);
      else this.#emitPair(pair, prefix + name);
    }
    await this.#breathe();
  }

  async #readPairs(from: string | null, to: string | null): Promise<Pair[]> {
    await this.#source.requireTrees([from, to].filter((id) => id !== null));
    const left = from === null ? [] : await this.#source.tree(from);
    const right = to === null ? [] : await this.#source.tree(to);
    const pairs = pairUp(left, right);
    const below = pairs
      .flatMap((pair) => [pair.from, pair.to])
      .filter((item) => item !== null && isDirectory(item));
    await this.#source.requireTrees(below.map((item) => (item as TreeItem).id));
    return pairs;
  }

  #emitPair({ from, to }: Pair, raw: string): void {
    const path = toPath(raw);
    const entry = (item: TreeItem | null): TreeEntry | null =>
      item === null ? null : { path, mode: canonicalMode(item.mode), id: item.id };
    const [before, after] = [entry(from), entry(to)];
    if (before?.id === after?.id && before?.mode === after?.mode) return;
    this.#emit({ path, from: before, to: after });
  }

  async #breathe(): Promise<void> {
    if (performance.now() < this.#sliceEndsAt) return;
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#source.session.deadline.signal.aborted) throw explainEnd(this.#source.session);
    this.#sliceEndsAt = performance.now() + SLICE_MS;
  }
}

/** Items of two sorted trees that differ, in order. A file and a directory of one name are two things. */
function pairUp(left: TreeItem[], right: TreeItem[]): Pair[] {
  const pairs: Pair[] = [];
  for (let i = 0, j = 0; i < left.length || j < right.length; ) {
    const order = compareHeads(left[i], right[j]);
    const from = order <= 0 ? (left[i++] ?? null) : null;
    const to = order >= 0 ? (right[j++] ?? null) : null;
    if (from?.id !== to?.id || from?.mode !== to?.mode) pairs.push({ from, to });
  }
  return pairs;
}

/** Which of two lists goes on: the one with the smaller item, both when they are of one name. */
function compareHeads(a: TreeItem | undefined, b: TreeItem | undefined): number {
  if (a === undefined) return 1;
  return b === undefined ? -1 : compareItems(a, b);
}
