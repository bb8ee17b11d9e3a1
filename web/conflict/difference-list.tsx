import { Panel } from '../parts/panel.js';
import { State } from '../parts/state.js';
import type { Choices, Difference, Side } from './merge.js';

export interface DifferenceListProps {
  differences: readonly Difference[];
  choices: Choices;
  onChoose: (path: string, side: Side) => void;
}

const names = { theirs: 'In Git', ours: 'Your save' } as const;
const sides = ['theirs', 'ours'] as const;

/** Every key that the two sides have otherwise, and which of them goes into the result. */
export function DifferenceList({ differences, choices, onChoose }: DifferenceListProps) {
  if (differences.length === 0) return null;
  return (
    <Panel title="Keys" isFlush>
      <ul class="differences">
        {differences.map((one) => (
          <li key={one.path}>
            <Choice
              difference={one}
              chosen={choices.get(one.path) ?? (one.by === 'both' ? undefined : one.by)}
              onChoose={(side) => onChoose(one.path, side)}
            />
          </li>
        ))}
      </ul>
    </Panel>
  );
}

interface ChoiceProps {
  difference: Difference;
  chosen: Side | undefined;
  onChoose: (side: Side) => void;
}

function Choice({ difference, chosen, onChoose }: ChoiceProps) {
  const { path, by, base } = difference;
  return (
    <fieldset>
      <legend>
        <code>{path}</code>
        {by === 'both' ? (
          <State tone={chosen === undefined ? 'warn' : 'ok'} icon={chosen === undefined ? 'split' : 'check'}>
            {chosen === undefined ? 'Changed by both' : 'Chosen'}
          </State>
        ) : (
          <State tone="calm">{by === 'ours' ? 'Changed by you' : 'Changed in Git'}</State>
        )}
      </legend>
      <div class="versions">
        <div class="version">
          <span class="whose">Before</span>
          <Text text={base} />
        </div>
        {sides.map((side) => (
          <label key={side} class={`version ${chosen === side ? 'chosen' : ''}`}>
            <span class="whose">
              <input type="radio" name={path} checked={chosen === side} onChange={() => onChoose(side)} />
              {names[side]}
            </span>
            <Text text={difference[side]} />
          </label>
        ))}
      </div>
    </fieldset>
  );
}

const Text = ({ text }: { text: string | null }) =>
  text === null ? <span class="quiet small">Not there</span> : <pre>{text}</pre>;
