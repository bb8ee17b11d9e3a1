import { useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { apiOf } from '../data/api.js';
import { goTo, hrefOf } from '../data/route.js';
import { Button } from '../parts/button.js';
import { SelectField, TextField } from '../parts/field.js';
import { Head } from '../parts/head.js';
import { Panel } from '../parts/panel.js';
import { Note, ProblemBox } from '../parts/problem.js';
import { say } from '../shell/toasts.js';
import { putBuiltin, type SecretKind, type Written } from './put.js';
import { SealedForm } from './sealed-form.js';
import { BUILTIN, describeManager, useSecretManagers } from './secret-managers.js';

const kinds: readonly { value: SecretKind; label: string }[] = [
  { value: 'text', label: 'Password or token' },
  { value: 'ssh-key', label: 'SSH private key' },
  { value: 'file', label: 'File' },
];

export function NewSecret({ scope, id: given }: { scope: string; id: string }) {
  const { data: managers, error } = useSecretManagers(scope);
  const [keeper, setKeeper] = useState(BUILTIN);
  const [written, setWritten] = useState<Written>({ id: given, kind: 'text', value: '' });
  const near = managers?.find(({ name }) => name === keeper);
  const change = (part: Partial<Written>): void => setWritten({ ...written, ...part });
  const leave = (): void => {
    setWritten({ ...written, value: '' });
    say(given === '' ? `Put the secret ${written.id}.` : `Put a new version of ${written.id}.`);
    goTo(hrefOf(scope, ['secrets', written.id]));
  };
  return (
    <>
      <Head
        title={given === '' ? 'New secret' : `New version of ${given}`}
        trail={[{ label: 'Secrets', href: hrefOf(scope, ['secrets']) }]}
      />
      <ProblemBox error={error} />
      <div class="narrow">
        <Panel>
          <div class="stack">
            <SelectField
              label="Kept by"
              value={keeper}
              onChange={setKeeper}
              options={[
                { value: BUILTIN, label: 'builtin: the manager' },
                ...(managers ?? []).map((one) => ({
                  value: one.name,
                  label: `${one.name}: ${describeManager(one.manager)}`,
                })),
              ]}
              note={
                near === undefined
                  ? 'The manager seals it with its master key, and opens it for repositories that it talks to.'
                  : 'It is sealed in this browser, for the delegates alone: the manager passes on what it cannot read.'
              }
            />
            <ValueFields written={written} isNamed={given !== ''} change={change} />
            {near === undefined ? (
              <BuiltinForm scope={scope} written={written} onDone={leave} />
            ) : (
              <SealedForm key={near.name} scope={scope} near={near} written={written} onDone={leave} />
            )}
          </div>
        </Panel>
      </div>
    </>
  );
}

interface ValueFieldsProps {
  written: Written;
  isNamed: boolean;
  change: (part: Partial<Written>) => void;
}

function ValueFields({ written, isNamed, change }: ValueFieldsProps) {
  const { id, kind, value } = written;
  return (
    <>
      {!isNamed && (
        <TextField
          label="Name"
          value={id}
          onInput={(next) => change({ id: next })}
          placeholder="git-token"
          isRequired
          isMono
        />
      )}
      <SelectField
        label="Kind"
        value={kind}
        options={kinds}
        onChange={(next) => change({ kind: next as SecretKind, value: '' })}
      />
      {kind === 'text' ? (
        <TextField
          label="Value"
          type="password"
          value={value}
          onInput={(next) => change({ value: next })}
          note="It is shown nowhere afterwards."
          isRequired
          isMono
        />
      ) : (
        <TextField
          label="Value"
          value={value}
          onInput={(next) => change({ value: next })}
          note="It is shown nowhere afterwards."
          rows={8}
          isRequired
          isMono
        />
      )}
    </>
  );
}

function BuiltinForm({ scope, written, onDone }: { scope: string; written: Written; onDone: () => void }) {
  const { isBusy, error, run } = useAction();
  const put = async (): Promise<void> => {
    if (await run(() => putBuiltin(apiOf(scope), written))) onDone();
  };
  return (
    <>
      <Note title="The manager will be able to open it">
        Choose a secret manager of your delegates if it must not leave your network.
      </Note>
      <ProblemBox error={error} />
      <div class="row">
        <Button
          look="primary"
          isBusy={isBusy}
          isDisabled={written.id === '' || written.value === ''}
          onPress={() => void put()}
        >
          Put the secret
        </Button>
      </div>
    </>
  );
}
