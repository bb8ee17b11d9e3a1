// Who needs a secret or a secret manager: what would be broken without it.
import { Injectable } from '@nestjs/common';
import { type RawBuilder, sql } from 'kysely';
import type { Scope } from '../scopes/scope.js';
import { type Session, Storage } from '../storage/database.js';

export interface Use {
  what: 'connector' | 'secret' | 'secret-manager' | 'subscription' | 'webhook' | 'identity-provider';
  scope: Scope;
  /** Of a webhook, its connector’s. */
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

  /** Whose credential the secret is, subscriptions that it signs for, webhooks and clients that it proves; all of them without a limit. */
  async ofSecret(scope: Scope, id: string, limit: number | null, session?: Session): Promise<Uses> {
    return this.#list(
      sql`select 'connector' as what, scope, id from connector where secret_scope = ${scope} and secret_id = ${id}
        union
        select 'connector', connector_scope, connector_id from credential_secret
          where secret_scope = ${scope} and secret_id = ${id}
        union all
        select 'secret-manager', scope, id from secret_manager where credential_scope = ${scope} and credential_id = ${id}
        union all
        select 'subscription', scope, id from subscription
          where (secret_scope, secret_id) = (${scope}, ${id}) or (previous_scope, previous_id) = (${scope}, ${id})
        union all
        select 'webhook', scope, connector_id from webhook_secret where secret_scope = ${scope} and secret_id = ${id}
        union all
        select 'identity-provider', account, id from identity_provider
          where secret_scope = ${scope} and secret_id = ${id}`,
      limit,
      session,
    );
  }

  /** Connectors that no delegate of this group may serve and that use the secret, in words; undefined where there are none. */
  async nameUsersOutside(group: string, scope: Scope, id: string): Promise<string | undefined> {
    const outside = sql`select 'connector' as what, scope, id from connector
      where delegate_group <> ${group} and ((secret_scope, secret_id) = (${scope}, ${id}) or exists (
        select 1 from credential_secret as used where (used.connector_scope, used.connector_id) = (connector.scope, connector.id)
          and (used.secret_scope, used.secret_id) = (${scope}, ${id})))`;
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
export const nameUse = ({ what, scope, id }: Use): string =>
  what === 'webhook' ? `${scope}/connectors/${id}/webhook` : `${scope}/${what}s/${id}`;

function inWords({ count, uses }: Uses): string | undefined {
  if (count === 0) return undefined;
  const names = uses.map(nameUse).join(', ');
  return count > uses.length ? `${names} and ${count - uses.length} more` : names;
}
