// What changed, in the order in which it can be read: by transaction, since numbers are given out before they can be seen.
import { statements } from './statements.js';

export const events = statements(`
create table event (
  sequence bigint generated always as identity primary key,
  transaction xid8 not null default pg_current_xact_id(),
  id uuid not null default gen_random_uuid() unique,
  account text collate "C" not null,
  scope text collate "C" not null,
  type text not null,
  subject text not null,
  data jsonb not null,
  created_at timestamptz not null default now()
);
create index event_by_account on event (account, transaction, sequence);
create index event_age on event (created_at)
`);
