// Who did what: a trail of entries for each account. Each entry's hash covers the one before it, entries are added through
// one function and never changed, and they outlive all that they speak of. The function is the only way in: it runs with the rights
// of its owner, so the role of the application needs none on these tables but to read them.
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

const tables = [
  `create table audit_head (
    account text collate "C" primary key check (account ~ '^accounts/[^/\\s]+$'),
    position bigint not null,
    hash bytea not null check (length(hash) = 32)
  )`,
  `create table audit_entry (
    account text collate "C" not null,
    position bigint not null check (position > 0),
    previous bytea not null check (length(previous) = 32),
    hash bytea not null check (length(hash) = 32),
    entry text not null check (octet_length(entry) <= 65536),
    at timestamptz not null,
    actor_kind text not null,
    actor_id text not null,
    actor_name text not null,
    action text not null,
    scope text collate "C" not null check (scope = account or starts_with(scope, account || '/')),
    target text not null,
    outcome text not null check (outcome in ('done', 'refused', 'denied')),
    primary key (account, position)
  )`,
  `create index audit_entry_by_actor on audit_entry (account, actor_id, position)`,
  `create index audit_entry_by_action on audit_entry (account, action, position)`,
  `create index audit_entry_by_target on audit_entry (account, target, position)`,
];

/** What is hashed is told to everybody in docs/reference/audit.md. */
const append = `create function audit_append(trail text, entries text[]) returns bigint
  language plpgsql security definer as $$
  declare
    head audit_head;
    entry text;
    said jsonb;
    sum bytea;
  begin
    select * into head from audit_head where account = trail for update;
    if not found then
      insert into audit_head values (trail, 0, decode(repeat('00', 32), 'hex')) on conflict do nothing;
      select * into strict head from audit_head where account = trail for update;
    end if;
    foreach entry in array entries loop
      said := entry::jsonb;
      sum := sha256(convert_to('sallyport-audit-1' || chr(10) || trail || chr(10) || (head.position + 1) || chr(10)
        || encode(head.hash, 'hex') || chr(10) || entry, 'UTF8'));
      insert into audit_entry values (trail, head.position + 1, head.hash, sum, entry, (said->>'at')::timestamptz,
        said->'actor'->>'kind', said->'actor'->>'id', said->'actor'->>'name', said->>'action', said->>'scope',
        said->>'target', said->>'outcome');
      head.position := head.position + 1;
      head.hash := sum;
    end loop;
    update audit_head set position = head.position, hash = head.hash where account = trail;
    return head.position;
  end $$`;

const guards = [
  // Whoever makes tables must not be able to put one of these names before the ones that are meant.
  `revoke all on function audit_append(text, text[]) from public`,
  `do $$ begin
    execute format('alter function audit_append(text, text[]) set search_path = pg_catalog, %I, pg_temp', current_schema());
  end $$`,
  `create trigger audit_entry_stays before update or delete on audit_entry
    for each row execute function refuse_change()`,
  `create trigger audit_entry_stays_whole before truncate on audit_entry
    for each statement execute function refuse_change()`,
  `create trigger audit_head_stays before delete on audit_head for each row execute function refuse_change()`,
  `create trigger audit_head_stays_whole before truncate on audit_head
    for each statement execute function refuse_change()`,
  `create trigger audit_head_goes_on before update on audit_head
    for each row when (new.account <> old.account or new.position <= old.position) execute function refuse_change()`,
];

export const audit: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of [...tables, append, ...guards]) await sql.raw(statement).execute(db);
  },
};
