// Webhooks of connectors, and the secrets that prove their deliveries.
import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type Selectable, sql } from 'kysely';
import { record } from '../audit/record.js';
import type { Connector } from '../connectors/connectors.repository.js';
import { Failure } from '../kernel/failure.js';
import type { Provider } from '../providers/provider.js';
import type { Scope } from '../scopes/scope.js';
import { isReferenced, type Session, Storage } from '../storage/database.js';
import type { WebhookTable } from '../storage/webhook-schema.js';

/** A secret that a delivery may be proven with. */
export interface WebhookSecret {
  scope: Scope;
  secret: string;
  /** By Sallyport, for this webhook alone. */
  made: boolean;
}

/** What the host said when the webhook was registered there. */
export interface Registration {
  /** The host’s id of it. */
  id: string;
  url: string;
  active: boolean;
  /** ISO 8601. */
  at: string;
  /** Of the secret that it was given. */
  secretVersion: string;
}

export interface Webhook {
  scope: Scope;
  /** The connector it belongs to. */
  id: string;
  /** What the door finds it by. */
  address: string;
  /** The first is the one that a registration uses. */
  secrets: WebhookSecret[];
  registration: Registration | null;
  hostRepositoryId: string | null;
  refused: number;
  /** The first refusal after the last delivery that was verified; null where the last one was verified. */
  refusedSince: Date | null;
  lastRefusedAt: Date | null;
  lastVerifiedAt: Date | null;
}

/** What the door needs of a webhook, as it is at this moment. */
export interface Doorplate {
  scope: Scope;
  id: string;
  provider: Provider;
  /** Those that were not deleted. */
  secrets: { scope: Scope; secret: string; version: string }[];
}

@Injectable()
export class WebhooksRepository {
  constructor(private readonly storage: Storage) {}

  /** @throws NOT_FOUND */
  async get(scope: Scope, id: string): Promise<Webhook> {
    const found = await this.find(scope, id);
    if (found === undefined) throw new Failure('NOT_FOUND', { what: 'webhook', id });
    return found;
  }

  async find(scope: Scope, id: string, session: Session = this.storage.db): Promise<Webhook | undefined> {
    const row = await session
      .selectFrom('webhook')
      .selectAll()
      .where('scope', '=', scope)
      .where('connector_id', '=', id)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const secrets = await session
      .selectFrom('webhook_secret')
      .select(['secret_scope as scope', 'secret_id as secret', 'made'])
      .where('scope', '=', scope)
      .where('connector_id', '=', id)
      .orderBy('position')
      .execute();
    return toWebhook(row, secrets);
  }

  /** By one look at it, its connector and the current versions of its secrets. */
  async findByAddress(address: string): Promise<Doorplate | undefined> {
    const { rows } = await sql<Doorplate>`
      select webhook.scope, webhook.connector_id as id, connector.provider,
        (select coalesce(jsonb_agg(jsonb_build_object('scope', secret.scope, 'secret', secret.id, 'version', secret.version)
            order by webhook_secret.position), '[]')
          from webhook_secret
          join secret on (secret.scope, secret.id) = (webhook_secret.secret_scope, webhook_secret.secret_id)
          where (webhook_secret.scope, webhook_secret.connector_id) = (webhook.scope, webhook.connector_id)
            and secret.version is not null) as secrets
      from webhook
      join connector on (connector.scope, connector.id) = (webhook.scope, webhook.connector_id)
      where webhook.address_digest = ${digestOf(address)}`.execute(this.storage.db);
    return rows[0];
  }

  /** Whether it was made; otherwise the row that is there is locked. */
  async open(tx: Session, scope: Scope, id: string, address: string): Promise<boolean> {
    const made = await tx
      .insertInto('webhook')
      .values({ scope, connector_id: id, address, address_digest: digestOf(address) })
      .onConflict((conflict) => conflict.columns(['scope', 'connector_id']).doNothing())
      .returning('scope')
      .executeTakeFirst();
    if (made !== undefined) return true;
    await tx
      .selectFrom('webhook')
      .select('scope')
      .where('scope', '=', scope)
      .where('connector_id', '=', id)
      .forUpdate()
      .execute();
    return false;
  }

