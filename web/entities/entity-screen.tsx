// One entity on one branch: its document, how it differs elsewhere, and where it is.

import { ApiError, answer, apiOf, type Schemas } from '../data/api.js';
import { useResource } from '../data/resource.js';
import { goTo, hrefOf, type Route } from '../data/route.js';
import { rememberText } from '../data/texts.js';
import { Allowed } from '../parts/allowed.js';
import { Button } from '../parts/button.js';
import { Confirm, useDialog } from '../parts/dialog.js';
import { Head } from '../parts/head.js';
import { Note, ProblemBox } from '../parts/problem.js';
import { State } from '../parts/state.js';
import { Tabs } from '../parts/tabs.js';
import { say } from '../shell/toasts.js';
import { announceWay } from './announce.js';
import { Compare } from './compare.js';
import { DocumentTab } from './document-tab.js';
import { EntityFacts } from './entity-facts.js';
import type { EntityPlace } from './entity-place.js';
import { type Entity, gitStateOf } from './git-state.js';
import { GitStateMark } from './git-state-mark.js';
import { History } from './history.js';
import { useSurroundings } from './surroundings.js';

const tabs = [
  { name: 'document', label: 'Document' },
  { name: 'history', label: 'History' },
  { name: 'compare', label: 'Compare' },
] as const;

export interface EntityScreenProps {
  scope: string;
  kind: string;
  id: string;
  route: Route;
}

export function EntityScreen({ scope, kind, id, route }: EntityScreenProps) {
  const branch = route.query.get('branch') ?? undefined;
  const tab = route.query.get('tab') ?? 'document';
  const place = { scope, kind, id, branch };
  const path = ['entities', kind, id];
  const { data: entity, error, reload } = useEntity(place);
  const isGone = entity !== undefined && error instanceof ApiError && error.code === 'NOT_FOUND';
  return (
    <>
      <Head
        title={id}
        trail={[
          { label: 'Entities', href: hrefOf(scope, ['entities']) },
          { label: kind, href: hrefOf(scope, ['entities'], { kind }) },
        ]}
        mark={entity !== undefined && <Mark scope={scope} entity={entity} isGone={isGone} />}
      >
        {!isGone && <Acts scope={scope} entity={entity} />}
      </Head>
      {isGone ? <Gone entity={entity} /> : <ProblemBox error={error} />}
      {(entity !== undefined || error === undefined) && (
        <>
          <Tabs
            label="Views of the entity"
            tabs={tabs}
            current={tab}
            hrefOf={(name) => hrefOf(scope, path, { branch, tab: name })}
          />
          {tab === 'compare' && <Compare place={place} entity={entity} route={route} />}
          {tab === 'history' && <History place={place} entity={entity} />}
          {tab === 'document' && (
            <div class="sides">
              <DocumentTab key={branch ?? ''} place={place} entity={entity} onChanged={() => void reload()} />
              <Beside place={place} entity={entity} isGone={isGone} />
            </div>
          )}
        </>
      )}
    </>
  );
}

const useEntity = ({ scope, kind, id, branch }: EntityPlace) =>
  useResource<Entity>(
    `entity ${scope} ${kind} ${id} ${branch ?? ''}`,
    async () => {
      const params = { path: { kind, id }, query: branch === undefined ? {} : { branch } };
      const entity = await answer(apiOf(scope).GET('/entities/{kind}/{id}', { params }));
      rememberText(entity.blobId, entity.yaml);
      return entity;
    },
    { live: ['entity.', 'operation.'] },
  );

const Beside = ({ isGone, ...facts }: { place: EntityPlace; entity: Entity | undefined; isGone: boolean }) =>
  isGone ? null : <EntityFacts {...facts} />;

const Acts = ({ scope, entity }: { scope: string; entity: Entity | undefined }) =>
  entity === undefined ? null : (
    <Allowed scope={scope} needs="entity.edit">
      <Removal scope={scope} entity={entity} />
    </Allowed>
  );

interface MarkProps {
  scope: string;
  entity: Entity;
  /** Since one looks at it. */
  isGone: boolean;
}

const Mark = ({ scope, entity, isGone }: MarkProps) =>
  isGone ? <State tone="warn">Not there any more</State> : <EntityMark scope={scope} entity={entity} />;

const Gone = ({ entity: { id, git } }: { entity: Entity }) => (
  <Note tone="warn" icon="alert" title={`${id} was deleted${git === null ? '' : ` from ${git.branch}`}`}>
    Somebody did that here or in Git. What you see is what it was when it was read last, and your text.
  </Note>
);

function EntityMark({ scope, entity }: { scope: string; entity: Entity }) {
  const surroundings = useSurroundings(scope, entity.git === null ? [] : [entity.git.connector]);
  return <GitStateMark scope={scope} state={gitStateOf(entity, surroundings)} />;
}

function Removal({ scope, entity }: { scope: string; entity: Entity }) {
  const { open, show, close } = useDialog<'delete'>();
  const { kind, id, git, blobId } = entity;
  const remove = async (): Promise<void> => {
    const { data, response } = await apiOf(scope).DELETE('/entities/{kind}/{id}', {
      params: {
        path: { kind, id },
        query: git === null ? {} : { branch: git.branch, message: `Delete ${kind} ${id}` },
        header: { 'If-Match': `"${blobId}"`, Prefer: 'wait=20' },
      },
    });
    if (response.status === 202) {
      const { id: operation } = data as Schemas['Operation'];
      announceWay(`The deletion of ${kind} ${id} is on its way to Git.`, scope, operation);
      goTo(hrefOf(scope, ['operations', operation]));
      return;
    }
    say(git === null ? `Deleted ${kind} ${id}.` : `Deleted ${kind} ${id} from ${git.branch}.`);
    goTo(hrefOf(scope, ['entities']));
  };
  return (
    <>
      <Button look="danger" icon="trash" onPress={() => show('delete')}>
        Delete
      </Button>
      {open === 'delete' && (
        <Confirm title={`Delete ${kind} ${id}?`} act={`Delete ${id}`} onConfirm={remove} onClose={close}>
          {git === null ? (
            <p>The document is in Sallyport alone: it is gone for good.</p>
          ) : (
            <p>
              A commit removes <code>{git.path}</code> from branch <code>{git.branch}</code> of{' '}
              {git.connector}. What was there stays in the history of Git.
            </p>
          )}
        </Confirm>
      )}
    </>
  );
}
