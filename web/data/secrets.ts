// The secrets within reach of a scope, as they are named from it.
import { answer, apiOf } from './api.js';
import { readOutwards } from './outwards.js';
import { type Resource, useResource } from './resource.js';
import { nameFrom } from './scopes.js';

export interface NearSecret {
  name: string;
  manager: string;
}

const LISTED = '1000';

export const useNearSecrets = (scope: string): Resource<NearSecret[]> =>
  useResource(`secrets within reach ${scope}`, () =>
    readOutwards(scope, async (level) => {
      const query = { limit: LISTED };
      const { secrets } = await answer(apiOf(level).GET('/secrets', { params: { query } }));
      return secrets.map(({ id, manager }) => ({ name: nameFrom(scope, level, id), manager }));
    }),
  );
