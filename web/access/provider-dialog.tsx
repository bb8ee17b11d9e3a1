import { useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { answer, apiOf, type Schemas } from '../data/api.js';
import { server } from '../data/place.js';
import { useNearSecrets } from '../data/secrets.js';
import { wrongWith } from '../data/wrong.js';
import { Button } from '../parts/button.js';
import { Copyable } from '../parts/copy.js';
import { Dialog } from '../parts/dialog.js';
import { SelectField, TextField } from '../parts/field.js';
import { More } from '../parts/more.js';
import { ProblemBox } from '../parts/problem.js';
import { say } from '../shell/toasts.js';

export type IdentityProvider = Schemas['IdentityProvider'];

type Draft = Omit<IdentityProvider, 'scopes' | 'secret'> & { scopes: string; secret: string };

export interface ProviderDialogProps {
  account: string;
  /** Undefined for a new one. */
  provider: IdentityProvider | undefined;
  taken: readonly string[];
  onSaved: () => void;
  onClose: () => void;
}

export function ProviderDialog({ account, provider, taken, onSaved, onClose }: ProviderDialogProps) {
  const [draft, setDraft] = useState<Draft>(() => draftOf(provider));
  const { isBusy, error, run, forget } = useAction();
  const isTaken = provider === undefined && taken.includes(draft.id);
  const change = (part: Partial<Draft>): void => {
    forget();
    setDraft((before) => ({ ...before, ...part }));
  };
  const save = (event: Event): void => {
    event.preventDefault();
    void run(async () => {
      const params = { path: { id: draft.id } };
      const { name } = await answer(
        apiOf(account).PUT('/identity-providers/{id}', { params, body: bodyOf(draft) }),
      );
      say(`People can sign in with ${name} now.`);
      onSaved();
      onClose();
    });
  };
  return (
    <Dialog
      title={provider === undefined ? 'Add an identity provider' : `Change ${provider.name}`}
      onClose={onClose}
    >
      <form class="stack" onSubmit={save}>
        <Callback />
        <Names draft={draft} change={change} isNew={provider === undefined} isTaken={isTaken} error={error} />
        <Client account={account} draft={draft} change={change} error={error} />
        <ProblemBox error={error} />
        <div class="ends">
          <Button onPress={onClose}>Cancel</Button>
          <Button type="submit" look="primary" isBusy={isBusy} isDisabled={isTaken}>
            {provider === undefined ? 'Add the provider' : 'Save the provider'}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

const Callback = () => (
  <div class="field">
    <span class="label">Redirect URL, to be registered there</span>
    <Copyable text={`${server}/api/v1/sign-in-callback`} />
    <span class="note">Where the manager has SALLYPORT_PUBLIC_URL, it begins with that.</span>
  </div>
);

interface PartProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  error: unknown;
}

const Names = ({
  draft,
  change,
  error,
  isNew,
  isTaken,
}: PartProps & { isNew: boolean; isTaken: boolean }) => (
  <>
    {isNew && (
      <TextField
        label="Identifier"
        value={draft.id}
        onInput={(id) => change({ id })}
        placeholder="acme"
        wrong={isTaken ? 'There is a provider with this identifier: change that one.' : undefined}
        isRequired
        isMono
      />
    )}
    <TextField
      label="Name"
      value={draft.name}
      onInput={(name) => change({ name })}
      placeholder={draft.id || 'Acme'}
      note="As the sign-in shows it."
      wrong={wrongWith(error, 'name')}
    />
    <TextField
      label="Issuer"
      value={draft.issuer}
      onInput={(issuer) => change({ issuer })}
      placeholder="https://login.acme.example"
      note={
        isNew
          ? '.well-known/openid-configuration is below it.'
          : 'With another one, whoever came by this provider is signed out.'
      }
      wrong={wrongWith(error, 'issuer')}
      isRequired
      isMono
    />
  </>
);

function Client({ account, draft, change, error }: PartProps & { account: string }) {
  const { data: secrets } = useNearSecrets(account);
  const builtin = secrets?.filter(({ manager }) => manager === 'builtin') ?? [];
  return (
    <>
      <TextField
        label="Client id"
        value={draft.clientId}
        onInput={(clientId) => change({ clientId })}
        wrong={wrongWith(error, 'clientId')}
        isRequired
        isMono
      />
      <SelectField
        label="Client secret"
        value={draft.secret}
        options={[
          { value: '', label: 'None: a public client' },
          ...builtin.map(({ name }) => ({ value: name, label: name })),
        ]}
        onChange={(secret) => change({ secret })}
        note="A builtin secret of the account."
      />
      <More title="Claims" isOpen={draft.groupsClaim !== 'groups'}>
        <TextField
          label="Claim that lists groups"
          value={draft.groupsClaim}
          onInput={(groupsClaim) => change({ groupsClaim })}
          wrong={wrongWith(error, 'groupsClaim')}
          isRequired
          isMono
        />
        <TextField
          label="Scopes that are asked for"
          value={draft.scopes}
          onInput={(scopes) => change({ scopes })}
          note="With spaces between them, besides openid."
          wrong={wrongWith(error, 'scopes')}
          isMono
        />
      </More>
    </>
  );
}

const draftOf = (provider: IdentityProvider | undefined): Draft => ({
  id: '',
  name: '',
  issuer: '',
  clientId: '',
  groupsClaim: 'groups',
  ...provider,
  scopes: (provider?.scopes ?? ['profile', 'email']).join(' '),
  secret: provider?.secret ?? '',
});

const bodyOf = ({ name, issuer, clientId, secret, scopes, groupsClaim }: Draft) => ({
  ...(name === '' ? {} : { name }),
  issuer,
  clientId,
  groupsClaim,
  scopes: scopes.split(/[\s,]+/).filter((scope) => scope !== ''),
  ...(secret === '' ? {} : { secret }),
});
