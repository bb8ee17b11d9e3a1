import { describe, expect, it } from 'vitest';
import { type Beginning, hold, reachesEnd, show } from '../../../web/data/held.js';

interface Row {
  id: string;
  state: string;
}

const rows = (ids: string, state = 'old'): Row[] => Array.from(ids, (id) => ({ id, state }));
const fresh = (ids: string, next: string | null = null): Beginning<Row> => ({ rows: rows(ids, 'new'), next });
const keyOf = ({ id }: Row): string => id;
const written = (list: readonly Row[]): string =>
  list.map(({ id, state }) => (state === 'new' ? id.toUpperCase() : id)).join('');

describe('while one looks', () => {
  it.each([
    { what: 'stays as it is now', shown: 'abc', now: fresh('abc'), rows: 'ABC', news: 0, gone: '' },
    { what: 'before it waits', shown: 'abc', now: fresh('xyabc'), rows: 'ABC', news: 2, gone: '' },
    { what: 'between waits', shown: 'abc', now: fresh('axbc'), rows: 'ABC', news: 1, gone: '' },
    { what: 'after it comes', shown: 'abc', now: fresh('abcx'), rows: 'ABCX', news: 0, gone: '' },
    { what: 'that is gone keeps its place', shown: 'abc', now: fresh('ac'), rows: 'AbC', news: 0, gone: 'b' },
    { what: 'that is gone, at the end', shown: 'abc', now: fresh('ab'), rows: 'ABc', news: 0, gone: 'c' },
    { what: 'that is all gone', shown: 'ab', now: fresh(''), rows: 'ab', news: 0, gone: 'ab' },
    { what: 'that is another altogether', shown: 'ab', now: fresh('xy'), rows: 'ab', news: 2, gone: 'ab' },
    { what: 'beyond the beginning', shown: 'abcd', now: fresh('xab', 'b'), rows: 'ABcd', news: 1, gone: '' },
    { what: 'far behind', shown: 'ab', now: fresh('xyz', 'z'), rows: 'ab', news: 3, gone: '' },
  ])('what is there, and $what', ({ shown, now, rows: kept, news, gone }) => {
    const held = hold(rows(shown), now, keyOf);
    expect([written(held.rows), held.news, [...held.gone].join('')]).toEqual([kept, news, gone]);
  });
});

describe('on asking', () => {
  it.each([
    { what: 'the whole list', shown: 'abc', now: fresh('xac'), is: 'XAC', toEnd: true },
    { what: 'with what was read beyond', shown: 'abcd', now: fresh('xab', 'b'), is: 'XABcd', toEnd: false },
    { what: 'without a row twice', shown: 'abcd', now: fresh('xbc', 'c'), is: 'XBCd', toEnd: false },
    { what: 'anew, far behind', shown: 'abcd', now: fresh('xyz', 'z'), is: 'XYZ', toEnd: true },
    { what: 'nothing', shown: 'ab', now: fresh(''), is: '', toEnd: true },
  ])('$what', ({ shown, now, is, toEnd }) => {
    expect(written(show(rows(shown), now, keyOf))).toBe(is);
    expect(reachesEnd(rows(shown), now, keyOf)).toBe(toEnd);
  });
});
