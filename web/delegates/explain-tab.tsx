import { useEffect, useState } from 'preact/hooks';
import { answer, apiOf, type Schemas } from '../data/api.js';
import { useConnectors } from '../data/connectors.js';
import { useResource } from '../data/resource.js';
import { type Route, refine } from '../data/route.js';
import { nameOf } from '../data/scopes.js';
import { Empty } from '../parts/empty.js';
import { SelectField } from '../parts/field.js';
import { ListPanel } from '../parts/list-panel.js';
import { Note, ProblemBox } from '../parts/problem.js';
import { State } from '../parts/state.js';
import type { Column } from '../parts/table.js';

type Explanation = Schemas['Explanation'];

interface Candidate {
  name: string;
  where: string;
  isEligible: boolean;
  carries: boolean;
  reasons: Explanation['manager']['reasons'];
}

const LOOK_MS = 5_000;

/** Who would carry a save through a connector now, and of everybody else why not. */
export function ExplainTab({ scope, route }: { scope: string; route: Route }) {
  const { data: connectors } = useConnectors(scope);
  const asked = route.query.get('connector');
  const [chosen, setChosen] = useState(asked ?? '');
  useEffect(() => setChosen((before) => before || (connectors?.[0]?.id ?? '')), [connectors]);
  const { data, error } = useResource(
    chosen === '' ? null : `explain ${scope} ${chosen}`,
    () => answer(apiOf(scope).POST('/explain', { body: { connector: chosen } })),
    { live: ['delegate.', 'connector.'], everyMs: LOOK_MS },
  );
  return (
    <>
      <div class="narrow">
        <SelectField
          label="A save through"
          value={chosen}
          options={(connectors ?? []).map(({ id, connectivity }) => ({
            value: id,
            label: `${id} (${connectivity})`,
          }))}
          onChange={(connector) => {
            setChosen(connector);
            refine(route, { connector });
          }}
        />
      </div>
      <ProblemBox error={error} />
      {data !== undefined && <Verdict explanation={data} />}
      {(data !== undefined || chosen !== '') && (
        <ListPanel
          label="Who could carry it"
          pages={{ rows: data === undefined ? undefined : candidatesOf(data), error: undefined }}
          columns={columns}
          keyOf={({ name, where }) => `${where} ${name}`}
          skeletonRows={3}
          empty={null}
        />
      )}
      {connectors?.length === 0 && (
        <Empty icon="repositories" title="No repositories yet">
          Connect one first: who carries a save depends on the way to its repository.
        </Empty>
      )}
    </>
  );
}

function candidatesOf({ manager, delegates, carriedBy }: Explanation): Candidate[] {
  return [
    {
      name: 'The manager',
      where: 'In this process',
      isEligible: manager.eligible,
      carries: carriedBy === 'manager' && manager.eligible,
      reasons: manager.reasons,
    },
    ...delegates.map(({ id, name, group, scope, eligible, reasons }) => ({
      name,
      where: `${group} of ${nameOf(scope)}`,
      isEligible: eligible,
      carries: carriedBy === id,
      reasons,
    })),
  ];
}

function Verdict({ explanation }: { explanation: Explanation }) {
  const carrier = candidatesOf(explanation).find(({ carries }) => carries);
  return carrier === undefined ? (
    <Note tone="warn" title="Nobody would carry it now">
      A save waits until somebody can, up to its deadline, and says what it waits for.
    </Note>
  ) : (
    <Note icon="check" title={`${carrier.name} would carry it`}>
      By connectivity {explanation.connectivity}; there is no fallback from one to the other.
    </Note>
  );
}

const columns: Column<Candidate>[] = [
  { label: 'Candidate', cell: ({ name }) => <span class="strong">{name}</span> },
  { label: 'Group', cell: ({ where }) => where },
  {
    label: 'Verdict',
    cell: ({ isEligible, carries }) => (
      <State tone={isEligible ? 'ok' : 'calm'} icon={isEligible ? 'check' : 'close'}>
        {verdictOf(isEligible, carries)}
      </State>
    ),
  },
  {
    label: 'Why',
    cell: ({ reasons }) =>
      reasons.length === 0 ? (
        <span class="quiet">Nothing speaks against it</span>
      ) : (
        <ul>
          {reasons.map(({ code, detail }) => (
            <li key={code}>
              {detail} <span class="quiet mono">{code}</span>
            </li>
          ))}
        </ul>
      ),
  },
];

function verdictOf(isEligible: boolean, carries: boolean): string {
  if (carries) return 'Carries it';
  return isEligible ? 'Could' : 'No';
}
