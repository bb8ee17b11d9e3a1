// Secrets are listed in pages, in the order in which they came. One that was deleted although in use has no version any more: its
// row stays while anybody names it, so that nobody goes on without a credential. A connector's credential may be in a store without a secret of ours. Its secret manager is a foreign key, so that it is not taken
// away meanwhile, and only a connector that delegates serve can have such a credential.
import { statements } from './statements.js';

export const secretUses = statements(`
alter table connector
  add column reference text,
  add column manager_scope text collate "C",
  add column manager_id text collate "C",
  add constraint connector_reference_parts
    check ((reference is null) = (manager_scope is null) and (reference is null) = (manager_id is null)),
  add constraint connector_reference_alone check (reference is null or (secret_id is null and connectivity = 'delegate')),
  add constraint connector_reference_outwards
    check (manager_scope is null or scope = manager_scope or starts_with(scope, manager_scope || '/')),
  add constraint connector_reference foreign key (manager_scope, manager_id) references secret_manager (scope, id);
create index connector_by_manager on connector (manager_scope, manager_id) where manager_id is not null;
alter table secret add column sequence bigint generated always as identity unique;
create index secret_by_scope on secret (scope, sequence);
alter table secret alter column version drop not null;
create index secret_deleted on secret (scope, id) where version is null;
alter table token add column rights text[] not null default '{}' check (rights <@ '{force}')
`);
