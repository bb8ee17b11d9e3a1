import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AgedMap } from '../../../src/kernel/aged-map.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

const make = (ageMsMax = 1_000, weightMax = 10) => new AgedMap<string>({ ageMsMax, weightMax });

describe('what is remembered for a while', () => {
  it('is there until its time is over, however often it is asked for', () => {
    const map = make();
    map.put('a', 'A');
    vi.advanceTimersByTime(999);
    expect(map.get('a')).toBe('A');
    vi.advanceTimersByTime(1);
    expect(map.get('a')).toBeUndefined();
  });

  it('goes by itself, each at its own time', () => {
    const map = make();
    map.put('a', 'A');
    vi.advanceTimersByTime(600);
    map.put('b', 'B');
    expect(map.size).toBe(2);
    vi.advanceTimersByTime(400);
    expect(map.size).toBe(1);
    vi.advanceTimersByTime(600);
    expect(map.size).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is put anew with a new time', () => {
    const map = make();
    map.put('a', 'A');
    vi.advanceTimersByTime(900);
    map.put('a', 'again');
    vi.advanceTimersByTime(900);
    expect(map.get('a')).toBe('again');
    expect(map.size).toBe(1);
  });

  it('is no longer there after a sleep of the machine, in which no timer ran', () => {
    const map = make();
    map.put('a', 'A');
    vi.setSystemTime(Date.now() + 86_400_000);
    expect(map.get('a')).toBeUndefined();
  });

  it('gets no younger by a clock that is set back', () => {
    const map = make();
    map.put('a', 'A');
    vi.advanceTimersByTime(500);
    vi.setSystemTime(Date.now() - 86_400_000);
    expect(map.get('a')).toBe('A');
    vi.advanceTimersByTime(500);
    expect(map.size).toBe(0);
  });

  it('is nothing at all where the age is 0', () => {
    const map = make(0);
    map.put('a', 'A');
    expect(map.get('a')).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('weighs no more than it may: the oldest goes first, and what alone is too heavy is not taken', () => {
    const map = make();
    map.put('a', 'A', 4);
    map.put('b', 'B', 4);
    map.put('c', 'C', 4);
    expect(['a', 'b', 'c'].map((key) => map.get(key))).toEqual([undefined, 'B', 'C']);
    map.put('b', 'too much', 11);
    expect(['b', 'c'].map((key) => map.get(key))).toEqual([undefined, 'C']);
    map.delete('c');
    map.put('d', 'D', 10);
    expect(map.get('d')).toBe('D');
  });

  it('is forgotten on demand, with its timer', () => {
    const map = make();
    map.put('a', 'A', 10);
    map.clear();
    expect([map.get('a'), map.size, vi.getTimerCount()]).toEqual([undefined, 0, 0]);
    map.put('b', 'B', 10);
    expect(map.get('b')).toBe('B');
  });

  it('is told of once when it goes, in whichever way', () => {
    const gone: string[] = [];
    const map = new AgedMap<string>({ ageMsMax: 1_000, weightMax: 2, dropped: (value) => gone.push(value) });
    map.put('old', 'by time');
    vi.advanceTimersByTime(1_000);
    map.put('a', 'by another');
    map.put('a', 'by weight');
    map.put('b', 'by name');
    map.put('c', 'by all');
    map.delete('b');
    map.delete('b');
    map.put('huge', 'at once', 3);
    map.clear();
    expect(gone).toEqual(['by time', 'by another', 'by weight', 'by name', 'at once', 'by all']);
  });
});
