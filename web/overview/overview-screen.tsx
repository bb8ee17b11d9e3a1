// How it goes in a scope: what came to Git lately and how fast, what waits, what failed and what to do about it.
import type { ComponentChildren } from 'preact';
import { answer, apiOf } from '../data/api.js';
import { useConnectors, useTrackings } from '../data/connectors.js';
import type { Operation } from '../data/operations.js';
import { useResource } from '../data/resource.js';
import { hrefOf } from '../data/route.js';
import { nameOf } from '../data/scopes.js';
import { lastingOf } from '../data/time.js';
import { nameOperation, OperationState } from '../operations/operation-state.js';
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
import type { ScreenProps } from '../shell/screen.js';
import { Bars, Spark, SpreadChart, Throughput } from './chart.js';
import { Freshness, FreshnessChart } from './freshness.js';
import {
  depthsOf,
  durationsOf,
  type Lane,
  lanesOf,
  type Measured,
  quantile,
  type Span,
  slotsOf,
} from './statistics.js';
import { WebhookLag } from './webhook-lag.js';

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
  const { data: connectors } = useConnectors(scope);
  const { data: trackings, error: unfollowed } = useTrackings(connectors);
  const span = { nowMs: Date.now(), count: SLOTS, lengthMs: SLOT_MS };
  return (
    <>
      <Head title="Overview" note={`The last hour of ${nameOf(scope)}, of its last thousand operations.`} />
      <ProblemBox error={error} />
      <Tiles operations={operations} />
      <Charts operations={operations ?? []} span={span} />
      <div class="halves">
        <WebhookLag connectors={connectors} span={span} />
        <FreshnessChart scope={scope} trackings={trackings} span={span} />
      </div>
      <div class="halves">
        <Lanes scope={scope} operations={operations} span={span} />
        <Freshness scope={scope} trackings={trackings} error={unfollowed} />
      </div>
      <Failures scope={scope} operations={operations} />
    </>
  );
}

function Charts({ operations, span }: { operations: readonly Operation[]; span: Span }) {
  const slots = slotsOf(operations, span);
  const depths = depthsOf(operations, span);
  const most = mostOf(depths);
  return (
    <>
      <div class="halves">
        <Panel title="Operations that ended">
          <Throughput slots={slots} />
        </Panel>
        <Panel title="From acceptance to the branch">
          <SpreadChart slots={slots} of="From acceptance to the branch" none="None came to a branch" />
        </Panel>
      </div>
      <Panel title="Operations on their way">
        <Bars
          slots={depths}
          label={`At most ${most} operations were on their way at once`}
          most={`Up to ${most} at once`}
          say={sayDepth}
        />
      </Panel>
    </>
  );
}

const mostOf = (slots: readonly Measured[]): number => Math.max(0, ...slots.map(({ value }) => value ?? 0));
const sayDepth = (value: number): string => `at most ${value} on their way`;

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

const laneColumnsOf = (operations: readonly Operation[], span: Span): Column<Lane>[] => [
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
  { label: 'Depth', cell: (lane) => <LaneDepth lane={lane} operations={operations} span={span} /> },
  { label: 'Succeeded', isEnd: true, cell: ({ succeeded }) => <span class="number">{succeeded}</span> },
  { label: 'Failed', isEnd: true, cell: ({ failed }) => <span class="number">{failed}</span> },
];

interface LaneDepthProps {
  lane: Lane;
  operations: readonly Operation[];
  span: Span;
}

function LaneDepth({ lane: { connector, branch }, operations, span }: LaneDepthProps) {
  const own = operations.filter(({ git }) => git?.connector === connector && git.branch === branch);
  const slots = depthsOf(own, span);
  return (
    <Spark
      slots={slots}
      label={`At most ${mostOf(slots)} waited for ${connector} ${branch}`}
      say={sayDepth}
    />
  );
}

interface LanesProps {
  scope: string;
  operations: readonly Operation[] | undefined;
  span: Span;
}

const Lanes = ({ scope, operations, span }: LanesProps) => (
  <ListPanel
    label="Lanes"
    title="Lanes"
    pages={{
      rows: operations === undefined ? undefined : lanesOf(operations).slice(0, SHOWN),
      error: undefined,
    }}
    columns={laneColumnsOf(operations ?? [], span)}
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
