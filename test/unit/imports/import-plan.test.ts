import { describe, expect, it } from 'vitest';
import {
  commonFolder,
  conclude,
  correct,
  sift,
  type Tree,
  toWrite,
  type Wanted,
} from '../../../src/imports/import-plan.js';
import type { WireFailure } from '../../../src/kernel/failure.js';
import type { WrittenPart } from '../../../src/sync/copy-writer.js';
import { barred, type Copy, findArrivals, nameOf, planRefresh } from '../../../src/sync/refresh-plan.js';

const scope = 'accounts/acme/orgs/eu';
const repository = 'https://git.example/a.git';
const blobOf = (letter: string): string => letter.repeat(40);
const named = (id: string) => ({ scope, kind: 'part', id });
const copyOf = (id: string, path: string, blob = 'a', more: Partial<Copy> = {}): Copy => ({
  ...named(id),
  path,
  blob_id: blobOf(blob),
  repository,
  connector_scope: scope,
  connector_id: 'direct',
  invalid: null,
  ...more,
});
const want = (path: string, id?: string, isNamed = false): Wanted => ({
  path,
  isNamed,
  meaning: id === undefined ? undefined : { named: named(id) },
});
const treeOf = (files: Record<string, string>, mode = '100644'): Tree =>
  new Map(Object.entries(files).map(([path, blob]) => [path, { id: blobOf(blob), mode }]));

interface Case {
  part: Wanted[];
  tree: Tree;
  copies?: Copy[];
  leaving?: string[];
  /** Ids of entities that are in no repository. */
  inline?: string[];
  /** Of documents, by path. */
  faults?: Record<string, WireFailure>;
}

function decide({ part, tree, copies = [], leaving = [], faults = {}, inline = [] }: Case) {
  const around = {
    scope,
    repository,
    byPath: new Map(copies.filter((one) => one.repository === repository).map((one) => [one.path, one])),
    byKey: new Map(copies.map((one) => [nameOf(one), one])),
    onOtherBranches: new Map(),
    branch: 'main',
    inline: new Set(inline.map((id) => nameOf(named(id)))),
  };
  const meanings = new Map(part.map((one) => [one.path, one.meaning]));
  const meaningOf = (path: string) => meanings.get(path);
  const { changes, verdicts } = sift(part, tree, { around, branch: 'main' });
  const journey = {
    leaving: new Set(leaving),
    arrivals: findArrivals(changes, meaningOf),
    rules: [],
    meaningOf,
  };
  const actions = planRefresh(changes, around, journey);
  const documents = new Map(
    actions.map(({ path }) => [path, { yaml: Buffer.from(''), invalid: faults[path] ?? null }]),
  );
  const written: WrittenPart = {
    actions,
    documents,
    commit: blobOf('c'),
    paths: changes.map(({ path }) => path),
  };
  const all = [...verdicts, ...conclude(part, changes, { written, around })];
  return {
    verdicts: all.map((one) => [one.path, one.outcome, one.failure?.code ?? null]),
    all,
    writes: toWrite(written),
  };
}

