import { useState } from 'preact/hooks';
import { answer, apiOf, type Schemas } from '../data/api.js';
import { useResource } from '../data/resource.js';
import { hrefOf } from '../data/route.js';
import { nameOf } from '../data/scopes.js';
import { Allowed } from '../parts/allowed.js';
import { Button, LinkButton } from '../parts/button.js';
import { Dialog } from '../parts/dialog.js';
import { Empty } from '../parts/empty.js';
import { ListPanel } from '../parts/list-panel.js';
import type { Column } from '../parts/table.js';
import { CheckResult, useManagerCheck } from './manager-check.js';
import { RotateDialog } from './rotate-dialog.js';
import { describeManager, type NearManager, useSecretManagers } from './secret-managers.js';

/** Who keeps secrets, besides the manager itself. */
export function ManagersTab({ scope }: { scope: string }) {
  const { data, error, reload } = useSecretManagers(scope);
  const [shown, setShown] = useState<NearManager | undefined>(undefined);
  const [rotated, setRotated] = useState<NearManager | undefined>(undefined);
  const add = (
    <Allowed scope={scope} needs="secret.manage">
      <LinkButton
        look="primary"
        icon="plus"
        href={hrefOf(scope, ['secrets'], { tab: 'managers', new: 'yes' })}
      >
        New secret manager
      </LinkButton>
    </Allowed>
  );
  return (
    <>
      <ListPanel
        label="Secret managers"
        pages={{ rows: data, error }}
        title="Within reach"
        ends={add}
        columns={columnsOf(scope, setShown, setRotated)}
        keyOf={({ manager: { scope: of, id } }) => `${of} ${id}`}
        skeletonRows={3}
        empty={
          <Empty icon="lock" title="The builtin one alone" action={add}>
            With another one, secrets are kept by your delegates, a KMS or a store of yours, and the manager
            cannot open them.
          </Empty>
        }
      />
      {shown !== undefined && <ManagerDialog near={shown} onClose={() => setShown(undefined)} />}
      {rotated !== undefined && (
        <RotateDialog
          scope={scope}
          what={{ manager: rotated.name }}
          from={rotated.name}
          onBegun={() => void reload()}
          onClose={() => setRotated(undefined)}
        />
      )}
    </>
  );
}

const columnsOf = (
  scope: string,
  show: (near: NearManager) => void,
  rotate: (near: NearManager) => void,
): Column<NearManager>[] => [
  {
    label: 'Secret manager',
    cell: ({ name }) => (
      <a class="strong break" href={hrefOf(scope, ['secrets'], { tab: 'managers', edit: name })}>
        {name}
      </a>
    ),
  },
  { label: 'What it is', cell: ({ manager }) => describeManager(manager) },
  { label: 'Delegates', cell: ({ manager: { group } }) => group ?? 'Any within reach' },
  { label: 'Scope', cell: ({ manager }) => nameOf(manager.scope) },
  {
    label: 'Acts',
    isUnnamed: true,
    isEnd: true,
    cell: (near) => (
      <span class="row end">
        <Button look="tiny" onPress={() => rotate(near)}>
          Rotate
        </Button>
        <Button look="tiny" onPress={() => show(near)}>
          Check and keys
        </Button>
      </span>
    ),
  },
];

function ManagerDialog({ near: { name, manager }, onClose }: { near: NearManager; onClose: () => void }) {
  const { begin, isBusy, ...check } = useManagerCheck(manager);
  const keys = useResource(`keys ${manager.scope} ${manager.id}`, () =>
    answer(apiOf(manager.scope).GET('/secret-managers/{id}/keys', { params: { path: { id: manager.id } } })),
  );
  return (
    <Dialog title={name} isBroad onClose={onClose}>
      <ListPanel
        label="Keys"
        title="Keys that wrap what it keeps"
        pages={{ rows: keys.data?.keys, error: keys.error }}
        keyOf={({ key }) => key}
        skeletonRows={2}
        columns={keyColumns}
        empty={<p class="inset quiet small">It keeps nothing yet, or a store that wraps by itself.</p>}
      />
      <CheckResult {...check} />
      <div class="ends">
        <Button onPress={onClose}>Close</Button>
        <Button look="primary" icon="reload" isBusy={isBusy} onPress={begin}>
          Check now
        </Button>
      </div>
    </Dialog>
  );
}

const keyColumns: Column<Schemas['KeyList']['keys'][number]>[] = [
  { label: 'Key', cell: ({ key }) => <code class="break">{key}</code> },
  { label: 'Versions', cell: ({ versions }) => <span class="number">{versions}</span> },
  { label: 'Retired', isEnd: true, cell: ({ retiredAt }) => (retiredAt === null ? 'No' : 'Yes') },
];
