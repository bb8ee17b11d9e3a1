// The road of an operation as the page draws it.
import { describe, expect, it } from 'vitest';
import type { Operation } from '../../../src/client/client.js';
import { roadOf } from '../../../web/operations/road.js';

const at = (ms: number): string => new Date(1_700_000_000_000 + ms).toISOString();
const pending: Operation = {
  id: 'one',
  scope: 'accounts/demo',
  action: 'save',
  kind: 'pipeline',
  entity: 'build',
  state: 'pending',
  waitsFor: null,
  store: 'git',
  blobId: null,
  git: { connector: 'direct', branch: 'main', path: 'a.yaml', commitId: null, blobId: null },
  yaml: 'a: 1\n',
  problem: null,
  pullRequest: null,
  createdAt: at(0),
  takenAt: null,
  plannedAt: null,
  pushedAt: null,
  pushedBy: null,
  deadlineAt: at(900_000),
  finishedAt: null,
};
const taken: Operation = { ...pending, takenAt: at(10) };
const planned: Operation = { ...taken, plannedAt: at(15) };
const succeeded: Operation = {
  ...planned,
  state: 'succeeded',
  git: { connector: 'direct', branch: 'main', path: 'a.yaml', commitId: 'c0ffee0123', blobId: 'b' },
  pushedAt: at(115),
  pushedBy: { connectivity: 'delegate', delegate: { id: 'd', name: 'north', group: 'local' } },
  finishedAt: at(120),
};

const statesOf = (operation: Operation): string =>
  roadOf(operation)
    .map(({ name, state }) => `${name} ${state}`)
    .join(', ');
const noteOf = (operation: Operation, name: string) =>
  roadOf(operation).find((one) => one.name === name)?.note;

describe('the road of an operation', () => {
  it.each<[string, Operation, string]>([
    ['accepted', pending, 'Accepted done, Lane now, Batch ahead, Pushed ahead, Confirmed ahead'],
    ['taken', taken, 'Accepted done, Lane done, Batch now, Pushed ahead, Confirmed ahead'],
    ['planned', planned, 'Accepted done, Lane done, Batch done, Pushed now, Confirmed ahead'],
    ['in Git', succeeded, 'Accepted done, Lane done, Batch done, Pushed done, Confirmed done'],
    [
      'failed once it was planned',
      { ...planned, state: 'failed', finishedAt: at(50) },
      'Accepted done, Lane done, Batch done, Pushed stopped, Failed stopped',
    ],
    [
      'a conflict',
      { ...planned, state: 'conflict', finishedAt: at(50) },
      'Accepted done, Lane done, Batch done, Pushed stopped, Conflict stopped',
    ],
    ['inline', { ...succeeded, git: null, store: 'inline' }, 'Accepted done, Confirmed done'],
  ])('%s', (_, operation, states) => {
    expect(statesOf(operation)).toBe(states);
  });

  it('tells how long after the one before each step was taken', () => {
    expect(roadOf(succeeded).map(({ afterMs }) => afterMs)).toEqual([null, 10, 5, 100, 5]);
  });

  it('of before the steps were kept has the first and the last, and what lies between', () => {
    const old = { ...succeeded, takenAt: null, plannedAt: null, pushedAt: null, pushedBy: null };
    expect(statesOf(old)).toBe('Accepted done, Lane done, Batch done, Pushed done, Confirmed done');
    expect(roadOf(old).map(({ afterMs }) => afterMs)).toEqual([null, null, null, null, 120]);
    expect(noteOf(old, 'Pushed')).toBe('Commit c0ffee01');
  });

  it('never goes back in time where two clocks differ', () => {
    expect(roadOf({ ...taken, takenAt: at(-40) })[1]).toMatchObject({ at: at(-40), afterMs: 0 });
  });

  it('says who had the answer, and what is waited for where it is waited for', () => {
    expect(noteOf(succeeded, 'Pushed')).toBe('Commit c0ffee01, by north of local');
    expect(noteOf({ ...pending, waitsFor: 'a delegate' }, 'Lane')).toBe('a delegate');
    expect(noteOf({ ...planned, waitsFor: 'the host' }, 'Pushed')).toBe('the host');
  });
});
