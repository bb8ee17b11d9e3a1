// Entities that no repository has, and operations on them, which have no place in Git. They are numbered with those that are in Git,
// so that pages have one order.
import { statements } from './statements.js';

export const inlineEntities = statements(`
create table inline_entity (
  scope text collate "C" not null references scope (path),
  kind text collate "C" not null,
  id text collate "C" not null,
  yaml bytea not null,
  blob_id text not null,
  operation_id text not null,
  sequence bigint not null unique default nextval('entity_sequence_seq'),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (scope, kind, id)
);
alter table operation
  alter column lane_id drop not null,
  alter column connector_scope drop not null,
  alter column connector_id drop not null,
  alter column branch drop not null,
  alter column path drop not null,
  alter column message drop not null,
  alter column author_name drop not null,
  alter column author_email drop not null,
  add constraint operation_place check (
    num_nulls(lane_id, connector_scope, connector_id, branch, path, message, author_name, author_email) in (0, 8)
  ),
  add constraint operation_inline_ended check (lane_id is not null or state <> 'pending');
create index operation_inline on operation (scope, kind, entity_id, sequence) where lane_id is null;
create index file_problem_entity on file_problem (entity_scope, kind, entity_id)
`);
