// Databases of a test's own, and what is in them behind the API's back.
import { randomBytes } from 'node:crypto';
import pg from 'pg';

/** Runs `work` while this statement's transaction is open, and its locks are held. */
export async function holding<T>(url: string, text: string, work: () => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('begin');
    const { rowCount } = await client.query(text);
    if (rowCount === 0) throw new Error(`Nothing is held by ${text}`);
    return await work();
  } finally {
    await client.end();
  }
}

/** Whether somebody waits for a lock in this database. */
export async function isAwaited(url: string): Promise<boolean> {
  const rows = await sql(
    url,
    `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return rows.length > 0;
}

export async function sql<Row extends pg.QueryResultRow>(
  url: string,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}

/** What global-setup.ts has brought up to date. To copy it takes less than to migrate. */
export const MIGRATED = 'sallyport_migrated';

export interface NewDatabase {
  name?: string;
  /** What it is a copy of. In `template1` there is nothing. */
  from?: typeof MIGRATED | 'template1';
}

/** A database of its own, with empty tables unless told otherwise. `admin` is a URL that ends in `/postgres`, its query aside. */
export async function createDatabase(
  admin: string,
  { name = `test_${randomBytes(6).toString('hex')}`, from = MIGRATED }: NewDatabase = {},
): Promise<{ url: string; drop: () => Promise<void> }> {
  await sql(admin, `create database ${name} template ${from}`);
  return {
    url: admin.replace('/postgres', `/${name}`),
    drop: async () => void (await sql(admin, `drop database if exists ${name} with (force)`)),
  };
}
