// Values on their way from a client to a delegate. This side cannot read them, and keeps none for longer than it is good for.
import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { type Selectable, sql } from 'kysely';
import { record } from '../audit/record.js';
import { Failure } from '../kernel/failure.js';
import type { Scope } from '../scopes/scope.js';
import { type Session, Storage, soon } from '../storage/database.js';
import type { SealedValueTable, SecretKind } from '../storage/secret-schema.js';

export interface SealedValueRecord {
  version: string;
  scope: Scope;
  secret: string;
  kind: SecretKind;
  keptBy: { scope: Scope; id: string };
  /** The group's id. */
  group: string;
  suite: 'x25519' | 'p256';
  enc: string;
  box: string;
  expiresAt: Date;
}

export interface ClaimedValue {
  value: SealedValueRecord;
  /** Null for one of before it was kept. */
  requestedBy: string | null;
}

/** Longest pause between two attempts, in seconds. */
const PAUSE_MAX = 60;

@Injectable()
export class SealedValuesRepository {
  constructor(private readonly storage: Storage) {}

  /**
   * Keeps the value and whose request it came with, claimed for so long by whoever calls; whether it was not there before.
   * @throws INPUT_REFUSED where another value has its version
   */
  async put(value: SealedValueRecord, requestedBy: string, claimMs: number): Promise<boolean> {
    const { scope, secret, keptBy, group, expiresAt, ...rest } = value;
    const isNew = await this.storage.transact(async (tx) => {
      const row = await tx
        .insertInto('sealed_value')
        .values({
          ...rest,
          scope,
          secret_id: secret,
          manager_scope: keptBy.scope,
          manager_id: keptBy.id,
          group_id: group,
          expires_at: expiresAt,
          claimed_until: soon(claimMs),
          requested_by: requestedBy,
        })
        .onConflict((conflict) => conflict.columns(['scope', 'secret_id', 'version']).doNothing())
        .returning('version')
        .executeTakeFirst();
      if (row === undefined) return false;
      const data = { sealed: true, version: value.version, kind: value.kind, manager: keptBy.id };
      record(tx, { action: 'secret.put', scope, target: `secrets/${secret}`, data });
      return true;
    });
    if (isNew) return true;
    const known = await this.storage.db
      .selectFrom('sealed_value')
      .selectAll()
      .where('scope', '=', scope)
      .where('secret_id', '=', secret)
      .where('version', '=', value.version)
      .executeTakeFirst();
    if (known !== undefined && !isDeepStrictEqual(toRecord(known), value))
      throw new Failure('INPUT_REFUSED', { field: 'version', rule: 'is the id of another secret version' });
    return false;
  }

  /** Up to `max` values that nobody is at, claimed for so long; those that waited longest first. */
  async claim(max: number, claimMs: number): Promise<ClaimedValue[]> {
    const rows = await this.storage.db
      .updateTable('sealed_value')
      .set({ claimed_until: soon(claimMs) })
      .where('sequence', 'in', (query) =>
        query
          .selectFrom('sealed_value')
          .select('sequence')
          .where('claimed_until', '<', sql<Date>`now()`)
          .orderBy('claimed_until')
          .limit(max)
          .forUpdate()
          .skipLocked(),
      )
      .returningAll()
      .execute();
    return rows.map((row) => ({ value: toRecord(row), requestedBy: row.requested_by }));
  }

  /** Lets somebody try again, after a pause that grows with the attempts. */
  async release({ scope, secret, version }: SealedValueRecord): Promise<void> {
    await this.storage.db
      .updateTable('sealed_value')
      .set({
        attempts: sql<number>`attempts + 1`,
        claimed_until: sql<Date>`now() + least(power(2, attempts + 1), ${PAUSE_MAX}) * interval '1 second'`,
      })
      .where('scope', '=', scope)
      .where('secret_id', '=', secret)
      .where('version', '=', version)
      .execute();
  }

  /** Locks the value's row and answers its order; undefined where a later write or a deletion has taken it away. */
  async hold(tx: Session, { scope, secret, version }: SealedValueRecord): Promise<number | undefined> {
    const row = await tx
      .selectFrom('sealed_value')
      .select('sequence')
      .where('scope', '=', scope)
      .where('secret_id', '=', secret)
      .where('version', '=', version)
      .forUpdate()
      .executeTakeFirst();
    return row?.sequence;
  }

  /** Of the secret, all that were accepted up to this one. */
  async deleteUpTo(tx: Session, scope: Scope, secret: string, sequence: number): Promise<void> {
    await this.#ofSecret(tx, scope, secret).where('sequence', '<=', sequence).execute();
  }

  /** Of the secret, all: what was written since takes their place. */
  async deleteAll(tx: Session, scope: Scope, secret: string): Promise<void> {
    await this.#ofSecret(tx, scope, secret).execute();
  }

  /** One that no delegate will ever take. */
  async delete({ scope, secret, version }: SealedValueRecord): Promise<void> {
    await this.#ofSecret(this.storage.db, scope, secret).where('version', '=', version).execute();
  }

  /** What nobody can turn into a secret any more. */
  async forgetExpired(): Promise<void> {
    await this.storage.db.deleteFrom('sealed_value').where('expires_at', '<', sql<Date>`now()`).execute();
  }

  #ofSecret(session: Session, scope: Scope, secret: string) {
    return session.deleteFrom('sealed_value').where('scope', '=', scope).where('secret_id', '=', secret);
  }
}

const toRecord = (row: Selectable<SealedValueTable>): SealedValueRecord => ({
  version: row.version,
  scope: row.scope,
  secret: row.secret_id,
  kind: row.kind,
  keptBy: { scope: row.manager_scope, id: row.manager_id },
  group: row.group_id,
  suite: row.suite,
  enc: row.enc,
  box: row.box,
  expiresAt: row.expires_at,
});
