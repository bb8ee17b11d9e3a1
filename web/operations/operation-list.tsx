import { answer, apiOf } from '../data/api.js';
import { usePages } from '../data/pages.js';
import { hrefOf, type Route, refine } from '../data/route.js';
import { LinkButton } from '../parts/button.js';
import { Choices } from '../parts/choices.js';
import { Short } from '../parts/copy.js';
import { Empty } from '../parts/empty.js';
import { Head } from '../parts/head.js';
import { ListPanel } from '../parts/list-panel.js';
import type { Column } from '../parts/table.js';
import { Ago, Lasting } from '../parts/time.js';
import { nameOperation, type Operation, OperationState } from './operation-state.js';

const PAGE = '50';
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
  const pages = usePages(
    `operations ${scope} ${chosen}`,
    async (cursor) => {
      const query = {
        limit: PAGE,
        ...(chosen === 'all' ? {} : { state: chosen }),
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
      </div>
      <ListPanel
        label="Operations"
        pages={pages}
        columns={columnsOf(scope)}
        empty={<NoOperations scope={scope} isFiltered={chosen !== 'all'} />}
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

const NoOperations = ({ scope, isFiltered }: { scope: string; isFiltered: boolean }) => (
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
      ? 'No operation of this scope is in this state.'
      : 'A save, a deletion or a move is an operation, from the moment it is accepted until it is in Git.'}
  </Empty>
);
