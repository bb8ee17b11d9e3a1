import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Purpose } from '../../../src/contract/audit.js';
import { blobIdOf } from '../../../src/git/blob-id.js';
import { causeOf, chainOf, chooseBatch, connectorKey, planSteps } from '../../../src/sync/batch.js';
import type { Plan } from '../../../src/sync/lanes.repository.js';
import { changeKey } from '../../../src/sync/operation-changes.js';
import { makeChange, makeMove } from '../support/moves.js';
import { type GitOperation, makeOperation } from '../support/operations.js';

const MIB = 1024 * 1024;
const bytes = (count: number): Buffer => Buffer.alloc(count, 'x');
const scope = 'accounts/acme';
const keyOf = (connector: string): string => `${scope}/connectors/${connector}`;

/** Waiting operations: `path`, `path@connector`, `path^branch` for one that makes a branch. */
const waitingOf = (...texts: string[]): GitOperation[] =>
  texts.map((text) => {
    const [, path = '', connector = 'direct', branch = null] =
      /^([^@^]+)(?:@([^^]+))?(?:\^(.+))?$/.exec(text) ?? [];
    return makeOperation({ id: text, path, connector_id: connector, new_branch_from: branch });
  });

describe('the cause of a batch', () => {
  it('names each actor once, and none longer than a task carries', () => {
    const batch = ['admin', 'n'.repeat(300), 'admin', null].map((requested_by, n) =>
      makeOperation({ id: `${n}`, requested_by }),
    );
    const cause = causeOf(batch);
    expect(cause).toEqual({
      kind: 'save',
      operations: ['0', '1', '2', '3'],
      actors: ['admin', 'n'.repeat(256)],
    });
    expect(Purpose.safeParse({ ...cause, subject: 's' }).success).toBe(true);
  });
});

