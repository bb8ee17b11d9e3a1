import { answer, apiOf } from '../data/api.js';
import { useResource } from '../data/resource.js';
import { hrefOf } from '../data/route.js';
import { Short } from '../parts/copy.js';
import { Facts, Panel } from '../parts/panel.js';
import { Ago } from '../parts/time.js';
import type { EntityPlace } from './entity-place.js';
import type { Entity } from './git-state.js';

/** Where the entity is, what its copy is worth, and where else it is. */
export function EntityFacts({ place, entity }: { place: EntityPlace; entity: Entity | undefined }) {
  return (
    <div class="stack">
      <Panel title="In Git">
        {entity === undefined ? <span class="skeleton" /> : <Place scope={place.scope} entity={entity} />}
      </Panel>
      <Branches place={place} entity={entity} />
    </div>
  );
}

const freshness = {
  current: 'What stood in Git then',
  behind: 'Git has moved on since',
  gone: 'Not in Git any more',
  held: 'Git holds what is kept out',
  unknown: 'Nobody looks',
} as const;

function Place({ scope, entity }: { scope: string; entity: Entity }) {
  const { git, operationId, freshness: known } = entity;
  if (git === null)
    return (
      <Facts
        facts={[
          ['Kept', 'Inline: in Sallyport alone'],
          ['Blob', <Short key="blob" id={entity.blobId} />],
          operationId === null ? undefined : ['Saved by', operationLink(scope, operationId)],
        ]}
      />
    );
  return (
    <Facts
      facts={[
        [
          'Repository',
          <a key="at" href={hrefOf(scope, ['repositories', git.connector])}>
            {git.connector}
          </a>,
        ],
        ['Connectivity', git.connectivity],
        ['Branch', <code key="branch">{git.branch}</code>],
        ['Path', <code key="path">{git.path}</code>],
        ['Commit', <Short key="commit" id={git.commitId} />],
        ['Written by', operationId === null ? 'A push to Git' : operationLink(scope, operationId)],
        known === undefined
          ? undefined
          : [
              'Freshness',
              <span key="freshness">
                {freshness[known.state]}
                {known.checkedAt !== null && (
                  <>
                    , looked at <Ago at={known.checkedAt} />
                  </>
                )}
              </span>,
            ],
      ]}
    />
  );
}

const operationLink = (scope: string, id: string) => (
  <a key="operation" href={hrefOf(scope, ['operations', id])}>
    Operation <Short id={id} />
  </a>
);

const LISTED = '200';

export function useBranchesOf({ scope, kind, id }: EntityPlace): string[] {
  const { data } = useResource(
    `branches ${scope} ${kind} ${id}`,
    async () => {
      const query = { kind, search: id, store: 'git' as const, limit: LISTED };
      const { entities } = await answer(apiOf(scope).GET('/entities', { params: { query } }));
      return entities.flatMap((one) => (one.id === id && one.git !== null ? [one.git.branch] : []));
    },
    { live: ['entity.'] },
  );
  return data ?? [];
}

function Branches({ place, entity }: { place: EntityPlace; entity: Entity | undefined }) {
  const branches = useBranchesOf(place);
  if (branches.length < 2) return null;
  const { scope, kind, id } = place;
  return (
    <Panel title="On other branches">
      <ul class="stack-close small">
        {branches.map((branch) => (
          <li key={branch}>
            <a
              href={hrefOf(scope, ['entities', kind, id], { branch })}
              aria-current={branch === entity?.git?.branch ? 'true' : undefined}
            >
              <code>{branch}</code>
            </a>
            {branch === entity?.git?.branch && <span class="quiet"> shown</span>}
          </li>
        ))}
      </ul>
    </Panel>
  );
}
