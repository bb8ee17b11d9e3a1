// Who decides where an entity is, and who relies on it, wait for each other until a transaction ends.
import { sql } from 'kysely';
import { accountOf } from '../scopes/scope.js';
import type { Session } from '../storage/database.js';
import type { EntityKey } from './entities.repository.js';

/** Locks of an account. Few, so that a part of a refresh takes no more than the database has room for. */
const LOCKS = 64;

/** In one order, so that nobody waits for each other; until the transaction ends. */
export async function lockEntities(
  tx: Session,
  keys: EntityKey[],
  how: 'shared' | 'exclusive',
): Promise<void> {
  if (keys.length === 0) return;
  const accounts = keys.map(({ scope }) => accountOf(scope));
  const names = keys.map(({ scope, kind, id }) => `${scope} ${kind} ${id}`);
  const take = how === 'shared' ? sql`pg_advisory_xact_lock_shared` : sql`pg_advisory_xact_lock`;
  await sql`
    select ${take}(account, number) from (
      select distinct hashtext(account) as account, hashtext(name) & ${sql.lit(LOCKS - 1)} as number
      from unnest(${accounts}::text[], ${names}::text[]) as wanted (account, name)
      order by 1, 2
    ) as ordered
  `.execute(tx);
}