describe('a batch', () => {
  const table: [string, string[], string[], string[]][] = [
    ['nothing waits', [], [], []],
    ['all can go', ['a', 'b', 'c'], [], ['a', 'b', 'c']],
    ['two are on one path', ['a', 'b', 'a'], [], ['a', 'b', 'a']],
    ['another connector waits between', ['a', 'b@other', 'c'], [], ['a', 'c']],
    ['another connector waits first', ['a@other', 'b', 'c@other'], [], ['a@other', 'c@other']],
    ['another connector is before on the same path', ['a', 'b@other', 'b', 'c'], [], ['a', 'c']],
    ['the first connector is blocked', ['a', 'b@other', 'c'], ['direct'], ['b@other']],
    ['the only connector is blocked', ['a', 'b'], ['direct'], []],
    ['all connectors are blocked', ['a', 'b@other'], ['direct', 'other'], []],
    ['the unblocked one is behind a blocked one on its path', ['a', 'a@other'], ['direct'], []],
    ['only some of the unblocked are behind', ['a', 'a@other', 'b@other'], ['direct'], ['b@other']],
    ['one makes a branch', ['a^main', 'b', 'c^main'], [], ['a^main', 'c^main']],
    ['two make a branch from two others', ['a^main', 'b^next'], [], ['a^main']],
    ['a later one is on the path of one passed over', ['a', 'b^main', 'b', 'b', 'c'], [], ['a', 'c']],
  ];
  it.each(table)('where %s', (_, waiting, blocked, batch) => {
    const chosen = chooseBatch(waitingOf(...waiting), new Set(blocked.map(keyOf)));
    expect(chosen.map(({ id }) => id)).toEqual(batch);
  });

  it('is of the account whose turn it is, and else of whoever stands in its way', () => {
    const waiting = [
      makeOperation({ id: 'other', account: 'accounts/other', connector_id: 'other', path: 'a' }),
      makeOperation({ id: 'behind', path: 'a' }),
      makeOperation({ id: 'own', path: 'b' }),
    ];
    const account = 'accounts/acme';
    expect(chooseBatch(waiting, new Set(), { account }).map(({ id }) => id)).toEqual(['own']);
    expect(chooseBatch(waiting.slice(0, 2), new Set(), { account }).map(({ id }) => id)).toEqual(['other']);
    expect(chooseBatch(waiting, new Set()).map(({ id }) => id)).toEqual(['other']);
  });

  it('takes none along with what has cost delegates', () => {
    const [dear, fresh, dearToo] = [1, 0, 1].map((deaths, n) => makeOperation({ path: `${n}`, deaths }));
    const behind = makeOperation({ path: '0' });
    const waiting = [dear, fresh, dearToo, behind] as GitOperation[];
    expect(chooseBatch(waiting, new Set())).toEqual([dear, dearToo]);
    expect(chooseBatch(waiting.slice(1), new Set())).toEqual([fresh, behind]);
  });

  it('has at most a hundred operations, or as many as are asked for', () => {
    const waiting = Array.from({ length: 150 }, (_, n) => makeOperation({ path: `${n}.yaml` }));
    expect(chooseBatch(waiting, new Set())).toEqual(waiting.slice(0, 100));
    expect(chooseBatch(waiting, new Set(), { operationsMax: 1 })).toEqual(waiting.slice(0, 1));
  });

  it('has at most 4 MiB', () => {
    const waiting = [1, 1, 1, 1, 1].map((size, n) =>
      makeOperation({ path: `${n}.yaml`, yaml: bytes(size * MIB) }),
    );
    expect(chooseBatch(waiting, new Set())).toHaveLength(4);
  });

  it('has at most a thousand changes, however small', () => {
    const moves = Array.from({ length: 5 }, (_, n) =>
      makeMove(
        Array.from({ length: 400 }, (__, at) => makeChange({ path: `${n}/${at}.yaml` })),
        { id: `${n}` },
      ),
    );
    expect(chooseBatch(moves, new Set()).map(({ id }) => id)).toEqual(['0', '1']);
    const large = makeMove(Array.from({ length: 1_200 }, (_, at) => makeChange({ path: `${at}.yaml` })));
    expect(chooseBatch([large, ...moves], new Set())).toEqual([large]);
  });

  it('lets a small one behind a large one go first only on another path', () => {
    const large = makeOperation({ id: 'large', path: 'b', yaml: bytes(2 * MIB) });
    const waiting = [
      makeOperation({ id: 'first', path: 'a', yaml: bytes(3 * MIB) }),
      large,
      makeOperation({ id: 'same path', path: 'b', yaml: bytes(1) }),
      makeOperation({ id: 'other path', path: 'c', yaml: bytes(1) }),
    ];
    expect(chooseBatch(waiting, new Set()).map(({ id }) => id)).toEqual(['first', 'other path']);
  });

  it('is never empty for want of room: the first one always goes', () => {
    const huge = makeOperation({ yaml: bytes(5 * MIB) });
    expect(chooseBatch([huge, makeOperation({ path: 'b' })], new Set())).toEqual([huge]);
  });

  it('counts deletions, which have no bytes', () => {
    const waiting = Array.from({ length: 3 }, (_, n) =>
      makeOperation({ path: `${n}`, yaml: null, action: 'delete' }),
    );
    expect(chooseBatch(waiting, new Set())).toEqual(waiting);
  });
});

const contents = new Map(
  [0, 1, MIB, 2 * MIB, 5 * MIB].map((size) => [size, size === 0 ? null : bytes(size)]),
);
const operation = fc
  .record({
    path: fc.constantFrom('a', 'b', 'c', 'd'),
    connector_id: fc.constantFrom('direct', 'other', 'third'),
    new_branch_from: fc.constantFrom(null, null, null, 'main'),
    size: fc.constantFrom(...contents.keys()),
  })
  .map(({ size, ...more }) => ({ ...more, yaml: contents.get(size) ?? null }));
const lane = fc.tuple(
  fc.array(operation, { maxLength: 15 }),
  fc.subarray(['direct', 'other', 'third']),
  fc.integer({ min: 1, max: 6 }),
);

