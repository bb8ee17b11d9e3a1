// Rewrap, reencrypt and migrate: of one secret or of all that a secret manager keeps, while it goes on being used.
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type Json } from '../support/api.js';
import { sql } from '../support/database.js';
import type { VaultServer } from '../support/secret-servers/vault.js';
import type { Stack } from '../support/stack.js';
import { PROJECT, SCOPE, VaultedStack } from '../support/vaulted-stack.js';

const world = new VaultedStack();
const { put, managerOf, connect, save, seal } = world;
let stack: Stack;
let vault: VaultServer;
let password = '';
beforeAll(async () => {
  ({ stack, vault } = await world.start());
  ({ password } = stack.accounts.delegate);
  await put('secret-managers/other', managerOf({ kind: 'vault-transit', key: 'other' }));
});
afterAll(() => world.stop());

const begin = (wish: object, scope = SCOPE) => stack.api.request('POST', `${scope}/secret-operations`, wish);

async function ended(id: string, scope = SCOPE): Promise<Json> {
  return eventually(async () => {
    const found = await stack.api.ok('GET', `${scope}/secret-operations/${id}`);
    return found.state !== 'pending' && found;
  }, `secret operation ${id} to end`);
}

async function run(wish: object, scope = SCOPE): Promise<Json> {
  const { status, body, headers } = await begin(wish, scope);
  expect({ status, body }).toMatchObject({ status: 202 });
  expect(headers.get('location')).toBe(`/api/v1/${scope}/secret-operations/${body.id}`);
  return ended(body.id, scope);
}

/** Versions of a secret, the oldest first. */
const versionsOf = (secret: string, scope = SCOPE): Promise<Json[]> =>
  sql(
    stack.databaseUrl,
    `select v.id, v.stored, v.manager_id, v.superseded_at, s.version = v.id as head
     from secret_version v join secret s on s.scope = v.scope and s.id = v.secret_id
     where v.scope = $1 and v.secret_id = $2 order by v.number`,
    [scope, secret],
  );

const headOf = async (secret: string, scope = SCOPE): Promise<Json> => {
  const heads = (await versionsOf(secret, scope)).filter(({ head }) => head);
  expect(heads.length).toBe(1);
  return heads[0];
};

/** A secret of this manager, and a connector that uses it. */
async function furnish(name: string, manager: string, scope = SCOPE): Promise<void> {
  await put(`secrets/${name}`, await seal(name, password, manager, scope), scope);
  await connect(name, name, {}, scope);
  await opens(name, scope);
}

/** The Git host takes what the connector’s secret opens to. */
async function opens(connector: string, scope = SCOPE): Promise<void> {
  expect(await stack.api.ok('POST', `${scope}/connectors/${connector}/check`)).toMatchObject({ ok: true });
}

