// The tables as TypeScript sees them; migrations make them, and a test compares the two.
import type { ColumnType, Generated } from 'kysely';

/** A column that the database fills and nobody changes. */
type Stamp = ColumnType<Date, never, never>;
type Json<T> = ColumnType<T, string, string>;

export interface DeploymentTable {
  id: string;
  /** Id of the builtin manager's active key when this deployment was made. */
  master_key_id: string;
  /** Public keys of the managers, and the private ones sealed by the builtin secret manager. */
  identity_key: string | null;
  sealing_key: string | null;
  private_keys: Json<object> | null;
}

export interface ScopeTable {
  /** As in the API: `accounts/a[/orgs/o[/projects/p]]`. */
  path: string;
  parent: string | null;
  account: string;
  display_name: string;
  created_at: Stamp;
}

export interface TokenTable {
  id: string;
  account: string;
  name: string;
  /** SHA-256 of the token. */
  hash: Buffer;
  expires_at: Date;
  created_at: Stamp;
}

export interface KindTable {
  account: string;
  id: string;
  schema: Json<object>;
  path_template: string;
  revision: string;
  created_at: Stamp;
  updated_at: Generated<Date>;
}

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
  /** Id of the current version. */
  version: string;
  created_at: Stamp;
  updated_at: Generated<Date>;
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
  expires_at: Date;
  /** Until then one manager is at it, or nobody after an attempt. */
  claimed_until: Generated<Date>;
  attempts: Generated<number>;
  created_at: Stamp;
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
  /** The token’s name. */
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
  /** Names of the tokens whose requests caused it. */
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

export interface ConnectorTable {
  scope: string;
  id: string;
  url: string;
  connectivity: 'manager' | 'delegate';
  /** Name of the one group that may serve it; null for any in its scope. */
  delegate_group: string | null;
  delegate_tags: Generated<string[]>;
  username: string | null;
  /** Scope and id of the secret; null for an anonymous connector. */
  secret_scope: string | null;
  secret_id: string | null;
  revision: string;
  created_at: Stamp;
  updated_at: Generated<Date>;
  /** Of an SSH connector. */
  known_hosts: string | null;
}

export interface EntityTable {
  scope: string;
  kind: string;
  id: string;
  branch: string;
  connector_scope: string;
  connector_id: string;
  repository: string;
  path: string;
  yaml: Buffer;
  blob_id: string;
  commit_id: string;
  operation_id: string;
  /** Order in which entities were first saved; pages follow it. */
  sequence: Generated<number>;
  created_at: Stamp;
  updated_at: Generated<Date>;
}

export interface LaneTable {
  id: string;
  repository: string;
  branch: string;
  /** Raised with every lease; a writer of an older epoch changes nothing any more. */
  epoch: Generated<number>;
  holder: string | null;
  lease_expires_at: Date | null;
  /** The branch's commit as last seen; null when it was never read or must be read again. */
  head: string | null;
  /** The one plan that may be pushed, until it is known to have landed or to be dead. */
  plan: Json<object> | null;
  /** Not before this moment, after a fault. */
  due_at: Generated<Date>;
  /** For these accounts not before these moments. */
  pauses: Generated<Json<object>>;
  faults: Generated<number>;
}

export type OperationState = 'pending' | 'succeeded' | 'conflict' | 'failed';

export interface OperationTable {
  id: string;
  /** Order of acceptance. */
  sequence: Generated<number>;
  scope: string;
  account: string;
  action: 'save' | 'delete';
  kind: string;
  entity_id: string;
  lane_id: string;
  connector_scope: string;
  connector_id: string;
  branch: string;
  new_branch_from: string | null;
  path: string;
  yaml: Buffer | null;
  /** `any`, `absent`, or the blob id the caller read. */
  expected: string;
  message: string;
  author_name: string;
  author_email: string;
  state: Generated<OperationState>;
  /** While pending: what it waits for, in words. */
  waits_for: string | null;
  /** Delegates that went away over it, alone or in a batch. */
  deaths: Generated<number>;
  /** Commit, blob and whether the entity is new, once succeeded. */
  result: Json<object> | null;
  /** Code and data, once conflicted or failed. */
  failure: Json<object> | null;
  deadline_at: Date;
  created_at: Stamp;
  finished_at: Date | null;
  /** Name of the token; null for operations of before it was kept. */
  requested_by: string | null;
}

export interface IdempotencyTable {
  account: string;
  key: string;
  request_hash: Buffer;
  operation_id: string;
  created_at: Stamp;
}

export interface DelegateGroupTable {
  id: string;
  scope: string;
  name: string;
  /** Public keys of the group, made by its first delegate: whose it is, what to seal to, and the one's word for the other. */
  identity_key: string | null;
  sealing_key: string | null;
  sealing_signature: string | null;
  created_at: Stamp;
}

export interface DelegateTokenTable {
  id: string;
  group_id: string;
  /** SHA-256 of the token. */
  hash: Buffer;
  uses_left: number;
  expires_at: Date;
  revoked: Generated<boolean>;
  created_at: Stamp;
}

export type DelegateState = 'enabled' | 'disabled' | 'draining' | 'revoked';

export interface DelegateTable {
  id: string;
  group_id: string;
  name: string;
  /** What its operators want of it. */
  state: Generated<DelegateState>;
  identity_key: string;
  sealing_key: string;
  /** SHA-256 of its password for Redis, in hex; null where the queue is in PostgreSQL. */
  password_hash: string | null;
  version: string;
  /** The contract versions it speaks: the latest and the oldest. */
  contract: number;
  contract_oldest: number;
  tags: Generated<string[]>;
  capabilities: Json<object>;
  tasks_max: number;
  running: Generated<number>;
  /** Code, message and time of the last task that failed. */
  last_fault: Json<object> | null;
  last_seen_at: Date | null;
  /** The running process; another one after every start. */
  process: string | null;
  /** What it said last. */
  said: Generated<'hello' | 'heartbeat' | 'draining' | 'goodbye'>;
  /** When, by its own clock. Milliseconds since 1970. */
  said_at: Generated<number>;
  enrolled_at: Stamp;
}

export interface Tables {
  deployment: DeploymentTable;
  scope: ScopeTable;
  token: TokenTable;
  kind: KindTable;
  secret_manager: SecretManagerTable;
  secret: SecretTable;
  secret_version: SecretVersionTable;
  sealed_value: SealedValueTable;
  secret_operation: SecretOperationTable;
  secret_operation_item: SecretOperationItemTable;
  superseded_wrap: SupersededWrapTable;
  retired_key: RetiredKeyTable;
  secret_audit: SecretAuditTable;
  secret_audit_source: SecretAuditSourceTable;
  connector: ConnectorTable;
  entity: EntityTable;
  lane: LaneTable;
  operation: OperationTable;
  idempotency: IdempotencyTable;
  delegate_group: DelegateGroupTable;
  delegate_token: DelegateTokenTable;
  delegate: DelegateTable;
}
