import { describe, expect, it } from 'vitest';
import {
  type Action,
  type Copy,
  type FileChange,
  findArrivals,
  nameOf,
  planRefresh,
  type TrackingRule,
} from '../../../src/sync/refresh-plan.js';
import type { Meaning, Named } from '../../../src/sync/tracked-files.js';

const scope = 'accounts/acme';
const repository = 'https://git.example/a.git';
const idOf = (letter: string): string => letter.repeat(40);
const entity = (id: string, more: Partial<Named> = {}): Named => ({ scope, kind: 'pipeline', id, ...more });
const copyOf = (id: string, path: string, blob = 'a', more: Partial<Copy> = {}): Copy => ({
  ...entity(id),
  path,
  blob_id: idOf(blob),
  repository,
  connector_scope: scope,
  connector_id: 'direct',
  invalid: null,
  ...more,
});
const at = (path: string, blob = 'a', mode = '100644'): FileChange => ({
  path,
  to: { id: idOf(blob), mode },
});
const gone = (path: string): FileChange => ({ path, to: null });
/** `x/name.yaml` is entity `name`. */
const meaningOf = (path: string): Meaning => {
  const id = /([^/]+)\.yaml$/.exec(path)?.[1];
  if (id === undefined) return undefined;
  return id.includes(' ') ? { kind: 'pipeline', problem: 'no identifier' } : { named: entity(id) };
};

function plan(
  changes: FileChange[],
  {
    copies = [],
    rules = [],
    elsewhere = [],
    inline = [],
    scope: served = scope,
  }: {
    copies?: Copy[];
    rules?: TrackingRule[];
    elsewhere?: [string, Named][];
    inline?: string[];
    scope?: string;
  } = {},
): Action[] {
  const around = {
    scope: served,
    repository,
    branch: 'main',
    byPath: new Map(copies.filter((one) => one.repository === repository).map((copy) => [copy.path, copy])),
    byKey: new Map(copies.map((copy) => [nameOf(copy), copy])),
    onOtherBranches: new Map(elsewhere),
    inline: new Set(inline.map((id) => nameOf(entity(id)))),
  };
  const leaving = new Set(changes.flatMap(({ path, to }) => (to === null ? path : [])));
  return planRefresh(changes, around, {
    leaving,
    arrivals: findArrivals(changes, meaningOf),
    rules,
    meaningOf,
  });
}

const brief = (actions: Action[]) =>
  actions.map((action) => {
    if (action.do === 'write') return [action.change, action.path, action.named.id];
    return action.do === 'delete'
      ? ['delete', action.path]
      : [action.verdict, action.path, action.failure.code];
  });

describe('a file of an entity that is inline', () => {
  it('is a problem, and in nobody’s way', () => {
    const changes = [at('p/w.yaml'), at('p/x.yaml'), at('q/x.yaml'), at('p/y.yaml')];
    expect(brief(plan(changes, { inline: ['x'] }))).toEqual([
      ['created', 'p/w.yaml', 'w'],
      ['invalid', 'p/x.yaml', 'ENTITY_INLINE'],
      ['invalid', 'q/x.yaml', 'ENTITY_INLINE'],
      ['created', 'p/y.yaml', 'y'],
    ]);
  });

  it('is one whatever a rule says of creations, and by whichever path the entity is named', () => {
    const rules = [{ create: false, change: true, delete: true }];
    const elsewhere: [string, Named][] = [['odd/place.yaml', entity('x')]];
    const changes = [at('p/x.yaml'), at('odd/place.yaml'), at('p/y.yaml')];
    expect(brief(plan(changes, { inline: ['x'], rules, elsewhere }))).toEqual([
      ['invalid', 'p/x.yaml', 'ENTITY_INLINE'],
      ['invalid', 'odd/place.yaml', 'ENTITY_INLINE'],
      ['refused', 'p/y.yaml', 'CHANGE_REFUSED'],
    ]);
  });

  it('means nothing once it is gone, and is none of another scope’s entity of the same name', () => {
    expect(plan([gone('p/x.yaml')], { inline: ['x'] })).toEqual([]);
    const other: [string, Named][] = [['p/x.yaml', entity('x', { scope: 'accounts/acme/orgs/o' })]];
    expect(brief(plan([at('p/x.yaml')], { inline: ['x'], elsewhere: other }))).toEqual([
      ['created', 'p/x.yaml', 'x'],
    ]);
  });
});

