// The database's history. A migration that has been released is never changed; the next one follows it.
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

const first: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of FIRST.split(';\n'))
      if (statement.trim() !== '') await sql.raw(statement).execute(db);
  },
};

const FIRST = `
create table deployment (
  singleton boolean primary key default true check (singleton),
  id text not null,
  master_key_id text not null
);
create table scope (
  path text collate "C" primary key,
  parent text collate "C" references scope (path),
  account text collate "C" not null,
  display_name text not null,
  created_at timestamptz not null default now()
);
create index scope_parent on scope (parent);
create table token (
  id text primary key,
  account text collate "C" not null,
  name text not null,
  hash bytea not null unique,
  expires_at timestamptz not null,
  created_at timestamptz not null default now()
);
create table kind (
  account text collate "C" not null references scope (path),
  id text collate "C" not null,
  schema jsonb not null,
  path_template text not null,
  revision text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (account, id)
);
create table secret (
  scope text collate "C" not null references scope (path),
  id text collate "C" not null,
  manager text not null check (manager in ('builtin', 'keyring')),
  version text not null,
  envelope jsonb not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (scope, id)
);
create table connector (
  scope text collate "C" not null references scope (path),
  id text collate "C" not null,
  url text not null,
  connectivity text not null check (connectivity in ('manager', 'delegate')),
  delegate_group text,
  username text,
  secret_scope text collate "C",
  secret_id text collate "C",
  revision text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (scope, id),
  foreign key (secret_scope, secret_id) references secret (scope, id),
  check ((connectivity = 'delegate') = (delegate_group is not null)),
  check ((secret_scope is null) = (secret_id is null))
);
create index connector_secret on connector (secret_scope, secret_id);
create table lane (
  id text primary key,
  repository text not null,
  branch text collate "C" not null,
  epoch bigint not null default 0,
  holder text,
  lease_expires_at timestamptz,
  head text,
  plan jsonb,
  due_at timestamptz not null default now(),
  faults integer not null default 0,
  unique (repository, branch)
);
create table operation (
  id text primary key,
  sequence bigint generated always as identity unique,
  scope text collate "C" not null,
  account text collate "C" not null,
  action text not null check (action in ('save', 'delete')),
  kind text collate "C" not null,
  entity_id text collate "C" not null,
  lane_id text not null references lane (id),
  connector_scope text collate "C" not null,
  connector_id text collate "C" not null,
  branch text collate "C" not null,
  new_branch_from text,
  path text collate "C" not null,
  yaml bytea,
  expected text not null,
  message text not null,
  author_name text not null,
  author_email text not null,
  state text not null default 'pending' check (state in ('pending', 'succeeded', 'conflict', 'failed')),
  waits_for text,
  result jsonb,
  failure jsonb,
  deadline_at timestamptz not null,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  check ((action = 'save') = (yaml is not null)),
  check ((state = 'pending') = (finished_at is null))
);
create index operation_waiting on operation (lane_id, sequence) where state = 'pending';
create index operation_scope on operation (scope, sequence desc);
create index operation_entity on operation (scope, kind, entity_id) where state = 'pending';
create index operation_connector on operation (connector_scope, connector_id) where state = 'pending';
create table idempotency (
  account text collate "C" not null,
  key text collate "C" not null,
  request_hash bytea not null,
  operation_id text not null references operation (id) on delete cascade,
  created_at timestamptz not null default now(),
  primary key (account, key)
);
create index idempotency_age on idempotency (created_at);
create table entity (
  scope text collate "C" not null references scope (path),
  kind text collate "C" not null,
  id text collate "C" not null,
  branch text collate "C" not null,
  connector_scope text collate "C" not null,
  connector_id text collate "C" not null,
  repository text not null,
  path text collate "C" not null,
  yaml bytea not null,
  blob_id text not null,
  commit_id text not null,
  operation_id text not null,
  sequence bigint generated always as identity unique,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (scope, kind, id, branch),
  unique (repository, branch, path),
  foreign key (connector_scope, connector_id) references connector (scope, id)
);
create table delegate (
  id text primary key,
  delegate_group text not null,
  name text not null,
  version text not null,
  contract integer not null,
  tasks_max integer not null,
  last_seen_at timestamptz not null,
  gone boolean not null default false,
  created_at timestamptz not null default now()
);
create index delegate_alive on delegate (delegate_group, last_seen_at) where not gone
`;

