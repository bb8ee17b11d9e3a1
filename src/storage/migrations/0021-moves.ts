// Moves of entities, what becomes of each, and operations of many changes.
import { statements } from './statements.js';

export const moves = statements(`
create table move (
  id uuid primary key,
  sequence bigint generated always as identity unique,
  scope text collate "C" not null references scope (path) on delete cascade,
  account text collate "C" not null,
  state text not null check (state in ('adding', 'removing', 'done', 'failed')),
  target jsonb not null,
  keep_files boolean not null,
  message text,
  author_name text not null,
  author_email text not null,
  requested_by text not null,
  idempotency_key text collate "C",
  request_hash bytea,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  check ((state in ('done', 'failed')) = (finished_at is not null))
);
create index move_scope on move (scope, sequence desc);
create unique index move_idempotency on move (account, idempotency_key) where idempotency_key is not null;
alter table operation
  drop constraint operation_action_check,
  add constraint operation_action_check check (action in ('save', 'delete', 'move')),
  add column move_id uuid references move (id),
  add constraint operation_move check ((action = 'move') = (move_id is not null));
create index operation_move on operation (move_id) where move_id is not null;
create index operation_moving on operation (lane_id) where state = 'pending' and action = 'move';
create table operation_change (
  operation_id text not null references operation (id) on delete cascade,
  at integer not null,
  kind text collate "C" not null,
  entity_id text collate "C" not null,
  path text collate "C" not null,
  meaning text not null check (meaning in ('arrive', 'leave', 'remove', 'inline')),
  yaml bytea,
  expected text not null,
  origin jsonb,
  primary key (operation_id, at),
  check ((meaning in ('arrive', 'inline')) = (yaml is not null))
);
create index operation_change_path on operation_change (path);
create table move_item (
  move_id uuid not null references move (id) on delete cascade,
  at integer not null,
  scope text collate "C" not null,
  kind text collate "C" not null,
  entity_id text collate "C" not null,
  state text not null check (state in ('adding', 'removing', 'done', 'left', 'failed', 'same', 'blocked')),
  origin jsonb,
  path text collate "C",
  operation_id text,
  removal_id text,
  failure jsonb,
  primary key (move_id, at)
);
create index move_item_moving on move_item (scope, kind, entity_id) where state in ('adding', 'removing');
create index move_item_state on move_item (move_id, state, at)
`);
