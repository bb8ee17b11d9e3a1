// Who asks, and what they may do where. Everything is denied that no grant allows.
import { Failure } from '../kernel/failure.js';
import { isWithin, type Scope } from '../scopes/scope.js';
import type { Permission } from './permissions.js';

export interface Actor {
  kind: 'token' | 'user';
  id: string;
  name: string;
  email?: string;
}

/** A role that somebody has in a scope, and so in all that is below it. */
export interface Grant {
  scope: Scope;
  role: string;
  permissions: readonly Permission[];
}

export interface Caller {
  actor: Actor;
  /** Nobody reaches more than one account. */
  account: Scope;
  grants: Grant[];
  expiresAt: Date;
}

/**
 * What a permission has to hold for: the scope itself, or just as well one below it. The second is for what whoever works in a
 * project needs of the account around it: its name, its kinds.
 */
export type Reach = 'scope' | 'below';

export const allows = (
  { grants }: Pick<Caller, 'grants'>,
  permission: Permission,
  scope: Scope,
  reach: Reach = 'scope',
): boolean =>
  grants.some(
    (grant) =>
      grant.permissions.includes(permission) &&
      (isWithin(grant.scope, scope) || (reach === 'below' && isWithin(scope, grant.scope))),
  );

/** @throws PERMISSION_MISSING */
export function assertAllowed(
  caller: Caller,
  permission: Permission,
  scope: Scope,
  reach: Reach = 'scope',
): void {
  if (!allows(caller, permission, scope, reach))
    throw new Failure('PERMISSION_MISSING', { permission, scope });
}

/** Nobody gives what they do not have. @throws PERMISSION_MISSING for the first that the caller lacks */
export function assertGrantable(caller: Caller, permissions: readonly Permission[], scope: Scope): void {
  for (const permission of permissions) assertAllowed(caller, permission, scope);
}
