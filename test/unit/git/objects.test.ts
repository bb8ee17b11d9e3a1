import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blobIdOf } from '../../../src/git/blob-id.js';
import { Breath } from '../../../src/git/breath.js';
import {
  canonicalMode,
  decodeCommit,
  EMPTY_TREE,
  encodeCommit,
  hasBlob,
  hashInTurns,
  hashObject,
  isDirectory,
  isSubmodule,
  MalformedObject,
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

  it('is the same when others get their turns meanwhile, until nobody waits for it', async () => {
    const large = Buffer.alloc(60_000_000, 'large: yes\n');
    expect(await hashInTurns('blob', large, new Breath())).toBe(blobIdOf(large));
    expect(await hashInTurns('tree', Buffer.alloc(0), new Breath())).toBe(EMPTY_TREE);
    const breath = new Breath(() => {
      throw new Error('nobody waits');
    });
    await expect(hashInTurns('blob', large, breath)).rejects.toThrow('nobody waits');
  });

  it('depends on the type', () => {
    expect(hashObject('tree', Buffer.alloc(0))).toBe(EMPTY_TREE);
    expect(hashObject('blob', Buffer.alloc(0))).toBe('e69de29bb2d1d6434b8b29ae775ad8c2e48c5391');
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
