// A secret keeps its versions in rows of their own. Its manager's columns are null for the builtin one, and only that one's
// secrets may be the credential of another manager, or be used by a connector that the manager serves itself: both are foreign
// keys, so that no two edits at once can break them.
import { statements } from './statements.js';

export const secretManagers = statements(`
create table secret_manager (
  scope text collate "C" not null references scope (path),
  id text collate "C" not null check (id <> 'builtin'),
  settings jsonb not null,
  delegate_group text,
  delegate_tags text[] not null default '{}',
  credential_scope text collate "C",
  credential_id text collate "C",
  credential_is_builtin boolean generated always as (true) stored,
  revision text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (scope, id),
  check ((credential_scope is null) = (credential_id is null)),
  check (credential_scope is null or scope = credential_scope or starts_with(scope, credential_scope || '/'))
);
insert into secret_manager (scope, id, settings, revision)
  select distinct scope.account, 'keyring', '{"kind":"keyring"}'::jsonb, gen_random_uuid()::text
  from secret join scope on scope.path = secret.scope where secret.manager = 'keyring';
alter table secret
  add column kind text not null default 'text' check (kind in ('text', 'file', 'ssh-key')),
  add column manager_scope text collate "C",
  add column manager_id text collate "C",
  add column is_builtin boolean generated always as (manager_id is null) stored,
  add constraint secret_manager_parts check ((manager_scope is null) = (manager_id is null)),
  add constraint secret_manager_outwards
    check (manager_scope is null or scope = manager_scope or starts_with(scope, manager_scope || '/')),
  add constraint secret_builtin unique (scope, id, is_builtin);
update secret set manager_id = 'keyring', manager_scope = (select account from scope where path = secret.scope)
  where manager = 'keyring';
create table secret_version (
  id text not null,
  scope text collate "C" not null,
  secret_id text collate "C" not null,
  number integer not null,
  manager_scope text collate "C",
  manager_id text collate "C",
  stored jsonb not null,
  created_at timestamptz not null default now(),
  superseded_at timestamptz,
  primary key (scope, secret_id, id),
  unique (scope, secret_id, number),
  foreign key (scope, secret_id) references secret (scope, id) on delete cascade,
  constraint secret_version_manager foreign key (manager_scope, manager_id) references secret_manager (scope, id)
);
create index secret_version_by_manager on secret_version (manager_scope, manager_id);
insert into secret_version (id, scope, secret_id, number, manager_scope, manager_id, stored, created_at)
  select version, scope, id, 1, manager_scope, manager_id, envelope, updated_at from secret;
alter table secret
  drop column manager,
  drop column envelope,
  add constraint secret_head foreign key (scope, id, version)
    references secret_version (scope, secret_id, id) deferrable initially deferred,
  add constraint secret_kept_by foreign key (manager_scope, manager_id) references secret_manager (scope, id);
create index secret_by_manager on secret (manager_scope, manager_id);
create table sealed_value (
  sequence bigint generated always as identity unique,
  version text not null,
  scope text collate "C" not null references scope (path) on delete cascade,
  secret_id text collate "C" not null,
  kind text not null check (kind in ('text', 'file', 'ssh-key')),
  manager_scope text collate "C" not null,
  manager_id text collate "C" not null,
  group_id text not null references delegate_group (id) on delete cascade,
  enc text not null,
  box text not null,
  expires_at timestamptz not null,
  claimed_until timestamptz not null default now(),
  attempts integer not null default 0,
  created_at timestamptz not null default now(),
  primary key (scope, secret_id, version),
  foreign key (manager_scope, manager_id) references secret_manager (scope, id) on delete cascade
);
alter table secret_manager add constraint secret_manager_credential
  foreign key (credential_scope, credential_id, credential_is_builtin) references secret (scope, id, is_builtin);
create index secret_manager_credentials on secret_manager (credential_scope, credential_id);
alter table connector
  add column needs_builtin boolean generated always as (case when connectivity = 'manager' then true end) stored,
  add constraint connector_reach foreign key (secret_scope, secret_id, needs_builtin)
    references secret (scope, id, is_builtin)
`);
