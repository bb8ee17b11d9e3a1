// What the page says of differences between Git and the copies: which of them a repair mends, and what to do about the others.
import type { Schemas } from '../data/api.js';
import type { Tone } from '../parts/state.js';
import { todoOfFile } from './todo-of-file.js';

export type Drift = Schemas['Drift'];
export type Section = Drift['sections'][number];
export type Difference = Schemas['Difference'];

interface About {
  word: string;
  tone: Tone;
  /** Where the difference has no problem of its own. */
  why: string;
  /** What to do where no repair mends it, whatever is followed. */
  todo?: string;
}

/** What only somebody who writes to Git, or to what is followed, can mend. */
const NOT_BY_REPAIR: readonly Difference['kind'][] = ['invalid', 'refused'];

export const differences: Record<Difference['kind'], About> = {
  missing: { word: 'Missing here', tone: 'warn', why: 'Git has the file, and there is no copy of it here.' },
  surplus: { word: 'Not in Git', tone: 'warn', why: 'There is a copy, and its file is not in Git.' },
  differing: { word: 'Differs', tone: 'warn', why: 'The copy is another content than Git has.' },
  corrupt: {
    word: 'Copy damaged',
    tone: 'bad',
    why: 'The copy was changed in the database, and not by a save.',
  },
  invalid: {
    word: 'Invalid in Git',
    tone: 'bad',
    why: 'The file is no document of its kind.',
    todo: 'Correct the file in Git.',
  },
  refused: {
    word: 'Refused',
    tone: 'calm',
    why: 'What is followed does not allow the change.',
    todo: 'Undo it in Git, or allow it under Overview, Followed branches, Change.',
  },
  registration: { word: 'Webhook', tone: 'warn', why: 'It is not as it was registered.' },
};

/** Whether a repair brings it to what it should be. Branches that are not followed, it leaves. */
export const isMended = ({ tracked }: Section, { kind }: Difference): boolean =>
  tracked && !NOT_BY_REPAIR.includes(kind);

/** What to do about it; undefined where a repair does it. */
export function todoOf(section: Section, difference: Difference): string | undefined {
  if (isMended(section, difference)) return undefined;
  const { kind, problem } = difference;
  if (kind === 'invalid' && problem !== null) return todoOfFile(problem);
  return (
    differences[kind].todo ??
    'The branch is not followed, so that a repair leaves it. Follow it under Overview, Followed branches.'
  );
}

/** Of all of a section, also of those that are not shown. */
export const countOf = ({ counts }: Section): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

/** How many of them a repair mends. */
export function mendedOf(section: Section): number {
  if (!section.tracked) return 0;
  return countOf(section) - NOT_BY_REPAIR.reduce((sum, kind) => sum + (section.counts[kind] ?? 0), 0);
}

/** What came of a repair, in passing. */
export function repairedOf({ branches, webhook }: Schemas['DriftRepair']): string {
  const copies = branches.reduce(
    (sum, { created, changed, moved, deleted, restored }) =>
      sum + created + changed + moved + deleted + restored,
    0,
  );
  const told = [
    copies > 0 ? `${copies} ${copies === 1 ? 'copy' : 'copies'} brought to what Git has` : '',
    webhook?.problem === null ? 'the webhook is as registered' : '',
  ].filter(Boolean);
  return told.length === 0 ? 'The repair changed nothing.' : `Repaired: ${told.join('; ')}.`;
}
