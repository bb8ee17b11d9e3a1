// Secret managers outside, as their users have them: only the delegate reaches them, and what they keep opens a repository.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type Json } from '../support/api.js';
import { sql } from '../support/database.js';
import { trailers } from '../support/repository.js';
import type { VaultServer } from '../support/secret-servers/vault.js';
import { faults, secretId } from '../support/secret-servers/vault-subject.js';
import type { Stack } from '../support/stack.js';
import { PROJECT, SCOPE, VaultedStack } from '../support/vaulted-stack.js';

const world = new VaultedStack();
const { put, refused, managerOf, connect, save, seal } = world;
let stack: Stack;
let vault: VaultServer;
beforeAll(async () => {
  ({ stack, vault } = await world.start());
});
afterEach(() => {
  vault.interfere = () => undefined;
});
afterAll(() => world.stop());

describe.each(['transit', 'kv'])('a value that is sealed for %s', (manager) => {
  it('opens the repository, and was never in the manager’s hands', async () => {
    const body = await seal(`git-${manager}`, stack.accounts.delegate.password, manager);
    const answer = await put(`secrets/git-${manager}`, body);
    expect(answer).toMatchObject({ manager, managerScope: SCOPE, version: body.sealed.version });
    await connect(`by-${manager}`, `git-${manager}`);
    const saved = await save(`by-${manager}`);
    expect(saved.status, saved.text).toBe(201);
    expect(trailers(stack.repository)).toContain(saved.body.operationId);
    const rows = await sql(stack.databaseUrl, 'select stored::text from secret_version where id = $1', [
      body.sealed.version,
    ]);
    expect(JSON.stringify(rows)).not.toContain(stack.accounts.delegate.password);
    expect(await sql(stack.databaseUrl, 'select * from sealed_value')).toEqual([]);
    expect(stack.logs()).not.toContain(stack.accounts.delegate.password);
  });

  it('has one effect when it is sent again', async () => {
    const body = await seal(`again-${manager}`, 'first', manager);
    const first = await put(`secrets/again-${manager}`, body);
    const before = vault.state();
    const second = await stack.api.request('PUT', `${SCOPE}/secrets/again-${manager}`, body);
    expect(second.status).toBe(200);
    expect(second.body.version).toBe(first.version);
    expect(vault.state()).toBe(before);
  });

  it('is nobody else’s: another secret, another manager and a later end are refused', async () => {
    const body = await seal('mine', 'value', manager);
    const { sealed } = body;
    const later = { ...sealed, expiresAt: sealed.expiresAt + 1 };
    expect(await refused('secrets/other', body)).toMatchObject({ code: 'SECRET_VALUE_REFUSED' });
    const other = manager === 'kv' ? 'transit' : 'kv';
    expect(await refused('secrets/mine', { manager: other, sealed })).toMatchObject({
      code: 'SECRET_VALUE_REFUSED',
    });
    expect(await refused('secrets/mine', { manager, sealed: later })).toMatchObject({
      code: 'SECRET_VALUE_REFUSED',
    });
    expect((await stack.api.request('GET', `${SCOPE}/secrets/mine`)).status).toBe(404);
    expect(await sql(stack.databaseUrl, 'select * from sealed_value')).toEqual([]);
  });

  it('waits for a delegate where none is there, and is kept when one comes', async () => {
    const body = await seal(`late-${manager}`, 'value', manager);
    for (const one of stack.delegates.splice(0)) await one.kill('SIGTERM');
    const pending = await stack.api.request('PUT', `${SCOPE}/secrets/late-${manager}`, body);
    expect(pending.status, pending.text).toBe(202);
    expect(pending.body).toMatchObject({
      state: 'pending',
      waitsFor: expect.stringContaining('no delegate'),
    });
    await stack.startDelegate();
    const version = await eventually(async () => {
      const { status, body: secret } = await stack.api.request('GET', `${SCOPE}/secrets/late-${manager}`);
      return status === 200 && secret.version;
    }, 'the value to be kept');
    expect(version).toBe(body.sealed.version);
    const { records } = await stack.api.ok('GET', `${SCOPE}/secrets/late-${manager}/audit`);
    const author = expect.stringMatching(/^admin \([0-9a-f]{8}\)$/);
    expect(records[0]).toMatchObject({ purpose: 'secret-value', actors: [author] });
  });

  it('is refused in plaintext, and the refusal says what to do', async () => {
    const answer = await stack.api.request('PUT', `${SCOPE}/secrets/plain`, {
      manager,
      value: 'canary-plain',
    });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('seal it');
    expect(answer.text).not.toContain('canary-plain');
  });
});

