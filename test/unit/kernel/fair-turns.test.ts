import { describe, expect, it } from 'vitest';
import { FairRoom, FairTurns } from '../../../src/kernel/fair-turns.js';

/** Works whose ends are in the test's hand, and the order in which they began. */
function open(max: number) {
  const turns = new FairTurns(max);
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const ask = (party: string, name: string): Promise<void> =>
    turns.take(party, () => {
      begun.push(name);
      return new Promise<void>((resolve) => ends.push(resolve));
    });
  const endOne = async (): Promise<void> => {
    ends.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { turns, begun, ask, endOne };
}

it('has no more at work than there are turns', async () => {
  const { begun, ask, endOne } = open(2);
  const all = ['1', '2', '3'].map((name) => ask('a', name));
  await new Promise((resolve) => setImmediate(resolve));
  expect(begun).toEqual(['1', '2']);
  await endOne();
  expect(begun).toEqual(['1', '2', '3']);
  await endOne();
  await endOne();
  await Promise.all(all);
});

it('lets others in after the turn that runs, however many wait', async () => {
  const { begun, ask, endOne } = open(1);
  for (let n = 0; n < 1_000; n++) void ask('many', `many-${n}`);
  void ask('one', 'one');
  void ask('other', 'other');
  for (let n = 0; n < 4; n++) await endOne();
  expect(begun).toEqual(['many-0', 'one', 'other', 'many-1', 'many-2']);
});

it('lets nobody wait for ever behind those who keep coming', async () => {
  const { begun, ask, endOne } = open(1);
  for (let n = 0; n < 2; n++) void ask('many', `many-${n}`);
  for (let n = 0; n < 3; n++) {
    void ask(`newcomer-${n}`, `newcomer-${n}`);
    await endOne();
  }
  expect(begun).toEqual(['many-0', 'newcomer-0', 'many-1', 'newcomer-1']);
});

it('goes on after a turn that failed', async () => {
  const { turns } = open(1);
  const failed = turns.take('a', () => Promise.reject(new Error('broken')));
  const next = turns.take('b', async () => 'done');
  await expect(failed).rejects.toThrow('broken');
  expect(await next).toBe('done');
  expect(await turns.take('a', async () => 'again')).toBe('again');
});

describe('room', () => {
  const fill = (room: FairRoom, party: string): number => {
    let places = 0;
    while (room.enter(party)) places += 1;
    return places;
  };

  it('is filled by nobody further than to what it leaves free', () => {
    const room = new FairRoom(4_096);
    expect(fill(room, 'many')).toBe(2_048);
    expect(fill(room, 'as many')).toBe(1_024);
    expect(fill(room, 'more')).toBe(512);
  });

  it('has a place for a party that has none, however many parties have filled it', () => {
    const room = new FairRoom(2);
    for (let n = 0; n < 100; n++) expect(fill(room, `party-${n}`)).toBe(1);
  });

  it('is there again when it is left', () => {
    const room = new FairRoom(8);
    expect(fill(room, 'one')).toBe(4);
    for (let n = 0; n < 4; n++) room.leave('one');
    expect(fill(room, 'other')).toBe(4);
    expect(room.enter('one')).toBe(true);
  });
});
