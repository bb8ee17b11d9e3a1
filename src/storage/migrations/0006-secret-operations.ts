// Work on many secrets at once, each of them a row, so that whoever comes after a killed process knows what is left; and the
// wraps that a rewrap replaced, kept for a while.
import { statements } from './statements.js';

export const secretOperations = statements(`
create table secret_operation (
  id text primary key,
  sequence bigint generated always as identity unique,
  scope text collate "C" not null references scope (path) on delete cascade,
  action text not null check (action in ('rewrap', 'reencrypt', 'migrate')),
  from_scope text collate "C",
  from_id text collate "C",
  to_scope text collate "C",
  to_id text collate "C",
  only_if_absent boolean not null default false,
  requested_by text not null,
  state text not null default 'pending' check (state in ('pending', 'succeeded', 'failed', 'cancelled')),
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  check ((from_scope is null) = (from_id is null)),
  check ((to_scope is null) = (to_id is null)),
  check ((state = 'pending') = (finished_at is null))
);
create index secret_operation_scope on secret_operation (scope, sequence desc);
create table secret_operation_item (
  operation_id text not null references secret_operation (id) on delete cascade,
  scope text collate "C" not null,
  secret_id text collate "C" not null,
  version text not null,
  next_version text not null,
  state text not null default 'pending' check (state in ('pending', 'done', 'skipped', 'failed')),
  failure jsonb,
  attempts integer not null default 0,
  holder text,
  claimed_until timestamptz not null default now(),
  primary key (operation_id, scope, secret_id, version)
);
create index secret_operation_item_due on secret_operation_item (claimed_until) where state = 'pending';
create table superseded_wrap (
  scope text collate "C" not null,
  secret_id text collate "C" not null,
  version text not null,
  stored jsonb not null,
  superseded_at timestamptz not null default now(),
  foreign key (scope, secret_id, version) references secret_version (scope, secret_id, id) on delete cascade
);
create index superseded_wrap_version on superseded_wrap (scope, secret_id, version);
create index superseded_wrap_age on superseded_wrap (superseded_at);
create table retired_key (
  manager_scope text collate "C" not null,
  manager_id text collate "C" not null,
  key_id text not null,
  retired_at timestamptz not null default now(),
  primary key (manager_scope, manager_id, key_id),
  foreign key (manager_scope, manager_id) references secret_manager (scope, id) on delete cascade
)
`);
