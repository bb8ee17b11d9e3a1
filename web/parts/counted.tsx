import { Choices } from './choices.js';

export interface CountedProps<T extends string> {
  /** What is chosen: which rows are shown. */
  label: string;
  /** How many there are of each; one that nothing is of cannot be chosen. */
  counts: Record<T, number>;
  /** Of all, also of those that nothing has become of yet. */
  total: number;
  /** In the order in which they are offered. */
  words: Record<T, { word: string }>;
  value: T | '';
  onChange: (value: T | '') => void;
  /** While the counts change, all are shown, and nothing in the head moves. */
  isRunning?: boolean;
}

/** Which rows of a list are shown, by what became of them. */
export function Counted<T extends string>({
  counts,
  total,
  words,
  isRunning = false,
  ...rest
}: CountedProps<T>) {
  const names = (Object.keys(words) as T[]).filter((name) => counts[name] > 0);
  const offered = isRunning ? [] : names.filter((name) => counts[name] < total);
  return (
    <Choices<T | ''>
      {...rest}
      options={[
        { value: '', label: isRunning ? 'All' : `All ${total}` },
        ...offered.map((value) => ({ value, label: `${counts[value]} ${words[value].word.toLowerCase()}` })),
      ]}
    />
  );
}
