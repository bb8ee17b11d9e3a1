import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blobIdOf } from '../../../src/git/blob-id.js';
import {
  canonicalMode,
  compareItems,
  decodeCommit,
  decodeTree,
  EMPTY_TREE,
  encodeCommit,
  encodeTree,
  hasBlob,
  hashObject,
  isDirectory,
  isSubmodule,
  MalformedObject,
  type TreeItem,
  toPath,
  toRawName,
} from '../../../src/git/objects.js';
import { BareRepository } from '../support/bare.js';

let repository: BareRepository;
beforeAll(() => {
  repository = new BareRepository();
});
afterAll(() => repository.remove());

const id = '0123456789'.repeat(4);
const parent = '9876543210'.repeat(4);
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

describe('the id of an object', () => {
  it.each([[''], ['a: 1\n'], ['größe\0\xff'], ['x'.repeat(100_000)]])(
    'is the one git gives: blob %#',
    (content) => {
      expect(blobIdOf(Buffer.from(content))).toBe(repository.blob(content));
      expect(hashObject('blob', Buffer.from(content))).toBe(repository.blob(content));
    },
  );

  it('is the one git gives, for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(blobIdOf(bytes)).toBe(repository.blob(bytes));
      }),
      { numRuns: 25 },
    );
  });

  it('depends on the type', () => {
    expect(hashObject('tree', Buffer.alloc(0))).toBe(EMPTY_TREE);
    expect(hashObject('blob', Buffer.alloc(0))).toBe('e69de29bb2d1d6434b8b29ae775ad8c2e48c5391');
  });
});

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

  it('that is read and written again is the same, byte for byte', () => {
    fc.assert(
      fc.property(tree, (items) => {
        const content = encodeTree(items);
        expect(encodeTree(decodeTree(content)).equals(content)).toBe(true);
        expect(decodeTree(content).toSorted(compareItems)).toEqual(items.toSorted(compareItems));
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
  ])('%j is sorted by bytes', (given, sorted) => {
    expect(decodeTree(encodeTree(given.map((name) => item(name)))).map(({ name }) => name)).toEqual(sorted);
  });

  it('sorts a directory as if its name ended in a slash', () => {
    const items = [item('a', '40000'), item('a.b'), item('a-b'), item('a0'), item('ab')];
    expect(decodeTree(encodeTree(items)).map(({ name }) => name)).toEqual(['a-b', 'a.b', 'a', 'a0', 'ab']);
  });

  it.each(['100664', '100600', '040000', '100755', '100000'])(
    'keeps the mode %s as it was found',
    (found) => {
      const content = encodeTree([item('x', found)]);
      expect(decodeTree(content)).toEqual([item('x', found)]);
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
      'with a directory as if it were a file',
      Buffer.concat([line('40000 a\0'), line('100644 a.b\0')]),
      'a tree is not sorted',
    ],
  ])('that is %s is malformed', (_, content, message) => {
    expect(() => decodeTree(content)).toThrow(MalformedObject);
    expect(() => decodeTree(content)).toThrow(message);
  });

  /** The bytes after reading and writing them. */
  const rewrite = (bytes: Buffer): string => {
    try {
      return encodeTree(decodeTree(bytes)).toString('hex');
    } catch (error) {
      return error instanceof MalformedObject ? 'malformed' : String(error);
    }
  };

  it('of any bytes is read or malformed, and what is read is written the same', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        expect(['malformed', Buffer.from(bytes).toString('hex')]).toContain(rewrite(Buffer.from(bytes)));
      }),
      { numRuns: 500 },
    );
  });
});

describe('a mode', () => {
  it.each([
    ['100644', '100644'],
    ['100664', '100644'],
    ['100600', '100644'],
    ['100755', '100755'],
    ['100700', '100755'],
    ['100775', '100755'],
    ['0100644', '100644'],
    ['120000', '120000'],
    ['160000', '160000'],
  ])('%s is shown as %s', (found, shown) => {
    expect(canonicalMode(found)).toBe(shown);
  });

  it.each([
    ['100644', false, true, false],
    ['120000', false, true, false],
    ['40000', true, false, false],
    ['040000', true, false, false],
    ['160000', false, false, true],
  ])('%s says what the item is', (found, directory, withBlob, submodule) => {
    const one = { mode: found };
    expect([isDirectory(one), hasBlob(one), isSubmodule(one)]).toEqual([directory, withBlob, submodule]);
  });
});

