// Deliveries: what came in, what was refused, and what each led to. What one webhook keeps is bounded, whatever is sent to it.
import { Injectable } from '@nestjs/common';
import { type RawBuilder, type Selectable, sql } from 'kysely';
import { record } from '../audit/record.js';
import { Failure } from '../kernel/failure.js';
import type { Provider } from '../providers/provider.js';
import type { HookEvent } from '../providers/webhook.js';
import type { Scope } from '../scopes/scope.js';
import { Storage, soon } from '../storage/database.js';
import type { Page } from '../storage/page.js';
import type { DeliveryState, WebhookDeliveryTable } from '../storage/webhook-schema.js';
import { hookReading } from './hook-reader.js';
import type { Outcome } from './outcome.js';
import {
  type ActedDelivery,
  keptBodyBytesMax,
  placeOf,
  type SettledDelivery,
  settleDeliveries,
} from './settled-deliveries.repository.js';

export const deliveryLimits = {
  /** A larger body is not kept once it was read. */
  keptBodyBytesMax,
  /** Of a webhook, the newest so many keep their bodies, headers and events. */
  wholeMax: 500,
  /** Refused ones of a webhook that are kept; all are counted. */
  refusedMax: 20,
  /** Of a webhook, kept at all. */
  rowsMax: 200_000,
  /** So long a delivery that comes again is known, unless it is not kept any more. */
  days: 7,
} as const;

type KeptDeliveries = Record<'days' | 'wholeMax' | 'rowsMax', number>;

/**
 * `apart` is what may take long to read, or has ended whoever was at it before: none of the others waits for it, or is lost with it
 * a second time.
 */
export type DeliveryBatch = 'many' | 'apart';

/** A body that is no larger comes with its claim. */
const CLAIMED_BYTES_MAX = 64 * 1024;

/** As the flow claims it. */
export interface WaitingDelivery {
  sequence: number;
  id: string;
  scope: Scope;
  connector: string;
  provider: Provider;
  headers: Record<string, string>;
  bodyBytes: number;
  /** Of a small one; the others are read one by one. */
  body: Buffer | null;
  /** From an earlier reading. */
  event: HookEvent | null;
  attempts: number;
  /** Attempts of which nothing was heard again, and this one. */
  begun: number;
  receivedAt: Date;
}

export interface DeliveryRecord extends Omit<WaitingDelivery, 'attempts' | 'begun' | 'body'> {
  deliveryId: string | null;
  state: DeliveryState;
  why: string | null;
  source: string;
  outcome: Outcome | null;
  duplicates: number;
  replays: number;
  replayedAt: Date | null;
  processedAt: Date | null;
}

export interface NewDelivery {
  scope: Scope;
  connector: string;
  deliveryId: string;
  provider: Provider;
  source: string;
  headers: Record<string, string>;
  body: Buffer;
}

/** What of one webhook waits to be processed. */
export interface WaitingOf {
  scope: Scope;
  connector: string;
  rows: number;
  bytes: number;
}

export interface RefusedDelivery {
  why: string;
  source: string;
  provider: Provider;
  bodyBytes: number;
  at: Date;
}

@Injectable()
export class DeliveriesRepository {
  constructor(private readonly storage: Storage) {}

  /** The acknowledgement. False where the same delivery came before; one that had failed waits again, as it came now. */
  async store(delivery: NewDelivery): Promise<boolean> {
    const { scope, connector, deliveryId, provider, source, headers, body } = delivery;
    const row = await this.storage.db
      .insertInto('webhook_delivery')
      .values({
        scope,
        connector_id: connector,
        delivery_id: deliveryId,
        provider,
        source,
        headers: JSON.stringify(headers),
        body,
        body_bytes: body.length,
      })
      .onConflict((conflict) =>
        conflict
          .columns(['scope', 'connector_id', 'delivery_id'])
          .where('delivery_id', 'is not', null)
          .doUpdateSet({
            duplicates: sql`webhook_delivery.duplicates + 1`,
            state: ifFailed(sql`'waiting'`, 'state'),
            attempts: ifFailed(sql`0`, 'attempts'),
            begun: ifFailed(sql`0`, 'begun'),
            claimed_until: ifFailed(sql`now()`, 'claimed_until'),
            received_at: ifFailed(sql`now()`, 'received_at'),
            source: ifFailed(sql`excluded.source`, 'source'),
            headers: ifFailed(sql`excluded.headers`, 'headers'),
            body: ifFailed(sql`excluded.body`, 'body'),
            body_bytes: ifFailed(sql`excluded.body_bytes`, 'body_bytes'),
          }),
      )
      .returning(sql<boolean>`xmax = 0`.as('fresh'))
      .executeTakeFirstOrThrow();
    return row.fresh;
  }

