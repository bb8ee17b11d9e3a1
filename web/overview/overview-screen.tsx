// How it goes in a scope: what came to Git lately and how fast, what waits, what failed and what to do about it.
import type { ComponentChildren } from 'preact';
import { answer, apiOf, type Schemas } from '../data/api.js';
import { useConnectors, useTrackings } from '../data/connectors.js';
import { useResource } from '../data/resource.js';
import { hrefOf } from '../data/route.js';
import { nameOf } from '../data/scopes.js';
import { lastingOf } from '../data/time.js';
import { nameOperation, type Operation, OperationState } from '../operations/operation-state.js';
import { LinkButton } from '../parts/button.js';
import { Empty } from '../parts/empty.js';
import { Head } from '../parts/head.js';
import { ListPanel } from '../parts/list-panel.js';
import { wordsOf } from '../parts/page-words.js';
import { Panel } from '../parts/panel.js';
import { ProblemBox } from '../parts/problem.js';
import { State } from '../parts/state.js';
import type { Column } from '../parts/table.js';
import { Ago } from '../parts/time.js';
import { followingOf, hookOf } from '../repositories/following.js';
import { SaidState } from '../repositories/said.js';
import type { ScreenProps } from '../shell/screen.js';
import { Latency, Throughput } from './chart.js';
import { durationsOf, type Lane, lanesOf, quantile, slotsOf } from './statistics.js';

const LISTED = '1000';
const LOOK_MS = 10_000;
const SLOTS = 30;
const SLOT_MS = 120_000;
const SHOWN = 5;

export function OverviewScreen({ scope }: ScreenProps) {
  const { data: operations, error } = useResource(
    `overview ${scope}`,
    async () =>
      (await answer(apiOf(scope).GET('/operations', { params: { query: { limit: LISTED } } }))).operations,
    { live: ['operation.'], everyMs: LOOK_MS },
  );
  return (
    <>
      <Head title="Overview" note={`The last hour of ${nameOf(scope)}, of its last thousand operations.`} />
      <ProblemBox error={error} />
      <Tiles operations={operations} />
      <div class="halves">
        <Panel title="Operations that ended">
          <Throughput slots={slotsOf(operations ?? [], Date.now(), SLOTS, SLOT_MS)} />
        </Panel>
        <Panel title="From acceptance to the branch">
          <Latency slots={slotsOf(operations ?? [], Date.now(), SLOTS, SLOT_MS)} />
        </Panel>
      </div>
      <div class="halves">
        <Lanes scope={scope} operations={operations} />
        <Freshness scope={scope} />
      </div>
      <Failures scope={scope} operations={operations} />
    </>
  );
}

function Tiles({ operations }: { operations: readonly Operation[] | undefined }) {
  const since = Date.now() - SLOTS * SLOT_MS;
  const recent = operations?.filter(
    ({ finishedAt }) => finishedAt !== null && Date.parse(finishedAt) >= since,
  );
  const took = durationsOf(recent ?? []);
  const timeOf = (share: number): string => {
    const ms = quantile(took, share);
    return ms === null ? '–' : lastingOf(ms);
  };
  const waiting = operations?.filter(({ state }) => state === 'pending').length;
  const failed = recent?.filter(({ state }) => state === 'failed' || state === 'conflict').length;
  return (
    <dl class="tiles">
      <Tile label="Ended in the hour">{recent?.length}</Tile>
      <Tile label="Half within">{operations === undefined ? undefined : timeOf(0.5)}</Tile>
      <Tile label="95 % within">{operations === undefined ? undefined : timeOf(0.95)}</Tile>
      <Tile label="On their way">{waiting}</Tile>
      <Tile label="Failed or in conflict" isBad={(failed ?? 0) > 0}>
        {failed}
      </Tile>
    </dl>
  );
}

