// When an operation came how far on its way to Git, and who had the host's answer; and that one may be cancelled.
import { statements } from './statements.js';

export const passages = statements(`
alter table operation
  add column taken_at timestamptz,
  add column planned_at timestamptz,
  add column pushed_at timestamptz,
  add column pushed_by jsonb,
  drop constraint operation_state_check,
  add constraint operation_state_check check (state in ('pending', 'succeeded', 'conflict', 'failed', 'cancelled'))
`);
