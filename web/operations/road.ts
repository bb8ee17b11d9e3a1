// The road of an operation, as steps that were taken, are being taken, or were not.
import type { Operation } from '../../src/client/client.js';

export interface Step {
  name: string;
  state: 'done' | 'now' | 'ahead' | 'stopped';
  /** What is known of it. */
  note: string;
  /** When it was taken, where that is known. */
  at: string | null;
}

export interface TimedStep extends Step {
  /** How long after the last step whose time is known as well; null where one of them is not. */
  afterMs: number | null;
}

export function roadOf(operation: Operation): TimedStep[] {
  const { git, createdAt } = operation;
  const accepted: Step = {
    name: 'Accepted',
    state: 'done',
    note: 'Written down: it cannot be lost',
    at: createdAt,
  };
  if (git === null) return timed([accepted, endOf(operation, 'Kept in Sallyport')]);
  return timed([
    accepted,
    laneOf(operation, git),
    batchOf(operation),
    pushOf(operation, git),
    endOf(operation, 'On the branch, seen there'),
    ...requestOf(operation),
  ]);
}

type GitPlace = NonNullable<Operation['git']>;

function laneOf({ state, takenAt, waitsFor }: Operation, { connector, branch }: GitPlace): Step {
  const waits = waitsFor ?? 'Its turn comes next';
  const isTaken = takenAt !== null || state === 'succeeded';
  return {
    name: 'Lane',
    state: isTaken ? 'done' : stepAfter(state, 'now'),
    note: state === 'pending' && !isTaken ? waits : `One writer on ${branch} of ${connector}`,
    at: takenAt,
  };
}

function batchOf({ state, takenAt, plannedAt }: Operation): Step {
  const isPlanned = plannedAt !== null || state === 'succeeded';
  return {
    name: 'Batch',
    state: isPlanned ? 'done' : stepAfter(state, takenAt === null ? 'ahead' : 'now'),
    note: isPlanned ? 'Its plan is stored' : 'With what else waits in the lane',
    at: plannedAt,
  };
}

function pushOf(operation: Operation, { commitId }: GitPlace): Step {
  const { state, plannedAt, pushedAt } = operation;
  const isIn = commitId !== null || pushedAt !== null;
  const way = plannedAt === null ? 'ahead' : 'now';
  return {
    name: 'Pushed',
    state: isIn ? 'done' : stepAfter(state, way),
    note: isIn ? pushedNote(operation, commitId) : waitingNote(operation),
    at: pushedAt,
  };
}

function pushedNote({ pushedBy }: Operation, commitId: string | null): string {
  const what = commitId === null ? 'Answered' : `Commit ${commitId.slice(0, 8)}`;
  if (pushedBy === null) return what;
  const { delegate } = pushedBy;
  return `${what}, by ${delegate === null ? 'the manager' : `${delegate.name} of ${delegate.group}`}`;
}

const waitingNote = ({ state, plannedAt, waitsFor }: Operation): string =>
  state === 'pending' && plannedAt !== null && waitsFor !== null
    ? waitsFor
    : 'One commit of its own, by compare-and-swap';

/** Of one that is not taken: `way` while it may be. */
const stepAfter = (state: Operation['state'], way: 'now' | 'ahead'): Step['state'] =>
  state === 'pending' ? way : 'stopped';

const ends = { conflict: 'Conflict', failed: 'Failed', cancelled: 'Cancelled' } as const;

function endOf({ state, finishedAt, problem }: Operation, done: string): Step {
  switch (state) {
    case 'succeeded':
      return { name: 'Confirmed', state: 'done', note: done, at: finishedAt };
    case 'pending':
      return { name: 'Confirmed', state: 'ahead', note: 'Not yet', at: null };
    default:
      return {
        name: ends[state],
        state: 'stopped',
        note: problem?.title ?? 'It ended without a commit',
        at: finishedAt,
      };
  }
}

const requests = {
  wanted: { state: 'now', note: 'Being opened' },
  open: { state: 'done', note: 'Open' },
  merged: { state: 'done', note: 'Merged' },
  closed: { state: 'done', note: 'Closed' },
  failed: { state: 'stopped', note: 'Could not be opened' },
} as const;

function requestOf({ pullRequest, state }: Operation): Step[] {
  if (pullRequest === null) return [];
  const number = pullRequest.number === null ? '' : ` #${pullRequest.number}`;
  const known = requests[pullRequest.state];
  const isEarly = state !== 'succeeded' && pullRequest.state === 'wanted';
  return [
    {
      name: `Pull request${number}`,
      state: isEarly ? stepAfter(state, 'ahead') : known.state,
      note: isEarly ? 'After the commit' : known.note,
      at: null,
    },
  ];
}

function timed(steps: Step[]): TimedStep[] {
  let before: string | null = null;
  return steps.map((step) => {
    const { at } = step;
    // Two clocks may have written the two.
    const afterMs = at === null || before === null ? null : Math.max(0, Date.parse(at) - Date.parse(before));
    before = at ?? before;
    return { ...step, afterMs };
  });
}
