// Which master keys there are, who holds them, and what depends on each. The database says which one is active; what a key file
// calls a key is for people to read.
import { Injectable } from '@nestjs/common';
import { type SqlBool, sql } from 'kysely';
import type { Actor } from '../audit/acting.js';
import { recordAs } from '../audit/record.js';
import type { Envelope } from '../envelope/envelope.js';
import { Failure } from '../kernel/failure.js';
import { type Session, Storage } from '../storage/database.js';

/** A manager that was not seen for longer is taken to be gone. */
const ALIVE = `interval '15 seconds'`;
const FORGOTTEN = `interval '1 hour'`;
/** Of what depends on a key, this many are named. */
const NAMED_MAX = 5;

export interface KnownKey {
  id: string;
  since: Date;
  isActive: boolean;
}

/** What could not be opened any more without a key. */
export interface Dependants {
  versions: number;
  /** Wraps that were replaced and are kept for their grace period. */
  superseded: number;
  managerKeys: number;
  /** Some of the secrets. */
  names: string[];
}

export interface RunningManager {
  name: string;
  keys: string[];
  isAlive: boolean;
  seenAt: Date;
}

/** A builtin secret version that a retained key wrapped. */
export interface RetainedVersion {
  scope: string;
  secret: string;
  version: string;
  stored: Envelope;
}

@Injectable()
export class MasterKeysRepository {
  constructor(private readonly storage: Storage) {}

  /** Whether there is such a master key: active, or retained. */
  async has(id: string): Promise<boolean> {
    const row = await this.storage.db
      .selectFrom('master_key')
      .select('id')
      .where('id', '=', id)
      .executeTakeFirst();
    return row !== undefined;
  }

  /** @throws MASTER_KEY_REFUSED where no manager has ever run */
  async active(session: Session = this.storage.db): Promise<string> {
    const row = await session.selectFrom('deployment').select('master_key_id').executeTakeFirst();
    if (row !== undefined) return row.master_key_id;
    throw new Failure('MASTER_KEY_REFUSED', {
      action: 'work on master keys',
      reason: 'this database has none yet',
      mend: 'Start a manager once: it makes the first key',
    });
  }

  /** The active key first. */
  async known(session: Session = this.storage.db): Promise<KnownKey[]> {
    const active = await this.active(session);
    const rows = await session
      .selectFrom('master_key')
      .selectAll()
      .orderBy(sql`id = ${active}`, 'desc')
      .orderBy('active_since', 'desc')
      .execute();
    return rows.map(({ id, active_since, retained_since }) => ({
      id,
      since: retained_since ?? active_since,
      isActive: id === active,
    }));
  }

  /** Keys change one change at a time, and while no manager says which ones it has. */
  async exclusively<T>(work: (tx: Session) => Promise<T>): Promise<T> {
    return this.storage.transact(async (tx) => {
      await tx.selectFrom('deployment').select('id').forUpdate().execute();
      return work(tx);
    });
  }

  /** Makes `next` the active key, and retains the one that was. */
  async promote(tx: Session, next: string): Promise<void> {
    const previous = await this.active(tx);
    await tx.insertInto('master_key').values({ id: next }).execute();
    await tx.updateTable('deployment').set({ master_key_id: next }).execute();
    await tx
      .updateTable('master_key')
      .set({ retained_since: sql<Date>`now()` })
      .where('id', '=', previous)
      .execute();
    await recordEverywhere(tx, 'master-key.promoted', { key: next, previous });
  }

  /** Foreign keys keep a key that something current was sealed with; the caller counts what was superseded, afterwards. */
  async forget(tx: Session, id: string): Promise<void> {
    await tx.deleteFrom('master_key').where('id', '=', id).execute();
    await recordEverywhere(tx, 'master-key.retired', { key: id });
  }

  async dependants(id: string, session: Session = this.storage.db): Promise<Dependants> {
    const versions = session.selectFrom('secret_version').where('master_key_id', '=', id);
    const superseded = session
      .selectFrom('superseded_wrap')
      .innerJoin('secret_version', (join) =>
        join
          .onRef('secret_version.scope', '=', 'superseded_wrap.scope')
          .onRef('secret_version.secret_id', '=', 'superseded_wrap.secret_id')
          .onRef('secret_version.id', '=', 'superseded_wrap.version'),
      )
      .where('secret_version.manager_id', 'is', null)
      .where(sql<SqlBool>`superseded_wrap.stored->>'keyId' = ${id}`);
    const managerKeys = session.selectFrom('deployment').where('private_keys_key_id', '=', id);
    const count = sql<number>`count(*)`.as('count');
    const [a, b, c, named] = [
      await versions.select(count).executeTakeFirstOrThrow(),
      await superseded.select(count).executeTakeFirstOrThrow(),
      await managerKeys.select(count).executeTakeFirstOrThrow(),
      await versions
        .select(['scope', 'secret_id'])
        .union(superseded.select(['superseded_wrap.scope', 'superseded_wrap.secret_id']))
        .limit(NAMED_MAX)
        .execute(),
    ];
    return {
      versions: a.count,
      superseded: b.count,
      managerKeys: c.count,
      names: named.map(({ scope, secret_id }) => `${scope}/secrets/${secret_id}`),
    };
  }

