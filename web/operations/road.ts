// The road of an operation, as steps that were taken, are being taken, or were not.
import type { Operation } from './operation-state.js';

export interface Step {
  name: string;
  state: 'done' | 'now' | 'ahead' | 'stopped';
  /** What is known of it. */
  note: string;
  /** When it was taken, where that is known. */
  at: string | null;
}

export function roadOf(operation: Operation): Step[] {
  const { git, state, createdAt } = operation;
  const accepted: Step = {
    name: 'Accepted',
    state: 'done',
    note: 'Written down: it cannot be lost',
    at: createdAt,
  };
  if (git === null) return [accepted, endOf(operation, 'Kept in Sallyport')];
  const isPending = state === 'pending';
  const isIn = git.commitId !== null;
  return [
    accepted,
    {
      name: 'Lane',
      state: isPending ? 'now' : 'done',
      note: isPending
        ? (operation.waitsFor ?? 'Its turn comes next')
        : `One writer on ${git.branch} of ${git.connector}`,
      at: null,
    },
    {
      name: 'Pushed',
      state: stepBefore(isIn, isPending),
      note: isIn ? `Commit ${git.commitId?.slice(0, 8) ?? ''}` : 'One commit of its own, by compare-and-swap',
      at: null,
    },
    endOf(operation, 'On the branch, seen there'),
    ...requestOf(operation),
  ];
}

const stepBefore = (isDone: boolean, isPending: boolean): Step['state'] => {
  if (isDone) return 'done';
  return isPending ? 'ahead' : 'stopped';
};

function endOf({ state, finishedAt, problem }: Operation, done: string): Step {
  switch (state) {
    case 'succeeded':
      return { name: 'Confirmed', state: 'done', note: done, at: finishedAt };
    case 'pending':
      return { name: 'Confirmed', state: 'ahead', note: 'Not yet', at: null };
    default:
      return {
        name: state === 'conflict' ? 'Conflict' : 'Failed',
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
      state: isEarly ? stepBefore(false, state === 'pending') : known.state,
      note: isEarly ? 'After the commit' : known.note,
      at: null,
    },
  ];
}
