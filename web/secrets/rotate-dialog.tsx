import { useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { apiOf } from '../data/api.js';
import { goTo, hrefOf } from '../data/route.js';
import { Button } from '../parts/button.js';
import { Dialog } from '../parts/dialog.js';
import { CheckField, SelectField } from '../parts/field.js';
import { ProblemBox } from '../parts/problem.js';
import { BUILTIN, describeManager, useSecretManagers } from './secret-managers.js';

type Action = 'rewrap' | 'reencrypt' | 'migrate';

const actions: readonly { value: Action; label: string; note: string }[] = [
  {
    value: 'rewrap',
    label: 'Rewrap by the newest key',
    note: 'The value stays as it is; the key around it becomes the newest.',
  },
  { value: 'reencrypt', label: 'Encrypt anew', note: 'The value gets a new data key of its own.' },
  {
    value: 'migrate',
    label: 'Migrate to another secret manager',
    note: 'The old one lets go of it once the new one has it.',
  },
];

export interface RotateDialogProps {
  scope: string;
  /** One secret, or all that a secret manager keeps. */
  what: { secret: string } | { manager: string };
  /** Who keeps it now. */
  from: string;
  onBegun: () => void;
  onClose: () => void;
}

export function RotateDialog({ scope, what, from, onBegun, onClose }: RotateDialogProps) {
  const { data: managers } = useSecretManagers(scope);
  const [action, setAction] = useState<Action>('rewrap');
  const [to, setTo] = useState('');
  const [isRevealed, setRevealed] = useState(false);
  const { isBusy, error, run } = useAction();
  const name = 'secret' in what ? what.secret : `all that ${what.manager} keeps`;
  const begin = (): void => {
    void run(async () => {
      const body =
        action === 'migrate'
          ? { action, ...what, to, policy: 'replace' as const, revealToManager: isRevealed }
          : { action, ...what };
      await apiOf(scope).POST('/secret-operations', { body });
      onBegun();
      onClose();
      goTo(hrefOf(scope, ['secrets'], { tab: 'rotations' }));
    });
  };
  const targets = [BUILTIN, ...(managers ?? []).map((one) => one.name)].filter((one) => one !== from);
  return (
    <Dialog title={`Rotate ${name}`} onClose={onClose}>
      <SelectField
        label="How"
        value={action}
        options={actions}
        onChange={(chosen) => setAction(chosen as Action)}
        note={actions.find(({ value }) => value === action)?.note}
      />
      {action === 'migrate' && (
        <SelectField
          label="To"
          value={to}
          onChange={setTo}
          options={[
            { value: '', label: 'Choose a secret manager' },
            ...targets.map((value) => ({ value, label: labelOf(value, managers) })),
          ]}
        />
      )}
      {action === 'migrate' && to === BUILTIN && (
        <CheckField
          label="The manager may read the value from then on"
          note="Delegates reveal it once, sealed to the manager."
          isChecked={isRevealed}
          onChange={setRevealed}
        />
      )}
      <ProblemBox error={error} />
      <div class="ends">
        <Button onPress={onClose}>Cancel</Button>
        <Button
          look="primary"
          isBusy={isBusy}
          isDisabled={action === 'migrate' && (to === '' || (to === BUILTIN && !isRevealed))}
          onPress={begin}
        >
          Begin
        </Button>
      </div>
    </Dialog>
  );
}

function labelOf(name: string, managers: ReturnType<typeof useSecretManagers>['data']): string {
  const near = managers?.find((one) => one.name === name);
  return near === undefined ? `${name}: the manager` : `${name}: ${describeManager(near.manager)}`;
}
