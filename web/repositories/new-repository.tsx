import { useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { answer, apiOf, type Schemas } from '../data/api.js';
import { assertFree } from '../data/free.js';
import { goTo, hrefOf } from '../data/route.js';
import { useNearSecrets } from '../data/secrets.js';
import { Allowed } from '../parts/allowed.js';
import { Button } from '../parts/button.js';
import { Choices } from '../parts/choices.js';
import { CheckField, SelectField, TextField } from '../parts/field.js';
import { Head } from '../parts/head.js';
import { Panel } from '../parts/panel.js';
import { Note, ProblemBox } from '../parts/problem.js';
import { say } from '../shell/toasts.js';

type Connectivity = Schemas['Connector']['connectivity'];
type Provider = Schemas['Connector']['provider'];

interface Draft {
  id: string;
  url: string;
  connectivity: Connectivity;
  provider: Provider;
  username: string;
  secret: string;
  isFollowed: boolean;
}

const providers: readonly { value: Provider; label: string }[] = [
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

const roads: Record<Connectivity, string> = {
  manager: 'The manager talks to the host itself, and opens the secret.',
  delegate: 'A delegate in your own network talks to the host; the secret never leaves it.',
};

export function NewRepository({ scope }: { scope: string }) {
  const [draft, setDraft] = useState<Draft>({
    id: '',
    url: '',
    connectivity: 'manager',
    provider: 'generic',
    username: '',
    secret: '',
    isFollowed: true,
  });
  const { isBusy, error, run } = useAction();
  const change = (part: Partial<Draft>): void => setDraft({ ...draft, ...part });
  const create = (event: Event): void => {
    event.preventDefault();
    void run(async () => {
      await connect(scope, draft);
      say(`Connected ${draft.id}.`);
      goTo(hrefOf(scope, ['repositories', draft.id], { check: 'now' }));
    });
  };
  return (
    <>
      <Head
        title="Connect a repository"
        trail={[{ label: 'Repositories', href: hrefOf(scope, ['repositories']) }]}
      />
      <Allowed scope={scope} needs="connector.manage" isTold>
        <form class="narrow" onSubmit={create}>
          <Panel>
            <div class="stack">
              <Place draft={draft} change={change} />
              <Credential scope={scope} draft={draft} change={change} />
              <CheckField
                label="Follow it"
                note="Pushes to its default branch become refreshed, validated copies."
                isChecked={draft.isFollowed}
                onChange={(isFollowed) => change({ isFollowed })}
              />
              <ProblemBox error={error} />
              <div class="row">
                <Button type="submit" look="primary" isBusy={isBusy}>
                  Connect and check
                </Button>
              </div>
            </div>
          </Panel>
        </form>
      </Allowed>
    </>
  );
}

async function connect(scope: string, draft: Draft): Promise<void> {
  const { id, url, connectivity, provider, username, secret, isFollowed } = draft;
  const api = apiOf(scope);
  const params = { path: { id } };
  const credential = secret === '' ? {} : { credential: { username: username || 'git', secret } };
  await assertFree(`a repository ${id}`, answer(api.GET('/connectors/{id}', { params })));
  await api.PUT('/connectors/{id}', { params, body: { url, connectivity, provider, ...credential } });
  if (isFollowed)
    await api.PUT('/connectors/{id}/tracking', { params, body: {} as Schemas['TrackingWrite'] });
}

interface PartProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
}

function Place({ draft, change }: PartProps) {
  return (
    <>
      <TextField
        label="Name"
        value={draft.id}
        onInput={(id) => change({ id })}
        placeholder="platform"
        note="How saves name it; it does not change later."
        isRequired
        isMono
      />
      <TextField
        label="Repository URL"
        value={draft.url}
        onInput={(url) => change({ url })}
        placeholder="https://git.example/team/repository.git"
        isRequired
        isMono
      />
      <SelectField
        label="Host"
        value={draft.provider}
        options={providers}
        onChange={(provider) => change({ provider: provider as Provider })}
        note="Plain Git works with every host; the others can open pull requests and register webhooks as well."
      />
      <div class="field">
        <span class="label">Who talks to it</span>
        <Choices
          label="Who talks to it"
          value={draft.connectivity}
          onChange={(connectivity) => change({ connectivity })}
          options={[
            { value: 'manager', label: 'The manager' },
            { value: 'delegate', label: 'A delegate' },
          ]}
        />
        <span class="note">{roads[draft.connectivity]}</span>
      </div>
    </>
  );
}

function Credential({ scope, draft, change }: PartProps & { scope: string }) {
  const { data: secrets } = useNearSecrets(scope);
  const fitting = secrets?.filter(
    ({ manager }) => draft.connectivity === 'delegate' || manager === 'builtin',
  );
  return (
    <>
      <SelectField
        label="Secret"
        value={draft.secret}
        options={[
          { value: '', label: 'None: the repository is public' },
          ...(fitting ?? []).map(({ name, manager }) => ({ value: name, label: `${name} (${manager})` })),
        ]}
        onChange={(secret) => change({ secret })}
        note="A password or an access token. With the manager, a builtin secret alone."
      />
      {draft.secret !== '' && (
        <TextField
          label="User name"
          value={draft.username}
          onInput={(username) => change({ username })}
          placeholder="git"
          isMono
        />
      )}
      {secrets?.length === 0 && (
        <Note title="No secrets yet">
          <a href={hrefOf(scope, ['secrets', 'new'])}>Put the access token</a> first, unless the repository is
          public.
        </Note>
      )}
    </>
  );
}
