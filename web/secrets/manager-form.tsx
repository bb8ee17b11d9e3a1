// A secret manager, made or changed: what it is set with, who serves it and how that signs in; then whether it works.
import { useEffect, useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { answer, apiOf } from '../data/api.js';
import { useMay } from '../data/may.js';
import { goTo, hrefOf } from '../data/route.js';
import { nameFrom } from '../data/scopes.js';
import { useNearSecrets } from '../data/secrets.js';
import { wrongWith } from '../data/wrong.js';
import { Button, LinkButton } from '../parts/button.js';
import { Confirm, useDialog } from '../parts/dialog.js';
import { SelectField, TextField } from '../parts/field.js';
import { Head } from '../parts/head.js';
import { More } from '../parts/more.js';
import { Panel } from '../parts/panel.js';
import { Note, ProblemBox } from '../parts/problem.js';
import { say } from '../shell/toasts.js';
import { CheckResult, useManagerCheck } from './manager-check.js';
import {
  type ManagerKind,
  readSettings,
  type Setting,
  settingsFor,
  type Values,
  valueOf,
  withValue,
  writeSettings,
} from './manager-settings.js';
import { BUILTIN, kindOptions, type SecretManager, useSecretManagers } from './secret-managers.js';

interface Draft {
  id: string;
  kind: ManagerKind;
  values: Values;
  credential: string;
  group: string;
  tags: string;
}

export interface ManagerFormProps {
  scope: string;
  /** As it is named from there; undefined for a new one. */
  name: string | undefined;
}

const trail = (scope: string) => [
  { label: 'Secrets', href: hrefOf(scope, ['secrets']) },
  { label: 'Secret managers', href: hrefOf(scope, ['secrets'], { tab: 'managers' }) },
];

export function ManagerForm({ scope, name }: ManagerFormProps) {
  const { data, error, reload } = useSecretManagers(scope);
  const found = data?.find((one) => one.name === name)?.manager;
  const taken = new Set(data?.flatMap(({ manager }) => (manager.scope === scope ? [manager.id] : [])));
  return (
    <>
      <Head title={name ?? 'New secret manager'} trail={trail(scope)}>
        {found !== undefined && <Removal scope={scope} manager={found} />}
      </Head>
      <ProblemBox error={error} />
      {name !== undefined && data !== undefined && found === undefined && (
        <Note tone="warn" title={`No secret manager is called ${name}`}>
          It may be in another scope, or it was deleted.
        </Note>
      )}
      {(name === undefined || found !== undefined) && data !== undefined && (
        <Filled scope={found?.scope ?? scope} manager={found} taken={taken} onSaved={() => void reload()} />
      )}
    </>
  );
}

interface FilledProps {
  scope: string;
  manager: SecretManager | undefined;
  taken: ReadonlySet<string>;
  onSaved: () => void;
}

function Filled({ scope, manager, taken, onSaved }: FilledProps) {
  const [draft, setDraft] = useState<Draft>(() => draftOf(manager));
  const [saved, setSaved] = useState<string | undefined>(undefined);
  const { isBusy, error, run, forget } = useAction();
  const mayDo = useMay(scope)('secret.manage');
  const isTaken = manager === undefined && saved === undefined && taken.has(draft.id);
  const change = (part: Partial<Draft>): void => {
    forget();
    setDraft((before) => ({ ...before, ...part }));
  };
  const save = (event: Event): void => {
    event.preventDefault();
    setSaved(undefined);
    void run(async () => {
      const params = { path: { id: draft.id } };
      await answer(apiOf(scope).PUT('/secret-managers/{id}', { params, body: bodyOf(draft) }));
      setSaved(draft.id);
      onSaved();
    });
  };
  return (
    <form class="sides" onSubmit={save}>
      <Panel title="What it is">
        <div class="stack">
          <Kind draft={draft} change={change} isNew={manager === undefined} isTaken={isTaken} />
          <Settings draft={draft} change={change} error={error} />
          <ProblemBox error={error} />
          {saved !== undefined && <Tried key={saved} scope={scope} id={saved} />}
          {mayDo && (
            <div class="row">
              <Button type="submit" look="primary" isBusy={isBusy} isDisabled={isTaken}>
                Save and check
              </Button>
              {saved !== undefined && (
                <LinkButton href={hrefOf(scope, ['secrets'], { tab: 'managers' })}>Done</LinkButton>
              )}
            </div>
          )}
        </div>
      </Panel>
      <Served scope={scope} draft={draft} change={change} error={error} />
    </form>
  );
}

/** Is tried as soon as it is there. */
function Tried({ scope, id }: { scope: string; id: string }) {
  const { begin, ...check } = useManagerCheck({ scope, id });
  useEffect(begin, []);
  return (
    <>
      {check.isBusy ? (
        <Note icon="ring" title={`${id} is kept; a delegate tries it`} />
      ) : (
        <p class="quiet small">{id} is kept as it is set here.</p>
      )}
      <CheckResult {...check} />
    </>
  );
}

interface PartProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
}

function Kind({ draft, change, isNew, isTaken }: PartProps & { isNew: boolean; isTaken: boolean }) {
  const { id, kind } = draft;
  if (!isNew) return <p class="small">{kindOptions.find(({ value }) => value === kind)?.label}</p>;
  return (
    <>
      <TextField
        label="Name"
        value={id}
        onInput={(next) => change({ id: next })}
        placeholder="team"
        note="How secrets name it; it does not change later."
        wrong={isTaken ? 'There is a secret manager of this name: open it to change it.' : undefined}
        isRequired
        isMono
      />
      <SelectField
        label="Kind"
        value={kind}
        options={kindOptions}
        onChange={(next) => change({ kind: next as ManagerKind, values: {} })}
      />
    </>
  );
}

