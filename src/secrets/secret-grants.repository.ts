// What belongs to a refresh token, whichever connectors name it. One manager in the whole fleet exchanges it at a time, since a host
// may take it only once; what a host has refused for good counts until the credential or its secrets are others; and the token that
// came last is here for all, sealed.
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Envelope } from '../envelope/envelope.js';
import { Failure, type WireFailure } from '../kernel/failure.js';
import type { Scope } from '../scopes/scope.js';
import { type Session, Storage, soon } from '../storage/database.js';

/** The secret that the refresh token is. */
export interface GrantPlace {
  scope: Scope;
  id: string;
}

export interface Refusal {
  /** Digest of what was refused. */
  refusedFor: string;
  failure: Failure;
  at: Date;
}

/** An exchange of which nobody knows what came. */
export interface Begun {
  /** Id of the delegate that was asked. */
  by: string;
  at: Date;
}

export interface GrantToken {
  /** Another one for every token. */
  id: string;
  place: GrantPlace;
  /** `manager`, or the id of the delegate group that opens it. */
  road: string;
  /** Digest of what it came of. */
  fingerprint: string;
  sealed: Envelope;
  /** In ms since 1970. */
  usableUntil: number;
}

@Injectable()
export class SecretGrantsRepository {
  constructor(private readonly storage: Storage) {}

  /** Whether this holder has it now, for so long. Nobody has it where there is no such secret. */
  async claim({ scope, id }: GrantPlace, holder: string, ms: number): Promise<boolean> {
    const row = await this.storage.db
      .insertInto('secret_grant')
      .columns(['scope', 'secret_id', 'holder', 'claimed_until'])
      .expression((from) =>
        from
          .selectFrom('secret')
          .select(['scope', 'id', sql<string>`${holder}::text`.as('holder'), soon(ms).as('claimed_until')])
          .where('scope', '=', scope)
          .where('id', '=', id),
      )
      .onConflict((conflict) =>
        conflict
          .columns(['scope', 'secret_id'])
          .doUpdateSet({ holder, claimed_until: soon(ms) })
          .where(
            sql<boolean>`secret_grant.holder is null or secret_grant.holder = ${holder} or secret_grant.claimed_until < now()`,
          ),
      )
      .returning('holder')
      .executeTakeFirst();
    return row !== undefined;
  }

  /** Whether this holder has had it all along, and has it longer now: not where somebody else had it meanwhile. */
  async extend(place: GrantPlace, holder: string, ms: number): Promise<boolean> {
    const { numUpdatedRows } = await this.#at(place)
      .set({ claimed_until: soon(ms) })
      .where('holder', '=', holder)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  async release(place: GrantPlace, holder: string): Promise<void> {
    await this.#at(place).set({ holder: null }).where('holder', '=', holder).execute();
  }

  /** Once it is claimed. */
  async refuse(place: GrantPlace, refusedFor: string, failure: Failure): Promise<void> {
    await this.#at(place)
      .set({
        refused_for: refusedFor,
        refusal: JSON.stringify(failure.toWire()),
        refused_at: sql<Date>`now()`,
      })
      .execute();
  }

  async refusalOf({ scope, id }: GrantPlace): Promise<Refusal | undefined> {
    const row = await this.storage.db
      .selectFrom('secret_grant')
      .select(['refused_for', 'refusal', 'refused_at'])
      .where('scope', '=', scope)
      .where('secret_id', '=', id)
      .executeTakeFirst();
    if (row?.refused_for == null || row.refusal === null || row.refused_at === null) return undefined;
    const failure = Failure.fromWire(row.refusal as WireFailure);
    return { refusedFor: row.refused_for, failure, at: row.refused_at };
  }

  /** Before a delegate is asked to exchange this version of it. */
  async begin(place: GrantPlace, version: string, delegate: string): Promise<void> {
    await this.#at(place)
      .set({ begun_by: delegate, begun_for: version, begun_at: sql<Date>`now()` })
      .execute();
  }

  /** The same refresh token is another version by now. */
  async follow(tx: Session, { scope, id }: GrantPlace, before: string, after: string): Promise<void> {
    await tx
      .updateTable('secret_grant')
      .set({ begun_for: after })
      .where('scope', '=', scope)
      .where('secret_id', '=', id)
      .where('begun_for', '=', before)
      .execute();
  }

  /** It is certain that the delegate has exchanged nothing this time; what was begun before is in doubt as it was. */
  async end(place: GrantPlace, before: Begun | undefined): Promise<void> {
    const none = { begun_by: null, begun_for: null, begun_at: null };
    await this.#at(place)
      .set(before === undefined ? none : { begun_at: before.at })
      .execute();
  }

  /** The delegate that was asked within so long, and may have exchanged this version. */
  async begunBy({ scope, id }: GrantPlace, version: string, ms: number): Promise<Begun | undefined> {
    const row = await this.storage.db
      .selectFrom('secret_grant')
      .select(['begun_by as by', 'begun_at as at'])
      .where('scope', '=', scope)
      .where('secret_id', '=', id)
      .where('begun_for', '=', version)
      .where('begun_at', '>', sql<Date>`now() - ${ms} * interval '1 millisecond'`)
      .executeTakeFirst();
    return row === undefined || row.by === null || row.at === null ? undefined : { by: row.by, at: row.at };
  }

  /** In the place of the one that the same have had, with which its exchange is over; what came of an earlier version is of no use to anybody any more. */
  async putToken(tx: Session, token: GrantToken): Promise<void> {
    const { scope, id } = token.place;
    const { road, fingerprint } = token;
    await tx
      .deleteFrom('secret_token')
      .where('scope', '=', scope)
      .where('secret_id', '=', id)
      .where((where) => where.or([where('road', '=', road), where('fingerprint', '<>', fingerprint)]))
      .execute();
    await tx
      .updateTable('secret_grant')
      .set({ begun_by: null, begun_for: null, begun_at: null })
      .where('scope', '=', scope)
      .where('secret_id', '=', id)
      .execute();
    await tx
      .insertInto('secret_token')
      .values({
        scope,
        secret_id: id,
        road,
        id: token.id,
        fingerprint,
        sealed: JSON.stringify(token.sealed),
        usable_until: new Date(token.usableUntil),
      })
      .execute();
  }

  /** On every road. */
  async tokensOf(place: GrantPlace, fingerprint: string): Promise<GrantToken[]> {
    const { scope, id } = place;
    const rows = await this.storage.db
      .selectFrom('secret_token')
      .select(['id', 'road', 'sealed', 'usable_until'])
      .where('scope', '=', scope)
      .where('secret_id', '=', id)
      .where('fingerprint', '=', fingerprint)
      .orderBy('road')
      .execute();
    return rows.map(({ usable_until, sealed, ...row }) => ({
      ...row,
      place,
      fingerprint,
      sealed: sealed as Envelope,
      usableUntil: usable_until.getTime(),
    }));
  }

  #at({ scope, id }: GrantPlace) {
    return this.storage.db.updateTable('secret_grant').where('scope', '=', scope).where('secret_id', '=', id);
  }
}
