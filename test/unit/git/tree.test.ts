import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Breath } from '../../../src/git/breath.js';
import {
  hashObject,
  isDirectory,
  isSubmodule,
  MalformedObject,
  type TreeItem,
} from '../../../src/git/objects.js';
import { Tree } from '../../../src/git/tree.js';
import { BareRepository } from '../support/bare.js';
import { compareItems, decodeTree, encodeTree, itemsOf, readTree } from '../support/trees.js';

let repository: BareRepository;
beforeAll(() => {
  repository = new BareRepository();
});
afterAll(() => repository.remove());

const id = '0123456789'.repeat(4);
const item = (name: string, mode = '100644'): TreeItem => ({ name, mode, id });

/** Names as bytes; git forbids NUL and slash alone. */
const rawName = fc
  .oneof(
    fc.uint8Array({ minLength: 1, maxLength: 12 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    fc.stringMatching(/^[a-c.\-0]{1,4}$/),
  )
  .filter((name) => !/[\0/]/.test(name));
const mode = fc.constantFrom('100644', '100755', '120000', '160000', '40000');
const tree = fc.uniqueArray(fc.record({ name: rawName, mode, id: fc.stringMatching(/^[0-9a-f]{40}$/) }), {
  selector: ({ name }) => name,
  maxLength: 20,
});

function typeOf(one: TreeItem): string {
  if (isSubmodule(one)) return 'commit';
  return isDirectory(one) ? 'tree' : 'blob';
}

describe('a tree', () => {
  it('has the id and the order that git mktree gives it, whatever the names', () => {
    fc.assert(
      fc.property(tree, (items) => {
        const lines = items.map(
          (one) => `${one.mode.padStart(6, '0')} ${typeOf(one)} ${one.id}\t${one.name}\0`,
        );
        const made = repository.git(['mktree', '-z', '--missing'], {
          input: Buffer.from(lines.join(''), 'latin1'),
        });
        const content = encodeTree(items);
        expect(hashObject('tree', content)).toBe(made);
        expect(repository.content('tree', made).equals(content)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('that is read and written again is the same, byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(tree, async (items) => {
        const content = encodeTree(items);
        expect(encodeTree(await decodeTree(content)).equals(content)).toBe(true);
        expect((await decodeTree(content)).toSorted(compareItems)).toEqual(items.toSorted(compareItems));
      }),
    );
  });

  it('is the same in whatever order its items are given', () => {
    fc.assert(
      fc.property(tree, (items) => {
        expect(encodeTree(items.toReversed()).equals(encodeTree(items))).toBe(true);
      }),
    );
  });

  it.each([
    [
      ['a.b', 'a', 'a-b'],
      ['a', 'a-b', 'a.b'],
    ],
    [
      ['b', 'B', 'a'],
      ['B', 'a', 'b'],
    ],
    [
      ['\xff', 'z', '\xc3\xa9'],
      ['z', '\xc3\xa9', '\xff'],
    ],
    [
      ['ab', 'a'],
      ['a', 'ab'],
    ],
  ])('%j is sorted by bytes', async (given, sorted) => {
    const content = encodeTree(given.map((name) => item(name)));
    expect((await decodeTree(content)).map(({ name }) => name)).toEqual(sorted);
  });

  it('sorts a directory as if its name ended in a slash', async () => {
    const items = [item('a', '40000'), item('a.b'), item('a-b'), item('a0'), item('ab')];
    expect((await decodeTree(encodeTree(items))).map(({ name }) => name)).toEqual([
      'a-b',
      'a.b',
      'a',
      'a0',
      'ab',
    ]);
  });

  it.each(['100664', '100600', '040000', '100755', '100000'])(
    'keeps the mode %s as it was found',
    async (found) => {
      const content = encodeTree([item('x', found)]);
      expect(await decodeTree(content)).toEqual([item('x', found)]);
      expect(content.toString('latin1').startsWith(`${found} x\0`)).toBe(true);
    },
  );

  const line = (text: string): Buffer => Buffer.concat([Buffer.from(text, 'latin1'), Buffer.alloc(20, 1)]);
  const whole = encodeTree([item('a'), item('b')]);
  it.each<[string, Buffer, string]>([
    ['cut off in an id', whole.subarray(0, -1), 'a tree ends inside an entry'],
    ['cut off in a mode', Buffer.from('1006'), 'a tree ends inside an entry'],
    ['cut off in a name', Buffer.from('100644 a'), 'a tree ends inside an entry'],
    ['without a name', line('100644 \0'), 'a tree has an entry without proper mode and name'],
    ['without a mode', line(' a\0'), 'a tree has an entry without proper mode and name'],
    ['with a slash in a name', line('100644 a/b\0'), 'a tree has an entry without proper mode and name'],
    ['with a mode that is none', line('100849 a\0'), 'a tree has an entry without proper mode and name'],
    ['with a mode that is too long', line('1006440 a\0'), 'a tree has an entry without proper mode and name'],
    ['with a signed mode', line('-100644 a\0'), 'a tree has an entry without proper mode and name'],
    ['not sorted', Buffer.concat([line('100644 b\0'), line('100644 a\0')]), 'a tree is not sorted'],
    ['with a name twice', Buffer.concat([line('100644 a\0'), line('100644 a\0')]), 'a tree is not sorted'],
    [
      'with a file and a directory of one name',
      Buffer.concat([line('100644 a\0'), line('100644 a.b\0'), line('40000 a\0')]),
      'a tree has a file and a directory of one name',
    ],
    [
      'with an endless mode',
      line(`${'0'.repeat(9_000)}1 a\0`),
      'a tree has an entry without proper mode and name',
    ],
    [
      'with an endless name',
      line(`100644 ${'a'.repeat(9_000)}\0`),
      'a tree has an entry without proper mode and name',
    ],
    [
      'with a directory as if it were a file',
      Buffer.concat([line('40000 a\0'), line('100644 a.b\0')]),
      'a tree is not sorted',
    ],
  ])('that is %s is malformed', async (_, content, message) => {
    await expect(decodeTree(content)).rejects.toThrow(MalformedObject);
    await expect(decodeTree(content)).rejects.toThrow(message);
  });

  /** The bytes after reading and writing them. */
  const rewrite = async (bytes: Buffer): Promise<string> => {
    try {
      return encodeTree(await decodeTree(bytes)).toString('hex');
    } catch (error) {
      return error instanceof MalformedObject ? 'malformed' : String(error);
    }
  };

  it('of any bytes is read or malformed, and what is read is written the same', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 80 }), async (bytes) => {
        const rewritten = await rewrite(Buffer.from(bytes));
        expect(['malformed', Buffer.from(bytes).toString('hex')]).toContain(rewritten);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a changed tree', () => {
  it('is the tree of the changed items, and knows its entries as one that was read does', async () => {
    await fc.assert(
      fc.asyncProperty(tree, tree, fc.nat(), async (items, others, seed) => {
        const names = new Set(others.map(({ name }) => name));
        const gone = items.filter(({ name }, n) => names.has(name) || (n * 7 + seed) % 3 === 0);
        const left = items.filter((one) => !gone.includes(one));
        const before = await readTree(encodeTree(items));
        const after = before.change(gone, others);
        expect(after.content.equals(encodeTree([...left, ...others]))).toBe(true);
        expect(itemsOf(after)).toEqual([...left, ...others].toSorted(compareItems));
        expect(itemsOf(before)).toEqual(items.toSorted(compareItems));
      }),
    );
  });

  it('finds its items by name, and no others', async () => {
    await fc.assert(
      fc.asyncProperty(tree, rawName, async (items, other) => {
        const read = await readTree(encodeTree(items));
        for (const one of items) expect(read.find(one.name)).toEqual(one);
        expect(read.find(other)).toEqual(items.find(({ name }) => name === other) ?? null);
      }),
    );
  });

  it('may have a directory take the place of a file, elsewhere in the order', () => {
    const before = Tree.of([item('a'), item('a.b'), item('a0')]);
    const after = before.change([item('a')], [item('a', '40000')]);
    expect(itemsOf(after).map(({ name }) => name)).toEqual(['a.b', 'a', 'a0']);
  });
});

describe('two trees', () => {
  it('are compared from any entry on', () => {
    const [left, right] = [
      Tree.of(Array.from({ length: 3_000 }, (_, n) => item(`f${10_000 + n}`))),
      Tree.of(
        Array.from({ length: 3_000 }, (_, n) => item(`f${10_000 + n}`, n === 2_000 ? '100755' : '100644')),
      ),
    ];
    const runs: [number, number, number][] = [
      [0, 0, 2_000],
      [1_999, 1_999, 1],
      [2_000, 2_000, 0],
      [2_001, 2_001, 999],
      [3_000, 3_000, 0],
      [0, 1, 0],
    ];
    for (const [from, to, equal] of runs) expect(Tree.countEqual(left, from, right, to)).toBe(equal);
    expect(Tree.compare(left, 2_000, right, 2_000)).toBe(0);
    expect(Tree.compare(left, 1, right, 2)).toBeLessThan(0);
    expect(Tree.compare(left, 2, right, 1)).toBeGreaterThan(0);
  });
});

describe('a large tree', () => {
  const large = encodeTree(Array.from({ length: 500_000 }, (_, n) => item(`file-${n}.yaml`)));

  it('is read in turns with others', async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    try {
      await Tree.read(large, new Breath());
    } finally {
      clearInterval(timer);
    }
    expect(turns).toBeGreaterThan(0);
  });

  it('is not read to its end when nobody waits for it', async () => {
    const breath = new Breath(() => {
      throw new Error('nobody waits');
    });
    const read = Tree.read(large, breath).then(() => 'read');
    await expect(read).rejects.toThrow('nobody waits');
  });
});
