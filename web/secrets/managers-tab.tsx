import { useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { answer, apiOf, type Schemas } from '../data/api.js';
import { useResource } from '../data/resource.js';
import { nameOf } from '../data/scopes.js';
import { lastingOf } from '../data/time.js';
import { Button } from '../parts/button.js';
import { Dialog } from '../parts/dialog.js';
import { Empty } from '../parts/empty.js';
import { ListPanel } from '../parts/list-panel.js';
import { Note, ProblemBox } from '../parts/problem.js';
import type { Column } from '../parts/table.js';
import { RotateDialog } from './rotate-dialog.js';
import { describeManager, type NearManager, useSecretManagers } from './secret-managers.js';

/** Who keeps secrets, besides the manager itself. */
export function ManagersTab({ scope }: { scope: string }) {
  const { data, error, reload } = useSecretManagers(scope);
  const [shown, setShown] = useState<NearManager | undefined>(undefined);
  const [rotated, setRotated] = useState<NearManager | undefined>(undefined);
  return (
    <>
      <ListPanel
        label="Secret managers"
        pages={{ rows: data, error }}
        columns={columnsOf(setShown, setRotated)}
        keyOf={({ manager: { scope: of, id } }) => `${of} ${id}`}
        skeletonRows={3}
        empty={
          <Empty icon="lock" title="The builtin one alone">
            Make another with <code>PUT …/secret-managers/keyring</code>: your delegates then keep secrets
            that the manager cannot open.
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
  show: (near: NearManager) => void,
  rotate: (near: NearManager) => void,
): Column<NearManager>[] => [
  { label: 'Secret manager', cell: ({ name }) => <span class="strong">{name}</span> },
  { label: 'What it is', cell: ({ manager }) => describeManager(manager) },
  { label: 'Delegates', cell: ({ manager: { group } }) => group ?? 'Any within reach' },
  { label: 'Scope', cell: ({ manager: { scope } }) => nameOf(scope) },
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

type Check = Schemas['SecretManagerCheck'];

function ManagerDialog({ near: { name, manager }, onClose }: { near: NearManager; onClose: () => void }) {
  const [check, setCheck] = useState<Check | undefined>(undefined);
  const { isBusy, error, run } = useAction();
  const api = apiOf(manager.scope);
  const params = { path: { id: manager.id } };
  const keys = useResource(`keys ${manager.scope} ${manager.id}`, () =>
    answer(api.GET('/secret-managers/{id}/keys', { params })),
  );
  const begin = (): void => {
    void run(async () => setCheck(await answer(api.POST('/secret-managers/{id}/check', { params }))));
  };
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
      {check?.ok === true && (
        <Note icon="check" title={`It works${check.ms === null ? '' : `, in ${lastingOf(check.ms)}`}`} />
      )}
      {check?.ok === false && (
        <ProblemBox
          error={{
            code: check.code ?? 'CHECK_FAILED',
            title: 'It does not work',
            detail: check.detail ?? '',
            hint: check.hint ?? '',
          }}
        />
      )}
      <ProblemBox error={error} />
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
