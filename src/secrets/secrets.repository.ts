import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { SealedSecret } from '../contract/remote.js';
import type { Envelope } from '../envelope/envelope.js';
import { Failure } from '../kernel/failure.js';
import { outwards, type Scope } from '../scopes/scope.js';
import { isReferenced, type Session, Storage } from '../storage/database.js';

/** What anybody may know of a secret. */
export interface SecretRecord {
  scope: Scope;
  id: string;
  manager: 'builtin' | 'keyring';
  version: string;
  createdAt: Date;
  updatedAt: Date;
}

@Injectable()
export class SecretsRepository {
  constructor(private readonly storage: Storage) {}

  async put(tx: Session, secret: SealedSecret): Promise<{ record: SecretRecord; created: boolean }> {
    const values = {
      manager: secret.manager,
      version: secret.envelope.version,
      envelope: JSON.stringify(secret.envelope),
    };
    const row = await tx
      .insertInto('secret')
      .values({ scope: secret.scope, id: secret.id, ...values })
      .onConflict((conflict) =>
        conflict.columns(['scope', 'id']).doUpdateSet({ ...values, updated_at: new Date() }),
      )
      .returning([
        'scope',
        'id',
        'manager',
        'version',
        'created_at',
        'updated_at',
        sql<boolean>`xmax = 0`.as('created'),
      ])
      .executeTakeFirstOrThrow();
    return { record: toRecord(row), created: row.created };
  }

  /** @throws NOT_FOUND */
  async get(scope: Scope, id: string): Promise<SecretRecord> {
    const row = await this.storage.db
      .selectFrom('secret')
      .select(['scope', 'id', 'manager', 'version', 'created_at', 'updated_at'])
      .where('scope', '=', scope)
      .where('id', '=', id)
      .executeTakeFirst();
    if (row === undefined) throw new Failure('NOT_FOUND', { what: 'secret', id });
    return toRecord(row);
  }

  /** The secret of this name that is nearest: in the scope itself, or further out. @throws NOT_FOUND */
  async resolve(scope: Scope, id: string): Promise<SecretRecord> {
    for (const place of outwards(scope)) {
      const found = await this.get(place, id).catch((error: unknown) => {
        if (error instanceof Failure && error.code === 'NOT_FOUND') return undefined;
        throw error;
      });
      if (found !== undefined) return found;
    }
    throw new Failure('NOT_FOUND', { what: 'secret', id });
  }

  /** The ciphertext, always the present version. @throws NOT_FOUND */
  async sealed(scope: Scope, id: string): Promise<SealedSecret> {
    const row = await this.storage.db
      .selectFrom('secret')
      .select(['manager', 'envelope'])
      .where('scope', '=', scope)
      .where('id', '=', id)
      .executeTakeFirst();
    if (row === undefined) throw new Failure('NOT_FOUND', { what: 'secret', id });
    return { scope, id, manager: row.manager, envelope: row.envelope as Envelope };
  }

  /** Connectivities of the connectors that use the secret, held until the transaction ends. */
  async users(
    tx: Session,
    scope: Scope,
    id: string,
  ): Promise<{ id: string; connectivity: 'manager' | 'delegate' }[]> {
    return tx
      .selectFrom('connector')
      .select(['id', 'connectivity'])
      .where('secret_scope', '=', scope)
      .where('secret_id', '=', id)
      .forShare()
      .execute();
  }

  /** @throws NOT_FOUND, STILL_IN_USE */
  async delete(scope: Scope, id: string): Promise<void> {
    const result = await this.storage.db
      .deleteFrom('secret')
      .where('scope', '=', scope)
      .where('id', '=', id)
      .executeTakeFirst()
      .catch((error: unknown) => {
        throw isReferenced(error)
          ? new Failure('STILL_IN_USE', { what: 'secret', id, by: 'a connector' })
          : error;
      });
    if (result.numDeletedRows === 0n) throw new Failure('NOT_FOUND', { what: 'secret', id });
  }
}

const toRecord = (row: {
  scope: string;
  id: string;
  manager: 'builtin' | 'keyring';
  version: string;
  created_at: Date;
  updated_at: Date;
}): SecretRecord => ({
  scope: row.scope,
  id: row.id,
  manager: row.manager,
  version: row.version,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});
