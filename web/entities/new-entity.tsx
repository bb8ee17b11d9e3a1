import { useEffect, useState } from 'preact/hooks';
import { useConnectors } from '../data/connectors.js';
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
import { NoKinds } from './kinds-tab.js';
import type { Saved } from './save.js';
import { SaveDialog } from './save-dialog.js';

const INLINE = ' inline';

interface Draft {
  kind: string;
  id: string;
  connector: string;
  branch: string;
  path: string;
}

export function NewEntity({ scope, route }: { scope: string; route: Route }) {
  const { data: kinds } = useKinds(scope);
  const { data: connectors } = useConnectors(scope);
  const [draft, setDraft] = useState<Draft>({
    kind: route.query.get('kind') ?? '',
    id: '',
    connector: '',
    branch: 'main',
    path: '',
  });
  const change = (part: Partial<Draft>): void => setDraft((before) => ({ ...before, ...part }));
  const first = connectors?.[0]?.id ?? INLINE;
  useEffect(() => {
    setDraft((before) => ({
      ...before,
      connector: before.connector || (connectors === undefined ? '' : first),
    }));
  }, [connectors]);
  useEffect(() => {
    setDraft((before) => ({ ...before, kind: before.kind || (kinds?.[0]?.id ?? '') }));
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
          <NewDocument scope={scope} draft={draft} />
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

function NewDocument({ scope, draft }: { scope: string; draft: Draft }) {
  const { kind, id, connector, branch, path } = draft;
  const beginning = useBeginning(scope, kind);
  const [typed, setTyped] = useState<string | undefined>(undefined);
  const text = typed ?? beginning;
  const [problems, setProblems] = useState<readonly LineProblem[]>([]);
  const { open, show, close } = useDialog<'save'>();
  const isInline = connector === INLINE;
  const isReady = kind !== '' && id !== '' && connector !== '' && (isInline || branch !== '');
  const settle = (saved: Saved): void => {
    if ('operation' in saved) {
      goTo(hrefOf(scope, ['operations', saved.operation.id]));
      return;
    }
    announce({ kind, id }, scope, saved);
    goTo(hrefOf(scope, ['entities', kind, id], { branch: saved.entity.git?.branch }));
  };
  return (
    <Panel
      title="Document"
      isFlush
      ends={
        <Button look="primary" isDisabled={!isReady} onPress={() => show('save')}>
          Save…
        </Button>
      }
    >
      <CodeEditor
        label="Document of the new entity"
        text={text}
        onChange={(next) => setTyped(next === beginning ? undefined : next)}
        problems={problems}
      />
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
        options={[...plain(connectors), { value: INLINE, label: 'Inline: in Sallyport alone' }]}
        onChange={(connector) => onChange({ connector })}
      />
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