  /** Puts these on record, and takes away those that are too many by now. */
  async storeRefused(scope: Scope, connector: string, refused: RefusedDelivery[]): Promise<void> {
    await this.storage.db
      .insertInto('webhook_delivery')
      .values(
        refused.map(({ why, source, provider, bodyBytes, at }) => ({
          scope,
          connector_id: connector,
          delivery_id: null,
          provider,
          state: 'refused' as const,
          why,
          source,
          headers: '{}',
          body_bytes: bodyBytes,
          received_at: at,
        })),
      )
      .execute();
    await sql`delete from webhook_delivery where sequence in (
      select sequence from webhook_delivery
      where scope = ${scope} and connector_id = ${connector} and state = 'refused'
      order by sequence desc offset ${deliveryLimits.refusedMax})`.execute(this.storage.db);
  }

  /** Up to so many that nobody is at, the oldest first: `many` of those that are quickly read, or those that are `apart`. */
  async claim(limit: number, ms: number, batch: DeliveryBatch = 'many'): Promise<WaitingDelivery[]> {
    const rows = await this.storage.db
      .updateTable('webhook_delivery')
      .set({ claimed_until: soon(ms), attempts: sql`attempts + 1`, begun: sql`begun + 1` })
      .where('sequence', 'in', (query) =>
        query
          .selectFrom('webhook_delivery')
          .select('sequence')
          .where('state', '=', 'waiting')
          .where('claimed_until', '<=', sql<Date>`now()`)
          .where(batch === 'many' ? isQuick : sql<boolean>`not ${isQuick}`)
          .orderBy('claimed_until')
          .orderBy('sequence')
          .limit(limit)
          .forUpdate()
          .skipLocked(),
      )
      .returning(light)
      .returning([
        'attempts',
        'begun',
        sql<Buffer | null>`case when body_bytes <= ${CLAIMED_BYTES_MAX} then body end`.as('small'),
      ])
      .execute();
    return rows
      .map((row) => ({ ...toLight(row), attempts: row.attempts, begun: row.begun, body: row.small }))
      .toSorted((one, other) => one.sequence - other.sequence);
  }

  /** Null where it is not kept. */
  async body(sequence: number): Promise<Buffer | null> {
    const row = await this.storage.db
      .selectFrom('webhook_delivery')
      .select('body')
      .where('sequence', '=', String(sequence) as never)
      .executeTakeFirst();
    return row?.body ?? null;
  }

  /** `acted`: the first of those that something was done for, and what. */
  async settle(settled: SettledDelivery[], acted?: ActedDelivery): Promise<void> {
    if (settled.length === 0) return;
    await this.storage.transact((tx) => settleDeliveries(tx, settled, acted));
  }

  /** It is tried again after a rest. */
  async rest(sequence: number, ms: number, outcome: Outcome): Promise<void> {
    await this.storage.db
      .updateTable('webhook_delivery')
      .set({ claimed_until: soon(ms), outcome: JSON.stringify(outcome), begun: 0 })
      .where('sequence', '=', String(sequence) as never)
      .where('state', '=', 'waiting')
      .execute();
  }

  /** Newest first. */
  async list(
    scope: Scope,
    connector: string,
    { before, limit }: { before?: number | undefined; limit: number },
  ): Promise<Page<DeliveryRecord>> {
    let query = this.storage.db
      .selectFrom('webhook_delivery')
      .select([...light, ...more])
      .where('scope', '=', scope)
      .where('connector_id', '=', connector);
    if (before !== undefined) query = query.where('sequence', '<', before);
    const rows = await query
      .orderBy('sequence', 'desc')
      .limit(limit + 1)
      .execute();
    const page = rows.slice(0, limit).map(toRecord);
    return { rows: page, next: rows.length > limit ? (page.at(-1)?.sequence ?? null) : null };
  }

  /** @throws NOT_FOUND */
  async get(scope: Scope, connector: string, id: string): Promise<DeliveryRecord> {
    const row = await this.storage.db
      .selectFrom('webhook_delivery')
      .select([...light, ...more])
      .where('scope', '=', scope)
      .where('connector_id', '=', connector)
      .where('id', '=', id)
      .executeTakeFirst();
    if (row === undefined) throw new Failure('NOT_FOUND', { what: 'delivery', id });
    return toRecord(row);
  }

