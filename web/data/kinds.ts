import { answer, apiOf, type Schemas } from './api.js';
import { unless } from './outwards.js';
import { type Resource, useResource } from './resource.js';
import { accountOf } from './scopes.js';

export type Kind = Schemas['Kinds']['kinds'][number];

/** Kinds are the account’s; who may not look at it sees the names of what there is. */
export function useKinds(scope: string): Resource<Kind[]> {
  const account = accountOf(scope);
  return useResource(`kinds ${account}`, async () => {
    const listed = await unless(403, answer(apiOf(account).GET('/kinds')));
    return listed?.kinds ?? [];
  });
}
