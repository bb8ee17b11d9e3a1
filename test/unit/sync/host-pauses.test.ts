import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Failure } from '../../../src/kernel/failure.js';
import { askedMs, explainWait, HostPauses } from '../../../src/sync/host-pauses.js';

type Caller = Parameters<HostPauses['hear']>[1];

const url = 'https://git.example:8443/acme/app.git';
const direct = { connectivity: 'manager' as const, trust: null };
const ours: Caller = { ...direct, scope: 'accounts/ours/projects/one', id: 'app', url };
const sister: Caller = {
  ...direct,
  scope: 'accounts/ours',
  id: 'other',
  url: 'https://git.example:8443/acme/other.git',
};
const theirs: Caller = { ...direct, scope: 'accounts/theirs', id: 'app', url };
const elsewhere = { ...ours, url: 'https://git.example/acme/app.git' };
const ofGit = (more: object = {}): Failure => {
  const data = { host: 'git.example:8443', status: 503, retryAfterSeconds: 60, ...more };
  return new Failure('GIT_HOST_ERROR', data) as Failure;
};
const ofApi = (): Failure =>
  new Failure('HOST_API_RATE_LIMITED', {
    host: 'api.example',
    attempt: 'look',
    retryAfterMs: 60_000,
  }) as Failure;
const ofVault = (): Failure => {
  const data = { manager: 'vault', reason: 'too many', retryAfterSeconds: 60 };
  return new Failure('SECRET_MANAGER_THROTTLED', data as never) as Failure;
};

let pauses: HostPauses;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'Date'], now: new Date('2026-01-02T03:04:05.678Z') });
  pauses = new HostPauses();
});
afterEach(() => vi.useRealTimers());

/** Who of these has to wait with looks, with Git work and with questions to the API. */
const waiting = (...callers: Caller[]): [boolean, boolean, boolean][] =>
  callers.map((caller) => [
    pauses.forLooks(caller) > 0,
    pauses.forWork(caller) !== undefined,
    pauses.forApi(caller, 'ask') !== undefined,
  ]);

