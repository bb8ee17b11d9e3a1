import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  beginPart,
  beginSpan,
  concerning,
  describeConcern,
  inPart,
  inSpan,
  readTraceparent,
  type Span,
  type SpanOptions,
  traceparent,
  useTracer,
} from '../../../src/kernel/concern.js';
import { Failure } from '../../../src/kernel/failure.js';
import { asBatch } from '../../../src/sync/batch-trace.js';

interface Kept extends SpanOptions {
  traceparent: string;
  ended: string | true | undefined;
}
const spans: Kept[] = [];
const at = (trace: number, span: number): string =>
  `00-${String(trace).padStart(32, 'a')}-${String(span).padStart(16, 'b')}-01`;

/** Keeps spans; those without a parent begin traces of their own. */
const keeping = {
  begin: (options: SpanOptions): Span => {
    const trace = options.parent?.slice(3, 35) ?? String(spans.length).padStart(32, 'c');
    const kept: Kept = {
      ...options,
      traceparent: `00-${trace}-${String(spans.length).padStart(16, 'd')}-01`,
      ended: undefined,
    };
    spans.push(kept);
    return {
      traceparent: kept.traceparent,
      note: () => undefined,
      end: (code) => {
        kept.ended = code ?? true;
      },
    };
  },
  close: async () => undefined,
};
beforeEach(() => {
  spans.length = 0;
  useTracer(keeping);
});
afterEach(() => useTracer(undefined));

describe('what the work of a moment is about', () => {
  it('follows it through what it awaits, and no other work', async () => {
    const seen = await Promise.all(
      ['a', 'b'].map((id) =>
        concerning([id], async () => {
          await delay(1);
          return describeConcern().operations;
        }),
      ),
    );
    expect(seen).toEqual([['a'], ['b']]);
    expect(describeConcern()).toEqual({});
  });

  it('is also its span, which parts of it name as their parent', async () => {
    await inSpan({ name: 'outer' }, async () => {
      await inPart({ name: 'inner' }, async () =>
        expect(describeConcern().trace).toBe(spans[0]?.traceparent.slice(3, 35)),
      );
    });
    expect(spans.map(({ name, parent, ended }) => ({ name, parent, ended }))).toEqual([
      { name: 'outer', parent: undefined, ended: true },
      { name: 'inner', parent: spans[0]?.traceparent, ended: true },
    ]);
  });

  it('is named in its spans', async () => {
    await concerning(['o-1', 'o-2'], () =>
      inSpan({ name: 'x', attributes: { n: 1 } }, async () => undefined),
    );
    expect(spans[0]?.attributes).toEqual({ 'sallyport.operations': 'o-1 o-2', n: 1 });
  });
});

describe('a span', () => {
  it('ends with the code of what went wrong, which goes on', async () => {
    const failing = inSpan({ name: 'x' }, async () => {
      throw new Failure('ROUTE_NOT_FOUND', { method: 'GET', path: '/' });
    });
    await expect(failing).rejects.toMatchObject({ code: 'ROUTE_NOT_FOUND' });
    expect(spans[0]?.ended).toBe('ROUTE_NOT_FOUND');
  });

  it('is no part of anything outside of a trace', async () => {
    expect(beginPart({ name: 'alone' })).toBeUndefined();
    expect(await inPart({ name: 'alone' }, async () => 'done')).toBe('done');
    expect(spans).toEqual([]);
  });

  it('is none where nobody traces', async () => {
    useTracer(undefined);
    expect(beginSpan({ name: 'x' })).toBeUndefined();
    expect(await inSpan({ name: 'x' }, async () => traceparent())).toBeUndefined();
  });
});

it.each([
  ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', true],
  ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00', true],
  ['00-00000000000000000000000000000000-b7ad6b7169203331-01', false],
  ['00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01', false],
  ['00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01', false],
  ['01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', false],
  ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more', false],
  ['', false],
  [undefined, false],
  [['00'], false],
])('%j as a traceparent: %s', (text, isGood) => {
  expect(readTraceparent(text) !== undefined).toBe(isGood);
});

describe('a batch', () => {
  it('is in the trace of its first operation, and the traces of the others point there', async () => {
    const operations = [
      { id: 'a', traceparent: at(1, 1) },
      { id: 'b', traceparent: at(2, 2) },
      { id: 'c', traceparent: null },
      { id: 'd', traceparent: at(1, 3) },
      { id: 'e', traceparent: at(2, 4) },
    ];
    const seen = await asBatch(operations, async () => describeConcern());
    expect(seen.operations).toEqual(['a', 'b', 'c', 'd', 'e']);
    const [batch, pointer, ...more] = spans;
    expect(more).toEqual([]);
    expect(batch).toMatchObject({ parent: at(1, 1), links: [at(2, 2), at(1, 3), at(2, 4)], ended: true });
    expect(pointer).toMatchObject({ parent: at(2, 4), links: [batch?.traceparent], ended: true });
  });

  it('begins a trace where none of them has one', async () => {
    await inSpan({ name: 'other work' }, () =>
      asBatch([{ id: 'a', traceparent: null }], async () => undefined),
    );
    expect(spans.at(-1)).toMatchObject({ name: 'lane.batch', parent: undefined });
  });
});
