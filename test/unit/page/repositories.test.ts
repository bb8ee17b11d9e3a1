// What the page says of moves.
import { describe, expect, it } from 'vitest';
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
