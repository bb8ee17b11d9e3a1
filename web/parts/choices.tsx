import { useId } from 'preact/hooks';
import { Icon } from './icon.js';

export interface ChoicesProps<T extends string> {
  label: string;
  value: T;
  options: readonly { value: T; label: string }[];
  onChange: (value: T) => void;
}

/** One of few, all to be seen. */
export const Choices = <T extends string>({ label, value, options, onChange }: ChoicesProps<T>) => (
  <fieldset class="choices" aria-label={label}>
    {options.map((one) => (
      <button
        key={one.value}
        type="button"
        aria-pressed={one.value === value}
        onClick={() => onChange(one.value)}
      >
        {one.label}
      </button>
    ))}
  </fieldset>
);

export interface SearchProps {
  label: string;
  value: string;
  onInput: (value: string) => void;
}

export function Search({ label, value, onInput }: SearchProps) {
  const id = useId();
  return (
    <div class="search">
      <Icon name="search" />
      <label class="unseen" for={id}>
        {label}
      </label>
      <input
        id={id}
        class="input"
        type="search"
        value={value}
        placeholder={label}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </div>
  );
}
