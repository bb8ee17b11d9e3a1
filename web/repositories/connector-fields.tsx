// The fields of a connector, the same where one is made and where it is changed.
import { answer, apiOf } from '../data/api.js';
import { readOutwards } from '../data/outwards.js';
import { useResource } from '../data/resource.js';
import { hrefOf } from '../data/route.js';
import { useNearSecrets } from '../data/secrets.js';
import { wrongWith } from '../data/wrong.js';
import { Allowed } from '../parts/allowed.js';
import { Choices } from '../parts/choices.js';
import { SelectField, TextField } from '../parts/field.js';
import { Note } from '../parts/problem.js';
import { type Draft, isSsh, KEPT } from './connector-draft.js';

export interface FieldsProps {
  scope: string;
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  /** Why it was refused. */
  error: unknown;
}

const providers: readonly { value: Draft['provider']; label: string }[] = [
  { value: 'generic', label: 'Plain Git' },
  { value: 'github', label: 'GitHub' },
  { value: 'gitlab', label: 'GitLab' },
  { value: 'bitbucket-cloud', label: 'Bitbucket Cloud' },
  { value: 'bitbucket-dc', label: 'Bitbucket Data Center' },
  { value: 'gitea', label: 'Gitea' },
  { value: 'forgejo', label: 'Forgejo' },
  { value: 'gogs', label: 'Gogs' },
  { value: 'azure', label: 'Azure DevOps' },
];

export interface PlaceFieldsProps extends FieldsProps {
  /** Beside the URL. */
  note?: string;
}

/** Where the repository is, and who goes there. */
export function PlaceFields(props: PlaceFieldsProps) {
  const { draft, change, error, note } = props;
  // Nobody else speaks it.
  const goTo = (url: string): void =>
    change({ url, ...(isSsh(url) && !isSsh(draft.url) && { connectivity: 'delegate' as const }) });
  return (
    <>
      <TextField
        label="Repository URL"
        value={draft.url}
        onInput={goTo}
        placeholder="https://git.example/team/repository.git"
        note={note}
        wrong={wrongWith(error, 'url')}
        isRequired
        isMono
      />
      {isSsh(draft.url) && (
        <TextField
          label="Known hosts"
          value={draft.knownHosts}
          onInput={(knownHosts) => change({ knownHosts })}
          placeholder="git.example ssh-ed25519 AAAA…"
          rows={3}
          note="The lines that ssh-keyscan prints of the host, once whoever runs it has confirmed its keys: no other host is believed."
          wrong={wrongWith(error, 'knownHosts')}
          isRequired
          isMono
        />
      )}
      <SelectField
        label="Host"
        value={draft.provider}
        options={providers}
        onChange={(provider) => change({ provider: provider as Draft['provider'] })}
        note="Plain Git works with every host; the others can open pull requests and register webhooks as well."
      />
      {(draft.provider !== 'generic' || draft.apiUrl !== '') && (
        <TextField
          label="API address"
          value={draft.apiUrl}
          onInput={(apiUrl) => change({ apiUrl })}
          note="Only where it is not where such hosts have it."
          wrong={wrongWith(error, 'apiUrl')}
          isMono
        />
      )}
      <RoadFields {...props} />
    </>
  );
}

const roads: Record<Draft['connectivity'], string> = {
  manager: 'The manager talks to the host itself, and opens the secret.',
  delegate: 'A delegate in your own network talks to the host; the secret never leaves it.',
};

function RoadFields({ scope, draft, change, error }: FieldsProps) {
  const { url, connectivity, group, tags } = draft;
  const isDelegated = connectivity === 'delegate';
  const isUnspoken = isSsh(url) && !isDelegated;
  const groups = useGroups(scope, isDelegated);
  return (
    <>
      <div class="field">
        <span class="label">Who talks to it</span>
        <Choices
          label="Who talks to it"
          value={connectivity}
          onChange={(next) => change({ connectivity: next })}
          options={[
            { value: 'manager', label: 'The manager' },
            { value: 'delegate', label: 'A delegate' },
          ]}
        />
        <span class={isUnspoken ? 'wrong' : 'note'}>
          {isUnspoken
            ? 'Delegates alone speak SSH: choose one, or the https URL of the repository.'
            : roads[connectivity]}
        </span>
      </div>
      {isDelegated && (
        <>
          <TextField
            label="Group"
            value={group}
            onInput={(next) => change({ group: next })}
            suggestions={groups}
            note="The delegates that may serve it. Empty: any within reach."
            wrong={wrongWith(error, 'group')}
            isMono
          />
          <TextField
            label="Tags"
            value={tags}
            onInput={(next) => change({ tags: next })}
            note="A delegate that serves it has all of these, with commas between them."
            wrong={wrongWith(error, 'tags')}
            isMono
          />
        </>
      )}
    </>
  );
}

