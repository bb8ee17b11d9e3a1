import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIfMatch, parseIfNoneMatch, parsePrefer } from '../../../src/policy/headers.js';
import { failureOf } from '../support/refusals.js';

const blob = '0123456789abcdef0123456789abcdef01234567';

describe('Prefer', () => {
  it.each([
    ['wait=5', 5],
    ['wait=0', 0],
    ['wait="10"', 10],
    ['WAIT=5', 5],
    [' wait = 5 ', 5],
    ['wait=5; foo=bar', 5],
    ['wait=999999', 999_999],
    ['return=minimal, wait=7', 7],
    ['return=minimal,,wait=7,', 7],
    ['wait=1, wait=2', 1],
    ['respond-async', 0],
    ['Respond-Async; x', 0],
    ['respond-async, wait=10', 10],
    ['wait=10, respond-async', 10],
    ['wait=soon, respond-async', 0],
  ])('%s means a wait of %i s', (header, waitSeconds) => {
    expect(parsePrefer(header)).toEqual({ waitSeconds });
  });

  it('may be given as several headers', () => {
    expect(parsePrefer(['return=minimal', 'wait=3'])).toEqual({ waitSeconds: 3 });
  });

  it.each([
    undefined,
    '',
    ',',
    'wait',
    'wait=',
    'wait=-1',
    'wait=1.5',
    'wait=5s',
    'wait=1e3',
    'wait=0x5',
    'wait=1000000',
    'wait=Infinity',
    'wait=5 6',
    'waiting=5',
    'return=minimal',
    'respond-async-not',
    'handling=lenient; wait=5',
    '=5',
    'constructor=5',
  ])('%s is passed over', (header) => {
    expect(parsePrefer(header)).toEqual({});
  });

  it('is never refused, and never means a wait that is no number', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.array(fc.string())), (header) => {
        const { waitSeconds = 0 } = parsePrefer(header);
        expect(Number.isInteger(waitSeconds) && waitSeconds >= 0).toBe(true);
      }),
    );
  });
});

describe('If-Match', () => {
  it.each([`"${blob}"`, ` "${blob}" `])('takes one ETag as it was answered: %s', (header) => {
    expect(parseIfMatch(header)).toBe(blob);
  });

  it('guards nothing where it is absent', () => {
    expect(parseIfMatch(undefined)).toBeUndefined();
  });

  it.each([
    '*',
    '"*"',
    '',
    '""',
    blob,
    `W/"${blob}"`,
    `"${blob}", "${blob}"`,
    `"${blob.slice(1)}"`,
    `"${blob}0"`,
    `"${blob.toUpperCase()}"`,
    `'${blob}'`,
    `"${blob}`,
    `"g${blob.slice(1)}"`,
    `"${blob}\n"`,
    'null',
  ])('does not take %s', (header) => {
    expect(failureOf(() => parseIfMatch(header))).toMatchObject({
      code: 'PRECONDITION_REFUSED',
      status: 400,
    });
  });
});

describe('If-None-Match', () => {
  it.each(['*', ' * '])('takes %j: the save may only create', (header) => {
    expect(parseIfNoneMatch(header)).toBe(true);
  });

  it('asks for nothing where it is absent', () => {
    expect(parseIfNoneMatch(undefined)).toBe(false);
  });

  it.each(['', '"*"', '**', '*, *', `"${blob}"`, blob, 'W/"x"'])('does not take %j', (header) => {
    expect(failureOf(() => parseIfNoneMatch(header))).toMatchObject({
      code: 'PRECONDITION_REFUSED',
      status: 400,
    });
  });
});
