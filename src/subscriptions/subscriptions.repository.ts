// Where events go by themselves. A subscription is delivered by the one manager that holds it, for as long as it says so; whoever
// changes the subscription takes it away from it, so that what is written counts from then on.
import { Injectable } from '@nestjs/common';
import { type Selectable, sql } from 'kysely';
import { SYSTEM } from '../audit/acting.js';
import { type Act, record, recordAs } from '../audit/record.js';
import type { StoredEvent } from '../events/event.js';
import type { Position } from '../events/position.js';
import { Failure } from '../kernel/failure.js';
import { accountOf, type Scope } from '../scopes/scope.js';
import { type Session, Storage, soon } from '../storage/database.js';
import type { Page } from '../storage/page.js';
import type { SubscriptionRow as Row, SubscriptionAttemptTable } from '../storage/subscription-schema.js';
import { type SecretName, type Subscription, toSubscription } from './subscription.js';
import type { Verdict } from './verdict.js';

/** One that this manager delivers. */
export interface Claim extends Subscription {
  /** Of this claim alone, also where the same manager takes it again. */
  holder: string;
  failures: number;
  failingMs: number;
}

export type SubscriptionWrite = Pick<
  Subscription,
  'scope' | 'id' | 'url' | 'types' | 'kinds' | 'branches' | 'enabled' | 'secret'
>;

export type Attempt = Selectable<SubscriptionAttemptTable>;

export interface NewAttempt {
  event: Pick<StoredEvent, 'id' | 'type'>;
  ms: number;
  status: number | null;
  error: string | null;
}

const ATTEMPTS_KEPT = 100;

@Injectable()
export class SubscriptionsRepository {
  constructor(private readonly storage: Storage) {}

  /**
   * Begins at `position` where it is new, and afresh where it had stopped, unless it `staysPaused`. Its secret stays unless
   * `changesSecret`.
   */
  async put(
    tx: Session,
    write: SubscriptionWrite,
    {
      position,
      isGenerated,
      changesSecret,
      staysPaused = false,
    }: { position: Position; isGenerated: boolean; changesSecret: boolean; staysPaused?: boolean },
  ): Promise<{ subscription: Subscription; created: boolean }> {
    const values = {
      url: write.url,
      types: write.types,
      kinds: write.kinds,
      branches: write.branches,
      enabled: write.enabled,
    };
    const secret = {
      secret_scope: write.secret.scope,
      secret_id: write.secret.id,
      secret_generated: isGenerated,
    };
    const row = await tx
      .insertInto('subscription')
      .values({
        scope: write.scope,
        id: write.id,
        account: accountOf(write.scope),
        ...values,
        ...secret,
        position_transaction: position.transaction,
        position_sequence: position.sequence,
      })
      .onConflict((conflict) =>
        conflict.columns(['scope', 'id']).doUpdateSet({
          ...values,
          ...(changesSecret ? secret : {}),
          ...(staysPaused ? handedOver : afresh),
          updated_at: sql<Date>`now()`,
        }),
      )
      .returningAll()
      .returning(sql<boolean>`xmax = 0`.as('created'))
      .executeTakeFirstOrThrow();
    return { subscription: toSubscription(row), created: row.created };
  }

  /** Locks it; undefined where there is none. */
  async hold(tx: Session, scope: Scope, id: string): Promise<Row | undefined> {
    return tx
      .selectFrom('subscription')
      .selectAll()
      .where('scope', '=', scope)
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst();
  }

  /** The secret of now signs on for so many hours beside the one that follows; what was made to sign before it is answered. */
  async keepSecret(tx: Session, held: Row, hours: number): Promise<SecretName[]> {
    await tx
      .updateTable('subscription')
      .set({
        previous_scope: held.secret_scope,
        previous_id: held.secret_id,
        previous_generated: held.secret_generated,
        previous_until: sql<Date>`now() + ${hours} * interval '1 hour'`,
      })
      .where('scope', '=', held.scope)
      .where('id', '=', held.id)
      .execute();
    return generatedPrevious(held);
  }

  /** @throws NOT_FOUND */
  async get(scope: Scope, id: string): Promise<Subscription> {
    const row = await this.storage.db
      .selectFrom('subscription')
      .selectAll()
      .where('scope', '=', scope)
      .where('id', '=', id)
      .executeTakeFirst();
    if (row === undefined) throw new Failure('NOT_FOUND', { what: 'subscription', id });
    return toSubscription(row);
  }

