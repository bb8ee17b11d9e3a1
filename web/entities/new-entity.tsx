import { useEffect, useState } from 'preact/hooks';
import { useConnectors } from '../data/connectors.js';
import { draftOf, keepDraft } from '../data/drafts.js';
import { useKind, useKinds } from '../data/kinds.js';
import { goTo, hrefOf, type Route } from '../data/route.js';
import { CodeEditor } from '../editor/code-editor.js';
import { type LineProblem, lineProblemsOf } from '../editor/line-problems.js';
import { Button } from '../parts/button.js';
import { useDialog } from '../parts/dialog.js';
import { SelectField, TextField } from '../parts/field.js';
import { Head } from '../parts/head.js';
import { Panel } from '../parts/panel.js';
import { announce } from './announce.js';
import { beginningOf } from './beginning.js';
import { Discarding } from './discarding.js';
import { NoKinds } from './kinds-tab.js';
import type { Saved } from './save.js';
import { SaveDialog } from './save-dialog.js';

const INLINE = ' inline';
/** Of a scope further out, whose repositories one may use without seeing them. */
const NAMED = ' named';

interface Draft {
  kind: string;
  id: string;
  connector: string;
  /** Of the repository, where it is named. */
  name: string;
  branch: string;
  path: string;
}

const nameIn = (scope: string): string => `new entity in ${scope}`;

/** What is typed, and where it is to go: kept while one looks at something else. */
function useNewDraft(scope: string, kind: string) {
  const kept = draftOf<Draft>(nameIn(scope));
  const [draft, setDraft] = useState<Draft>(
    kept?.base ?? { kind, id: '', connector: '', name: '', branch: 'main', path: '' },
  );
  const [typed, setTyped] = useState<string | undefined>(kept?.text);
  useEffect(() => {
    keepDraft(nameIn(scope), typed === undefined ? undefined : { base: draft, text: typed });
  }, [draft, typed]);
  const change = (part: Partial<Draft>): void => setDraft((before) => ({ ...before, ...part }));
  return { draft, change, typed, setTyped };
}

export function NewEntity({ scope, route }: { scope: string; route: Route }) {
  const { data: kinds } = useKinds(scope);
  const { data: connectors } = useConnectors(scope);
  const { draft, change, typed, setTyped } = useNewDraft(scope, route.query.get('kind') ?? '');
  useEffect(() => {
    if (draft.connector === '' && connectors !== undefined)
      change({ connector: connectors[0]?.id ?? INLINE });
  }, [connectors]);
  useEffect(() => {
    if (draft.kind === '') change({ kind: kinds?.[0]?.id ?? '' });
  }, [kinds]);
  return (
    <>
      <Head title="New entity" trail={[{ label: 'Entities', href: hrefOf(scope, ['entities']) }]} />
      {kinds?.length === 0 ? (
        <Panel isFlush>
          <NoKinds scope={scope} />
        </Panel>
      ) : (
        <div class="sides">
          <NewDocument scope={scope} draft={draft} typed={typed} onType={setTyped} />
          <Panel title="Where it goes">
            <PlaceFields
              draft={draft}
              onChange={change}
              kinds={kinds?.map(({ id }) => id) ?? []}
              connectors={connectors?.map(({ id }) => id) ?? []}
              template={kinds?.find(({ id }) => id === draft.kind)?.pathTemplate}
            />
          </Panel>
        </div>
      )}
    </>
  );
}

interface NewDocumentProps {
  scope: string;
  draft: Draft;
  /** Undefined: what the kind begins with. */
  typed: string | undefined;
  onType: (text: string | undefined) => void;
}

function NewDocument({ scope, draft, typed, onType }: NewDocumentProps) {
  const { kind, id, branch, path } = draft;
  const connector = draft.connector === NAMED ? draft.name : draft.connector;
  const beginning = useBeginning(scope, kind);
  const text = typed ?? beginning;
  const [problems, setProblems] = useState<readonly LineProblem[]>([]);
  const { open, show, close } = useDialog<'save' | 'discard'>();
  const isInline = connector === INLINE;
  const isReady = kind !== '' && id !== '' && connector !== '' && (isInline || branch !== '');
  const settle = (saved: Saved): void => {
    keepDraft(nameIn(scope), undefined);
    announce({ kind, id }, scope, saved);
    if ('operation' in saved) {
      goTo(hrefOf(scope, ['operations', saved.operation.id]));
      return;
    }
    goTo(hrefOf(scope, ['entities', kind, id], { branch: saved.entity.git?.branch }));
  };
  return (
    <Panel
      title="Document"
      isFlush
      ends={
        <>
          {typed !== undefined && (
            <Button look="bare" onPress={() => show('discard')}>
              Discard…
            </Button>
          )}
          <Button look="primary" isDisabled={!isReady} onPress={() => show('save')}>
            Save…
          </Button>
        </>
      }
    >
      <CodeEditor
        label="Document of the new entity"
        text={text}
        onChange={(next) => onType(next === beginning ? undefined : next)}
        problems={problems}
      />
      {open === 'discard' && (
        <Discarding id="the new entity" onDiscard={() => onType(undefined)} onClose={close} />
      )}
      {open === 'save' && (
        <SaveDialog
          scope={scope}
          target={{ kind, id, from: null, isInline }}
          yaml={text}
          place={isInline ? { branch: '' } : { branch, connector, path }}
          connector={isInline ? undefined : connector}
          onSaved={settle}
          onRefused={(error) => setProblems(lineProblemsOf(error))}
          onClose={close}
        />
      )}
    </Panel>
  );
}

/** Until somebody types, it is that of the kind that is chosen. */
function useBeginning(scope: string, kind: string): string {
  const { data } = useKind(scope, kind === '' ? undefined : kind);
  return data === undefined ? '' : beginningOf(data.schema);
}

interface PlaceFieldsProps {
  draft: Draft;
  onChange: (part: Partial<Draft>) => void;
  kinds: string[];
  connectors: string[];
  template: string | undefined;
}

function PlaceFields({ draft, onChange, kinds, connectors, template }: PlaceFieldsProps) {
  const plain = (values: string[]) => values.map((value) => ({ value, label: value }));
  return (
    <div class="stack">
      <SelectField
        label="Kind"
        value={draft.kind}
        options={plain(kinds)}
        onChange={(kind) => onChange({ kind })}
      />
      <TextField
        label="Id"
        value={draft.id}
        onInput={(id) => onChange({ id })}
        placeholder="build"
        note="Letters, digits, _, $ and -; it does not change later."
        isMono
      />
      <SelectField
        label="Repository"
        value={draft.connector}
        options={[
          ...plain(connectors),
          { value: NAMED, label: 'Another one, by its name' },
          { value: INLINE, label: 'Inline: in Sallyport alone' },
        ]}
        onChange={(connector) => onChange({ connector })}
      />
      {draft.connector === NAMED && (
        <TextField
          label="Name of the repository"
          value={draft.name}
          onInput={(name) => onChange({ name })}
          note="Of this scope or one around it, also where you may use it and not see it."
          isMono
        />
      )}
      {draft.connector !== INLINE && (
        <>
          <TextField label="Branch" value={draft.branch} onInput={(branch) => onChange({ branch })} isMono />
          <TextField
            label="Path"
            value={draft.path}
            onInput={(path) => onChange({ path })}
            placeholder={template ?? 'folder/build.yaml'}
            note="Left empty, it follows from the kind."
            isMono
          />
        </>
      )}
    </div>
  );
}
