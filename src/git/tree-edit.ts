// Changes files of a tree and rebuilds the directories above them as git would. Neighbours keep mode, name and order to the
// byte; a directory that loses its last file goes; nothing is ever written over or through what is not a file.
import { Failure } from '../kernel/failure.js';
import { Breath } from './breath.js';
import type { BlobId, Path } from './git.js';
import type { ObjectSource } from './object-source.js';
import {
  canonicalMode,
  hasBlob,
  hashInTurns,
  isDirectory,
  isSubmodule,
  type TreeItem,
  toRawName,
} from './objects.js';
import type { NamedTree } from './pack-writer.js';
import { requireTime } from './session.js';
import { Tree, unpad } from './tree.js';

/** A file's new blob; `null` deletes it, if it is there. */
export interface FileEdit {
  path: Path;
  blob: BlobId | null;
  /** Whether a file that is new at its path may be executed; default: not. One that was there before stays what it is. */
  isExecutable?: boolean;
}

/** A tree that was made, and the one it was made of. */
export interface MadeTree extends NamedTree {
  older: NamedTree | null;
}

/** Edits of one name in a directory: of the file itself, and of what is below it. */
interface EditNode {
  own: FileEdit | null;
  below: Map<string, EditNode>;
}

/**
 * The tree after these edits, `null` when nothing is left. Of several edits of a path the last counts; deletions come
 * first, so a file can become a directory in one go. New trees are added to `made`.
 * @throws Failure GIT_PATH_BLOCKED
 */
export async function editTree(
  source: ObjectSource,
  root: string | null,
  edits: FileEdit[],
  made: MadeTree[],
): Promise<string | null> {
  return new TreeEditor(source, made).editDirectory(root, planEdits(edits));
}

class TreeEditor {
  readonly #source: ObjectSource;
  readonly #made: MadeTree[];
  readonly #breath: Breath;

  constructor(source: ObjectSource, made: MadeTree[]) {
    this.#source = source;
    this.#made = made;
    this.#breath = new Breath(() => requireTime(source.session));
  }

  async editDirectory(id: string | null, plan: Map<string, EditNode>): Promise<string | null> {
    const tree = id === null ? Tree.empty : await this.#source.tree(id);
    const removed: TreeItem[] = [];
    const added: TreeItem[] = [];
    for (const [name, node] of plan) {
      const before = tree.find(name);
      const after = await this.#editItem(name, before, node);
      if (after === before) continue;
      if (before !== null) removed.push(before);
      if (after !== null) added.push(after);
      await this.#breath.take();
    }
    if (removed.length + added.length === 0) return id;
    // Git reads modes with a zero in front, and never writes one.
    const changed = tree.unpadded().change(removed.map(unpad), added.map(unpad));
    return changed.size === 0 ? null : this.#noteTree(changed, id === null ? null : { id, tree });
  }

  /** Deletes first, then goes below, then writes: each finds the place the one before has cleared. */
  async #editItem(name: string, before: TreeItem | null, { own, below }: EditNode): Promise<TreeItem | null> {
    let item = before;
    if (own?.blob === null && item !== null && hasBlob(item)) item = null;
    if (below.size > 0) item = await this.#editBelow(name, item, below);
    if (own === null || own.blob === null || item?.id === own.blob) return item;
    if (item !== null && !/^0?100/.test(item.mode)) throw blocked(own.path, item);
    const fresh = own.isExecutable === true ? '100755' : '100644';
    return { mode: item === null ? fresh : canonicalMode(item.mode), name, id: own.blob };
  }

  async #editBelow(
    name: string,
    item: TreeItem | null,
    below: Map<string, EditNode>,
  ): Promise<TreeItem | null> {
    if (item !== null && !isDirectory(item)) {
      const write = findWrite(below);
      if (write === null) return item;
      throw blocked(write.path, item);
    }
    const id = await this.editDirectory(item?.id ?? null, below);
    if (id === null || id === item?.id) return id === null ? null : item;
    return { mode: item?.mode ?? '40000', name, id };
  }

  async #noteTree(tree: Tree, older: NamedTree | null): Promise<string> {
    const id = await hashInTurns('tree', tree.content, this.#breath);
    if (id !== older?.id) this.#made.push({ id, tree, older });
    this.#source.holdTree(id, tree);
    return id;
  }
}

function planEdits(edits: FileEdit[]): Map<string, EditNode> {
  const plan = new Map<string, EditNode>();
  for (const edit of edits) {
    const names = toRawName(edit.path).split('/');
    let level = plan;
    let node: EditNode | undefined;
    for (const name of names) {
      node = level.get(name) ?? { own: null, below: new Map() };
      level.set(name, node);
      level = node.below;
    }
    if (node !== undefined) node.own = edit;
  }
  return plan;
}

function findWrite(plan: Map<string, EditNode>): FileEdit | null {
  for (const { own, below } of plan.values()) {
    const write = own !== null && own.blob !== null ? own : findWrite(below);
    if (write !== null) return write;
  }
  return null;
}

function blocked(path: Path, item: TreeItem): Failure {
  return new Failure('GIT_PATH_BLOCKED', { path, by: describe(item) }) as Failure;
}

function describe(item: TreeItem): string {
  if (isDirectory(item)) return 'a directory';
  if (isSubmodule(item)) return 'a submodule';
  return item.mode.endsWith('120000') ? 'a symbolic link' : 'a file';
}
