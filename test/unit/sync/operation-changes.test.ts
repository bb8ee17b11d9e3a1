// Operations of many changes: how batches, plans and chains treat them, and what they meet in Git.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blobIdOf } from '../../../src/git/blob-id.js';
import { chainOf, chooseBatch, partMismatches, planSteps } from '../../../src/sync/batch.js';
import { bytesOf, changeKey, changesOf, isAlreadySo, pathsOf } from '../../../src/sync/operation-changes.js';
import { makeChange, makeMove, makeOrigin, makeRename } from '../support/moves.js';
import { makeOperation } from '../support/operations.js';

const MIB = 1024 * 1024;
const document = Buffer.from('a: 1\n');
const blob = blobIdOf(document);
const [b, c] = ['b'.repeat(40), 'c'.repeat(40)];
const plan = (steps: ReturnType<typeof planSteps>) => ({
  connector: { scope: 'accounts/acme', id: 'direct' },
  base: c,
  create: false,
  committer: { name: 'Sallyport', email: 'sallyport@localhost' },
  attempts: 1,
  steps,
});

describe('the changes of an operation', () => {
  it('are the one of its own columns where it is no move', () => {
    const [saved] = changesOf(makeOperation());
    expect(saved).toMatchObject({ path: 'a.yaml', meaning: 'save', content: document, expected: 'any' });
    expect(changesOf(makeOperation({ yaml: null, action: 'delete' }))).toEqual([
      expect.objectContaining({ meaning: 'delete', content: null }),
    ]);
  });

  it('are those of a move, of which only what arrives has content', () => {
    const inline = makeChange({ path: 'c.yaml', meaning: 'inline' });
    const move = makeMove([...(makeRename().changes ?? []), inline]);
    expect(changesOf(move).map(({ path, meaning, content }) => [path, meaning, content])).toEqual([
      ['old.yaml', 'leave', null],
      ['new.yaml', 'arrive', document],
      ['c.yaml', 'inline', null],
    ]);
    expect([pathsOf(move), bytesOf(move)]).toEqual([['old.yaml', 'new.yaml', 'c.yaml'], 5]);
    expect(changesOf(move)[2]?.document).toEqual(document);
  });

  it('have to be loaded', () => {
    const { changes: _none, ...bare } = makeRename();
    expect(() => changesOf(bare)).toThrow('not loaded');
  });

  it.each([
    ['arrive', blob, true],
    ['arrive', b, false],
    ['arrive', null, false],
    ['remove', null, true],
    ['remove', b, false],
    ['leave', null, false],
    ['inline', null, false],
  ] as const)('count, of a %s that meets %s, as done: %s', (meaning, theirs, expected) => {
    const [change] = changesOf(makeMove([makeChange({ meaning })]));
    expect(isAlreadySo(change as NonNullable<typeof change>, theirs)).toBe(expected);
  });
});

