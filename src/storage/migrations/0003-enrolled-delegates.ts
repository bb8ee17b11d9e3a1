// Delegates that were there unenrolled have to enrol; what was known of them is a heartbeat's worth.
import { statements } from './statements.js';

export const enrolledDelegates = statements(`
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
`);
