// A connector's webhook, and what came in by it. The secrets that prove a delivery are builtin ones, by a foreign key like that of a
// connector's own, so that the manager can always open them. One row of a delivery is its acknowledgement, its work and, for seven
// days, the memory that it came.
import { statements } from './statements.js';

export const webhooks = statements(`
create table webhook (
  scope text collate "C" not null,
  connector_id text collate "C" not null,
  address text not null,
  address_digest bytea not null unique,
  host_repository_id text,
  registration jsonb,
  refused bigint not null default 0,
  refused_since timestamptz,
  last_refused_at timestamptz,
  last_verified_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (scope, connector_id),
  constraint webhook_connector foreign key (scope, connector_id) references connector (scope, id)
);
create table webhook_secret (
  scope text collate "C" not null,
  connector_id text collate "C" not null,
  position integer not null check (position in (1, 2)),
  secret_scope text collate "C" not null,
  secret_id text collate "C" not null,
  made boolean not null default false,
  secret_is_builtin boolean generated always as (true) stored,
  primary key (scope, connector_id, position),
  unique (scope, connector_id, secret_scope, secret_id),
  foreign key (scope, connector_id) references webhook (scope, connector_id) on delete cascade,
  constraint webhook_secret_builtin foreign key (secret_scope, secret_id, secret_is_builtin)
    references secret (scope, id, is_builtin),
  check (scope = secret_scope or starts_with(scope, secret_scope || '/'))
);
create index webhook_secret_by_secret on webhook_secret (secret_scope, secret_id);
create table webhook_delivery (
  sequence bigint generated always as identity primary key,
  id uuid not null default gen_random_uuid() unique,
  scope text collate "C" not null,
  connector_id text collate "C" not null,
  delivery_id text collate "C",
  provider text not null,
  state text not null default 'waiting' check (state in ('waiting', 'done', 'refused')),
  why text,
  source text not null,
  headers jsonb not null,
  body bytea,
  body_bytes integer not null,
  event jsonb,
  outcome jsonb,
  duplicates integer not null default 0,
  claimed_until timestamptz not null default now(),
  attempts integer not null default 0,
  replays integer not null default 0,
  replayed_at timestamptz,
  received_at timestamptz not null default now(),
  processed_at timestamptz,
  foreign key (scope, connector_id) references webhook (scope, connector_id) on delete cascade
);
create unique index webhook_delivery_once on webhook_delivery (scope, connector_id, delivery_id)
  where delivery_id is not null;
create index webhook_delivery_by_webhook on webhook_delivery (scope, connector_id, sequence desc);
create index webhook_delivery_refused on webhook_delivery (scope, connector_id, sequence desc) where state = 'refused';
create index webhook_delivery_kept on webhook_delivery (scope, connector_id, sequence desc)
  where body is not null or event is not null;
create index webhook_delivery_waiting on webhook_delivery (claimed_until) where state = 'waiting';
create index webhook_delivery_age on webhook_delivery (received_at)
`);
