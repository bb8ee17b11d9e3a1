// Connectors whose credential is in a store, named by where it is there: read at every use, and held to by the secret manager.
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type Json } from '../support/api.js';
import { sql } from '../support/database.js';
import type { VaultServer } from '../support/secret-servers/vault.js';
import type { Stack } from '../support/stack.js';
import { PROJECT, SCOPE, VaultedStack } from '../support/vaulted-stack.js';

const REFERENCE = 'vault-kv://kv/team/git#password';
const ORG = `${SCOPE}/orgs/o`;

const world = new VaultedStack();
const { put, refused, managerOf, save } = world;
let stack: Stack;
let vault: VaultServer;

/** What a connector to the repository is put with. */
const referring = (reference: string, more: Record<string, unknown> = {}) => {
  const { repositoryUrl: url, accounts } = stack;
  const credential = { username: accounts.delegate.username, reference };
  return { url, connectivity: 'delegate', credential, ...more };
};
const refer = (id: string, reference: string, scope = SCOPE): Promise<Json> =>
  put(`connectors/${id}`, referring(reference), scope);
const check = (id: string, scope = SCOPE): Promise<Json> =>
  stack.api.ok('POST', `${scope}/connectors/${id}/check`);
const remove = (path: string, scope = SCOPE) => stack.api.request('DELETE', `${scope}/${path}`);

beforeAll(async () => {
  ({ stack, vault } = await world.start());
  vault.kv.put('team/git', { password: stack.accounts.delegate.password, 'ü b': 'x' });
  await refer('referring', REFERENCE);
});
afterAll(() => world.stop());

describe('a path reference', () => {
  it('is the credential of a save, and nothing of it is a secret here', async () => {
    const secrets = await sql(stack.databaseUrl, 'select id from secret order by id');
    const saved = await save('referring');
    expect(saved.status, saved.text).toBe(201);
    expect(await sql(stack.databaseUrl, 'select id from secret order by id')).toEqual(secrets);
  });

  it('is shown back, with the secret manager that it means', async () => {
    const connector = await stack.api.ok('GET', `${SCOPE}/connectors/referring`);
    expect(connector.credential).toEqual({
      username: stack.accounts.delegate.username,
      reference: REFERENCE,
      manager: 'kv',
      managerScope: SCOPE,
    });
  });

  it('is read anew at every use; one with a version stays at it', async () => {
    const { password } = stack.accounts.delegate;
    await refer('pinned', 'vault-kv://kv/team/git?version=1#password');
    vault.kv.put('team/git', { password: 'not the password' });
    expect((await save('referring')).body.code).toBe('GIT_AUTH_REJECTED');
    expect(await check('pinned')).toMatchObject({ ok: true });
    vault.kv.put('team/git', { password });
    expect(await check('referring')).toMatchObject({ ok: true });
  });

  it('asks of the road what a secret of its manager would', async () => {
    const { manager, carriedBy } = await stack.api.ok('POST', `${SCOPE}/explain`, { connector: 'referring' });
    expect(carriedBy).toMatch(/^d[0-9a-f]{16}$/);
    expect(manager).toEqual({
      eligible: false,
      reasons: [{ code: 'secret', detail: 'it cannot open secrets of kv' }],
    });
  });

  it.each([
    ['a path', 'vault-kv://kv/team/none#password', 'SECRET_NOT_IN_STORE', /nothing is at the path/],
    ['a field', 'vault-kv://kv/team/git#user', 'SECRET_NOT_IN_STORE', /no such field/],
    ['a version', 'vault-kv://kv/team/git?version=77#password', 'SECRET_NOT_IN_STORE', /not in this version/],
    ['what is no version there', 'vault-kv://kv/team/git?version=new', 'SECRET_NOT_IN_STORE', /numbers/],
    ['what is no path there', 'vault-kv://kv/team/g%20t', 'SECRET_NOT_IN_STORE', /no path that it can have/],
    ['what it may not read', 'vault-kv://kv/other/git', 'SECRET_MANAGER_DENIED', /./],
  ])('to %s that the store does not have ends the save with its own code', async (_, text, code, detail) => {
    await refer('wrong', text);
    const { body } = await save('wrong');
    expect(body).toMatchObject({ code, detail: expect.stringMatching(detail) });
    expect(body.detail).toContain('kv in accounts/demo');
  });

  it('goes past a secret of the same name as its connector', async () => {
    await put('secrets/referring', { manager: 'builtin', value: 'another' });
    expect(await check('referring')).toMatchObject({ ok: true });
    await stack.api.ok('DELETE', `${SCOPE}/secrets/referring`);
  });

  it('is on record as its connector’s, and not as a secret of the same name', async () => {
    await put('secrets/referring', { manager: 'builtin', value: 'another' });
    await check('referring');
    const recordsOf = async (path: string) => (await stack.api.ok('GET', `${SCOPE}/${path}`)).records;
    expect(await recordsOf('secrets/referring/audit')).toEqual([]);
    const subject = `${SCOPE}/connectors/referring`;
    const all = await recordsOf('secret-audit');
    expect(all.find((one: Json) => one.subject === subject && one.manager === 'kv')).toMatchObject({
      secret: 'connector:referring',
      outcome: 'opened',
    });
    await stack.api.ok('DELETE', `${SCOPE}/secrets/referring`);
  });
});

