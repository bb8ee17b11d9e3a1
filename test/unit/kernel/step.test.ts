import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { step } from '../../../src/kernel/step.js';

const CHANNEL = 'sallyport:step';
const happened: unknown[] = [];
const listen = (event: unknown): void => void happened.push(event);

beforeEach(() => {
  happened.length = 0;
  subscribe(CHANNEL, listen);
});

afterEach(() => {
  unsubscribe(CHANNEL, listen);
});

describe('a step', () => {
  it('is announced before and after the work, and gives its result', async () => {
    const result = await step('git.push', async () => {
      happened.push('the work');
      return 5;
    });
    expect(result).toBe(5);
    expect(happened).toEqual([
      { step: 'git.push', moment: 'before' },
      'the work',
      { step: 'git.push', moment: 'after' },
    ]);
  });

  it('that fails fails as the work did, and never came to its end', async () => {
    const fault = new Error('broken');
    await expect(step('git.push', () => Promise.reject(fault))).rejects.toBe(fault);
    expect(happened).toEqual([{ step: 'git.push', moment: 'before' }]);
  });

  it('holds others', async () => {
    await step('outer', () => step('inner', async () => undefined));
    expect(happened.map((event) => (event as { step: string; moment: string }).step)).toEqual([
      'outer',
      'inner',
      'inner',
      'outer',
    ]);
  });

  it('works the same while nobody listens', async () => {
    unsubscribe(CHANNEL, listen);
    expect(await step('alone', async () => 'done')).toBe('done');
    expect(happened).toEqual([]);
  });
});
