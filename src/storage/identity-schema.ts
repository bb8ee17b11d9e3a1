// The tables of who may do what.
import type { Generated } from 'kysely';
import type { Stamp } from './columns.js';

export interface TokenTable {
  id: string;
  account: string;
  /** The token is good in it and in what is below. */
  scope: string;
  name: string;
  role: string;
  /** SHA-256 of the token. */
  hash: Buffer;
  expires_at: Date;
  created_at: Stamp;
  /** Null for one that was made on the manager’s own machine. */
  created_by: string | null;
}

/** A role of an account’s own; the builtin ones are in no table. */
export interface RoleTable {
  account: string;
  id: string;
  description: string;
  permissions: string[];
  created_at: Stamp;
}

/** Who has a role in a scope. */
export interface RoleBindingTable {
  scope: string;
  id: string;
  account: string;
  principal_kind: 'user' | 'group';
  /** A user’s address in small letters, or the name of a group as the identity provider says it. */
  principal: string;
  /** A builtin one, or one of the account’s. */
  role: string;
  created_at: Stamp;
  created_by: string;
}

export interface IdentityProviderTable {
  account: string;
  id: string;
  name: string;
  issuer: string;
  client_id: string;
  /** Of the client’s secret; a public client has none. */
  secret_scope: string | null;
  secret_id: string | null;
  scopes: string[];
  groups_claim: string;
  created_at: Stamp;
}

/** A user who has signed in, as the identity provider described them the last time. */
export interface MemberTable {
  id: string;
  account: string;
  provider: string;
  issuer: string;
  subject: string;
  name: string;
  /** Only where the provider has verified it. */
  email: string | null;
  groups: string[];
  signed_in_at: Generated<Date>;
  created_at: Stamp;
}

/** What a browser shows in place of a token: of a user, or of the token it signed in with. */
export interface SessionTable {
  /** SHA-256 of the cookie’s value. */
  hash: Buffer;
  member_id: string | null;
  token_id: string | null;
  expires_at: Date;
  created_at: Stamp;
}
