// isomorphic-git as a second opinion: for ordinary trees and commits both codecs give the same ids. The tests below that
// say what it does to others are the reason for a codec of our own.
import fs from 'node:fs';
import fc from 'fast-check';
import git from 'isomorphic-git';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blobIdOf } from '../../../src/git/blob-id.js';
import { encodeCommit, hashObject, isDirectory, isSubmodule, toRawName } from '../../../src/git/objects.js';
import { BareRepository } from '../support/bare.js';
import { decodeTree, encodeTree } from '../support/trees.js';

let repository: BareRepository;
let place: { fs: typeof fs; gitdir: string };
beforeAll(() => {
  repository = new BareRepository();
  place = { fs, gitdir: repository.folder };
});
afterAll(() => repository.remove());

const objectId = fc.stringMatching(/^[0-9a-f]{40}$/);
const name = fc
  .oneof(fc.stringMatching(/^[A-Za-z0-9._-]{1,12}$/), fc.stringMatching(/^[a-zäöü名 ]{1,8}\.yaml$/))
  .filter((text) => !/^\.|^git~/i.test(text));
const item = fc.record({
  path: name,
  mode: fc.constantFrom('100644', '100755', '120000', '160000', '040000'),
  oid: objectId,
});
const items = fc.uniqueArray(item, { selector: ({ path }) => path, maxLength: 15 });
function typeOf(entry: { mode: string }): 'commit' | 'tree' | 'blob' {
  if (isSubmodule(entry)) return 'commit';
  return isDirectory(entry) ? 'tree' : 'blob';
}

describe('both give the same id', () => {
  it('to blobs', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        expect(await git.writeBlob({ ...place, blob: bytes })).toBe(blobIdOf(bytes));
      }),
    );
  });

  it('to trees of ordinary names, and read the same from them', async () => {
    await fc.assert(
      fc.asyncProperty(items, async (entries) => {
        const theirs = entries.map((entry) => ({ ...entry, type: typeOf(entry) }));
        const oid = await git.writeTree({ ...place, tree: theirs });
        const content = encodeTree(
          entries.map(({ path, mode, oid: id }) => ({
            name: toRawName(path),
            mode: mode.replace(/^0/, ''),
            id,
          })),
        );
        expect(hashObject('tree', content)).toBe(oid);
        // It gives the entries in another order than the tree has them.
        const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
        const { tree } = await git.readTree({ ...place, oid });
        const read = tree.map(({ path, mode, oid: id }) => ({
          ...{ name: toRawName(path), mode: mode.replace(/^0/, ''), id },
        }));
        expect(read.toSorted(byName)).toEqual((await decodeTree(content)).toSorted(byName));
      }),
    );
  });

  it('to commits of ordinary texts', async () => {
    const person = fc.record({
      name: fc.stringMatching(/^[A-Za-zäöü][A-Za-zäöü ]{0,10}[a-z]$/),
      email: fc.stringMatching(/^[a-z]{1,8}@[a-z]{1,8}\.org$/),
    });
    const message = fc
      .array(fc.stringMatching(/^[A-Za-z0-9äöü:.,#-]{1,20}$/), { minLength: 1, maxLength: 4 })
      .map((lines) => `${lines.join('\n\n')}\n`);
    const time = fc.nat(2_000_000_000);
    await fc.assert(
      fc.asyncProperty(
        objectId,
        fc.option(objectId),
        person,
        person,
        fc.tuple(time, message),
        async (tree, parent, author, committer, [timestamp, text]) => {
          const dated = { timestamp, timezoneOffset: 0 };
          const oid = await git.writeCommit({
            ...place,
            commit: {
              tree,
              parent: parent === null ? [] : [parent],
              author: { ...author, ...dated },
              committer: { ...committer, ...dated },
              message: text,
            },
          });
          const ours = encodeCommit({ tree, parent, author, committer, timestamp, message: text });
          expect(hashObject('commit', ours)).toBe(oid);
          expect((await git.readCommit({ ...place, oid })).commit.message).toBe(text);
        },
      ),
    );
  });
});

const id = '0123456789'.repeat(4);
/** A tree that git itself stores, of one file. */
const storeTree = async (rawName: string, mode = '100644') => {
  const content = encodeTree([{ name: rawName, mode, id }]);
  const oid = repository.put('tree', content);
  expect(hashObject('tree', content)).toBe(oid);
  expect(encodeTree(await decodeTree(content)).equals(content)).toBe(true);
  return oid;
};

describe('where isomorphic-git could not be our codec: a tree', () => {
  it.each(['a\\b.yaml', '..\\a.yaml'])(
    'with the name %s cannot be read at all, though git has it',
    async (path) => {
      await expect(git.readTree({ ...place, oid: await storeTree(path) })).rejects.toMatchObject({
        code: 'UnsafeFilepathError',
      });
    },
  );

  it('with a name that is not UTF-8 does not keep it byte for byte', async () => {
    const oid = await storeTree('caf\xe9.yaml');
    const { tree } = await git.readTree({ ...place, oid });
    expect(tree.map(({ path }) => path)).toEqual(['caf\ufffd.yaml']);
    expect(await git.writeTree({ ...place, tree })).not.toBe(oid);
  });

  it('with mode 100664, which old gits wrote, cannot be read at all', async () => {
    await expect(git.readTree({ ...place, oid: await storeTree('a.yaml', '100664') })).rejects.toThrow(
      'Unexpected GitTree entry mode: 100664',
    );
  });

  it('with the padded mode 040000, which some tools wrote, is written as another tree', async () => {
    const oid = await storeTree('folder', '040000');
    const { tree } = await git.readTree({ ...place, oid });
    expect(await git.writeTree({ ...place, tree })).not.toBe(oid);
  });
});

describe('where isomorphic-git could not be our codec: a commit message', () => {
  const person = { name: 'Ada', email: 'ada@example.com' };
  const dated = { ...person, timestamp: 1_000, timezoneOffset: 0 };

  it.each([
    ['with CRLF', 'a\r\nb\r\n', 'a\nb\n'],
    ['without a line end', 'a', 'a\n'],
    ['with empty lines behind it', 'a\n\n\n', 'a\n'],
    ['with empty lines before it', '\n\na\n', 'a\n'],
  ])('%s is not kept verbatim, neither written nor read', async (_, message, kept) => {
    const commit = { tree: id, parent: [], author: dated, committer: dated, message };
    const written = await git.writeCommit({ ...place, commit });
    const ours = encodeCommit({
      tree: id,
      parent: null,
      author: person,
      committer: person,
      timestamp: 1_000,
      message,
    });
    expect(written).not.toBe(hashObject('commit', ours));
    expect(repository.content('commit', written).toString().endsWith(`\n\n${kept}`)).toBe(true);
    const oid = repository.put('commit', ours);
    expect(oid).toBe(hashObject('commit', ours));
    expect((await git.readCommit({ ...place, oid })).commit.message).toBe(kept);
  });
});
