import { beforeEach, describe, expect, it } from 'vitest';
import type { Failure } from '../../../src/kernel/failure.js';
import { DoorLimits, doorLimits, type Leaving } from '../../../src/webhooks/door-limits.js';

const MIB = 1024 * 1024;

let now = 0;
let limits: DoorLimits;

beforeEach(() => {
  now = 0;
  limits = new DoorLimits(() => now);
});

/** The code of what it is refused with, or how it was let in. */
function codeOf(work: () => unknown): string {
  try {
    work();
    return 'in';
  } catch (error) {
    return (error as Failure).code;
  }
}

const pass = (source: string, webhook: string, how: Leaving): string =>
  codeOf(() => limits.enter(source, webhook).leave(how));

const times = (count: number, work: () => string): string[] => Array.from({ length: count }, work);

describe('refusals', () => {
  it('where no webhook is count against the address they come from', () => {
    expect(new Set(times(doorLimits.source.refusals, () => pass('192.0.2.1', 'x', 'lost')))).toEqual(
      new Set(['in']),
    );
    expect(pass('192.0.2.1', 'another', 'lost')).toBe('RATE_LIMITED');
    expect(pass('192.0.2.2', 'x', 'lost')).toBe('in');
    now += 1_000 / doorLimits.source.perSecond;
    expect(times(2, () => pass('192.0.2.1', 'x', 'lost'))).toEqual(['in', 'RATE_LIMITED']);
  });

  it('at a webhook count against the webhook, wherever they come from', () => {
    let at = 0;
    const refused = (): string => pass(`192.0.2.${++at}`, 'hook', 'refused');
    expect(new Set(times(doorLimits.webhook.refusals, refused))).toEqual(new Set(['in']));
    expect(refused()).toBe('RATE_LIMITED');
    expect(pass('192.0.2.1', 'other', 'refused')).toBe('in');
  });

  it('say when to come again', () => {
    times(doorLimits.source.refusals, () => pass('192.0.2.1', 'x', 'lost'));
    now += 300 / doorLimits.source.perSecond;
    expect(() => limits.enter('192.0.2.1', 'x')).toThrow('none is looked at for 1 s');
  });

  it.each<Leaving>(['verified', 'other'])('are nothing that ends %s', (how) => {
    expect(new Set(times(1_000, () => pass('192.0.2.1', 'hook', how)))).toEqual(new Set(['in']));
  });

  it('hold up nobody who has proven himself there', () => {
    expect(pass('198.51.100.1', 'hook', 'verified')).toBe('in');
    times(doorLimits.webhook.refusals, () => pass('192.0.2.1', 'hook', 'refused'));
    expect(pass('192.0.2.9', 'hook', 'other')).toBe('RATE_LIMITED');
    expect(pass('198.51.100.1', 'hook', 'other')).toBe('in');
    expect(pass('198.51.100.1', 'another', 'verified')).toBe('in');
  });

  it.each([
    ['2001:db8:1:2::1', '2001:0db8:0001:0002:ffff::9', true],
    ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
    ['::ffff:192.0.2.1', '192.0.2.1', true],
    ['fe80::1%eth0', 'fe80::2', true],
    ['::1', '::2', true],
    ['192.0.2.1', '192.0.2.2', false],
  ])('of %s and %s are of one source: %s', (one, other, same) => {
    times(doorLimits.source.refusals, () => pass(one, 'x', 'lost'));
    expect(pass(other, 'x', 'lost')).toBe(same ? 'RATE_LIMITED' : 'in');
  });
});

describe('bytes', () => {
  it('of all strangers together are bounded, and given back', () => {
    const visits = times(doorLimits.strangerBytesMax / (16 * MIB), () => '').map((_, at) =>
      limits.enter(`192.0.2.${at}`, `hook${at}`),
    );
    for (const visit of visits) visit.take(16 * MIB);
    const late = limits.enter('192.0.2.200', 'hook');
    expect(codeOf(() => late.take(1))).toBe('WEBHOOK_DOOR_FULL');
    visits[0]?.leave('other');
    expect(codeOf(() => late.take(16 * MIB))).toBe('in');
    for (const visit of [...visits.slice(1), late]) visit.leave('refused');
    expect(limits.bytes).toBe(0);
  });

  it.each([
    ['at one webhook', '192.0.2.2', 'hook'],
    ['from one address', '192.0.2.1', 'other'],
  ])('of strangers %s are those of one body', (_, source, webhook) => {
    limits.enter('192.0.2.1', 'hook').take(20 * MIB);
    const next = limits.enter(source, webhook);
    expect(codeOf(() => next.take(20 * MIB))).toBe('WEBHOOK_DOOR_FULL');
    expect(codeOf(() => limits.enter('192.0.2.2', 'other').take(25 * MIB))).toBe('in');
    next.leave('refused');
    pass('198.51.100.1', 'hook', 'verified');
    expect(codeOf(() => limits.enter('198.51.100.1', 'hook').take(25 * MIB))).toBe('in');
  });

  it('are given back where they were counted', () => {
    for (let at = 0; at < 10; at++) {
      const visit = limits.enter('192.0.2.1', 'hook');
      expect(codeOf(() => visit.take(25 * MIB))).toBe('in');
      visit.leave('other');
    }
  });

  it('leave room for those who are known, and are bounded for them too', () => {
    pass('198.51.100.1', 'hook', 'verified');
    for (const at of [1, 2, 3, 4])
      limits.enter(`192.0.2.${at}`, `hook${at}`).take(doorLimits.strangerBytesMax / 4);
    const known = limits.enter('198.51.100.1', 'hook');
    const room = doorLimits.bytesMax - doorLimits.strangerBytesMax;
    expect(codeOf(() => known.take(room))).toBe('in');
    expect(codeOf(() => known.take(1))).toBe('WEBHOOK_DOOR_FULL');
    expect(limits.bytes).toBe(doorLimits.bytesMax);
  });
});

describe('visits', () => {
  it('of strangers are bounded, of one address and of all', () => {
    const one = times(doorLimits.sourceVisitsMax + 1, () => codeOf(() => limits.enter('192.0.2.1', 'hook')));
    expect(one.filter((code) => code === 'in')).toHaveLength(doorLimits.sourceVisitsMax);
    let at = 1;
    const all = times(doorLimits.strangerVisitsMax, () =>
      codeOf(() => limits.enter(`192.0.2.${++at}`, 'hook')),
    );
    expect(all.filter((code) => code === 'in')).toHaveLength(
      doorLimits.strangerVisitsMax - doorLimits.sourceVisitsMax,
    );
  });

  it('of those who are known are bounded too, and end', () => {
    pass('198.51.100.1', 'hook', 'verified');
    const enter = () => limits.enter('198.51.100.1', 'hook');
    const visits = Array.from({ length: doorLimits.visitsMax }, enter);
    expect(codeOf(enter)).toBe('WEBHOOK_DOOR_FULL');
    visits[0]?.leave('verified');
    expect(codeOf(enter)).toBe('in');
  });
});
