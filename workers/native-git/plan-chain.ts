// Works out what a chain does to the files of its base, before any object is made.
import { blobIdOf } from '../../src/git/blob-id.js';
import type { BlobId, Chain, Mismatch, Path, Step } from '../../src/git/git.js';
import { Leaving } from '../../src/git/leaving.js';
import { Failure } from '../../src/kernel/failure.js';

/** A line of `ls-tree`: a file, a submodule, or (mode 040000) a directory. */
export interface Standing {
  path: Path;
  mode: string;
  id: string;
}

/** A file a step writes, or (`null`) deletes. */
export interface Edit {
  path: Path;
  file: { mode: string; content: Uint8Array } | null;
}

export interface PlannedStep {
  step: Step;
  /** Deletions first; none when the step changes nothing. */
  edits: Edit[];
  /** Blob ids of the step's changes, in order. */
  blobs: (BlobId | null)[];
}

export interface ChainPlan {
  steps: PlannedStep[];
  mismatches: Mismatch[];
}

/**
 * Plans the chain on what stands at its base: every path it names, and the content of every directory above one.
 * @throws Failure GIT_PATH_BLOCKED
 */
export function planChain(chain: Chain, standing: Standing[]): ChainPlan {
  const tree = new Overlay(standing, collectDirectories(chain));
  const plan: ChainPlan = { steps: [], mismatches: [] };
  for (const [index, step] of chain.steps.entries()) {
    const mismatches = findMismatches(tree, step, index);
    plan.mismatches.push(...mismatches);
    if (mismatches.length === 0) plan.steps.push(planStep(tree, step));
  }
  return plan;
}

/** What has to be known of the base: 'a/b/c.yaml' → a, a/, a/b, a/b/, a/b/c.yaml */
export function collectPaths(chain: Chain): Path[] {
  const paths = new Set<Path>();
  for (const directory of collectDirectories(chain)) paths.add(directory).add(`${directory}/`);
  for (const { path } of chain.steps.flatMap((step) => step.changes)) paths.add(path);
  return [...paths];
}

function collectDirectories(chain: Chain): Set<Path> {
  const directories = new Set<Path>();
  for (const { path } of chain.steps.flatMap((step) => step.changes))
    for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1))
      directories.add(path.slice(0, at));
  return directories;
}

interface Node {
  mode: string;
  id: string;
  /** Of a directory whose content is known; anything in another one stays as it is. */
  children: Map<string, Node> | null;
}

/** The known part of a tree, changed in memory. A directory without content is gone, as Git has it. */
class Overlay {
  readonly #root: Node = { mode: '040000', id: '', children: new Map() };

  constructor(standing: Standing[], known: Set<Path>) {
    for (const { path, mode, id } of standing) {
      const [name, parent] = this.#walk(path);
      const isOpen = isDirectory({ mode }) && known.has(path);
      if (!parent.has(name)) parent.set(name, { mode, id, children: isOpen ? new Map() : null });
    }
  }

  find(path: Path): Node | null {
    let node: Node | undefined = this.#root;
    for (const name of path.split('/')) {
      node = node.children?.get(name);
      if (node === undefined) return null;
    }
    return node;
  }

  /** What keeps a file from being written at the path, in words. */
  findBlocker(path: Path): string | null {
    for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1)) {
      const above = this.find(path.slice(0, at));
      if (above !== null && !isDirectory(above)) return describe(above);
    }
    const there = this.find(path);
    return there === null || isPlain(there) ? null : describe(there);
  }

  write(path: Path, mode: string, id: BlobId): void {
    const [name, parent] = this.#walk(path);
    parent.set(name, { mode, id, children: null });
  }

  remove(path: Path): void {
    const names = path.split('/');
    const last = names.pop() ?? '';
    const parent = names.length === 0 ? this.#root : this.find(names.join('/'));
    if (parent?.children?.delete(last) !== true) return;
    if (parent.children.size === 0 && names.length > 0) this.remove(names.join('/'));
  }

  /** The last name of the path and the directory it belongs in, made where it is not there. */
  #walk(path: Path): [string, Map<string, Node>] {
    const names = path.split('/');
    const last = names.pop() ?? '';
    let children = this.#root.children as Map<string, Node>;
    for (const name of names) {
      const next: Node = children.get(name) ?? { mode: '040000', id: '', children: new Map() };
      next.children ??= new Map();
      children.set(name, next);
      children = next.children;
    }
    return [last, children];
  }
}

function findMismatches(tree: Overlay, step: Step, index: number): Mismatch[] {
  const mismatches: Mismatch[] = [];
  for (const { path, expect } of step.changes) {
    const there = tree.find(path);
    const theirs = there !== null && isFile(there) ? there.id : null;
    if (expect !== undefined && theirs !== expect) mismatches.push({ step: index, path, theirs });
  }
  return mismatches;
}

/** Deletes first, then writes, the deepest path first: each finds the place the one before has cleared or taken. */
function planStep(tree: Overlay, step: Step): PlannedStep {
  const blobs = step.changes.map(({ content }) => (content === null ? null : blobIdOf(content)));
  const wanted = new Map(step.changes.map(({ path, content }) => [path, content]));
  const before = [...wanted.keys()].map((path) => [path, summarize(tree.find(path))] as const);
  const edits: Edit[] = [];
  const gone = new Leaving();
  for (const [path, content] of wanted) {
    const there = tree.find(path);
    if (content !== null || there === null || !isFile(there)) continue;
    gone.note(there.id, isExecutable(there));
    tree.remove(path);
    edits.push({ path, file: null });
  }
  const stayExecutable = new Set<Path>();
  for (const [path, content] of wanted)
    if (content !== null && gone.take(blobIdOf(content))) stayExecutable.add(path);
  const writes = [...wanted].toSorted(([a], [b]) => b.split('/').length - a.split('/').length);
  for (const [path, content] of writes) {
    if (content === null) continue;
    const edit = planWrite(tree, path, { content, wasExecutable: stayExecutable.has(path) });
    if (edit !== null) edits.push(edit);
  }
  const isUnchanged = before.every(([path, summary]) => summarize(tree.find(path)) === summary);
  return { step, edits: isUnchanged ? [] : edits, blobs };
}

function planWrite(
  tree: Overlay,
  path: Path,
  { content, wasExecutable }: { content: Uint8Array; wasExecutable: boolean },
): Edit | null {
  const id = blobIdOf(content);
  const there = tree.find(path);
  if (there?.id === id) return null;
  const by = tree.findBlocker(path);
  if (by !== null) throw new Failure('GIT_PATH_BLOCKED', { path, by });
  const mode = (there === null ? wasExecutable : isExecutable(there)) ? '100755' : '100644';
  tree.write(path, mode, id);
  return { path, file: { mode, content } };
}

function summarize(node: Node | null): string {
  return node === null ? '' : `${node.mode} ${node.id}`;
}

function isDirectory({ mode }: { mode: string }): boolean {
  return mode === '040000';
}

const isExecutable = ({ mode }: Node): boolean => (Number.parseInt(mode, 8) & 0o100) !== 0;

/** A regular file, executable or not. */
function isPlain({ mode }: Node): boolean {
  return mode.startsWith('100');
}

/** A regular file or a symbolic link: what has a blob of its own. */
function isFile({ mode }: Node): boolean {
  return !isDirectory({ mode }) && mode !== '160000';
}

function describe({ mode }: Node): string {
  if (isDirectory({ mode })) return 'a directory';
  if (mode === '160000') return 'a submodule';
  return mode === '120000' ? 'a symbolic link' : 'a file';
}
