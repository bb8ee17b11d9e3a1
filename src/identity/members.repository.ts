// Users who have signed in, as their identity provider described them the last time.
import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Selectable } from 'kysely';
import { record } from '../audit/record.js';
import { Failure } from '../kernel/failure.js';
import type { Scope } from '../scopes/scope.js';
import { type Session, Storage } from '../storage/database.js';
import type { MemberTable } from '../storage/identity-schema.js';

export interface Member {
  id: string;
  /** The identity provider they came by. */
  provider: string;
  name: string;
  /** Null where the provider has verified none. */
  email: string | null;
  groups: string[];
  signedInAt: Date;
}

/** What an identity provider says of a user. */
export interface Identified {
  issuer: string;
  subject: string;
  name: string;
  email: string | null;
  groups: string[];
}

@Injectable()
export class MembersRepository {
  constructor(private readonly storage: Storage) {}

  /** One who signs in: a new member, or the one that this subject was before. */
  async note(tx: Session, account: Scope, provider: string, user: Identified): Promise<Member> {
    const said = {
      name: user.name,
      email: user.email,
      groups: user.groups,
      provider,
      signed_in_at: new Date(),
    };
    const row = await tx
      .insertInto('member')
      .values({ id: randomUUID(), account, issuer: user.issuer, subject: user.subject, ...said })
      .onConflict((conflict) => conflict.columns(['account', 'issuer', 'subject']).doUpdateSet(said))
      .returningAll()
      .executeTakeFirstOrThrow();
    return toMember(row);
  }

  /** Those who signed in last first. */
  async list(account: Scope, limit: number): Promise<Member[]> {
    const rows = await this.storage.db
      .selectFrom('member')
      .selectAll()
      .where('account', '=', account)
      .orderBy('signed_in_at', 'desc')
      .orderBy('id')
      .limit(limit)
      .execute();
    return rows.map(toMember);
  }

  /** With their sessions. Whoever may still sign in at the provider comes back as somebody new. @throws NOT_FOUND */
  async delete(account: Scope, id: string): Promise<void> {
    await this.storage.transact(async (tx) => {
      const row = await tx
        .deleteFrom('member')
        .where('account', '=', account)
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirst();
      if (row === undefined) throw new Failure('NOT_FOUND', { what: 'member', id });
      const data = { name: row.name, email: row.email, provider: row.provider };
      record(tx, { action: 'member.delete', scope: account, target: `members/${id}`, data });
    });
  }
}

const toMember = (row: Selectable<MemberTable>): Member => ({
  id: row.id,
  provider: row.provider,
  name: row.name,
  email: row.email,
  groups: row.groups,
  signedInAt: row.signed_in_at,
});
