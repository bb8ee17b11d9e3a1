// Sessions of browsers: in place of a token, which a page should not hold. What somebody may do is read anew at every request.
import { randomBytes } from 'node:crypto';
import { Failure } from '../kernel/failure.js';
import type { Storage } from '../storage/database.js';
import type { Caller } from './caller.js';
import type { RolesRepository } from './roles.repository.js';
import { hashOf, type TokensRepository } from './tokens.repository.js';

const HOUR_MS = 3_600_000;
/** Of one token or one member; the oldest gives way. */
const SESSIONS_MAX = 100;

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

  /** For whoever asks now: of the token, or of the member. It ends no later than what it comes of. */
  async begin({ actor, expiresAt }: Pick<Caller, 'actor'> & { expiresAt?: Date }): Promise<Session> {
    const text = randomBytes(32).toString('base64url');
    const end = Math.min(
      Date.now() + this.options.hours * HOUR_MS,
      expiresAt?.getTime() ?? Number.POSITIVE_INFINITY,
    );
    const owner = actor.kind === 'token' ? 'token_id' : 'member_id';
    await this.storage.transact(async (tx) => {
      await tx.deleteFrom('session').where('expires_at', '<', new Date()).execute();
      const kept = tx
        .selectFrom('session')
        .select('hash')
        .where(owner, '=', actor.id)
        .orderBy('created_at', 'desc')
        .limit(SESSIONS_MAX - 1);
      await tx.deleteFrom('session').where(owner, '=', actor.id).where('hash', 'not in', kept).execute();
      await tx
        .insertInto('session')
        .values({
          hash: hashOf(text),
          token_id: actor.kind === 'token' ? actor.id : null,
          member_id: actor.kind === 'user' ? actor.id : null,
          expires_at: new Date(end),
        })
        .execute();
    });
    return { text, expiresAt: new Date(end) };
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

  async end(text: string): Promise<void> {
    await this.storage.db.deleteFrom('session').where('hash', '=', hashOf(text)).execute();
  }
}
