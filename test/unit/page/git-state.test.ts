import { describe, expect, it } from 'vitest';
import type { Operation } from '../../../web/data/operations.js';
import { type Entity, gitStateOf, type Surroundings } from '../../../web/entities/git-state.js';

const git = { connector: 'direct', branch: 'main', path: 'build.yaml', commitId: 'c1', blobId: 'b1' };
const PROBLEM = {
  code: 'X',
  title: 'It went wrong',
  detail: 'It went wrong, and here is how.',
  hint: 'Wait',
};

const entity = (over: Partial<Entity> = {}): Entity =>
  ({
    kind: 'pipeline',
    id: 'build',
    store: 'git',
    blobId: 'b1',
    operationId: null,
    invalid: null,
    git,
    ...over,
  }) as Entity;

const operation = (state: Operation['state'], over: object = {}): Operation =>
  ({
    id: `of-${state}`,
    kind: 'pipeline',
    entity: 'build',
    git,
    state,
    problem: state === 'pending' || state === 'succeeded' ? null : PROBLEM,
    waitsFor: state === 'pending' ? 'a delegate' : null,
    finishedAt: state === 'pending' ? null : '2026-11-27T10:00:00.000Z',
    ...over,
  }) as Operation;

const followed = (
  state = 'current',
  syncedAt = '2026-11-27T09:00:00.000Z',
  problem: object | null = null,
): Surroundings['trackings'] =>
  [{ connector: 'direct', followed: [{ branch: 'main', state, syncedAt, problem }] }] as never;

const refused = (branch: string): Surroundings['problems'] =>
  [{ verdict: 'refused', kind: 'pipeline', entity: 'build', branch, problem: PROBLEM }] as never;

const none: Surroundings = { operations: [], trackings: followed(), problems: [], settled: new Set() };

const conflictWith = (theirs: string | null, base: string | null = 'b0'): Operation =>
  operation('conflict', {
    problem: { ...PROBLEM, versions: { base: { blobId: base }, theirs: { blobId: theirs } } },
  });

describe('an entity', () => {
  it.each<[string, Partial<Entity>, Partial<Surroundings>]>([
    ['In sync', {}, {}],
    ['In sync', {}, { operations: [operation('succeeded'), operation('failed')] }],
    ['Saving', {}, { operations: [operation('pending'), operation('conflict')] }],
    ['Conflict', {}, { operations: [operation('conflict'), operation('succeeded')] }],
    ['Save failed', {}, { operations: [operation('failed')] }],
    ['In sync', {}, { operations: [operation('cancelled')] }],
    ['Save failed', {}, { operations: [operation('cancelled'), operation('failed')] }],
    ['Invalid', { invalid: PROBLEM as never }, { problems: refused('main') }],
    ['Refused', {}, { problems: refused('main'), trackings: followed('behind') }],
    ['In sync', {}, { problems: refused('other') }],
    ['Behind', {}, { trackings: followed('behind') }],
    ['Behind', {}, { trackings: followed('failing') }],
    ['Refreshing', {}, { trackings: followed('refreshing') }],
    ['Branch gone', {}, { trackings: followed('gone') }],
    ['Saved', {}, { trackings: [] }],
    ['Inline', { git: null, store: 'inline' }, {}],
  ])('is %s with %j and %j', (word, of, surroundings) => {
    expect(gitStateOf(entity(of), { ...none, ...surroundings }).word).toBe(word);
  });

  it('says why, and leads to the operation that is to be looked at', () => {
    const conflict = gitStateOf(entity(), { ...none, operations: [operation('conflict')] });
    expect(conflict).toMatchObject({ why: PROBLEM.detail, operationId: 'of-conflict' });
    const saving = gitStateOf(entity(), { ...none, operations: [operation('pending')] });
    expect(saving).toMatchObject({ why: 'a delegate', operationId: 'of-pending' });
    const failing = followed('failing', undefined, PROBLEM);
    expect(gitStateOf(entity(), { ...none, trackings: failing }).why).toBe(PROBLEM.detail);
  });

  it('is not held to what others did on another branch, or to another entity', () => {
    const others = [
      operation('conflict', { git: { ...git, branch: 'other' } }),
      operation('failed', { entity: 'other' }),
      operation('pending', { kind: 'other' }),
    ];
    expect(gitStateOf(entity(), { ...none, operations: others }).word).toBe('In sync');
  });
});

describe('a conflict that was left as it is', () => {
  it.each([
    ['stays while the copy is what the save found', 'b1', 'b0', 'Conflict'],
    ['stays while the copy is what the save was made from', 'b2', 'b1', 'Conflict'],
    ['is history once others have written something newer', 'b2', 'b0', 'In sync'],
    ['with a removal is history once others have written it anew', null, 'b0', 'In sync'],
  ])('%s', (_, theirs, base, word) => {
    const operations = [conflictWith(theirs, base)];
    const trackings = followed('current', '2026-11-27T11:00:00.000Z');
    expect(gitStateOf(entity(), { ...none, operations, trackings }).word).toBe(word);
  });

  it('is none any more where it is let be, and neither is an older one', () => {
    const operations = [conflictWith('b1'), operation('failed')];
    const letBe = new Set(['of-conflict']);
    expect(gitStateOf(entity(), { ...none, operations, settled: letBe }).word).toBe('In sync');
    expect(gitStateOf(entity(), { ...none, operations: [operation('failed')], settled: letBe }).word).toBe(
      'Save failed',
    );
  });

  it('stays with what a save from here has written', () => {
    const operations = [conflictWith('b2')];
    expect(gitStateOf(entity({ operationId: 'earlier' }), { ...none, operations }).word).toBe('Conflict');
  });
});

describe('a save that failed', () => {
  it.each([
    ['stays until the branch is read again', null, '2026-11-27T09:59:59.000Z', 'Save failed'],
    ['is history once others’ document was read after it', null, '2026-11-27T10:00:01.000Z', 'In sync'],
    ['stays over what an earlier save wrote', 'earlier', '2026-11-27T10:00:01.000Z', 'Save failed'],
  ])('%s', (_, operationId, syncedAt, word) => {
    const surroundings = {
      ...none,
      operations: [operation('failed')],
      trackings: followed('current', syncedAt),
    };
    expect(gitStateOf(entity({ operationId }), surroundings).word).toBe(word);
  });
});
