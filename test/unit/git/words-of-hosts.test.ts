import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoteError, quoteServer } from '../../../src/git/host-answer.js';
import { isRace } from '../../../src/git/race.js';
import { anyText } from '../support/texts.js';

describe('what a host says', () => {
  it.each([
    ['Branch main is protected\n', 'Branch main is protected'],
    ['\x1b[31mred\x1b[0m and \x1b[1;32mgreen\x1b[m', 'red and green'],
    ['line one\r\nline two\n\n', 'line one line two'],
    ['a\u2028b\u0000c\u202ed', 'a b c d'],
    ['größe 👍', 'größe 👍'],
    ['', ''],
  ])('%j is quoted as %j', (words, quoted) => {
    expect(quoteServer(words)).toBe(quoted);
    expect(quoteServer(Buffer.from(words))).toBe(quoted);
  });

  it('is cut at 300 characters', () => {
    expect(quoteServer('x'.repeat(300))).toBe('x'.repeat(300));
    expect(quoteServer('x'.repeat(301))).toBe(`${'x'.repeat(299)}…`);
    expect(quoteServer(Buffer.alloc(1_000_000, 'x'))).toHaveLength(300);
  });

  it('is one printable line, whatever it was', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, fc.uint8Array({ maxLength: 500 })), (words) => {
        const quoted = quoteServer(words);
        expect(quoted).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
        expect(quoted.length).toBeLessThanOrEqual(300);
      }),
    );
  });

  it('of an object it does not have is that failure, anything else an answer that is refused', () => {
    const id = '0123456789'.repeat(4);
    expect(quoteError('h', `not our ref ${id}`).code).toBe('GIT_OBJECT_NOT_FOUND');
    expect(quoteError('h', 'not our ref main').code).toBe('GIT_ANSWER_INVALID');
    expect(quoteError('h', 'access denied').message).toContain('"access denied"');
  });
});

describe('a refusal of a push', () => {
  it.each([
    'non-fast-forward',
    'fetch first',
    'stale info',
    'failed to update ref',
    'cannot lock ref',
    "unable to create '/x/refs/heads/main.lock': File exists",
    'failed to lock',
    'reference already exists',
    'incorrect old value provided',
    `cannot lock ref 'refs/heads/main': is at ${'0'.repeat(40)} but expected ${'1'.repeat(40)}`,
    'atomic push failed',
  ])('in these words was a race: %s', (words) => {
    expect(isRace(words)).toBe(true);
  });

  it.each([
    '',
    'pre-receive hook declined',
    'hook declined',
    'protected branch hook declined',
    'pre-receive hook declined: stale info',
    'Branch is protected: fetch first',
    'permission denied',
    'deny updating a hidden ref',
    'You are not allowed to push code',
    'shallow update not allowed',
  ])('in these words was none: %s', (words) => {
    expect(isRace(words)).toBe(false);
  });
});
