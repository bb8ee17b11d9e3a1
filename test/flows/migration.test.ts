// A database that an earlier version left: what it held is there afterwards, and usable.
import { randomUUID } from 'node:crypto';
import { Kysely, PostgresDialect } from 'kysely';
import { Migrator } from 'kysely/migration';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { allPermissions } from '../../src/identity/permissions.js';
import { migrations } from '../../src/storage/migrations.js';
import { sql } from '../support/database.js';
import { createDatabase } from '../support/stack.js';

const versions = { plain: randomUUID(), sealed: randomUUID(), other: randomUUID() };
let url = '';
let drop: () => Promise<void> = async () => undefined;

beforeAll(async () => {
  ({ url, drop } = await createDatabase(inject('embeddedPostgres'), { from: 'template1' }));
  const before = Object.fromEntries(Object.entries(migrations).filter(([name]) => name < '0005'));
  await migrate(before);
  await sql(
    url,
    `insert into scope (path, account, display_name) values ('accounts/a', 'accounts/a', 'A'), ('accounts/b', 'accounts/b', 'B')`,
  );
  await sql(
    url,
    `insert into scope (path, parent, account, display_name) values ('accounts/a/orgs/o', 'accounts/a', 'accounts/a', 'O')`,
  );
  const secret = `insert into secret (scope, id, manager, version, envelope) values ($1, $2, $3, $4, $5)`;
  await sql(url, secret, ['accounts/a', 'plain', 'builtin', versions.plain, { version: versions.plain }]);
  await sql(url, secret, [
    'accounts/a/orgs/o',
    'sealed',
    'keyring',
    versions.sealed,
    { version: versions.sealed },
  ]);
  await sql(url, secret, ['accounts/b', 'other', 'builtin', versions.other, { version: versions.other }]);
  await sql(
    url,
    `insert into connector (scope, id, url, connectivity, username, secret_scope, secret_id, revision) values
     ('accounts/a', 'direct', 'https://git.example/a', 'manager', 'x', 'accounts/a', 'plain', '1'),
     ('accounts/a', 'delegated', 'https://git.example/a', 'delegate', 'x', 'accounts/a/orgs/o', 'sealed', '1')`,
  );
  await migrate(Object.fromEntries(Object.entries(migrations).filter(([name]) => name < '0032')));
  const token = `insert into token (id, account, name, hash, expires_at, rights) values ($1, $2, $1, $3, now(), $4)`;
  await sql(url, token, ['plain', 'accounts/a', Buffer.from('1'), []]);
  await sql(url, token, ['forcing', 'accounts/a', Buffer.from('2'), ['force']]);
  await sql(url, token, ['lost', 'accounts/gone', Buffer.from('3'), []]);
  await migrate(migrations);
});
afterAll(() => drop());

async function migrate(some: typeof migrations): Promise<void> {
  const db = new Kysely({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) }) });
  const { error } = await new Migrator({
    db,
    provider: { getMigrations: async () => some },
  }).migrateToLatest();
  await db.destroy();
  if (error !== undefined) throw error;
}

it('secrets keep their value as the first of their versions, and who keeps them', async () => {
  const rows = await sql(
    url,
    `select s.scope, s.id, s.kind, s.manager_scope, s.manager_id, v.number, v.stored->>'version' as version
     from secret s join secret_version v on v.id = s.version order by s.id`,
  );
  expect(rows).toEqual([
    {
      scope: 'accounts/b',
      id: 'other',
      kind: 'text',
      manager_scope: null,
      manager_id: null,
      number: 1,
      version: versions.other,
    },
    {
      scope: 'accounts/a',
      id: 'plain',
      kind: 'text',
      manager_scope: null,
      manager_id: null,
      number: 1,
      version: versions.plain,
    },
    {
      scope: 'accounts/a/orgs/o',
      id: 'sealed',
      kind: 'text',
      manager_scope: 'accounts/a',
      manager_id: 'keyring',
      number: 1,
      version: versions.sealed,
    },
  ]);
});

it('an account that used a keyring has one, and no other account', async () => {
  const rows = await sql(url, 'select scope, id, settings from secret_manager');
  expect(rows).toEqual([{ scope: 'accounts/a', id: 'keyring', settings: { kind: 'keyring' } }]);
});

it('connectors that the manager serves hold their secrets within its reach from now on', async () => {
  const move = `update secret set manager_scope = 'accounts/a', manager_id = 'keyring' where id = $1`;
  await expect(sql(url, move, ['plain'])).rejects.toThrow('connector_reach');
  await sql(url, `update secret set manager_scope = null, manager_id = null where id = 'sealed'`);
});

it('tokens can do what they could before there were roles', async () => {
  expect(await sql(url, 'select id, scope, role from token order by id')).toEqual([
    { id: 'forcing', scope: 'accounts/a', role: 'admin' },
    { id: 'plain', scope: 'accounts/a', role: 'unforced' },
  ]);
  const roles = await sql<{ account: string; permissions: string[] }>(url, 'select * from role');
  expect(roles.map(({ account }) => account)).toEqual(['accounts/a']);
  const lacking = allPermissions.filter((name) => roles[0]?.permissions.includes(name) === false);
  expect(lacking).toEqual(['secret.force']);
});