describe('a batch with a move', () => {
  const at = (path: string, more = {}) => makeOperation({ id: path, path, ...more });

  it('lets nobody overtake it on any of its paths', () => {
    const move = makeRename({ id: 'move', connector_id: 'other' });
    const waiting = [at('x.yaml'), move, at('old.yaml'), at('new.yaml'), at('y.yaml')];
    expect(chooseBatch(waiting, new Set()).map(({ id }) => id)).toEqual(['x.yaml', 'y.yaml']);
    const blocked = new Set(['accounts/acme/connectors/other']);
    expect(chooseBatch(waiting.slice(1), blocked).map(({ id }) => id)).toEqual(['y.yaml']);
  });

  it.each(['old.yaml', 'new.yaml'])('does not let it overtake what waits at %s', (path) => {
    const earlier = at(path, { connector_id: 'other' });
    const waiting = [at('x.yaml'), earlier, makeRename({ id: 'move' })];
    expect(chooseBatch(waiting, new Set()).map(({ id }) => id)).toEqual(['x.yaml']);
    const blocked = new Set(['accounts/acme/connectors/other']);
    expect(chooseBatch(waiting.slice(1), blocked)).toEqual([]);
  });

  it('lets others go that are behind nobody, while it waits behind what is blocked', () => {
    const earlier = at('new.yaml', { connector_id: 'other' });
    const third = at('z.yaml', { connector_id: 'third' });
    const blocked = new Set(['accounts/acme/connectors/other']);
    expect(chooseBatch([earlier, makeRename({ id: 'move' }), third], blocked)).toEqual([third]);
  });

  it('counts the bytes that it carries', () => {
    const arrivals = [0, 1, 2].map((n) => makeChange({ path: `${n}`, yaml: Buffer.alloc(MIB) }));
    const waiting = [
      makeMove(arrivals),
      at('a', { yaml: Buffer.alloc(MIB) }),
      at('b', { yaml: Buffer.alloc(1) }),
    ];
    expect(chooseBatch(waiting, new Set())).toHaveLength(2);
  });

  it('never holds two of which a later one has a path of one that was passed over', () => {
    const path = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const waiting = fc.array(
      fc.record({
        paths: fc.uniqueArray(path, { minLength: 1, maxLength: 3 }),
        connector_id: fc.constantFrom('direct', 'other'),
      }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(waiting, fc.boolean(), (given, isBlocked) => {
        const operations = given.map(({ paths, connector_id }, n) =>
          makeMove(
            paths.map((one) => makeChange({ path: one })),
            { id: `${n}`, connector_id },
          ),
        );
        const batch = chooseBatch(operations, new Set(isBlocked ? ['accounts/acme/connectors/direct'] : []));
        for (const [n, one] of operations.entries()) {
          if (!batch.includes(one)) continue;
          const overtaken = operations
            .slice(0, n)
            .filter((earlier) => !batch.includes(earlier))
            .filter((earlier) => pathsOf(earlier).some((taken) => pathsOf(one).includes(taken)));
          expect(overtaken).toEqual([]);
        }
      }),
    );
  });
});

describe('the plan of a move', () => {
  const known = (path: string) => (path === 'old.yaml' ? b : null);

  it('expects something for each change, and what earlier operations leave', () => {
    const save = makeOperation({ id: 'save', path: 'new.yaml' });
    const steps = planSteps([makeRename({ id: 'move' }), save], known);
    expect(steps).toEqual([
      { operation: 'move', expect: b, expects: [b, null] },
      { operation: 'save', expect: blob },
    ]);
    const chain = chainOf(plan(steps), 'main', [makeRename({ id: 'move' }), save]);
    expect(chain.steps.map(({ changes }) => changes)).toEqual([
      [
        { path: 'old.yaml', content: null, expect: b },
        { path: 'new.yaml', content: document, expect: null },
      ],
      [{ path: 'new.yaml', content: document, expect: blob }],
    ]);
  });

  it('is parted where Git has something else: what stands there already is adopted, the rest are its conflicts', () => {
    const move = makeRename({ id: 'move' });
    const steps = planSteps([move], known);
    const met = (old: string | null, now: string | null) => [
      { step: 0, path: 'old.yaml', theirs: old },
      { step: 0, path: 'new.yaml', theirs: now },
    ];
    const parted = partMismatches(plan(steps), [move], met(c, blob), new Map());
    expect([...parted.standing]).toEqual([[changeKey('move', 'new.yaml'), blob]]);
    expect(
      parted.conflicts.map(({ found }) =>
        found.map(({ change, expect: was, theirs }) => [change.path, was, theirs]),
      ),
    ).toEqual([[['old.yaml', b, c]]]);
    const again = partMismatches(plan(steps), [move], met(null, blob).slice(1), parted.standing);
    expect(again.conflicts).toHaveLength(1);
    expect(planSteps([move], known, parted.standing)[0]?.expects).toEqual([b, blob]);
  });

  it('lets an operation that met a move of its batch wait for it', () => {
    const move = makeRename({ id: 'move' });
    const save = makeOperation({ id: 'save', path: 'new.yaml', expected: c });
    const steps = planSteps([move, save], known);
    const found = partMismatches(
      plan(steps),
      [move, save],
      [{ step: 1, path: 'new.yaml', theirs: blob }],
      new Map(),
    );
    expect([found.prefixMax, found.conflicts]).toEqual([1, []]);
  });

  it('of an earlier version, without expectations for many, is read', () => {
    const save = makeOperation({ id: 'save' });
    const chain = chainOf(plan([{ operation: 'save', expect: b }]), 'main', [save]);
    expect(chain.steps[0]?.changes).toEqual([{ path: 'a.yaml', content: document, expect: b }]);
  });
});

it('an origin of a change is where it was', () => {
  expect(changesOf(makeRename())[1]?.origin).toEqual(makeOrigin());
});
