import { describe, expect, it } from 'vitest';
import { Failure } from '../../../src/kernel/failure.js';
import type { Rate } from '../../../src/providers/host-api.js';
import {
  judgeFault,
  judgeLook,
  lookPauseMs,
  mayHaveOpened,
  type Standing,
} from '../../../src/pulls/pull-request.js';
import type { PullRequestState } from '../../../src/storage/pull-schema.js';

const host = 'git.example';
const attempt = 'open the pull request';
const asked = { host, attempt, reason: 'no' };
const HOUR = 3_600_000;

const wanted: Standing = { state: 'wanted', faults: 0, wantedMs: 0, quietMs: 0 };
const missing = new Failure('HOST_API_BRANCH_MISSING', { host, branch: 'main' }) as Failure;
const limited = (retryAfterMs: number): Failure =>
  new Failure('HOST_API_RATE_LIMITED', { host, attempt, retryAfterMs }) as Failure;
const away = new Failure('DELEGATE_UNAVAILABLE', { reason: 'nobody is there' }) as Failure;
const cut = new Failure('HOST_API_UNREACHABLE', asked) as Failure;
const refused = new Failure('HOST_API_FORBIDDEN', asked) as Failure;

describe('a fault of opening', () => {
  it.each<[string, Failure, Partial<Standing>, 'failed' | 'again']>([
    ['no right to it', refused, {}, 'failed'],
    [
      'no changes',
      new Failure('HOST_API_NO_CHANGES', { host, head: 'a', base: 'b' }) as Failure,
      {},
      'failed',
    ],
    ['a branch not seen at first', missing, {}, 'again'],
    ['a branch still not seen', missing, { faults: 1 }, 'failed'],
    [
      'a request that is there and not shown',
      new Failure('HOST_API_DUPLICATE', asked) as Failure,
      {},
      'again',
    ],
    ['patience that was asked for', limited(HOUR), { faults: 50 }, 'again'],
    ['a host that is away', cut, { faults: 50, wantedMs: 23 * HOUR }, 'again'],
    ['a host that is away for a day', cut, { wantedMs: 24 * HOUR }, 'failed'],
    ['a delegate that is away', away, {}, 'again'],
  ])('%s', (_, failure, more, kind) => {
    expect(judgeFault(failure, { ...wanted, ...more }, 0.5).kind).toBe(kind);
  });

  it.each<[string, Failure, number, number]>([
    ['a second at first', cut, 0, 1_000],
    ['a second for what is not seen yet', missing, 0, 1_000],
    ['twice as long every time', cut, 4, 16_000],
    ['five minutes at most', cut, 400, 300_000],
    ['ten seconds at most for who is merely absent', away, 400, 10_000],
  ])('is waited out for %s', (_, failure, faults, ms) => {
    const at = (chance: number) => judgeFault(failure, { ...wanted, faults }, chance);
    expect(at(0.5)).toEqual({ kind: 'again', inMs: ms });
    expect([at(0), at(1)]).toEqual([
      { kind: 'again', inMs: ms * 0.75 },
      { kind: 'again', inMs: ms * 1.25 },
    ]);
  });

  it('is waited out no shorter than the host asks for, and never in step', () => {
    const at = (chance: number): number =>
      (judgeFault(limited(HOUR), wanted, chance) as { inMs: number }).inMs;
    expect(at(0)).toBeGreaterThan(HOUR);
    expect(at(1)).toBeGreaterThan(at(0));
  });
});

it('a fault of following ends nothing, and one that does not mend by itself is asked about seldom', () => {
  const open: Standing = { ...wanted, state: 'open', wantedMs: 100 * HOUR };
  expect(judgeFault(refused, open, 0.5)).toEqual({ kind: 'again', inMs: 15 * 60_000 });
  expect(judgeFault(cut, open, 0.5)).toEqual({ kind: 'again', inMs: 1_000 });
});

it.each<[PullRequestState, 'open' | 'merged' | 'closed', string]>([
  ['open', 'open', 'same'],
  ['open', 'merged', 'merged'],
  ['open', 'closed', 'closed'],
  ['closed', 'closed', 'same'],
  ['closed', 'open', 'opened again'],
  ['closed', 'merged', 'merged'],
])('a request that was %s and is %s: %s', (state, found, news) => {
  expect(judgeLook(state, { state: found })).toBe(news);
});

describe('the next look', () => {
  const pace = (rate: Rate | null = null) => ({ baseMs: 60_000, rate, now: 1_000_000 });
  const rate = { limit: 100, remaining: 50, resetAt: 1_600_000, blockedUntil: null };

  it.each<[string, number, number]>([
    ['after a minute at first', 0, 60_000],
    ['after a minute for twenty', 20 * 60_000, 60_000],
    ['the seldomer the longer nothing happens', 100 * 60_000, 300_000],
    ['after a quarter of an hour at most', 1_000 * HOUR, 900_000],
  ])('is %s', (_, quietMs, ms) => {
    expect(lookPauseMs({ quietMs }, pace(), 0.5)).toBe(ms);
    expect(lookPauseMs({ quietMs }, pace(), 0)).toBeCloseTo(ms * 0.8);
    expect(lookPauseMs({ quietMs }, pace(), 1)).toBeCloseTo(ms * 1.2);
  });

  it.each<[string, Rate, number]>([
    ['a limit that is far', rate, 60_000],
    ['a limit that is near: when it is over', { ...rate, remaining: 19 }, 600_000],
    ['a limit that is near and soon over', { ...rate, remaining: 19, resetAt: 1_001_000 }, 60_000],
    ['a limit without an end', { ...rate, remaining: 0, resetAt: null }, 60_000],
    ['patience that was asked for', { ...rate, blockedUntil: 1_300_000 }, 300_000],
  ])('minds %s', (_, said, ms) => {
    expect(lookPauseMs({ quietMs: 0 }, pace(said), 0.5)).toBe(ms);
  });
});

describe('a request that was found open', () => {
  it('may be of an attempt without an answer alone', () => {
    expect([cut, limited(1), refused, missing].map(mayHaveOpened)).toEqual([true, false, false, false]);
  });
});
