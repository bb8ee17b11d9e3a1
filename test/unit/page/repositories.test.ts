// What the page says of moves, of drift and of how a repository is looked at.
import { describe, expect, it } from 'vitest';
import { settings } from '../../../src/config/config.js';
import {
  countOf,
  type Difference,
  isMended,
  mendedOf,
  repairedOf,
  type Section,
  todoOf,
} from '../../../web/repositories/drifts.js';
import { hookOf } from '../../../web/repositories/following.js';
import {
  bodyOf,
  endOf,
  INLINE,
  isNarrowed,
  type Move,
  progressOf,
  stateOf,
  unmovedOf,
  type Wish,
} from '../../../web/repositories/moves.js';

const none: Move['counts'] = { adding: 0, removing: 0, done: 0, left: 0, failed: 0, same: 0, blocked: 0 };
const counts = (some: Partial<Move['counts']>): Move['counts'] => ({ ...none, ...some });

describe('a move', () => {
  const wish: Wish = { kind: '', fromBranch: '', folder: '', to: INLINE, branch: 'main', template: '' };

  it('is of all that the repository holds, unless a kind, branch or folder is chosen', () => {
    expect(bodyOf('platform', wish, true)).toMatchObject({
      from: { connector: 'platform' },
      to: { store: 'inline' },
      dryRun: true,
      skipBlocked: true,
    });
    const some = { ...wish, kind: 'pipeline', fromBranch: ' develop ', folder: '/teams/one/', to: 'other' };
    expect(bodyOf('platform', { ...some, template: '{id}.yaml' }, false)).toMatchObject({
      from: { connector: 'platform', kind: 'pipeline', branch: 'develop', folder: 'teams/one' },
      to: { store: 'git', connector: 'other', branch: 'main', pathTemplate: '{id}.yaml' },
      dryRun: false,
    });
    expect([wish, some].map(isNarrowed)).toEqual([false, true]);
  });

  it('says how far it is', () => {
    const half = counts({ adding: 2, removing: 1, done: 3, same: 1, blocked: 1 });
    expect([progressOf(half), unmovedOf(half)]).toEqual([{ done: 4, total: 8 }, 1]);
  });

  it.each([
    ['adding', { adding: 1 }, 'Adding', undefined],
    ['done', { done: 4 }, 'Moved', 'Moved 4 entities.'],
    ['done', { done: 1, blocked: 2 }, 'Moved in part', 'Moved 1 entity, 2 blocked.'],
    ['done', { left: 1 }, 'Moved, with old files left', 'Moved 1 entity.'],
    ['done', { same: 2 }, 'Moved', undefined],
    ['done', { blocked: 2 }, 'Nothing moved', undefined],
    ['failed', { failed: 3 }, 'Failed', undefined],
    ['failed', { failed: 3, done: 2 }, 'Failed in part', 'Moved 2 entities, 3 failed.'],
  ] as const)('that is %s with %j says so, and nothing of what did not happen', (state, some, word, end) => {
    expect(stateOf({ state, counts: counts(some) }).word).toBe(word);
    expect(endOf(counts(some))).toBe(end);
  });
});

describe('drift', () => {
  const difference = (kind: Difference['kind'], problem: Difference['problem'] = null): Difference => ({
    kind,
    path: 'a.yaml',
    scope: null,
    entityKind: null,
    entity: null,
    git: null,
    copy: null,
    problem,
  });
  const section = (tracked: boolean, differences: Difference[]): Section => ({
    source: 'branch',
    branch: 'main',
    tracked,
    head: null,
    synced: null,
    copies: 0,
    counts: Object.fromEntries(differences.map(({ kind }) => [kind, 1])),
    differences,
  });
  const kinds = ['missing', 'surplus', 'differing', 'corrupt', 'invalid', 'refused', 'registration'] as const;
  const all = kinds.map((kind) => difference(kind));

  it('is mended by a repair as far as it is no fault of what is in Git, on branches that are followed', () => {
    const [followed, other] = [section(true, all), section(false, all)];
    expect(all.filter((one) => !isMended(followed, one)).map(({ kind }) => kind)).toEqual([
      'invalid',
      'refused',
    ]);
    expect([countOf(followed), mendedOf(followed), countOf(other), mendedOf(other)]).toEqual([7, 5, 7, 0]);
  });

  it('says what to do where a repair does nothing, and only there', () => {
    for (const of of [section(true, all), section(false, all)])
      for (const one of all) expect(todoOf(of, one) === undefined, one.kind).toBe(isMended(of, one));
    const problem = { code: 'ENTITY_PLACE_TAKEN', title: '', detail: '', hint: 'Move it' };
    expect(todoOf(section(true, []), difference('invalid', problem as Difference['problem']))).toBe(
      'Move it',
    );
  });

  it('is said to be repaired where it was', () => {
    const untouched = { created: 0, changed: 0, moved: 0, deleted: 0, invalid: 2, refused: 1, restored: 0 };
    const of = (more: object) => ({ branches: [{ branch: 'main', ...untouched, ...more }], webhook: null });
    expect(repairedOf(of({}))).toBe('The repair changed nothing.');
    expect(repairedOf(of({ moved: 1 }))).toBe('Repaired: 1 copy brought to what Git has.');
    expect(repairedOf({ ...of({ restored: 1, changed: 1 }), webhook: { problem: null } })).toBe(
      'Repaired: 2 copies brought to what Git has; the webhook is as registered.',
    );
  });
});

it('a repository without a webhook that told of anything is said to be looked at as often as it is', () => {
  const { why } = hookOf({ webhook: 'none' });
  expect(hookOf(undefined).why).not.toContain('looked at');
  expect(why).toContain(`every ${settings.SALLYPORT_POLL_FAST_SECONDS.default} seconds`);
});
