// Git's objects, byte for byte. Names stay bytes (held as latin1 strings, which compare like bytes) and modes stay text, so
// a tree that is read and written again is the same tree, whatever its neighbours are called.
import { createHash } from 'node:crypto';
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

/** An object whose bytes are not what its type promises. The message is fit to print. */
export class MalformedObject extends Error {}

/** Hex id of an object: SHA-1 over its header and content. */
export function hashObject(type: ObjectType, content: Uint8Array): string {
  return createHash('sha1').update(`${type} ${content.length}\0`).update(content).digest('hex');
}

/** @throws MalformedObject for anything but a sorted tree without duplicates. */
export function decodeTree(content: Buffer): TreeItem[] {
  const items: TreeItem[] = [];
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(0x20, at);
    const end = space < 0 ? -1 : content.indexOf(0, space);
    if (end < 0 || end + 21 > content.length) throw new MalformedObject('a tree ends inside an entry');
    const mode = content.toString('latin1', at, space);
    const name = content.toString('latin1', space + 1, end);
    if (!/^0?[0-7]{5,6}$/.test(mode) || name === '' || name.includes('/'))
      throw new MalformedObject('a tree has an entry without proper mode and name');
    const item = { mode, name, id: content.toString('hex', end + 1, end + 21) };
    const last = items.at(-1);
    if (last !== undefined && compareItems(last, item) >= 0)
      throw new MalformedObject('a tree is not sorted');
    items.push(item);
    at = end + 21;
  }
  return items;
}

/** The tree of these items, in any order given. */
export function encodeTree(items: readonly TreeItem[]): Buffer {
  const sorted = items.toSorted(compareItems);
  const content = Buffer.alloc(
    sorted.reduce((sum, { mode, name }) => sum + mode.length + name.length + 22, 0),
  );
  let at = 0;
  for (const { mode, name, id } of sorted) {
    at += content.write(`${mode} ${name}\0`, at, 'latin1');
    at += content.write(id, at, 'hex');
  }
  return content;
}

/** Git's order within a tree: by bytes, a directory as if its name ended in a slash. */
export function compareItems(a: TreeItem, b: TreeItem): number {
  const left = isDirectory(a) ? `${a.name}/` : a.name;
  const right = isDirectory(b) ? `${b.name}/` : b.name;
  if (left === right) return 0;
  return left < right ? -1 : 1;
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
  const end = content.indexOf('\n\n');
  const lines = content.toString('latin1', 0, end < 0 ? content.length : end).split('\n');
  const tree = /^tree ([0-9a-f]{40})$/.exec(lines[0] ?? '')?.[1];
  if (tree === undefined) throw new MalformedObject('a commit does not begin with its tree');
  const parents: string[] = [];
  for (const line of lines.slice(1)) {
    const parent = /^parent ([0-9a-f]{40})$/.exec(line)?.[1];
    if (parent === undefined) break;
    parents.push(parent);
  }
  return { tree, parents };
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
