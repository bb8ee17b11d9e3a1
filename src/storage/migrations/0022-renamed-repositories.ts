// Where a connector's repository is said to be now; nobody goes there before a person has said so. And the order of imports, for
// a list of them.
import { statements } from './statements.js';

export const renamedRepositories = statements(`
alter table connector add column renamed_to jsonb;
alter table import add column sequence bigint generated always as identity unique;
drop index import_by_connector;
create index import_page on import (scope, connector, sequence desc)
`);