describe('what files come to that are to be imported', () => {
  it.each<[string, Case, unknown[]]>([
    ['a new one', { part: [want('x.yaml', 'x')], tree: treeOf({ 'x.yaml': 'a' }) }, ['create', null]],
    [
      'one that is known as it is',
      { part: [want('x.yaml', 'x')], tree: treeOf({ 'x.yaml': 'a' }), copies: [copyOf('x', 'x.yaml')] },
      ['same', null],
    ],
    [
      'one that is known as something else',
      { part: [want('x.yaml', 'x')], tree: treeOf({ 'x.yaml': 'b' }), copies: [copyOf('x', 'x.yaml')] },
      ['update', null],
    ],
    [
      'one that nothing names but the copy',
      { part: [want('odd.yaml')], tree: treeOf({ 'odd.yaml': 'a' }), copies: [copyOf('x', 'odd.yaml')] },
      ['same', null],
    ],
    [
      'one that nothing names any more',
      { part: [want('odd.yaml')], tree: treeOf({ 'odd.yaml': 'a' }) },
      ['refused', 'FILE_UNFIT'],
    ],
    ['one that is gone', { part: [want('x.yaml', 'x')], tree: treeOf({}) }, ['refused', 'FILE_UNFIT']],
    [
      'a symbolic link',
      { part: [want('x.yaml', 'x')], tree: treeOf({ 'x.yaml': 'a' }, '120000') },
      ['refused', 'FILE_UNFIT'],
    ],
    [
      'an entity that has a file elsewhere on the branch',
      { part: [want('x.yaml', 'x')], tree: treeOf({ 'x.yaml': 'a' }), copies: [copyOf('x', 'y.yaml')] },
      ['elsewhere', 'ENTITY_ELSEWHERE'],
    ],
    [
      'an entity whose file moved here',
      {
        part: [want('x.yaml', 'x')],
        tree: treeOf({ 'x.yaml': 'a' }),
        copies: [copyOf('x', 'y.yaml')],
        leaving: ['y.yaml'],
      },
      ['update', null],
    ],
    [
      'an entity of another repository',
      {
        part: [want('x.yaml', 'x')],
        tree: treeOf({ 'x.yaml': 'a' }),
        copies: [copyOf('x', 'y.yaml', 'a', { repository: 'https://git.example/b.git' })],
        leaving: ['y.yaml'],
      },
      ['elsewhere', 'ENTITY_ELSEWHERE'],
    ],
    [
      'an entity of no repository',
      { part: [want('x.yaml', 'x')], tree: treeOf({ 'x.yaml': 'a' }), inline: ['x'] },
      ['elsewhere', 'ENTITY_INLINE'],
    ],
    [
      'an entity of no repository, although the request names it',
      { part: [want('y.yaml', 'x', true)], tree: treeOf({ 'y.yaml': 'a' }), inline: ['x'] },
      ['elsewhere', 'ENTITY_INLINE'],
    ],
    [
      'a file of another entity, whatever the request names it',
      {
        part: [want('x.yaml', 'x', true)],
        tree: treeOf({ 'x.yaml': 'a' }),
        copies: [copyOf('other', 'x.yaml')],
      },
      ['taken', 'ENTITY_PLACE_TAKEN'],
    ],
    [
      'a file of another entity, whatever its path would name it',
      { part: [want('x.yaml', 'x')], tree: treeOf({ 'x.yaml': 'b' }), copies: [copyOf('other', 'x.yaml')] },
      ['update', null],
    ],
    [
      'a file that a scope beyond the connector’s has',
      {
        part: [want('x.yaml', 'x')],
        tree: treeOf({ 'x.yaml': 'a' }),
        copies: [copyOf('x', 'x.yaml', 'a', { scope: 'accounts/acme' })],
      },
      ['taken', 'ENTITY_PLACE_TAKEN'],
    ],
    [
      'what is no document of its kind',
      {
        part: [want('x.yaml', 'x')],
        tree: treeOf({ 'x.yaml': 'a' }),
        faults: { 'x.yaml': { code: 'ENTITY_INVALID', data: {} } },
      },
      ['invalid', 'ENTITY_INVALID'],
    ],
    [
      'what names another entity',
      {
        part: [want('x.yaml', 'x')],
        tree: treeOf({ 'x.yaml': 'a' }),
        faults: { 'x.yaml': { code: 'ENTITY_IDENTITY_MISMATCH', data: {} } },
      },
      ['mismatch', 'ENTITY_IDENTITY_MISMATCH'],
    ],
  ])('%s', (_, one, expected) => {
    expect(decide(one).verdicts).toEqual([[one.part[0]?.path, ...expected]]);
  });

  it('another account’s entity is not named', () => {
    const copies = [copyOf('secret', 'x.yaml', 'a', { scope: 'accounts/other' })];
    const { all } = decide({ part: [want('x.yaml', 'x')], tree: treeOf({ 'x.yaml': 'a' }), copies });
    expect(JSON.stringify(all)).not.toContain('secret');
  });

  it('two files of one entity are one entity', () => {
    const part = [want('a/x.yaml', 'x'), want('b/x.yaml', 'x')];
    expect(decide({ part, tree: treeOf({ 'a/x.yaml': 'a', 'b/x.yaml': 'b' }) }).verdicts).toEqual([
      ['a/x.yaml', 'create', null],
      ['b/x.yaml', 'elsewhere', 'ENTITY_ELSEWHERE'],
    ]);
  });

  it('what came to be inline since it was judged is said to be, and its neighbours are not', () => {
    const part = [want('a.yaml', 'a'), want('b.yaml', 'b')];
    const { all } = decide({ part, tree: treeOf({ 'a.yaml': 'a', 'b.yaml': 'b' }) });
    const late = [barred('b.yaml', blobOf('b'), named('b'))];
    expect(correct(all, late).map(({ path, outcome, failure }) => [path, outcome, failure?.code])).toEqual([
      ['a.yaml', 'create', undefined],
      ['b.yaml', 'elsewhere', 'ENTITY_INLINE'],
    ]);
  });

  it('only good documents are written', () => {
    const { writes } = decide({
      part: [want('a.yaml', 'a'), want('b.yaml', 'b'), want('c.yaml', 'c')],
      tree: treeOf({ 'a.yaml': 'a', 'b.yaml': 'b', 'c.yaml': 'c' }),
      copies: [copyOf('c', 'elsewhere.yaml')],
      faults: { 'b.yaml': { code: 'YAML_REFUSED', data: {} } },
    });
    expect([writes.paths, writes.actions.map(({ path }) => path)]).toEqual([['a.yaml'], ['a.yaml']]);
  });
});

describe('the folder of files', () => {
  it.each([
    [[], ''],
    [['a.yaml'], ''],
    [['a/b/x.yaml'], 'a/b'],
    [['a/b/x.yaml', 'a/bc/x.yaml'], 'a'],
    [['a/b/c/x.yaml', 'a/b/x.yaml'], 'a/b'],
    [['a/x.yaml', 'b/x.yaml'], ''],
  ])('%j: %j', (paths, folder) => {
    expect(commonFolder(paths)).toBe(folder);
  });
});
