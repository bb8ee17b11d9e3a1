import { describe, expect, it } from 'vitest';
import { FairRoom, FairTurns } from '../../../src/kernel/fair-turns.js';

/** Works whose ends are in the test's hand, and the order in which they began. */
function open(max: number, atPlaceMax?: number) {
  const turns = new FairTurns(max, atPlaceMax);
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const ask = (party: string, name: string, place = name): Promise<void> =>
    turns.take(party, place, () => {
      begun.push(name);
      return new Promise<void>((resolve) => ends.push(resolve));
    });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const endOne = async (): Promise<void> => {
    await settle();
    ends.shift()?.();
    await settle();
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
  const failed = turns.take('a', 'x', () => Promise.reject(new Error('broken')));
  const next = turns.take('b', 'x', async () => 'done');
  await expect(failed).rejects.toThrow('broken');
  expect(await next).toBe('done');
  expect(await turns.take('a', 'x', async () => 'again')).toBe('again');
});

describe('a place', () => {
  it('has one at work at a time, and who waits for it holds no turn', async () => {
    const { turns, begun, ask, endOne } = open(16);
    for (let n = 0; n < 40; n++) void ask(`member-${n}`, `member-${n}`, 'shared');
    expect(turns.areWanted).toBe(false);
    void ask('outsider', 'outsider');
    await endOne();
    expect(begun).toEqual(['member-0', 'outsider', 'member-1']);
  });

  it('is not held for a party that waits in its own row', async () => {
    const { begun, ask, endOne } = open(1);
    for (let n = 0; n < 20; n++) void ask('many', `many-${n}`);
    void ask('many', 'many-shared', 'shared');
    void ask('one', 'one', 'shared');
    await endOne();
    expect(begun).toEqual(['many-0', 'one']);
  });

  it('comes to everybody who waits for it, although their own turns fall while others are there', async () => {
    const { begun, ask, endOne } = open(2);
    // `wide` is at work elsewhere all the time, and so the last in the row whenever the place is free.
    void ask('wide', 'elsewhere-0');
    void ask('first', 'first-0', 'shared');
    void ask('wide', 'wide', 'shared');
    for (let n = 1; n < 10; n++) {
      void ask('wide', `elsewhere-${n}`);
      void ask(n % 2 === 0 ? 'first' : 'second', `shared-${n}`, 'shared');
      await endOne();
      await endOne();
    }
    const passed = begun.slice(0, begun.indexOf('wide')).filter((name) => name.startsWith('shared'));
    expect(begun).toContain('wide');
    expect(passed.length).toBeLessThanOrEqual(2);
  });

  it('that holds several is full only when all of it is taken, whoever they are', async () => {
    const { begun, ask, endOne } = open(16, 4);
    for (let n = 0; n < 6; n++) void ask('many', `many-${n}`, 'host');
    void ask('one', 'one', 'host');
    await endOne();
    expect(begun).toEqual(['many-0', 'many-1', 'many-2', 'many-3', 'one']);
    await endOne();
    expect(begun.at(-1)).toBe('many-4');
  });

  it('says that turns are wanted only where one could be used', async () => {
    const { turns, ask, endOne } = open(1);
    void ask('a', 'a', 'shared');
    void ask('b', 'b', 'shared');
    expect(turns.areWanted).toBe(false);
    void ask('c', 'c');
    expect(turns.areWanted).toBe(true);
    await endOne();
    await endOne();
    expect(turns.areWanted).toBe(false);
  });

  it('lets a party that waits for one ask for another meanwhile', async () => {
    const { begun, ask, endOne } = open(1);
    void ask('a', 'a', 'shared');
    void ask('b', 'b', 'shared');
    void ask('b', 'b-elsewhere');
    await endOne();
    await endOne();
    await endOne();
    expect(begun).toEqual(['a', 'b', 'b-elsewhere']);
  });
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