describe('a commit', () => {
  const ada = { name: 'Ada Größe', email: 'ada@example.com' };
  const text = {
    tree: EMPTY_TREE,
    parent: null,
    author: ada,
    committer: ada,
    timestamp: 1_700_000_000,
    message: 'Save\n',
  };

  it('is written as git writes it', () => {
    const env = {
      GIT_AUTHOR_NAME: ada.name,
      GIT_AUTHOR_EMAIL: ada.email,
      GIT_COMMITTER_NAME: ada.name,
      GIT_COMMITTER_EMAIL: ada.email,
      GIT_AUTHOR_DATE: '1700000000 +0000',
      GIT_COMMITTER_DATE: '1700000000 +0000',
    };
    repository.put('tree', '');
    const first = repository.git(['commit-tree', EMPTY_TREE], { env, input: 'Save\n' });
    expect(hashObject('commit', encodeCommit(text))).toBe(first);
    const second = repository.git(['commit-tree', EMPTY_TREE, '-p', first], {
      env,
      input: 'Again\n\nBody\n',
    });
    expect(hashObject('commit', encodeCommit({ ...text, parent: first, message: 'Again\n\nBody\n' }))).toBe(
      second,
    );
  });

  it.each([
    'no line end',
    'a\r\nb\r\n',
    'end\n\n\n',
    '\n\nlead\n',
    '  indented\n',
    'a\n\nx: y\n',
    '# no comment\n',
    '',
  ])('keeps its message to the byte: %j', (message) => {
    const content = encodeCommit({ ...text, message });
    const written = repository.git(['hash-object', '-t', 'commit', '-w', '--stdin'], { input: content });
    expect(hashObject('commit', content)).toBe(written);
    expect(content.toString().split('\n\n').slice(1).join('\n\n')).toBe(message);
  });

  it('tells its tree and parents', () => {
    expect(decodeCommit(encodeCommit({ ...text, parent }))).toEqual({ tree: EMPTY_TREE, parents: [parent] });
    expect(decodeCommit(encodeCommit(text))).toEqual({ tree: EMPTY_TREE, parents: [] });
    const merge = Buffer.from(
      `tree ${id}\nparent ${parent}\nparent ${id}\nauthor a\n\nparent ${EMPTY_TREE}\n`,
    );
    expect(decodeCommit(merge)).toEqual({ tree: id, parents: [parent, id] });
  });

  it('is believed in its header alone, not in what its message says', () => {
    const content = encodeCommit({ ...text, message: `tree ${id}\nparent ${parent}\n` });
    expect(decodeCommit(content)).toEqual({ tree: EMPTY_TREE, parents: [] });
    const odd = Buffer.from(`tree ${id}\nauthor a\nparent ${parent}\n\nx`);
    expect(decodeCommit(odd)).toEqual({ tree: id, parents: [] });
  });

  it.each([
    '',
    'tree',
    `tree ${id.slice(1)}\n`,
    `tree ${id.toUpperCase().replace('0', 'G')}\n`,
    `parent ${id}\ntree ${id}\n`,
    ` tree ${id}\n`,
    `tree ${id} \n`,
  ])('is malformed where it does not begin with its tree: %j', (content) => {
    expect(() => decodeCommit(Buffer.from(content))).toThrow(MalformedObject);
  });
});

describe('a path', () => {
  it('keeps its bytes as a raw name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (path) => {
        expect(Buffer.from(toRawName(path), 'latin1').equals(Buffer.from(path))).toBe(true);
        expect(toPath(toRawName(path))).toBe(path);
      }),
    );
  });

  it('of bytes that are no UTF-8 is shown with U+FFFD', () => {
    expect(toPath('a\xff.yaml')).toBe('a\ufffd.yaml');
  });
});
