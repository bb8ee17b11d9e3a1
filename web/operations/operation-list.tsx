import { answer, apiOf } from '../data/api.js';
import { useConnectors } from '../data/connectors.js';
import type { Operation } from '../data/operations.js';
import { usePages } from '../data/pages.js';
import { hrefOf, type Route, refine } from '../data/route.js';
import { useTypedFilter } from '../data/typed-filter.js';
import { LinkButton } from '../parts/button.js';
import { Choices, Search } from '../parts/choices.js';
import { Short } from '../parts/copy.js';
import { Empty } from '../parts/empty.js';
import { Select } from '../parts/field.js';
import { Head } from '../parts/head.js';
import { ListPanel } from '../parts/list-panel.js';
import type { Column } from '../parts/table.js';
import { Ago, Lasting } from '../parts/time.js';
import { nameOperation, OperationState } from './operation-state.js';

const PAGE = '50';
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_$-]{0,127}$/;
const filters = [
  { value: 'all', label: 'All' },
  { value: 'pending', label: 'On their way' },
  { value: 'succeeded', label: 'Succeeded' },
  { value: 'conflict', label: 'Conflicts' },
  { value: 'failed', label: 'Failed' },
  { value: 'cancelled', label: 'Cancelled' },
] as const;
type Filter = (typeof filters)[number]['value'];

export function OperationList({ scope, route }: { scope: string; route: Route }) {
  const asked = route.query.get('state');
  const chosen: Filter = filters.find(({ value }) => value === asked)?.value ?? 'all';
  const place = placeOf(route);
  const pages = usePages(
    `operations ${scope} ${chosen} ${new URLSearchParams(place)}`,
    async (cursor) => {
      if (place.entity !== undefined && !IDENTIFIER.test(place.entity)) return { rows: [], next: null };
      const query = {
        limit: PAGE,
        ...(chosen === 'all' ? {} : { state: chosen }),
        ...place,
        ...(cursor === undefined ? {} : { cursor }),
      };
      const page = await answer(apiOf(scope).GET('/operations', { params: { query } }));
      return { rows: page.operations, next: page.nextCursor };
    },
    // That one was accepted is no event: what is looked at is looked at again.
    { keyOf: ({ id }) => id, live: ['operation.', 'entity.'], everyMs: 3_000 },
  );
  return (
    <>
      <Head title="Operations" note="Every change that was asked for, newest first, and what became of it." />
      <div class="toolbar">
        <Choices
          label="State"
          value={chosen}
          options={filters}
          onChange={(state) => refine(route, { state: state === 'all' ? undefined : state })}
        />
        <PlaceFilters scope={scope} route={route} />
      </div>
      <ListPanel
        label="Operations"
        pages={pages}
        columns={columnsOf(scope)}
        empty={
          <NoOperations
            scope={scope}
            isFiltered={chosen !== 'all' || Object.keys(place).length > 0}
            isById={place.entity !== undefined}
          />
        }
      />
    </>
  );
}

/** What the address asks for. */
function placeOf({ query }: Route): { entity?: string; connector?: string } {
  const entity = query.get('entity') ?? '';
  const connector = query.get('connector') ?? '';
  return { ...(entity === '' ? {} : { entity }), ...(connector === '' ? {} : { connector }) };
}

function PlaceFilters({ scope, route }: { scope: string; route: Route }) {
  const { data: connectors = [] } = useConnectors(scope);
  const [typed, setTyped] = useTypedFilter(route, 'entity');
  return (
    <>
      <Search label="Find by the whole id of the entity" value={typed} onInput={setTyped} />
      <Select
        label="Repository"
        value={route.query.get('connector') ?? ''}
        options={[
          { value: '', label: 'All repositories' },
          ...connectors.map(({ id }) => ({ value: id, label: id })),
        ]}
        onChange={(connector) => refine(route, { connector })}
      />
    </>
  );
}

const columnsOf = (scope: string): Column<Operation>[] => [
  {
    label: 'Operation',
    cell: (operation) => (
      <a class="strong break" href={hrefOf(scope, ['operations', operation.id])}>
        {nameOperation(operation)}
      </a>
    ),
  },
  { label: 'State', cell: (operation) => <OperationState operation={operation} /> },
  {
    label: 'Lane',
    cell: ({ git }) =>
      git === null ? (
        <span class="quiet">Inline</span>
      ) : (
        <span class="break">
          {git.connector} <span class="quiet mono">{git.branch}</span>
        </span>
      ),
  },
  { label: 'Commit', cell: ({ git }) => <Short id={git?.commitId} /> },
  { label: 'Accepted', cell: ({ createdAt }) => <Ago at={createdAt} /> },
  {
    label: 'Took',
    isEnd: true,
    cell: ({ createdAt, finishedAt }) => <Lasting from={createdAt} to={finishedAt} />,
  },
];

const NoOperations = ({
  scope,
  isFiltered,
  isById,
}: {
  scope: string;
  isFiltered: boolean;
  isById: boolean;
}) => (
  <Empty
    icon="operations"
    title={isFiltered ? 'None of these' : 'No operations yet'}
    action={
      isFiltered ? (
        <LinkButton href={hrefOf(scope, ['operations'])}>Show all operations</LinkButton>
      ) : (
        <LinkButton look="primary" icon="plus" href={hrefOf(scope, ['entities', 'new'])}>
          Save an entity
        </LinkButton>
      )
    }
  >
    {isFiltered
      ? `No operation of this scope is like that.${isById ? ' The id of the entity has to be there in full.' : ''}`
      : 'A save, a deletion or a move is an operation, from the moment it is accepted until it is in Git.'}
  </Empty>
);
