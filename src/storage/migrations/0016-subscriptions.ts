// Events are read in their order by one reader of all accounts as well. What was pruned is known by account, since a reader of an
// account where nothing happened has missed nothing. A subscription is delivered by whoever holds it; its secrets are builtin
// ones, as a secret manager’s credential is. Whether a delegate is online is kept to tell of each change once.
import { statements } from './statements.js';

export const subscriptions = statements(`
create index event_in_order on event (transaction, sequence);
create table event_log (
  account text collate "C" primary key,
  pruned_transaction xid8 not null,
  pruned_sequence bigint not null
);
create table subscription (
  sequence bigint generated always as identity unique,
  scope text collate "C" not null references scope (path),
  id text collate "C" not null,
  account text collate "C" not null,
  url text not null,
  types text[] not null,
  kinds text[],
  branches text[],
  enabled boolean not null,
  secret_scope text collate "C" not null,
  secret_id text collate "C" not null,
  secret_is_builtin boolean generated always as (true) stored,
  secret_generated boolean not null,
  previous_scope text collate "C",
  previous_id text collate "C",
  previous_is_builtin boolean generated always as (case when previous_id is not null then true end) stored,
  previous_generated boolean not null default false,
  previous_until timestamptz,
  position_transaction xid8 not null,
  position_sequence bigint not null,
  paused boolean not null default false,
  fault jsonb,
  failures integer not null default 0,
  failing_since timestamptz,
  due_at timestamptz not null default now(),
  holder text,
  claimed_until timestamptz,
  delivered_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (scope, id),
  constraint subscription_secret foreign key (secret_scope, secret_id, secret_is_builtin)
    references secret (scope, id, is_builtin),
  constraint subscription_previous_secret foreign key (previous_scope, previous_id, previous_is_builtin)
    references secret (scope, id, is_builtin),
  constraint subscription_secret_outwards
    check (scope = secret_scope or starts_with(scope, secret_scope || '/')),
  constraint subscription_previous_parts check ((previous_scope is null) = (previous_id is null))
);
create index subscription_by_secret on subscription (secret_scope, secret_id);
create index subscription_by_previous on subscription (previous_scope, previous_id) where previous_id is not null;
create index subscription_due on subscription (due_at) where enabled and not paused;
create table subscription_attempt (
  sequence bigint generated always as identity primary key,
  scope text collate "C" not null,
  subscription_id text collate "C" not null,
  event_id uuid not null,
  type text not null,
  at timestamptz not null default now(),
  ms integer not null,
  status integer,
  error text,
  foreign key (scope, subscription_id) references subscription (scope, id) on delete cascade
);
create index attempt_by_subscription on subscription_attempt (scope, subscription_id, sequence);
alter table delegate add column online boolean not null default false
`);
