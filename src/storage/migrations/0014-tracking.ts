// The way back from Git: what is tracked, how far each branch has been followed, and files that could not become copies.
import { statements } from './statements.js';

export const tracking = statements(`
create table tracking (
  scope text collate "C" not null,
  connector text collate "C" not null,
  branches text[] not null,
  files jsonb not null,
  rules jsonb not null,
  revision text not null,
  due_at timestamptz not null default now(),
  wakes bigint not null default 0,
  claimed_until timestamptz,
  default_branch text,
  polled_at timestamptz,
  hinted_at timestamptz,
  missed_at timestamptz,
  faults integer not null default 0,
  fault jsonb,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (scope, connector),
  foreign key (scope, connector) references connector (scope, id) on delete cascade
);
create index tracking_due on tracking (due_at);
create table tracked_branch (
  scope text collate "C" not null,
  connector text collate "C" not null,
  branch text collate "C" not null,
  repository text not null,
  listed text,
  synced text,
  synced_at timestamptz,
  revision text,
  target text,
  applied_to text collate "C",
  overtaken text[] not null default '{}',
  faults integer not null default 0,
  fault jsonb,
  due_at timestamptz not null default now(),
  primary key (scope, connector, branch),
  foreign key (scope, connector) references tracking (scope, connector) on delete cascade
);
create index tracked_branch_place on tracked_branch (repository, branch);
create table file_problem (
  scope text collate "C" not null,
  connector text collate "C" not null,
  branch text collate "C" not null,
  path text collate "C" not null,
  verdict text not null check (verdict in ('invalid', 'refused')),
  blob_id text,
  commit_id text not null,
  kind text,
  entity_scope text collate "C",
  entity_id text collate "C",
  failure jsonb not null,
  created_at timestamptz not null default now(),
  primary key (scope, connector, branch, path),
  foreign key (scope, connector) references tracking (scope, connector) on delete cascade
);
alter table entity
  alter column operation_id drop not null,
  add column invalid jsonb;
create index entity_by_path on entity (repository, path);
create index entity_by_blob on entity (repository, blob_id);
create index entity_by_connector on entity (connector_scope, connector_id, branch)
`);
