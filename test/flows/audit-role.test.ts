// What the role that managers run as may do to the audit: add to it, through one function, and nothing else.
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyLines } from '../../src/trail/verify.js';
import { Api } from '../support/api.js';
import { sql } from '../support/database.js';
import { runCommand, startManager } from '../support/processes.js';
import { Stack } from '../support/stack.js';

const SCOPE = 'accounts/demo';
const ROLE = 'sallyport_application';

let stack: Stack;

beforeAll(async () => {
  stack = await Stack.start('real', { delegates: 0 });
});
afterAll(() => stack.stop());

describe('the role of the application', () => {
  let url = '';
  const asRole = (text: string): Promise<unknown> => sql(url, text);

  beforeAll(async () => {
    await sql(stack.databaseUrl, `drop role if exists ${ROLE}`).catch(() => undefined);
    await sql(stack.databaseUrl, `create role ${ROLE} login password 'application'`);
    const own = new URL(stack.databaseUrl);
    own.username = ROLE;
    own.password = 'application';
    url = own.href;
    for (let times = 0; times < 2; times++) {
      const { code, stderr } = await runCommand('src/migrate.js', ['--grant', ROLE], {
        env: { DATABASE_URL: stack.databaseUrl },
      });
      if (code !== 0) throw new Error(stderr);
    }
  });
  afterAll(async () => {
    await sql(stack.databaseUrl, `drop owned by ${ROLE}`);
    await sql(stack.databaseUrl, `drop role ${ROLE}`);
  });

  it.each([
    `update audit_entry set entry = '{}'`,
    'delete from audit_entry',
    'truncate audit_entry',
    `insert into audit_entry select * from audit_entry limit 1`,
    'update audit_head set position = position + 1',
    `insert into audit_head values ('accounts/x', 0, sha256('x'))`,
    'alter table audit_entry disable trigger all',
    'drop trigger audit_entry_stays on audit_entry',
    'drop function audit_append(text, text[])',
    'create or replace function audit_append(trail text, entries text[]) returns bigint language sql as $$ select 1::bigint $$',
    'create table public.mine (x int)',
    `update secret_audit set note = 'x'`,
    'delete from secret_audit',
    `insert into kysely_migration values ('9999-x', 'now')`,
  ])('may not: %s', async (change) => {
    await expect(asRole(change)).rejects.toThrow(/permission denied|must be owner/);
  });

  it('is refused what is no entry of that account', async () => {
    const entry = {
      at: new Date(),
      actor: { kind: 'x', id: 'x', name: 'x' },
      action: 'x',
      target: '',
      outcome: 'done',
    };
    const append = (scope: string): Promise<unknown> =>
      sql(url, 'select audit_append($1, $2::text[])', [SCOPE, [JSON.stringify({ ...entry, scope })]]);
    await expect(append('accounts/other')).rejects.toThrow('violates check constraint');
    await expect(append(`${SCOPE}x`)).rejects.toThrow('violates check constraint');
  });

  it('runs a manager, whose acts are on record', async () => {
    const home = path.join(stack.home, 'as-role');
    fs.cpSync(path.join(stack.home, 'manager'), home, { recursive: true });
    const env = { ...stack.managerEnvironment(), DATABASE_URL: url, SALLYPORT_DATA_DIR: home };
    const manager = await startManager({ env });
    try {
      const api = new Api(manager.url, stack.token);
      const saved = await api.save(
        'by-role',
        'name: by-role\n',
        { connector: 'direct', branch: 'main' },
        { prefer: 'wait=30' },
      );
      expect(saved.status, saved.text).toBe(201);
      await api.ok('PUT', `${SCOPE}/secrets/by-role`, { manager: 'builtin', value: 'x' });
      await api.ok('DELETE', `${SCOPE}/secrets/by-role`);
    } finally {
      await manager.kill('SIGTERM');
    }
    const { entries } = await stack.api.ok('GET', `${SCOPE}/audit?target=secrets/by-role`);
    expect(entries.map(({ action }: { action: string }) => action)).toEqual(['secret.delete', 'secret.put']);
    const { text } = await stack.api.request('GET', `${SCOPE}/audit/export`);
    expect((await verifyLines(text.split('\n'))).findings).toEqual([]);
  });
});