function Settings({ draft, change, error }: PartProps & { error: unknown }) {
  const { kind, values } = draft;
  const settings = settingsFor(kind, values);
  const seldom = settings.filter(({ isSeldom = false }) => isSeldom);
  const field = (setting: Setting) => (
    <SettingField
      key={setting.name}
      setting={setting}
      value={valueOf(values, setting.name)}
      onChange={(value) => change({ values: withValue(values, setting.name, value) })}
      wrong={wrongWith(error, `settings.${setting.name}`)}
    />
  );
  return (
    <>
      {settings.length === 0 && (
        <p class="quiet small">
          The delegates of a group share its keys. There is nothing to be set: what is put into it is sealed
          to them, and kept by the manager without a way to open it.
        </p>
      )}
      {settings.filter(({ isSeldom = false }) => !isSeldom).map(field)}
      {seldom.length > 0 && (
        <More title="More settings" isOpen={seldom.some(({ name }) => valueOf(values, name) !== '')}>
          {seldom.map(field)}
        </More>
      )}
    </>
  );
}

interface SettingFieldProps {
  setting: Setting;
  value: string;
  onChange: (value: string) => void;
  wrong: string | undefined;
}

function SettingField({ setting, value, onChange, wrong }: SettingFieldProps) {
  const { label, note, options, placeholder, rows, isRequired = false } = setting;
  if (options !== undefined)
    return (
      <SelectField
        label={label}
        note={note}
        wrong={wrong}
        value={value}
        options={options}
        onChange={onChange}
      />
    );
  return (
    <TextField
      label={label}
      note={note}
      wrong={wrong}
      value={value}
      onInput={onChange}
      {...(placeholder === undefined ? {} : { placeholder })}
      {...(rows === undefined ? {} : { rows })}
      isRequired={isRequired}
      isMono
    />
  );
}

/** Who reaches it, and as whom. */
function Served({ scope, draft, change, error }: PartProps & { scope: string; error: unknown }) {
  const { data: secrets } = useNearSecrets(scope);
  const builtin = secrets?.filter(({ manager }) => manager === BUILTIN) ?? [];
  return (
    <Panel title="Who reaches it">
      <div class="stack">
        {draft.kind !== 'keyring' && (
          <SelectField
            label="Credential"
            value={draft.credential}
            options={[
              { value: '', label: 'The delegate’s own identity' },
              ...builtin.map(({ name }) => ({ value: name, label: `${name} (${BUILTIN})` })),
            ]}
            onChange={(credential) => change({ credential })}
            note={
              draft.credential === ''
                ? 'Nothing that opens it is ever in the manager.'
                : 'The manager keeps this secret, and hands it to delegates inside of sealed tasks.'
            }
          />
        )}
        <TextField
          label="Delegate group"
          value={draft.group}
          onInput={(group) => change({ group })}
          placeholder="Any within reach"
          wrong={wrongWith(error, 'group')}
          isMono
        />
        <TextField
          label="Tags"
          value={draft.tags}
          onInput={(tags) => change({ tags })}
          placeholder="eu, vault"
          note="A delegate that serves it has all of them."
          wrong={wrongWith(error, 'tags')}
          isMono
        />
      </div>
    </Panel>
  );
}

function Removal({ scope, manager }: { scope: string; manager: SecretManager }) {
  const { open, show, close } = useDialog<'delete'>();
  const mayDo = useMay(manager.scope)('secret.manage');
  const { id } = manager;
  const remove = async (): Promise<void> => {
    await apiOf(manager.scope).DELETE('/secret-managers/{id}', { params: { path: { id } } });
    say(`Deleted the secret manager ${id}.`);
    goTo(hrefOf(scope, ['secrets'], { tab: 'managers' }));
  };
  if (!mayDo) return null;
  return (
    <>
      <Button look="danger" icon="trash" onPress={() => show('delete')}>
        Delete
      </Button>
      {open === 'delete' && (
        <Confirm
          title={`Delete the secret manager ${id}?`}
          act={`Delete ${id}`}
          onConfirm={remove}
          onClose={close}
        >
          <p>
            Sallyport forgets how it is reached; what is in a store outside stays there. It is refused while
            secrets are kept by it or connectors refer to it.
          </p>
        </Confirm>
      )}
    </>
  );
}

function draftOf(manager: SecretManager | undefined): Draft {
  if (manager === undefined)
    return { id: '', kind: 'keyring', values: {}, credential: '', group: '', tags: '' };
  const { scope, id, settings, credential, group, tags } = manager;
  return {
    id,
    kind: settings.kind,
    values: readSettings(settings),
    credential: credential === null ? '' : nameFrom(scope, credential.secretScope, credential.secret),
    group: group ?? '',
    tags: tags.join(', '),
  };
}

function bodyOf({ kind, values, credential, group, tags }: Draft) {
  const listed = tags.split(',').flatMap((tag) => (tag.trim() === '' ? [] : [tag.trim()]));
  return {
    settings: writeSettings(kind, values),
    ...(credential === '' || kind === 'keyring' ? {} : { credential }),
    ...(group.trim() === '' ? {} : { group: group.trim() }),
    ...(listed.length === 0 ? {} : { tags: listed }),
  };
}
