// What a connector proves itself with, beyond a user name and a password: the settings of the kind, with the secrets that they
// name. Each of those is a row besides, so that no secret goes while a connector names it, and none that a manager opens is moved
// out of its reach. What a host refused for good is kept with what it was refused for: an edit makes it void by itself.
import { statements } from './statements.js';

export const credentials = statements(`
alter table connector
  add column credential jsonb,
  add column api_credential jsonb,
  add column trust jsonb,
  add constraint connector_credential_alone check (credential is null or (secret_id is null and reference is null)),
  add constraint connector_connectivity unique (scope, id, connectivity);
create table credential_secret (
  connector_scope text collate "C" not null,
  connector_id text collate "C" not null,
  part text not null,
  secret_scope text collate "C" not null,
  secret_id text collate "C" not null,
  connectivity text not null,
  needs_builtin boolean generated always as (case when connectivity = 'manager' then true end) stored,
  primary key (connector_scope, connector_id, part),
  foreign key (connector_scope, connector_id, connectivity) references connector (scope, id, connectivity)
    on delete cascade deferrable initially deferred,
  constraint credential_secret_used foreign key (secret_scope, secret_id) references secret (scope, id),
  constraint credential_secret_reach foreign key (secret_scope, secret_id, needs_builtin)
    references secret (scope, id, is_builtin)
);
create index credential_secret_by_secret on credential_secret (secret_scope, secret_id);
create table connector_grant (
  connector_scope text collate "C" not null,
  connector_id text collate "C" not null,
  part text not null check (part in ('credential', 'apiCredential')),
  holder text,
  claimed_until timestamptz not null default now(),
  refused_for text,
  refusal jsonb,
  refused_at timestamptz,
  primary key (connector_scope, connector_id, part),
  foreign key (connector_scope, connector_id) references connector (scope, id) on delete cascade
)
`);
