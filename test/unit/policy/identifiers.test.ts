import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Identifier } from '../../../src/policy/identifiers.js';
import { GroupName } from '../../../src/policy/text.js';
import { problemsOf } from '../support/refusals.js';
import { anyText } from '../support/texts.js';
import { titledValues } from '../support/titles.js';

describe('an identifier', () => {
  it.each(
    titledValues([
      'a',
      '_',
      'Z9',
      'build-1',
      'a$b',
      '__proto__',
      'constructor',
      'prototype',
      'hasOwnProperty',
      'toString',
      'null',
      'con',
      'a'.repeat(128),
    ]),
  )('may be %s', (_, name) => {
    expect(Identifier.parse(name)).toBe(name);
  });

  it.each([
    ['', 'nothing'],
    ['a'.repeat(129), '129 characters'],
    ['1a', 'a digit first'],
    ['-a', 'a dash first'],
    ['$a', 'a dollar first'],
    ['.', 'a dot'],
    ['..', 'two dots'],
    ['a.b', 'a dot inside'],
    ['a/b', 'a slash'],
    ['a\\b', 'a backslash'],
    ['a b', 'a space'],
    [' a', 'a space before'],
    ['a ', 'a space after'],
    ['a\n', 'a line end after'],
    ['a\0', 'a NUL'],
    ['a%2e', 'a percent sign'],
    ['ä', 'a letter beyond ASCII'],
    ['а', 'a Cyrillic letter'],
    ['Ⅷ', 'a numeral'],
    ['\ud800', 'half a surrogate pair'],
    ['a\u200d', 'an invisible joiner'],
  ])('may not be %j (%s)', (name) => {
    expect(problemsOf(Identifier, name)).toEqual([expect.stringContaining('is not an identifier')]);
  });

  it.each([null, undefined, 5, true, ['a'], { toString: () => 'a' }])('is a text, not %s', (value) => {
    expect(problemsOf(Identifier, value)).toHaveLength(1);
  });

  it('is what the policy’s pattern says, and as it was given', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_$-]{0,127}$/), (name) => {
        expect(Identifier.parse(name)).toBe(name);
      }),
    );
  });

  it('is nothing else', () => {
    fc.assert(
      fc.property(anyText, (name) => {
        const legal = /^[A-Za-z_][A-Za-z0-9_$-]*$/.test(name) && !name.includes('\n');
        expect(problemsOf(Identifier, name)).toHaveLength(legal ? 0 : 1);
      }),
    );
  });
});

describe('a delegate group', () => {
  it.each(titledValues(['local', 'eu-1', '0', 'a'.repeat(63)]))('may be %s', (_, name) => {
    expect(GroupName.parse(name)).toBe(name);
  });

  it.each(['', 'EU', '-a', 'a_b', 'a:b', 'a b', 'a\n', 'ä', 'a'.repeat(64)])('may not be %j', (name) => {
    expect(problemsOf(GroupName, name)).toHaveLength(1);
  });
});
