// What copies were taken from commits that the branch was not followed to: where it is turned back, no comparison names it.
import { statements } from './statements.js';

export const pathsBeyond = statements(`
alter table tracked_branch add column beyond text[] not null default '{}'
`);
