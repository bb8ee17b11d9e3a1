// What the APIs of hosts say of their limits, and how it is kept to.
import { describe, expect, it } from 'vitest';
import { HostRates, patienceOf, readRate } from '../../../src/providers/host-rates.js';

const now = Date.parse('2026-11-26T10:00:00Z');
const seconds = now / 1_000;

describe('headers', () => {
  it.each([
    [{}, null],
    [{ 'retry-after': '3' }, null],
    [{ 'x-ratelimit-limit': '5000', 'x-ratelimit-remaining': '17' }, [5_000, 17, null]],
    [
      { 'x-ratelimit-limit': '60', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(seconds + 90) },
      [60, 0, now + 90_000],
    ],
    [{ 'ratelimit-limit': '60', 'ratelimit-remaining': '0', 'ratelimit-reset': '90' }, [60, 0, now + 90_000]],
    [{ 'x-ratelimit-remaining': 'many', 'x-ratelimit-limit': '-1' }, null],
    [{ 'x-ratelimit-remaining': '9'.repeat(99) }, null],
  ])('%j', (headers, said) => {
    const rate = readRate(headers as Record<string, string>, now);
    expect(rate === null ? null : [rate.limit, rate.remaining, rate.resetAt]).toEqual(said);
  });

  it.each([
    [{}, 60_000],
    [{ 'retry-after': '7' }, 7_000],
    [{ 'retry-after': 'Thu, 26 Nov 2026 10:00:30 GMT' }, 30_000],
    [{ 'retry-after': 'Thu, 26 Nov 2026 09:00:30 GMT' }, 0],
    [{ 'retry-after': 'soon' }, 60_000],
    [{ 'retry-after': '99999999' }, 7_200_000],
    [{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(seconds + 5) }, 5_000],
    [{ 'x-ratelimit-remaining': '3', 'x-ratelimit-reset': String(seconds + 5) }, 60_000],
    [{ 'retry-after': '2', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(seconds + 5) }, 2_000],
  ])('ask for patience: %j is %i ms', (headers, ms) => {
    expect(patienceOf(headers as Record<string, string>, now)).toBe(ms);
  });
});

describe('what is remembered', () => {
  const spent = {
    'x-ratelimit-limit': '60',
    'x-ratelimit-remaining': '0',
    'x-ratelimit-reset': String(seconds + 50),
  };

  it('is nothing of a host that says nothing', () => {
    const rates = new HostRates();
    rates.note('a', {}, null, now);
    expect(rates.of('a')).toBeNull();
    expect(rates.waitMs('a', now)).toBe(0);
  });

  it('blocks whoever spent the limit, until it begins anew, and nobody else', () => {
    const rates = new HostRates();
    rates.note('a', spent, null, now);
    expect(rates.waitMs('a', now + 10_000)).toBe(40_000);
    expect(rates.waitMs('a', now + 50_000)).toBe(0);
    expect(rates.waitMs('b', now)).toBe(0);
  });

  it('blocks for as long as was asked, whatever an answer that was under way says', () => {
    const rates = new HostRates();
    rates.note('a', {}, 30_000, now);
    rates.note('a', { 'x-ratelimit-limit': '60', 'x-ratelimit-remaining': '59' }, null, now + 1_000);
    expect(rates.waitMs('a', now + 1_000)).toBe(29_000);
    expect(rates.of('a')).toMatchObject({ limit: 60, remaining: 59, blockedUntil: now + 30_000 });
    rates.note('a', {}, 5_000, now + 2_000);
    expect(rates.waitMs('a', now + 2_000)).toBe(28_000);
  });
});

describe('turns at an origin', () => {
  const never = new AbortController().signal;

  it('are given to so many at once, and then in order', async () => {
    const rates = new HostRates({ underWayMax: 2 });
    const order: string[] = [];
    const take = async (name: string) => {
      const giveBack = await rates.take('https://a', never);
      order.push(name);
      return giveBack;
    };
    const [first, second] = [await take('1'), await take('2')];
    const waiting = [take('3'), take('4')];
    const elsewhere = await rates.take('https://b', never);
    expect(order).toEqual(['1', '2']);
    first();
    first();
    await waiting[0];
    expect(order).toEqual(['1', '2', '3']);
    second();
    await waiting[1];
    expect(order).toEqual(['1', '2', '3', '4']);
    elsewhere();
  });

  it('are not kept for whoever left the queue', async () => {
    const rates = new HostRates({ underWayMax: 1 });
    const giveBack = await rates.take('https://a', never);
    const leaving = new AbortController();
    const left = rates.take('https://a', leaving.signal);
    const stays = rates.take('https://a', never);
    leaving.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    giveBack();
    (await stays)();
    await expect(rates.take('https://a', AbortSignal.abort(new Error('late')))).resolves.toBeTypeOf(
      'function',
    );
  });
});
