import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Candidate,
  explainNobody,
  explainWaiting,
  findAbsent,
  judge,
  rank,
  type Wanted,
} from '../../../src/delegates/selection.js';

const wanted: Wanted = {
  scope: 'accounts/a/orgs/o',
  group: null,
  tags: [],
  url: 'https://git.example/team/repo.git',
  contract: { oldest: 3, latest: 4 },
};

const candidate = (more: Partial<Candidate> = {}): Candidate => ({
  id: 'd1',
  name: 'one',
  group: 'g',
  groupId: 'g0',
  scope: 'accounts/a',
  state: 'enabled',
  alive: true,
  said: 'heartbeat',
  silentMs: 0,
  contract: 4,
  contractOldest: 3,
  hasGroupKeys: true,
  tags: ['eu'],
  tasksMax: 4,
  busy: 0,
  nativeGit: false,
  gitAllowed: null,
  reach: undefined,
  ...more,
});

const judged = (more: Partial<Candidate>, want: Partial<Wanted> = {}) => {
  const { eligible, reasons } = judge(candidate(more), { ...wanted, ...want });
  return { eligible, reasons: reasons.map(({ code, detail }) => `${code}: ${detail}`) };
};
const eligible = { eligible: true, reasons: [] };
const order = (candidates: Candidate[], want: Partial<Wanted> = {}) =>
  rank(candidates, { ...wanted, ...want }).map(({ delegate }) => delegate.id);

describe('a delegate is eligible', () => {
  const cases: [string, Partial<Candidate>, Partial<Wanted>][] = [
    ['as it is', {}, {}],
    ['for its own scope', { scope: 'accounts/a/orgs/o' }, {}],
    ['for what is within its scope', {}, { scope: 'accounts/a/orgs/o/projects/p' }],
    ['for its own group', {}, { group: 'g' }],
    ['for what it has begun itself', {}, { only: 'd1' }],
    ['with every tag, whatever their order', { tags: ['b', 'eu', 'a'] }, { tags: ['a', 'b'] }],
    ['with the oldest contract', { contract: 3 }, {}],
    ['with a newer contract beside', { contract: 5, contractOldest: 4 }, {}],
    ['when its policy names the repository', { gitAllowed: ['git.example/team/*'] }, {}],
    ['over SSH with the system git', { nativeGit: true }, { url: 'git@git.example:team/repo.git' }],
    ['without system git, however the scheme is written', {}, { url: 'HTTPS://git.example/team/repo.git' }],
    ['when it reached the host before', { reach: { ok: true, detail: '' } }, {}],
  ];
  it.each(cases)('%s', (_, more, want) => {
    expect(judged(more, want)).toEqual(eligible);
  });

  it('but would have to wait when it has all the tasks it does at once', () => {
    const full = { eligible: true, reasons: ['full: it has 4 tasks and does 4 at once'] };
    expect(judged({ busy: 4 })).toEqual(full);
    expect(judged({ busy: 3 })).toEqual(eligible);
  });
});

describe('a delegate is not eligible', () => {
  const cases: [string, Partial<Candidate>, Partial<Wanted>][] = [
    ['group: another delegate has begun it', {}, { only: 'd2' }],
    ['scope: it serves accounts/b, not accounts/a/orgs/o', { scope: 'accounts/b' }, {}],
    [
      'scope: it serves accounts/a/orgs/o/projects/p, not accounts/a/orgs/o',
      { scope: 'accounts/a/orgs/o/projects/p' },
      {},
    ],
    [
      'scope: it serves accounts/a/orgs/o, not accounts/a/orgs/oo',
      { scope: 'accounts/a/orgs/o' },
      { scope: 'accounts/a/orgs/oo' },
    ],
    ['group: it is of group g, not h', {}, { group: 'h' }],
    ['tag: it lacks us, x', {}, { tags: ['us', 'eu', 'x'] }],
    ['revoked: it was revoked', { state: 'revoked' }, {}],
    ['disabled: it was disabled', { state: 'disabled' }, {}],
    ['draining: it takes no further tasks', { state: 'draining' }, {}],
    ['draining: it takes no further tasks', { said: 'draining' }, {}],
    ['dead: it has fallen silent', { alive: false }, {}],
    ['starting: it has not begun to take tasks yet', { said: 'hello' }, {}],
    ['keys: it lacks the current keys of its group', { hasGroupKeys: false }, {}],
    ['dead: it is not running', { alive: false, said: 'goodbye' }, {}],
    ['contract: it speaks contract 2, the manager 3 to 4', { contract: 2 }, {}],
    ['contract: it speaks contract 6, the manager 3 to 4', { contract: 6, contractOldest: 5 }, {}],
    [
      'contract: it speaks contract 2, the manager 3',
      { contract: 2 },
      { contract: { oldest: 3, latest: 3 } },
    ],
    [
      'allow-list: its own policy does not allow this repository',
      { gitAllowed: ['git.example/other/**'] },
      {},
    ],
    ['allow-list: its own policy does not allow this repository', { gitAllowed: [] }, {}],
    ['engine: it has no system git, which SSH needs', {}, { url: 'ssh://git@git.example/team/repo.git' }],
    ['engine: it has no system git, which SSH needs', {}, { url: 'git@git.example:team/repo.git' }],
    [
      'unreachable: it could not reach git.example: timed out',
      { reach: { ok: false, detail: 'timed out' } },
      {},
    ],
  ];
  it.each(cases)('%s', (reason, more, want) => {
    expect(judged(more, want)).toEqual({ eligible: false, reasons: [reason] });
  });

  it('for every reason at once, each told', () => {
    const everything = {
      scope: 'accounts/b',
      state: 'revoked',
      alive: false,
      contract: 1,
      gitAllowed: [],
      busy: 9,
    } as const;
    const { reasons } = judge(
      candidate({ ...everything, said: 'draining', reach: { ok: false, detail: 'x' } }),
      {
        ...wanted,
        group: 'h',
        tags: ['us'],
        url: 'git@git.example:a/b',
      },
    );
    expect(reasons.map(({ code }) => code)).toEqual([
      ...['scope', 'group', 'tag', 'revoked', 'draining', 'dead', 'contract', 'allow-list', 'engine'],
      ...['unreachable', 'full'],
    ]);
  });
});

