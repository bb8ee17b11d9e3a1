// Sessions of browsers: in place of a token, which a page should not hold. What somebody may do is read anew at every request.
import { randomBytes } from 'node:crypto';
import { recordAs } from '../audit/record.js';
import { Failure } from '../kernel/failure.js';
import type { Storage, Session as Within } from '../storage/database.js';
import type { Caller } from './caller.js';
import type { RolesRepository } from './roles.repository.js';
import { hashOf, type TokensRepository } from './tokens.repository.js';

const HOUR_MS = 3_600_000;
/** Of one token or one member; the oldest gives way. */
const SESSIONS_MAX = 100;

/** Whom a session is of. */
type Owner = Pick<Caller, 'actor' | 'account' | 'grants'> & { expiresAt?: Date };

export interface Session {
  /** The cookie’s value, which is nowhere else. */
  text: string;
  expiresAt: Date;
}

export class SessionsRepository {
  constructor(
    private readonly storage: Storage,
    private readonly options: { roles: RolesRepository; tokens: TokensRepository; hours: number },
  ) {}

  /** For whoever shows a token now. It ends no later than that. */
  async begin(caller: Caller): Promise<Session> {
    return this.storage.transact((tx) => this.open(tx, caller));
  }

  /** Of the token, or of the member. `data`: what else is to be on record. */
  async open(tx: Within, owner: Owner, data: object = {}): Promise<Session> {
    const { actor, expiresAt: last } = owner;
    const text = randomBytes(32).toString('base64url');
    const end = Math.min(
      Date.now() + this.options.hours * HOUR_MS,
      last?.getTime() ?? Number.POSITIVE_INFINITY,
    );
    const expiresAt = new Date(end);
    const column = actor.kind === 'token' ? 'token_id' : 'member_id';
    await tx.deleteFrom('session').where('expires_at', '<', new Date()).execute();
    const kept = tx
      .selectFrom('session')
      .select('hash')
      .where(column, '=', actor.id)
      .orderBy('created_at', 'desc')
      .limit(SESSIONS_MAX - 1);
    const { numDeletedRows: ended } = await tx
      .deleteFrom('session')
      .where(column, '=', actor.id)
      .where('hash', 'not in', kept)
      .executeTakeFirst();
    for (let one = 0n; one < ended; one += 1n)
      noteSession(tx, owner, { action: 'session.end', data: { gaveWay: true } });
    await tx
      .insertInto('session')
      .values({
        hash: hashOf(text),
        token_id: actor.kind === 'token' ? actor.id : null,
        member_id: actor.kind === 'user' ? actor.id : null,
        expires_at: expiresAt,
      })
      .execute();
    noteSession(tx, owner, { action: 'session.begin', data: { ...data, expiresAt } });
    return { text, expiresAt };
  }

  /** @throws SESSION_REJECTED */
  async authenticate(text: string): Promise<Caller> {
    const caller = await this.find(text);
    if (caller === undefined) throw new Failure('SESSION_REJECTED', {});
    return caller;
  }

  /** As it is now; undefined where it has ended. */
  async find(text: string): Promise<Caller | undefined> {
    const row = await this.storage.db
      .selectFrom('session')
      .leftJoin('member', 'member.id', 'session.member_id')
      .select(['token_id', 'expires_at', 'member.id', 'account', 'name', 'email', 'groups'])
      .where('hash', '=', hashOf(text))
      .executeTakeFirst();
    if (row === undefined || row.expires_at.getTime() <= Date.now()) return undefined;
    const { expires_at: expiresAt } = row;
    if (row.token_id !== null) {
      const caller = await this.options.tokens.find(row.token_id);
      return caller && { ...caller, expiresAt };
    }
    const { id, account, name, email, groups } = row as {
      [K in keyof typeof row]: NonNullable<(typeof row)[K]>;
    };
    const grants = await this.options.roles.grantsOf(account, email, groups);
    return {
      actor: { kind: 'user', id, name, ...(email === null ? {} : { email }) },
      account,
      grants,
      expiresAt,
    };
  }

  /** One that has ended already is no act of anybody. */
  async end(text: string): Promise<void> {
    const owner = await this.find(text);
    await this.storage.transact(async (tx) => {
      const { numDeletedRows } = await tx
        .deleteFrom('session')
        .where('hash', '=', hashOf(text))
        .executeTakeFirst();
      if (owner !== undefined && numDeletedRows > 0n) noteSession(tx, owner, { action: 'session.end' });
    });
  }
}

/** By whom it is of, whoever else the request may name; a token is found in its scope, a member in the account. */
function noteSession(
  tx: Within,
  { actor: { kind, id, name }, account, grants }: Owner,
  act: { action: string; data?: object },
): void {
  const place =
    kind === 'token'
      ? { scope: grants[0]?.scope ?? account, target: `tokens/${id}` }
      : { scope: account, target: `members/${id}` };
  recordAs(tx, { kind, id, name }, { ...act, ...place });
}