/** Of the delegates within reach, as far as one may look at them. */
function useGroups(scope: string, isAsked: boolean): string[] {
  const { data = [] } = useResource(isAsked ? `groups within reach ${scope}` : null, () =>
    readOutwards(scope, async (level) =>
      (await answer(apiOf(level).GET('/delegates'))).delegates.map(({ group }) => group),
    ),
  );
  return [...new Set(data)];
}

export interface CredentialFieldsProps extends FieldsProps {
  /** What no field shows and is to stay: 'a GitHub App'. */
  kept?: string | undefined;
  /** What stands in for a user name that is left empty. */
  user: string;
}

export function CredentialFields(props: CredentialFieldsProps) {
  const { scope, draft, change, kept } = props;
  const { data: secrets } = useNearSecrets(scope);
  const isKey = isSsh(draft.url);
  const options = optionsOf(draft, secrets ?? []);
  return (
    <>
      <SelectField
        label={isKey ? 'Private key' : 'Secret'}
        value={draft.secret}
        options={[
          ...(kept === undefined ? [] : [{ value: KEPT, label: `As it is: ${kept}` }]),
          { value: '', label: isKey ? 'Choose one' : 'None: the repository is public' },
          ...withNamed(options, draft.secret),
        ]}
        onChange={(secret) => change({ secret })}
        note={noteOf(draft, kept)}
      />
      {draft.secret !== '' && draft.secret !== KEPT && <BesideSecret {...props} options={options} />}
      {secrets?.length === 0 && draft.secret === '' && <NoSecrets scope={scope} isKey={isKey} />}
    </>
  );
}

function noteOf({ secret, url }: Draft, kept: string | undefined): string {
  if (secret === KEPT)
    return `Its credential is ${kept}: it stays as it is, unless you choose a secret in its place.`;
  return isSsh(url)
    ? 'It is put as a secret of the kind SSH key, best with a keyring of the delegates.'
    : 'A password or an access token. With the manager, a builtin secret alone.';
}

const BesideSecret = ({
  draft,
  change,
  error,
  user,
  options,
}: CredentialFieldsProps & { options: readonly Option[] }) => (
  <>
    <TextField
      label="User name"
      value={draft.username}
      onInput={(username) => change({ username })}
      placeholder={user}
      wrong={wrongWith(error, 'credential')}
      isMono
    />
    {isSsh(draft.url) && (
      <SelectField
        label="Passphrase"
        value={draft.passphrase}
        options={[{ value: '', label: 'None' }, ...withNamed(options, draft.passphrase)]}
        onChange={(passphrase) => change({ passphrase })}
      />
    )}
  </>
);

const NoSecrets = ({ scope, isKey }: { scope: string; isKey: boolean }) => (
  <Allowed scope={scope} needs="secret.manage">
    <Note title="No secrets yet">
      <a href={hrefOf(scope, ['secrets', 'new'])}>{isKey ? 'Put the private key' : 'Put the access token'}</a>{' '}
      first{isKey ? '.' : ', unless the repository is public.'}
    </Note>
  </Allowed>
);

interface Option {
  value: string;
  label: string;
}

const optionsOf = (
  { connectivity }: Draft,
  secrets: readonly { name: string; manager: string }[],
): Option[] =>
  secrets
    .filter(({ manager }) => connectivity === 'delegate' || manager === 'builtin')
    .map(({ name, manager }) => ({ value: name, label: `${name} (${manager})` }));

/** Also where one may not look at it, or it does not fit any more. */
const withNamed = (options: readonly Option[], name: string): readonly Option[] =>
  name === '' || name === KEPT || options.some(({ value }) => value === name)
    ? options
    : [...options, { value: name, label: name }];
