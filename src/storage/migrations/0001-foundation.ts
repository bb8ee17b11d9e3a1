import { statements } from './statements.js';

export const foundation = statements(`
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
`);
