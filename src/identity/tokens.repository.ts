// API tokens: shown once, stored as a hash, good for one role in one scope until they expire.
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Selectable } from 'kysely';
import { record } from '../audit/record.js';
import { Failure } from '../kernel/failure.js';
import { accountOf, type Scope } from '../scopes/scope.js';
import { isReferenced, type Session, Storage } from '../storage/database.js';
import type { TokenTable } from '../storage/identity-schema.js';
import type { Caller } from './caller.js';
import { permissionsOf, RolesRepository } from './roles.repository.js';

export interface TokenRecord {
  id: string;
  /** The token is good in it and in what is below. */
  scope: Scope;
  name: string;
  role: string;
  expiresAt: Date;
  createdAt: Date;
  /** Null for one that was made on the manager’s own machine. */
  createdBy: string | null;
}

export interface TokenWish {
  scope: Scope;
  name: string;
  role: string;
  expiresAt: Date;
  createdBy: string | null;
}

const PREFIX = 'sp_';

@Injectable()
export class TokensRepository {
  constructor(
    private readonly storage: Storage,
    private readonly roles: RolesRepository,
  ) {}

  /** Makes a token and answers its text, which is nowhere else. @throws SCOPE_NOT_FOUND, NOT_FOUND for the role */
  async create(wish: TokenWish): Promise<{ record: TokenRecord; text: string }> {
    const { scope, name, role, expiresAt: expires_at, createdBy: created_by } = wish;
    const text = PREFIX + randomBytes(32).toString('base64url');
    const account = accountOf(scope);
    const row = await this.storage
      .transact(async (tx) => {
        await this.roles.hold(tx, account, role);
        const made = await tx
          .insertInto('token')
          .values({
            id: randomUUID(),
            account,
            scope,
            name,
            role,
            hash: hashOf(text),
            expires_at,
            created_by,
          })
          .returningAll()
          .executeTakeFirstOrThrow();
        const data = { name, role, expiresAt: expires_at };
        record(tx, { action: 'token.create', scope, target: `tokens/${made.id}`, data });
        return made;
      })
      .catch((error: unknown) => {
        throw isReferenced(error) ? new Failure('SCOPE_NOT_FOUND', { scope }) : error;
      });
    return { record: toRecord(row), text };
  }

  /** @throws TOKEN_REJECTED */
  async authenticate(text: string): Promise<Caller> {
    const caller = await this.#find('hash', hashOf(text));
    if (caller === undefined) throw new Failure('TOKEN_REJECTED', { reason: 'is not known' });
    if (caller.expiresAt.getTime() <= Date.now())
      throw new Failure('TOKEN_REJECTED', { reason: 'has expired' });
    return caller;
  }

  /** As it is now; undefined where it is revoked or expired. */
  async find(id: string): Promise<Caller | undefined> {
    const caller = await this.#find('id', id);
    return caller !== undefined && caller.expiresAt.getTime() > Date.now() ? caller : undefined;
  }

  /** Those of the scope itself, the newest first. */
  async list(scope: Scope): Promise<TokenRecord[]> {
    const rows = await this.storage.db
      .selectFrom('token')
      .selectAll()
      .where('scope', '=', scope)
      .orderBy('created_at', 'desc')
      .orderBy('id')
      .execute();
    return rows.map(toRecord);
  }

  /** Of no use from now on. @throws NOT_FOUND */
  async revoke(tx: Session, scope: Scope, id: string): Promise<TokenRecord> {
    const row = await tx
      .deleteFrom('token')
      .where('scope', '=', scope)
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) throw new Failure('NOT_FOUND', { what: 'API token', id });
    record(tx, {
      action: 'token.revoke',
      scope,
      target: `tokens/${id}`,
      data: { name: row.name, role: row.role },
    });
    return toRecord(row);
  }

  async #find(by: 'hash' | 'id', value: Buffer | string): Promise<Caller | undefined> {
    const row = await this.storage.db
      .selectFrom('token')
      .leftJoin('role', (join) =>
        join.onRef('role.account', '=', 'token.account').onRef('role.id', '=', 'token.role'),
      )
      .select(['token.id', 'token.account', 'token.scope', 'token.name', 'token.role', 'token.expires_at'])
      .select('role.permissions')
      .where(`token.${by}`, '=', value as never)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const { id, name, account, scope, role, expires_at: expiresAt } = row;
    const grant = { scope, role, permissions: permissionsOf(role, row.permissions) };
    return { actor: { kind: 'token', id, name }, account, grants: [grant], expiresAt };
  }
}

const toRecord = (row: Selectable<TokenTable>): TokenRecord => ({
  id: row.id,
  scope: row.scope,
  name: row.name,
  role: row.role,
  expiresAt: row.expires_at,
  createdAt: row.created_at,
  createdBy: row.created_by,
});

export const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest();