const knownHosts: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`alter table connector add column known_hosts text`.execute(db);
  },
};

const enrolledDelegates: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of ENROLLED_DELEGATES.split(';\n')) await sql.raw(statement).execute(db);
  },
};

/** Delegates that were there unenrolled have to enrol; what was known of them is a heartbeat's worth. */
const ENROLLED_DELEGATES = `
alter table deployment add column identity_key text, add column sealing_key text, add column private_keys jsonb;
alter table connector drop constraint connector_check,
  add constraint connector_delegates check (connectivity = 'delegate' or delegate_group is null),
  add column delegate_tags text[] not null default '{}';
drop table delegate;
create table delegate_group (
  id text primary key,
  scope text collate "C" not null references scope (path),
  name text collate "C" not null,
  identity_key text,
  sealing_key text,
  sealing_signature text,
  created_at timestamptz not null default now(),
  unique (scope, name),
  check ((identity_key is null) = (sealing_key is null)),
  check ((identity_key is null) = (sealing_signature is null))
);
create table delegate_token (
  id text primary key,
  group_id text not null references delegate_group (id) on delete cascade,
  hash bytea not null unique,
  uses_left integer not null check (uses_left >= 0),
  expires_at timestamptz not null,
  revoked boolean not null default false,
  created_at timestamptz not null default now()
);
create table delegate (
  id text primary key,
  group_id text not null references delegate_group (id) on delete cascade,
  name text not null,
  state text not null default 'enabled' check (state in ('enabled', 'disabled', 'draining', 'revoked')),
  identity_key text not null unique,
  sealing_key text not null,
  password_hash text,
  version text not null,
  contract integer not null,
  contract_oldest integer not null,
  tags text[] not null default '{}',
  capabilities jsonb not null,
  tasks_max integer not null,
  running integer not null default 0,
  last_fault jsonb,
  last_seen_at timestamptz,
  process text,
  said text not null default 'goodbye' check (said in ('hello', 'heartbeat', 'draining', 'goodbye')),
  said_at bigint not null default 0,
  enrolled_at timestamptz not null default now(),
  unique (group_id, name)
)
`;

const operationsByAccount: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of OPERATIONS_BY_ACCOUNT.split(';\n')) await sql.raw(statement).execute(db);
  },
};

/**
 * Each account's operations in a lane, which accounts there are, and what waits at a path, without a look at the others; what
 * an account rests for; and what an operation has cost.
 */
const OPERATIONS_BY_ACCOUNT = `
drop index operation_waiting;
create index operation_waiting on operation (lane_id, account, sequence) where state = 'pending';
create index operation_path on operation (lane_id, path, sequence) where state = 'pending';
alter table operation add column deaths integer not null default 0;
alter table lane add column pauses jsonb not null default '{}'
`;

const secretManagers: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of SECRET_MANAGERS.split(';\n')) await sql.raw(statement).execute(db);
  },
};

/**
 * A secret keeps its versions in rows of their own. Its manager's columns are null for the builtin one, and only that one's
 * secrets may be the credential of another manager, or be used by a connector that the manager serves itself: both are foreign
 * keys, so that no two edits at once can break them.
 */
