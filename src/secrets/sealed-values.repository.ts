// Values on their way from a client to a delegate. This side cannot read them, and keeps none for longer than it is good for.
import { Injectable } from '@nestjs/common';
import { type Selectable, sql } from 'kysely';
import { Failure } from '../kernel/failure.js';
import type { Scope } from '../scopes/scope.js';
import { isReferenced, isTaken, Storage } from '../storage/database.js';
import type { SealedValueTable, SecretKind } from '../storage/schema.js';

export interface SealedValueRecord {
  version: string;
  scope: Scope;
  secret: string;
  kind: SecretKind;
  keptBy: { scope: Scope; id: string };
  /** The group's id. */
  group: string;
  enc: string;
  box: string;
  expiresAt: Date;
}

/** How long a manager has a value for itself. */
const CLAIM = sql<Date>`now() + interval '30 seconds'`;

@Injectable()
export class SealedValuesRepository {
  constructor(private readonly storage: Storage) {}

  /** Keeps the value, claimed by whoever calls; one that is there already stays as it is. @throws INPUT_REFUSED */
  async put(value: SealedValueRecord): Promise<void> {
    const { scope, secret, keptBy, group, ...rest } = value;
    await this.storage.db
      .insertInto('sealed_value')
      .values({
        version: rest.version,
        kind: rest.kind,
        enc: rest.enc,
        box: rest.box,
        expires_at: rest.expiresAt,
        scope,
        secret_id: secret,
        manager_scope: keptBy.scope,
        manager_id: keptBy.id,
        group_id: group,
        claimed_until: CLAIM,
      })
      .execute()
      .catch((error: unknown) => {
        if (isTaken(error)) return;
        if (!isReferenced(error)) throw error;
        throw new Failure('INPUT_REFUSED', { field: 'sealed.group', rule: 'is no group of this deployment' });
      });
  }

  /** Up to `max` values that nobody is at, claimed. */
  async claim(max: number): Promise<SealedValueRecord[]> {
    const rows = await this.storage.db
      .updateTable('sealed_value')
      .set({ claimed_until: CLAIM })
      .where('version', 'in', (query) =>
        query
          .selectFrom('sealed_value')
          .select('version')
          .where('claimed_until', '<', sql<Date>`now()`)
          .orderBy('created_at')
          .limit(max)
          .forUpdate()
          .skipLocked(),
      )
      .returningAll()
      .execute();
    return rows.map(toRecord);
  }

  /** Lets somebody try again after a while. */
  async release(version: string): Promise<void> {
    await this.storage.db
      .updateTable('sealed_value')
      .set({ claimed_until: sql<Date>`now() + interval '2 seconds'` })
      .where('version', '=', version)
      .execute();
  }

  async delete(version: string): Promise<void> {
    await this.storage.db.deleteFrom('sealed_value').where('version', '=', version).execute();
  }

  /** What nobody can turn into a secret any more. */
  async forgetExpired(): Promise<void> {
    await this.storage.db.deleteFrom('sealed_value').where('expires_at', '<', sql<Date>`now()`).execute();
  }
}

const toRecord = (row: Selectable<SealedValueTable>): SealedValueRecord => ({
  version: row.version,
  scope: row.scope,
  secret: row.secret_id,
  kind: row.kind,
  keptBy: { scope: row.manager_scope, id: row.manager_id },
  group: row.group_id,
  enc: row.enc,
  box: row.box,
  expiresAt: row.expires_at,
});
