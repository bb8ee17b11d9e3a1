import { useState } from 'preact/hooks';
import { answer, apiOf } from '../data/api.js';
import { useResource } from '../data/resource.js';
import { accountOf } from '../data/scopes.js';
import { Allowed } from '../parts/allowed.js';
import { Button } from '../parts/button.js';
import { Confirm } from '../parts/dialog.js';
import { Empty } from '../parts/empty.js';
import { lazily } from '../parts/lazy.js';
import { ListPanel } from '../parts/list-panel.js';
import type { Column } from '../parts/table.js';
import { say } from '../shell/toasts.js';
import type { IdentityProvider } from './provider-dialog.js';

const ProviderDialog = lazily(async () => (await import('./provider-dialog.js')).ProviderDialog);

/** Where people come from who sign in without a token. */
export function ProvidersTab({ scope }: { scope: string }) {
  const account = accountOf(scope);
  /** `new`, or the one that is changed. */
  const [edited, setEdited] = useState<IdentityProvider | 'new' | undefined>(undefined);
  const [deleted, setDeleted] = useState<IdentityProvider | undefined>(undefined);
  const { data, error, reload } = useResource(
    `identity providers ${account}`,
    async () => (await answer(apiOf(account).GET('/identity-providers'))).identityProviders,
  );
  const remove = async ({ id, name }: IdentityProvider): Promise<void> => {
    await apiOf(account).DELETE('/identity-providers/{id}', { params: { path: { id } } });
    say(`Nobody signs in by ${name} any more.`);
    await reload();
  };
  const add = (
    <Allowed scope={account} needs="access.manage">
      <Button look="primary" icon="plus" onPress={() => setEdited('new')}>
        Add a provider
      </Button>
    </Allowed>
  );
  return (
    <>
      <ListPanel
        label="Identity providers"
        title="Identity providers of the account"
        ends={add}
        pages={{ rows: data, error }}
        columns={columnsOf(account, setEdited, setDeleted)}
        keyOf={({ id }) => id}
        skeletonRows={2}
        empty={
          <Empty icon="access" title="Tokens alone" action={add}>
            With an OpenID Connect provider people sign in by the account that they have anyway, and get the
            roles that their address or their groups were given.
          </Empty>
        }
      />
      {edited !== undefined && (
        <ProviderDialog
          account={account}
          provider={edited === 'new' ? undefined : edited}
          taken={data?.map(({ id }) => id) ?? []}
          onSaved={() => void reload()}
          onClose={() => setEdited(undefined)}
        />
      )}
      {deleted !== undefined && (
        <Confirm
          title={`Delete the identity provider ${deleted.name}?`}
          act={`Delete ${deleted.name}`}
          onConfirm={() => remove(deleted)}
          onClose={() => setDeleted(undefined)}
        >
          <p>Whoever came by it is signed out at once and cannot come back. Roles that were given stay.</p>
        </Confirm>
      )}
    </>
  );
}

const columnsOf = (
  account: string,
  edit: (provider: IdentityProvider) => void,
  remove: (provider: IdentityProvider) => void,
): Column<IdentityProvider>[] => [
  { label: 'Provider', cell: ({ name }) => <span class="strong break">{name}</span> },
  { label: 'Issuer', cell: ({ issuer }) => <span class="mono break">{issuer}</span> },
  { label: 'Client', cell: ({ clientId }) => <span class="mono break">{clientId}</span> },
  { label: 'Groups by', cell: ({ groupsClaim }) => <span class="tag">{groupsClaim}</span> },
  {
    label: 'Acts',
    isUnnamed: true,
    isEnd: true,
    cell: (provider) => (
      <Allowed scope={account} needs="access.manage">
        <span class="row end">
          <Button look="tiny" onPress={() => edit(provider)}>
            Change
          </Button>
          <Button look="tiny danger" onPress={() => remove(provider)}>
            Delete
          </Button>
        </span>
      </Allowed>
    ),
  },
];