  /** Makes it wait again; one that waits already stays as it is. @throws NOT_FOUND, WEBHOOK_REPLAY_REFUSED */
  async replay(scope: Scope, connector: string, id: string): Promise<DeliveryRecord> {
    await this.storage.transact(async (tx) => {
      const { numUpdatedRows } = await tx
        .updateTable('webhook_delivery')
        .set({
          state: 'waiting',
          claimed_until: sql<Date>`now()`,
          attempts: 0,
          begun: 0,
          replays: sql`replays + 1`,
          replayed_at: sql<Date>`now()`,
        })
        .where('scope', '=', scope)
        .where('connector_id', '=', connector)
        .where('id', '=', id)
        .where('state', '=', 'done')
        .where(sql<boolean>`(body is not null or event is not null)`)
        .executeTakeFirst();
      if (numUpdatedRows > 0n)
        record(tx, { action: 'webhook-delivery.replay', ...placeOf({ scope, connector, id }) });
    });
    const delivery = await this.get(scope, connector, id);
    if (delivery.state === 'waiting') return delivery;
    const reason = delivery.state === 'refused' ? 'was refused' : 'is not kept any more';
    throw new Failure('WEBHOOK_REPLAY_REFUSED', { delivery: id, reason });
  }

  /** Of every webhook of which anything waits. */
  async waitingByWebhook(): Promise<WaitingOf[]> {
    const rows = await this.storage.db
      .selectFrom('webhook_delivery')
      .select(['scope', 'connector_id as connector', sql<number>`count(*)`.as('rows')])
      .select(sql<number>`sum(body_bytes)::float8`.as('bytes'))
      .where('state', '=', 'waiting')
      .groupBy(['scope', 'connector_id'])
      .execute();
    return rows.map((row) => ({ ...row, rows: Number(row.rows), bytes: Number(row.bytes) }));
  }

  /** Those that still wait. */
  async waiting(scope: Scope, connector: string): Promise<number> {
    const row = await this.storage.db
      .selectFrom('webhook_delivery')
      .select((query) => query.fn.countAll<number>().as('count'))
      .where('scope', '=', scope)
      .where('connector_id', '=', connector)
      .where('state', '=', 'waiting')
      .executeTakeFirstOrThrow();
    return row.count;
  }

  /** What is too old, and of each webhook what is too much. */
  async forget({ days, wholeMax, rowsMax }: KeptDeliveries = deliveryLimits): Promise<void> {
    await sql`delete from webhook_delivery
      where received_at < now() - ${days} * interval '1 day' and state <> 'waiting'`.execute(this.storage.db);
    await sql`update webhook_delivery set body = null, headers = '{}', event = null
      from webhook, lateral (
        select sequence from webhook_delivery
        where (scope, connector_id) = (webhook.scope, webhook.connector_id)
        order by sequence desc offset ${wholeMax} limit 1) as last
      where (webhook_delivery.scope, webhook_delivery.connector_id) = (webhook.scope, webhook.connector_id)
        and webhook_delivery.sequence <= last.sequence and (body is not null or event is not null)
        and state = 'done'`.execute(this.storage.db);
    await sql`delete from webhook_delivery using webhook, lateral (
        select sequence from webhook_delivery
        where (scope, connector_id) = (webhook.scope, webhook.connector_id)
        order by sequence desc offset ${rowsMax} limit 1) as last
      where (webhook_delivery.scope, webhook_delivery.connector_id) = (webhook.scope, webhook.connector_id)
        and webhook_delivery.sequence <= last.sequence and state <> 'waiting'`.execute(this.storage.db);
  }
}

const isQuick = sql<boolean>`(begun = 0 and body_bytes <= ${hookReading.hereBytesMax})`;

/** Of a row that is there: this where it ended as failed. */
const ifFailed = (value: RawBuilder<unknown>, column: keyof WebhookDeliveryTable) =>
  sql<never>`case when webhook_delivery.state = 'done' and webhook_delivery.outcome ->> 'kind' = 'failed'
    then ${value} else ${sql.ref(`webhook_delivery.${column}`)} end`;

const light = [
  'sequence',
  'id',
  'scope',
  'connector_id',
  'provider',
  'headers',
  'body_bytes',
  'event',
  'received_at',
] as const;

const more = [
  'delivery_id',
  'state',
  'why',
  'source',
  'outcome',
  'duplicates',
  'replays',
  'replayed_at',
  'processed_at',
] as const;

type Row = Selectable<WebhookDeliveryTable>;

const toLight = (
  row: Pick<Row, (typeof light)[number]>,
): Omit<WaitingDelivery, 'attempts' | 'begun' | 'body'> => ({
  sequence: row.sequence,
  id: row.id,
  scope: row.scope,
  connector: row.connector_id,
  provider: row.provider as Provider,
  headers: row.headers as Record<string, string>,
  bodyBytes: row.body_bytes,
  event: row.event as HookEvent | null,
  receivedAt: row.received_at,
});

const toRecord = (row: Pick<Row, (typeof light)[number] | (typeof more)[number]>): DeliveryRecord => ({
  ...toLight(row),
  deliveryId: row.delivery_id,
  state: row.state,
  why: row.why,
  source: row.source,
  outcome: row.outcome as Outcome | null,
  duplicates: row.duplicates,
  replays: row.replays,
  replayedAt: row.replayed_at,
  processedAt: row.processed_at,
});