describe('what files that differ mean for the copy', () => {
  it.each<[string, FileChange[], Copy[], unknown[][]]>([
    ['a new file', [at('p/x.yaml')], [], [['created', 'p/x.yaml', 'x']]],
    ['a file of nobody', [at('p/x.txt')], [], []],
    ['a changed one', [at('p/x.yaml', 'b')], [copyOf('x', 'p/x.yaml')], [['changed', 'p/x.yaml', 'x']]],
    ['one that is as known', [at('p/x.yaml')], [copyOf('x', 'p/x.yaml')], []],
    [
      'one that is as known and was no document',
      [at('p/x.yaml')],
      [copyOf('x', 'p/x.yaml', 'a', { invalid: {} })],
      [['changed', 'p/x.yaml', 'x']],
    ],
    ['one that is gone', [gone('p/x.yaml')], [copyOf('x', 'p/x.yaml')], [['delete', 'p/x.yaml']]],
    ['one that is gone and was none', [gone('p/x.yaml')], [], []],
    [
      'an entity at another place',
      [gone('p/x.yaml'), at('q/x.yaml')],
      [copyOf('x', 'p/x.yaml')],
      [['moved', 'q/x.yaml', 'x']],
    ],
    [
      'the same when the new place comes first',
      [at('a/x.yaml'), gone('p/x.yaml')],
      [copyOf('x', 'p/x.yaml')],
      [['moved', 'a/x.yaml', 'x']],
    ],
    [
      'an entity at two places',
      [at('q/x.yaml')],
      [copyOf('x', 'p/x.yaml')],
      [['invalid', 'q/x.yaml', 'ENTITY_ELSEWHERE']],
    ],
    [
      'two new files of one name',
      [at('a/x.yaml'), at('b/x.yaml')],
      [],
      [
        ['created', 'a/x.yaml', 'x'],
        ['invalid', 'b/x.yaml', 'ENTITY_ELSEWHERE'],
      ],
    ],
    [
      'an entity of another repository',
      [at('p/x.yaml'), gone('q/x.yaml')],
      [copyOf('x', 'q/x.yaml', 'a', { repository: 'https://git.example/b.git' })],
      [['invalid', 'p/x.yaml', 'ENTITY_ELSEWHERE']],
    ],
    [
      'an entity at the same path of another repository',
      [at('p/x.yaml', 'b')],
      [copyOf('x', 'p/x.yaml', 'a', { repository: 'https://git.example/b.git' })],
      [['invalid', 'p/x.yaml', 'ENTITY_ELSEWHERE']],
    ],
    [
      'one that is gone, while the place that its name fits is another’s',
      [at('p/x.yaml', 'b'), gone('odd/place.yaml')],
      [copyOf('y', 'p/x.yaml'), copyOf('x', 'odd/place.yaml')],
      [
        ['changed', 'p/x.yaml', 'y'],
        ['delete', 'odd/place.yaml'],
      ],
    ],
    ['a symbolic link', [at('p/x.yaml', 'a', '120000')], [], [['invalid', 'p/x.yaml', 'FILE_UNFIT']]],
    ['a submodule', [at('p/x.yaml', 'a', '160000')], [], [['invalid', 'p/x.yaml', 'FILE_UNFIT']]],
    ['a program', [at('p/x.yaml', 'a', '100755')], [], [['created', 'p/x.yaml', 'x']]],
    ['a name that is none', [at('p/x y.yaml')], [], [['invalid', 'p/x y.yaml', 'FILE_UNFIT']]],
    [
      'a file that a save put at an odd place',
      [at('odd/place.yaml', 'b')],
      [copyOf('build', 'odd/place.yaml')],
      [['changed', 'odd/place.yaml', 'build']],
    ],
    [
      'two that changed places',
      [at('p/x.yaml', 'b'), at('p/y.yaml', 'a')],
      [copyOf('x', 'p/x.yaml', 'a'), copyOf('y', 'p/y.yaml', 'b')],
      [
        ['changed', 'p/x.yaml', 'x'],
        ['changed', 'p/y.yaml', 'y'],
      ],
    ],
    [
      'what another account keeps in the repository',
      [at('no name.txt', 'b'), gone('p/y.yaml')],
      [
        copyOf('x', 'no name.txt', 'a', { scope: 'accounts/other' }),
        copyOf('y', 'p/y.yaml', 'a', { scope: 'accounts/acme2' }),
      ],
      [],
    ],
    [
      'a file that another account has already',
      [at('p/x.yaml', 'b'), at('p/y.yaml', 'b')],
      [copyOf('secret', 'p/x.yaml', 'a', { scope: 'accounts/other' })],
      [
        ['invalid', 'p/x.yaml', 'ENTITY_PLACE_TAKEN'],
        ['created', 'p/y.yaml', 'y'],
      ],
    ],
  ])('%s', (_, changes, copies, expected) => {
    expect(brief(plan(changes, { copies }))).toEqual(expected);
  });

  it.each<[string, FileChange, Copy[], string | undefined]>([
    ['a link in its place', at('p/x.yaml', 'b', '120000'), [copyOf('x', 'p/x.yaml')], 'p/x.yaml'],
    ['a second file of it', at('q/x.yaml', 'b'), [copyOf('x', 'p/x.yaml')], undefined],
    ['a link beside it', at('q/x.yaml', 'b', '120000'), [copyOf('x', 'p/x.yaml')], undefined],
  ])('says which copy is no longer what Git has for %s', (_, change, copies, kept) => {
    const [action] = plan([change], { copies });
    expect(action).toMatchObject({ do: 'report', verdict: 'invalid' });
    expect((action as Extract<Action, { do: 'report' }>).kept?.path).toBe(kept);
  });

  it.each([
    ['of another account, of which nothing is told', 'accounts/other', 'an entity of another account'],
    ['of another organisation', 'accounts/acme/orgs/two', 'accounts/acme/orgs/two: pipeline owner'],
  ])('tells whose a file is that is one %s', (_, owner, by) => {
    const copies = [copyOf('owner', 'p/x.yaml', 'a', { scope: owner, connector_id: 'theirs' })];
    const [action] = plan([at('p/x.yaml', 'b')], { copies, scope: 'accounts/acme/orgs/one' });
    expect(action).toMatchObject({
      do: 'report',
      named: entity('x'),
      failure: { code: 'ENTITY_PLACE_TAKEN', data: { path: 'p/x.yaml', branch: 'main', by } },
    });
    expect(JSON.stringify(action)).not.toContain('theirs');
  });

  it('a file is whose it is on another branch', () => {
    const [action] = plan([at('odd/place.yaml')], { elsewhere: [['odd/place.yaml', entity('build')]] });
    expect(action).toMatchObject({ do: 'write', change: 'created', named: entity('build') });
  });
});

