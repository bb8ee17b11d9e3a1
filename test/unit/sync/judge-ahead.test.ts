import { describe, expect, it } from 'vitest';
import { documentBytesMax, type MeantDocument } from '../../../src/entities/document.js';
import type { Kind } from '../../../src/entities/kinds.repository.js';
import { JudgeAhead } from '../../../src/sync/judge-ahead.js';

const kindOf = (id: string): [string, Kind] => [id, { id, schema: {}, revision: id } as Kind];
const kinds = new Map([kindOf('one'), kindOf('two')]);
const wrong = { code: 'YAML_REFUSED' };

const file = (n: number, kind = 'one', text = `${n}`) => ({
  named: { scope: 'demo', kind, id: `e${n}` },
  blob: `b${n}`,
  yaml: Buffer.from(text),
});

/** Finds fault with every document that says so, and notes what it is asked. */
function makeValidator() {
  const asked: { kind: string; ids: (string | undefined)[] }[] = [];
  return {
    asked,
    validateAll: async (documents: readonly MeantDocument[], kind: { id: string }) => {
      asked.push({ kind: kind.id, ids: documents.map(({ meant }) => meant?.id) });
      return documents.map(({ yaml }) => (String(yaml) === 'wrong' ? wrong : null)) as never;
    },
  };
}

describe('judging ahead', () => {
  it('has the verdicts on what was begun, once each, and asks once for each', async () => {
    const validator = makeValidator();
    const ahead = new JudgeAhead(validator, kinds);
    const files = [file(1), file(2, 'two'), file(3, 'one', 'wrong')];
    ahead.begin(files);
    ahead.begin([...files, file(4)]);
    expect(await Promise.all(files.map((one) => ahead.take(one)))).toEqual([null, null, wrong]);
    expect(await ahead.take(files[0] as ReturnType<typeof file>)).toBeUndefined();
    expect(validator.asked).toEqual([
      { kind: 'one', ids: ['e1', 'e3'] },
      { kind: 'two', ids: ['e2'] },
      { kind: 'one', ids: ['e4'] },
    ]);
  });

  it.each([
    ['another document', { blob: 'other' }],
    ['another entity', { named: { scope: 'demo', kind: 'one', id: 'other' } }],
    ['another scope', { named: { scope: 'demo/other', kind: 'one', id: 'e1' } }],
    ['another kind', { named: { scope: 'demo', kind: 'two', id: 'e1' } }],
  ])('has no verdict on %s', async (_, other) => {
    const ahead = new JudgeAhead(makeValidator(), kinds);
    ahead.begin([file(1)]);
    expect(await ahead.take({ ...file(1), ...other })).toBeUndefined();
  });

  it('leaves what has no kind or is too long to whoever says so', async () => {
    const validator = makeValidator();
    const ahead = new JudgeAhead(validator, kinds);
    const files = [file(1, 'three'), file(2, 'one', 'x'.repeat(documentBytesMax + 1))];
    ahead.begin(files);
    expect(await Promise.all(files.map((one) => ahead.take(one)))).toEqual([undefined, undefined]);
    expect(validator.asked).toEqual([]);
  });

  it('leaves a document to whoever needs it where it could not be judged', async () => {
    const ahead = new JudgeAhead({ validateAll: () => Promise.reject(new Error('gone')) }, kinds);
    ahead.begin([file(1)]);
    expect(await ahead.take(file(1))).toBeUndefined();
  });

  it('asks for few at once, so that the first verdicts come soon', () => {
    const validator = makeValidator();
    new JudgeAhead(validator, kinds).begin(Array.from({ length: 120 }, (_, n) => file(n)));
    expect(validator.asked.map(({ ids }) => ids.length)).toEqual([50, 50, 20]);
  });
});