describe('of several delegates', () => {
  it('an eligible one comes before all others', () => {
    expect(order([candidate({ id: 'a', state: 'disabled' }), candidate({ id: 'b', busy: 4 })])).toEqual([
      'b',
      'a',
    ]);
  });

  it('one that could begin at once comes before one of a narrower scope that is full', () => {
    const near = candidate({ id: 'a', scope: 'accounts/a/orgs/o', busy: 4 });
    expect(order([near, candidate({ id: 'b', busy: 3 })])).toEqual(['b', 'a']);
  });

  it('the narrower scope comes first, however busy', () => {
    const scopes = ['accounts/a', 'accounts/a/orgs/o/projects/p', 'accounts/a/orgs/o'];
    const candidates = scopes.map((scope, at) => candidate({ id: `${at}`, scope, busy: at }));
    expect(order(candidates, { scope: 'accounts/a/orgs/o/projects/p' })).toEqual(['1', '2', '0']);
  });

  it('the lower load comes first, in proportion to what each does at once', () => {
    const loads = [
      candidate({ id: 'a', busy: 1, tasksMax: 2 }),
      candidate({ id: 'b', busy: 3, tasksMax: 8 }),
    ];
    expect(order(loads)).toEqual(['b', 'a']);
  });

  it('of equal load, the one that is known to reach the host comes first', () => {
    expect(order([candidate({ id: 'a' }), candidate({ id: 'b', reach: { ok: true, detail: '' } })])).toEqual([
      'b',
      'a',
    ]);
  });

  it('of equal everything, the id decides', () => {
    expect(order(['c', 'a', 'b'].map((id) => candidate({ id })))).toEqual(['a', 'b', 'c']);
  });
});

const anyCandidate = fc
  .record({
    scope: fc.constantFrom('accounts/a', 'accounts/a/orgs/o', 'accounts/a/orgs/o/projects/p', 'accounts/b'),
    state: fc.constantFrom('enabled', 'enabled', 'enabled', 'draining', 'disabled', 'revoked'),
    alive: fc.boolean(),
    said: fc.constantFrom('hello', 'heartbeat', 'draining', 'goodbye'),
    contract: fc.integer({ min: 2, max: 5 }),
    tags: fc.subarray(['eu', 'us', 'x']),
    tasksMax: fc.integer({ min: 1, max: 3 }),
    busy: fc.integer({ min: 0, max: 4 }),
    nativeGit: fc.boolean(),
    gitAllowed: fc.constantFrom(null, [], ['git.example']),
    reach: fc.constantFrom(undefined, { ok: true, detail: '' }, { ok: false, detail: 'x' }),
  })
  .map((more) => candidate(more as Partial<Candidate>));
const anyCandidates = fc
  .array(anyCandidate, { maxLength: 8 })
  .map((all) => all.map((one, at) => ({ ...one, id: `d${at}` })));
const anyWanted = fc
  .record({
    scope: fc.constantFrom('accounts/a', 'accounts/a/orgs/o', 'accounts/a/orgs/o/projects/p'),
    group: fc.constantFrom(null, 'g', 'h'),
    tags: fc.subarray(['eu', 'us']),
    url: fc.constantFrom('https://git.example/a/b', 'git@git.example:a/b'),
  })
  .map((want): Wanted => ({ ...wanted, ...want }));