describe('what is written while a sealed value waits for a delegate', () => {
  const waiting = async (id: string) => {
    const body = await seal(id, 'old', 'kv');
    for (const one of stack.delegates.splice(0)) await one.kill('SIGTERM');
    const { status } = await stack.api.request('PUT', `${SCOPE}/secrets/${id}`, body);
    expect(status).toBe(202);
  };
  const settled = async () => {
    await stack.startDelegate();
    await eventually(
      async () => (await sql(stack.databaseUrl, 'select 1 from sealed_value')).length === 0,
      'nothing to be on its way any more',
    );
  };
  const paths = () => [...vault.kv.paths.keys()].join();

  it('takes its place', async () => {
    await waiting('overtaken');
    const reference = { path: 'team/git', field: 'password' };
    const { version } = await put('secrets/overtaken', { manager: 'kv', reference });
    await settled();
    expect((await stack.api.ok('GET', `${SCOPE}/secrets/overtaken`)).version).toBe(version);
    expect(paths()).not.toContain('overtaken');
  });

  it('is deleted with it: the secret does not come back', async () => {
    await put('secrets/deleted', { manager: 'builtin', value: 'x' });
    await waiting('deleted');
    await stack.api.ok('DELETE', `${SCOPE}/secrets/deleted`);
    await settled();
    expect((await stack.api.request('GET', `${SCOPE}/secrets/deleted`)).status).toBe(404);
    expect(paths()).not.toContain('deleted');
  });

  it('is not undone by an older value that is sent again', async () => {
    const [one, two] = [await seal('replayed', 'one', 'kv'), await seal('replayed', 'two', 'kv')];
    await put('secrets/replayed', one);
    await put('secrets/replayed', two);
    const again = await put('secrets/replayed', one);
    expect(again.version).toBe(two.sealed.version);
  });

  it('is one version, whichever delegate of the group is asked, and of one secret manager', async () => {
    const second = await stack.startDelegate(undefined, { SALLYPORT_DATA_DIR: `${stack.home}/second` });
    const body = await seal('single', 'value', 'kv');
    await put('secrets/single', body);
    const before = vault.state();
    const answers = await Promise.all(Array.from({ length: 6 }, () => put('secrets/single', body)));
    expect(new Set(answers.map(({ version }) => version))).toEqual(new Set([body.sealed.version]));
    expect(vault.state()).toBe(before);
    const moved = await refused('secrets/single', { ...body, manager: 'transit' });
    expect(moved.code).toBe('INPUT_REFUSED');
    expect((await stack.api.ok('GET', `${SCOPE}/secrets/single`)).manager).toBe('kv');
    await second.kill('SIGTERM');
    // Nothing waits for it to come back.
    const { delegates } = await stack.api.ok('GET', `${SCOPE}/delegates`);
    const { id } = delegates.find(({ name }: Json) => name === 'second');
    await stack.api.ok('POST', `${SCOPE}/delegates/${id}/revoke`);
  });
});

it('a value is sealed to a group that serves the secret manager, and to no other', async () => {
  const { sealed } = await seal('foreign', 'value', 'kv');
  const body = { manager: 'kv', sealed: { ...sealed, group: 'g0000000000000000' } };
  expect(await refused('secrets/foreign', body)).toMatchObject({ code: 'INPUT_REFUSED' });
  await stack.api.ok('POST', `${PROJECT}/delegate-tokens`, { group: 'inner' });
  const [inner] = await sql(stack.databaseUrl, `select id from delegate_group where name = 'inner'`);
  const narrow = { manager: 'kv', sealed: { ...sealed, group: inner?.id } };
  expect(await refused('secrets/foreign', narrow)).toMatchObject({ code: 'INPUT_REFUSED' });
});

describe('a reference to a value in a store', () => {
  const write = (data: Record<string, string>) => vault.kv.put('team/git', data);
  beforeAll(async () => {
    write({ password: 'not the password', note: 'x' });
    await put('secrets/referred', { manager: 'kv', reference: { path: 'team/git', field: 'password' } });
    await connect('referred', 'referred');
  });

  it('is read anew at every use: what changes in the store is used at once', async () => {
    expect((await save('referred')).body.code).toBe('GIT_AUTH_REJECTED');
    write({ password: stack.accounts.delegate.password, note: 'x' });
    const saved = await save('referred');
    expect(saved.status, saved.text).toBe(201);
  });

  it('stays at the version it names', async () => {
    await put('secrets/pinned', {
      manager: 'kv',
      reference: { path: 'team/git', field: 'password', version: '1' },
    });
    await connect('pinned', 'pinned');
    expect((await save('pinned')).body.code).toBe('GIT_AUTH_REJECTED');
  });

  it.each([
    ['a path that is not there', { path: 'team/none' }, 'SECRET_NOT_IN_STORE'],
    ['a field that is not there', { path: 'team/git', field: 'user' }, 'SECRET_NOT_IN_STORE'],
    ['a version that is not there', { path: 'team/git', version: '77' }, 'SECRET_NOT_IN_STORE'],
  ])('to %s ends the save with its own code', async (_, reference, code) => {
    await put('secrets/wrong', { manager: 'kv', reference });
    await connect('wrong', 'wrong');
    const { body } = await save('wrong');
    expect(body).toMatchObject({ code, detail: expect.stringContaining('kv in accounts/demo') });
  });

  it('is for stores alone', async () => {
    const body = { manager: 'transit', reference: { path: 'a' } };
    expect((await refused('secrets/wrong', body)).code).toBe('SECRET_MANAGER_UNFIT');
  });
});

