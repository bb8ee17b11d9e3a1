// A group's keys have editions, and a change of them is work that whoever comes after a killed process goes on with; values may be
// sealed by a second suite.
import { statements } from './statements.js';

export const groupKeys = statements(`
alter table delegate_group
  add column p256_key text,
  add column p256_signature text,
  add column edition jsonb,
  add column edition_id text,
  add column keys_since timestamptz not null default now(),
  add check ((p256_key is null) = (p256_signature is null)),
  add check ((edition is null) = (edition_id is null));
update delegate_group set keys_since = created_at;
alter table delegate add column group_keys jsonb;
alter table sealed_value add column suite text not null default 'x25519' check (suite in ('x25519', 'p256'));
create table group_rotation (
  id text primary key,
  sequence bigint generated always as identity unique,
  group_id text not null references delegate_group (id) on delete cascade,
  keys text[] not null check (keys <@ array['sealing', 'keyring'] and cardinality(keys) > 0),
  edition jsonb,
  state text not null default 'staged' check (state in ('staged', 'published', 'done')),
  waits_for text,
  claimed_until timestamptz not null default now(),
  created_at timestamptz not null default now(),
  published_at timestamptz,
  finished_at timestamptz,
  check (state = 'staged' or edition is not null),
  check ((state = 'staged') = (published_at is null)),
  check ((state = 'done') = (finished_at is not null))
);
create unique index group_rotation_open on group_rotation (group_id) where state <> 'done';
create index group_rotation_group on group_rotation (group_id, sequence desc)
`);
