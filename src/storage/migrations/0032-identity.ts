// Who may do what: roles of an account, who has them, users who signed in, and what a browser shows in place of a token. A token
// from before may do what it could: everything in its account, and delete used secrets only where it had the right to.
import { statements } from './statements.js';

export const identity = statements(`
create table role (
  account text collate "C" not null references scope (path) on delete cascade,
  id text collate "C" not null,
  description text not null,
  permissions text[] not null,
  created_at timestamptz not null default now(),
  primary key (account, id)
);
create table role_binding (
  scope text collate "C" not null references scope (path) on delete cascade,
  id text collate "C" not null,
  account text collate "C" not null,
  principal_kind text not null check (principal_kind in ('user', 'group')),
  principal text not null,
  role text collate "C" not null,
  created_at timestamptz not null default now(),
  created_by text not null,
  primary key (scope, id)
);
create index role_binding_principal on role_binding (account, principal_kind, principal);
delete from token where account not in (select path from scope);
alter table token add column scope text collate "C" references scope (path) on delete cascade;
alter table token add column role text collate "C";
alter table token add column created_by text;
insert into role (account, id, description, permissions)
  select distinct account, 'unforced', 'Everything but deleting secrets that are used: what tokens could do before there were roles', array[
    'scope.view', 'scope.manage', 'entity.view', 'entity.edit', 'kind.view', 'kind.manage', 'connector.view', 'connector.use',
    'connector.manage', 'secret.view', 'secret.manage', 'delegate.view', 'delegate.manage', 'event.view', 'subscription.view',
    'subscription.manage', 'access.view', 'access.manage', 'audit.view'
  ] from token where not rights @> '{force}';
update token set scope = account, role = case when rights @> '{force}' then 'admin' else 'unforced' end;
alter table token alter column scope set not null;
alter table token alter column role set not null;
alter table token drop column rights;
create index token_scope on token (scope);
create index token_role on token (account, role);
create table identity_provider (
  account text collate "C" not null references scope (path) on delete cascade,
  id text collate "C" not null,
  name text not null,
  issuer text not null,
  client_id text not null,
  secret_scope text collate "C",
  secret_id text collate "C",
  scopes text[] not null,
  groups_claim text not null,
  created_at timestamptz not null default now(),
  primary key (account, id),
  secret_is_builtin boolean generated always as (true) stored,
  constraint identity_provider_secret foreign key (secret_scope, secret_id, secret_is_builtin)
    references secret (scope, id, is_builtin)
);
create index identity_provider_by_secret on identity_provider (secret_scope, secret_id);
create table member (
  id text primary key,
  account text collate "C" not null references scope (path) on delete cascade,
  provider text collate "C" not null,
  issuer text not null,
  subject text not null,
  name text not null,
  email text,
  groups text[] not null,
  signed_in_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  unique (account, issuer, subject),
  foreign key (account, provider) references identity_provider (account, id) on delete cascade
);
create table session (
  hash bytea primary key,
  member_id text references member (id) on delete cascade,
  token_id text references token (id) on delete cascade,
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  check ((member_id is null) <> (token_id is null))
);
create index session_expiry on session (expires_at);
create index session_member on session (member_id);
create index session_token on session (token_id)
`);
