import { useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { answer, apiOf } from '../data/api.js';
import type { Connector } from '../data/connectors.js';
import { hrefOf } from '../data/route.js';
import { Allowed } from '../parts/allowed.js';
import { Button } from '../parts/button.js';
import { Short } from '../parts/copy.js';
import { Confirm, useDialog } from '../parts/dialog.js';
import { Empty } from '../parts/empty.js';
import { Panel } from '../parts/panel.js';
import { Note, ProblemBox } from '../parts/problem.js';
import { State } from '../parts/state.js';
import { type Column, Table } from '../parts/table.js';
import { say } from '../shell/toasts.js';
import {
  countOf,
  type Difference,
  type Drift,
  differences as kinds,
  mendedOf,
  repairedOf,
  type Section,
  todoOf,
} from './drifts.js';
import { Why } from './reason.js';
import type { TabProps } from './tab-props.js';

/** What Git and the copy do not have in common, by a comparison of all, and its repair. */
export function DriftTab({ scope, connector }: TabProps) {
  const [drift, setDrift] = useState<Drift | undefined>(undefined);
  const { isBusy, error, run } = useAction();
  const { open, show, close } = useDialog<'repair'>();
  const compare = async (): Promise<void> => setDrift(await readDrift(connector));
  const sumOf = (count: (section: Section) => number): number =>
    drift?.sections.reduce((sum, section) => sum + count(section), 0) ?? 0;
  const mended = sumOf(mendedOf);
  const others = sumOf(countOf) - mended;
  return (
    <>
      <Panel
        title="Drift"
        isFlush
        ends={
          <>
            {mended > 0 && (
              <Allowed scope={connector.scope} needs="connector.use">
                <Button look="primary" onPress={() => show('repair')}>
                  Repair {mended}…
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
        {mended === 0 && others > 0 && (
          <div class="inset">
            <Note title="A repair mends none of this">Each row says what does.</Note>
          </div>
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
        <RepairQuestion connector={connector} others={others} onDone={compare} onClose={close} />
      )}
    </>
  );
}

interface RepairQuestionProps {
  connector: Connector;
  /** Differences that it does not mend. */
  others: number;
  onDone: () => Promise<void>;
  onClose: () => void;
}

function RepairQuestion({ connector: { scope, id }, others, onDone, onClose }: RepairQuestionProps) {
  const repair = async (): Promise<void> => {
    const params = { path: { id } };
    const done = await answer(apiOf(scope).POST('/connectors/{id}/drift/repair', { params, body: {} }));
    say(repairedOf(done));
    await onDone();
  };
  return (
    <Confirm
      title={`Repair ${id}?`}
      act={`Repair ${id}`}
      isDangerous={false}
      onConfirm={repair}
      onClose={onClose}
    >
      <p>The copies become what Git has, and the webhook what was registered. Nothing is written to Git.</p>
      {others > 0 && (
        <p>
          {others} {others === 1 ? 'difference stays' : 'differences stay'}: what to do about{' '}
          {others === 1 ? 'it' : 'each'} is said in its row.
        </p>
      )}
    </Confirm>
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
  const count = countOf(section);
  if (count === 0)
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
        {name}{' '}
        <span class="quiet">
          {count} {count === 1 ? 'difference' : 'differences'}
          {differences.length < count && `, the first ${differences.length} shown`}
        </span>
      </h3>
      <Table
        label={`Drift of ${name}`}
        rows={differences}
        keyOf={({ path, kind, entity }) => `${kind} ${path ?? ''} ${entity ?? ''}`}
        columns={columnsOf(scope, section)}
      />
    </>
  );
}

const columnsOf = (scope: string, section: Section): Column<Difference>[] => [
  {
    label: 'What',
    cell: ({ kind }) => <State tone={kinds[kind].tone}>{kinds[kind].word}</State>,
  },
  {
    label: 'Entity',
    cell: ({ entityKind, entity }) =>
      entityKind === null || entity === null ? (
        <span class="quiet">–</span>
      ) : (
        <a href={hrefOf(scope, ['entities', entityKind, entity], { branch: section.branch ?? undefined })}>
          {entity}
        </a>
      ),
  },
  { label: 'Path', cell: ({ path }) => <span class="mono break">{path ?? '–'}</span> },
  {
    label: 'Why',
    cell: (one) => <Why why={one.problem?.detail ?? kinds[one.kind].why} todo={todoOf(section, one)} />,
  },
  { label: 'In Git', cell: ({ git }) => <Short id={git} /> },
  { label: 'Copy', cell: ({ copy }) => <Short id={copy} /> },
];
