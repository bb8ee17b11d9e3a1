// What may be done, and which of it a role allows. A role holds in the scope it was given in and in all that is below.

/** Each with what it allows, as docs/reference/access.md lists it. */
export const permissions = {
  'scope.view': 'read scopes',
  'scope.manage': 'create, rename and delete scopes',
  'entity.view': 'read entities, their history, operations, pull requests, imports and moves',
  'entity.edit': 'save, delete, import and move entities; cancel operations; close and retry pull requests',
  'kind.view': 'read kinds',
  'kind.manage': 'create and change kinds',
  'connector.view': 'read connectors, what of their repositories is followed, webhooks, deliveries and drift',
  'connector.use': 'check a connector, look at its repository now, replay deliveries, repair drift',
  'connector.manage': 'write, rename and delete connectors, what is followed, and webhooks',
  'secret.view': 'read what is known of secrets and secret managers, never a value',
  'secret.manage': 'write, refresh, rotate, migrate and delete secrets and secret managers',
  'secret.use':
    'say where secrets go: name them in connectors, webhooks, subscriptions, secret managers and identity providers',
  'secret.force': 'delete secrets that are used',
  'delegate.view': 'read delegates, their groups and tokens, and who would carry a task',
  'delegate.manage': 'make and revoke delegate tokens; drain, disable and revoke delegates; rotate groups',
  'event.view': 'read events',
  'subscription.view': 'read subscriptions and their attempts',
  'subscription.manage': 'write, test, replay and delete subscriptions',
  'access.view': 'read roles, who has them, members, API tokens and identity providers',
  'access.manage': 'give and take roles, make and revoke API tokens, set up identity providers',
  'audit.view': 'read the audit, and who opened which secret',
} as const;

export type Permission = keyof typeof permissions;

export const allPermissions = Object.keys(permissions) as Permission[];

const VIEWER = allPermissions.filter((name) => name.endsWith('.view') && !/^(access|audit)\./.test(name));

/** The roles that every account has; an account’s own are sets of permissions of its choice. */
export const builtinRoles = {
  viewer: VIEWER,
  editor: [...VIEWER, 'entity.edit', 'connector.use'],
  admin: allPermissions,
} as const satisfies Record<string, readonly Permission[]>;

export type BuiltinRole = keyof typeof builtinRoles;

export const isBuiltinRole = (name: string): name is BuiltinRole => Object.hasOwn(builtinRoles, name);

/** Those of these names that are permissions; one of a newer version allows nothing here. */
export const knownPermissions = (names: readonly string[]): Permission[] =>
  names.filter((name): name is Permission => Object.hasOwn(permissions, name));
