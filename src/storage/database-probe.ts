// What a database is to whoever uses it under this URL: found by asking, over a connection as the manager makes it. Nothing is changed.
import pg from 'pg';
import { isConnectionFault, SESSION_OPTIONS } from './database.js';
import { migrations } from './migrations.js';

export interface DatabaseFacts {
  /** 150018 for 15.18. */
  version: number;
  /** By the database’s clock, in the middle of the question. Milliseconds since 1970. */
  now: number;
  /** By this clock, then. */
  here: number;
  user: string;
  isSuperuser: boolean;
  isEncrypted: boolean;
  /** Over a unix socket, which never leaves the machine. */
  isLocal: boolean;
  /** How the server had the user prove who it is. */
  proof: Proof;
  synchronousCommit: string;
  fsync: string;
  statementTimeout: string;
  idleTimeout: string;
  /** Whether anybody may make tables beside ours. */
  isPublicOpen: boolean;
  /** Tables of ours that the user owns. */
  owned: number;
  /** Tables whose rows are to stay, and that the user may change. */
  changeable: string[];
  /** Names of migrations that were run; null where none ever was. */
  migrated: string[] | null;
  /** Versions of the managers that are connected. */
  managers: string[];
  /** Ids of the master keys that secrets are sealed with; undefined where no manager has ever run. */
  masterKeys: { active: string; retained: string[] } | undefined;
}

/** `none`: no proof was asked for. `certificate` counts as `none` before PostgreSQL 16, which cannot tell. */
export type Proof = 'none' | 'plain' | 'md5' | 'scram' | 'other';

const CONNECT_MS = 5_000;
/** Under this name, followed by its version, a manager is connected. */
export const MANAGER_NAME = 'sallyport-manager/';
const LASTING_TABLES = ['audit_entry', 'audit_head', 'secret_audit'];

const QUESTION = `
select current_setting('server_version_num')::int as version,
  extract(epoch from clock_timestamp())::float8 * 1000 as now,
  current_user as user,
  (select rolsuper from pg_roles where rolname = current_user) as "isSuperuser",
  coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as "isEncrypted",
  inet_server_addr() is null as "isLocal",
  current_setting('synchronous_commit') as "synchronousCommit",
  current_setting('fsync') as fsync,
  current_setting('statement_timeout') as "statementTimeout",
  current_setting('idle_in_transaction_session_timeout') as "idleTimeout",
  exists (
    select 1 from pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) as given
    where n.nspname = current_schema() and given.grantee = 0 and given.privilege_type = 'CREATE'
  ) as "isPublicOpen",
  (
    select count(*)::int from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_roles r on r.oid = c.relowner
    where n.nspname = current_schema() and c.relkind in ('r', 'p') and r.rolname = current_user
  ) as owned,
  array(
    select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = current_schema() and c.relname = any($1)
      and has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE')
    order by 1
  ) as changeable,
  to_regclass('kysely_migration') is not null as "isMigrated",
  array(
    select distinct substr(application_name, length($2) + 1) from pg_stat_activity
    where datname = current_database() and starts_with(application_name, $2)
    order by 1
  ) as managers
`;

/** @returns why it cannot be asked, in words of PostgreSQL or of the network, where that is so */
export async function probeDatabase(databaseUrl: string): Promise<DatabaseFacts | string> {
  const client = new pg.Client({
    options: SESSION_OPTIONS,
    connectionString: databaseUrl,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: CONNECT_MS,
  });
  client.on('error', () => undefined);
  const proof = listenForProof(client);
  try {
    await client.connect();
    const began = Date.now();
    const { rows } = await client.query(QUESTION, [LASTING_TABLES, MANAGER_NAME]);
    const here = (began + Date.now()) / 2;
    const { isMigrated, ...facts } = rows[0] as Omit<
      DatabaseFacts,
      'here' | 'proof' | 'migrated' | 'masterKeys'
    > & {
      isMigrated: boolean;
    };
    const asked = proof();
    return {
      ...facts,
      here,
      proof: asked === 'none' && facts.version >= 160_000 ? await proofBy(client) : asked,
      migrated: isMigrated ? await migratedIn(client) : null,
      masterKeys: isMigrated ? await masterKeysIn(client) : undefined,
    };
  } catch (error) {
    if (!isConnectionFault(error) && (error as { code?: string }).code === undefined) throw error;
    return (error as Error).message;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Migrations of this version that were not run, and those that were run and are of another. */
export function compareMigrations(migrated: string[]): { missing: string[]; unknown: string[] } {
  const known = Object.keys(migrations);
  return {
    missing: known.filter((name) => !migrated.includes(name)),
    unknown: migrated.filter((name) => !known.includes(name)),
  };
}

async function migratedIn(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>('select name from kysely_migration order by name');
  return rows.map(({ name }) => name);
}

/** Of a database that is older than master keys nothing is known. */
async function masterKeysIn(client: pg.Client): Promise<DatabaseFacts['masterKeys']> {
  const { rows } = await client
    .query<{ id: string; isActive: boolean }>(
      'select id, id = (select master_key_id from deployment) as "isActive" from master_key order by id',
    )
    .catch(() => ({ rows: [] }));
  const active = rows.find(({ isActive }) => isActive)?.id;
  if (active === undefined) return undefined;
  return { active, retained: rows.filter(({ isActive }) => !isActive).map(({ id }) => id) };
}

/** Of a connection for which no password was asked: a certificate may have stood in for one. */
async function proofBy(client: pg.Client): Promise<Proof> {
  const { rows } = await client.query<{ proof: string | null }>('select system_user as proof');
  const proof = rows[0]?.proof ?? null;
  return proof === null ? 'none' : 'other';
}

/** The driver hears what the server asks for, and does not say so. */
function listenForProof(client: pg.Client): () => Proof {
  let proof: Proof = 'none';
  const { connection } = client as unknown as { connection: NodeJS.EventEmitter };
  const asks: [event: string, means: Proof][] = [
    ['authenticationCleartextPassword', 'plain'],
    ['authenticationMD5Password', 'md5'],
    ['authenticationSASL', 'scram'],
  ];
  for (const [event, means] of asks)
    connection.prependListener(event, () => {
      proof = means;
    });
  return () => proof;
}
