// How far an import is stands in its row, so that a list of imports reads none of their files.
import { statements } from './statements.js';

export const importProgress = statements(`
alter table import
  add column counts jsonb,
  add column total integer not null default 0,
  add column done integer not null default 0;
update import set counts = found.counts, total = found.total, done = found.done
from (
  select import_id, sum(count) as total, sum(done) as done,
    jsonb_object_agg(outcome, count) filter (where outcome is not null) as counts
  from (
    select import_id, outcome, count(*) as count, count(*) filter (where path <= coalesce(applied_to, '')) as done
    from import_item join import on import.id = import_id group by import_id, outcome
  ) as outcomes group by import_id
) as found
where import.id = found.import_id
`);