const Tile = ({
  label,
  isBad = false,
  children,
}: {
  label: string;
  isBad?: boolean;
  children: ComponentChildren;
}) => (
  <div class={isBad ? 'bad' : ''}>
    <dt>{label}</dt>
    <dd class="number">{children ?? <span class="skeleton" />}</dd>
  </div>
);

const laneColumns: Column<Lane>[] = [
  {
    label: 'Lane',
    cell: ({ connector, branch }) => (
      <span class="break">
        <span class="strong">{connector}</span> <span class="quiet mono">{branch}</span>
      </span>
    ),
  },
  {
    label: 'Waiting',
    cell: ({ waiting, since }) =>
      waiting === 0 ? (
        <span class="quiet">Nothing</span>
      ) : (
        <State tone="busy">
          {waiting}, the oldest <Ago at={since} />
        </State>
      ),
  },
  { label: 'Succeeded', isEnd: true, cell: ({ succeeded }) => <span class="number">{succeeded}</span> },
  { label: 'Failed', isEnd: true, cell: ({ failed }) => <span class="number">{failed}</span> },
];

const Lanes = ({ scope, operations }: { scope: string; operations: readonly Operation[] | undefined }) => (
  <ListPanel
    label="Lanes"
    title="Lanes"
    pages={{
      rows: operations === undefined ? undefined : lanesOf(operations).slice(0, SHOWN),
      error: undefined,
    }}
    columns={laneColumns}
    keyOf={({ connector, branch }) => `${connector} ${branch}`}
    skeletonRows={3}
    empty={
      <Empty
        icon="branch"
        title="No lanes yet"
        action={<LinkButton href={hrefOf(scope, ['entities'])}>Save an entity</LinkButton>}
      >
        The first save to a branch of a repository begins one.
      </Empty>
    }
  />
);

type Tracked = Schemas['Tracking'];

const freshnessColumns = (scope: string): Column<Tracked>[] => [
  {
    label: 'Repository',
    cell: ({ connector }) => (
      <a class="strong break" href={hrefOf(scope, ['repositories', connector])}>
        {connector}
      </a>
    ),
  },
  { label: 'Copies', cell: (one) => <SaidState said={followingOf(one)} /> },
  { label: 'Webhook', cell: (one) => <SaidState said={hookOf(one)} /> },
  { label: 'Last look', isEnd: true, cell: ({ polledAt }) => <Ago at={polledAt} /> },
];

function Freshness({ scope }: { scope: string }) {
  const { data: connectors } = useConnectors(scope);
  const { data: trackings, error } = useTrackings(connectors);
  return (
    <ListPanel
      label="Freshness of the copies"
      title="Freshness"
      pages={{ rows: trackings, error }}
      columns={freshnessColumns(scope)}
      keyOf={({ scope: of, connector }) => `${of} ${connector}`}
      skeletonRows={3}
      empty={
        <Empty
          icon="repositories"
          title="No repository is followed"
          action={<LinkButton href={hrefOf(scope, ['repositories'])}>Show the repositories</LinkButton>}
        >
          Follow one, and what others push shows up here within seconds.
        </Empty>
      }
    />
  );
}

const failureColumns = (scope: string): Column<Operation>[] => [
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
    label: 'What to do',
    cell: ({ problem }) => <span class="break">{problem == null ? '' : wordsOf(problem).hint}</span>,
  },
  { label: 'When', isEnd: true, cell: ({ finishedAt }) => <Ago at={finishedAt} /> },
];

function Failures({ scope, operations }: { scope: string; operations: readonly Operation[] | undefined }) {
  const failed = operations
    ?.filter(({ state }) => state === 'failed' || state === 'conflict')
    .slice(0, SHOWN);
  return (
    <ListPanel
      label="Recent failures"
      title="Recent failures"
      pages={{ rows: failed, error: undefined }}
      columns={failureColumns(scope)}
      keyOf={({ id }) => id}
      skeletonRows={2}
      empty={
        <Empty icon="check" title="Nothing failed">
          Every operation that is known here is in Git, or on its way.
        </Empty>
      }
    />
  );
}
