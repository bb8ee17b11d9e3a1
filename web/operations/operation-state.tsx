import type { Operation } from '../data/operations.js';
import type { IconName } from '../parts/icon.js';
import { State, type Tone } from '../parts/state.js';

const states: Record<Operation['state'], { word: string; tone: Tone; icon?: IconName }> = {
  pending: { word: 'On its way', tone: 'busy' },
  succeeded: { word: 'Succeeded', tone: 'ok' },
  conflict: { word: 'Conflict', tone: 'bad', icon: 'split' },
  failed: { word: 'Failed', tone: 'bad' },
  cancelled: { word: 'Cancelled', tone: 'calm', icon: 'close' },
};

export function OperationState({ operation: { state, waitsFor, problem } }: { operation: Operation }) {
  const { word, tone, icon } = states[state];
  return (
    <State
      tone={tone}
      title={waitsFor ?? problem?.detail ?? undefined}
      {...(icon === undefined ? {} : { icon })}
    >
      {word}
    </State>
  );
}

const acts = { save: 'Save', delete: 'Delete', move: 'Move' } as const;

const nouns = { save: 'save', delete: 'deletion', move: 'move' } as const;

/** `the save of pipeline build`, `the move of 12 files`. */
export function speakOf({ action, kind, entity, move }: Operation): string {
  const what =
    kind === null || entity === null ? `${move?.changes.length ?? 'some'} files` : `${kind} ${entity}`;
  return `the ${nouns[action]} of ${what}`;
}

/** `Save pipeline build`, `Move of 12 files`. */
export function nameOperation({ action, kind, entity, move }: Operation): string {
  if (kind === null || entity === null) return `${acts[action]} of ${move?.changes.length ?? 'some'} files`;
  return `${acts[action]} ${kind} ${entity}`;
}
