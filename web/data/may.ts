// What whoever is signed in may do in a scope: the page does not offer what would be refused.
import { chainOf } from './scopes.js';
import { type Me, session } from './session.js';
import { useStore } from './store.js';

export type Permission = Me['bindings'][number]['permissions'][number];

/** A role holds in its scope and in all that is below it. */
export function may({ bindings }: Me, permission: Permission, scope: string): boolean {
  const within = chainOf(scope);
  return bindings.some((one) => within.includes(one.scope) && one.permissions.includes(permission));
}

export function useMay(scope: string): (permission: Permission) => boolean {
  const me = useStore(session);
  return (permission) => me != null && may(me, permission, scope);
}