describe('what is no path reference', () => {
  it.each<[string, string, RegExp]>([
    ['of another kind of scheme', 'https://kv/team/git', /its kind is none of/],
    ['that climbs', 'vault-kv://kv/../sys/health', /its path climbs/],
    ['that climbs in disguise', 'vault-kv://kv/team%2F..%2Fgit', /not percent-encoded/],
    ['with a control character', 'vault-kv://kv/team%0agit', /control character/],
    ['with a user', 'vault-kv://canary:canary@kv/team/git', /its manager/],
    ['with a parameter it does not have', 'vault-kv://kv/team/git?field=x', /is not <kind/],
  ])('is refused: one %s', async (_, reference, rule) => {
    const asked = vault.seen.length;
    const problem = await refused('connectors/none', referring(reference));
    expect(problem).toMatchObject({ code: 'REQUEST_INVALID', detail: expect.stringMatching(rule) });
    expect((await stack.api.request('GET', `${SCOPE}/connectors/none`)).status).toBe(404);
    expect(vault.seen.length).toBe(asked);
  });

  it('is refused: a secret and a reference at once', async () => {
    const { credential, ...rest } = referring(REFERENCE);
    const both = { ...rest, credential: { ...credential, secret: 'git-delegated' } };
    expect((await refused('connectors/none', both)).code).toBe('REQUEST_INVALID');
  });

  it('is refused: a scheme that is not the kind of the secret manager', async () => {
    for (const reference of ['azure-key-vault://kv/git', 'vault-kv://transit/git', 'vault-kv://keyring/git'])
      expect(await refused('connectors/none', referring(reference))).toMatchObject({
        code: 'SECRET_MANAGER_UNFIT',
        detail: expect.stringContaining('the reference says'),
        hint: expect.stringContaining('Begin the reference'),
      });
  });

  it('is refused: a secret manager that is not there, and the builtin one', async () => {
    for (const name of ['none', 'builtin', 'org.kv'])
      expect(await refused('connectors/none', referring(`vault-kv://${name}/git`))).toMatchObject({
        code: 'NOT_FOUND',
        detail: `There is no secret manager ${name} in this scope`,
      });
  });

  it('is refused as the credential of a secret manager: no chain is made', async () => {
    const chained = { ...managerOf({ kind: 'vault-kv' }), credential: REFERENCE };
    expect((await refused('secret-managers/chained', chained)).code).toBe('REQUEST_INVALID');
  });

  it('is refused as the path of a secret’s reference as well', async () => {
    for (const path of ['team/../git', 'team\u0000', 'team/', 'a\\b'])
      expect((await refused('secrets/none', { manager: 'kv', reference: { path } })).code).toBe(
        'REQUEST_INVALID',
      );
  });
});

