// A secret that is deleted although in use: for whom that is allowed, and that whoever names it fails and is never anonymous.
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type Json } from '../support/api.js';
import { sql } from '../support/database.js';
import { DocumentedApi } from '../support/documented-api.js';
import { runCommand } from '../support/processes.js';
import type { Stack } from '../support/stack.js';
import { PROJECT, SCOPE, VaultedStack } from '../support/vaulted-stack.js';

const world = new VaultedStack();
const { put, managerOf, connect, save, seal } = world;
let stack: Stack;
let api: DocumentedApi;

const builtin = (value = 'x') => ({ manager: 'builtin', value });
const reference = { path: 'team/git', field: 'password' };
const force = (id: string, scope = SCOPE) => api.request('DELETE', `${scope}/secrets/${id}?force=true`);
const rowOf = async (id: string) =>
  (await sql(stack.databaseUrl, 'select * from secret where id = $1', [id]))[0];
const versionsOf = (id: string) =>
  sql(stack.databaseUrl, 'select id from secret_version where secret_id = $1', [id]);
const makeToken = (...args: string[]) =>
  runCommand('src/token.js', ['--account', 'demo', ...args], { env: { DATABASE_URL: stack.databaseUrl } });

beforeAll(async () => {
  ({ stack } = await world.start());
  api = await DocumentedApi.open(stack.api);
  world.vault.kv.put('team/git', { password: stack.accounts.delegate.password });
});
afterAll(() => world.stop());

describe('the permission to it', () => {
  it('has a token of an admin, and none of a role without it', async () => {
    await put('secrets/guarded', builtin());
    await connect('guarded', 'guarded');
    const unforced = { permissions: ['secret.view', 'secret.manage'] };
    await api.ok('PUT', 'accounts/demo/roles/unforced', unforced);
    const plain = api.with((await makeToken('--role', 'unforced')).stdout.trim());
    const refused = await plain.request('DELETE', `${SCOPE}/secrets/guarded?force=true`);
    expect([refused.status, refused.body]).toEqual([
      403,
      expect.objectContaining({
        code: 'PERMISSION_MISSING',
        detail: expect.stringContaining('secret.force'),
      }),
    ]);
    const used = await plain.request('DELETE', `${SCOPE}/secrets/guarded?force=false`);
    expect(used.body.code).toBe('STILL_IN_USE');
    expect((await api.request('GET', `${SCOPE}/secrets/guarded`)).status).toBe(200);
    const entitled = api.with((await makeToken()).stdout.trim());
    expect((await entitled.request('DELETE', `${SCOPE}/secrets/guarded?force=true`)).status).toBe(204);
  });

  it('is needed where nothing uses the secret as well, and is none to anything else', async () => {
    await put('secrets/unused', builtin());
    const plain = api.with((await makeToken('--role', 'unforced')).stdout.trim());
    const refused = await plain.request('DELETE', `${SCOPE}/secrets/unused?force=true`);
    expect(refused.body.code).toBe('PERMISSION_MISSING');
    expect((await force('unused')).status).toBe(204);
    expect(await rowOf('unused')).toBeUndefined();
    const keyring = await api.request('DELETE', `${SCOPE}/secret-managers/keyring?force=true`);
    expect([keyring.status, keyring.body.code]).toEqual([409, 'STILL_IN_USE']);
  });

  it.each(['force=1', 'force=', 'force', 'force=true&force=true'])(
    'is not asked for by %s',
    async (query) => {
      expect((await api.request('DELETE', `${SCOPE}/secrets/none?${query}`)).status).toBe(400);
    },
  );

  it('has the admin token: one that lacks it is renewed when the manager starts', async () => {
    const before = stack.token;
    await sql(stack.databaseUrl, `update token set role = 'unforced' where name = 'admin'`);
    await stack.manager?.kill('SIGTERM');
    await stack.startManager();
    expect(stack.token).not.toBe(before);
    api = await DocumentedApi.open(stack.api);
    await put('secrets/renewed', builtin());
    expect((await force('renewed')).status).toBe(204);
    const kept = stack.token;
    await stack.manager?.kill('SIGTERM');
    await stack.startManager();
    expect(stack.token).toBe(kept);
    api = await DocumentedApi.open(stack.api);
    // Whoever asks next finds the delegate ready.
    await eventually(
      async () => (await api.ok('POST', `${SCOPE}/secret-managers/kv/check`)).ok,
      'the delegate to be known to the new manager',
    );
  });
});

