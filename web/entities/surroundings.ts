// What an entity’s state is read from besides itself.
import { answer, apiOf, type Schemas } from '../data/api.js';
import { type Connector, useConnectors, useTrackings } from '../data/connectors.js';
import { unless } from '../data/outwards.js';
import { useResource } from '../data/resource.js';
import { settled } from '../data/settled.js';
import type { Surroundings } from './git-state.js';

const OPERATIONS = '200';
const PROBLEMS = '200';

/** @param used names of the connectors that are looked at */
export function useSurroundings(
  scope: string,
  used: readonly string[],
): Surroundings & { connectors: Connector[] | undefined } {
  const { data: connectors } = useConnectors(scope);
  const { data: operations } = useResource(
    `operations of ${scope}`,
    async () =>
      (await answer(apiOf(scope).GET('/operations', { params: { query: { limit: OPERATIONS } } })))
        .operations,
    { live: ['operation.', 'entity.'] },
  );
  const near = connectors?.filter(({ id }) => used.includes(id));
  const { data: trackings } = useTrackings(near);
  const { data: problems } = useResource(
    trackings === undefined
      ? null
      : `problems ${trackings.map((one) => `${one.scope}/${one.connector}`).join()}`,
    async () => (await Promise.all((trackings ?? []).map(readProblems))).flat(),
    { live: ['entity.'] },
  );
  return {
    operations: operations ?? [],
    trackings: trackings ?? [],
    problems: problems ?? [],
    settled: settled(),
    connectors,
  };
}

async function readProblems({
  scope,
  connector: id,
}: Schemas['Tracking']): Promise<Schemas['FileProblem'][]> {
  const call = apiOf(scope).GET('/connectors/{id}/tracking/problems', {
    params: { path: { id }, query: { limit: PROBLEMS } },
  });
  return (await unless(404, answer(call), 403))?.files ?? [];
}
