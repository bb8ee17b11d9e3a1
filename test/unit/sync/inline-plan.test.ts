import { describe, expect, it } from 'vitest';
import { blobIdOf } from '../../../src/git/blob-id.js';
import { Failure } from '../../../src/kernel/failure.js';
import { assertNoCommit, conflictOf, judgeInline, storeOf } from '../../../src/sync/inline-plan.js';

const bytes = (text: string): Buffer => Buffer.from(text);
const idOf = (text: string): string => blobIdOf(bytes(text));
const standing = (text: string) => ({ blob_id: idOf(text), yaml: bytes(text) });
const wish = (yaml: string | null, expected = 'any') => ({
  kind: 'pipeline',
  id: 'build',
  yaml: yaml === null ? null : bytes(yaml),
  expected,
});
const codeOf = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error instanceof Failure ? error.code : error;
  }
};

describe('what a save or deletion of an inline entity comes to', () => {
  it.each<[string, ReturnType<typeof wish>, string | null, string]>([
    ['a save of what is new', wish('a: 1\n'), null, 'created'],
    ['a save that may only create', wish('a: 1\n', 'absent'), null, 'created'],
    ['a save over another document', wish('a: 2\n'), 'a: 1\n', 'changed'],
    ['a save from what is there', wish('a: 2\n', idOf('a: 1\n')), 'a: 1\n', 'changed'],
    ['a save of what is there', wish('a: 1\n'), 'a: 1\n', 'unchanged'],
    ['a save of what is there, from something older', wish('a: 1\n', idOf('a: 0\n')), 'a: 1\n', 'unchanged'],
    ['a save from something older', wish('a: 2\n', idOf('a: 0\n')), 'a: 1\n', 'conflict'],
    ['a save from what was deleted', wish('a: 2\n', idOf('a: 0\n')), null, 'conflict'],
    ['a save from what was deleted, of just that', wish('a: 0\n', idOf('a: 0\n')), null, 'conflict'],
    ['a creation of what is there', wish('a: 2\n', 'absent'), 'a: 1\n', 'ENTITY_EXISTS'],
    ['a creation of what is just the same', wish('a: 1\n', 'absent'), 'a: 1\n', 'ENTITY_EXISTS'],
    ['a deletion', wish(null), 'a: 1\n', 'deleted'],
    ['a deletion from what is there', wish(null, idOf('a: 1\n')), 'a: 1\n', 'deleted'],
    ['a deletion from something older', wish(null, idOf('a: 0\n')), 'a: 1\n', 'conflict'],
    ['a deletion of what is not there', wish(null), null, 'NOT_FOUND'],
    ['a deletion of what is not there any more', wish(null, idOf('a: 0\n')), null, 'NOT_FOUND'],
    ['a deletion that may only create', wish(null, 'absent'), 'a: 1\n', 'ENTITY_EXISTS'],
  ])('%s', (_, wanted, there, expected) => {
    expect(codeOf(() => judgeInline(wanted, there === null ? undefined : standing(there)))).toBe(expected);
  });

  it('a conflict holds three versions, of which the base may not be known', () => {
    const expected = idOf('a: 0\n');
    expect(conflictOf(wish('a: 2\n', expected), standing('a: 1\n'), bytes('a: 0\n'))).toMatchObject({
      code: 'ENTITY_CONFLICT',
      versions: {
        base: { blobId: expected, yaml: 'a: 0\n' },
        theirs: { blobId: idOf('a: 1\n'), yaml: 'a: 1\n' },
        ours: { blobId: idOf('a: 2\n'), yaml: 'a: 2\n' },
      },
    });
    const gone = conflictOf(wish(null, expected), undefined, null);
    expect(gone.versions).toEqual({
      base: { blobId: expected, yaml: null },
      theirs: { blobId: null, yaml: null },
      ours: { blobId: null, yaml: null },
    });
    expect(Failure.fromWire(gone).hint).toContain('If-None-Match: *');
  });
});

describe('where a request wants the entity', () => {
  it.each<[object, string | undefined]>([
    [{ git: {} }, undefined],
    [{ git: { message: 'm' } }, undefined],
    [{ git: { connector: undefined, pullRequest: {} } }, undefined],
    [{ git: { connector: 'direct' } }, 'git'],
    [{ git: { branch: 'main' } }, 'git'],
    [{ git: { newBranchFrom: 'main' } }, 'git'],
    [{ git: { path: 'a.yaml' } }, 'git'],
    [{ store: 'git', git: {} }, 'git'],
    [{ store: 'inline', git: {} }, 'inline'],
  ])('%j: %s', (home, expected) => {
    expect(storeOf(home as { git: object })).toBe(expected);
  });

  it('says what of it there is no commit for', () => {
    expect(() => assertNoCommit({ git: { connector: undefined } })).not.toThrow();
    expect(() => assertNoCommit({ git: { author: undefined, message: 'm' } })).toThrow(/git\.message/);
  });
});
