import { useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { apiOf } from '../data/api.js';
import { NameTaken } from '../data/free.js';
import { accountOf } from '../data/scopes.js';
import { Allowed } from '../parts/allowed.js';
import { Button } from '../parts/button.js';
import { Confirm, Dialog } from '../parts/dialog.js';
import { CheckField, TextField } from '../parts/field.js';
import { ListPanel } from '../parts/list-panel.js';
import { ProblemBox } from '../parts/problem.js';
import { State } from '../parts/state.js';
import type { Column } from '../parts/table.js';
import { say } from '../shell/toasts.js';
import { type Role, useRoles } from './roles.js';

type Permission = Role['permissions'][number];

/** The builtin roles, and those that the account makes for itself. */
export function RolesTab({ scope }: { scope: string }) {
  const account = accountOf(scope);
  const { data: roles, error, reload } = useRoles(scope);
  const [edited, setEdited] = useState<Role | 'new' | undefined>(undefined);
  const [deleted, setDeleted] = useState<Role | undefined>(undefined);
  const remove = async ({ id }: Role): Promise<void> => {
    await apiOf(account).DELETE('/roles/{id}', { params: { path: { id } } });
    say(`The role ${id} is deleted.`);
    await reload();
  };
  return (
    <>
      <ListPanel
        label="Roles"
        title="Roles of the account"
        ends={
          <Allowed scope={account} needs="access.manage">
            {' '}
            <Button look="primary" icon="plus" onPress={() => setEdited('new')}>
              New role
            </Button>
          </Allowed>
        }
        pages={{ rows: roles, error }}
        columns={columnsOf(account, setEdited, setDeleted)}
        keyOf={({ id }) => id}
        skeletonRows={3}
        empty={null}
      />
      {edited !== undefined && (
        <RoleDialog
          account={account}
          role={edited === 'new' ? undefined : edited}
          taken={roles?.map(({ id }) => id) ?? []}
          all={roles?.find(({ id }) => id === 'admin')?.permissions ?? []}
          onSaved={() => void reload()}
          onClose={() => setEdited(undefined)}
        />
      )}
      {deleted !== undefined && (
        <Confirm
          title={`Delete the role ${deleted.id}?`}
          act={`Delete ${deleted.id}`}
          onConfirm={() => remove(deleted)}
          onClose={() => setDeleted(undefined)}
        >
          <p>It is refused while somebody has it.</p>
        </Confirm>
      )}
    </>
  );
}

const columnsOf = (
  account: string,
  edit: (role: Role) => void,
  remove: (role: Role) => void,
): Column<Role>[] => [
  { label: 'Role', cell: ({ id }) => <span class="strong">{id}</span> },
  { label: 'What it is for', cell: ({ description }) => <span class="break">{description}</span> },
  {
    label: 'Allows',
    cell: ({ permissions, builtin }) => (
      <span class="row">
        {builtin && <State tone="calm">Builtin</State>}
        <span class="quiet small" title={permissions.join(', ')}>
          {permissions.length} {permissions.length === 1 ? 'permission' : 'permissions'}
        </span>
      </span>
    ),
  },
  {
    label: 'Acts',
    isUnnamed: true,
    isEnd: true,
    cell: (role) =>
      role.builtin ? null : (
        <Allowed scope={account} needs="access.manage">
          <span class="row end">
            <Button look="tiny" onPress={() => edit(role)}>
              Edit
            </Button>
            <Button look="tiny danger" onPress={() => remove(role)}>
              Delete
            </Button>
          </span>
        </Allowed>
      ),
  },
];

interface RoleDialogProps {
  account: string;
  /** Undefined: a new one. */
  role: Role | undefined;
  /** Names of those that are there. */
  taken: readonly string[];
  /** Everything that can be allowed. */
  all: readonly Permission[];
  onSaved: () => void;
  onClose: () => void;
}

function RoleDialog({ account, role, taken, all, onSaved, onClose }: RoleDialogProps) {
  const [id, setId] = useState(role?.id ?? '');
  const [description, setDescription] = useState(role?.description ?? '');
  const [chosen, setChosen] = useState<ReadonlySet<Permission>>(new Set(role?.permissions));
  const { isBusy, error, run } = useAction();
  const toggle = (permission: Permission, isIn: boolean): void => {
    const next = new Set(chosen);
    if (isIn) next.add(permission);
    else next.delete(permission);
    setChosen(next);
  };
  const save = (event: Event): void => {
    event.preventDefault();
    void run(async () => {
      if (role === undefined && taken.includes(id)) throw new NameTaken(`a role ${id}`);
      const body = { permissions: [...chosen], description: description || id };
      await apiOf(account).PUT('/roles/{id}', { params: { path: { id } }, body });
      say(`The role ${id} is saved.`);
      onSaved();
      onClose();
    });
  };
  return (
    <Dialog title={role === undefined ? 'New role' : `Edit the role ${role.id}`} onClose={onClose}>
      <form class="stack" onSubmit={save}>
        {role === undefined && (
          <TextField label="Name" value={id} onInput={setId} placeholder="releaser" isRequired isMono />
        )}
        <TextField label="What it is for" value={description} onInput={setDescription} />
        <fieldset class="stack-close" aria-label="What it allows">
          {all.map((permission) => (
            <CheckField
              key={permission}
              label={permission}
              isChecked={chosen.has(permission)}
              onChange={(isIn) => toggle(permission, isIn)}
            />
          ))}
        </fieldset>
        <ProblemBox error={error} />
        <div class="ends">
          <Button onPress={onClose}>Cancel</Button>
          <Button type="submit" look="primary" isBusy={isBusy} isDisabled={chosen.size === 0}>
            Save the role
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
