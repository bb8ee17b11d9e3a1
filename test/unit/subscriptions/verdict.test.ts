import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../../src/git/outbound-http.js';
import { type History, judge } from '../../../src/subscriptions/verdict.js';

const fresh: History = { failures: 0, failingMs: 0, retryMsMax: 60_000 };
const at = (status: number, retryAfterSeconds?: number): Outcome =>
  retryAfterSeconds === undefined ? { status } : { status, retryAfterSeconds };
const kindOf = (outcome: Outcome, history: History = fresh): string => judge(outcome, history, 0).kind;
const delayOf = (outcome: Outcome, history: Partial<History>, chance: number): number => {
  const verdict = judge(outcome, { ...fresh, ...history }, chance);
  return verdict.kind === 'retry' ? verdict.inMs : Number.NaN;
};

describe('what follows from an answer', () => {
  it.each([200, 201, 202, 204, 299])('%i ends it', (status) => {
    expect(kindOf(at(status))).toBe('delivered');
    expect(kindOf(at(status), { ...fresh, failingMs: 99_000_000 })).toBe('delivered');
  });

  it.each([100, 199, 300, 302, 307, 400, 401, 404, 408, 413, 429, 500, 503, 599])(
    '%i is tried again',
    (status) => {
      expect(kindOf(at(status))).toBe('retry');
    },
  );

  it('410 switches it off, however long it has gone well', () => {
    expect(kindOf(at(410))).toBe('disable');
  });

  it('no answer is tried again, with its reason', () => {
    expect(judge({ status: null, reason: 'the connection was refused' }, fresh, 1)).toEqual({
      kind: 'retry',
      error: 'the connection was refused',
      inMs: 1_000,
    });
  });

  it('a redirect says that it is not followed', () => {
    expect(judge(at(302), fresh, 1)).toMatchObject({
      error: 'the receiver answered 302, and redirects are not followed',
    });
  });

  it('what has failed for long enough is tried no more', () => {
    expect(kindOf(at(500), { ...fresh, failures: 9, failingMs: 59_999 })).toBe('retry');
    expect(kindOf(at(500), { ...fresh, failures: 9, failingMs: 60_000 })).toBe('pause');
    expect(kindOf(at(503, 30), { ...fresh, failures: 9, failingMs: 60_000 })).toBe('pause');
  });
});

describe('when it is tried again', () => {
  it('is later with every failure, up to hours, and by chance', () => {
    const longest = Array.from({ length: 20 }, (_, failures) => delayOf(at(500), { failures }, 1));
    expect(longest.slice(0, 4)).toEqual([1_000, 2_000, 4_000, 8_000]);
    expect(Math.max(...longest)).toBe(4 * 3_600_000);
    expect(delayOf(at(500), { failures: 5_000 }, 1)).toBe(4 * 3_600_000);
    expect(delayOf(at(500), { failures: 3 }, 0)).toBe(4_000);
    expect(delayOf(at(500), { failures: 3 }, 0.5)).toBe(6_000);
  });

  it('is no sooner than the receiver asks for, and may be later', () => {
    expect(delayOf(at(429, 120), {}, 1)).toBe(120_000);
    expect(delayOf(at(503, 1), { failures: 6 }, 1)).toBe(64_000);
  });
});
