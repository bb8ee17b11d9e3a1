import { useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { answer, apiOf, type Schemas } from '../data/api.js';
import { server } from '../data/place.js';
import { nameOf } from '../data/scopes.js';
import { Button } from '../parts/button.js';
import { Copyable } from '../parts/copy.js';
import { Dialog } from '../parts/dialog.js';
import { SelectField, TextField } from '../parts/field.js';
import { Note, ProblemBox } from '../parts/problem.js';
import { State } from '../parts/state.js';
import { Ago } from '../parts/time.js';
import type { Delegate } from './delegate-list.js';

const lifetimes = [
  { value: '3600', label: 'An hour' },
  { value: '86400', label: 'A day' },
  { value: '604800', label: 'A week' },
] as const;

export interface EnrolDialogProps {
  scope: string;
  /** Delegates that are there. */
  known: readonly Delegate[];
  onClose: () => void;
}

/** A token, and the one command that uses it; then the dialog waits until the delegate is there. */
export function EnrolDialog({ scope, known, onClose }: EnrolDialogProps) {
  const [group, setGroup] = useState('');
  const [lifetime, setLifetime] = useState('3600');
  const [uses, setUses] = useState('1');
  const [made, setMade] = useState<{ token: Schemas['NewDelegateToken']; before: Set<string> } | undefined>(
    undefined,
  );
  const { isBusy, error, run } = useAction();
  const make = (event: Event): void => {
    event.preventDefault();
    void run(async () => {
      const body = { group, uses: Number(uses), expiresInSeconds: Number(lifetime) };
      const token = await answer(apiOf(scope).POST('/delegate-tokens', { body }));
      setMade({ token, before: new Set(known.map(({ id }) => id)) });
    });
  };
  if (made !== undefined) {
    const come = known.filter(({ id, group: of }) => of === made.token.group && !made.before.has(id));
    return <Made token={made.token} come={come} onClose={onClose} />;
  }
  const groups = [...new Set(known.map(({ group: of }) => of))];
  return (
    <Dialog title="Enrol a delegate" onClose={onClose}>
      <form class="stack" onSubmit={make}>
        <TextField
          label="Group"
          value={group}
          onInput={setGroup}
          suggestions={groups}
          pattern="[a-z0-9][a-z0-9\-]{0,62}"
          placeholder="datacentre"
          note={`Delegates of a group share their keys, and serve ${nameOf(scope)} and all within. A new name makes a new group.`}
          isRequired
          isMono
        />
        <SelectField
          label="The token is good for"
          value={lifetime}
          options={lifetimes}
          onChange={setLifetime}
        />
        <TextField
          label="For how many delegates"
          value={uses}
          onInput={setUses}
          pattern="[1-9][0-9]{0,2}"
          isRequired
        />
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

interface MadeProps {
  token: Schemas['NewDelegateToken'];
  come: readonly Delegate[];
  onClose: () => void;
}

function Made({ token, come, onClose }: MadeProps) {
  const { token: secret, expiresAt, usesLeft, group } = token;
  const command = `printf %s ${secret} | npm run -s delegate -- enrol --manager ${server} --token - && npm run delegate`;
  return (
    <Dialog title={`Enrol into ${group}`} isBroad onClose={onClose}>
      <p class="small">Run this where the delegate is to be, with Sallyport built there:</p>
      <Copyable text={command} label="Copy the command" />
      <p class="small quiet">
        Where the queue is in PostgreSQL, as in the playground, the delegate also needs the manager’s{' '}
        <code>DATABASE_URL</code>.
      </p>
      <Note tone="warn" icon="lock" title="The token is shown this once">
        It is good for {usesLeft === 1 ? 'one delegate' : `${usesLeft} delegates`}, and expires{' '}
        <Ago at={expiresAt} />. Compare the fingerprint that the command prints with the one of the group.
      </Note>
      <div class="row" role="status">
        {come.length === 0 ? (
          <State tone="busy">Waiting for the delegate</State>
        ) : (
          come.map(({ id, name }) => (
            <State key={id} tone="ok">
              {name} is there
            </State>
          ))
        )}
      </div>
      <div class="ends">
        <Button look={come.length === 0 ? '' : 'primary'} onPress={onClose}>
          {come.length === 0 ? 'Close' : 'Done'}
        </Button>
      </div>
    </Dialog>
  );
}
