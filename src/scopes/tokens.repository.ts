// API tokens: shown once, stored as a hash, good for one account until they expire.
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Failure } from '../kernel/failure.js';
import { Storage } from '../storage/database.js';
import type { Scope } from './scope.js';

export const rights = ['force'] as const;
export type Right = (typeof rights)[number];

export interface Token {
  id: string;
  /** Scope of the account the token is good for. */
  account: Scope;
  name: string;
  /** What it may do that others may not. */
  rights: string[];
  expiresAt: Date;
}

const PREFIX = 'sp_';

@Injectable()
export class TokensRepository {
  constructor(private readonly storage: Storage) {}

  /** Makes a token and answers its text, which is nowhere else. */
  async create(account: Scope, name: string, days: number, rights: Right[] = []): Promise<string> {
    const text = PREFIX + randomBytes(32).toString('base64url');
    const expires_at = new Date(Date.now() + days * 86_400_000);
    await this.storage.db
      .insertInto('token')
      .values({ id: randomUUID(), account, name, hash: hashOf(text), expires_at, rights })
      .execute();
    return text;
  }

  /** @throws TOKEN_REJECTED */
  async authenticate(text: string): Promise<Token> {
    const row = await this.storage.db
      .selectFrom('token')
      .select(['id', 'account', 'name', 'expires_at', 'rights'])
      .where('hash', '=', hashOf(text))
      .executeTakeFirst();
    if (row === undefined) throw new Failure('TOKEN_REJECTED', { reason: 'is not known' });
    if (row.expires_at.getTime() <= Date.now())
      throw new Failure('TOKEN_REJECTED', { reason: 'has expired' });
    return {
      id: row.id,
      account: row.account,
      name: row.name,
      rights: row.rights,
      expiresAt: row.expires_at,
    };
  }

  /** Whether a token that was authenticated before would be now. */
  async isStillGood(id: string): Promise<boolean> {
    const row = await this.storage.db
      .selectFrom('token')
      .select('expires_at')
      .where('id', '=', id)
      .executeTakeFirst();
    return row !== undefined && row.expires_at.getTime() > Date.now();
  }
}

const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest();
