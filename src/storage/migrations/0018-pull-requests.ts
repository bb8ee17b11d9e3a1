// Pull requests that saves asked for. One per pair of branches of a connector is unfinished at a time; where the default branch is
// meant, its name is not known before the host was asked.
import { statements } from './statements.js';

export const pullRequests = statements(`
create table pull_request (
  id text primary key,
  sequence bigint generated always as identity unique,
  scope text collate "C" not null references scope (path) on delete cascade,
  connector_scope text collate "C" not null,
  connector_id text collate "C" not null,
  repository text not null,
  branch text collate "C" not null,
  base text collate "C",
  title text not null,
  body text not null,
  reviewers text[] not null,
  draft boolean not null,
  operation_id text not null,
  requested_by text,
  state text not null default 'wanted' check (state in ('wanted', 'open', 'failed', 'merged', 'closed')),
  wanted_at timestamptz not null default now(),
  number bigint,
  web_url text,
  created boolean,
  reviewers_refused text[] not null default '{}',
  again jsonb,
  merge_commit text,
  copies_due boolean not null default false,
  failure jsonb,
  faults integer not null default 0,
  attempts integer not null default 0,
  hints bigint not null default 0,
  hinted_at timestamptz,
  due_at timestamptz,
  claimed_until timestamptz,
  opened_at timestamptz,
  looked_at timestamptz,
  finished_at timestamptz,
  created_at timestamptz not null default now(),
  foreign key (connector_scope, connector_id) references connector (scope, id) on delete cascade,
  check ((state in ('merged', 'closed')) = (finished_at is not null))
);
create unique index pull_request_unfinished on pull_request (connector_scope, connector_id, branch, coalesce(base, ''))
  where state in ('wanted', 'open', 'failed');
create index pull_request_due on pull_request (due_at) where due_at is not null;
create index pull_request_page on pull_request (connector_scope, connector_id, sequence desc);
create index pull_request_number on pull_request (connector_scope, connector_id, number);
alter table operation
  add column pull_request jsonb,
  add column pull_request_id text references pull_request (id) on delete set null;
create index operation_pull_request on operation (pull_request_id) where pull_request_id is not null
`);
