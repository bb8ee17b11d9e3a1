import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReplyMeter } from '../../../src/queue/bounded-replies.js';

const text = (value: string): string => `$${Buffer.byteLength(value)}\r\n${value}\r\n`;

/** Any reply of Redis, as it goes over the line; texts hold what looks like the beginning of others. */
const { reply: anyReply } = fc.letrec<{ reply: string; list: string; plain: string }>((tie) => ({
  reply: fc.oneof({ maxDepth: 4 }, tie('plain'), tie('list')),
  plain: fc.oneof(
    fc.string({ unit: fc.constantFrom('*', '$', '9', '\r', '\n', 'ä', 'x'), maxLength: 40 }).map(text),
    fc.constantFrom(
      '+OK\r\n',
      '-ERR no\r\n',
      ':12\r\n',
      '$-1\r\n',
      '*-1\r\n',
      '*0\r\n',
      '%0\r\n',
      '_\r\n',
      '#t\r\n',
    ),
    fc.constantFrom(
      ',1.5\r\n',
      '(349\r\n',
      '=6\r\ntxt:ab\r\n',
      '!3\r\nERR\r\n',
      `+${'long '.repeat(40)}\r\n`,
    ),
  ),
  list: fc
    .tuple(fc.constantFrom('*', '~', '>', '%', '|'), fc.array(tie('reply'), { minLength: 1, maxLength: 4 }))
    .map(([kind, items]) => {
      if (kind === '%') return `%${items.length}\r\n${items.map((item) => `${text('k')}${item}`).join('')}`;
      if (kind === '|') return `|1\r\n${text('k')}${items[0]}+OK\r\n`;
      return `${kind}${items.length}\r\n${items.join('')}`;
    }),
}));

/** Whether all is well to the end, given in pieces of these sizes. */
function passes(bytesMax: number, wire: Buffer, sizes: readonly number[]): boolean {
  const meter = new ReplyMeter(bytesMax);
  for (let at = 0, piece = 0; at < wire.length; piece += 1) {
    const size = sizes[piece % sizes.length] as number;
    if (!meter.take(wire.subarray(at, at + size))) return false;
    at += size;
  }
  return true;
}

describe('the bound of a reply', () => {
  const anySizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 6 });

  it('holds for each by itself, however it comes in pieces', () => {
    fc.assert(
      fc.property(fc.array(anyReply, { minLength: 1, maxLength: 6 }), anySizes, (replies, sizes) => {
        const wire = Buffer.from(replies.join(''));
        const longest = Math.max(...replies.map((reply) => Buffer.byteLength(reply)));
        expect(passes(longest, wire, sizes)).toBe(true);
        expect(passes(longest - 1, wire, sizes)).toBe(false);
      }),
      { seed: 7, numRuns: 2_000 },
    );
  });

  it('counts what is announced before it comes', () => {
    const meter = new ReplyMeter(1_000);
    expect(meter.take(Buffer.from('*2\r\n$3\r\nabc\r\n'))).toBe(true);
    expect(meter.take(Buffer.from('$5000\r\n'))).toBe(false);
  });

  it('counts a line without end', () => {
    const meter = new ReplyMeter(1_000);
    const pieces = Array.from({ length: 11 }, () => meter.take(Buffer.alloc(100, '+')));
    expect(pieces.lastIndexOf(true)).toBe(9);
  });
});
