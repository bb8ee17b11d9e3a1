import { useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { answer, apiOf, type Schemas } from '../data/api.js';
import { assertFree } from '../data/free.js';
import { useResource } from '../data/resource.js';
import { goTo, hrefOf } from '../data/route.js';
import { Button } from '../parts/button.js';
import { SelectField, TextField } from '../parts/field.js';
import { Head } from '../parts/head.js';
import { Panel } from '../parts/panel.js';
import { Note, ProblemBox } from '../parts/problem.js';
import { say } from '../shell/toasts.js';
import { putBuiltin, type SecretKind, type Written } from './put.js';
import { SealedForm } from './sealed-form.js';
import { BUILTIN, describeManager, type NearManager, useSecretManagers } from './secret-managers.js';

type Secret = Schemas['Secret'];

const kinds: readonly { value: SecretKind; label: string }[] = [
  { value: 'text', label: 'Password or token' },
  { value: 'ssh-key', label: 'SSH private key' },
  { value: 'file', label: 'File' },
];

/** A new one, or of the one with this id a new version, which stays with whoever keeps the one before. */
export function NewSecret({ scope, id }: { scope: string; id: string }) {
  const { data: managers, error } = useSecretManagers(scope);
  const { data: secret, error: missing } = useResource(id === '' ? null : `secret ${scope} ${id}`, () =>
    answer(apiOf(scope).GET('/secrets/{id}', { params: { path: { id } } })),
  );
  const isKnown = managers !== undefined && (id === '' || secret !== undefined);
  return (
    <>
      <Head
        title={id === '' ? 'New secret' : `New version of ${id}`}
        trail={[{ label: 'Secrets', href: hrefOf(scope, ['secrets']) }]}
      />
      <ProblemBox error={error ?? missing} />
      {isKnown && <Filled scope={scope} secret={secret} managers={managers} />}
    </>
  );
}

interface FilledProps {
  scope: string;
  /** Undefined for a new one. */
  secret: Secret | undefined;
  managers: readonly NearManager[];
}

function Filled({ scope, secret, managers }: FilledProps) {
  const [keeper, setKeeper] = useState(() => keeperOf(secret, managers) ?? BUILTIN);
  const [written, setWritten] = useState<Written>({
    id: secret?.id ?? '',
    kind: secret?.kind ?? 'text',
    value: '',
  });
  const near = managers.find(({ name }) => name === keeper);
  const change = (part: Partial<Written>): void => setWritten({ ...written, ...part });
  const isNew = secret === undefined;
  const begin = async (): Promise<void> => {
    const { id } = written;
    const look = () => answer(apiOf(scope).GET('/secrets/{id}', { params: { path: { id } } }));
    if (isNew) await assertFree(`a secret ${id}`, look());
  };
  const leave = (): void => {
    setWritten({ ...written, value: '' });
    say(isNew ? `Put the secret ${written.id}.` : `Put a new version of ${written.id}.`);
    goTo(hrefOf(scope, ['secrets', written.id]));
  };
  const isReached = keeperOf(secret, managers) !== undefined;
  const form = { scope, written, onBegin: begin, onDone: leave };
  return (
    <div class="narrow">
      <Panel>
        <div class="stack">
          <Keeper keeper={keeper} near={near} managers={managers} isFixed={!isNew} onChange={setKeeper} />
          <ValueFields written={written} isNamed={!isNew} change={change} />
          <PutForm form={form} near={near} unreached={isReached ? undefined : secret?.manager} />
        </div>
      </Panel>
    </div>
  );
}

interface PutFormProps {
  form: BuiltinFormProps;
  near: NearManager | undefined;
  /** Who keeps the secret, and is not among those that one may look at. */
  unreached: string | undefined;
}

function PutForm({ form, near, unreached }: PutFormProps) {
  if (unreached !== undefined)
    return (
      <Note tone="warn" icon="alert" title={`${unreached} is out of reach`}>
        Who keeps this secret is not known here, or you may not look at it.
      </Note>
    );
  if (near === undefined) return <BuiltinForm {...form} />;
  return <SealedForm key={near.name} {...form} near={near} />;
}

/** As it is named from the scope that is looked at; undefined where it is none of these. */
function keeperOf(secret: Secret | undefined, managers: readonly NearManager[]): string | undefined {
  if (secret === undefined || secret.managerScope === null) return BUILTIN;
  const { manager: id, managerScope: scope } = secret;
  return managers.find(({ manager }) => manager.scope === scope && manager.id === id)?.name;
}

interface KeeperProps {
  keeper: string;
  near: NearManager | undefined;
  managers: readonly NearManager[];
  isFixed: boolean;
  onChange: (keeper: string) => void;
}

const Keeper = ({ keeper, near, managers, isFixed, onChange }: KeeperProps) => (
  <SelectField
    label="Kept by"
    value={keeper}
    onChange={onChange}
    isDisabled={isFixed}
    options={[
      { value: BUILTIN, label: 'builtin: the manager' },
      ...managers.map(({ name, manager }) => ({
        value: name,
        label: `${name}: ${describeManager(manager)}`,
      })),
    ]}
    note={[
      near === undefined
        ? 'The manager seals it with its master key, and opens it for repositories that it talks to.'
        : 'It is sealed in this browser, for the delegates alone: the manager passes on what it cannot read.',
      ...(isFixed ? ['To have it kept by another one, migrate it.'] : []),
    ].join(' ')}
  />
);

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
        isDisabled={isNamed}
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

interface BuiltinFormProps {
  scope: string;
  written: Written;
  /** Before anything is put. @throws what keeps it from that */
  onBegin: () => Promise<void>;
  onDone: () => void;
}

function BuiltinForm({ scope, written, onBegin, onDone }: BuiltinFormProps) {
  const { isBusy, error, run } = useAction();
  const put = async (): Promise<void> => {
    const isDone = await run(async () => {
      await onBegin();
      await putBuiltin(apiOf(scope), written);
    });
    if (isDone) onDone();
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
