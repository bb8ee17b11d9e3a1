// How an entity stands between Sallyport and Git, said in one word. What somebody has to do something about comes first.
import type { Schemas } from '../data/api.js';
import type { Tracking } from '../data/connectors.js';
import type { Operation } from '../data/operations.js';
import type { IconName } from '../parts/icon.js';
import type { Tone } from '../parts/state.js';

export type Entity = Schemas['Entity'];

export interface GitState {
  word: string;
  tone: Tone;
  icon?: IconName;
  why: string;
  /** Where it leads: what is to be looked at. */
  operationId?: string;
}

/** What is known beside the entity. */
export interface Surroundings {
  /** Newest first. */
  operations: readonly Operation[];
  trackings: readonly Tracking[];
  /** Files of Git that a tracking keeps out. */
  problems: readonly Schemas['FileProblem'][];
  /** Operations whose conflicts are let be. */
  settled: ReadonlySet<string>;
}

export function gitStateOf(entity: Entity, surroundings: Surroundings): GitState {
  return (
    ofOperation(newestOf(entity, surroundings)) ??
    ofDocument(entity, surroundings.problems) ??
    ofBranch(entity, surroundings.trackings)
  );
}

/** The newest of the entity’s operations on its branch that was not taken back, unless Git has moved on since. */
function newestOf(entity: Entity, { operations, trackings, settled }: Surroundings): Operation | undefined {
  const { kind, id, git } = entity;
  const newest = operations.find(
    (one) =>
      one.kind === kind && one.entity === id && one.git?.branch === git?.branch && one.state !== 'cancelled',
  );
  if (newest === undefined || (newest.state === 'conflict' && settled.has(newest.id))) return undefined;
  return isOvertaken(newest, entity, trackings) ? undefined : newest;
}

/** Whether others wrote the entity after a save of it went wrong: what that said is history. */
function isOvertaken(
  { state, problem, finishedAt }: Operation,
  entity: Entity,
  trackings: readonly Tracking[],
): boolean {
  if (entity.operationId !== null) return false;
  if (state === 'conflict') {
    const { base, theirs } = (problem?.versions ?? {}) as Partial<Record<'base' | 'theirs', Version>>;
    return theirs !== undefined && ![base?.blobId, theirs.blobId].includes(entity.blobId);
  }
  const syncedAt = followedOf(entity, trackings)?.syncedAt ?? null;
  return state === 'failed' && finishedAt !== null && syncedAt !== null && syncedAt > finishedAt;
}

interface Version {
  blobId: string | null;
}

const followedOf = ({ git }: Entity, trackings: readonly Tracking[]): Schemas['TrackedBranch'] | undefined =>
  trackings
    .find(({ connector }) => connector === git?.connector)
    ?.followed.find(({ branch }) => branch === git?.branch);

function ofOperation(operation: Operation | undefined): GitState | undefined {
  if (operation === undefined) return undefined;
  const { id: operationId, problem } = operation;
  switch (operation.state) {
    case 'pending':
      return { word: 'Saving', tone: 'busy', why: operation.waitsFor ?? 'On its way to Git', operationId };
    case 'conflict':
      return {
        word: 'Conflict',
        tone: 'bad',
        icon: 'split',
        why: problem?.detail ?? 'A save found something else in Git',
        operationId,
      };
    case 'failed':
      return {
        word: 'Save failed',
        tone: 'bad',
        why: problem?.detail ?? 'The last save failed',
        operationId,
      };
    default:
      return undefined;
  }
}

function ofDocument(entity: Entity, problems: Surroundings['problems']): GitState | undefined {
  if (entity.invalid !== null) return { word: 'Invalid', tone: 'bad', why: entity.invalid.detail };
  const refused = problems.find(
    (one) =>
      one.verdict === 'refused' &&
      one.kind === entity.kind &&
      one.entity === entity.id &&
      one.branch === entity.git?.branch,
  );
  return refused === undefined
    ? undefined
    : { word: 'Refused', tone: 'warn', icon: 'stop', why: refused.problem.detail };
}

const branchStates = {
  current: { word: 'In sync', tone: 'ok', why: 'The copy is what the branch holds' },
  refreshing: { word: 'Refreshing', tone: 'busy', why: 'What was pushed is being read' },
  behind: { word: 'Behind', tone: 'warn', icon: 'behind', why: 'The branch has moved on, and is read next' },
  failing: { word: 'Behind', tone: 'warn', icon: 'behind', why: 'The branch cannot be read at the moment' },
  gone: {
    word: 'Branch gone',
    tone: 'warn',
    icon: 'branch',
    why: 'The branch is not in the repository any more',
  },
} as const satisfies Record<Schemas['TrackedBranch']['state'], GitState>;

function ofBranch(entity: Entity, trackings: readonly Tracking[]): GitState {
  const { git, store } = entity;
  if (store === 'inline' || git === null)
    return { word: 'Inline', tone: 'calm', why: 'Kept in Sallyport alone, without Git' };
  const followed = followedOf(entity, trackings);
  if (followed === undefined)
    return {
      word: 'Saved',
      tone: 'calm',
      icon: 'check',
      why: 'In Git since its last save; as far as you may see nobody follows the branch, so later pushes are not known',
    };
  const state: GitState = branchStates[followed.state];
  return followed.problem === null ? state : { ...state, why: followed.problem.detail };
}
