import { useState } from 'preact/hooks';
import { answer, apiOf, type Schemas } from '../data/api.js';
import { useResource } from '../data/resource.js';
import { hrefOf } from '../data/route.js';
import { accountOf } from '../data/scopes.js';
import { Allowed } from '../parts/allowed.js';
import { Button } from '../parts/button.js';
import { Confirm } from '../parts/dialog.js';
import { Empty } from '../parts/empty.js';
import { ListPanel } from '../parts/list-panel.js';
import type { Column } from '../parts/table.js';
import { Ago } from '../parts/time.js';
import { say } from '../shell/toasts.js';

type Member = Schemas['Members']['members'][number];

/** Who has signed in by an identity provider of the account. */
export function MembersTab({ scope }: { scope: string }) {
  const account = accountOf(scope);
  const [removed, setRemoved] = useState<Member | undefined>(undefined);
  const { data, error, reload } = useResource(
    `members ${account}`,
    async () => (await answer(apiOf(account).GET('/members'))).members,
  );
  const remove = async ({ id, name }: Member): Promise<void> => {
    await apiOf(account).DELETE('/members/{id}', { params: { path: { id } } });
    say(`${name} is removed.`);
    await reload();
  };
  return (
    <>
      <ListPanel
        label="Members"
        pages={{ rows: data, error }}
        columns={columnsOf(account, setRemoved)}
        keyOf={({ id }) => id}
        skeletonRows={3}
        empty={
          <Empty icon="access" title="Nobody has signed in yet">
            Members come by signing in at an{' '}
            <a href={hrefOf(scope, ['access'], { tab: 'providers' })}>identity provider of the account</a>.
          </Empty>
        }
      />
      {removed !== undefined && (
        <Confirm
          title={`Remove ${removed.name}?`}
          act={`Remove ${removed.name}`}
          onConfirm={() => remove(removed)}
          onClose={() => setRemoved(undefined)}
        >
          <p>Open sessions end at once. Whoever can still sign in at the provider comes back by doing so.</p>
        </Confirm>
      )}
    </>
  );
}

const columnsOf = (account: string, remove: (member: Member) => void): Column<Member>[] => [
  { label: 'Member', cell: ({ name }) => <span class="strong break">{name}</span> },
  { label: 'Address', cell: ({ email }) => <span class="break">{email ?? '–'}</span> },
  { label: 'Provider', cell: ({ provider }) => <span class="tag">{provider}</span> },
  { label: 'Groups', cell: ({ groups }) => <span class="break">{groups.join(', ') || '–'}</span> },
  { label: 'Signed in', cell: ({ signedInAt }) => <Ago at={signedInAt} /> },
  {
    label: 'Remove',
    isUnnamed: true,
    isEnd: true,
    cell: (member) => (
      <Allowed scope={account} needs="access.manage">
        <Button look="tiny danger" onPress={() => remove(member)}>
          Remove
        </Button>
      </Allowed>
    ),
  },
];
