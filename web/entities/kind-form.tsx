// A kind, made or changed: its schema in the editor, and where its files go.
import { useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { ApiError, apiOf, type Schemas } from '../data/api.js';
import { useKind, useKinds } from '../data/kinds.js';
import { useMay } from '../data/may.js';
import { goTo, hrefOf } from '../data/route.js';
import { accountOf, nameOf } from '../data/scopes.js';
import { wrongWith } from '../data/wrong.js';
import { CodeEditor } from '../editor/code-editor.js';
import type { LineProblem } from '../editor/line-problems.js';
import { Button } from '../parts/button.js';
import { TextField } from '../parts/field.js';
import { Head } from '../parts/head.js';
import { More } from '../parts/more.js';
import { Panel } from '../parts/panel.js';
import { Note, ProblemBox } from '../parts/problem.js';
import { say } from '../shell/toasts.js';
import { readSchema, schemaProblemsOf, writeSchema } from './schema-text.js';

type Kind = Schemas['Kind'];

interface Draft {
  id: string;
  text: string;
  pathTemplate: string;
  identity: Record<IdentityPart, string>;
}

const identityParts = [
  { part: 'id', label: 'Its id' },
  { part: 'org', label: 'Its organisation' },
  { part: 'project', label: 'Its project' },
] as const;
type IdentityPart = (typeof identityParts)[number]['part'];

const FIRST = writeSchema({
  type: 'object',
  required: ['name'],
  properties: { name: { type: 'string' } },
});

export interface KindFormProps {
  scope: string;
  /** Undefined for a new one. */
  id: string | undefined;
}

export function KindForm({ scope, id }: KindFormProps) {
  const account = accountOf(scope);
  const { data, error } = useKind(scope, id);
  return (
    <>
      <Head
        title={id ?? 'New kind'}
        trail={[
          { label: 'Entities', href: hrefOf(scope, ['entities']) },
          { label: 'Kinds', href: hrefOf(scope, ['entities'], { tab: 'kinds' }) },
        ]}
        note={`A kind of the whole account ${nameOf(account)}.`}
      />
      <ProblemBox error={error} />
      {(id === undefined || data !== undefined) && (
        <Filled key={data?.revision ?? ''} scope={scope} kind={data} />
      )}
    </>
  );
}

function Filled({ scope, kind }: { scope: string; kind: Kind | undefined }) {
  const account = accountOf(scope);
  const mayDo = useMay(account)('kind.manage');
  const [draft, setDraft] = useState<Draft>(() => draftOf(kind));
  const [problems, setProblems] = useState<readonly LineProblem[]>([]);
  const { isBusy, error, run, forget } = useAction();
  const isTaken = useIsTaken(scope, kind, draft.id);
  const change = (part: Partial<Draft>): void => {
    forget();
    setDraft((before) => ({ ...before, ...part }));
  };
  const save = (event: Event): void => {
    event.preventDefault();
    const read = readSchema(draft.text);
    setProblems('problems' in read ? read.problems : []);
    if ('problems' in read) return;
    void run(async () => {
      const params = { path: { kind: draft.id } };
      const body = { schema: read.schema, pathTemplate: draft.pathTemplate, ...identityOf(draft) };
      await apiOf(account)
        .PUT('/kinds/{kind}', { params, body })
        .catch((refusal: unknown) => {
          if (refusal instanceof ApiError && refusal.code === 'KIND_INVALID')
            setProblems(schemaProblemsOf(refusal.problem.detail, draft.text));
          throw refusal;
        });
      say(kind === undefined ? `${draft.id} is a kind now.` : `The kind ${draft.id} is changed.`, {
        label: `New ${draft.id}`,
        href: hrefOf(scope, ['entities', 'new'], { kind: draft.id }),
      });
      goTo(hrefOf(scope, ['entities'], { tab: 'kinds' }));
    });
  };
  return (
    <form class="stack" onSubmit={save}>
      <ProblemBox error={error} />
      <div class="sides">
        <Panel
          title="Schema"
          isFlush
          ends={
            mayDo && (
              <Button type="submit" look="primary" isBusy={isBusy} isDisabled={isTaken}>
                {kind === undefined ? 'Define the kind' : 'Save the kind'}
              </Button>
            )
          }
        >
          <CodeEditor
            label={`Schema of the ${kind === undefined ? 'new kind' : `kind ${kind.id}`}`}
            text={draft.text}
            onChange={(text) => change({ text })}
            problems={problems}
            isReadOnly={!mayDo}
          />
        </Panel>
        <div class="stack">
          <Places draft={draft} change={change} isNew={kind === undefined} isTaken={isTaken} error={error} />
          {kind !== undefined && (
            <Note title="What is there already">
              Documents are judged by it when they are saved or pushed next.
            </Note>
          )}
        </div>
      </div>
    </form>
  );
}

interface PlacesProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  isNew: boolean;
  isTaken: boolean;
  error: unknown;
}

function Places({ draft, change, isNew, isTaken, error }: PlacesProps) {
  const { id, pathTemplate, identity } = draft;
  return (
    <Panel title="Its name and its files">
      <div class="stack">
        {isNew && (
          <TextField
            label="Name"
            value={id}
            onInput={(next) => change({ id: next })}
            placeholder="pipeline"
            note="Letters, digits, _, $ and -; it does not change later."
            wrong={isTaken ? 'There is a kind of this name: open it to change it.' : undefined}
            isRequired
            isMono
          />
        )}
        <TextField
          label="Path of a file"
          value={pathTemplate}
          onInput={(next) => change({ pathTemplate: next })}
          placeholder="{org}/{project}/pipelines/{id}.yaml"
          note={<>Such as {exampleOf(pathTemplate, id)}; levels that a scope does not have are left out.</>}
          wrong={wrongWith(error, 'pathTemplate')}
          isRequired
          isMono
        />
        <More
          title="Where documents name themselves"
          isOpen={Object.values(identity).some((at) => at !== '')}
        >
          {identityParts.map(({ part, label }) => (
            <TextField
              key={part}
              label={label}
              value={identity[part]}
              onInput={(at) => change({ identity: { ...identity, [part]: at } })}
              placeholder={`/metadata/${part}`}
              wrong={wrongWith(error, `identity.${part}`)}
              isMono
            />
          ))}
          <p class="quiet small">
            JSON pointers. A document that says another name there than the entity has is refused.
          </p>
        </More>
      </div>
    </Panel>
  );
}

const draftOf = (kind: Kind | undefined): Draft => ({
  id: kind?.id ?? '',
  text: kind === undefined ? FIRST : writeSchema(kind.schema),
  pathTemplate: kind?.pathTemplate ?? '{org}/{project}/{kind}/{id}.yaml',
  identity: { id: '', org: '', project: '', ...kind?.identity },
});

function identityOf({ identity }: Draft): { identity?: Partial<Record<IdentityPart, string>> } {
  const given = Object.entries(identity).filter(([, at]) => at !== '');
  return given.length === 0 ? {} : { identity: Object.fromEntries(given) };
}

/** Writing it would be a change of the other one. */
function useIsTaken(scope: string, kind: Kind | undefined, id: string): boolean {
  const { data: kinds = [] } = useKinds(scope);
  return kind === undefined && kinds.some((one) => one.id === id);
}

const examples = { account: 'acme', org: 'shop', project: 'checkout', id: 'nightly' };

const exampleOf = (template: string, kind: string): string =>
  template.replace(
    /\{(\w+)\}/g,
    (whole, name: string) =>
      ({ ...examples, kind: kind || 'pipeline' })[name as keyof typeof examples] ?? whole,
  );