describe('whatever waits', () => {
  const choose = ([given, blocked, operationsMax]: Parameters<Parameters<typeof lane.map>[0]>[0]) => {
    const waiting = given.map((one, n) => makeOperation({ ...one, id: String(n) }));
    const blockedKeys = new Set(blocked.map(keyOf));
    return {
      waiting,
      blockedKeys,
      operationsMax,
      batch: chooseBatch(waiting, blockedKeys, { operationsMax }),
    };
  };

  it('nobody overtakes an earlier operation on the same path', () => {
    fc.assert(
      fc.property(lane, (given) => {
        const { waiting, batch } = choose(given);
        for (const one of batch) {
          const earlier = waiting.slice(0, waiting.indexOf(one)).filter(({ path }) => path === one.path);
          expect(earlier.filter((other) => !batch.includes(other))).toHaveLength(0);
        }
        const inOrder = waiting.filter((one) => batch.includes(one));
        expect(batch.map(({ id }) => id)).toEqual(inOrder.map(({ id }) => id));
      }),
      { numRuns: 300 },
    );
  });

  it('a batch has one connector that is not blocked, and one branch to begin from', () => {
    fc.assert(
      fc.property(lane, (given) => {
        const { batch, blockedKeys } = choose(given);
        expect(new Set(batch.map(connectorKey)).size).toBeLessThanOrEqual(1);
        expect(new Set(batch.map((one) => one.new_branch_from)).size).toBeLessThanOrEqual(1);
        for (const one of batch) expect(blockedKeys).not.toContain(connectorKey(one));
      }),
      { numRuns: 300 },
    );
  });

  it('a batch keeps its limits, but for one operation that is larger by itself', () => {
    fc.assert(
      fc.property(lane, (given) => {
        const { batch, operationsMax } = choose(given);
        expect(batch.length).toBeLessThanOrEqual(operationsMax);
        const size = batch.reduce((sum, { yaml }) => sum + (yaml?.byteLength ?? 0), 0);
        const large = batch[0]?.yaml?.byteLength ?? 0;
        expect(size).toBeLessThanOrEqual(Math.max(4 * MIB, large));
      }),
      { numRuns: 300 },
    );
  });

  it('a batch is empty only where each path’s first operation is blocked', () => {
    fc.assert(
      fc.property(lane, (given) => {
        const { waiting, batch, blockedKeys } = choose(given);
        const firsts = waiting.filter((one, n) => waiting.findIndex(({ path }) => path === one.path) === n);
        const canGo = firsts.some((one) => !blockedKeys.has(connectorKey(one)));
        expect(batch.length > 0).toBe(canGo);
      }),
      { numRuns: 300 },
    );
  });
});

