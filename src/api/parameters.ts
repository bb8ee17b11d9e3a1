// What stands in addresses and queries, the same on every route.
import { z } from 'zod';
import { BranchName } from '../policy/branches.js';
import { Identifier } from '../policy/identifiers.js';
import { GroupName, PageLimit } from '../policy/text.js';

/** The three forms of `{scope}` in an address. */
export const SCOPES = [
  'accounts/:account',
  'accounts/:account/orgs/:org',
  'accounts/:account/orgs/:org/projects/:project',
];

export const under = (path: string): string[] => SCOPES.map((scope) => `${scope}/${path}`);

const scope = { account: Identifier, org: Identifier.optional(), project: Identifier.optional() };

export const ScopeParameters = z.strictObject(scope);
export type ScopeParameters = z.infer<typeof ScopeParameters>;

export const AccountParameters = z.strictObject({ account: Identifier });
export type AccountParameters = z.infer<typeof AccountParameters>;

/** Of what belongs to an account as a whole. */
export const AccountNamedParameters = AccountParameters.extend({ id: Identifier });
export type AccountNamedParameters = z.infer<typeof AccountNamedParameters>;

export const NamedParameters = z.strictObject({ ...scope, id: Identifier });
export type NamedParameters = z.infer<typeof NamedParameters>;

export const EntityParameters = z.strictObject({ ...scope, kind: Identifier, id: Identifier });
export type EntityParameters = z.infer<typeof EntityParameters>;

export const ConnectorParameters = z.strictObject({ ...scope, connector: Identifier });
export type ConnectorParameters = z.infer<typeof ConnectorParameters>;

export const ImportParameters = ConnectorParameters.extend({ id: z.uuid() });
export type ImportParameters = z.infer<typeof ImportParameters>;

export const ScopePath = z
  .string()
  .regex(/^accounts\/[^/]+(\/orgs\/[^/]+(\/projects\/[^/]+)?)?$/, 'is not a scope as in the API')
  .meta({ description: 'A scope as in the API: `accounts/a/orgs/o`' });

export const KindParameters = z.strictObject({ account: Identifier, kind: Identifier });
export type KindParameters = z.infer<typeof KindParameters>;

export const OperationParameters = z.strictObject({ ...scope, id: z.uuid() });
export type OperationParameters = z.infer<typeof OperationParameters>;

export const MoveParameters = z.strictObject({ ...scope, id: z.uuid() });
export type MoveParameters = z.infer<typeof MoveParameters>;

export const TokenParameters = z.strictObject({ ...scope, id: z.uuid() });
export type TokenParameters = z.infer<typeof TokenParameters>;

export const DelegateParameters = z.strictObject({
  ...scope,
  id: z.string().regex(/^d[0-9a-f]{16}$/, 'is not the id of a delegate'),
});
export type DelegateParameters = z.infer<typeof DelegateParameters>;

export const GroupParameters = z.strictObject({ ...scope, group: GroupName });
export type GroupParameters = z.infer<typeof GroupParameters>;

/** A page's end, as the next page's beginning. Opaque to callers. */
export const Cursor = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,32}$/, 'is not a cursor of this list')
  .transform((text) => ({ text, sequence: Number(Buffer.from(text, 'base64url').toString('utf8')) }))
  .refine(
    ({ text, sequence }) => Number.isSafeInteger(sequence) && sequence > 0 && toCursor(sequence) === text,
    'is not a cursor of this list',
  )
  .transform(({ sequence }) => sequence);

export const toCursor = (sequence: number): string => Buffer.from(String(sequence)).toString('base64url');

/** The same of a list that goes by names. */
export const NameCursor = z
  .string()
  .transform((text) => ({ text, name: Buffer.from(text, 'base64url').toString('utf8') }))
  .refine(
    ({ text, name }) => Identifier.safeParse(name).success && toNameCursor(name) === text,
    'is not a cursor of this list',
  )
  .transform(({ name }) => name);

/** The same of a list of scopes. */
export const ScopeCursor = z
  .string()
  .transform((text) => ({ text, scope: Buffer.from(text, 'base64url').toString('utf8') }))
  .refine(
    ({ text, scope }) => ScopePath.safeParse(scope).success && toNameCursor(scope) === text,
    'is not a cursor of this list',
  )
  .transform(({ scope }) => scope);

export const toNameCursor = (name: string): string => Buffer.from(name).toString('base64url');

export const EntityListQuery = z.strictObject({
  kind: Identifier.optional(),
  branch: BranchName.optional(),
  store: z.enum(['git', 'inline']).optional(),
  search: z
    .string()
    .regex(/^[A-Za-z0-9_$-]{1,128}$/, 'is no part of an identifier')
    .optional()
    .meta({ description: 'What the id holds, in capitals or small letters' }),
  limit: PageLimit.optional(),
  cursor: Cursor.optional(),
});
export type EntityListQuery = z.infer<typeof EntityListQuery>;

export const SecretListQuery = z.strictObject({ limit: PageLimit.optional(), cursor: Cursor.optional() });
export type SecretListQuery = z.infer<typeof SecretListQuery>;

export const SecretDeletionQuery = z.strictObject({
  force: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: '`true`: although it is used; takes the permission `secret.force`' }),
});
export type SecretDeletionQuery = z.infer<typeof SecretDeletionQuery>;

export const UsesQuery = z.strictObject({ limit: PageLimit.optional() });
export type UsesQuery = z.infer<typeof UsesQuery>;

export const PAGE_DEFAULT = 100;