describe('a host that asks for patience', () => {
  it('gets it of all that the account does there, and of nobody else', () => {
    pauses.hear(ofGit({ status: 429, retryAfterSeconds: 3_600 }), ours);
    pauses.hear(ofGit(), sister);
    expect(waiting(ours, sister, theirs, elsewhere)).toEqual([
      [true, true, true],
      [true, true, true],
      [false, false, false],
      [false, false, false],
    ]);
  });

  describe('and has asked several accounts', () => {
    const account = (name: string): Caller => ({ ...theirs, scope: `accounts/${name}` });
    const looksOf = (caller: Caller): boolean => pauses.forLooks(caller) > 0;
    const ask = (names: string[], retryAfterSeconds: number, way: Partial<Caller> = {}): void => {
      for (const name of names) pauses.hear(ofGit({ retryAfterSeconds }), { ...account(name), ...way });
    };

    it('gets it of the looks of all, until fewer of them have to wait', () => {
      ask(['a', 'b'], 3_600);
      expect(looksOf(theirs)).toBe(false);
      ask(['c'], 10);
      expect(waiting(theirs, elsewhere)).toEqual([
        [true, false, false],
        [false, false, false],
      ]);
      vi.advanceTimersByTime(10_000);
      expect([theirs, account('a'), account('c')].map(looksOf)).toEqual([false, true, false]);
    });

    it('is asked by others again within half a minute, however long it asked for', () => {
      ask(['a', 'b', 'c'], 3_600);
      vi.advanceTimersByTime(29_999);
      expect(looksOf(theirs)).toBe(true);
      vi.advanceTimersByTime(1);
      expect(looksOf(theirs)).toBe(false);
      ask(['d', 'e'], 3_600);
      expect(looksOf(theirs)).toBe(false);
      ask(['f'], 3_600);
      expect(looksOf(theirs)).toBe(true);
    });

    it('does not get it of others for what only delegates and proxies tell', () => {
      ask(['a', 'b', 'c'], 60, { connectivity: 'delegate' });
      ask(['d', 'e', 'f'], 60, { trust: { proxy: { url: 'http://proxy.example' } } });
      expect([theirs, account('a'), account('d')].map(looksOf)).toEqual([false, true, true]);
    });
  });

  it.each<[string, Partial<Caller>]>([
    ['a delegate', { connectivity: 'delegate' }],
    ['a proxy of its own', { trust: { proxy: { url: 'http://proxy.example' } } }],
  ])('is known by %s to one account alone', (_, way) => {
    pauses.hear(ofGit(), { ...ours, ...way });
    expect(waiting(ours, sister, theirs)).toEqual([
      [true, true, true],
      [true, true, true],
      [false, false, false],
    ]);
  });

  it.each([
    [1e15, 7_200_000],
    [Number.POSITIVE_INFINITY, 0],
    [-5, 0],
    ['soon', 0],
  ])('and says %s, as a delegate may tell, gets %d ms', (retryAfterSeconds, ms) => {
    expect(askedMs(ofGit({ retryAfterSeconds }))).toBe(ms);
  });

  it('gets it as long as it asked for, whoever is told of less meanwhile', () => {
    pauses.hear(ofGit(), ours);
    pauses.hear(ofGit({ retryAfterSeconds: 1, status: 429 }), ours);
    vi.advanceTimersByTime(59_500);
    const asked = pauses.forWork(ours);
    expect(asked).toMatchObject({ code: 'GIT_HOST_ERROR', data: { status: 503, retryAfterSeconds: 1 } });
    expect(pauses.forApi(ours, 'ask')).toMatchObject({
      code: 'HOST_API_RATE_LIMITED',
      data: { host: 'git.example:8443', attempt: 'ask', retryAfterMs: 500 },
    });
    vi.advanceTimersByTime(500);
    expect(waiting(ours, theirs)).toEqual([
      [false, false, false],
      [false, false, false],
    ]);
  });

  it('at its API says nothing of Git, nor of another connector', () => {
    pauses.hear(ofApi(), ours);
    expect(waiting(ours, sister)).toEqual([
      [false, false, true],
      [false, false, false],
    ]);
  });

  it.each([
    ['a secret manager', ofVault],
    ['a host of tokens', () => ofGit({ host: 'tokens.example' })],
  ])('is not %s on the way to it, for which the looks of the connector alone wait', (_, failure) => {
    pauses.hear(failure(), ours);
    expect(waiting(ours, sister, theirs)).toEqual([
      [true, false, false],
      [false, false, false],
      [false, false, false],
    ]);
  });

  it('is told of with the moment until which it is left alone', () => {
    expect(explainWait(ofGit())).toBe(
      'git.example:8443 answered 503 and asks to wait 60 s, until 2026-01-02T03:05:05Z',
    );
    const silent = new Failure('GIT_HOST_ERROR', { host: 'git.example', status: 502 }) as Failure;
    expect(explainWait(silent)).toBe('git.example answered 502');
  });
});

describe('what a manager knows of the patience of a host', () => {
  it('is nothing before anybody was told', () => {
    expect(pauses.known(ours)).toEqual({ git: null, api: null, rate: null });
  });

  it('is until when Git and API are left alone, as long as that is to come', () => {
    pauses.hear(ofApi(), ours);
    expect(pauses.known(ours)).toMatchObject({ git: null, api: new Date('2026-01-02T03:05:05.678Z') });
    pauses.hear(ofGit({ retryAfterSeconds: 120 }), sister);
    const until = new Date('2026-01-02T03:06:05.678Z');
    expect(pauses.known(ours)).toMatchObject({ git: until, api: until });
    vi.advanceTimersByTime(120_000);
    expect(pauses.known(ours)).toMatchObject({ git: null, api: null });
  });

  it('is what the API said last, until the time is over that it spoke of', () => {
    const rate = { limit: 5_000, remaining: 4_982, resetAt: Date.now() + 60_000 };
    pauses.note({ ...rate, remaining: 4_999 }, ours);
    pauses.note(rate, ours);
    pauses.note(null, ours);
    expect(pauses.known(ours).rate).toEqual(rate);
    expect(pauses.known(sister).rate).toBeNull();
    vi.advanceTimersByTime(60_000);
    expect(pauses.known(ours).rate).toBeNull();
  });

  it.each([1e15 * 1_000, 1e300, Date.UTC(10_000, 0)])(
    'has no moment in it that nobody writes as a date: %d',
    (resetAt) => {
      pauses.note({ limit: 60, remaining: 59, resetAt }, ours);
      expect(pauses.known(ours).rate).toEqual({ limit: 60, remaining: 59, resetAt: null });
    },
  );
});
