import { describe, expect, it } from 'vitest';
import type { HookEvent, RefChange } from '../../../src/providers/webhook.js';
import { joinEvents } from '../../../src/webhooks/join-events.js';

const repo = { cloneUrls: [] };
const change = (ref: string, before: string | null, after: string | null): RefChange => ({
  ref,
  type: 'branch',
  before,
  after,
  forced: null,
});
const refs = (...changes: RefChange[]): { event: HookEvent } => ({ event: { kind: 'refs', repo, changes } });
const unknown: { event: HookEvent } = { event: { kind: 'refs', repo, changes: 'unknown' } };
const pull = (number: number, state: 'open' | 'merged'): { event: HookEvent } => ({
  event: { kind: 'pull', repo, number, state, head: 'h', base: 'b' },
});

describe('events of one moment', () => {
  it('of one branch are one change, from the first to the last', () => {
    const told = [
      refs(change('main', 'a', 'b')),
      refs(change('main', 'b', 'c')),
      refs(change('x', null, 'd')),
    ];
    expect(joinEvents(told)).toEqual([
      {
        event: { kind: 'refs', repo, changes: [change('main', 'a', 'c'), change('x', null, 'd')] },
        of: told,
      },
    ]);
  });

  it('are unknown where one of them is', () => {
    const [joined] = joinEvents([refs(change('main', 'a', 'b')), unknown]);
    expect(joined?.event).toMatchObject({ changes: 'unknown' });
  });

  it('are unknown where there would be too many', () => {
    const many = Array.from({ length: 5_001 }, (_, at) => refs(change(`b${at}`, null, 'a')));
    expect(joinEvents(many)[0]?.event).toMatchObject({ changes: 'unknown' });
  });

  it('of one pull request are its last, and of two are two', () => {
    const joined = joinEvents([pull(1, 'open'), pull(2, 'open'), pull(1, 'merged')]);
    expect(joined.map(({ event, of }) => [event, of.length])).toMatchObject([
      [{ number: 1, state: 'merged' }, 2],
      [{ number: 2, state: 'open' }, 1],
    ]);
  });

  it('are none of none', () => {
    expect(joinEvents([])).toEqual([]);
  });
});