describe('what rules do not allow from the Git side', () => {
  const nothing = { create: false, change: false, delete: false };
  const all = { create: true, change: true, delete: true };
  const copies = [copyOf('x', 'p/x.yaml')];

  it.each<[string, FileChange[], TrackingRule, unknown[][]]>([
    ['creating', [at('p/n.yaml')], { ...all, create: false }, [['refused', 'p/n.yaml', 'CHANGE_REFUSED']]],
    [
      'changing',
      [at('p/x.yaml', 'b')],
      { ...all, change: false },
      [['refused', 'p/x.yaml', 'CHANGE_REFUSED']],
    ],
    ['deleting', [gone('p/x.yaml')], { ...all, delete: false }, [['refused', 'p/x.yaml', 'CHANGE_REFUSED']]],
    [
      'moving, which is changing',
      [gone('p/x.yaml'), at('q/x.yaml')],
      { ...all, change: false },
      [
        ['refused', 'p/x.yaml', 'CHANGE_REFUSED'],
        ['refused', 'q/x.yaml', 'CHANGE_REFUSED'],
      ],
    ],
    ['nothing of it where it is as known', [at('p/x.yaml')], nothing, []],
  ])('%s', (_, changes, rule, expected) => {
    expect(brief(plan(changes, { copies, rules: [rule] }))).toEqual(expected);
  });

  it.each<[string, TrackingRule[], number | null]>([
    ['of the kind', [{ kinds: ['pipeline'], ...nothing }], 1],
    ['of another kind', [{ kinds: ['other'], ...nothing }], null],
    ['of the scope', [{ scopes: [scope], ...nothing }], 1],
    ['of a scope with a longer name', [{ scopes: ['accounts/acm'], ...nothing }], null],
    ['the first that fits', [{ kinds: ['other'], ...nothing }, { ...nothing }, { ...all }], 2],
    ['the first that fits, which allows it', [{ ...all }, { ...nothing }], null],
  ])('by a rule %s', (_, rules, decides) => {
    const [action] = plan([at('p/n.yaml')], { rules });
    const rule = action?.do === 'report' ? (action.failure.data as { rule: number }).rule : null;
    expect(rule).toBe(decides);
  });
});
