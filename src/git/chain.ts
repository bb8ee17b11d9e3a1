// Builds the commits of a chain: the same chain on the same base gives the same ids, here and in every other engine.

import { blobIdOf } from './blob-id.js';
import type { Chain, Change, CommitId, Landed, Mismatch, Step } from './git.js';
import type { ObjectSource } from './object-source.js';
import { EMPTY_TREE, encodeCommit, type GitObject, hasBlob, hashObject } from './objects.js';
import { editTree } from './tree-edit.js';
import { findItem } from './tree-walk.js';
import { refuseUnwritable } from './unwritable.js';

export interface BuiltChain {
  /** The last commit, which is `base` when no step changes anything. */
  head: CommitId | null;
  steps: Landed[];
  /** Expectations that do not hold. With any, nothing of this may be pushed. */
  mismatches: Mismatch[];
  /** New objects by id, in the order they were made. */
  objects: Map<string, GitObject>;
}

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
  const built: BuiltChain = { head: chain.base, steps: [], mismatches: [], objects: new Map() };
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
  const made = new Map<string, GitObject>();
  const edits = step.changes.map(({ path, content }) => ({
    path,
    blob: content === null ? null : blobIdOf(content),
  }));
  const tree = (await editTree(source, at.tree, edits, made)) ?? (at.tree === null ? null : EMPTY_TREE);
  const blobs = edits.map(({ blob }) => blob);
  if (tree === at.tree || tree === null) {
    built.steps.push({ commit: at.commit ?? '', unchanged: true, blobs });
    return at;
  }
  if (tree === EMPTY_TREE) made.set(tree, { type: 'tree', content: Buffer.alloc(0) });
  for (const { content } of step.changes) if (content !== null) made.set(blobIdOf(content), blobOf(content));
  const commit: GitObject = { type: 'commit', content: encodeCommit({ ...step, tree, parent: at.commit }) };
  const id = hashObject(commit.type, commit.content);
  made.set(id, commit);
  for (const [key, object] of made) built.objects.set(key, object);
  built.steps.push({ commit: id, unchanged: false, blobs });
  return { commit: id, tree };
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
