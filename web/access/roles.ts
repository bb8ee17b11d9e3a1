import { answer, apiOf, type Schemas } from '../data/api.js';
import { type Resource, useResource } from '../data/resource.js';
import { accountOf } from '../data/scopes.js';

export type Role = Schemas['Role'];

/** Of the account, the builtin ones first. */
export function useRoles(scope: string): Resource<Role[]> {
  const account = accountOf(scope);
  return useResource(`roles ${account}`, async () => (await answer(apiOf(account).GET('/roles'))).roles);
}

export const roleOptions = (roles: readonly Role[] | undefined): { value: string; label: string }[] =>
  (roles ?? []).map(({ id, description, builtin }) => ({
    value: id,
    label: builtin ? id : `${id}: ${description}`,
  }));