describe('connectivity manager', () => {
  it('cannot have a path reference, and cannot be switched to with one', async () => {
    for (const id of ['none', 'referring'])
      expect(
        await refused(`connectors/${id}`, referring(REFERENCE, { connectivity: 'manager' })),
      ).toMatchObject({ code: 'SECRET_OUT_OF_REACH', hint: expect.stringContaining('to delegate') });
    expect(await check('referring')).toMatchObject({ ok: true, connectivity: 'delegate' });
  });

  it('is switched to with a builtin secret, and back', async () => {
    await refer('switched', REFERENCE);
    const { username } = stack.accounts.manager;
    const direct = { ...referring(REFERENCE), connectivity: 'manager' };
    const moved = await put('connectors/switched', {
      ...direct,
      credential: { username, secret: 'git-direct' },
    });
    expect(moved.credential).toEqual({ username, secret: 'git-direct', secretScope: SCOPE });
    expect(await check('switched')).toMatchObject({ ok: true, connectivity: 'manager' });
    await refer('switched', REFERENCE);
    expect(await check('switched')).toMatchObject({ ok: true, connectivity: 'delegate' });
    const { credential: _, ...anonymous } = referring(REFERENCE);
    expect((await put('connectors/switched', anonymous)).credential).toBeNull();
  });

  it('is kept away from it by the database, too', async () => {
    const move = `update connector set connectivity = 'manager' where id = 'referring'`;
    await expect(sql(stack.databaseUrl, move)).rejects.toThrow('connector_reference_alone');
  });
});

describe('a secret manager of a wider scope', () => {
  it('is referred to from within, by its name or by the very place', async () => {
    for (const [n, name] of ['kv', 'account.kv'].entries()) {
      const { credential } = await refer(`inner-${n}`, `vault-kv://${name}/team/git#password`, PROJECT);
      expect(credential).toMatchObject({ manager: 'kv', managerScope: SCOPE });
      expect(await check(`inner-${n}`, PROJECT)).toMatchObject({ ok: true });
    }
  });

  it('is not referred to from further out', async () => {
    await put('secret-managers/inner', managerOf({ kind: 'vault-kv' }), PROJECT);
    const inner = referring('vault-kv://inner/team/git#password');
    for (const scope of [SCOPE, ORG])
      expect((await refused('connectors/outer', inner, scope)).code).toBe('NOT_FOUND');
    const outwards = `update connector set manager_scope = $1, manager_id = 'inner' where id = 'referring'`;
    await expect(sql(stack.databaseUrl, outwards, [PROJECT])).rejects.toThrow('connector_reference_outwards');
  });

  it('is not exchanged by a nearer one of the same name that comes later', async () => {
    await put('secret-managers/kv', managerOf({ kind: 'vault-kv', mount: 'elsewhere' }), ORG);
    expect(await check('inner-0', PROJECT)).toMatchObject({ ok: true });
    await stack.api.ok('DELETE', `${ORG}/secret-managers/kv`);
  });
});

