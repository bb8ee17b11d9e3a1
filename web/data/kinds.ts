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

/** With its schema; undefined: none yet. */
export function useKind(scope: string, id: string | undefined): Resource<Schemas['Kind']> {
  const account = accountOf(scope);
  return useResource(id === undefined ? null : `kind ${account} ${id}`, () =>
    answer(apiOf(account).GET('/kinds/{kind}', { params: { path: { kind: id ?? '' } } })),
  );
}
