// Git's objects, byte for byte. Names stay bytes (held as latin1 strings, which compare like bytes) and modes stay text, so
// an item that is read and written again is the same, whatever it is called.
import { createHash } from 'node:crypto';
import type { Breath } from './breath.js';
import type { Person } from './git.js';

export type ObjectType = 'commit' | 'tree' | 'blob' | 'tag';

export interface GitObject {
  type: ObjectType;
  content: Buffer;
}

/** One line of a tree. `name` holds the name's bytes as latin1; `mode` is kept as found. */
export interface TreeItem {
  mode: string;
  name: string;
  id: string;
}

export interface CommitHeader {
  tree: string;
  parents: string[];
}

export interface CommitText {
  tree: string;
  parent: string | null;
  author: Person;
  committer: Person;
  /** Unix seconds, for both dates. */
  timestamp: number;
  message: string;
}

export const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

/** Hashed between two looks at the clock. */
const HASH_SLICE_BYTES = 1024 * 1024;
/** Bytes of the lines a commit begins with. */
const TREE_LINE = 'tree \n'.length + 40;
const PARENT_LINE = 'parent \n'.length + 40;
const PARENTS_MAX = 10_000;

/** An object whose bytes are not what its type promises. The message is fit to print. */
export class MalformedObject extends Error {}

/** Hex id of an object: SHA-1 over its header and content. */
export function hashObject(type: ObjectType, content: Uint8Array): string {
  return createHash('sha1').update(`${type} ${content.length}\0`).update(content).digest('hex');
}

/** As `hashObject`, for objects of any size: others get their turns meanwhile. */
export async function hashInTurns(type: ObjectType, content: Buffer, breath: Breath): Promise<string> {
  const sum = createHash('sha1').update(`${type} ${content.length}\0`);
  for (let at = 0; at < content.length; at += HASH_SLICE_BYTES) {
    sum.update(content.subarray(at, at + HASH_SLICE_BYTES));
    if (breath.isDue) await breath.take();
  }
  return sum.digest('hex');
}

/** The mode as git shows it: of a file's permissions only whether its owner may execute it. */
export function canonicalMode(mode: string): string {
  if (!/^0?100/.test(mode)) return mode;
  return Number.parseInt(mode, 8) & 0o100 ? '100755' : '100644';
}

export function isDirectory(item: { mode: string }): boolean {
  return item.mode === '40000' || item.mode === '040000';
}

/** A file or symbolic link: what has a blob. */
export function hasBlob(item: { mode: string }): boolean {
  return !isDirectory(item) && !isSubmodule(item);
}

export function isSubmodule(item: { mode: string }): boolean {
  return item.mode === '160000';
}

/** Tree and parents of a commit. @throws MalformedObject */
export function decodeCommit(content: Buffer): CommitHeader {
  const [, tree] = /^tree ([0-9a-f]{40})(?:\n|$)/.exec(content.toString('latin1', 0, TREE_LINE)) ?? [];
  if (tree === undefined) throw new MalformedObject('a commit does not begin with its tree');
  const parents: string[] = [];
  for (let at = TREE_LINE; ; at += PARENT_LINE) {
    const line = content.toString('latin1', at, at + PARENT_LINE);
    const [, parent] = /^parent ([0-9a-f]{40})(?:\n|$)/.exec(line) ?? [];
    if (parent === undefined) return { tree, parents };
    if (parents.length === PARENTS_MAX)
      throw new MalformedObject(`a commit has more than ${PARENTS_MAX} parents`);
    parents.push(parent);
  }
}

/** The commit as git writes it: names, addresses and message exactly as given, time zone +0000. */
export function encodeCommit(commit: CommitText): Buffer {
  const sign = ({ name, email }: Person) => `${name} <${email}> ${commit.timestamp} +0000`;
  const parent = commit.parent === null ? '' : `parent ${commit.parent}\n`;
  return Buffer.from(
    `tree ${commit.tree}\n${parent}author ${sign(commit.author)}\ncommitter ${sign(commit.committer)}\n\n${commit.message}`,
  );
}

/** A path's bytes in the form tree items have them. */
export function toRawName(path: string): string {
  return Buffer.from(path, 'utf8').toString('latin1');
}

/** The path a raw name stands for; bytes that are not UTF-8 become U+FFFD. */
export function toPath(raw: string): string {
  return Buffer.from(raw, 'latin1').toString('utf8');
}