  /** Of this scope alone, those first made first. */
  async list(scope: Scope, after: number, limit: number): Promise<Page<Subscription>> {
    const found = await this.storage.db
      .selectFrom('subscription')
      .selectAll()
      .where('scope', '=', scope)
      .where('sequence', '>', after)
      .orderBy('sequence')
      .limit(limit + 1)
      .execute();
    const rows = found.slice(0, limit);
    return {
      rows: rows.map(toSubscription),
      next: found.length > limit ? (rows.at(-1)?.sequence ?? null) : null,
    };
  }

  /** Its secrets that were made for it. @throws NOT_FOUND */
  async delete(scope: Scope, id: string): Promise<SecretName[]> {
    const row = await this.storage.transact(async (tx) => {
      record(tx, { action: 'subscription.delete', scope, target: `subscriptions/${id}` });
      return tx
        .deleteFrom('subscription')
        .where('scope', '=', scope)
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirstOrThrow(() => new Failure('NOT_FOUND', { what: 'subscription', id }) as Failure);
    });
    return [
      ...(row.secret_generated ? [{ scope: row.secret_scope, id: row.secret_id }] : []),
      ...generatedPrevious(row),
    ];
  }

  /** Goes on from there, and afresh. @throws NOT_FOUND */
  async replay(scope: Scope, id: string, position: Position): Promise<Subscription> {
    return this.storage.transact(async (tx) => {
      const row = await tx
        .updateTable('subscription')
        .set({ ...at(position), ...afresh })
        .where('scope', '=', scope)
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirstOrThrow(() => new Failure('NOT_FOUND', { what: 'subscription', id }) as Failure);
      record(tx, { action: 'subscription.replay', scope, target: `subscriptions/${id}` });
      return toSubscription(row);
    });
  }

  /** Secrets whose time is over sign no more; those of them that were made for their subscription. */
  async forgetPrevious(): Promise<SecretName[]> {
    const rows = await this.storage.transact(async (tx) => {
      const over = await tx
        .selectFrom('subscription')
        .selectAll()
        .where('previous_until', '<', sql<Date>`now()`)
        .forUpdate()
        .skipLocked()
        .execute();
      for (const { scope, id } of over)
        await tx
          .updateTable('subscription')
          .set({ previous_scope: null, previous_id: null, previous_generated: false, previous_until: null })
          .where('scope', '=', scope)
          .where('id', '=', id)
          .execute();
      return over;
    });
    return rows.flatMap(generatedPrevious);
  }

  /** Some for which there is news, and whom nobody delivers. */
  async claim({
    leaseMs,
    limit,
    without,
  }: {
    leaseMs: number;
    limit: number;
    without: Scope[];
  }): Promise<Claim[]> {
    const { rows } = await sql<Row & { holder: string; failing_ms: number | null }>`
      update subscription set holder = gen_random_uuid(), claimed_until = ${soon(leaseMs)}
      where (scope, id) in (
        select s.scope, s.id from subscription s
        where s.enabled and not s.paused and s.due_at <= now()
          and (s.claimed_until is null or s.claimed_until < now())
          and not s.account = any(${without})
          and exists (select 1 from event e where e.account = s.account
            and (e.transaction, e.sequence) > (s.position_transaction, s.position_sequence)
            and e.transaction < pg_snapshot_xmin(pg_current_snapshot()))
        order by s.due_at limit ${limit} for update skip locked
      )
      returning *, extract(epoch from now() - failing_since) * 1000 as failing_ms`.execute(this.storage.db);
    return rows.map((row) => ({
      ...toSubscription(row),
      holder: row.holder,
      failures: row.failures,
      failingMs: Number(row.failing_ms ?? 0),
    }));
  }

  /** What this manager delivers stays with it. */
  async renew(claims: Claim[], leaseMs: number): Promise<void> {
    if (claims.length === 0) return;
    await this.storage.db
      .updateTable('subscription')
      .set({ claimed_until: soon(leaseMs) })
      .where(
        'holder',
        'in',
        claims.map(({ holder }) => holder),
      )
      .execute();
  }

