// The tables as TypeScript sees them; migrations make them, and a test compares the two.
import type { Generated } from 'kysely';
import type { AuditEntryTable, AuditHeadTable } from './audit-schema.js';
import type { Json, Stamp } from './columns.js';
import type { CredentialSecretTable, SecretGrantTable, SecretTokenTable } from './credential-schema.js';
import type { EntityTable, InlineEntityTable } from './entity-schema.js';
import type {
  IdentityProviderTable,
  MemberTable,
  RoleBindingTable,
  RoleTable,
  SessionTable,
  TokenTable,
} from './identity-schema.js';
import type { ImportItemTable, ImportTable } from './import-schema.js';
import type { MoveItemTable, MoveTable, OperationChangeTable } from './move-schema.js';
import type { PullRequestTable } from './pull-schema.js';
import type {
  RetiredKeyTable,
  SealedValueTable,
  SecretAuditSourceTable,
  SecretAuditTable,
  SecretManagerTable,
  SecretOperationItemTable,
  SecretOperationTable,
  SecretTable,
  SecretVersionTable,
  SupersededWrapTable,
} from './secret-schema.js';
import type { EventLogTable, SubscriptionAttemptTable, SubscriptionTable } from './subscription-schema.js';
import type { FileProblemTable, TrackedBranchTable, TrackingTable } from './tracking-schema.js';
import type { WebhookDeliveryTable, WebhookSecretTable, WebhookTable } from './webhook-schema.js';

export interface DeploymentTable {
  id: string;
  /** The master key that new builtin secrets are sealed with, whatever key files call active. */
  master_key_id: string;
  /** Public keys of the managers, and the private ones sealed by the builtin secret manager. */
  identity_key: string | null;
  sealing_key: string | null;
  private_keys: Json<object> | null;
  /** The master key that wrapped them; PostgreSQL reads it out of them. */
  private_keys_key_id: string | null;
}

/** Master keys that something may have been sealed with: the active one, and the one before until it is retired. */
export interface MasterKeyTable {
  id: string;
  active_since: Stamp;
  retained_since: Date | null;
}

/** Managers that run, and which master keys their key files have. */
export interface RunningManagerTable {
  id: string;
  name: string;
  key_ids: string[];
  seen_at: Generated<Date>;
}

export interface ScopeTable {
  /** As in the API: `accounts/a[/orgs/o[/projects/p]]`. */
  path: string;
  parent: string | null;
  account: string;
  display_name: string;
  created_at: Stamp;
}

export interface KindTable {
  account: string;
  id: string;
  schema: Json<object>;
  path_template: string;
  /** JSON pointers to where documents name themselves. */
  identity: Json<object> | null;
  revision: string;
  created_at: Stamp;
  updated_at: Generated<Date>;
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
  /** In place of a secret: where a store has the value, and the secret manager that this means. */
  reference: string | null;
  manager_scope: string | null;
  manager_id: string | null;
  /** The product behind the URL. */
  provider: Generated<string>;
  /** Where its API is; null where that follows from the provider and the URL. */
  api_url: string | null;
  /** Of any other kind than a user name and a password: its settings, and the secrets that it names. */
  credential: Json<object> | null;
  /** For the host's API, where that is another one. */
  api_credential: Json<object> | null;
  /** Whom it believes, who it says it is and which proxy it takes, besides what the process does. */
  trust: Json<object> | null;
  /** Where its repository is said to be now: the URL, who said so and when. */
  renamed_to: Json<object> | null;
}

