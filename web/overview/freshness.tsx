// How far the copies are from what Git holds: each as it is now, and over the time in which somebody looked.
import { useEffect, useState } from 'preact/hooks';
import type { Tracking } from '../data/connectors.js';
import { hrefOf } from '../data/route.js';
import { lastingOf } from '../data/time.js';
import { LinkButton } from '../parts/button.js';
import { Empty } from '../parts/empty.js';
import { ListPanel } from '../parts/list-panel.js';
import { Panel } from '../parts/panel.js';
import type { Column } from '../parts/table.js';
import { Ago } from '../parts/time.js';
import { followingOf, hookOf } from '../repositories/following.js';
import { SaidState } from '../repositories/said.js';
import { Bars } from './chart.js';
import { type Sample, type Span, samplesOf, stalenessOf } from './statistics.js';

const columnsOf = (scope: string): Column<Tracking>[] => [
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

export interface FreshnessProps {
  scope: string;
  trackings: Tracking[] | undefined;
  error: unknown;
}

export const Freshness = ({ scope, trackings, error }: FreshnessProps) => (
  <ListPanel
    label="Freshness of the copies"
    title="Freshness"
    pages={{ rows: trackings, error }}
    columns={columnsOf(scope)}
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

const KEPT = 500;

/** By scope. The API tells of the present alone: what is seen is kept until the page is left. */
const seen = new Map<string, readonly Sample[]>();

export function FreshnessChart({ scope, trackings, span }: Omit<FreshnessProps, 'error'> & { span: Span }) {
  const samples = useSamples(scope, trackings);
  const slots = samplesOf(samples, span);
  const values = slots.flatMap(({ value }) => (value === null ? [] : [value]));
  const most = values.length === 0 ? null : lastingOf(Math.max(...values));
  return (
    <Panel title="Age of the copies, since this page was opened">
      <Bars
        slots={slots}
        label={
          most === null
            ? 'No copy was seen in this time'
            : `At most ${most} since each copy was compared with Git`
        }
        most={most === null ? 'None was seen' : `Up to ${most}`}
        say={(value) => `compared within ${lastingOf(value)}`}
      />
    </Panel>
  );
}

function useSamples(scope: string, trackings: readonly Tracking[] | undefined): readonly Sample[] {
  const [, setCount] = useState(0);
  useEffect(() => {
    const at = Date.now();
    const value = stalenessOf(trackings ?? [], at);
    if (value === null) return;
    seen.set(scope, [...(seen.get(scope) ?? []), { at, value }].slice(-KEPT));
    setCount((count) => count + 1);
  }, [scope, trackings]);
  return seen.get(scope) ?? [];
}