const SECRET_MANAGERS = `
create table secret_manager (
  scope text collate "C" not null references scope (path),
  id text collate "C" not null check (id <> 'builtin'),
  settings jsonb not null,
  delegate_group text,
  delegate_tags text[] not null default '{}',
  credential_scope text collate "C",
  credential_id text collate "C",
  credential_is_builtin boolean generated always as (true) stored,
  revision text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (scope, id),
  check ((credential_scope is null) = (credential_id is null)),
  check (credential_scope is null or scope = credential_scope or starts_with(scope, credential_scope || '/'))
);
insert into secret_manager (scope, id, settings, revision)
  select distinct scope.account, 'keyring', '{"kind":"keyring"}'::jsonb, gen_random_uuid()::text
  from secret join scope on scope.path = secret.scope where secret.manager = 'keyring';
alter table secret
  add column kind text not null default 'text' check (kind in ('text', 'file', 'ssh-key')),
  add column manager_scope text collate "C",
  add column manager_id text collate "C",
  add column is_builtin boolean generated always as (manager_id is null) stored,
  add constraint secret_manager_parts check ((manager_scope is null) = (manager_id is null)),
  add constraint secret_manager_outwards
    check (manager_scope is null or scope = manager_scope or starts_with(scope, manager_scope || '/')),
  add constraint secret_builtin unique (scope, id, is_builtin);
update secret set manager_id = 'keyring', manager_scope = (select account from scope where path = secret.scope)
  where manager = 'keyring';
create table secret_version (
  id text not null,
  scope text collate "C" not null,
  secret_id text collate "C" not null,
  number integer not null,
  manager_scope text collate "C",
  manager_id text collate "C",
  stored jsonb not null,
  created_at timestamptz not null default now(),
  superseded_at timestamptz,
  primary key (scope, secret_id, id),
  unique (scope, secret_id, number),
  foreign key (scope, secret_id) references secret (scope, id) on delete cascade,
  constraint secret_version_manager foreign key (manager_scope, manager_id) references secret_manager (scope, id)
);
create index secret_version_by_manager on secret_version (manager_scope, manager_id);
insert into secret_version (id, scope, secret_id, number, manager_scope, manager_id, stored, created_at)
  select version, scope, id, 1, manager_scope, manager_id, envelope, updated_at from secret;
alter table secret
  drop column manager,
  drop column envelope,
  add constraint secret_head foreign key (scope, id, version)
    references secret_version (scope, secret_id, id) deferrable initially deferred,
  add constraint secret_kept_by foreign key (manager_scope, manager_id) references secret_manager (scope, id);
create index secret_by_manager on secret (manager_scope, manager_id);
create table sealed_value (
  sequence bigint generated always as identity unique,
  version text not null,
  scope text collate "C" not null references scope (path) on delete cascade,
  secret_id text collate "C" not null,
  kind text not null check (kind in ('text', 'file', 'ssh-key')),
  manager_scope text collate "C" not null,
  manager_id text collate "C" not null,
  group_id text not null references delegate_group (id) on delete cascade,
  enc text not null,
  box text not null,
  expires_at timestamptz not null,
  claimed_until timestamptz not null default now(),
  attempts integer not null default 0,
  created_at timestamptz not null default now(),
  primary key (scope, secret_id, version),
  foreign key (manager_scope, manager_id) references secret_manager (scope, id) on delete cascade
);
alter table secret_manager add constraint secret_manager_credential
  foreign key (credential_scope, credential_id, credential_is_builtin) references secret (scope, id, is_builtin);
create index secret_manager_credentials on secret_manager (credential_scope, credential_id);
alter table connector
  add column needs_builtin boolean generated always as (case when connectivity = 'manager' then true end) stored,
  add constraint connector_reach foreign key (secret_scope, secret_id, needs_builtin)
    references secret (scope, id, is_builtin)
`;

export const migrations: Record<string, Migration> = {
  '0001-foundation': first,
  '0002-known-hosts': knownHosts,
  '0003-enrolled-delegates': enrolledDelegates,
  '0004-operations-by-account': operationsByAccount,
  '0005-secret-managers': secretManagers,
};
