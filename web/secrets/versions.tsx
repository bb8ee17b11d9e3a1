import { answer, apiOf, type Schemas } from '../data/api.js';
import { useResource } from '../data/resource.js';
import { ListPanel } from '../parts/list-panel.js';
import { State } from '../parts/state.js';
import type { Column } from '../parts/table.js';
import { Ago } from '../parts/time.js';

type Version = Schemas['SecretVersions']['versions'][number];

const columns: Column<Version>[] = [
  { label: 'Version', cell: ({ number }) => <span class="strong num">{number}</span> },
  {
    label: 'State',
    cell: ({ supersededAt }) =>
      supersededAt === null ? <State tone="ok">Current</State> : <State tone="calm">Superseded</State>,
  },
  { label: 'Kept by', cell: ({ manager }) => manager },
  { label: 'Put', cell: ({ createdAt }) => <Ago at={createdAt} /> },
  {
    label: 'Superseded',
    isEnd: true,
    cell: ({ supersededAt }) => (supersededAt === null ? '–' : <Ago at={supersededAt} />),
  },
];

/** @param current what is read again once it is another */
export function Versions({ scope, id, current }: { scope: string; id: string; current: string }) {
  const { data, error } = useResource(`versions ${scope} ${id} ${current}`, () =>
    answer(apiOf(scope).GET('/secrets/{id}/versions', { params: { path: { id } } })),
  );
  return (
    <ListPanel
      label="Versions"
      title="Versions"
      pages={{ rows: data?.versions, error }}
      columns={columns}
      keyOf={({ version }) => version}
      skeletonRows={1}
      empty={null}
    />
  );
}