  /**
   * Notes that a manager runs, and which keys it has. No key becomes active between this note and what it is told it needs.
   * @returns the keys that it needs
   */
  async beat({ id, name }: { id: string; name: string }, keys: string[]): Promise<string[]> {
    return this.storage.transact(async (tx) => {
      await tx.selectFrom('deployment').select('id').forShare().execute();
      const seen = { name, key_ids: keys, seen_at: sql<Date>`clock_timestamp()` };
      await tx
        .insertInto('running_manager')
        .values({ id, ...seen })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(seen))
        .execute();
      await tx
        .deleteFrom('running_manager')
        .where('seen_at', '<', sql<Date>`now() - ${sql.raw(FORGOTTEN)}`)
        .execute();
      return (await this.known(tx)).map((key) => key.id);
    });
  }

  async leave(id: string): Promise<void> {
    await this.storage.db.deleteFrom('running_manager').where('id', '=', id).execute();
  }

  async running(session: Session = this.storage.db): Promise<RunningManager[]> {
    const rows = await session
      .selectFrom('running_manager')
      .select(['name', 'key_ids', 'seen_at', sql<boolean>`seen_at > now() - ${sql.raw(ALIVE)}`.as('isAlive')])
      .orderBy('name')
      .execute();
    return rows.map(({ name, key_ids, seen_at, isAlive }) => ({
      name,
      keys: key_ids,
      isAlive,
      seenAt: seen_at,
    }));
  }

  /** How many secret versions are wrapped by anything but the active key. */
  async countRetained(): Promise<number> {
    const { count } = await this.#retained()
      .select(sql<number>`count(*)`.as('count'))
      .executeTakeFirstOrThrow();
    return count;
  }

  /** Those after one of them, in a fixed order, so that one which stays is met once a pass. */
  async retainedAfter(last: RetainedVersion | undefined, limit: number): Promise<RetainedVersion[]> {
    const rows = await this.#retained()
      .select(['scope', 'secret_id', 'id', 'stored'])
      .$if(last !== undefined, (query) =>
        query.where(
          sql<SqlBool>`(scope, secret_id, id) > (${last?.scope}, ${last?.secret}, ${last?.version})`,
        ),
      )
      .orderBy('scope')
      .orderBy('secret_id')
      .orderBy('id')
      .limit(limit)
      .execute();
    return rows.map(({ scope, secret_id, id, stored }) => ({
      scope,
      secret: secret_id,
      version: id,
      stored: stored as Envelope,
    }));
  }

  /** The managers' own keys, where a retained key wrapped them. */
  async retainedManagerKeys(): Promise<Envelope | undefined> {
    const row = await this.storage.db
      .selectFrom('deployment')
      .select('private_keys')
      .whereRef('private_keys_key_id', '<>', 'master_key_id')
      .executeTakeFirst();
    return row?.private_keys as Envelope | undefined;
  }

  async replaceManagerKeys(stored: Envelope, fresh: Envelope): Promise<boolean> {
    const { numUpdatedRows } = await this.storage.db
      .updateTable('deployment')
      .set({ private_keys: JSON.stringify(fresh) })
      .where(sql<SqlBool>`private_keys = ${JSON.stringify(stored)}`)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  #retained() {
    const active = this.storage.db.selectFrom('deployment').select('master_key_id');
    return this.storage.db
      .selectFrom('secret_version')
      .where('master_key_id', 'in', (eb) =>
        eb.selectFrom('master_key').select('id').where('id', 'not in', active),
      );
  }
}

/** The command at the manager’s side. */
const OPERATOR: Actor = { kind: 'operator', id: 'master-key', name: 'master-key' };

/** Keys are the whole deployment’s, so every account has it in its audit. */
async function recordEverywhere(tx: Session, action: string, data: object): Promise<void> {
  const accounts = await tx.selectFrom('scope').select('path').where('parent', 'is', null).execute();
  for (const { path: scope } of accounts) recordAs(tx, OPERATOR, { action, scope, target: '', data });
}
