import { describe, expect, it } from 'vitest';
import type { EntityRecord } from '../../../src/entities/entities.repository.js';
import { keyOf, Neighbourhood } from '../../../src/sync/neighbourhood.js';
import { makeChange, makeMove, makeOrigin, makeRename } from '../support/moves.js';
import { makeOperation } from '../support/operations.js';

const repository = 'https://git.example.com/a.git';

function makeCopy(more: Partial<EntityRecord> = {}): EntityRecord {
  return {
    scope: 'accounts/acme',
    kind: 'pipeline',
    id: 'build',
    branch: 'main',
    connector_scope: 'accounts/acme',
    connector_id: 'direct',
    repository,
    path: 'a.yaml',
    yaml: Buffer.from('a: 1\n'),
    blob_id: 'b'.repeat(40),
    commit_id: 'c'.repeat(40),
    operation_id: 'operation-0',
    invalid: null,
    sequence: 1,
    created_at: new Date(0),
    updated_at: new Date(0),
    ...more,
  };
}

const around = (...copies: Partial<EntityRecord>[]): Neighbourhood =>
  new Neighbourhood(repository, copies.map(makeCopy));
const me = keyOf('accounts/acme', 'pipeline', 'build');
const other = keyOf('accounts/acme', 'pipeline', 'other');
const operation = makeOperation();
const claimed = (path: string, by: string) => new Map([[path, by]]);
const nothing = new Map<string, string>();

describe('the copies around a batch', () => {
  it('are found by their path and by their entity', () => {
    const copies = around({}, { id: 'other', path: 'b.yaml', blob_id: 'd'.repeat(40) });
    expect(copies.at('a.yaml')?.id).toBe('build');
    expect(copies.blobAt('b.yaml')).toBe('d'.repeat(40));
    expect(copies.of({ scope: 'accounts/acme', kind: 'pipeline', entity_id: 'other' })?.path).toBe('b.yaml');
  });

  it.each(['c.yaml', '__proto__', 'constructor', ''])('know of nothing at %j', (path) => {
    expect(around({}).at(path)).toBeUndefined();
    expect(around({}).blobAt(path)).toBeNull();
  });

  it('are not found at the path they have in another repository', () => {
    const copies = around({ repository: 'https://git.example.com/b.git' });
    expect(copies.at('a.yaml')).toBeUndefined();
    expect(copies.of(operation)?.path).toBe('a.yaml');
  });

  it('of one name in two scopes or kinds are two', () => {
    const copies = around(
      { scope: 'accounts/acme/orgs/o', path: 'b.yaml' },
      { kind: 'template', path: 'c.yaml' },
    );
    expect(copies.of(operation)).toBeUndefined();
    expect(copies.of({ ...operation, kind: 'template' })?.path).toBe('c.yaml');
  });
});

describe('an operation that nothing speaks against', () => {
  const deletion = makeOperation({ action: 'delete', yaml: null });
  const table: [string, Neighbourhood, typeof operation, Map<string, string>][] = [
    ['creates where there is nothing', around(), operation, nothing],
    ['creates only, where there is nothing', around(), makeOperation({ expected: 'absent' }), nothing],
    ['changes its own file', around({}), operation, nothing],
    ['changes what the caller read', around({}), makeOperation({ expected: 'b'.repeat(40) }), nothing],
    [
      'changes what another version was read of: Git decides',
      around({}),
      makeOperation({ expected: 'f'.repeat(40) }),
      nothing,
    ],
    ['deletes its own file', around({}), deletion, nothing],
    ['deletes what an earlier one of the batch creates', around(), deletion, claimed('a.yaml', me)],
    ['changes what an earlier one of the batch creates', around(), operation, claimed('a.yaml', me)],
    ['has another entity beside it', around({ id: 'other', path: 'b.yaml' }), operation, nothing],
    [
      'has another repository’s file at its path',
      around({ id: 'other', repository: 'https://x.example/b' }),
      operation,
      nothing,
    ],
  ];
  it.each(table)('%s', (_, copies, given, claims) => {
    expect(copies.objection(given, claims)).toBeUndefined();
  });
});