describe('rewrap', () => {
  it('wraps every version with the newest key, and leaves the payload as it is', async () => {
    await furnish('wrapped', 'transit');
    await put('secrets/wrapped', await seal('wrapped', password, 'transit'));
    const before = await versionsOf('wrapped');
    vault.transit.rotate('sallyport');
    const operation = await run({ action: 'rewrap', manager: 'transit' });
    expect(operation).toMatchObject({
      action: 'rewrap',
      from: `${SCOPE}/secret-managers/transit`,
      to: null,
      requestedBy: expect.stringMatching(/^admin \([0-9a-f]{8}\)$/),
      state: 'succeeded',
      progress: { total: 2, done: 2, pending: 0, skipped: 0, failed: 0 },
      troubles: [],
    });
    const after = await versionsOf('wrapped');
    expect(after.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
    expect(after.map(({ stored }) => stored.payload)).toEqual(before.map(({ stored }) => stored.payload));
    expect(after.map(({ stored }) => stored.keyId)).toEqual(['transit/sallyport:v2', 'transit/sallyport:v2']);
    expect((await save('wrapped')).status).toBe(201);
  });

  it('keeps what it replaced for a while; a key that something depends on is not retired', async () => {
    const manager = `${SCOPE}/secret-managers/transit`;
    const old = 'transit/sallyport:v1';
    expect((await stack.api.ok('GET', `${manager}/keys`)).keys).toEqual([
      { key: old, versions: 0, superseded: 2, retiredAt: null },
      { key: 'transit/sallyport:v2', versions: 1, superseded: 1, retiredAt: null },
    ]);
    const refused = await stack.api.request('POST', `${manager}/keys/retire`, { key: old });
    expect(refused).toMatchObject({ status: 409, body: { code: 'STILL_IN_USE' } });
    expect(refused.body.detail).toContain(`${SCOPE}/secrets/wrapped (superseded, kept for a while)`);
    const current = await stack.api.request('POST', `${manager}/keys/retire`, {
      key: 'transit/sallyport:v2',
    });
    expect(current.body.detail).toMatch(/secrets\/wrapped$/);
  });

  it('lets a key be retired that nothing depends on, and nothing new is stored under it', async () => {
    await put('secret-managers/spent', managerOf({ kind: 'vault-transit', key: 'other' }));
    const manager = `${SCOPE}/secret-managers/spent`;
    const key = 'transit/other:v1';
    await stack.api.ok('POST', `${manager}/keys/retire`, { key });
    const { body } = await stack.api.request(
      'PUT',
      `${SCOPE}/secrets/late`,
      await seal('late', 'x', 'spent'),
    );
    expect(body).toMatchObject({ code: 'SECRET_KEY_RETIRED' });
    expect(await stack.api.ok('GET', `${manager}/keys`)).toEqual({
      keys: [{ key, versions: 0, superseded: 0, retiredAt: expect.any(String) }],
    });
    await stack.api.ok('POST', `${manager}/keys/reinstate`, { key });
    await put('secrets/late', await seal('late', 'x', 'spent'));
    expect(await stack.api.request('POST', `${manager}/keys/reinstate`, { key })).toMatchObject({
      status: 404,
    });
  });

  it('has nothing to do in a store', async () => {
    const { status, body } = await begin({ action: 'rewrap', manager: 'kv' });
    expect({ status, body }).toMatchObject({ status: 422, body: { code: 'SECRET_MANAGER_UNFIT' } });
  });

  it('renews the builtin manager’s secrets of the scope and within alone', async () => {
    const before = await headOf('git-direct');
    const operation = await run({ action: 'rewrap', manager: 'builtin' });
    expect(operation).toMatchObject({ state: 'succeeded', from: 'builtin', progress: { total: 2, done: 2 } });
    const after = await headOf('git-direct');
    expect(after.stored.payload).toEqual(before.stored.payload);
    expect(after.stored.wrap).not.toEqual(before.stored.wrap);
    expect((await run({ action: 'rewrap', manager: 'builtin' }, PROJECT)).progress.total).toBe(0);
  });
});

describe('reencrypt', () => {
  it.each(['transit', 'keyring', 'builtin'])(
    'makes another version with another data key: %s',
    async (manager) => {
      const secret = { transit: 'wrapped', keyring: 'git-delegated', builtin: 'git-direct' }[
        manager
      ] as string;
      const before = await headOf(secret);
      const operation = await run({ action: 'reencrypt', secret });
      expect(operation).toMatchObject({ state: 'succeeded', progress: { total: 1, done: 1 } });
      const after = await headOf(secret);
      expect(after.id).not.toBe(before.id);
      expect(after.manager_id).toBe(before.manager_id);
      expect(after.stored.payload.commitment).not.toBe(before.stored.payload.commitment);
      expect((await versionsOf(secret)).find(({ id }) => id === before.id)?.superseded_at).not.toBeNull();
      const connector = { transit: 'wrapped', keyring: 'delegated', builtin: 'direct' }[manager] as string;
      expect((await save(connector)).status).toBe(201);
    },
  );
});

describe('migrate', () => {
  it('brings all that a manager keeps to another one, in its scope and within', async () => {
    await stack.api.ok(
      'PUT',
      `${SCOPE}/secret-managers/old`,
      managerOf({ kind: 'vault-transit', key: 'other' }),
    );
    await furnish('moved', 'old');
    await furnish('moved-within', 'old', PROJECT);
    const operation = await run({ action: 'migrate', manager: 'old', to: 'kv' });
    expect(operation).toMatchObject({ state: 'succeeded', progress: { total: 2, done: 2 } });
    for (const [secret, scope] of [
      ['moved', SCOPE],
      ['moved-within', PROJECT],
    ] as const) {
      expect(await headOf(secret, scope)).toMatchObject({
        manager_id: 'kv',
        stored: { format: 'sallyport-reference-1' },
      });
      expect(await stack.api.ok('GET', `${scope}/secrets/${secret}`)).toMatchObject({
        manager: 'kv',
        kind: 'text',
      });
    }
    await opens('moved');
    await opens('moved-within', PROJECT);
    // The versions before are kept for a while, and so is who can open them.
    expect(await stack.api.request('DELETE', `${SCOPE}/secret-managers/old`)).toMatchObject({ status: 409 });
  });

  it('takes secrets out of builtin, and back only where everybody has said so', async () => {
    await put('secrets/travels', { manager: 'builtin', value: password });
    await connect('travels', 'travels');
    expect(await run({ action: 'migrate', secret: 'travels', to: 'transit' })).toMatchObject({
      state: 'succeeded',
    });
    expect((await headOf('travels')).manager_id).toBe('transit');
    expect((await save('travels')).status).toBe(201);

    const back = { action: 'migrate', secret: 'travels', to: 'builtin' };
    expect(await begin(back)).toMatchObject({ status: 422, body: { code: 'SECRET_REVEAL_UNCONFIRMED' } });
    const refused = await run({ ...back, revealToManager: true });
    expect(refused).toMatchObject({ state: 'failed', troubles: [{ secret: 'travels', state: 'failed' }] });
    expect(refused.troubles[0].problem).toMatchObject({ code: 'DELEGATE_POLICY_REFUSED' });
    expect((await headOf('travels')).manager_id).toBe('transit');

    await restartDelegate('release: { toManager: true }\n');
    const { id } = await stack.api.ok('POST', `${SCOPE}/secret-operations/${refused.id}/retry`);
    expect(await ended(id)).toMatchObject({
      state: 'succeeded',
      progress: { done: 1, failed: 0 },
      troubles: [],
    });
    expect((await headOf('travels')).manager_id).toBeNull();
    const { records } = await stack.api.ok('GET', `${SCOPE}/secrets/travels/audit`);
    const shown = { openedBy: 'manager', subject: `${SCOPE}/secret-operations/${id}`, manager: 'transit' };
    expect(records).toContainEqual(
      expect.objectContaining({ ...shown, note: expect.stringMatching(/confirmed/) }),
    );
    expect((await save('travels')).status).toBe(201);
    expect(stack.logs()).not.toContain(password);
  });

  it('does not touch what is in the way in a store, where it is told so', async () => {
    await put('secrets/blocked', { manager: 'builtin', value: 'mine' });
    await run({ action: 'migrate', secret: 'blocked', to: 'kv' });
    const { path } = (await headOf('blocked')).stored;
    vault.kv.put(path, { value: 'somebody else’s' });
    await put('secrets/blocked', { manager: 'builtin', value: 'mine' });
    const wish = { action: 'migrate', secret: 'blocked', to: 'kv', policy: 'only-if-absent' };
    const blocked = await run(wish);
    expect(blocked.troubles).toMatchObject([{ problem: { code: 'SECRET_STORE_CONFLICT' } }]);
    expect((await headOf('blocked')).manager_id).toBeNull();
    expect(await run({ ...wish, policy: 'replace' })).toMatchObject({ state: 'succeeded' });
    expect((await headOf('blocked')).manager_id).toBe('kv');
  });

  it('brings nothing that was overwritten meanwhile to a store', async () => {
    await put('secrets/hurried', { manager: 'builtin', value: 'old' });
    const written = vault.count(/^secret\/data\/sallyport/);
    const { delegates } = await stack.api.ok('GET', `${SCOPE}/delegates`);
    const delegate = `${SCOPE}/delegates/${delegates[0].id}`;
    await stack.api.ok('POST', `${delegate}/disable`);
    const { body } = await begin({ action: 'migrate', secret: 'hurried', to: 'kv' });
    await put('secrets/hurried', { manager: 'builtin', value: 'new' });
    await stack.api.ok('POST', `${delegate}/enable`);
    expect(await ended(body.id)).toMatchObject({ state: 'succeeded', progress: { skipped: 1, done: 0 } });
    expect(vault.count(/^secret\/data\/sallyport/)).toBe(written);
    expect((await headOf('hurried')).manager_id).toBeNull();
  });

  it('leaves a secret with whom a connector of another group can have it opened', async () => {
    await put('secret-managers/elsewhere', { ...managerOf({ kind: 'vault-kv' }), group: 'elsewhere' });
    await put('secrets/grouped', { manager: 'builtin', value: password });
    await connect('grouped', 'grouped', { group: 'local' });
    const operation = await run({ action: 'migrate', secret: 'grouped', to: 'elsewhere' });
    expect(operation.troubles).toMatchObject([{ problem: { code: 'SECRET_MANAGER_UNFIT' } }]);
    expect(operation.troubles[0].problem.detail).toContain('connectors/grouped');
    await opens('grouped');
  });

  it.each([
    ['to the manager that has them', { manager: 'transit', to: 'transit' }, 422, 'SECRET_MANAGER_UNFIT'],
    ['to one that is not there', { manager: 'transit', to: 'nobody' }, 404, 'NOT_FOUND'],
    ['from one that is not there', { manager: 'nobody', to: 'kv' }, 404, 'NOT_FOUND'],
    ['of a secret that is not there', { secret: 'nobody', to: 'kv' }, 404, 'NOT_FOUND'],
    ['of both', { secret: 'wrapped', manager: 'transit', to: 'kv' }, 400, 'REQUEST_INVALID'],
    ['of neither', { to: 'kv' }, 400, 'REQUEST_INVALID'],
    [
      'with a policy for stores elsewhere',
      { secret: 'moved', to: 'transit', policy: 'only-if-absent' },
      422,
      'INPUT_REFUSED',
    ],
  ])('is refused %s', async (_, wish, status, code) => {
    const before = await stack.api.ok('GET', `${SCOPE}/secret-operations`);
    expect(await begin({ action: 'migrate', ...wish })).toMatchObject({ status, body: { code } });
    expect(await stack.api.ok('GET', `${SCOPE}/secret-operations`)).toEqual(before);
  });

  it('leaves a credential of a secret manager, and a direct connector’s secret, where they are', async () => {
    const written = vault.count(/^secret\/data\/sallyport/);
    for (const secret of ['vault-secret-id', 'git-direct']) {
      const operation = await run({ action: 'migrate', secret, to: 'kv' });
      expect(operation.troubles).toMatchObject([{ secret, problem: { code: 'STILL_IN_USE' } }]);
    }
    // It is found out before anything is opened, let alone written to the store.
    expect(vault.count(/^secret\/data\/sallyport/)).toBe(written);
    expect((await save('direct')).status).toBe(201);
  });
});

/** Another process of the delegate, with this policy. */
async function restartDelegate(policy: string): Promise<void> {
  await stack.delegates.pop()?.kill('SIGTERM');
  fs.writeFileSync(`${stack.home}/delegate/policy.yaml`, policy);
  await stack.startDelegate();
  await eventually(
    async () => (await stack.api.ok('POST', `${SCOPE}/secret-managers/transit/check`)).ok === true,
    'the delegate to be back',
  );
}
