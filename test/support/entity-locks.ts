// The locks by which whoever decides where entities are waits for whoever relies on it, taken and watched from outside.
import pg from 'pg';
import { eventually } from './api.js';
import { sql } from './database.js';

/** As src/entities/entity-locks.repository.ts names them. */
const numberOf = (scope: string, kind: string): string =>
  `hashtext('${scope} ${kind} ' || id) & 63 as number`;

export class EntityLocks {
  constructor(
    private readonly databaseUrl: string,
    private readonly scope: string,
    private readonly kind: string,
  ) {}

  /** Names that begin so, each for another lock, in the order in which locks are taken: for all beginnings the same ones. */
  async names(prefix: string, count: number): Promise<string[]> {
    const rows = await sql<{ id: string }>(
      this.databaseUrl,
      `select min(id) as id from (
         select id, ${numberOf(this.scope, this.kind)} from (select $1 || n as id from generate_series(1, 500) as n) as named
       ) as numbered group by number order by number limit $2`,
      [prefix, count],
    );
    return rows.map(({ id }) => id);
  }

  /** Takes an entity's lock until it is let go. */
  async hold(id: string): Promise<() => Promise<void>> {
    const client = new pg.Client({ connectionString: this.databaseUrl });
    // Where a test fails, the database goes first.
    client.on('error', () => undefined);
    await client.connect();
    await client.query('begin');
    await this.#take(client, id);
    return () => client.end();
  }

  /** Takes an entity's lock and waits for what the statement takes; of those that wait for each other it is not the one that is ended. */
  async holdUntil(id: string, statement: string): Promise<void> {
    const client = new pg.Client({ connectionString: this.databaseUrl });
    await client.connect();
    try {
      await client.query(`begin; set local deadlock_timeout = '1min'`);
      await this.#take(client, id);
      await client.query(statement);
    } finally {
      await client.end();
    }
  }

  async #take(client: pg.Client, id: string): Promise<void> {
    await client.query(
      `select pg_advisory_xact_lock(hashtext($1), number) from (
         select ${numberOf(this.scope, this.kind)} from (select $2 as id) as named
       ) as numbered`,
      [this.scope, id],
    );
  }

  /** Waits until somebody waits for a lock at this statement, and answers the name of that transaction. */
  waiting(statement: string): Promise<string> {
    return eventually(async () => {
      const [row] = await sql<{ name: string }>(
        this.databaseUrl,
        `select pid || ' ' || xact_start as name from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock' and query like $1`,
        [`%${statement}%`],
      );
      return row?.name;
    }, `somebody to wait at ${statement}`);
  }
}