  /** In place of those there were. @throws NOT_FOUND, SECRET_OUT_OF_REACH for one that was deleted or moved meanwhile */
  async setSecrets(tx: Session, scope: Scope, id: string, secrets: WebhookSecret[]): Promise<void> {
    await tx.deleteFrom('webhook_secret').where('scope', '=', scope).where('connector_id', '=', id).execute();
    const values = secrets.map((one, at) => ({
      scope,
      connector_id: id,
      position: at + 1,
      secret_scope: one.scope,
      secret_id: one.secret,
      made: one.made,
    }));
    await tx
      .insertInto('webhook_secret')
      .values(values)
      .execute()
      .catch((error: unknown) => {
        if (!isReferenced(error, 'webhook_secret_builtin')) throw error;
        const names = secrets.map(({ secret }) => secret).join(' or ');
        throw new Failure('NOT_FOUND', { what: 'builtin secret', id: names });
      });
    await tx
      .updateTable('webhook')
      .set({ updated_at: new Date() })
      .where('scope', '=', scope)
      .where('connector_id', '=', id)
      .execute();
  }

  /** `told`: what else is to be on record. */
  async setRegistration(scope: Scope, id: string, registration: Registration, told: object): Promise<void> {
    await this.storage.transact(async (tx) => {
      await tx
        .updateTable('webhook')
        .set({ registration: JSON.stringify(registration) })
        .where('scope', '=', scope)
        .where('connector_id', '=', id)
        .execute();
      const data = { ...told, hook: registration.id };
      record(tx, { action: 'webhook.register', scope, target: `connectors/${id}/webhook`, data });
    });
  }

  /** Unless the connector has another repository by now. */
  async setHostRepositoryId({ scope, id, url }: Connector, hostRepositoryId: string): Promise<void> {
    await this.storage.db
      .updateTable('webhook')
      .from('connector')
      .set({ host_repository_id: hostRepositoryId })
      .where('webhook.scope', '=', scope)
      .where('webhook.connector_id', '=', id)
      .whereRef('connector.scope', '=', 'webhook.scope')
      .whereRef('connector.id', '=', 'webhook.connector_id')
      .where('connector.url', '=', url)
      .execute();
  }

  async noteVerified(scope: Scope, id: string, at: Date): Promise<void> {
    await this.storage.db
      .updateTable('webhook')
      .set({ last_verified_at: sql`greatest(last_verified_at, ${at})` })
      .where('scope', '=', scope)
      .where('connector_id', '=', id)
      .execute();
  }

  /** What was verified meanwhile may not have been noted, as many deliveries of one moment are noted as one. */
  async noteRefused(
    scope: Scope,
    id: string,
    { count, first, last }: { count: number; first: Date; last: Date },
  ): Promise<void> {
    await this.storage.db
      .updateTable('webhook')
      .set({
        refused: sql`refused + ${count}`,
        refused_since: sql`case when refused_since > coalesce(last_verified_at, '-infinity') then refused_since else ${first}::timestamptz end`,
        last_refused_at: sql`greatest(last_refused_at, ${last})`,
        last_verified_at: sql`greatest(last_verified_at, (
          select received_at from webhook_delivery
          where (webhook_delivery.scope, webhook_delivery.connector_id) = (webhook.scope, webhook.connector_id)
            and state <> 'refused'
          order by webhook_delivery.sequence desc limit 1))`,
      })
      .where('scope', '=', scope)
      .where('connector_id', '=', id)
      .execute();
  }

  /** With its deliveries. @throws NOT_FOUND */
  async delete(scope: Scope, id: string, told?: object): Promise<void> {
    await this.storage.transact(async (tx) => {
      const { numDeletedRows } = await tx
        .deleteFrom('webhook')
        .where('scope', '=', scope)
        .where('connector_id', '=', id)
        .executeTakeFirst();
      if (numDeletedRows === 0n) throw new Failure('NOT_FOUND', { what: 'webhook', id });
      const act = { action: 'webhook.delete', scope, target: `connectors/${id}/webhook` };
      record(tx, told === undefined ? act : { ...act, data: told });
    });
  }
}

const digestOf = (address: string): Buffer => createHash('sha256').update(address).digest();

function toWebhook(row: Selectable<WebhookTable>, secrets: WebhookSecret[]): Webhook {
  const { last_verified_at: verified, refused_since: since } = row;
  return {
    scope: row.scope,
    id: row.connector_id,
    address: row.address,
    secrets,
    registration: row.registration as Registration | null,
    hostRepositoryId: row.host_repository_id,
    refused: row.refused,
    refusedSince: since !== null && (verified === null || since > verified) ? since : null,
    lastRefusedAt: row.last_refused_at,
    lastVerifiedAt: verified,
  };
}