describe('a connector whose secret was deleted by force', () => {
  const deleted = (id: string) => ({
    code: 'SECRET_DELETED',
    detail: `Secret ${id} in ${SCOPE} was deleted although in use`,
    hint: expect.stringContaining('anew'),
  });

  it.each(['manager', 'delegate'])('fails and is never anonymous: connectivity %s', async (connectivity) => {
    const id = `by-${connectivity}`;
    const { username, password } = stack.accounts.manager;
    await put(`secrets/${id}`, builtin(password));
    const credential = { username, secret: id };
    await put(`connectors/${id}`, { url: stack.repositoryUrl, connectivity, credential });
    expect((await save(id)).status).toBe(201);
    expect((await force(id)).status).toBe(204);
    expect((await save(id)).body).toMatchObject(deleted(id));
    const checked = await api.request('POST', `${SCOPE}/connectors/${id}/check`);
    expect([checked.status, checked.body]).toEqual([422, expect.objectContaining(deleted(id))]);
    const refreshed = await api.request('POST', `${SCOPE}/secrets/${id}/refresh`);
    expect(refreshed.body).toMatchObject(deleted(id));
    const explained = await api.request('POST', `${SCOPE}/explain`, { connector: id });
    expect(explained.body).toMatchObject(deleted(id));
    expect((await api.ok('GET', `${SCOPE}/connectors/${id}`)).credential).toEqual({
      ...credential,
      secretScope: SCOPE,
    });
  });

  it.each(['manager', 'delegate'])('works when it is put anew: connectivity %s', async (connectivity) => {
    const id = `by-${connectivity}`;
    const revived = await api.request(
      'PUT',
      `${SCOPE}/secrets/${id}`,
      builtin(stack.accounts.manager.password),
    );
    expect(revived.status).toBe(201);
    expect((await save(id)).status).toBe(201);
    const again = await api.request(
      'PUT',
      `${SCOPE}/secrets/${id}`,
      builtin(stack.accounts.manager.password),
    );
    expect([again.status, again.body.createdAt]).toEqual([200, revived.body.createdAt]);
  });

  it('names what cannot be read any more, and is told by the uses', async () => {
    await put('secrets/buried', { manager: 'kv', reference });
    await connect('buried', 'buried', {}, PROJECT);
    expect((await force('buried')).status).toBe(204);
    expect((await api.request('GET', `${SCOPE}/secrets/buried`)).status).toBe(404);
    const { secrets } = await api.ok('GET', `${SCOPE}/secrets?limit=1000`);
    expect(secrets.map(({ id }: Json) => id)).not.toContain('buried');
    expect(await api.ok('GET', `${SCOPE}/secrets/buried/uses`)).toEqual({
      count: 1,
      uses: [{ what: 'connector', scope: PROJECT, id: 'buried' }],
    });
    for (const query of ['', '?force=true'])
      expect((await api.request('DELETE', `${SCOPE}/secrets/buried${query}`)).status).toBe(404);
  });

  it('is not written anew with it, nor with one of its name further out', async () => {
    await put('secrets/layered', builtin());
    await put('secrets/layered', builtin(), PROJECT);
    await connect('layered', 'layered', {}, PROJECT);
    expect((await force('layered', PROJECT)).status).toBe(204);
    const credential = { username: 'x', secret: 'layered' };
    const body = { url: stack.repositoryUrl, connectivity: 'delegate', credential };
    const { body: problem } = await api.request('PUT', `${PROJECT}/connectors/layered`, body);
    expect(problem).toMatchObject({ code: 'SECRET_DELETED', detail: expect.stringContaining(PROJECT) });
    await connect('layered', 'account.layered', {}, PROJECT);
  });

  it('leaves nothing behind when it names another, or goes itself', async () => {
    expect(await rowOf('buried')).toBeDefined();
    await api.ok('DELETE', `${PROJECT}/connectors/buried`);
    expect(await rowOf('buried')).toBeUndefined();
    const rows = await sql(stack.databaseUrl, `select scope from secret where id = 'layered'`);
    expect(rows).toEqual([{ scope: SCOPE }]);
    expect((await api.request('GET', `${SCOPE}/secrets/buried/uses`)).status).toBe(404);
  });
});

