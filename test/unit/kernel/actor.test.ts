import { describe, expect, it } from 'vitest';
import { ACTOR_MAX, cutActor, nameActor } from '../../../src/kernel/actor.js';

const id = '1a2b3c4d-0000-4000-8000-000000000000';

describe('an actor', () => {
  it.each([
    ['as it is', 'admin', 'admin (1a2b3c4d)'],
    ['told from work of Sallyport’s own accord', 'sallyport', 'sallyport (1a2b3c4d)'],
    ['cut', 'n'.repeat(300), `${'n'.repeat(128)} (1a2b3c4d)`],
    [
      'cut, and no half of a character is left',
      `${'n'.repeat(127)}😀`,
      `${'n'.repeat(127)}\ufffd (1a2b3c4d)`,
    ],
  ])('is named by a token’s name, %s', (_, name, actor) => {
    expect(nameActor({ id, name })).toBe(actor);
  });

  it('that was kept when names had no limit is cut to what a task carries', () => {
    expect(cutActor('admin')).toBe('admin');
    expect(cutActor('n'.repeat(300))).toBe('n'.repeat(ACTOR_MAX));
  });
});
