// What can be changed of a connector. The API replaces all of it, whoever else has just done so: this looks before.
import { useEffect, useRef, useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { answer, apiOf } from '../data/api.js';
import type { Connector } from '../data/connectors.js';
import { may } from '../data/may.js';
import { goTo, hrefOf } from '../data/route.js';
import { nameOf } from '../data/scopes.js';
import { session } from '../data/session.js';
import { useStore } from '../data/store.js';
import { Allowed } from '../parts/allowed.js';
import { Button, LinkButton } from '../parts/button.js';
import { Head } from '../parts/head.js';
import { Panel } from '../parts/panel.js';
import { Note, ProblemBox } from '../parts/problem.js';
import { say } from '../shell/toasts.js';
import {
  changesBetween,
  type Draft,
  isSsh,
  isToken,
  isTyped,
  KEPT,
  rebase,
  scopesOf,
  toDraft,
  toWrite,
} from './connector-draft.js';
import { CredentialFields, PlaceFields } from './connector-fields.js';
import { keptOf, nameCredential } from './credential-words.js';

export interface ChangeRepositoryProps {
  /** That is looked at; the connector may be in one further out. */
  scope: string;
  connector: Connector;
  onDone: () => Promise<void>;
}

export function ChangeRepository({ scope, connector, onDone }: ChangeRepositoryProps) {
  const { id } = connector;
  const back = hrefOf(scope, ['repositories', id]);
  return (
    <>
      <Head
        title={`Change ${id}`}
        trail={[
          { label: 'Repositories', href: hrefOf(scope, ['repositories']) },
          { label: id, href: back },
        ]}
      />
      <Allowed scope={connector.scope} needs="connector.manage" isTold>
        <ChangeForm scope={scope} connector={connector} onDone={onDone} />
      </Allowed>
    </>
  );
}

function ChangeForm({ scope, connector, onDone }: ChangeRepositoryProps) {
  const { id, scope: place } = connector;
  const { base, draft, change, newer, meet, goOnFrom } = useChange(connector);
  const { isBusy, error, run } = useAction();
  const back = hrefOf(scope, ['repositories', id]);
  const save = (event: Event): void => {
    event.preventDefault();
    void run(async () => {
      const params = { path: { id } };
      const found = await answer(apiOf(place).GET('/connectors/{id}', { params }));
      if (found.revision !== base.revision) {
        meet(found);
        return;
      }
      await apiOf(place).PUT('/connectors/{id}', { params, body: toWrite(draft, base) });
      say(`Changed ${id}.`);
      goTo(`${back}?check=now`);
      await onDone();
    });
  };
  const fields = { scope: place, draft, change, error };
  const isWhole = base.credential !== null && toDraft(base).secret === KEPT;
  return (
    <form class="narrow" onSubmit={save}>
      <Panel>
        <div class="stack">
          <WhatItTakes connector={base} />
          <PlaceFields
            {...fields}
            note="Another repository only while no entities are in this one. Where this one has another address now, say so with “Renamed…” on its screen: then all comes along."
          />
          <CredentialFields
            {...fields}
            user={isToken(base) && !isSsh(draft.url) ? 'what such hosts take' : 'git'}
            kept={isWhole ? nameCredential(base.credential) : undefined}
          />
          <WhatStays connector={base} />
          {newer !== undefined && !isBusy && (
            <Overtaken base={base} newer={newer} onGoOn={() => goOnFrom(newer)} />
          )}
          <ProblemBox error={error} />
          <div class="row">
            <Button type="submit" look="primary" isBusy={isBusy}>
              Change and check
            </Button>
            <LinkButton href={back}>Cancel</LinkButton>
          </div>
        </div>
      </Panel>
    </form>
  );
}

interface Change {
  /** What the change is made of. */
  base: Connector;
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  /** What somebody else has made of it since. */
  newer: Connector | undefined;
  meet: (found: Connector) => void;
  goOnFrom: (now: Connector) => void;
}

function useChange(connector: Connector): Change {
  const [{ base, draft }, set] = useState({ base: connector, draft: toDraft(connector) });
  const [met, meet] = useState<Connector | undefined>(undefined);
  /** Revisions that came before the one it is made of, which a list that is behind may still show. */
  const past = useRef(new Set([connector.revision]));
  const goOnFrom = (now: Connector): void => {
    past.current.add(now.revision);
    meet(undefined);
    set({ base: now, draft: rebase(draft, base, now) });
  };
  const heard = past.current.has(connector.revision) ? undefined : connector;
  useEffect(() => {
    if (heard !== undefined && !isTyped(draft, base)) goOnFrom(heard);
  }, [heard]);
  return {
    base,
    draft,
    change: (part) => set({ base, draft: { ...draft, ...part } }),
    newer: heard ?? met,
    meet,
    goOnFrom,
  };
}

interface OvertakenProps {
  base: Connector;
  newer: Connector;
  onGoOn: () => void;
}

const Overtaken = ({ base, newer, onGoOn }: OvertakenProps) => {
  const changed = changesBetween(base, newer);
  return (
    <div role="alert" class="stack-close">
      <Note tone="warn" icon="alert" title="Somebody has changed it meanwhile, and yours is not sent">
        {changed.length > 0 && `Changed: ${changed.join(', ')}. `}
        Go on from what it is now: what you typed stays, and all else becomes as it is there.
      </Note>
      <div class="row">
        <Button onPress={onGoOn}>Go on from there</Button>
      </div>
    </div>
  );
};

/** Before somebody types what would be refused. */
function WhatItTakes({ connector }: { connector: Connector }) {
  const me = useStore(session);
  const shut = scopesOf(connector).find((scope) => me != null && !may(me, 'secret.use', scope));
  if (shut === undefined) return null;
  return (
    <Note icon="lock" title="You may not say where its secrets go">
      That takes secret.use in {nameOf(shut)}. You can change the path of its URL, and tags.
    </Note>
  );
}

function WhatStays({ connector }: { connector: Connector }) {
  const kept = keptOf(connector);
  if (kept.length === 0) return null;
  return <Note title="What stays as it is">{kept.join(' ')}</Note>;
}
