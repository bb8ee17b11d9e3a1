// Who opened which secret, and what for: written before the secret is used, and never changed.
import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type Insertable, type Selectable, sql } from 'kysely';
import { SYSTEM } from '../audit/acting.js';
import { type Act, recordAs } from '../audit/record.js';
import type { AuditRecord, OwnPurpose } from '../contract/audit.js';
import type { TaskOutput } from '../contract/tasks.js';
import { tell } from '../kernel/facts.js';
import { Failure } from '../kernel/failure.js';
import { areNested, type Scope } from '../scopes/scope.js';
import { type Session, Storage } from '../storage/database.js';
import type { Page } from '../storage/page.js';
import type { SecretAuditTable } from '../storage/secret-schema.js';
import type { HeldSecret } from './secrets.repository.js';

export type AuditRow = Selectable<SecretAuditTable>;

/** An attempt of this side. */
export interface OwnAttempt {
  secret: HeldSecret;
  purpose: OwnPurpose;
  lentTo: string | null;
  /** Why it was refused; null where it was opened. */
  code: string | null;
  /** What else there is to say of it. */
  note?: string;
}

export interface AuditFilter {
  scope: Scope;
  /** Whether what lies in the scope counts as well. */
  within: boolean;
  secret?: string | undefined;
  actor?: string | undefined;
  since?: Date | undefined;
  until?: Date | undefined;
  /** Sequence number before which the page begins. */
  before?: number | undefined;
  limit: number;
}

/** A delegate whose records are fetched. */
export interface AuditSource {
  id: string;
  name: string;
  scope: Scope;
}

type Told = TaskOutput<'secrets.audit'>;

/** How far they have been. */
export interface Fetched {
  log: string | null;
  sequence: number;
  /** When it last had no more than was fetched. */
  fetchedAt: Date | null;
}

@Injectable()
export class SecretAuditRepository {
  constructor(private readonly storage: Storage) {}

  /** @throws DATABASE_UNAVAILABLE: then nothing is on record */
  async write({ secret, purpose, lentTo, code, note }: OwnAttempt): Promise<void> {
    const { scope, id, keptBy, stored } = secret;
    const row = {
      id: randomUUID(),
      opened_by: 'manager',
      at: new Date(),
      scope,
      secret_id: id,
      version: stored.version,
      key_id: 'keyId' in stored ? stored.keyId : null,
      store_version: 'storeVersion' in stored ? stored.storeVersion : null,
      manager_scope: keptBy?.scope ?? null,
      manager_id: keptBy?.id ?? null,
      ...told(purpose),
      lent_to: lentTo,
      outcome: code === null ? ('opened' as const) : ('refused' as const),
      code,
      note: note ?? null,
    };
    await this.storage
      .transact(async (tx) => {
        await tx.insertInto('secret_audit').values(row).execute();
        recordAs(tx, SYSTEM, toAct(row));
      })
      .catch((cause: unknown) => {
        if (cause instanceof Failure) throw cause;
        const reason = `the opening of a secret cannot be put on record: ${(cause as Error).message}`;
        throw new Failure('DATABASE_UNAVAILABLE', { reason }, { cause });
      });
    tell('secret.open', { kind: 'builtin', code: code ?? 'OK' });
  }

  /** Newest first, in the order in which they came to be known. */
  async list(filter: AuditFilter): Promise<Page<AuditRow>> {
    const { scope, limit } = filter;
    let query = this.storage.db.selectFrom('secret_audit').selectAll();
    query = filter.within
      ? query.where(sql<boolean>`(scope = ${scope} or starts_with(scope, ${`${scope}/`}))`)
      : query.where('scope', '=', scope);
    if (filter.secret !== undefined) query = query.where('secret_id', '=', filter.secret);
    if (filter.actor !== undefined) query = query.where(isBy(filter.actor));
    if (filter.since !== undefined) query = query.where('at', '>=', filter.since);
    if (filter.until !== undefined) query = query.where('at', '<', filter.until);
    if (filter.before !== undefined) query = query.where('sequence', '<', filter.before);
    const found = await query
      .orderBy('sequence', 'desc')
      .limit(limit + 1)
      .execute();
    const rows = found.slice(0, limit);
    return { rows, next: found.length > limit ? (rows.at(-1)?.sequence ?? null) : null };
  }

  async fetched(delegate: string, session: Session = this.storage.db): Promise<Fetched> {
    const row = await session
      .selectFrom('secret_audit_source')
      .select(['log', 'sequence', 'fetched_at'])
      .where('delegate_id', '=', delegate)
      .executeTakeFirst();
    return { log: row?.log ?? null, sequence: row?.sequence ?? 0, fetchedAt: row?.fetched_at ?? null };
  }

  /** Those of these delegates that it is this manager's turn to ask: nobody has within so long. */
  async claim(delegates: string[], ms: number): Promise<string[]> {
    if (delegates.length === 0) return [];
    const isAskedOf = sql<boolean>`s.asked_at >= now() - ${ms} * interval '1 millisecond'`;
    const claimed = await this.storage.db
      .insertInto('secret_audit_source')
      .columns(['delegate_id', 'asked_at'])
      .expression((query) =>
        query
          .selectFrom('delegate as d')
          .leftJoin('secret_audit_source as s', 's.delegate_id', 'd.id')
          .select(['d.id', sql<Date>`now()`.as('asked_at')])
          .where('d.id', 'in', delegates)
          .where(sql<boolean>`${isAskedOf} is not true`)
          // Managers that claim several at once hold them in the same order.
          .orderBy('d.id'),
      )
      // Another manager may have claimed it since it was looked at.
      .onConflict((conflict) =>
        conflict
          .column('delegate_id')
          .doUpdateSet({ asked_at: sql<Date>`now()` })
          .where(
            sql<boolean>`coalesce(secret_audit_source.asked_at, '-infinity') < now() - ${ms} * interval '1 millisecond'`,
          ),
      )
      .returning('delegate_id')
      .execute();
    return claimed.map((row) => row.delegate_id);
  }

