import { answer, apiOf } from '../data/api.js';
import { useKinds } from '../data/kinds.js';
import { usePages } from '../data/pages.js';
import { hrefOf, type Route, refine } from '../data/route.js';
import { useTypedFilter } from '../data/typed-filter.js';
import { Allowed } from '../parts/allowed.js';
import { LinkButton } from '../parts/button.js';
import { Search } from '../parts/choices.js';
import { Short } from '../parts/copy.js';
import { Empty } from '../parts/empty.js';
import { Select } from '../parts/field.js';
import { ListPanel } from '../parts/list-panel.js';
import type { Column } from '../parts/table.js';
import { EntitiesHead } from './entities-head.js';
import { type Entity, gitStateOf, type Surroundings } from './git-state.js';
import { GitStateMark } from './git-state-mark.js';
import { NoKinds } from './kinds-tab.js';
import { useSurroundings } from './surroundings.js';

const PAGE = '100';
const PART_OF_ID = /^[A-Za-z0-9_$-]{1,128}$/;

export function EntityList({ scope, route }: { scope: string; route: Route }) {
  const kind = route.query.get('kind') ?? '';
  const branch = route.query.get('branch') ?? '';
  const sought = route.query.get('search') ?? '';
  const isPossible = sought === '' || PART_OF_ID.test(sought);
  const pages = usePages(
    `entities ${scope} ${kind} ${branch} ${sought}`,
    async (cursor) => {
      if (!isPossible) return { rows: [], next: null };
      const query = {
        limit: PAGE,
        ...(kind === '' ? {} : { kind }),
        ...(branch === '' ? {} : { branch }),
        ...(sought === '' ? {} : { search: sought }),
        ...(cursor === undefined ? {} : { cursor }),
      };
      const page = await answer(apiOf(scope).GET('/entities', { params: { query } }));
      return { rows: page.entities, next: page.nextCursor };
    },
    { keyOf: ({ kind: of, id, git }) => `${of}/${id}@${git?.branch ?? ''}`, live: ['entity.'] },
  );
  const used = new Set(pages.rows?.flatMap(({ git }) => (git === null ? [] : [git.connector])));
  const surroundings = useSurroundings(scope, [...used].toSorted());
  const isFiltered = kind !== '' || branch !== '' || sought !== '';
  return (
    <>
      <EntitiesHead scope={scope} current="entities">
        <Allowed scope={scope} needs="entity.edit">
          <LinkButton look="primary" icon="plus" href={hrefOf(scope, ['entities', 'new'], { kind })}>
            New entity
          </LinkButton>
        </Allowed>
      </EntitiesHead>
      <Filters scope={scope} route={route} branches={branchesOf(surroundings, branch)} />
      <ListPanel
        label="Entities"
        pages={pages}
        columns={columnsOf(scope, surroundings)}
        empty={isFiltered ? <NoMatch scope={scope} isPossible={isPossible} /> : <NoEntities scope={scope} />}
      />
    </>
  );
}

function Filters({ scope, route, branches }: { scope: string; route: Route; branches: string[] }) {
  const { data: kinds = [] } = useKinds(scope);
  const [typed, setTyped] = useTypedFilter(route, 'search');
  const all = (label: string, values: string[]) => [
    { value: '', label },
    ...values.map((value) => ({ value, label: value })),
  ];
  return (
    <div class="toolbar">
      <Search label="Search entities by id" value={typed} onInput={setTyped} />
      <Select
        label="Kind"
        value={route.query.get('kind') ?? ''}
        options={all(
          'All kinds',
          kinds.map(({ id }) => id),
        )}
        onChange={(kind) => refine(route, { kind })}
      />
      <Select
        label="Branch"
        value={route.query.get('branch') ?? ''}
        options={all('All branches', branches)}
        onChange={(branch) => refine(route, { branch })}
      />
    </div>
  );
}

/** Those that are followed, and the one that is looked at. */
function branchesOf({ trackings, operations }: Surroundings, chosen: string): string[] {
  const branches = trackings.flatMap(({ followed: all }) => all);
  const gone = new Set(branches.filter(({ state }) => state === 'gone').map(({ branch }) => branch));
  const followed = branches.map(({ branch }) => branch).filter((branch) => !gone.has(branch));
  const saved = operations.flatMap(({ git, state }) =>
    git === null || state !== 'succeeded' || gone.has(git.branch) ? [] : [git.branch],
  );
  return [...new Set([...followed, ...saved, ...(chosen === '' ? [] : [chosen])])].toSorted();
}

const columnsOf = (scope: string, surroundings: Surroundings): Column<Entity>[] => [
  {
    label: 'Entity',
    cell: ({ kind, id, git }) => (
      <a class="strong break" href={hrefOf(scope, ['entities', kind, id], { branch: git?.branch })}>
        {id}
      </a>
    ),
  },
  { label: 'Kind', cell: ({ kind }) => <span class="tag">{kind}</span> },
  {
    label: 'State',
    cell: (entity) => <GitStateMark scope={scope} state={gitStateOf(entity, surroundings)} />,
  },
  {
    label: 'Branch',
    cell: ({ git }) => (git === null ? <span class="quiet">–</span> : <span class="mono">{git.branch}</span>),
  },
  {
    label: 'Where',
    cell: ({ git }) =>
      git === null ? (
        <span class="quiet">Inline</span>
      ) : (
        <span class="break">
          {git.connector} <span class="quiet mono">{git.path}</span>
        </span>
      ),
  },
  { label: 'Commit', isEnd: true, cell: ({ git }) => <Short id={git?.commitId} /> },
];

const NoMatch = ({ scope, isPossible }: { scope: string; isPossible: boolean }) => (
  <Empty
    icon="search"
    title="Nothing fits"
    action={<LinkButton href={hrefOf(scope, ['entities'])}>Show all entities</LinkButton>}
  >
    {isPossible
      ? 'No entity of this scope has this kind, branch and id. Entities of other scopes are found by switching to them.'
      : 'Ids have letters, digits, _, $ and - alone: no entity is called like that.'}
  </Empty>
);

function NoEntities({ scope }: { scope: string }) {
  const { data: kinds } = useKinds(scope);
  if (kinds?.length === 0) return <NoKinds scope={scope} />;
  return (
    <Empty
      icon="entities"
      title="No entities yet"
      action={
        <Allowed scope={scope} needs="entity.edit">
          <LinkButton look="primary" icon="plus" href={hrefOf(scope, ['entities', 'new'])}>
            Save the first one
          </LinkButton>
          <LinkButton href={hrefOf(scope, ['repositories'])}>Import from a repository</LinkButton>
        </Allowed>
      }
    >
      An entity is a YAML document of one of your{' '}
      <a href={hrefOf(scope, ['entities'], { tab: 'kinds' })}>kinds</a>. Save one here, or import those that a
      repository holds already.
    </Empty>
  );
}
