import { type Connector, type Tracking, useConnectors, useTrackings } from '../data/connectors.js';
import { hrefOf } from '../data/route.js';
import { nameOf } from '../data/scopes.js';
import { Allowed } from '../parts/allowed.js';
import { LinkButton } from '../parts/button.js';
import { Empty } from '../parts/empty.js';
import { Head } from '../parts/head.js';
import { ListPanel } from '../parts/list-panel.js';
import type { Column } from '../parts/table.js';
import { Ago } from '../parts/time.js';
import { followingOf, hookOf } from './following.js';
import { SaidState } from './said.js';

export function RepositoryList({ scope }: { scope: string }) {
  const { data: connectors, error } = useConnectors(scope);
  const { data: trackings } = useTrackings(connectors);
  const isRefused = error !== undefined && connectors?.length === 0;
  const trackingOf = (one: Connector): Tracking | undefined =>
    trackings?.find(({ connector, scope: of }) => connector === one.id && of === one.scope);
  const add = (
    <Allowed scope={scope} needs="connector.manage">
      <LinkButton look="primary" icon="plus" href={hrefOf(scope, ['repositories', 'new'])}>
        Connect a repository
      </LinkButton>
    </Allowed>
  );
  return (
    <>
      <Head title="Repositories" note="The connectors within reach: each a saved way to a repository.">
        {add}
      </Head>
      <ListPanel
        label="Repositories"
        pages={{ rows: isRefused ? undefined : connectors, error }}
        columns={columnsOf(scope, trackingOf)}
        keyOf={({ scope: of, id }) => `${of}/${id}`}
        skeletonRows={3}
        empty={
          <Empty icon="repositories" title="No repositories yet" action={add}>
            A connector says where a repository is, who talks to it, the manager or a delegate inside your
            walls, and by which secret.
          </Empty>
        }
      />
    </>
  );
}

const columnsOf = (
  scope: string,
  trackingOf: (connector: Connector) => Tracking | undefined,
): Column<Connector>[] => [
  {
    label: 'Connector',
    cell: ({ id, scope: of }) => (
      <span>
        <a class="strong" href={hrefOf(scope, ['repositories', id])}>
          {id}
        </a>
        {of !== scope && <span class="quiet small"> in {nameOf(of)}</span>}
      </span>
    ),
  },
  { label: 'Repository', cell: ({ url }) => <span class="mono break">{url}</span> },
  { label: 'Connectivity', cell: ({ connectivity }) => <span class="tag">{connectivity}</span> },
  { label: 'Following', cell: (one) => <SaidState said={followingOf(trackingOf(one))} /> },
  { label: 'Webhook', cell: (one) => <SaidState said={hookOf(trackingOf(one))} /> },
  {
    label: 'Last look',
    isEnd: true,
    cell: (one) => <Ago at={trackingOf(one)?.polledAt} />,
  },
];
