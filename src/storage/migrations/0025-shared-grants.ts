// A refresh token is a secret’s, and several connectors may name it: who exchanges it, which delegate may have done so already, what a
// host refused of it and the tokens that came of it are kept beside the secret. Tokens are sealed, each for those who can open it.
import { statements } from './statements.js';

export const sharedGrants = statements(`
drop table connector_grant;
create table secret_grant (
  scope text collate "C" not null,
  secret_id text collate "C" not null,
  holder text,
  claimed_until timestamptz not null default now(),
  refused_for text,
  refusal jsonb,
  refused_at timestamptz,
  begun_by text,
  begun_for text,
  begun_at timestamptz,
  primary key (scope, secret_id),
  foreign key (scope, secret_id) references secret (scope, id) on delete cascade
);
create table secret_token (
  scope text collate "C" not null,
  secret_id text collate "C" not null,
  road text not null,
  id uuid not null,
  fingerprint text not null,
  sealed jsonb not null,
  usable_until timestamptz not null,
  primary key (scope, secret_id, road),
  foreign key (scope, secret_id) references secret (scope, id) on delete cascade
)
`);
