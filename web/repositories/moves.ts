// What the page asks of a move, and says of one.
import type { Schemas } from '../data/api.js';
import type { Tone } from '../parts/state.js';

export type Move = Schemas['Move'];
export type MoveItem = Schemas['MoveItem'];
type Counts = Move['counts'];

export interface Said {
  word: string;
  tone: Tone;
}

/** In place of a connector; no identifier begins with a space. */
export const INLINE = ' inline';

export interface Wish {
  /** Which of the repository: empty for whatever it is. */
  kind: string;
  fromBranch: string;
  folder: string;
  to: string;
  branch: string;
  template: string;
}

export const isNarrowed = ({ kind, fromBranch, folder }: Wish): boolean =>
  [kind, fromBranch, folder].some((part) => part !== '');

export function bodyOf(connector: string, wish: Wish, dryRun: boolean): Schemas['MoveWrite'] {
  const { kind, to, branch, template } = wish;
  const fromBranch = wish.fromBranch.trim();
  const folder = wish.folder.trim().replace(/^\/+|\/+$/g, '');
  return {
    from: {
      connector,
      ...(kind === '' ? {} : { kind }),
      ...(fromBranch === '' ? {} : { branch: fromBranch }),
      ...(folder === '' ? {} : { folder }),
    },
    to:
      to === INLINE
        ? { store: 'inline' }
        : { store: 'git', connector: to, branch, ...(template === '' ? {} : { pathTemplate: template }) },
    dryRun,
    keepFiles: false,
    otherBranches: 'refuse',
    skipBlocked: true,
  };
}

export const countOf = (count: number): string => `${count} ${count === 1 ? 'entity' : 'entities'}`;

export const targetOf = ({ to }: Pick<Move, 'to'>): string =>
  to.store === 'inline' ? 'Sallyport alone' : `${to.connector}, ${to.branch}`;

const movedOf = ({ done, left }: Counts): number => done + left;

/** Entities, and how many of them are where they were to be, with nothing left to do. */
export function progressOf(counts: Counts): { done: number; total: number } {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return { done: movedOf(counts) + counts.same, total };
}

/** Those that are not where they were to be. */
export const unmovedOf = ({ failed, blocked }: Counts): number => failed + blocked;

export function stateOf({ state, counts }: Pick<Move, 'state' | 'counts'>): Said {
  if (state === 'adding') return { word: 'Adding', tone: 'busy' };
  if (state === 'removing') return { word: 'Removing the old files', tone: 'busy' };
  const isSome = movedOf(counts) > 0;
  if (state === 'failed') return { word: isSome ? 'Failed in part' : 'Failed', tone: 'bad' };
  if (!isSome && counts.same === 0) return { word: 'Nothing moved', tone: 'warn' };
  if (counts.blocked > 0) return { word: 'Moved in part', tone: 'warn' };
  return counts.left > 0
    ? { word: 'Moved, with old files left', tone: 'warn' }
    : { word: 'Moved', tone: 'ok' };
}

/** In passing, once it is over; undefined where nothing came of it. */
export function endOf(counts: Counts): string | undefined {
  if (movedOf(counts) === 0) return undefined;
  const others = [
    counts.failed > 0 ? `${counts.failed} failed` : '',
    counts.blocked > 0 ? `${counts.blocked} blocked` : '',
  ].filter(Boolean);
  return [`Moved ${countOf(movedOf(counts))}`, ...others].join(', ').concat('.');
}

/** What asks for attention first. */
export const itemStates: Record<MoveItem['state'], Said> = {
  failed: { word: 'Failed', tone: 'bad' },
  blocked: { word: 'Blocked', tone: 'bad' },
  left: { word: 'Old file left', tone: 'warn' },
  adding: { word: 'To come', tone: 'busy' },
  removing: { word: 'Old file to go', tone: 'busy' },
  done: { word: 'At its new place', tone: 'ok' },
  same: { word: 'There already', tone: 'calm' },
};
