import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ObjectCache } from '../../../src/git/object-cache.js';
import type { GitObject, ObjectType } from '../../../src/git/objects.js';

const object = (bytes: number, type: ObjectType = 'tree'): GitObject => ({
  type,
  content: Buffer.alloc(bytes),
});

describe('the cache', () => {
  it('gives back what was put into it', () => {
    const cache = new ObjectCache(10_000);
    const one = object(10);
    cache.put('p', '1', one);
    expect(cache.get('p', '1')).toBe(one);
    expect(cache.get('p', '2')).toBeUndefined();
  });

  it('never shows one partition what another one fetched', () => {
    const cache = new ObjectCache(10_000);
    cache.put('p', '1', object(10));
    cache.noteRecent('p', 'c');
    expect(cache.get('q', '1')).toBeUndefined();
    expect(cache.recent('q')).toBeUndefined();
    expect(cache.recent('p')).toBe('c');
  });

  it.each(['blob', 'tag'] as const)('takes no %s', (type) => {
    const cache = new ObjectCache(10_000);
    cache.put('p', '1', object(10, type));
    expect(cache.get('p', '1')).toBeUndefined();
    expect(cache.bytes).toBe(0);
  });

  it('takes nothing larger than itself, and keeps what it has', () => {
    const cache = new ObjectCache(1_000);
    cache.put('p', '1', object(10));
    cache.put('p', '2', object(1_000));
    expect(cache.get('p', '2')).toBeUndefined();
    expect(cache.get('p', '1')).toBeDefined();
  });

  it('lets go first what was used longest ago', () => {
    const cache = new ObjectCache(3 * 350);
    for (const id of ['1', '2', '3']) cache.put('p', id, object(100));
    cache.get('p', '1');
    cache.put('p', '4', object(100));
    expect(['1', '2', '3', '4'].filter((id) => cache.get('p', id) !== undefined)).toEqual(['1', '3', '4']);
  });

  it('counts an object once that is put twice', () => {
    const cache = new ObjectCache(10_000);
    cache.put('p', '1', object(100));
    const { bytes } = cache;
    cache.put('p', '1', object(100));
    expect(cache.bytes).toBe(bytes);
  });

  it('never holds more than it may, whatever is put into it', () => {
    const put = fc.tuple(fc.nat(30), fc.nat(600));
    fc.assert(
      fc.property(fc.array(put, { maxLength: 200 }), (puts) => {
        const cache = new ObjectCache(2_000);
        for (const [id, bytes] of puts) {
          cache.put('p', String(id), object(bytes));
          expect(cache.bytes).toBeLessThanOrEqual(2_000);
        }
        let held = 0;
        for (let id = 0; id <= 30; id++) held += cache.get('p', String(id))?.content.length ?? 0;
        expect(held).toBeLessThanOrEqual(cache.bytes);
      }),
    );
  });
});
