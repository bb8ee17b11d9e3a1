import { useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { answer, apiOf, type Schemas } from '../data/api.js';
import { useResource } from '../data/resource.js';
import { Allowed } from '../parts/allowed.js';
import { Button } from '../parts/button.js';
import { Choices } from '../parts/choices.js';
import { Confirm, Dialog } from '../parts/dialog.js';
import { Empty } from '../parts/empty.js';
import { SelectField, TextField } from '../parts/field.js';
import { ListPanel } from '../parts/list-panel.js';
import { ProblemBox } from '../parts/problem.js';
import type { Column } from '../parts/table.js';
import { Ago } from '../parts/time.js';
import { say } from '../shell/toasts.js';
import { roleOptions, useRoles } from './roles.js';

type Binding = Schemas['RoleBinding'];
type PrincipalKind = Binding['principal']['kind'];

export function BindingsTab({ scope }: { scope: string }) {
  const [isGiving, setGiving] = useState(false);
  const [taken, setTaken] = useState<Binding | undefined>(undefined);
  const { data, error, reload } = useResource(
    `bindings ${scope}`,
    async () => (await answer(apiOf(scope).GET('/role-bindings'))).bindings,
  );
  const take = async ({ id, principal }: Binding): Promise<void> => {
    await apiOf(scope).DELETE('/role-bindings/{id}', { params: { path: { id } } });
    say(`${principal.name} has it no more.`);
    await reload();
  };
  const give = (
    <Allowed scope={scope} needs="access.manage">
      <Button look="primary" icon="plus" onPress={() => setGiving(true)}>
        Give a role
      </Button>
    </Allowed>
  );
  return (
    <>
      <ListPanel
        label="Who has which role"
        title="Given in this scope"
        ends={give}
        pages={{ rows: data, error }}
        columns={columnsOf(scope, setTaken)}
        keyOf={({ id }) => id}
        skeletonRows={3}
        empty={
          <Empty icon="access" title="No roles were given here" action={give}>
            Give one to a person by the address that your identity provider has verified, or to a group of it.
            What was given further out holds here as well.
          </Empty>
        }
      />
      {isGiving && (
        <GiveDialog scope={scope} onGiven={() => void reload()} onClose={() => setGiving(false)} />
      )}
      {taken !== undefined && (
        <Confirm
          title={`Take ${taken.role} from ${taken.principal.name}?`}
          act={`Take ${taken.role} away`}
          onConfirm={() => take(taken)}
          onClose={() => setTaken(undefined)}
        >
          <p>It holds no more from the next request on, also in sessions that are open.</p>
        </Confirm>
      )}
    </>
  );
}

const columnsOf = (scope: string, take: (binding: Binding) => void): Column<Binding>[] => [
  { label: 'Who', cell: ({ principal }) => <span class="strong break">{principal.name}</span> },
  { label: 'What', cell: ({ principal }) => <span class="tag">{principal.kind}</span> },
  { label: 'Role', cell: ({ role }) => role },
  { label: 'Given by', cell: ({ createdBy }) => <span class="break">{createdBy}</span> },
  { label: 'Given', cell: ({ createdAt }) => <Ago at={createdAt} /> },
  {
    label: 'Take',
    isUnnamed: true,
    isEnd: true,
    cell: (binding) => (
      <Allowed scope={scope} needs="access.manage">
        {' '}
        <Button look="tiny danger" onPress={() => take(binding)}>
          Take away
        </Button>
      </Allowed>
    ),
  },
];

/** A name of its own for what has none: of whom and which role, as an identifier. */
const idOf = (name: string, role: string): string =>
  `${role}_${name}`.replace(/[^A-Za-z0-9_$-]+/g, '-').slice(0, 128);

interface GiveDialogProps {
  scope: string;
  onGiven: () => void;
  onClose: () => void;
}

function GiveDialog({ scope, onGiven, onClose }: GiveDialogProps) {
  const { data: roles } = useRoles(scope);
  const [kind, setKind] = useState<PrincipalKind>('user');
  const [name, setName] = useState('');
  const [role, setRole] = useState('viewer');
  const { isBusy, error, run } = useAction();
  const give = (event: Event): void => {
    event.preventDefault();
    void run(async () => {
      const params = { path: { id: idOf(name, role) } };
      await apiOf(scope).PUT('/role-bindings/{id}', { params, body: { principal: { kind, name }, role } });
      say(`${name} is ${role} now.`);
      onGiven();
      onClose();
    });
  };
  return (
    <Dialog title="Give a role" onClose={onClose}>
      <form class="stack" onSubmit={give}>
        <Choices
          label="To whom"
          value={kind}
          onChange={setKind}
          options={[
            { value: 'user', label: 'A person' },
            { value: 'group', label: 'A group' },
          ]}
        />
        <TextField
          label={kind === 'user' ? 'E-mail address' : 'Name of the group'}
          value={name}
          onInput={setName}
          placeholder={kind === 'user' ? 'ada@example.com' : 'platform'}
          note={
            kind === 'user'
              ? 'As the identity provider has verified it.'
              : 'As the identity provider says it.'
          }
          isRequired
        />
        <SelectField label="Role" value={role} options={roleOptions(roles)} onChange={setRole} />
        <ProblemBox error={error} />
        <div class="ends">
          <Button onPress={onClose}>Cancel</Button>
          <Button type="submit" look="primary" isBusy={isBusy}>
            Give the role
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
