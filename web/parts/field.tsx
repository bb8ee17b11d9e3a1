import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

interface About {
  label: string;
  note?: ComponentChildren;
  wrong?: string | undefined;
}

export interface TextFieldProps extends About {
  value: string;
  onInput: (value: string) => void;
  placeholder?: string;
  type?: 'text' | 'password';
  isRequired?: boolean;
  isMono?: boolean;
  /** With it, a text of several lines. */
  rows?: number;
  pattern?: string;
  suggestions?: readonly string[];
  hasFocus?: boolean;
}

export function TextField({
  label,
  note,
  wrong,
  value,
  onInput,
  rows,
  suggestions,
  ...rest
}: TextFieldProps) {
  const id = useId();
  const { type = 'text', isRequired = false, isMono = false, placeholder, pattern, hasFocus = false } = rest;
  const common = {
    id,
    class: `input ${isMono ? 'mono' : ''}`,
    value,
    placeholder,
    required: isRequired,
    autofocus: hasFocus,
    'aria-invalid': wrong !== undefined,
    'aria-describedby': hasAbout(note, wrong) ? `${id}-about` : undefined,
    autocomplete: 'off',
    spellcheck: false,
  };
  return (
    <div class="field">
      <label class="label" for={id}>
        {label}
      </label>
      {rows !== undefined && (
        <textarea {...common} rows={rows} onInput={(event) => onInput(event.currentTarget.value)} />
      )}
      {rows === undefined && type === 'password' && (
        <input {...common} type="password" onInput={(event) => onInput(event.currentTarget.value)} />
      )}
      {rows === undefined && type === 'text' && (
        <input
          {...common}
          type="text"
          pattern={pattern}
          list={suggestions === undefined ? undefined : `${id}-list`}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      )}
      {suggestions !== undefined && (
        <datalist id={`${id}-list`}>
          {suggestions.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      )}
      <About id={id} note={note} wrong={wrong} />
    </div>
  );
}

export interface SelectFieldProps extends About {
  value: string;
  isDisabled?: boolean;
  options: readonly { value: string; label: string }[];
  onChange: (value: string) => void;
}

export function SelectField({ label, note, wrong, ...select }: SelectFieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label class="label" for={id}>
        {label}
      </label>
      <Select id={id} {...select} />
      <About id={id} note={note} wrong={wrong} />
    </div>
  );
}

export interface SelectProps {
  id?: string;
  /** Where no label is beside it. */
  label?: string;
  value: string;
  isDisabled?: boolean;
  options: readonly { value: string; label: string }[];
  onChange: (value: string) => void;
}

export const Select = ({ id, label, value, isDisabled = false, options, onChange }: SelectProps) => (
  <select
    id={id}
    class="input"
    aria-label={label}
    value={value}
    disabled={isDisabled}
    onChange={(event) => onChange(event.currentTarget.value)}
  >
    {options.map((one) => (
      <option key={one.value} value={one.value} selected={one.value === value}>
        {one.label}
      </option>
    ))}
  </select>
);

export interface CheckFieldProps {
  label: string;
  note?: string;
  isChecked: boolean;
  onChange: (isChecked: boolean) => void;
}

export const CheckField = ({ label, note, isChecked, onChange }: CheckFieldProps) => (
  <label class="check">
    <input type="checkbox" checked={isChecked} onChange={(event) => onChange(event.currentTarget.checked)} />
    <span>
      {label}
      {note !== undefined && <span class="note">{note}</span>}
    </span>
  </label>
);

const About = ({ id, note, wrong }: { id: string; note: ComponentChildren; wrong: string | undefined }) =>
  hasAbout(note, wrong) ? (
    <span id={`${id}-about`} class={wrong === undefined ? 'note' : 'wrong'}>
      {wrong ?? note}
    </span>
  ) : null;

const hasAbout = (note: ComponentChildren, wrong: string | undefined): boolean =>
  wrong !== undefined || note !== undefined;