/** What changed, for whoever subscribes. */
export interface EventTable {
  sequence: Generated<number>;
  /** The transaction that wrote it; an event can be read once no older transaction runs. */
  transaction: Generated<string>;
  id: Generated<string>;
  account: string;
  scope: string;
  type: string;
  /** What it is about, as in the API, below its scope. */
  subject: string;
  data: Json<object>;
  created_at: Stamp;
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

export type OperationState = 'pending' | 'succeeded' | 'conflict' | 'failed' | 'cancelled';

export interface OperationTable {
  id: string;
  /** Order of acceptance. */
  sequence: Generated<number>;
  scope: string;
  account: string;
  action: 'save' | 'delete' | 'move';
  /** Of a move, with the path those of its first change; operation_change has all of them. */
  kind: string;
  entity_id: string;
  /** With the other columns of the place and the commit: null where nothing is to be done in Git. */
  lane_id: string | null;
  connector_scope: string | null;
  connector_id: string | null;
  branch: string | null;
  new_branch_from: string | null;
  path: string | null;
  yaml: Buffer | null;
  /** `any`, `absent`, or the blob id the caller read. */
  expected: string;
  message: string | null;
  author_name: string | null;
  author_email: string | null;
  state: Generated<OperationState>;
  /** While pending: what it waits for, in words. */
  waits_for: string | null;
  /** Delegates that went away over it, alone or in a batch. */
  deaths: Generated<number>;
  /** Commit, blob and whether the entity is new, once succeeded. */
  result: Json<object> | null;
  /** Code and data, once ended otherwise. */
  failure: Json<object> | null;
  deadline_at: Date;
  created_at: Stamp;
  finished_at: Date | null;
  /** The token; null for operations of before it was kept. */
  requested_by: string | null;
  /** The pull request that it wishes for. */
  pull_request: Json<object> | null;
  /** The one that it has. */
  pull_request_id: string | null;
  /** That it is a part of. */
  move_id: string | null;
  /** The span in which it was accepted, as W3C Trace Context writes it; null where nobody traced. */
  traceparent: string | null;
  /** Once it has ended, as far as it came: when a writer chose it, when its plan was stored, when the push was answered, and whom. */
  taken_at: Date | null;
  planned_at: Date | null;
  pushed_at: Date | null;
  pushed_by: Json<object> | null;
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
  /** By the second suite; null where no delegate has told of one yet. */
  p256_key: string | null;
  p256_signature: string | null;
  /** The edition of the keys, and its id; null for those the group was founded with. */
  edition: Json<object> | null;
  edition_id: string | null;
  keys_since: Generated<Date>;
}

export type GroupRotationState = 'staged' | 'published' | 'done';

/** A change of a group's keys, until every delegate has taken the new ones into use. */
export interface GroupRotationTable {
  id: string;
  /** Order of acceptance. */
  sequence: Generated<number>;
  group_id: string;
  /** What is made anew. */
  keys: string[];
  /** Of it the public part, once a delegate has made it. */
  edition: Json<object> | null;
  state: Generated<GroupRotationState>;
  /** What it waits for, in words. */
  waits_for: string | null;
  /** Until then one manager is at it; afterwards anybody may be. */
  claimed_until: Generated<Date>;
  created_at: Stamp;
  published_at: Date | null;
  finished_at: Date | null;
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
  /** What it has of its group's keys, as it said last; null where it has not. */
  group_keys: Json<object> | null;
  /** As was told last: whether it is there. */
  online: Generated<boolean>;
}

export interface Tables {
  deployment: DeploymentTable;
  scope: ScopeTable;
  token: TokenTable;
  role: RoleTable;
  role_binding: RoleBindingTable;
  identity_provider: IdentityProviderTable;
  member: MemberTable;
  session: SessionTable;
  kind: KindTable;
  secret_manager: SecretManagerTable;
  secret: SecretTable;
  secret_version: SecretVersionTable;
  sealed_value: SealedValueTable;
  secret_operation: SecretOperationTable;
  secret_operation_item: SecretOperationItemTable;
  superseded_wrap: SupersededWrapTable;
  master_key: MasterKeyTable;
  running_manager: RunningManagerTable;
  retired_key: RetiredKeyTable;
  secret_audit: SecretAuditTable;
  secret_audit_source: SecretAuditSourceTable;
  audit_head: AuditHeadTable;
  audit_entry: AuditEntryTable;
  connector: ConnectorTable;
  credential_secret: CredentialSecretTable;
  secret_grant: SecretGrantTable;
  secret_token: SecretTokenTable;
  event: EventTable;
  tracking: TrackingTable;
  tracked_branch: TrackedBranchTable;
  file_problem: FileProblemTable;
  import: ImportTable;
  import_item: ImportItemTable;
  event_log: EventLogTable;
  subscription: SubscriptionTable;
  subscription_attempt: SubscriptionAttemptTable;
  webhook: WebhookTable;
  webhook_secret: WebhookSecretTable;
  webhook_delivery: WebhookDeliveryTable;
  entity: EntityTable;
  inline_entity: InlineEntityTable;
  lane: LaneTable;
  operation: OperationTable;
  operation_change: OperationChangeTable;
  move: MoveTable;
  move_item: MoveItemTable;
  idempotency: IdempotencyTable;
  pull_request: PullRequestTable;
  delegate_group: DelegateGroupTable;
  group_rotation: GroupRotationTable;
  delegate_token: DelegateTokenTable;
  delegate: DelegateTable;
}
