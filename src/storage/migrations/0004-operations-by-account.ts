// Each account's operations in a lane, which accounts there are, and what waits at a path, without a look at the others; what
// an account rests for; and what an operation has cost.
import { statements } from './statements.js';

export const operationsByAccount = statements(`
drop index operation_waiting;
create index operation_waiting on operation (lane_id, account, sequence) where state = 'pending';
create index operation_path on operation (lane_id, path, sequence) where state = 'pending';
alter table operation add column deaths integer not null default 0;
alter table lane add column pauses jsonb not null default '{}'
`);
