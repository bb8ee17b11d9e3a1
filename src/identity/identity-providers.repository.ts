// Where the users of an account come from: OpenID Connect providers.
import { Injectable } from '@nestjs/common';
import { type Selectable, sql } from 'kysely';
import { record } from '../audit/record.js';
import { Failure } from '../kernel/failure.js';
import type { Scope } from '../scopes/scope.js';
import { isReferenced, Storage } from '../storage/database.js';
import type { IdentityProviderTable } from '../storage/identity-schema.js';

export interface IdentityProvider {
  account: Scope;
  id: string;
  /** As the page shows it. */
  name: string;
  /** Its address, below which `.well-known/openid-configuration` is. */
  issuer: string;
  clientId: string;
  /** A builtin secret of the account; null for a public client, which PKCE alone protects. */
  secret: string | null;
  /** What is asked for beside `openid`. */
  scopes: string[];
  /** The claim that lists a user’s groups. */
  groupsClaim: string;
}

/** An account has no more of them. */
export const IDENTITY_PROVIDERS_MAX = 20;

@Injectable()
export class IdentityProvidersRepository {
  constructor(private readonly storage: Storage) {}

  async list(account: Scope): Promise<IdentityProvider[]> {
    const rows = await this.storage.db
      .selectFrom('identity_provider')
      .selectAll()
      .where('account', '=', account)
      .orderBy('id')
      .execute();
    return rows.map(toProvider);
  }

  /** @throws NOT_FOUND */
  async get(account: Scope, id: string): Promise<IdentityProvider> {
    const row = await this.storage.db
      .selectFrom('identity_provider')
      .selectAll()
      .where('account', '=', account)
      .where('id', '=', id)
      .executeTakeFirst();
    if (row === undefined) throw notFound(id);
    return toProvider(row);
  }

  /** Where users would come from elsewhere, those of before leave with what they could do. @throws SCOPE_NOT_FOUND, NOT_FOUND for the secret, IDENTITY_PROVIDER_UNFIT */
  async put(provider: IdentityProvider): Promise<{ created: boolean }> {
    const { account, id, secret } = provider;
    const values = {
      name: provider.name,
      issuer: provider.issuer,
      client_id: provider.clientId,
      secret_scope: secret === null ? null : account,
      secret_id: secret,
      scopes: provider.scopes,
      groups_claim: provider.groupsClaim,
    };
    return this.storage
      .transact(async (tx) => {
        await sql`select pg_advisory_xact_lock(hashtextextended(${`identity_provider ${account}`}, 0))`.execute(
          tx,
        );
        const others = await tx
          .selectFrom('identity_provider')
          .select(['id', 'issuer'])
          .where('account', '=', account)
          .execute();
        const before = others.find((other) => other.id === id);
        if (before === undefined && others.length >= IDENTITY_PROVIDERS_MAX)
          throw unfit(id, `an account has at most ${IDENTITY_PROVIDERS_MAX} of them`);
        if (before !== undefined && before.issuer !== provider.issuer)
          await tx.deleteFrom('member').where('account', '=', account).where('provider', '=', id).execute();
        await tx
          .insertInto('identity_provider')
          .values({ account, id, ...values })
          .onConflict((conflict) => conflict.columns(['account', 'id']).doUpdateSet(values))
          .execute();
        const data = { created: before === undefined, issuer: provider.issuer, clientId: provider.clientId };
        record(tx, {
          action: 'identity-provider.put',
          scope: account,
          target: `identity-providers/${id}`,
          data,
        });
        return { created: before === undefined };
      })
      .catch((error: unknown) => {
        if (isReferenced(error, 'identity_provider_secret'))
          throw new Failure('NOT_FOUND', { what: 'builtin secret', id: secret ?? '' });
        throw isReferenced(error) ? new Failure('SCOPE_NOT_FOUND', { scope: account }) : error;
      });
  }

  /** With the members that came by it, and their sessions. @throws NOT_FOUND */
  async delete(account: Scope, id: string): Promise<void> {
    await this.storage.transact(async (tx) => {
      const { numDeletedRows } = await tx
        .deleteFrom('identity_provider')
        .where('account', '=', account)
        .where('id', '=', id)
        .executeTakeFirst();
      if (numDeletedRows === 0n) throw notFound(id);
      record(tx, { action: 'identity-provider.delete', scope: account, target: `identity-providers/${id}` });
    });
  }
}

const notFound = (id: string): Failure =>
  new Failure('NOT_FOUND', { what: 'identity provider', id }) as Failure;

export const unfit = (provider: string, reason: string): Failure =>
  new Failure('IDENTITY_PROVIDER_UNFIT', { provider, reason }) as Failure;

const toProvider = (row: Selectable<IdentityProviderTable>): IdentityProvider => ({
  account: row.account,
  id: row.id,
  name: row.name,
  issuer: row.issuer,
  clientId: row.client_id,
  secret: row.secret_id,
  scopes: row.scopes,
  groupsClaim: row.groups_claim,
});