describe('what was kept of a secret that was deleted by force', () => {
  it('is gone: its versions, what is on its way to it, and what a rewrap replaced', async () => {
    await put('secrets/emptied', await seal('emptied', 'one', 'transit'));
    await put('secrets/emptied', await seal('emptied', 'two', 'transit'));
    await connect('emptied', 'emptied');
    await sql(
      stack.databaseUrl,
      `insert into superseded_wrap (scope, secret_id, version, stored)
       select scope, secret_id, id, stored from secret_version where secret_id = 'emptied'`,
    );
    const body = await seal('emptied', 'three', 'transit');
    for (const one of stack.delegates.splice(0)) await one.kill('SIGTERM');
    expect((await api.request('PUT', `${SCOPE}/secrets/emptied`, body)).status).toBe(202);
    expect(await versionsOf('emptied')).toHaveLength(2);
    expect((await force('emptied')).status).toBe(204);
    expect(await versionsOf('emptied')).toEqual([]);
    for (const table of ['sealed_value', 'superseded_wrap'])
      expect(await sql(stack.databaseUrl, `select 1 from ${table} where secret_id = 'emptied'`)).toEqual([]);
    await stack.startDelegate();
    await eventually(
      async () => (await api.ok('POST', `${SCOPE}/secret-managers/kv/check`)).ok,
      'the delegate to take tasks',
    );
    expect((await api.request('GET', `${SCOPE}/secrets/emptied`)).status).toBe(404);
    expect((await save('emptied')).body.code).toBe('SECRET_DELETED');
  });

  it('was kept by a secret manager that stays until nobody names the secret any more', async () => {
    await put('secret-managers/lost', managerOf({ kind: 'vault-kv' }));
    await put('secrets/kept', { manager: 'lost', reference });
    await connect('kept', 'kept');
    expect((await force('kept')).status).toBe(204);
    const refused = await api.request('DELETE', `${SCOPE}/secret-managers/lost`);
    expect(refused.body).toMatchObject({
      code: 'STILL_IN_USE',
      detail: expect.stringContaining(`${SCOPE}/secrets/kept`),
    });
    await api.ok('DELETE', `${SCOPE}/connectors/kept`);
    expect((await api.request('DELETE', `${SCOPE}/secret-managers/lost`)).status).toBe(204);
  });

  it('comes back with a value of another secret manager', async () => {
    await put('secrets/moved', { manager: 'kv', reference });
    await connect('moved', 'moved');
    expect((await force('moved')).status).toBe(204);
    const revived = await api.request(
      'PUT',
      `${SCOPE}/secrets/moved`,
      await seal('moved', stack.accounts.delegate.password, 'transit'),
    );
    expect([revived.status, revived.body.manager]).toEqual([201, 'transit']);
    expect((await save('moved')).status).toBe(201);
  });

  it('does not come back beyond the reach of a connector of the manager’s', async () => {
    await put('secrets/near', builtin());
    await connect('near', 'near', { connectivity: 'manager' });
    expect((await force('near')).status).toBe(204);
    const beyond = await api.request('PUT', `${SCOPE}/secrets/near`, { manager: 'kv', reference });
    expect(beyond.body.code).toBe('SECRET_OUT_OF_REACH');
    expect((await save('near')).body.code).toBe('SECRET_DELETED');
  });
});

it('a secret manager whose credential was deleted by force signs in as nobody', async () => {
  await put('secrets/credential', builtin('x'));
  await put('secret-managers/signing', { ...managerOf({ kind: 'vault-kv' }), credential: 'credential' });
  await put('secrets/signed', { manager: 'signing', reference });
  await connect('signed', 'signed');
  expect((await force('credential')).status).toBe(204);
  const asked = world.vault.seen.length;
  expect(await api.ok('POST', `${SCOPE}/secret-managers/signing/check`)).toMatchObject({
    ok: false,
    code: 'SECRET_DELETED',
  });
  expect((await save('signed')).body).toMatchObject({
    code: 'SECRET_DELETED',
    detail: expect.stringContaining('credential'),
  });
  expect(world.vault.seen.length).toBe(asked);
  const again = { ...managerOf({ kind: 'vault-kv' }), credential: 'credential' };
  expect((await world.refused('secret-managers/signing', again)).code).toBe('SECRET_DELETED');
});

describe('at the same moment', () => {
  it('a connector that had found the secret names what was deleted, and fails', async () => {
    await put('secrets/racing', builtin());
    await connect('racing-1', 'racing');
    const client = new pg.Client({ connectionString: stack.databaseUrl });
    await client.connect();
    try {
      // The connector has found its secret, and waits for its scope.
      await client.query(`begin; select 1 from scope where path = '${SCOPE}' for update`);
      const written = connect('racing-2', 'racing');
      await eventually(async () => {
        const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
        return (await sql(stack.databaseUrl, waiting)).length > 0;
      }, 'the connector to wait');
      expect((await force('racing')).status).toBe(204);
      await client.query('commit');
      await written;
    } finally {
      await client.end();
    }
    expect((await save('racing-2')).body.code).toBe('SECRET_DELETED');
  });

  it('writing and deleting by force end in a value or in none, never in half of one', async () => {
    await put('secrets/torn', builtin());
    await connect('torn', 'torn');
    for (let round = 0; round < 15; round += 1) {
      const [, deleted] = await Promise.all([
        api.request('PUT', `${SCOPE}/secrets/torn`, builtin(`value ${round}`)),
        force('torn'),
      ]);
      expect([204, 404]).toContain(deleted.status);
      const row = await rowOf('torn');
      const versions = (await versionsOf('torn')).map(({ id }) => id);
      expect(row?.version === null ? versions : [versions.includes(row?.version)]).toEqual(
        row?.version === null ? [] : [true],
      );
    }
  });
});

it('nothing of this was a fault of Sallyport’s own', () => {
  expect(stack.logs()).not.toContain('unexpected fault');
});
