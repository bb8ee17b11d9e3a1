import { expect, it } from 'vitest';
import { cutText } from '../../../src/kernel/storable.js';

it.each([
  ['short', 5, 'short'],
  ['longer', 5, 'longe'],
  ['ab👍', 4, 'ab👍'],
  ['ab👍', 3, 'ab'],
  ['👍👍', 1, ''],
])('of %j, %i characters at most are %j', (text, max, cut) => {
  expect(cutText(text, max)).toBe(cut);
});
