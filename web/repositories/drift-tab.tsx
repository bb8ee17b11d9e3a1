import { useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { answer, apiOf, type Schemas } from '../data/api.js';
import type { Connector } from '../data/connectors.js';
import { hrefOf } from '../data/route.js';
import { Allowed } from '../parts/allowed.js';
import { Button } from '../parts/button.js';
import { Short } from '../parts/copy.js';
import { Confirm, useDialog } from '../parts/dialog.js';
import { Empty } from '../parts/empty.js';
import { Panel } from '../parts/panel.js';
import { Note, ProblemBox } from '../parts/problem.js';
import { State, type Tone } from '../parts/state.js';
import { type Column, Table } from '../parts/table.js';
import { say } from '../shell/toasts.js';
import type { TabProps } from './tab-props.js';

type Drift = Schemas['Drift'];
type Section = Drift['sections'][number];
type Difference = Schemas['Difference'];

const kinds: Record<Difference['kind'], { word: string; tone: Tone }> = {
  missing: { word: 'Missing here', tone: 'warn' },
  surplus: { word: 'Not in Git', tone: 'warn' },
  differing: { word: 'Differs', tone: 'warn' },
  corrupt: { word: 'Copy damaged', tone: 'bad' },
  invalid: { word: 'Invalid in Git', tone: 'bad' },
  refused: { word: 'Refused', tone: 'calm' },
  registration: { word: 'Webhook', tone: 'warn' },
};

/** What Git and the copy do not have in common, by a comparison of all, and its repair. */
export function DriftTab({ scope, connector }: TabProps) {
  const [drift, setDrift] = useState<Drift | undefined>(undefined);
  const { isBusy, error, run } = useAction();
  const { open, show, close } = useDialog<'repair'>();
  const api = apiOf(connector.scope);
  const params = { path: { id: connector.id } };
  const compare = async (): Promise<void> => setDrift(await readDrift(connector));
  const repair = async (): Promise<void> => {
    const { branches } = await answer(api.POST('/connectors/{id}/drift/repair', { params, body: {} }));
    const changed = branches.reduce(
      (sum, { created, changed: of, deleted, restored }) => sum + created + of + deleted + restored,
      0,
    );
    say(`Repaired: ${changed} ${changed === 1 ? 'copy' : 'copies'} brought to what Git has.`);
    await compare();
  };
  const differences = drift?.sections.reduce((sum, section) => sum + section.differences.length, 0) ?? 0;
  return (
    <>
      <Panel
        title="Drift"
        isFlush
        ends={
          <>
            {differences > 0 && (
              <Allowed scope={connector.scope} needs="connector.use">
                <Button look="primary" onPress={() => show('repair')}>
                  Repair…
                </Button>
              </Allowed>
            )}
            <Button icon="reload" isBusy={isBusy} onPress={() => void run(compare)}>
              {drift === undefined ? 'Compare now' : 'Compare again'}
            </Button>
          </>
        }
      >
        {drift === undefined && (
          <Empty icon="split" title={isBusy ? 'Comparing' : 'Not compared yet'}>
            Every followed file is held against Git itself, and the webhook against its registration. Nothing
            is changed by looking.
          </Empty>
        )}
        {drift?.sections.map((section) => (
          <SectionPart key={`${section.source} ${section.branch ?? ''}`} scope={scope} section={section} />
        ))}
        {drift?.sections.length === 0 && (
          <Empty icon="split" title="Nothing to compare">
            The repository is not followed, and has no webhook.
          </Empty>
        )}
      </Panel>
      <ProblemBox error={error} />
      {open === 'repair' && (
        <Confirm
          title={`Repair ${connector.id}?`}
          act={`Repair ${connector.id}`}
          isDangerous={false}
          onConfirm={repair}
          onClose={close}
        >
          <p>
            The copies become what Git has, and the webhook what was registered. Nothing is written to Git.
          </p>
        </Confirm>
      )}
    </>
  );
}

/** All of its pages. */
async function readDrift({ scope, id }: Connector): Promise<Drift> {
  const api = apiOf(scope);
  const sections: Section[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const query = cursor === undefined ? {} : { cursor };
    const page = await answer(api.GET('/connectors/{id}/drift', { params: { path: { id }, query } }));
    sections.push(...page.sections);
    cursor = page.nextCursor;
  }
  return { sections, nextCursor: null };
}

function SectionPart({ scope, section }: { scope: string; section: Section }) {
  const { branch, source, differences, copies } = section;
  const name = branch ?? (source === 'webhook' ? 'The webhook' : 'The repository');
  if (differences.length === 0)
    return (
      <div class="inset">
        <Note icon="check" title={`${name} is as it should be`}>
          {source === 'branch'
            ? `${copies} ${copies === 1 ? 'copy is' : 'copies are'} what Git has.`
            : 'It is as registered.'}
        </Note>
      </div>
    );
  return (
    <>
      <h3 class="inset">
        {name} <span class="quiet">{differences.length} differ</span>
      </h3>
      <Table
        label={`Drift of ${name}`}
        rows={differences}
        keyOf={({ path, kind, entity }) => `${kind} ${path ?? ''} ${entity ?? ''}`}
        columns={columnsOf(scope, branch)}
      />
    </>
  );
}

const columnsOf = (scope: string, branch: string | null): Column<Difference>[] => [
  {
    label: 'What',
    cell: ({ kind, problem }) => (
      <State tone={kinds[kind].tone} title={problem?.detail}>
        {kinds[kind].word}
      </State>
    ),
  },
  {
    label: 'Entity',
    cell: ({ entityKind, entity }) =>
      entityKind === null || entity === null ? (
        <span class="quiet">–</span>
      ) : (
        <a href={hrefOf(scope, ['entities', entityKind, entity], { branch: branch ?? undefined })}>
          {entity}
        </a>
      ),
  },
  { label: 'Path', cell: ({ path }) => <span class="mono break">{path ?? '–'}</span> },
  { label: 'In Git', cell: ({ git }) => <Short id={git} /> },
  { label: 'Copy', cell: ({ copy }) => <Short id={copy} /> },
];
