// Trees as lists of items, to write and to read.
import { Breath } from '../../../src/git/breath.js';
import { isDirectory, type TreeItem } from '../../../src/git/objects.js';
import { Tree } from '../../../src/git/tree.js';

export const encodeTree = (items: readonly TreeItem[]): Buffer => Tree.of(items).content;

export const readTree = (content: Buffer): Promise<Tree> => Tree.read(content, new Breath());

export const itemsOf = (tree: Tree): TreeItem[] => Array.from({ length: tree.size }, (_, n) => tree.at(n));

export const decodeTree = async (content: Buffer): Promise<TreeItem[]> => itemsOf(await readTree(content));

/** Git's order, said in another way than the code says it. */
export function compareItems(a: TreeItem, b: TreeItem): number {
  const key = (item: TreeItem) => Buffer.from(isDirectory(item) ? `${item.name}/` : item.name, 'latin1');
  return Buffer.compare(key(a), key(b));
}
