// Changes files of a tree and rebuilds the directories above them as git would. Neighbours keep mode, name and order to the
// byte; a directory that loses its last file goes; nothing is ever written over or through what is not a file.
import { Failure } from '../kernel/failure.js';
import type { BlobId, Path } from './git.js';
import type { ObjectSource } from './object-source.js';
import {
  canonicalMode,
  encodeTree,
  type GitObject,
  hasBlob,
  hashObject,
  isDirectory,
  isSubmodule,
  type TreeItem,
  toRawName,
} from './objects.js';

/** A file's new blob; `null` deletes it, if it is there. */
export interface FileEdit {
  path: Path;
  blob: BlobId | null;
}

/** Edits of one name in a directory: of the file itself, and of what is below it. */
interface EditNode {
  own: FileEdit | null;
  below: Map<string, EditNode>;
}

/**
 * The tree after these edits, `null` when nothing is left. Of several edits of a path the last counts; deletions come
 * first, so a file can become a directory in one go. New trees are put into `made`.
 * @throws Failure GIT_PATH_BLOCKED
 */
export async function editTree(
  source: ObjectSource,
  root: string | null,
  edits: FileEdit[],
  made: Map<string, GitObject>,
): Promise<string | null> {
  return new TreeEditor(source, made).editDirectory(root, planEdits(edits));
}

class TreeEditor {
  readonly #source: ObjectSource;
  readonly #made: Map<string, GitObject>;

  constructor(source: ObjectSource, made: Map<string, GitObject>) {
    this.#source = source;
    this.#made = made;
  }

  async editDirectory(id: string | null, plan: Map<string, EditNode>): Promise<string | null> {
    const items = id === null ? [] : await this.#source.tree(id);
    const byName = new Map(items.map((item) => [item.name, item]));
    let changed = false;
    for (const [name, node] of plan) {
      const before = byName.get(name) ?? null;
      const after = await this.#editItem(name, before, node);
      changed ||= after !== before;
      if (after === null) byName.delete(name);
      else byName.set(name, after);
    }
    if (!changed) return id;
    return byName.size === 0 ? null : this.#makeTree([...byName.values()]);
  }

  /** Deletes first, then goes below, then writes: each finds the place the one before has cleared. */
  async #editItem(name: string, before: TreeItem | null, { own, below }: EditNode): Promise<TreeItem | null> {
    let item = before;
    if (own?.blob === null && item !== null && hasBlob(item)) item = null;
    if (below.size > 0) item = await this.#editBelow(name, item, below);
    if (own === null || own.blob === null || item?.id === own.blob) return item;
    if (item !== null && !/^0?100/.test(item.mode)) throw blocked(own.path, item);
    return { mode: item === null ? '100644' : canonicalMode(item.mode), name, id: own.blob };
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

  #makeTree(items: TreeItem[]): string {
    const tree: GitObject = { type: 'tree', content: encodeTree(items) };
    const id = hashObject(tree.type, tree.content);
    this.#made.set(id, tree);
    this.#source.hold([[id, tree]]);
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