describe('a secret manager that connectors refer to', () => {
  const held = async () => {
    await put('secret-managers/held', managerOf({ kind: 'vault-kv' }));
    await refer('holding', 'vault-kv://held/team/git#password', PROJECT);
  };
  const used = { code: 'STILL_IN_USE', detail: expect.stringContaining(`${PROJECT}/connectors/holding`) };

  it('is not deleted, and the answer names them', async () => {
    await held();
    const { status, body } = await remove('secret-managers/held');
    expect([status, body]).toEqual([409, expect.objectContaining(used)]);
    await stack.api.ok('DELETE', `${PROJECT}/connectors/holding`);
    expect((await remove('secret-managers/held')).status).toBe(204);
  });

  it('keeps what the references stand on; its address and credential may change', async () => {
    await held();
    for (const change of [{ mount: 'other' }, { namespace: 'other' }])
      expect(await refused('secret-managers/held', managerOf({ kind: 'vault-kv', ...change }))).toMatchObject(
        used,
      );
    const moved = managerOf({ kind: 'vault-kv', address: vault.address.replace('127.0.0.1', 'localhost') });
    await put('secret-managers/held', { ...moved, tags: [] });
    await stack.api.ok('DELETE', `${PROJECT}/connectors/holding`);
    await put('secret-managers/held', managerOf({ kind: 'vault-kv', mount: 'other' }));
    expect((await remove('secret-managers/held')).status).toBe(204);
  });

  /** Does `change` in a transaction, asks meanwhile, and ends the transaction when the one that asks is seen to wait. */
  async function amid<T>(change: string, ask: () => Promise<T>): Promise<T> {
    const client = new pg.Client({ connectionString: stack.databaseUrl });
    await client.connect();
    try {
      await client.query(`begin; ${change}`);
      const answer = ask();
      await eventually(async () => {
        const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
        return (await sql(stack.databaseUrl, waiting)).length > 0;
      }, 'the request to wait');
      await client.query('commit');
      return await answer;
    } finally {
      await client.end();
    }
  }

  it('that is deleted at the same moment is not there for the connector', async () => {
    await put('secret-managers/racing', managerOf({ kind: 'vault-kv' }));
    const problem = await amid(`delete from secret_manager where id = 'racing'`, () =>
      refused('connectors/racing', referring('vault-kv://racing/team/git')),
    );
    expect(problem).toMatchObject({ code: 'NOT_FOUND', detail: expect.stringContaining('manager racing') });
  });

  it('that is made anew as another kind at the same moment does not fit', async () => {
    await put('secret-managers/racing', managerOf({ kind: 'vault-kv' }));
    const change = `update secret_manager set settings = '{"kind": "keyring"}' where id = 'racing'`;
    const problem = await amid(change, () =>
      refused('connectors/racing', referring('vault-kv://racing/team/git')),
    );
    expect(problem.code).toBe('SECRET_MANAGER_UNFIT');
    await remove('secret-managers/racing');
  });

  it('is not edited away beneath a connector that is written at the same moment', async () => {
    await put('secret-managers/racing', managerOf({ kind: 'vault-kv' }));
    const insert = `insert into connector (scope, id, url, connectivity, username, reference, manager_scope, manager_id, revision)
      values ('${SCOPE}', 'racing', 'https://git.example/a', 'delegate', 'x', 'vault-kv://racing/a', '${SCOPE}', 'racing', '1')`;
    const problem = await amid(insert, () =>
      refused('secret-managers/racing', managerOf({ kind: 'vault-kv', mount: 'other' })),
    );
    expect(problem).toMatchObject({
      code: 'STILL_IN_USE',
      detail: expect.stringContaining('connectors/racing'),
    });
    await remove('connectors/racing');
    await remove('secret-managers/racing');
  });

  it('is there or the connector is not, whichever of many comes first', async () => {
    const outcomes = new Set<string>();
    for (let round = 0; round < 20; round += 1) {
      await put('secret-managers/racing', managerOf({ kind: 'vault-kv' }));
      const body = referring('vault-kv://racing/team/git');
      const [written, deleted] = await Promise.all([
        stack.api.request('PUT', `${SCOPE}/connectors/racing`, body),
        remove('secret-managers/racing'),
      ]);
      outcomes.add(`${written.status} ${deleted.status}`);
      await remove('connectors/racing');
      await remove('secret-managers/racing');
    }
    expect([...outcomes].filter((one) => one !== '201 409' && one !== '404 204')).toEqual([]);
  });
});

it('a reference that was damaged behind the API’s back opens nothing', async () => {
  await refer('damaged', REFERENCE);
  await sql(stack.databaseUrl, `update connector set reference = 'vault-kv://kv/../x' where id = 'damaged'`);
  const { status, body } = await save('damaged');
  expect([status, body.code]).toEqual([422, 'SECRET_UNREADABLE']);
});
