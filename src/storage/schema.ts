// The tables as TypeScript sees them; migrations make them, and a test compares the two.
import type { ColumnType, Generated } from 'kysely';

/** A column that the database fills and nobody changes. */
type Stamp = ColumnType<Date, never, never>;
type Json<T> = ColumnType<T, string, string>;

export interface DeploymentTable {
  id: string;
  /** Id of the builtin manager's active key when this deployment was made. */
  master_key_id: string;
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

export interface SecretTable {
  scope: string;
  id: string;
  manager: 'builtin' | 'keyring';
  version: string;
  envelope: Json<object>;
  created_at: Stamp;
  updated_at: Generated<Date>;
}

export interface ConnectorTable {
  scope: string;
  id: string;
  url: string;
  connectivity: 'manager' | 'delegate';
  delegate_group: string | null;
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
  /** Commit, blob and whether the entity is new, once succeeded. */
  result: Json<object> | null;
  /** Code and data, once conflicted or failed. */
  failure: Json<object> | null;
  deadline_at: Date;
  created_at: Stamp;
  finished_at: Date | null;
}

export interface IdempotencyTable {
  account: string;
  key: string;
  request_hash: Buffer;
  operation_id: string;
  created_at: Stamp;
}

export interface DelegateTable {
  id: string;
  delegate_group: string;
  name: string;
  version: string;
  contract: number;
  tasks_max: number;
  last_seen_at: Date;
  gone: Generated<boolean>;
  created_at: Stamp;
}

export interface Tables {
  deployment: DeploymentTable;
  scope: ScopeTable;
  token: TokenTable;
  kind: KindTable;
  secret: SecretTable;
  connector: ConnectorTable;
  entity: EntityTable;
  lane: LaneTable;
  operation: OperationTable;
  idempotency: IdempotencyTable;
  delegate: DelegateTable;
}
