// Walks trees in git's order, which is the byte order of full paths. Equal subtrees are never entered.
import { Breath } from './breath.js';
import type { PathChange, TreeEntry } from './git.js';
import { refuseExcess } from './host-answer.js';
import type { ObjectSource } from './object-source.js';
import { canonicalMode, isDirectory, type TreeItem, toPath, toRawName } from './objects.js';
import { isFileName, isFilePath } from './path-names.js';
import { requireTime } from './session.js';
import { Tree } from './tree.js';

/** The item at a path, or `null`. */
export async function findItem(
  source: ObjectSource,
  root: string | null,
  path: string,
): Promise<TreeItem | null> {
  let item: TreeItem | null = root === null ? null : { mode: '40000', name: '', id: root };
  if (path !== '' && !isFilePath(path)) return null;
  for (const name of path === '' ? [] : toRawName(path).split('/')) {
    if (item === null || !isDirectory(item)) return null;
    const tree: Tree = await source.tree(item.id);
    item = tree.find(name);
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

class TreeWalk {
  readonly #source: ObjectSource;
  readonly #emit: (change: PathChange) => unknown;
  readonly #breath: Breath;
  #visited = 0;

  constructor(source: ObjectSource, emit: (change: PathChange) => unknown) {
    this.#source = source;
    this.#emit = emit;
    this.#breath = new Breath(() => requireTime(source.session));
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
      if (!isListed(name)) continue;
      if (isDirectory({ mode }))
        await this.compare(pair.from?.id ?? null, pair.to?.id ?? null, `${prefix}${name}/`, depth + 1);
      else this.#emitPair(pair, prefix + name);
      if (this.#breath.isDue) await this.#breath.take();
    }
  }

  async #readPairs(from: string | null, to: string | null): Promise<Pair[]> {
    await this.#source.requireTrees([from, to].filter((id) => id !== null));
    const left = from === null ? Tree.empty : await this.#source.tree(from);
    const right = to === null ? Tree.empty : await this.#source.tree(to);
    const pairs = await pairUp(left, right, this.#breath);
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
}

/** A raw name of ASCII alone is the name itself. */
function isListed(raw: string): boolean {
  return isFileName(/^[\u0000-\u007f]*$/.test(raw) ? raw : toPath(raw));
}

/** Items of two trees that differ, in order. A file and a directory of one name are two things. */
async function pairUp(left: Tree, right: Tree, breath: Breath): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (let i = 0, j = 0; i < left.size || j < right.size; ) {
    const equal = Tree.countEqual(left, i, right, j);
    const order = equal > 0 ? 0 : compareHeads(left, i, right, j);
    const from = order <= 0 && equal === 0 ? left.at(i) : null;
    const to = order >= 0 && equal === 0 ? right.at(j) : null;
    if (from !== null || to !== null) pairs.push({ from, to });
    if (order <= 0) i += Math.max(1, equal);
    if (order >= 0) j += Math.max(1, equal);
    if (breath.isDue) await breath.take();
  }
  return pairs;
}

/** Which of two trees goes on: the one with the smaller item, both when they are of one name. */
function compareHeads(left: Tree, i: number, right: Tree, j: number): number {
  if (i === left.size) return 1;
  return j === right.size ? -1 : Tree.compare(left, i, right, j);
}