describe('what a step of the plan expects at its path', () => {
  const blobA = blobIdOf(Buffer.from('a: 1\n'));
  const known = (path: string): string | null => (path === 'known.yaml' ? 'k'.repeat(40) : null);
  const plan = (...operations: GitOperation[]) =>
    planSteps(operations, known).map(({ expect: wanted }) => wanted);

  it.each([
    ['what Sallyport knows there', 'known.yaml', 'any', 'k'.repeat(40)],
    ['nothing where Sallyport knows of nothing', 'new.yaml', 'any', null],
    ['nothing where the save may only create', 'known.yaml', 'absent', null],
    ['what the caller read', 'known.yaml', 'r'.repeat(40), 'r'.repeat(40)],
  ])('is %s', (_, path, expected, wanted) => {
    expect(plan(makeOperation({ path, expected }))).toEqual([wanted]);
  });

  it('is what the operation before it leaves there', () => {
    const save = makeOperation({ path: 'known.yaml', yaml: Buffer.from('a: 1\n') });
    const deletion = makeOperation({ path: 'known.yaml', yaml: null });
    expect(plan(save, save, deletion, save)).toEqual(['k'.repeat(40), blobA, blobA, null]);
  });

  it('is not touched by operations on other paths', () => {
    expect(plan(makeOperation({ path: 'x.yaml' }), makeOperation({ path: 'y.yaml' }))).toEqual([null, null]);
  });

  it('is still what the caller read, whatever comes before: that is the conflict', () => {
    const save = makeOperation({ path: 'known.yaml', yaml: Buffer.from('a: 1\n') });
    expect(plan(save, makeOperation({ path: 'known.yaml', expected: 'r'.repeat(40) }))[1]).toBe(
      'r'.repeat(40),
    );
    expect(plan(save, makeOperation({ path: 'known.yaml', expected: 'absent' }))[1]).toBeNull();
  });

  it('is what stands in Git where its own content was found there', () => {
    const one = makeOperation({ id: 'adopted', path: 'known.yaml' });
    const two = makeOperation({ id: 'gone', path: 'known.yaml', expected: 'r'.repeat(40) });
    const adopted = new Map([
      [changeKey('adopted', 'known.yaml'), 'g'.repeat(40)],
      [changeKey('gone', 'known.yaml'), null],
    ]);
    expect(planSteps([one, two], known, adopted)).toEqual([
      { operation: 'adopted', expect: 'g'.repeat(40) },
      { operation: 'gone', expect: null },
    ]);
  });
});

describe('the chain of a plan', () => {
  const operations = ['one', 'two'].map((id) =>
    makeOperation({
      id,
      path: `${id}.yaml`,
      message: `Save ${id}\n`,
      created_at: new Date(1_700_000_000_999),
    }),
  );
  const plan: Plan = {
    connector: { scope, id: 'direct' },
    base: 'b'.repeat(40),
    create: false,
    committer: { name: 'Sallyport', email: 'sallyport@localhost' },
    attempts: 1,
    steps: [
      { operation: 'one', expect: null },
      { operation: 'two', expect: 'e'.repeat(40) },
    ],
  };

  it('has a step for each operation, in the plan’s order', () => {
    expect(chainOf(plan, 'main', operations)).toEqual({
      branch: 'main',
      base: 'b'.repeat(40),
      create: false,
      steps: operations.map((one, n) => ({
        message: one.message,
        author: { name: one.author_name, email: one.author_email },
        committer: plan.committer,
        timestamp: 1_700_000_000,
        changes: [{ path: one.path, content: one.yaml, expect: plan.steps[n]?.expect }],
      })),
    });
  });

  it('is a function of plan and operations: neither their order nor the number of tries counts', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ path: fc.string(), message: fc.string(), time: fc.nat() }), {
          minLength: 1,
          maxLength: 8,
        }),
        fc.nat(9),
        fc.infiniteStream(fc.nat()),
        (given, attempts, order) => {
          const records = given.map(({ path, message, time }) =>
            makeOperation({ id: randomUUID(), path, message, created_at: new Date(time) }),
          );
          const steps = records.map(({ id }) => ({ operation: id, expect: null }));
          const shuffled = records
            .map((one) => ({ one, at: order.next().value as number }))
            .toSorted((a, b) => a.at - b.at)
            .map(({ one }) => one);
          const extra = makeOperation({ id: 'not planned' });
          expect(chainOf({ ...plan, steps, attempts }, 'main', [extra, ...shuffled])).toEqual(
            chainOf({ ...plan, steps }, 'main', records),
          );
        },
      ),
    );
  });

  it('does not depend on when it is built, on who waits or on what became of an operation', () => {
    const later = operations.map((one) => ({
      ...one,
      state: 'succeeded' as const,
      waits_for: 'x',
      finished_at: new Date(),
    }));
    expect(chainOf(plan, 'main', later)).toEqual(chainOf(plan, 'main', operations));
  });

  it('cannot be built where an operation is missing', () => {
    expect(() => chainOf(plan, 'main', operations.slice(1))).toThrow('operation one of a plan is missing');
  });
});
