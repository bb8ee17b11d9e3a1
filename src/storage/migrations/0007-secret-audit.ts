// Who opened which secret, and what for. Rows are added and never changed, and outlive all that they speak of; how far each
// delegate's own records have been fetched stands beside them. Operations say whose token asked for them.
import { statements } from './statements.js';

export const secretAudit = statements(`
create table secret_audit (
  sequence bigint generated always as identity primary key,
  id text not null,
  opened_by text not null,
  at timestamptz not null,
  recorded_at timestamptz not null default now(),
  scope text collate "C" not null,
  secret_id text collate "C",
  version text,
  key_id text,
  store_version text,
  manager_scope text collate "C",
  manager_id text collate "C",
  purpose text,
  subject text,
  operations text[] not null default '{}',
  actors text[] not null default '{}',
  lent_to text,
  task text,
  outcome text not null check (outcome in ('opened', 'refused', 'lost')),
  code text,
  note text,
  unique (opened_by, id)
);
create index secret_audit_secret on secret_audit (scope, secret_id, sequence desc);
create function refuse_change() returns trigger language plpgsql as
  $$ begin raise exception 'rows of % are never changed', tg_table_name; end $$;
create trigger secret_audit_stays before update or delete on secret_audit
  for each row execute function refuse_change();
create trigger secret_audit_stays_whole before truncate on secret_audit
  for each statement execute function refuse_change();
create table secret_audit_source (
  delegate_id text primary key references delegate (id) on delete cascade,
  log text,
  sequence bigint not null default 0,
  asked_at timestamptz,
  fetched_at timestamptz
);
alter table operation add column requested_by text
`);
