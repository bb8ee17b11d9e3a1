import { expect, it } from 'vitest';
import { FairTurns } from '../../../src/kernel/fair-turns.js';

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

it('lets one of another party in after a single turn, however many wait', async () => {
  const { begun, ask, endOne } = open(1);
  for (let n = 0; n < 1_000; n++) void ask('many', `many-${n}`);
  void ask('one', 'one');
  void ask('other', 'other');
  for (let n = 0; n < 4; n++) await endOne();
  expect(begun).toEqual(['many-0', 'many-1', 'one', 'other', 'many-2']);
});

it('goes on after a turn that failed', async () => {
  const { turns } = open(1);
  const failed = turns.take('a', () => Promise.reject(new Error('broken')));
  const next = turns.take('b', async () => 'done');
  await expect(failed).rejects.toThrow('broken');
  expect(await next).toBe('done');
  expect(await turns.take('a', async () => 'again')).toBe('again');
});