describe('an operation that cannot be carried out whatever Git says', () => {
  const deletion = makeOperation({ action: 'delete', yaml: null });
  const creation = makeOperation({ expected: 'absent' });
  const table: [string, Neighbourhood, typeof operation, Map<string, string>, object][] = [
    [
      'would write another entity’s file',
      around({ id: 'other' }),
      operation,
      nothing,
      { code: 'ENTITY_PLACE_TAKEN', data: { path: 'a.yaml', branch: 'main', by: other } },
    ],
    [
      'would write the file of an entity of the same name in another scope',
      around({ scope: 'accounts/acme/orgs/o' }),
      operation,
      nothing,
      { code: 'ENTITY_PLACE_TAKEN', data: { by: keyOf('accounts/acme/orgs/o', 'pipeline', 'build') } },
    ],
    [
      'would write a file that an earlier one of the batch creates',
      around(),
      operation,
      claimed('a.yaml', other),
      { code: 'ENTITY_PLACE_TAKEN', data: { by: other } },
    ],
    [
      'would delete another entity’s file',
      around({ id: 'other' }),
      deletion,
      nothing,
      { code: 'ENTITY_PLACE_TAKEN', data: { by: other } },
    ],
    [
      'would move its entity to another path',
      around({ path: 'b.yaml' }),
      operation,
      nothing,
      { code: 'ENTITY_ELSEWHERE', data: { id: 'build', connector: 'direct', path: 'b.yaml' } },
    ],
    [
      'would move its entity to another repository',
      around({ repository: 'https://x.example/b', connector_id: 'far' }),
      operation,
      nothing,
      { code: 'ENTITY_ELSEWHERE', data: { connector: 'far', path: 'a.yaml' } },
    ],
    [
      'would create what exists',
      around({}),
      creation,
      nothing,
      { code: 'ENTITY_EXISTS', data: { kind: 'pipeline', id: 'build', branch: 'main' } },
    ],
    [
      'would delete what does not exist',
      around(),
      deletion,
      nothing,
      { code: 'NOT_FOUND', data: { what: 'pipeline', id: 'build' } },
    ],
    [
      'would delete what only an earlier one on another path creates',
      around(),
      deletion,
      claimed('b.yaml', me),
      { code: 'NOT_FOUND' },
    ],
    [
      'would take a place and move: the place is told first',
      around({ path: 'b.yaml' }, { id: 'other' }),
      creation,
      nothing,
      { code: 'ENTITY_PLACE_TAKEN' },
    ],
    [
      'would create elsewhere what exists: the place is told first',
      around({ path: 'b.yaml' }),
      creation,
      nothing,
      { code: 'ENTITY_ELSEWHERE' },
    ],
  ];
  it.each(table)('%s', (_, copies, given, claims, failure) => {
    expect(copies.objection(given, claims)).toMatchObject(failure);
  });
});

it('the name of an entity says scope, kind and id, so that no two are the same', () => {
  expect(keyOf('accounts/a', 'pipeline', 'build')).toBe('accounts/a: pipeline build');
});

describe('a move', () => {
  const here = { path: 'old.yaml' };
  const rename = makeRename();
  const arrivalFrom = (more: Parameters<typeof makeOrigin>[0]) =>
    makeMove([makeChange({ origin: makeOrigin(more) })]);
  const table: [string, Neighbourhood, typeof rename, Map<string, string>, string | undefined][] = [
    ['goes from where its entity is', around(here), rename, nothing, undefined],
    [
      'whose file another entity has',
      around(here, { id: 'other', path: 'new.yaml' }),
      rename,
      nothing,
      'ENTITY_PLACE_TAKEN',
    ],
    [
      'whose path an earlier operation takes',
      around(here),
      rename,
      claimed('new.yaml', other),
      'ENTITY_PLACE_TAKEN',
    ],
    [
      'whose entity is somewhere else by now',
      around({ path: 'else.yaml' }),
      rename,
      nothing,
      'ENTITY_ELSEWHERE',
    ],
    ['whose copy is gone: Git decides', around(), rename, nothing, undefined],
    [
      'from the same branch of another repository',
      around({ ...here, repository: 'https://git.example.com/b.git' }),
      arrivalFrom({ repository: 'https://git.example.com/b.git' }),
      nothing,
      undefined,
    ],
    [
      'from another branch, while it is on this one, too',
      around({ path: 'else.yaml' }),
      arrivalFrom({ branch: 'side' }),
      nothing,
      'ENTITY_ELSEWHERE',
    ],
    [
      'that removes what another entity has by now',
      around({ id: 'other', path: 'old.yaml' }),
      makeMove([makeChange({ path: 'old.yaml', meaning: 'remove', expected: 'b'.repeat(40) })]),
      nothing,
      'ENTITY_PLACE_TAKEN',
    ],
    [
      'that removes what is of no copy any more',
      around(),
      makeMove([makeChange({ path: 'old.yaml', meaning: 'remove', expected: 'b'.repeat(40) })]),
      nothing,
      undefined,
    ],
  ];
  it.each(table)('%s', (_, copies, operation_, paths, code) => {
    expect(copies.objection(operation_, paths)?.code).toBe(code);
  });
});
