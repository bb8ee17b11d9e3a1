import { useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { answer, apiOf, type Schemas } from '../data/api.js';
import { useResource } from '../data/resource.js';
import { nameOf } from '../data/scopes.js';
import { Allowed } from '../parts/allowed.js';
import { Button } from '../parts/button.js';
import { Copyable } from '../parts/copy.js';
import { Confirm, Dialog } from '../parts/dialog.js';
import { Empty } from '../parts/empty.js';
import { SelectField, TextField } from '../parts/field.js';
import { ListPanel } from '../parts/list-panel.js';
import { Note, ProblemBox } from '../parts/problem.js';
import type { Column } from '../parts/table.js';
import { Ago } from '../parts/time.js';
import { say } from '../shell/toasts.js';
import { roleOptions, useRoles } from './roles.js';

type Token = Schemas['Token'];

const lifetimes = [
  { value: '7', label: 'A week' },
  { value: '30', label: 'A month' },
  { value: '90', label: 'Three months' },
  { value: '365', label: 'A year' },
] as const;

export function TokensTab({ scope }: { scope: string }) {
  const [isMaking, setMaking] = useState(false);
  const [revoked, setRevoked] = useState<Token | undefined>(undefined);
  const { data, error, reload } = useResource(
    `tokens ${scope}`,
    async () => (await answer(apiOf(scope).GET('/tokens'))).tokens,
  );
  const revoke = async ({ id, name }: Token): Promise<void> => {
    await apiOf(scope).DELETE('/tokens/{id}', { params: { path: { id } } });
    say(`The token ${name} is revoked.`);
    await reload();
  };
  const make = (
    <Allowed scope={scope} needs="access.manage">
      <Button look="primary" icon="plus" onPress={() => setMaking(true)}>
        Make a token
      </Button>
    </Allowed>
  );
  return (
    <>
      <ListPanel
        label="API tokens"
        title="For programs"
        ends={make}
        pages={{ rows: data, error }}
        columns={columnsOf(scope, setRevoked)}
        keyOf={({ id }) => id}
        skeletonRows={3}
        empty={
          <Empty icon="secrets" title="No tokens in this scope" action={make}>
            A token lets a program do what its role allows, in this scope and below, until it expires.
          </Empty>
        }
      />
      {isMaking && <MakeDialog scope={scope} onMade={() => void reload()} onClose={() => setMaking(false)} />}
      {revoked !== undefined && (
        <Confirm
          title={`Revoke the token ${revoked.name}?`}
          act={`Revoke ${revoked.name}`}
          onConfirm={() => revoke(revoked)}
          onClose={() => setRevoked(undefined)}
        >
          <p>Whatever uses it is refused from the next request on, with the sessions that began by it.</p>
        </Confirm>
      )}
    </>
  );
}

const columnsOf = (scope: string, revoke: (token: Token) => void): Column<Token>[] => [
  { label: 'Token', cell: ({ name }) => <span class="strong break">{name}</span> },
  { label: 'Role', cell: ({ role }) => role },
  {
    label: 'Made by',
    cell: ({ createdBy }) => <span class="break">{createdBy ?? 'The manager’s own machine'}</span>,
  },
  { label: 'Made', cell: ({ createdAt }) => <Ago at={createdAt} /> },
  { label: 'Expires', cell: ({ expiresAt }) => <Ago at={expiresAt} /> },
  {
    label: 'Revoke',
    isUnnamed: true,
    isEnd: true,
    cell: (token) => (
      <Allowed scope={scope} needs="access.manage">
        {' '}
        <Button look="tiny danger" onPress={() => revoke(token)}>
          Revoke
        </Button>
      </Allowed>
    ),
  },
];

interface MakeDialogProps {
  scope: string;
  onMade: () => void;
  onClose: () => void;
}

function MakeDialog({ scope, onMade, onClose }: MakeDialogProps) {
  const { data: roles } = useRoles(scope);
  const [name, setName] = useState('');
  const [role, setRole] = useState('editor');
  const [days, setDays] = useState('90');
  const [made, setMade] = useState<Schemas['NewToken'] | undefined>(undefined);
  const { isBusy, error, run } = useAction();
  const make = (event: Event): void => {
    event.preventDefault();
    void run(async () => {
      setMade(await answer(apiOf(scope).POST('/tokens', { body: { name, role, days: Number(days) } })));
      onMade();
    });
  };
  if (made !== undefined)
    return (
      <Dialog title={`The token ${made.name}`} onClose={onClose}>
        <Copyable text={made.token} />
        <Note tone="warn" icon="lock" title="It is shown this once">
          Keep it where your program finds it. It expires <Ago at={made.expiresAt} />.
        </Note>
        <div class="ends">
          <Button look="primary" onPress={onClose}>
            Done
          </Button>
        </div>
      </Dialog>
    );
  return (
    <Dialog title="Make a token" onClose={onClose}>
      <form class="stack" onSubmit={make}>
        <TextField
          label="Name"
          value={name}
          onInput={setName}
          placeholder="nightly-build"
          isRequired
          isMono
        />
        <SelectField
          label="Role"
          value={role}
          options={roleOptions(roles)}
          onChange={setRole}
          note={`In ${nameOf(scope)} and all that is below it.`}
        />
        <SelectField label="Good for" value={days} options={lifetimes} onChange={setDays} />
        <ProblemBox error={error} />
        <div class="ends">
          <Button onPress={onClose}>Cancel</Button>
          <Button type="submit" look="primary" isBusy={isBusy}>
            Make the token
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
