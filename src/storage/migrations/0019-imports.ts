// Imports and what each of their files came to; and where documents of a kind name themselves.
import { statements } from './statements.js';

export const imports = statements(`
alter table kind add column identity jsonb;
create table import (
  id uuid primary key,
  scope text collate "C" not null,
  connector text collate "C" not null,
  repository text not null,
  branch text collate "C" not null,
  folder text not null,
  patterns jsonb,
  dry_run boolean not null,
  state text not null check (state in ('reporting', 'reported', 'applying', 'done', 'failed', 'cancelled')),
  commit_id text,
  applied_to text collate "C",
  requested_by text not null,
  claimed_until timestamptz,
  due_at timestamptz not null default now(),
  faults integer not null default 0,
  fault jsonb,
  created_at timestamptz not null default now(),
  progressed_at timestamptz not null default now(),
  finished_at timestamptz,
  foreign key (scope, connector) references connector (scope, id) on delete cascade
);
create index import_by_connector on import (scope, connector);
create index import_due on import (due_at) where state in ('reporting', 'applying');
create table import_item (
  import_id uuid not null references import (id) on delete cascade,
  path text collate "C" not null,
  is_named boolean not null,
  kind text,
  entity_scope text collate "C",
  entity_id text collate "C",
  blob_id text,
  outcome text check (
    outcome in ('create', 'update', 'same', 'invalid', 'mismatch', 'elsewhere', 'taken', 'refused')
  ),
  failure jsonb,
  primary key (import_id, path)
);
create index import_item_outcome on import_item (import_id, outcome, path);
create index import_item_entity on import_item (import_id, entity_scope, kind, entity_id)
`);
