import { answer, apiOf, type Schemas } from '../data/api.js';
import { usePages } from '../data/pages.js';
import { hrefOf, type Route } from '../data/route.js';
import { Allowed } from '../parts/allowed.js';
import { LinkButton } from '../parts/button.js';
import { Short } from '../parts/copy.js';
import { Empty } from '../parts/empty.js';
import { Head } from '../parts/head.js';
import { ListPanel } from '../parts/list-panel.js';
import type { Column } from '../parts/table.js';
import { Tabs } from '../parts/tabs.js';
import { Ago } from '../parts/time.js';
import { ManagersTab } from './managers-tab.js';
import { RotationsTab } from './rotations-tab.js';

type Secret = Schemas['Secret'];

const PAGE = '100';
const tabs = [
  { name: 'secrets', label: 'Secrets', Show: Secrets },
  { name: 'managers', label: 'Secret managers', Show: ManagersTab },
  { name: 'rotations', label: 'Rotations', Show: RotationsTab },
] as const;

export function SecretList({ scope, route }: { scope: string; route: Route }) {
  const chosen = route.query.get('tab') ?? 'secrets';
  const tab = tabs.find(({ name }) => name === chosen) ?? tabs[0];
  return (
    <>
      <Head
        title="Secrets"
        note="What repositories are reached with. A value is written, and never shown again."
      >
        <Allowed scope={scope} needs="secret.manage">
          <LinkButton look="primary" icon="plus" href={hrefOf(scope, ['secrets', 'new'])}>
            New secret
          </LinkButton>
        </Allowed>
      </Head>
      <Tabs
        label="Views of the secrets"
        tabs={tabs}
        current={tab.name}
        hrefOf={(name) => hrefOf(scope, ['secrets'], { tab: name })}
      />
      <tab.Show scope={scope} />
    </>
  );
}

function Secrets({ scope }: { scope: string }) {
  const pages = usePages(
    `secrets ${scope}`,
    async (cursor) => {
      const query = { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) };
      const page = await answer(apiOf(scope).GET('/secrets', { params: { query } }));
      return { rows: page.secrets, next: page.nextCursor };
    },
    { keyOf: ({ id }) => id },
  );
  return (
    <ListPanel
      label="Secrets"
      pages={pages}
      columns={columnsOf(scope)}
      empty={
        <Empty
          icon="lock"
          title="No secrets yet"
          action={
            <Allowed scope={scope} needs="secret.manage">
              <LinkButton look="primary" icon="plus" href={hrefOf(scope, ['secrets', 'new'])}>
                Put the first one
              </LinkButton>
            </Allowed>
          }
        >
          A secret is a password, a token or a key. Sealed for a delegate, even the manager cannot read it.
        </Empty>
      }
    />
  );
}

const columnsOf = (scope: string): Column<Secret>[] => [
  {
    label: 'Secret',
    cell: ({ id }) => (
      <a class="strong break" href={hrefOf(scope, ['secrets', id])}>
        {id}
      </a>
    ),
  },
  { label: 'Kept by', cell: ({ manager }) => manager },
  { label: 'Kind', cell: ({ kind }) => <span class="tag">{kind}</span> },
  { label: 'Version', cell: ({ version }) => <Short id={version} /> },
  { label: 'Written', isEnd: true, cell: ({ updatedAt }) => <Ago at={updatedAt} /> },
];
