// Tokens with which delegates enrol: shown once, stored as a hash, good for one group, for a while and a number of times.
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { record } from '../audit/record.js';
import { Failure } from '../kernel/failure.js';
import type { Scope } from '../scopes/scope.js';
import { type Session, Storage } from '../storage/database.js';

export interface DelegateToken {
  id: string;
  /** Name of the group. */
  group: string;
  usesLeft: number;
  expiresAt: Date;
  revoked: boolean;
  createdAt: Date;
}

/** A token that is known and not revoked; it may have expired, or be used up. */
export interface HeldToken {
  id: string;
  groupId: string;
  usesLeft: number;
  expiresAt: Date;
}

/** Tells a delegate token from an API token. */
export const delegateTokenPrefix = 'spd_';

@Injectable()
export class DelegateTokensRepository {
  constructor(private readonly storage: Storage) {}

  /** Makes a token and answers its text, which is nowhere else. */
  async create(
    tx: Session,
    groupId: string,
    { uses, expiresAt }: { uses: number; expiresAt: Date },
  ): Promise<{ id: string; text: string }> {
    const text = delegateTokenPrefix + randomBytes(32).toString('base64url');
    const id = randomUUID();
    await tx
      .insertInto('delegate_token')
      .values({ id, group_id: groupId, hash: hashOf(text), uses_left: uses, expires_at: expiresAt })
      .execute();
    return { id, text };
  }

  /** Locks the token, which lets one enrolment after another pass. @throws TOKEN_REJECTED */
  async hold(tx: Session, text: string): Promise<HeldToken> {
    const row = await tx
      .selectFrom('delegate_token')
      .select(['id', 'group_id', 'uses_left', 'expires_at', 'revoked'])
      .where('hash', '=', hashOf(text))
      .forUpdate()
      .executeTakeFirst();
    if (row === undefined) throw new Failure('TOKEN_REJECTED', { reason: 'is not known' });
    if (row.revoked) throw new Failure('TOKEN_REJECTED', { reason: 'was revoked' });
    return { id: row.id, groupId: row.group_id, usesLeft: row.uses_left, expiresAt: row.expires_at };
  }

  /** @throws TOKEN_REJECTED */
  async use(tx: Session, { id, usesLeft, expiresAt }: HeldToken): Promise<void> {
    if (expiresAt.getTime() <= Date.now()) throw new Failure('TOKEN_REJECTED', { reason: 'has expired' });
    if (usesLeft === 0) throw new Failure('TOKEN_REJECTED', { reason: 'was used up' });
    await tx
      .updateTable('delegate_token')
      .set({ uses_left: usesLeft - 1 })
      .where('id', '=', id)
      .execute();
  }

  /** Those of the groups in this very scope, the youngest first. */
  async list(scope: Scope): Promise<DelegateToken[]> {
    const rows = await this.storage.db
      .selectFrom('delegate_token as token')
      .innerJoin('delegate_group as group', 'group.id', 'token.group_id')
      .select([
        'token.id',
        'group.name',
        'token.uses_left',
        'token.expires_at',
        'token.revoked',
        'token.created_at',
      ])
      .where('group.scope', '=', scope)
      .orderBy('token.created_at', 'desc')
      .limit(1_000)
      .execute();
    return rows.map((row) => ({
      id: row.id,
      group: row.name,
      usesLeft: row.uses_left,
      expiresAt: row.expires_at,
      revoked: row.revoked,
      createdAt: row.created_at,
    }));
  }

  /** Nobody enrols with it any more; who has goes on. @throws NOT_FOUND */
  async revoke(scope: Scope, id: string): Promise<void> {
    await this.storage.transact(async (tx) => {
      const result = await tx
        .updateTable('delegate_token')
        .set({ revoked: true })
        .where('id', '=', id)
        .where(
          sql<boolean>`exists (select from delegate_group g where g.id = delegate_token.group_id and g.scope = ${scope})`,
        )
        .executeTakeFirst();
      if (result.numUpdatedRows === 0n) throw new Failure('NOT_FOUND', { what: 'delegate token', id });
      record(tx, { action: 'delegate-token.revoke', scope, target: `delegate-tokens/${id}` });
    });
  }
}

const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest();
