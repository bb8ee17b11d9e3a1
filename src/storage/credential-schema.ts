// The tables of connectors' credentials, as schema.ts has the others.
import type { Generated } from 'kysely';
import type { Json } from './columns.js';

/** A secret that a connector names, besides that of its user name and password. */
export interface CredentialSecretTable {
  connector_scope: string;
  connector_id: string;
  /** Where it stands: `credential.refreshToken` */
  part: string;
  secret_scope: string;
  secret_id: string;
  connectivity: 'manager' | 'delegate';
}

/** Who exchanges a refresh token now, and what the host refused for good. */
export interface SecretGrantTable {
  /** Of the secret that the refresh token is. */
  scope: string;
  secret_id: string;
  /** The manager that is at it, until then; afterwards anybody may. */
  holder: string | null;
  claimed_until: Generated<Date>;
  /** Digest of the credential and the versions of its secrets that were refused; of any others it says nothing. */
  refused_for: string | null;
  /** Code and data. */
  refusal: Json<object> | null;
  refused_at: Date | null;
  /** The delegate that was asked to exchange it last, for which digest, and has not said what came of it. */
  begun_by: string | null;
  begun_for: string | null;
  begun_at: Date | null;
}

/** The token that came last of a refresh token, for those who can open it. */
export interface SecretTokenTable {
  /** Of the secret that the refresh token is. */
  scope: string;
  secret_id: string;
  /** `manager`, or the id of the delegate group whose keyring has sealed it. */
  road: string;
  /** Another one for every token. */
  id: string;
  /** Digest of what it came of, with the version that the refresh token has since. */
  fingerprint: string;
  /** Envelope. */
  sealed: Json<object>;
  usable_until: Date;
}
