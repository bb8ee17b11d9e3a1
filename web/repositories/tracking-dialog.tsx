// What of a repository is followed: which branches, which files, and what may be done from Git.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { apiOf, type Schemas } from '../data/api.js';
import type { Connector, Tracking } from '../data/connectors.js';
import { useKinds } from '../data/kinds.js';
import { wrongWith } from '../data/wrong.js';
import { Button } from '../parts/button.js';
import { Dialog } from '../parts/dialog.js';
import { CheckField, SelectField, TextField } from '../parts/field.js';
import { ProblemBox } from '../parts/problem.js';
import { say } from '../shell/toasts.js';

type Write = Schemas['TrackingWrite'];
type FileRow = Write['files'][number];
interface RuleRow extends Pick<Write['rules'][number], 'create' | 'change' | 'delete'> {
  kinds: string;
  scopes: string;
}
interface Draft {
  branches: string;
  files: FileRow[];
  rules: RuleRow[];
}

export interface TrackingDialogProps {
  connector: Connector;
  /** Undefined where nothing is followed yet. */
  tracking: Tracking | undefined;
  onSaved: () => void;
  onClose: () => void;
}

export function TrackingDialog({ connector, tracking, onSaved, onClose }: TrackingDialogProps) {
  const { scope, id } = connector;
  const [draft, setDraft] = useState<Draft>(() => draftOf(tracking));
  const { isBusy, error, run, forget } = useAction();
  const change = (part: Partial<Draft>): void => {
    forget();
    setDraft((before) => ({ ...before, ...part }));
  };
  const save = (event: Event): void => {
    event.preventDefault();
    void run(async () => {
      await apiOf(scope).PUT('/connectors/{id}/tracking', { params: { path: { id } }, body: writeOf(draft) });
      say(
        tracking === undefined ? `${id} is followed from now on.` : `What is followed of ${id} is changed.`,
      );
      onSaved();
      onClose();
    });
  };
  return (
    <Dialog title={`What is followed of ${id}`} isBroad onClose={onClose}>
      <form class="stack" onSubmit={save}>
        <TextField
          label="Branches"
          value={draft.branches}
          onInput={(branches) => change({ branches })}
          placeholder={'main\nrelease/*'}
          note="One pattern a line: * is part of a name, ** all the rest. Left empty, the default branch."
          wrong={wrongWith(error, 'branches')}
          rows={3}
          isMono
        />
        <Files scope={scope} files={draft.files} onChange={(files) => change({ files })} error={error} />
        <Rules rules={draft.rules} onChange={(rules) => change({ rules })} error={error} />
        <ProblemBox error={error} />
        <div class="ends">
          <Button onPress={onClose}>Cancel</Button>
          <Button type="submit" look="primary" isBusy={isBusy}>
            Follow this
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

interface FilesProps {
  scope: string;
  files: readonly FileRow[];
  onChange: (files: FileRow[]) => void;
  error: unknown;
}

function Files({ scope, files, onChange, error }: FilesProps) {
  const { data: kinds = [] } = useKinds(scope);
  const options = kinds.map(({ id }) => ({ value: id, label: id }));
  return (
    <Rows
      title="Files"
      note="Which files are entities, the first that fits. Left empty, those that are where their kind puts them."
      add="Add files"
      rows={files}
      fresh={{ pattern: '', kind: kinds[0]?.id ?? '' }}
      onChange={onChange}
    >
      {(file, set, at) => (
        <>
          <TextField
            label="Pattern"
            value={file.pattern}
            onInput={(pattern) => set({ ...file, pattern })}
            placeholder="services/**/{id}.yaml"
            wrong={wrongWith(error, `files.${at}.pattern`)}
            isRequired
            isMono
          />
          <SelectField
            label="Kind"
            value={file.kind}
            options={options}
            onChange={(kind) => set({ ...file, kind })}
          />
        </>
      )}
    </Rows>
  );
}

interface RulesProps {
  rules: readonly RuleRow[];
  onChange: (rules: RuleRow[]) => void;
  error: unknown;
}

const acts = [
  { act: 'create', label: 'Create' },
  { act: 'change', label: 'Change' },
  { act: 'delete', label: 'Delete' },
] as const;

const Rules = ({ rules, onChange, error }: RulesProps) => (
  <Rows
    title="Rules"
    note="What may be done from Git, the first that fits. Without one everything may; what is not allowed is kept out of the copy."
    add="Add a rule"
    rows={rules}
    fresh={{ kinds: '', scopes: '', create: true, change: true, delete: true }}
    onChange={onChange}
  >
    {(rule, set, at) => (
      <>
        <TextField
          label="Kinds"
          value={rule.kinds}
          onInput={(kinds) => set({ ...rule, kinds })}
          placeholder="All"
          wrong={wrongWith(error, `rules.${at}.kinds`)}
          isMono
        />
        <TextField
          label="Scopes"
          value={rule.scopes}
          onInput={(scopes) => set({ ...rule, scopes })}
          placeholder="All that it serves"
          wrong={wrongWith(error, `rules.${at}.scopes`)}
          isMono
        />
        <span class="row">
          {acts.map(({ act, label }) => (
            <CheckField
              key={act}
              label={label}
              isChecked={rule[act]}
              onChange={(isAllowed) => set({ ...rule, [act]: isAllowed })}
            />
          ))}
        </span>
      </>
    )}
  </Rows>
);

interface RowsProps<Row> {
  title: string;
  note: string;
  /** What the button says. */
  add: string;
  rows: readonly Row[];
  fresh: Row;
  onChange: (rows: Row[]) => void;
  children: (row: Row, set: (row: Row) => void, at: number) => ComponentChildren;
}

function Rows<Row>({ title, note, add, rows, fresh, onChange, children }: RowsProps<Row>) {
  return (
    <fieldset class="rows" aria-label={title}>
      <span class="label">{title}</span>
      <p class="quiet small">{note}</p>
      {rows.map((row, at) => (
        // oxlint-disable-next-line react/no-array-index-key
        <div key={at} class="fields">
          {children(row, (next) => onChange(rows.with(at, next)), at)}
          <Button
            look="bare"
            icon="trash"
            label={`Remove ${title.toLowerCase()} ${at + 1}`}
            onPress={() => onChange(rows.toSpliced(at, 1))}
          />
        </div>
      ))}
      <div class="row">
        <Button look="tiny" icon="plus" onPress={() => onChange([...rows, fresh])}>
          {add}
        </Button>
      </div>
    </fieldset>
  );
}

const draftOf = (tracking: Tracking | undefined): Draft => ({
  branches: (tracking?.branches ?? []).join('\n'),
  files: tracking?.files ?? [],
  rules: (tracking?.rules ?? []).map(({ kinds = [], scopes = [], ...may }) => ({
    ...may,
    kinds: kinds.join(', '),
    scopes: scopes.join(', '),
  })),
});

const wordsOf = (text: string, between: RegExp): string[] =>
  text.split(between).flatMap((word) => (word.trim() === '' ? [] : [word.trim()]));

const writeOf = ({ branches, files, rules }: Draft): Write => ({
  branches: wordsOf(branches, /\n/),
  files,
  rules: rules.map(({ kinds, scopes, ...may }) => ({
    ...may,
    ...(kinds.trim() === '' ? {} : { kinds: wordsOf(kinds, /[\s,]+/) }),
    ...(scopes.trim() === '' ? {} : { scopes: wordsOf(scopes, /[\s,]+/) }),
  })),
});
