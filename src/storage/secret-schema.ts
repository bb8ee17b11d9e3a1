// The tables of secrets, as schema.ts has the others.
import type { Generated } from 'kysely';
import type { Json, Stamp } from './columns.js';

export interface SecretManagerTable {
  scope: string;
  id: string;
  settings: Json<object>;
  /** As of a connector. */
  delegate_group: string | null;
  delegate_tags: Generated<string[]>;
  /** A builtin secret; null for the delegate's own identity. */
  credential_scope: string | null;
  credential_id: string | null;
  revision: string;
  created_at: Stamp;
  updated_at: Generated<Date>;
}

export type SecretKind = 'text' | 'file' | 'ssh-key';

export interface SecretTable {
  scope: string;
  id: string;
  kind: Generated<SecretKind>;
  /** Null for the builtin secret manager. */
  manager_scope: string | null;
  manager_id: string | null;
  /** Id of the current version; null where it was deleted although in use. */
  version: string | null;
  /** Anew with the first version after that. */
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
  /** Order in which secrets were first written; pages follow it. */
  sequence: Generated<number>;
}

export interface SecretVersionTable {
  id: string;
  scope: string;
  secret_id: string;
  /** 1 for the first version of a secret. */
  number: number;
  manager_scope: string | null;
  manager_id: string | null;
  /** Envelope or reference. */
  stored: Json<object>;
  /** Of a builtin secret: the master key that wrapped it; PostgreSQL reads it out of what is stored. */
  master_key_id: string | null;
  created_at: Stamp;
  superseded_at: Date | null;
}

/** A value that a client sealed to a delegate group, until a delegate has taken it into its secret manager's keeping. */
export interface SealedValueTable {
  /** Order of acceptance. */
  sequence: Generated<number>;
  /** Id of the secret version it becomes. */
  version: string;
  scope: string;
  secret_id: string;
  kind: SecretKind;
  manager_scope: string;
  manager_id: string;
  group_id: string;
  enc: string;
  box: string;
  /** By which it is sealed. */
  suite: Generated<'x25519' | 'p256'>;
  expires_at: Date;
  /** Until then one manager is at it, or nobody after an attempt. */
  claimed_until: Generated<Date>;
  attempts: Generated<number>;
  created_at: Stamp;
  /** The token; null for values of before it was kept. */
  requested_by: string | null;
}

export type SecretOperationState = 'pending' | 'succeeded' | 'failed' | 'cancelled';

/** Work on many secrets; each of them is an item. */
export interface SecretOperationTable {
  id: string;
  /** Order of acceptance. */
  sequence: Generated<number>;
  scope: string;
  action: 'rewrap' | 'reencrypt' | 'migrate';
  /** Whose secrets; null for the builtin secret manager. */
  from_scope: string | null;
  from_id: string | null;
  /** Of a migration: who keeps them then; null for the builtin secret manager. */
  to_scope: string | null;
  to_id: string | null;
  /** Into a store: fails where something is at the path already. */
  only_if_absent: Generated<boolean>;
  /** The token. */
  requested_by: string;
  state: Generated<SecretOperationState>;
  created_at: Stamp;
  finished_at: Date | null;
}

export type SecretOperationItemState = 'pending' | 'done' | 'skipped' | 'failed';

export interface SecretOperationItemTable {
  operation_id: string;
  scope: string;
  secret_id: string;
  /** Id of the secret version it is about. */
  version: string;
  /** Id of the version that takes its place, the same in every attempt. */
  next_version: string;
  state: Generated<SecretOperationItemState>;
  /** Code and data; of a pending one, of its last attempt. */
  failure: Json<object> | null;
  attempts: Generated<number>;
  /** The manager that is at it, until then; afterwards anybody may. */
  holder: string | null;
  claimed_until: Generated<Date>;
}

/** What a rewrap replaced. */
export interface SupersededWrapTable {
  scope: string;
  secret_id: string;
  version: string;
  stored: Json<object>;
  superseded_at: Stamp;
}

/** Keys that nothing may be wrapped with any more. */
export interface RetiredKeyTable {
  manager_scope: string;
  manager_id: string;
  key_id: string;
  retired_at: Stamp;
}

/** An attempt to open a secret. No row is ever changed. */
export interface SecretAuditTable {
  /** Order in which they came to be known here. */
  sequence: Generated<number>;
  /** Made by whoever opened it. */
  id: string;
  /** `manager`, or the id of a delegate. */
  opened_by: string;
  /** By the clock of whoever opened it. */
  at: Date;
  recorded_at: Stamp;
  /** Of the secret; of the delegate where its records were lost. */
  scope: string;
  secret_id: string | null;
  version: string | null;
  key_id: string | null;
  store_version: string | null;
  /** Null for the builtin secret manager and, on a delegate, its keyring. */
  manager_scope: string | null;
  manager_id: string | null;
  /** What it was opened for, and which connector, secret manager, secret or operation that is. */
  purpose: string | null;
  subject: string | null;
  operations: Generated<string[]>;
  /** The tokens whose requests caused it. */
  actors: Generated<string[]>;
  /** What the value went on to, inside a task: `delegate`, or the secret manager that it is the credential of. */
  lent_to: string | null;
  /** Of the delegate that opened it: which task. */
  task: string | null;
  /** `lost`: records of a delegate that are gone. */
  outcome: 'opened' | 'refused' | 'lost';
  code: string | null;
  note: string | null;
}

/** How far the records of a delegate have been fetched. */
export interface SecretAuditSourceTable {
  delegate_id: string;
  /** The delegate’s file that the sequence number is of. */
  log: string | null;
  sequence: Generated<number>;
  /** When a manager asked last. */
  asked_at: Date | null;
  /** When it last had no more than was fetched. */
  fetched_at: Date | null;
}
