// Builds the commits of a chain: the same chain on the same base gives the same ids, here and in every other engine.

import { blobIdOf } from './blob-id.js';
import { Breath } from './breath.js';
import { knowPushFeatures } from './capabilities.js';
import type { Chain, Change, CommitId, Landed, Mismatch, Step } from './git.js';
import { Leaving } from './leaving.js';
import type { ObjectSource } from './object-source.js';
import { canonicalMode, EMPTY_TREE, encodeCommit, type GitObject, hasBlob, hashObject } from './objects.js';
import { PackWriter } from './pack-writer.js';
import { requireTime } from './session.js';
import { editTree, type FileEdit, type MadeTree } from './tree-edit.js';
import { findItem } from './tree-walk.js';
import { refuseUnwritable } from './unwritable.js';

export interface BuiltChain {
  /** The last commit, which is `base` when no step changes anything. */
  head: CommitId | null;
  steps: Landed[];
  /** Expectations that do not hold. With any, nothing of this may be pushed. */
  mismatches: Mismatch[];
  /** New commits and trees by id: what is worth keeping once the host has them. */
  objects: Map<string, GitObject>;
  /** All new objects, ready to be sent. */
  pack: PackWriter;
  /** Whether the pack may build on objects the host has. */
  isThin: boolean;
  /** How often each new tree came to be. */
  makings: Map<string, number>;
}

/** Below this, keeping all versions of a tree costs nothing. */
const LARGE_TREE_BYTES = 64 * 1024;

interface Position {
  commit: CommitId | null;
  tree: string | null;
}

/**
 * @throws Failure GIT_PATH_BLOCKED where something stands in the way, INPUT_REFUSED for what no commit can hold,
 * GIT_OBJECT_NOT_FOUND when the host lacks the base.
 */
export async function buildChain(source: ObjectSource, chain: Chain): Promise<BuiltChain> {
  for (const step of chain.steps) refuseUnwritable(step);
  let at: Position = { commit: chain.base, tree: null };
  if (chain.base !== null) {
    await source.requirePaths(
      chain.base,
      chain.steps.flatMap(({ changes }) => changes.map(({ path }) => path)),
    );
    at = { commit: chain.base, tree: source.rootOf(chain.base) };
  }
  const pack = new PackWriter(new Breath(() => requireTime(source.session)));
  const built: BuiltChain = {
    head: chain.base,
    steps: [],
    mismatches: [],
    objects: new Map(),
    pack,
    isThin: (await knowPushFeatures(source.session)).thinPacks,
    makings: new Map(),
  };
  for (const [index, step] of chain.steps.entries()) {
    const mismatches = await findMismatches(source, at, step, index);
    built.mismatches.push(...mismatches);
    if (mismatches.length === 0) at = await addStep(source, at, step, built);
  }
  built.head = at.commit;
  return nameFirstCommit(built);
}

async function findMismatches(
  source: ObjectSource,
  at: Position,
  step: Step,
  index: number,
): Promise<Mismatch[]> {
  const mismatches: Mismatch[] = [];
  for (const { path, expect } of step.changes) {
    if (expect === undefined) continue;
    const item = await findItem(source, at.tree, path);
    const theirs = item !== null && hasBlob(item) ? item.id : null;
    if (theirs !== expect) mismatches.push({ step: index, path, theirs });
  }
  return mismatches;
}

async function addStep(source: ObjectSource, at: Position, step: Step, built: BuiltChain): Promise<Position> {
  const made: MadeTree[] = [];
  const edits = await editsOf(source, at, step);
  const tree = (await editTree(source, at.tree, edits, made)) ?? (at.tree === null ? null : EMPTY_TREE);
  const blobs = edits.map(({ blob }) => blob);
  if (tree === at.tree || tree === null) {
    built.steps.push({ commit: at.commit ?? '', unchanged: true, blobs });
    return at;
  }
  if (tree === EMPTY_TREE) await built.pack.add(tree, { type: 'tree', content: Buffer.alloc(0) });
  for (const one of made) await addTree(source, one, built);
  for (const [index, { content }] of step.changes.entries()) {
    const blob = blobs[index] ?? null;
    if (content !== null && blob !== null) await built.pack.add(blob, blobOf(content));
  }
  const commit: GitObject = { type: 'commit', content: encodeCommit({ ...step, tree, parent: at.commit }) };
  const id = hashObject(commit.type, commit.content);
  await built.pack.add(id, commit);
  built.objects.set(id, commit);
  built.steps.push({ commit: id, unchanged: false, blobs });
  return { commit: id, tree };
}

/** A file that goes from one path to another in one step stays executable. */
async function editsOf(source: ObjectSource, at: Position, step: Step): Promise<FileEdit[]> {
  const edits = step.changes.map(
    ({ path, content }): FileEdit => ({
      path,
      blob: content === null ? null : blobIdOf(content),
    }),
  );
  const last = [...new Map(edits.map((edit) => [edit.path, edit])).values()];
  const gone = new Leaving();
  for (const { path, blob } of last) {
    const item = blob === null ? await findItem(source, at.tree, path) : null;
    if (item !== null) gone.note(item.id, canonicalMode(item.mode) === '100755');
  }
  for (const edit of last) if (edit.blob !== null && gone.take(edit.blob)) edit.isExecutable = true;
  return edits;
}

/** A large tree that a later step replaced is not looked at again, unless another directory has the same. */
async function addTree(source: ObjectSource, made: MadeTree, built: BuiltChain): Promise<void> {
  const { id, tree, older } = made;
  const isAtHand = older !== null && (built.isThin || built.makings.has(older.id));
  await built.pack.addTree(made, isAtHand ? older : null);
  built.makings.set(id, (built.makings.get(id) ?? 0) + 1);
  built.objects.set(id, { type: 'tree', content: tree.content });
  if (older === null || older.tree.content.length < LARGE_TREE_BYTES || built.makings.get(older.id) !== 1)
    return;
  built.objects.delete(older.id);
  source.dropTree(older.id);
}

function blobOf(content: NonNullable<Change['content']>): GitObject {
  return { type: 'blob', content: Buffer.from(content.buffer, content.byteOffset, content.byteLength) };
}

/** Steps that change nothing before the very first commit stood on none: the first commit holds them. */
function nameFirstCommit(built: BuiltChain): BuiltChain {
  const first = built.steps.find((step) => !step.unchanged)?.commit;
  for (const step of built.steps) if (step.commit === '' && first !== undefined) step.commit = first;
  return built;
}