  /** Whether the claim still held. */
  async delivered(claim: Claim, done: { event: StoredEvent; attempt: NewAttempt }): Promise<boolean> {
    return this.#settle(
      claim,
      { attempt: done.attempt },
      {
        ...at(done.event.position),
        failures: 0,
        failing_since: null,
        fault: null,
        delivered_at: sql<Date>`now()`,
      },
    );
  }

  /** Everything up to there was not wanted. Whether the claim still held. */
  async passed(claim: Claim, position: Position): Promise<boolean> {
    const { numUpdatedRows } = await this.#own(this.storage.db, claim).set(at(position)).executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  async failed(
    claim: Claim,
    { verdict, attempt }: { verdict: Exclude<Verdict, { kind: 'delivered' }>; attempt: NewAttempt | null },
  ): Promise<boolean> {
    const { kind, error } = verdict;
    const isOver = kind !== 'retry';
    const stop = isOver ? { action: `subscription.${kind}d`, data: { error } } : undefined;
    const change = {
      failures: sql<number>`failures + 1`,
      failing_since: sql<Date>`coalesce(failing_since, now())`,
      fault: JSON.stringify({ error: verdict.error }),
      ...(verdict.kind === 'retry' ? { due_at: soon(Math.ceil(verdict.inMs)) } : {}),
      ...(verdict.kind === 'pause' ? { paused: true } : {}),
      ...(verdict.kind === 'disable' ? { enabled: false } : {}),
    };
    return this.#settle(claim, { attempt, stop }, change);
  }

  /** Others may deliver it. Of its attempts only the last are kept. */
  async release(claim: Claim): Promise<void> {
    await this.#own(this.storage.db, claim)
      .set({ ...handedOver, due_at: sql<Date>`greatest(due_at, now())` })
      .execute();
    await this.#forgetAttempts(claim.scope, claim.id);
  }

  /** An attempt outside of any turn. */
  async noteTest({ scope, id }: Subscription, attempt: NewAttempt): Promise<void> {
    await this.#note(this.storage.db, { scope, id }, attempt);
    await this.#forgetAttempts(scope, id);
  }

  async #note(
    session: Session,
    { scope, id }: Pick<Claim, 'scope' | 'id'>,
    attempt: NewAttempt,
  ): Promise<void> {
    await session
      .insertInto('subscription_attempt')
      .values({
        scope,
        subscription_id: id,
        event_id: attempt.event.id,
        type: attempt.event.type,
        ms: attempt.ms,
        status: attempt.status,
        error: attempt.error,
      })
      .execute();
  }

  /** The latest first. @throws NOT_FOUND */
  async attempts(scope: Scope, id: string, limit: number): Promise<Attempt[]> {
    await this.get(scope, id);
    return this.storage.db
      .selectFrom('subscription_attempt')
      .selectAll()
      .where('scope', '=', scope)
      .where('subscription_id', '=', id)
      .orderBy('sequence', 'desc')
      .limit(Math.min(limit, ATTEMPTS_KEPT))
      .execute();
  }

  /** `stop`: what it came to, where nothing is delivered any more. */
  async #settle(
    claim: Claim,
    { attempt, stop }: { attempt: NewAttempt | null; stop?: Pick<Act, 'action' | 'data'> | undefined },
    change: object,
  ): Promise<boolean> {
    return this.storage.transact(async (tx) => {
      const { numUpdatedRows } = await this.#own(tx, claim).set(change).executeTakeFirst();
      if (numUpdatedRows === 0n) return false;
      if (attempt !== null) await this.#note(tx, claim, attempt);
      const { scope, id } = claim;
      if (stop !== undefined) recordAs(tx, SYSTEM, { ...stop, scope, target: `subscriptions/${id}` });
      return true;
    });
  }

  /** All but the last. */
  async #forgetAttempts(scope: Scope, id: string): Promise<void> {
    await sql`delete from subscription_attempt where scope = ${scope} and subscription_id = ${id}
      and sequence <= (select sequence from subscription_attempt where scope = ${scope} and subscription_id = ${id}
        order by sequence desc offset ${ATTEMPTS_KEPT} limit 1)`.execute(this.storage.db);
  }

  #own(session: Session, { scope, id, holder }: Claim) {
    return session
      .updateTable('subscription')
      .where('scope', '=', scope)
      .where('id', '=', id)
      .where('holder', '=', holder);
  }
}

const at = ({ transaction, sequence }: Position) => ({
  position_transaction: transaction,
  position_sequence: sequence,
});

/** Whoever delivers it stops, and somebody goes on with what was written. */
const handedOver = { holder: null, claimed_until: null };

/** As well, and nothing that went wrong before counts. */
const afresh = {
  ...handedOver,
  paused: false,
  fault: null,
  failures: 0,
  failing_since: null,
  due_at: sql<Date>`now()`,
};

const generatedPrevious = (row: Row): SecretName[] =>
  row.previous_generated && row.previous_scope !== null && row.previous_id !== null
    ? [{ scope: row.previous_scope, id: row.previous_id }]
    : [];
