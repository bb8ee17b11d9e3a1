import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultLimits } from '../../../src/git/limits.js';
import { EMPTY_TREE, encodeCommit, type GitObject, hashObject } from '../../../src/git/objects.js';
import { readPack } from '../../../src/git/pack-reader.js';
import { type NamedTree, PackWriter } from '../../../src/git/pack-writer.js';
import { Tree } from '../../../src/git/tree.js';
import { BareRepository } from '../support/bare.js';
import { chunksOf } from '../support/chunks.js';
import { encodeTree } from '../support/trees.js';

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

async function writePack(objects: GitObject[]): Promise<Buffer> {
  const pack = new PackWriter();
  for (const one of objects) await pack.add(hashObject(one.type, one.content), one);
  return pack.finish();
}

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

const idOf = (text: string): string => hashObject('blob', Buffer.from(text));
/** Submodules, which git does not look for. */
const fileOf = (n: number, version: string) => ({
  name: `file-${String(n).padStart(5, '0')}.yaml`,
  mode: '160000',
  id: idOf(`${n} ${version}`),
});
const named = (tree: Tree): NamedTree => ({ id: hashObject('tree', tree.content), tree });
const directoryOf = (files: number): NamedTree =>
  named(Tree.of(Array.from({ length: files }, (_, n) => fileOf(n, 'first'))));
/** The directory with another version of one of its files. */
const save = ({ tree }: NamedTree, n: number, version: string): NamedTree => {
  const { name } = fileOf(n, version);
  return named(tree.change([tree.find(name) as never], [fileOf(n, version)]));
};
/** The directory after each of so many saves, the first included. */
function versionsOf(first: NamedTree, saves: number, files: number): NamedTree[] {
  const versions = [first];
  for (let n = 0; n < saves; n++)
    versions.push(save(versions.at(-1) as NamedTree, (n * 37) % files, `later ${n}`));
  return versions;
}

async function packOf(versions: NamedTree[], known: NamedTree | null): Promise<Buffer> {
  const pack = new PackWriter();
  for (const [n, version] of versions.entries())
    await pack.addTree(version, n === 0 ? known : (versions[n - 1] as NamedTree));
  return pack.finish();
}

describe('a tree that changed', () => {
  /** What git has after a push of this pack: of each object its id, type, and how deep its delta is. */
  function receive(pack: Buffer): { id: string; depth: number }[] {
    const index = repository.git(['index-pack', '--stdin', '--strict', '--fix-thin'], { input: pack });
    const file = path.join(repository.folder, 'objects', 'pack', `pack-${index.split('\t')[1]}.idx`);
    return repository
      .git(['verify-pack', '-v', file])
      .split('\n')
      .filter((line) => /^[0-9a-f]{40} /.test(line))
      .map((line) => line.split(/ +/))
      .map(([id = '', , , , , depth = '0']) => ({ id, depth: Number(depth) }));
  }

  it('of 10,000 files goes as what changed against the version the host has', async () => {
    const known = directoryOf(10_000);
    const changed = save(known, 5_000, 'second');
    repository.put('tree', known.tree.content);
    const pack = await packOf([changed], known);
    expect(pack.length).toBeLessThan(150);
    expect(receive(pack)).toContainEqual({ id: changed.id, depth: 1 });
    expect(repository.content('tree', changed.id).equals(changed.tree.content)).toBe(true);
  });

  it.each([true, false])(
    'a hundred times goes as a hundred changes, in chains of 50 (host has the first: %s)',
    async (isKnown) => {
      const [first, ...versions] = versionsOf(directoryOf(3_000), 110, 3_000) as [NamedTree, ...NamedTree[]];
      if (isKnown) repository.put('tree', first.tree.content);
      const pack = isKnown ? await packOf(versions, first) : await packOf([first, ...versions], null);
      const whole = isKnown ? 0 : first.tree.content.length;
      expect(pack.length - whole).toBeLessThan(20_000);
      const received = receive(pack);
      expect(received.map(({ id }) => id).toSorted()).toEqual(
        [first, ...versions].map(({ id }) => id).toSorted(),
      );
      expect(Math.max(...received.map(({ depth }) => depth))).toBe(50);
      const last = versions.at(-1) as NamedTree;
      expect(repository.content('tree', last.id).equals(last.tree.content)).toBe(true);
    },
  );

  it('and changed back is not sent again, and nothing is made of itself', async () => {
    const known = directoryOf(2_000);
    const [second, third] = [save(known, 5, 'second'), save(known, 5, 'third')];
    repository.put('tree', known.tree.content);
    const pack = await packOf([second, known, third, second, known], known);
    expect(
      receive(pack)
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual([known, second, third].map(({ id }) => id).toSorted());
  });

  it('goes whole where that takes no more', async () => {
    const known = directoryOf(1);
    const changed = save(known, 0, 'second');
    expect(receive(await packOf([changed], known))).toEqual([{ id: changed.id, depth: 0 }]);
    const other = named(Tree.of(Array.from({ length: 500 }, (_, n) => fileOf(n, 'other'))));
    expect(receive(await packOf([other], directoryOf(500)))).toEqual([{ id: other.id, depth: 0 }]);
  });

  it('is read back by git and by our reader, whatever was changed', async () => {
    const saves = fc.array(fc.tuple(fc.nat(39), fc.nat(3)), { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(saves, async (steps) => {
        const versions = [directoryOf(40)];
        for (const [n, version] of steps)
          versions.push(save(versions.at(-1) as NamedTree, n, String(version)));
        const pack = await packOf(versions, null);
        const ids = [...new Set(versions.map(({ id }) => id))].toSorted();
        expect(
          receive(pack)
            .map(({ id }) => id)
            .toSorted(),
        ).toEqual(ids);
        const read = await readPack(chunksOf(pack), { host: 'h', limits: defaultLimits, keep: () => true });
        expect([...read.keys()].toSorted()).toEqual(ids);
      }),
      { numRuns: 15 },
    );
  });
});
