// The connectors within reach of a scope, and what is known of their branches.
import { useEffect, useState } from 'preact/hooks';
import type { paths } from '../../src/client/routes.js';
import { type Api, type ApiError, answer, apiOf, type Schemas } from './api.js';
import { readOutwards, unless } from './outwards.js';
import { type Resource, useResource } from './resource.js';

export type Connector = Schemas['Connector'];
export type ConnectorWrite = paths['/connectors/{id}']['put']['requestBody']['content']['application/json'];

/** The nearest of each name first. Those of a scope that one may not look at are left out, and where it is this one, that is the error. */
export function useConnectors(scope: string): Resource<Connector[]> {
  const { data, error, ...rest } = useResource(`connectors ${scope}`, () => readConnectors(scope), {
    live: ['connector.'],
  });
  return { ...rest, data: data?.connectors, error: error ?? data?.refusal };
}

/** As many as a page holds; nobody has more of them in one scope. */
const LISTED = '1000';

interface Reachable {
  connectors: Connector[];
  refusal: ApiError | undefined;
}

async function readConnectors(scope: string): Promise<Reachable> {
  let refusal: ApiError | undefined;
  const all = await readOutwards(
    scope,
    async (level) =>
      (await answer(apiOf(level).GET('/connectors', { params: { query: { limit: LISTED } } }))).connectors,
    (error) => {
      refusal = error;
    },
  );
  // A name means the nearest that has it.
  const nearest = [...Map.groupBy(all, ({ id }) => id).values()].flatMap(([first]) => first ?? []);
  return { connectors: nearest, refusal };
}

export type Tracking = Schemas['Tracking'];

const RESTING_MS = 30_000;
const MOVING_MS = 5_000;

/** Of each connector that has one. */
export function useTrackings(connectors: readonly Connector[] | undefined): Resource<Tracking[]> {
  const key = connectors?.map(({ scope, id }) => `${scope}/${id}`).join();
  const [isMoving, setMoving] = useState(false);
  const trackings = useResource(
    key === undefined ? null : `trackings ${key}`,
    async () => {
      const found = await Promise.all(
        (connectors ?? []).map(({ scope, id }) => readTracking(apiOf(scope), id)),
      );
      return found.filter((one) => one !== undefined);
    },
    // That a look went well is no event.
    { live: ['entity.', 'connector.'], everyMs: isMoving ? MOVING_MS : RESTING_MS },
  );
  useEffect(() => setMoving(trackings.data?.some(isOnTheWay) ?? false), [trackings.data]);
  return trackings;
}

const isOnTheWay = ({ problem, followed }: Tracking): boolean =>
  problem !== null || followed.some(({ state }) => state !== 'current' && state !== 'gone');

export const readTracking = (api: Api, id: string): Promise<Tracking | undefined> =>
  unless(404, answer(api.GET('/connectors/{id}/tracking', { params: { path: { id } } })), 403);
