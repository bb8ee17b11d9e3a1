import { useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { answer, apiOf, type Schemas } from '../data/api.js';
import { assertFree } from '../data/free.js';
import { goTo, hrefOf } from '../data/route.js';
import { wrongWith } from '../data/wrong.js';
import { Allowed } from '../parts/allowed.js';
import { Button } from '../parts/button.js';
import { CheckField, TextField } from '../parts/field.js';
import { Head } from '../parts/head.js';
import { Panel } from '../parts/panel.js';
import { ProblemBox } from '../parts/problem.js';
import { say } from '../shell/toasts.js';
import { type Draft as ConnectorDraft, emptyDraft, isSsh, toWrite } from './connector-draft.js';
import { CredentialFields, PlaceFields } from './connector-fields.js';

interface Draft extends ConnectorDraft {
  id: string;
  isFollowed: boolean;
}

export function NewRepository({ scope }: { scope: string }) {
  const [draft, setDraft] = useState<Draft>({ ...emptyDraft, id: '', isFollowed: true });
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
  const fields = { scope, draft, change, error };
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
              <TextField
                label="Name"
                value={draft.id}
                onInput={(id) => change({ id })}
                placeholder="platform"
                note="How saves name it; it does not change later."
                wrong={wrongWith(error, 'id')}
                isRequired
                isMono
              />
              <PlaceFields {...fields} />
              <CredentialFields {...fields} user={isSsh(draft.url) ? 'that of the URL, or git' : 'git'} />
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
  const { id, isFollowed } = draft;
  const api = apiOf(scope);
  const params = { path: { id } };
  await assertFree(`a repository ${id}`, answer(api.GET('/connectors/{id}', { params })));
  await api.PUT('/connectors/{id}', { params, body: toWrite(draft) });
  if (isFollowed)
    await api.PUT('/connectors/{id}/tracking', { params, body: {} as Schemas['TrackingWrite'] });
}