  /**
   * Puts on record what a delegate told when it was `asked`, and how far that is, at once. Of what another manager has taken
   * meanwhile nothing is put on record again. Answers what is wrong with what it told, if something is: that is passed over.
   */
  async take(source: AuditSource, asked: Fetched, told: Told): Promise<string | undefined> {
    const { log, after, records, latest } = told;
    const sequences = [after, ...records.map(({ sequence }) => sequence)];
    if (sequences.some((sequence, index) => index > 0 && sequence <= (sequences[index - 1] ?? 0)))
      return 'its records are in no order';
    const own = records.filter(({ scope }) => areNested(scope, source.scope));
    const reached = sequences.at(-1) ?? after;
    await this.storage.transact(async (tx) => {
      await this.#hold(tx, source.id);
      const now = await this.fetched(source.id, tx);
      if (now.log !== asked.log || now.sequence !== asked.sequence) return;
      const gaps = [...breakOf(asked, told), ...gapsIn(log, sequences)];
      const rows = [...gaps.map((note) => lost(source, note)), ...own.map((one) => rowOf(source.id, one))];
      if (rows.length > 0) await this.#join(tx, source, rows);
      await tx
        .updateTable('secret_audit_source')
        .set({ log, sequence: reached, ...(reached >= latest ? { fetched_at: sql<Date>`now()` } : {}) })
        .where('delegate_id', '=', source.id)
        .execute();
    });
    return own.length < records.length ? 'it has records of secrets that it does not serve' : undefined;
  }

  /** What is on record already is not put there again. */
  async #join(tx: Session, { id, name }: AuditSource, rows: Row[]): Promise<void> {
    const fresh = await tx
      .insertInto('secret_audit')
      .values(rows)
      .onConflict((conflict) => conflict.columns(['opened_by', 'id']).doNothing())
      .returning('id')
      .execute();
    const isFresh = new Set(fresh.map((row) => row.id));
    for (const row of rows.filter((one) => isFresh.has(one.id)))
      recordAs(tx, { kind: 'delegate', id, name }, toAct(row));
  }

  async #hold(tx: Session, delegate: string): Promise<void> {
    await tx
      .insertInto('secret_audit_source')
      .values({ delegate_id: delegate })
      .onConflict((conflict) => conflict.column('delegate_id').doNothing())
      .execute();
    await tx
      .selectFrom('secret_audit_source')
      .select('delegate_id')
      .where('delegate_id', '=', delegate)
      .forUpdate()
      .execute();
  }
}

type Row = Insertable<SecretAuditTable>;

/** Whether it is one of the actors, as it stands there or without what tells it from others of the name. */
const isBy = (actor: string) =>
  sql<boolean>`${actor} in (select unnest(array[one, regexp_replace(one, ${String.raw` \([0-9a-f]{8}\)$`}, '')]) from unnest(actors) as one)`;

const told = (purpose: OwnPurpose | null): Pick<Row, 'purpose' | 'subject' | 'operations' | 'actors'> => ({
  purpose: purpose?.kind ?? null,
  subject: purpose?.subject ?? null,
  operations: purpose?.operations ?? [],
  actors: purpose?.actors ?? [],
});

const rowOf = (delegate: string, record: AuditRecord): Row => ({
  id: record.id,
  opened_by: delegate,
  at: new Date(record.at),
  scope: record.scope,
  secret_id: record.secret,
  version: record.version,
  key_id: record.keyId,
  store_version: record.storeVersion,
  manager_scope: record.managerScope,
  manager_id: record.manager,
  ...told(record.purpose),
  task: record.task,
  outcome: record.outcome,
  code: record.code,
});

/** Whole, so that the chain alone says what was opened. */
function toAct(row: Row): Act {
  const { scope, secret_id: secret = null, opened_by: openedBy, at, ...data } = row;
  const target = secret === null ? '' : `secrets/${secret}`;
  return { action: `secret.${row.outcome}`, scope, target, data: { ...data, openedBy, openedAt: at } };
}

const lost = ({ id, scope }: Pick<AuditSource, 'id' | 'scope'>, note: string): Row => ({
  id: randomUUID(),
  opened_by: id,
  at: new Date(),
  scope,
  outcome: 'lost',
  note,
});

/** A log that ends where it had gone on before. */
function breakOf({ log: known, sequence }: Fetched, { log, after }: Told): string[] {
  if (known === null || (known === log && after === sequence)) return [];
  return [`the delegate’s log ${known} does not go on after record ${sequence}`];
}

/** Where numbers are missing, records are gone. */
function gapsIn(log: string, sequences: number[]): string[] {
  return sequences.slice(1).flatMap((sequence, index) => {
    const [from, to] = [(sequences[index] ?? 0) + 1, sequence - 1];
    return to < from ? [] : [`records ${from} to ${to} of the delegate’s log ${log} are gone`];
  });
}
