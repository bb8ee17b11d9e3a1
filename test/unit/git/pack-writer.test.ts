import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultLimits } from '../../../src/git/limits.js';
import {
  EMPTY_TREE,
  encodeCommit,
  encodeTree,
  type GitObject,
  hashObject,
} from '../../../src/git/objects.js';
import { readPack } from '../../../src/git/pack-reader.js';
import { writePack } from '../../../src/git/pack-writer.js';
import { BareRepository } from '../support/bare.js';
import { chunksOf } from '../support/chunks.js';

let repository: BareRepository;
beforeEach(() => {
  repository = new BareRepository();
});
afterEach(() => repository.remove());

const object = (type: GitObject['type'], content: string | Uint8Array): GitObject => ({
  type,
  content: Buffer.from(content as string),
});
const idsOf = (objects: GitObject[]): string[] =>
  objects.map(({ type, content }) => hashObject(type, content)).toSorted();

/** What the real git finds in the pack. @throws when it finds anything to object to */
function indexByGit(pack: Buffer): string[] {
  const file = path.join(repository.folder, 'objects', 'pack', 'pack-test.pack');
  fs.writeFileSync(file, pack);
  repository.git(['index-pack', '--strict', file]);
  const listed = repository.git(['cat-file', '--batch-all-objects', '--batch-check=%(objectname)']);
  return listed === '' ? [] : listed.split('\n').toSorted();
}

function chainOf(files: number): GitObject[] {
  const blobs = Array.from({ length: files }, (_, n) => object('blob', `n: ${n}\n`));
  const items = blobs.map(({ content }, n) => ({
    name: `f${n}.yaml`,
    mode: '100644',
    id: hashObject('blob', content),
  }));
  const tree = object('tree', encodeTree(items));
  const person = { name: 'Ada', email: 'ada@example.com' };
  const commit = encodeCommit({
    tree: hashObject('tree', tree.content),
    parent: null,
    author: person,
    committer: person,
    timestamp: 1_000,
    message: 'Save\n',
  });
  return [...blobs, tree, object('commit', commit)];
}

describe('a pack that is written', () => {
  it.each([
    ['a commit with its tree and files', chainOf(3)],
    ['more than a hundred objects', chainOf(250)],
    ['an empty tree', [object('tree', '')]],
    ['an empty blob', [object('blob', '')]],
    ['a blob too large to deflate at once', [object('blob', Buffer.alloc(200_000, 'large: yes\n'))]],
    [
      'bytes that do not deflate',
      [object('blob', Buffer.from(Array.from({ length: 5_000 }, (_, n) => (n * n * 31) % 251)))],
    ],
  ])('of %s passes git index-pack --strict, with the same ids', async (_, objects) => {
    expect(indexByGit(await writePack(objects))).toEqual(idsOf(objects));
  });

  it.each([0, 1, 15, 16, 17, 2_047, 2_048, 2_049, 65_535, 65_536, 262_143, 262_144, 262_145])(
    'says the size of an object of %i bytes as git reads it',
    async (size) => {
      const objects = [object('blob', Buffer.alloc(size, 'x'))];
      expect(indexByGit(await writePack(objects))).toEqual(idsOf(objects));
    },
  );

  it('may be empty', async () => {
    const pack = await writePack([]);
    expect(pack).toHaveLength(32);
    expect(indexByGit(pack)).toEqual([]);
  });

  it('is what our reader reads', async () => {
    const any = fc.tuple(fc.constantFrom('blob', 'commit', 'tree', 'tag'), fc.uint8Array({ maxLength: 400 }));
    await fc.assert(
      fc.asyncProperty(fc.array(any), async (pairs) => {
        const objects = pairs.map(([type, content]) => object(type, content));
        const options = { host: 'h', limits: defaultLimits, keep: () => true };
        const read = await readPack(chunksOf(await writePack(objects)), options);
        expect([...read.keys()].toSorted()).toEqual([...new Set(idsOf(objects))].toSorted());
        for (const { type, content } of objects)
          expect(read.get(hashObject(type, content))).toEqual({ type, content });
      }),
    );
  });

  it('is the same for the same objects', async () => {
    expect((await writePack(chainOf(5))).equals(await writePack(chainOf(5)))).toBe(true);
  });

  it('leaves git something to object to where an object is broken: the check is real', async () => {
    const pack = await writePack([object('tree', 'not a tree')]);
    expect(() => indexByGit(pack)).toThrow(/Command failed/);
    expect(hashObject('tree', Buffer.alloc(0))).toBe(EMPTY_TREE);
  });
});
