import { describe, expect, it } from 'vitest';
import { historyOf, readHistoryCursor, toHistoryCursor } from '../../../src/sync/history-cursor.js';

const id = (digit: string): string => digit.repeat(40);
const of = historyOf('https://git.example/acme/app', 'a.yaml');

describe('the cursor of a history', () => {
  it.each([
    { pending: [id('1')], seen: [] },
    { pending: [id('1'), id('2')], seen: [id('3')] },
    {
      pending: Array.from({ length: 256 }, () => id('a')),
      seen: Array.from({ length: 64 }, () => id('b')),
    },
  ])('comes back as it was', (place) => {
    const text = toHistoryCursor({ of, place });
    expect(text).toMatch(/^[\w-]{40,9000}$/);
    expect(readHistoryCursor(text)).toEqual({ of, place });
  });

  it('is of one path in one repository', () => {
    expect(historyOf('https://git.example/acme/app', 'b.yaml')).not.toBe(of);
    expect(historyOf('https://git.example/acme/other', 'a.yaml')).not.toBe(of);
  });

  const whole = toHistoryCursor({ of, place: { pending: [id('1')], seen: [id('2')] } });
  const claiming = (count: number): string => {
    const bytes = Buffer.from(whole, 'base64url');
    bytes.writeUInt16BE(count, 8);
    return bytes.toString('base64url');
  };

  it.each([
    ['', 'nothing'],
    ['x', 'too little'],
    [whole.slice(0, -3), 'one that is cut'],
    [`${whole}AAAA`, 'one with something behind it'],
    [`${whole}=`, 'one in another spelling'],
    [claiming(0), 'one without commits'],
    [claiming(3), 'one with fewer commits than it says'],
    [
      toHistoryCursor({ of, place: { pending: Array.from({ length: 257 }, () => id('1')), seen: [] } }),
      'too many',
    ],
    [
      toHistoryCursor({ of, place: { pending: [id('1')], seen: Array.from({ length: 65 }, () => id('1')) } }),
      'too many behind it',
    ],
  ])('%s is none: %s', (text) => {
    expect(readHistoryCursor(text)).toBeUndefined();
  });
});
