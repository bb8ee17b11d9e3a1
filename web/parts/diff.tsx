// What differs between two texts, line by line, with a little of what does not.
import { structuredPatch } from 'diff';
import { Note } from './problem.js';

export interface DiffProps {
  before: string;
  after: string;
  /** What the two sides are. */
  label: string;
  /** Lines around what differs. */
  context?: number;
}

const signs = { '+': 'added', '-': 'removed', ' ': '' } as const;

export function Diff({ before, after, label, context = 3 }: DiffProps) {
  if (before === after) return <Note title="No difference">Both sides hold the same document.</Note>;
  const { hunks } = structuredPatch('', '', before, after, '', '', { context });
  return (
    <figure class="diff" aria-label={label} tabIndex={0}>
      {hunks.map((hunk) => (
        <Hunk key={`${hunk.oldStart} ${hunk.newStart}`} {...hunk} />
      ))}
    </figure>
  );
}

type HunkProps = ReturnType<typeof structuredPatch>['hunks'][number];

function Hunk({ oldStart, newStart, lines }: HunkProps) {
  let [old, now] = [oldStart, newStart];
  const rows = lines
    .filter((line) => !line.startsWith('\\'))
    .map((line) => {
      const sign = line[0] as keyof typeof signs;
      const row = { sign, text: line.slice(1), old: sign === '+' ? '' : old, now: sign === '-' ? '' : now };
      if (sign !== '+') old++;
      if (sign !== '-') now++;
      return row;
    });
  return (
    <div class="hunk">
      {rows.map(({ sign, text, old: left, now: right }) => (
        <div key={`${left} ${right}`} class={`line ${signs[sign]}`}>
          <span class="at">{left}</span>
          <span class="at">{right}</span>
          <span class="sign">{sign}</span>
          <code>{text === '' ? ' ' : text}</code>
        </div>
      ))}
    </div>
  );
}
