// What entities are of: the kinds of the account, each with its schema and where its files go.
import { type Kind, useKinds } from '../data/kinds.js';
import { hrefOf } from '../data/route.js';
import { accountOf } from '../data/scopes.js';
import { Allowed } from '../parts/allowed.js';
import { LinkButton } from '../parts/button.js';
import { Empty } from '../parts/empty.js';
import { ListPanel } from '../parts/list-panel.js';
import type { Column } from '../parts/table.js';

export const hrefOfKind = (scope: string, id: string): string =>
  hrefOf(scope, ['entities'], { tab: 'kinds', edit: id });
export const hrefOfNewKind = (scope: string): string =>
  hrefOf(scope, ['entities'], { tab: 'kinds', new: 'yes' });

export function KindsTab({ scope }: { scope: string }) {
  const { data, error } = useKinds(scope);
  return (
    <ListPanel
      label="Kinds"
      pages={{ rows: data, error }}
      columns={columnsOf(scope)}
      keyOf={({ id }) => id}
      skeletonRows={3}
      empty={<NoKinds scope={scope} />}
    />
  );
}

export const NoKinds = ({ scope }: { scope: string }) => (
  <Empty
    icon="entities"
    title="No kinds yet"
    action={
      <Allowed scope={accountOf(scope)} needs="kind.manage">
        <LinkButton look="primary" icon="plus" href={hrefOfNewKind(scope)}>
          Define the first kind
        </LinkButton>
      </Allowed>
    }
  >
    Every entity is of a kind: a JSON Schema that its document has to fit, and the path of its file in a
    repository. Kinds are those of the whole account.
  </Empty>
);

const columnsOf = (scope: string): Column<Kind>[] => [
  {
    label: 'Kind',
    cell: ({ id }) => (
      <a class="strong break" href={hrefOfKind(scope, id)}>
        {id}
      </a>
    ),
  },
  { label: 'Files', cell: ({ pathTemplate }) => <span class="mono break">{pathTemplate}</span> },
  {
    label: 'Names itself at',
    cell: ({ identity }) =>
      identity === null ? (
        <span class="quiet">Nowhere</span>
      ) : (
        <span class="mono break">{Object.values(identity).join(' ')}</span>
      ),
  },
  {
    label: 'Entities',
    isEnd: true,
    cell: ({ id }) => <a href={hrefOf(scope, ['entities'], { kind: id })}>Show</a>,
  },
];
