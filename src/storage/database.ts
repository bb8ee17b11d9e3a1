// PostgreSQL is the truth; its commit is the acknowledgement.
import {
  Kysely as Connected,
  type Kysely,
  PostgresDialect,
  type RawBuilder,
  sql,
  type Transaction,
} from 'kysely';
import { Migrator } from 'kysely/migration';
import pg from 'pg';
import { Failure } from '../kernel/failure.js';
import { migrations } from './migrations.js';
import type { Tables } from './schema.js';

export type Database = Kysely<Tables>;
/** Inside a transaction, or outside of one. */
export type Session = Database | Transaction<Tables>;

const CONNECTIONS_MAX = 20;
/** No statement and no transaction goes on for ever. */
export const SESSION_OPTIONS = '-c statement_timeout=30000 -c idle_in_transaction_session_timeout=30000';

/** The connection to the database: one pool a process. Nest injects it as this class. */
export class Storage {
  readonly db: Database;
  readonly #pool: pg.Pool;

  /** `name` is what the server shows of whose connections these are. */
  constructor(databaseUrl: string, name = 'sallyport') {
    this.#pool = new pg.Pool({
      application_name: name,
      connectionString: databaseUrl,
      max: CONNECTIONS_MAX,
      connectionTimeoutMillis: 5_000,
      // A server that has fallen silent ends no statement by itself.
      query_timeout: 35_000,
      options: SESSION_OPTIONS,
      types: { getTypeParser: readColumn as typeof pg.types.getTypeParser },
    });
    // An idle connection that the server ends reports here; the next query gets a fresh one.
    this.#pool.on('error', () => undefined);
    // One that breaks while it is in use fails its query as well, which is where it is dealt with.
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
    this.db = new Connected<Tables>({ dialect: new PostgresDialect({ pool: this.#pool }) });
  }

  /** Brings the tables up to date. Several processes may call it at once. */
  async migrate(): Promise<void> {
    const migrator = new Migrator({ db: this.db, provider: { getMigrations: async () => migrations } });
    const { error } = await migrator.migrateToLatest();
    if (error !== undefined) throw error;
  }

  /**
   * Runs `work` in one transaction, and what was put off until it had done all else. Connection faults become DATABASE_UNAVAILABLE.
   */
  async transact<T>(work: (tx: Transaction<Tables>) => Promise<T>): Promise<T> {
    return this.db
      .transaction()
      .execute(async (tx) => {
        putOff.set(tx, []);
        const done = await work(tx);
        for (const last of putOff.get(tx) ?? []) await last();
        return done;
      })
      .catch((error: unknown) => {
        throw isConnectionFault(error)
          ? new Failure('DATABASE_UNAVAILABLE', { reason: (error as Error).message }, { cause: error })
          : error;
      });
  }

  /** Connections of this process, and questions that wait for one. */
  get pool(): { busy: number; idle: number; max: number; waiting: number } {
    const { totalCount, idleCount, waitingCount } = this.#pool;
    return { busy: totalCount - idleCount, idle: idleCount, max: CONNECTIONS_MAX, waiting: waitingCount };
  }

  /** Answers when the database does. */
  async ping(): Promise<void> {
    await this.#pool.query('select 1');
  }

  async close(): Promise<void> {
    await this.db.destroy();
  }
}

const putOff = new WeakMap<Session, (() => Promise<void>)[]>();

/** Does this last, before the transaction of `Storage.transact` commits: what others wait for is held for as short as can be. */
export function beforeCommit(tx: Session, work: () => Promise<void>): void {
  const works = putOff.get(tx);
  if (works === undefined)
    throw new Error('only what Storage.transact runs can put something off until it commits');
  works.push(work);
}

const INT8 = 20;

/** Sequence numbers and epochs stay below 2^53 for longer than anybody will run this. */
function readColumn(oid: number, format?: 'text' | 'binary'): unknown {
  if (oid === INT8) return Number;
  return pg.types.getTypeParser(oid, format as 'text');
}

/** Whether the database went away, in whichever way pg says so (class 08 and 57 of SQLSTATE, or a socket's error). */
export function isConnectionFault(error: unknown): boolean {
  const { code = '', message = '' } = error as { code?: string; message?: string };
  return (
    /^(08|57P0)/.test(code) ||
    /^(ECONNREFUSED|ECONNRESET|ENOENT|EPIPE|ETIMEDOUT|ENOTFOUND)$/.test(code) ||
    /Connection terminated|timeout exceeded when trying to connect|Query read timeout/.test(message)
  );
}

/** Whether the database is there and cannot write now: it is full, takes too long, was in the way of itself, or only reads. */
export function isWriteFault(error: unknown): boolean {
  const { code = '' } = error as { code?: string };
  return /^(53|40|57014|25006)/.test(code);
}

/** Whether a unique index said no: somebody else was there first. */
export function isTaken(error: unknown, constraint?: string): boolean {
  const { code, constraint: violated } = error as { code?: string; constraint?: string };
  return code === '23505' && (constraint === undefined || violated === constraint);
}

/** Whether the server ended the transaction since it and another one waited for each other. */
export const isDeadlock = (error: unknown): boolean => (error as { code?: string }).code === '40P01';

/** Whether something still refers to the row, or it refers to what is not there. */
export function isReferenced(error: unknown, constraint?: string): boolean {
  const { code, constraint: violated } = error as { code?: string; constraint?: string };
  return code === '23503' && (constraint === undefined || violated === constraint);
}

/** So many milliseconds from now, by the database’s clock. */
export const soon = (ms: number) => sql<Date>`now() + ${ms} * interval '1 millisecond'`;

/** The host of a URL: of `https://user@host:8443/path`, of `[::1]` as well, and of `user@host:path`. */
export const hostOfUrl = (url: RawBuilder<unknown>): RawBuilder<string> =>
  sql`coalesce(substring(lower(${url}) from '^(?:[a-z+]+://)?(?:[^/@]*@)?(\\[[^]]*\\]|[^/:]+)'), '')`;
