// What is asked of the records of opened secrets, and who could open one.
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../support/api.js';
import { sql } from '../support/database.js';
import { Stack } from '../support/stack.js';

const SCOPE = 'accounts/demo';
const PROJECT = `${SCOPE}/orgs/o/projects/p`;
const VAULT = { kind: 'vault-kv', address: 'http://127.0.0.1:9', auth: { method: 'token' } };

let stack: Stack;
let delegate: string;

const audit = (path: string, scope = SCOPE): Promise<Json> => stack.api.ok('GET', `${scope}/${path}`);
const put = (path: string, body: unknown, scope = SCOPE): Promise<Json> =>
  stack.api.ok('PUT', `${scope}/${path}`, body);
const check = (connector: string, scope = SCOPE): Promise<Json> =>
  stack.api.ok('POST', `${scope}/connectors/${connector}/check`);
const connect = (id: string, secret: string, scope = SCOPE): Promise<Json> => {
  const { username } = stack.accounts.manager;
  const credential = { username, secret };
  return put(`connectors/${id}`, { url: stack.repositoryUrl, connectivity: 'manager', credential }, scope);
};

beforeAll(async () => {
  stack = await Stack.start('embedded');
  for (const scope of [`${SCOPE}/orgs/o`, PROJECT]) await stack.api.ok('PUT', scope, {});
  delegate = (await audit('delegates')).delegates[0].id;
  for (const connector of ['direct', 'direct', 'direct', 'direct', 'delegated']) await check(connector);
});
afterAll(() => stack.stop());

describe('the records', () => {
  it('are never changed', async () => {
    for (const change of [
      `update secret_audit set actors = '{}'`,
      'delete from secret_audit',
      'truncate secret_audit',
    ])
      await expect(sql(stack.databaseUrl, change)).rejects.toThrow('are never changed');
  });

  it('come page by page, newest first', async () => {
    const all = (await audit('secrets/git-direct/audit')).records.map(({ id }: Json) => id);
    expect(all.length).toBeGreaterThan(3);
    const paged: string[] = [];
    for (let cursor = ''; ; ) {
      const page = await audit(`secrets/git-direct/audit?limit=2${cursor}`);
      paged.push(...page.records.map(({ id }: Json) => id));
      if (page.nextCursor === null) break;
      cursor = `&cursor=${page.nextCursor}`;
    }
    expect(paged).toEqual(all);
  });

  it('of a scope are those of it and within; of a secret, those of its scope alone', async () => {
    await put('secrets/git-direct', { manager: 'builtin', value: 'x' }, PROJECT);
    await connect('inner', 'git-direct', PROJECT);
    await check('inner', PROJECT);
    const scopesOf = async (path: string, scope?: string): Promise<Set<string>> =>
      new Set((await audit(path, scope)).records.map((one: Json) => one.scope));
    expect(await scopesOf('secret-audit?secret=git-direct')).toEqual(new Set([SCOPE, PROJECT]));
    expect(await scopesOf('secret-audit', PROJECT)).toEqual(new Set([PROJECT]));
    expect(await scopesOf('secrets/git-direct/audit')).toEqual(new Set([SCOPE]));
  });

  it('are found by caller and time', async () => {
    const { records } = await audit('secret-audit?limit=1');
    const { at } = records[0];
    const found = async (query: string): Promise<number> =>
      (await audit(`secret-audit?${query}`)).records.length;
    expect(await found('actor=admin&limit=1')).toBe(1);
    expect(await found('actor=nobody')).toBe(0);
    expect(await found(`since=${at}&until=${at}`)).toBe(0);
    expect(await found(`since=${at}&limit=1`)).toBe(1);
    expect(await found('until=2020-01-01T00:00:00Z')).toBe(0);
  });

  it('outlive the secret', async () => {
    await put('secrets/passing', { manager: 'builtin', value: 'x' });
    await connect('passing', 'passing');
    await check('passing');
    for (const path of ['connectors/passing', 'secrets/passing'])
      await stack.api.ok('DELETE', `${SCOPE}/${path}`);
    expect((await audit('secrets/passing/audit')).records).toHaveLength(1);
  });

  it('hold no value', async () => {
    await audit('secret-audit');
    const rows = await sql<{ row: string }>(stack.databaseUrl, 'select t::text as row from secret_audit t');
    const file = fs.readFileSync(`${stack.home}/delegate/audit.log`, 'utf8');
    const text = `${rows.map(({ row }) => row).join('\n')}${file}`;
    expect(text).toContain('git-delegated');
    for (const { password } of Object.values(stack.accounts)) expect(text).not.toContain(password);
  });
});

describe('who may open a secret', () => {
  it('is the manager where it is builtin, and whoever it is lent to', async () => {
    await put('secrets/vault-token', { manager: 'builtin', value: 'x' });
    await put('secret-managers/kv', { settings: VAULT, credential: 'vault-token' });
    expect(await audit('secrets/vault-token/access')).toEqual({
      manager: true,
      delegates: [],
      connectors: [],
      secretManagers: [`${SCOPE}/secret-managers/kv`],
      subscriptions: [],
      webhooks: [],
      identityProviders: [],
    });
    expect((await audit('secrets/git-direct/access')).connectors).toContain(`${SCOPE}/connectors/direct`);
  });

  it('is every delegate that fits its secret manager', async () => {
    const reference = { path: 'team/git' };
    await put('secrets/referred', { manager: 'kv', reference });
    await put('secret-managers/tagged', { settings: VAULT, credential: 'vault-token', tags: ['hsm'] });
    await put('secrets/tagged', { manager: 'tagged', reference });
    const openersOf = async (id: string) => {
      const { manager, delegates } = await audit(`secrets/${id}/access`);
      return { manager, delegates: delegates.map((one: Json) => one.id) };
    };
    expect(await openersOf('git-delegated')).toEqual({ manager: false, delegates: [delegate] });
    expect(await openersOf('referred')).toEqual({ manager: false, delegates: [delegate] });
    expect(await openersOf('tagged')).toEqual({ manager: false, delegates: [] });
  });

  it('is a delegate of a narrower scope as well where a keyring keeps it, and not where a store does', async () => {
    await stack.startDelegate(undefined, {}, { group: 'narrow', scope: PROJECT });
    const namesOf = async (id: string): Promise<string[]> =>
      (await audit(`secrets/${id}/access`)).delegates.map((one: Json) => one.group).toSorted();
    expect(await namesOf('git-delegated')).toEqual(['local', 'narrow']);
    expect(await namesOf('referred')).toEqual(['local']);
  });
});
