// Which master keys there are, and what depends on them: a foreign key, so that none goes while something was sealed with it.
import { statements } from './statements.js';

export const masterKeys = statements(`
create table master_key (
  id text primary key,
  active_since timestamptz not null default now(),
  retained_since timestamptz
);
insert into master_key (id) select master_key_id from deployment;
insert into master_key (id, retained_since)
  select distinct stored->>'keyId', now() from secret_version where manager_id is null and stored->>'keyId' is not null
  on conflict do nothing;
insert into master_key (id, retained_since)
  select private_keys->>'keyId', now() from deployment where private_keys is not null
  on conflict do nothing;
alter table deployment
  add column private_keys_key_id text generated always as (private_keys->>'keyId') stored,
  add constraint deployment_master_key foreign key (master_key_id) references master_key (id)
    deferrable initially deferred,
  add constraint deployment_private_keys_key foreign key (private_keys_key_id) references master_key (id);
alter table secret_version
  add column master_key_id text
    generated always as (case when manager_id is null then stored->>'keyId' end) stored,
  add constraint secret_version_master_key foreign key (master_key_id) references master_key (id);
create index secret_version_by_master_key on secret_version (master_key_id, scope, secret_id, id)
  where master_key_id is not null;
create table running_manager (
  id text primary key,
  name text not null,
  key_ids text[] not null,
  seen_at timestamptz not null default now()
)
`);
