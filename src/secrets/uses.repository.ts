// Who needs a secret or a secret manager: what would be broken without it.
import { Injectable } from '@nestjs/common';
import { type RawBuilder, sql } from 'kysely';
import type { Scope } from '../scopes/scope.js';
import { type Session, Storage } from '../storage/database.js';

export interface Use {
  what: 'connector' | 'secret' | 'secret-manager';
  scope: Scope;
  id: string;
}

export interface Uses {
  /** Of all, listed or not. */
  count: number;
  uses: Use[];
}

/** How many an error names. */
const NAMED_MAX = 20;

@Injectable()
export class UsesRepository {
  constructor(private readonly storage: Storage) {}

  /** Connectors and secret managers whose credential the secret is; all of them without a limit. */
  async ofSecret(scope: Scope, id: string, limit: number | null, session?: Session): Promise<Uses> {
    return this.#list(
      sql`select 'connector' as what, scope, id from connector where secret_scope = ${scope} and secret_id = ${id}
        union all
        select 'secret-manager', scope, id from secret_manager where credential_scope = ${scope} and credential_id = ${id}`,
      limit,
      session,
    );
  }

  /** Connectors that no delegate of this group may serve and that use the secret, in words; undefined where there are none. */
  async nameUsersOutside(group: string, scope: Scope, id: string): Promise<string | undefined> {
    const outside = sql`select 'connector' as what, scope, id from connector
      where secret_scope = ${scope} and secret_id = ${id} and delegate_group <> ${group}`;
    return inWords(await this.#list(outside, NAMED_MAX));
  }

  /** Secrets of which it keeps a version, or kept the last one that there was, and connectors that refer to a value in it. */
  async ofManager(scope: Scope, id: string, limit: number, session?: Session): Promise<Uses> {
    return this.#list(
      sql`select 'secret' as what, scope, secret_id as id from secret_version
          where manager_scope = ${scope} and manager_id = ${id}
        union
        select 'secret', scope, id from secret where manager_scope = ${scope} and manager_id = ${id}
        union
        select 'connector', scope, id from connector where manager_scope = ${scope} and manager_id = ${id}`,
      limit,
      session,
    );
  }

  /** The same in words; undefined where nobody does. */
  async nameUsersOfSecret(scope: Scope, id: string): Promise<string | undefined> {
    return inWords(await this.ofSecret(scope, id, NAMED_MAX));
  }

  async nameUsersOfManager(scope: Scope, id: string, session?: Session): Promise<string | undefined> {
    return inWords(await this.ofManager(scope, id, NAMED_MAX, session));
  }

  async #list(
    all: RawBuilder<unknown>,
    limit: number | null,
    session: Session = this.storage.db,
  ): Promise<Uses> {
    const { rows } = await sql<Use & { count: number }>`
      select what, scope, id, count(*) over () as count from (${all}) as used
      order by scope, what, id limit ${limit}`.execute(session);
    return { count: rows[0]?.count ?? 0, uses: rows.map(({ what, scope, id }) => ({ what, scope, id })) };
  }
}

/** As in the API. */
export const nameUse = ({ what, scope, id }: Use): string => `${scope}/${what}s/${id}`;

function inWords({ count, uses }: Uses): string | undefined {
  if (count === 0) return undefined;
  const names = uses.map(nameUse).join(', ');
  return count > uses.length ? `${names} and ${count - uses.length} more` : names;
}
