import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import v8 from 'node:v8';
import vm from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBody } from '../../../src/webhooks/read-body.js';

/** A request whose body comes in these pieces. */
const arriving = (pieces: Iterable<Buffer>): IncomingMessage =>
  Readable.from(pieces, { objectMode: false }) as IncomingMessage;

const unlimited = { bytesMax: Number.MAX_SAFE_INTEGER, take: () => undefined };

v8.setFlagsFromString('--expose-gc');
const collectGarbage = vm.runInNewContext('gc') as () => void;

function heldBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe('a body', () => {
  it('is what came, in whatever pieces', async () => {
    const piece = fc
      .tuple(fc.integer({ min: 1, max: 40_000 }), fc.integer({ min: 0, max: 255 }))
      .map(([length, byte]) => Buffer.alloc(length, byte));
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
        const body = await readBody(arriving(pieces), unlimited);
        expect(body.equals(Buffer.concat(pieces))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('that comes byte by byte costs little more than its bytes', async () => {
    const pieces = 200_000;
    const begun = heldBytes();
    let held = 0;
    const take = (() => {
      let count = 0;
      return (): void => {
        count += 1;
        if (count === pieces) held = heldBytes() - begun;
      };
    })();
    const body = await readBody(arriving(bytewise(pieces)), { bytesMax: pieces, take });
    expect(body).toHaveLength(pieces);
    expect(held).toBeLessThan(10 * pieces);
  });

  it.each([1, 1_000, 16_384, 20_000])(
    'of which one byte in pieces of %i is too many is refused',
    async (length) => {
      const pieces = Array.from({ length: 3 }, () => Buffer.alloc(length));
      const limited = { ...unlimited, bytesMax: 3 * length - 1 };
      await expect(readBody(arriving(pieces), limited)).rejects.toMatchObject({ code: 'BODY_TOO_LARGE' });
      expect(await readBody(arriving(pieces), { ...limited, bytesMax: 3 * length })).toHaveLength(3 * length);
    },
  );
});

function* bytewise(count: number): Generator<Buffer> {
  for (let at = 0; at < count; at += 1) yield Buffer.alloc(1);
}