describe('a secret manager', () => {
  it('is tried without being changed, and says what is wrong', async () => {
    const before = vault.state();
    for (const id of ['transit', 'kv', 'keyring'])
      expect(await stack.api.ok('POST', `${SCOPE}/secret-managers/${id}/check`)).toMatchObject({ ok: true });
    expect(vault.state()).toBe(before);
    vault.interfere = faults.sealed as typeof vault.interfere;
    expect(await stack.api.ok('POST', `${SCOPE}/secret-managers/kv/check`)).toMatchObject({
      ok: false,
      code: 'SECRET_MANAGER_SEALED',
      hint: expect.stringContaining('Unseal'),
    });
  });

  it('that is sealed is waited for; the save goes on when it is not any more', async () => {
    vault.interfere = faults.sealed as typeof vault.interfere;
    const { body } = await save('by-kv', { prefer: 'wait=0' });
    const waiting = await eventually(async () => {
      const operation = await stack.api.ok('GET', `${SCOPE}/operations/${body.id}`);
      return operation.waitsFor?.includes('sealed') && operation;
    }, 'the operation to say what it waits for');
    expect(waiting).toMatchObject({
      state: 'pending',
      waitsFor: expect.stringContaining('kv in accounts/demo'),
    });
    vault.interfere = () => undefined;
    expect((await stack.api.ended(body.id)).state).toBe('succeeded');
  });

  it('that allows nothing ends the save, with whom to ask', async () => {
    vault.interfere = faults.denied as typeof vault.interfere;
    const { body } = await save('by-kv');
    expect(body).toMatchObject({ code: 'SECRET_MANAGER_DENIED', hint: expect.stringContaining('rights') });
  });

  it('signs in with a builtin secret or as the delegate, and with nothing else', async () => {
    const chained = { ...managerOf({ kind: 'vault-kv' }), credential: 'git-kv' };
    expect((await refused('secret-managers/chained', chained)).code).toBe('SECRET_MANAGER_UNFIT');
    const missing = { ...managerOf({ kind: 'vault-kv' }), credential: 'none' };
    expect((await refused('secret-managers/chained', missing)).code).toBe('NOT_FOUND');
    const { credential: _, ...without } = managerOf({ kind: 'vault-kv' });
    expect((await refused('secret-managers/chained', without)).code).toBe('SECRET_MANAGER_UNFIT');
  });

  it('keeps its credential where it can be opened: it is neither moved out of builtin nor deleted', async () => {
    const moved = await seal('vault-secret-id', secretId, 'kv');
    const before = vault.state();
    expect(await refused('secrets/vault-secret-id', moved)).toMatchObject({
      code: 'STILL_IN_USE',
      detail: expect.stringContaining('accounts/demo/secret-managers/'),
    });
    expect(vault.state()).toBe(before);
    const { status, body } = await stack.api.request('DELETE', `${SCOPE}/secrets/vault-secret-id`);
    expect([status, body.code]).toEqual([409, 'STILL_IN_USE']);
  });

  it('is not deleted while it keeps anything, and the answer lists what', async () => {
    const { status, body } = await stack.api.request('DELETE', `${SCOPE}/secret-managers/transit`);
    expect(status).toBe(409);
    expect(body.detail).toContain(`${SCOPE}/secrets/git-transit`);
    await put('secret-managers/idle', managerOf({ kind: 'vault-kv' }));
    await stack.api.ok('DELETE', `${SCOPE}/secret-managers/idle`);
  });

  it('keeps its kind', async () => {
    const other = managerOf({ kind: 'vault-transit', key: 'sallyport' });
    expect((await refused('secret-managers/kv', other)).code).toBe('SECRET_MANAGER_UNFIT');
  });

  it('keeps the key and the mount that its secrets were made with', async () => {
    const problem = await refused(
      'secret-managers/transit',
      managerOf({ kind: 'vault-transit', key: 'other' }),
    );
    expect(problem).toMatchObject({
      code: 'STILL_IN_USE',
      detail: expect.stringContaining(`${SCOPE}/secrets/git-transit`),
    });
    await put('secret-managers/transit', {
      ...managerOf({ kind: 'vault-transit', key: 'sallyport' }),
      tags: [],
    });
  });

  it('of a wider scope is used by a narrower one, by its name or by the very place; not the reverse', async () => {
    const reference = { path: 'team/git', field: 'password' };
    for (const [n, manager] of ['kv', 'account.kv'].entries()) {
      await put(`secrets/inner-${n}`, { manager, reference }, PROJECT);
      await connect(`inner-${n}`, `inner-${n}`, {}, PROJECT);
      const checked = await stack.api.ok('POST', `${PROJECT}/connectors/inner-${n}/check`);
      expect(checked, JSON.stringify(checked)).toMatchObject({ ok: true });
    }
    await put('secret-managers/inner', managerOf({ kind: 'vault-kv' }), PROJECT);
    expect((await refused('secrets/outer', { manager: 'inner', reference })).code).toBe('NOT_FOUND');
    expect((await refused('secrets/inner-2', { manager: 'org.kv', reference }, PROJECT)).code).toBe(
      'NOT_FOUND',
    );
  });
});
