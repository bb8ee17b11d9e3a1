import { useState } from 'preact/hooks';
import { answer, apiOf, type Schemas } from '../data/api.js';
import { useResource } from '../data/resource.js';
import { nameOf } from '../data/scopes.js';
import { Allowed } from '../parts/allowed.js';
import { Button } from '../parts/button.js';
import { Confirm } from '../parts/dialog.js';
import { Empty } from '../parts/empty.js';
import { Facts, Panel } from '../parts/panel.js';
import { Note, ProblemBox } from '../parts/problem.js';
import { State, type Tone } from '../parts/state.js';
import { Ago } from '../parts/time.js';
import { say } from '../shell/toasts.js';
import { TokenList } from './token-list.js';

type Group = Schemas['DelegateGroup'];

const LOOK_MS = 4_000;

/** Groups, the keys that their delegates share, and the tokens that let others join. */
export function GroupsTab({ scope }: { scope: string }) {
  const { data, error, reload } = useResource(
    `groups ${scope}`,
    async () => (await answer(apiOf(scope).GET('/delegate-groups'))).groups,
    { live: ['delegate.'], everyMs: LOOK_MS },
  );
  return (
    <>
      <ProblemBox error={error} />
      {data?.length === 0 && (
        <Panel isFlush>
          <Empty icon="delegates" title="No groups yet">
            The first token that you make for a group makes the group.
          </Empty>
        </Panel>
      )}
      {data?.map((group) => (
        <GroupPanel key={group.id} group={group} onChanged={() => void reload()} />
      ))}
      <TokenList scope={scope} />
    </>
  );
}

const holdings: Record<Group['delegates'][number]['has'], { word: string; tone: Tone }> = {
  nothing: { word: 'no keys', tone: 'bad' },
  staged: { word: 'next keys', tone: 'busy' },
  current: { word: 'current keys', tone: 'ok' },
  previous: { word: 'previous keys', tone: 'warn' },
};

function GroupPanel({ group, onChanged }: { group: Group; onChanged: () => void }) {
  const { name, scope, keys, rotation } = group;
  const [isAsked, setAsked] = useState(false);
  const rotate = async (): Promise<void> => {
    await apiOf(scope).POST('/delegate-groups/{group}/rotate', {
      params: { path: { group: name } },
      body: {},
    });
    say(`The keys of ${name} are being made anew.`);
    onChanged();
  };
  const isRotating = rotation !== null && rotation.state !== 'done';
  return (
    <Panel
      title={name}
      ends={
        <Allowed scope={scope} needs="delegate.manage">
          {' '}
          <Button isDisabled={keys === null || isRotating} onPress={() => setAsked(true)}>
            Make new keys…
          </Button>
        </Allowed>
      }
    >
      <div class="stack">
        <GroupFacts group={group} />
        {isRotating && (
          <Note
            icon="clock"
            title={
              rotation.state === 'staged' ? 'New keys are being made' : 'New keys are being taken into use'
            }
          >
            {rotation.waitsFor === null ? 'It goes on by itself.' : `It waits for ${rotation.waitsFor}.`}
          </Note>
        )}
      </div>
      {isAsked && (
        <Confirm
          title={`Make new keys for ${name}?`}
          act={`Make new keys for ${name}`}
          isDangerous={false}
          onConfirm={rotate}
          onClose={() => setAsked(false)}
        >
          <p>
            A delegate makes them, the others take them over, and work goes on meanwhile. The fingerprint
            stays.
          </p>
        </Confirm>
      )}
    </Panel>
  );
}

function GroupFacts({ group: { scope, keys, delegates } }: { group: Group }) {
  return (
    <Facts
      facts={[
        ['Scope', nameOf(scope)],
        [
          'Fingerprint',
          keys === null ? 'None: no delegate has enrolled yet' : <code key="print">{keys.fingerprint}</code>,
        ],
        keys === null ? undefined : ['Keys since', <Ago key="since" at={keys.since} />],
        [
          'Delegates',
          delegates.length === 0 ? (
            'None'
          ) : (
            <span key="delegates" class="row">
              {delegates.map(({ id, name: of, has }) => (
                <State key={id} tone={holdings[has].tone}>
                  {of}: {holdings[has].word}
                </State>
              ))}
            </span>
          ),
        ],
      ]}
    />
  );
}