describe('the order of delegates', () => {
  it('is the same however they are listed', () => {
    const cases = anyCandidates.chain((all) =>
      fc.record({
        all: fc.constant(all),
        mixed: fc.shuffledSubarray(all, { minLength: all.length }),
        want: anyWanted,
      }),
    );
    fc.assert(
      fc.property(cases, ({ all, mixed, want }) => {
        expect(rank(mixed, want)).toEqual(rank(all, want));
      }),
      { seed: 4, numRuns: 2_000 },
    );
  });

  it('loses nobody, judges each by itself, and changes nothing', () => {
    fc.assert(
      fc.property(anyCandidates, anyWanted, (all, want) => {
        const before = structuredClone(all);
        const verdicts = rank(all, want);
        expect(all).toEqual(before);
        expect(new Set(verdicts.map(({ delegate }) => delegate))).toEqual(new Set(all));
        for (const verdict of verdicts) expect(verdict).toEqual(judge(verdict.delegate, want));
      }),
      { seed: 5, numRuns: 1_000 },
    );
  });

  it('puts eligible ones first, and says of all others why not', () => {
    fc.assert(
      fc.property(anyCandidates, anyWanted, (all, want) => {
        const verdicts = rank(all, want);
        const first = verdicts.findIndex((verdict) => !verdict.eligible);
        for (const { eligible: is, reasons } of first < 0 ? [] : verdicts.slice(first)) {
          expect(is).toBe(false);
          expect(reasons.some(({ code }) => code !== 'full')).toBe(true);
        }
      }),
      { seed: 6, numRuns: 1_000 },
    );
  });
});

describe('why nobody carries it', () => {
  const explain = (candidates: Candidate[], want: Partial<Wanted> = {}) =>
    explainNobody(rank(candidates, { ...wanted, ...want }), { ...wanted, ...want });

  it('is that nobody has enrolled', () => {
    expect(explain([])).toBe('no delegate in the scope of accounts/a/orgs/o has enrolled');
    expect(explain([], { group: 'h', tags: ['eu', 'us'] })).toBe(
      'no delegate of group h with eu, us has enrolled',
    );
  });

  it('is the first reason of each', () => {
    const two = [
      candidate({ id: 'a', name: 'one', state: 'disabled', alive: false }),
      candidate({ id: 'b', name: 'two', alive: false }),
    ];
    expect(explain(two)).toBe(
      'no delegate in the scope of accounts/a/orgs/o can do it (g/one: it was disabled; g/two: it has fallen silent)',
    );
  });

  it('names five of them at most', () => {
    const six = ['1', '2', '3', '4', '5', '6'].map((id) => candidate({ id, name: id, alive: false }));
    expect(explain(six)).toMatch(/g\/5: it has fallen silent; …\)$/);
  });
});

describe('who is merely absent', () => {
  const DAY_MS = 24 * 3_600_000;
  const isAbsent = (more: Partial<Candidate>) => findAbsent(rank([candidate(more)], wanted)).length === 1;

  it.each<[string, Partial<Candidate>]>([
    ['fell silent', { alive: false }],
    ['said goodbye', { alive: false, said: 'goodbye' }],
    ['went a day ago', { alive: false, silentMs: DAY_MS }],
    ['drains', { said: 'draining' }],
    ['starts', { said: 'hello' }],
    ['could not reach the host a moment ago', { reach: { ok: false, detail: 'timed out' } }],
    ['is silent and full', { alive: false, busy: 4 }],
  ])('is one that %s', (_, more) => {
    expect(isAbsent(more)).toBe(true);
  });

  it.each<[string, Partial<Candidate>]>([
    ['is there', {}],
    ['is there and full', { busy: 4 }],
    ['went longer than a day ago', { alive: false, silentMs: DAY_MS + 1 }],
    ['was revoked', { alive: false, state: 'revoked' }],
    ['was disabled', { alive: false, state: 'disabled' }],
    ['serves another scope', { alive: false, scope: 'accounts/b' }],
    ['speaks another contract', { alive: false, contract: 2 }],
    ['may not touch the repository', { alive: false, gitAllowed: [] }],
  ])('is none that %s', (_, more) => {
    expect(isAbsent(more)).toBe(false);
  });

  it('is named beside what the one that is there said', () => {
    const absent = findAbsent(rank([candidate({ name: 'two', alive: false })], wanted));
    expect(explainWaiting({ delegate: 'one', message: 'no' }, absent)).toBe(
      'delegate one does not do it (no), and who may cannot now (g/two: it has fallen silent)',
    );
  });
});
