// Who needs a secret or a secret manager, and the list of secrets.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../support/api.js';
import { sql } from '../support/database.js';
import { DocumentedApi } from '../support/documented-api.js';
import type { Stack } from '../support/stack.js';
import { PROJECT, SCOPE, VaultedStack } from '../support/vaulted-stack.js';

const ORG = `${SCOPE}/orgs/o`;

const world = new VaultedStack();
const { put, managerOf, connect } = world;
let stack: Stack;
let api: DocumentedApi;

const builtin = (value = 'x') => ({ manager: 'builtin', value });
const reference = { path: 'team/git', field: 'password' };
const usesOf = (path: string, scope = SCOPE): Promise<Json> => api.ok('GET', `${scope}/${path}/uses`);

beforeAll(async () => {
  ({ stack } = await world.start());
  api = await DocumentedApi.open(stack.api);
  world.vault.kv.put('team/git', { password: stack.accounts.delegate.password });
});
afterAll(() => world.stop());

describe('the list of secrets', () => {
  const all = async (scope: string, limit: number): Promise<Json[]> => {
    const secrets: Json[] = [];
    for (let cursor = ''; ; ) {
      const page = await api.ok('GET', `${scope}/secrets?limit=${limit}${cursor}`);
      expect(page.secrets.length).toBeLessThanOrEqual(limit);
      secrets.push(...page.secrets);
      if (page.nextCursor === null) return secrets;
      cursor = `&cursor=${page.nextCursor}`;
    }
  };

  it('is of one scope, in pages, in the order in which they were first written', async () => {
    for (const id of ['c', 'a', 'b', 'e', 'd']) await put(`secrets/${id}`, builtin(), PROJECT);
    await put('secrets/a', { manager: 'kv', reference }, PROJECT);
    for (const limit of [1, 2, 5, 1_000])
      expect((await all(PROJECT, limit)).map(({ id }) => id)).toEqual(['c', 'a', 'b', 'e', 'd']);
    expect(await all(ORG, 10)).toEqual([]);
    expect((await all(SCOPE, 2)).map(({ id }) => id)).toContain('vault-secret-id');
  });

  it('has what reading each of them answers, and nothing of its value', async () => {
    const canary = 'canary-that-is-listed';
    await put('secrets/canary', builtin(canary), ORG);
    const { text, body } = await api.request('GET', `${ORG}/secrets`);
    expect(text).not.toContain(canary);
    expect(body.secrets).toEqual([await api.ok('GET', `${ORG}/secrets/canary`)]);
    expect(body.nextCursor).toBeNull();
  });

  it('has versions of each: the current one, and those before it while they are kept', async () => {
    const first = await put('secrets/kept', builtin('one'), ORG);
    const second = await put('secrets/kept', { manager: 'kv', reference }, ORG);
    const { versions } = await api.ok('GET', `${ORG}/secrets/kept/versions`);
    expect(versions).toEqual([
      {
        version: second.version,
        number: 2,
        manager: 'kv',
        managerScope: SCOPE,
        createdAt: expect.any(String),
        supersededAt: null,
      },
      {
        version: first.version,
        number: 1,
        manager: 'builtin',
        managerScope: null,
        createdAt: first.createdAt,
        supersededAt: expect.any(String),
      },
    ]);
    expect((await api.request('GET', `${ORG}/secrets/none/versions`)).status).toBe(404);
  });

  it.each(['limit=0', 'limit=1001', 'cursor=x', 'kind=text'])('refuses %s', async (query) => {
    expect((await api.request('GET', `${SCOPE}/secrets?${query}`)).status).toBe(400);
  });
});

describe('the uses of a secret', () => {
  it('are the connectors and secret managers of every scope, and their number', async () => {
    await put('secrets/used', builtin());
    expect(await usesOf('secrets/used')).toEqual({ count: 0, uses: [] });
    await connect('inner', 'used', {}, PROJECT);
    await connect('outer', 'account.used', { connectivity: 'manager' });
    await put('secret-managers/signed', { ...managerOf({ kind: 'vault-kv' }), credential: 'used' }, ORG);
    const uses = [
      { what: 'connector', scope: SCOPE, id: 'outer' },
      { what: 'secret-manager', scope: ORG, id: 'signed' },
      { what: 'connector', scope: PROJECT, id: 'inner' },
    ];
    expect(await usesOf('secrets/used')).toEqual({ count: 3, uses });
    expect(await api.ok('GET', `${SCOPE}/secrets/used/uses?limit=2`)).toEqual({
      count: 3,
      uses: uses.slice(0, 2),
    });
  });

  it('are named when a deletion is refused', async () => {
    const { status, body } = await api.request('DELETE', `${SCOPE}/secrets/used`);
    expect(status).toBe(409);
    expect(body).toMatchObject({
      code: 'STILL_IN_USE',
      detail: `The secret used is used by ${SCOPE}/connectors/outer, ${ORG}/secret-managers/signed, ${PROJECT}/connectors/inner`,
    });
  });

  it('are named when it is taken away from the secret manager that signs in with it', async () => {
    await api.ok('DELETE', `${SCOPE}/connectors/outer`);
    const body = { manager: 'kv', reference };
    expect((await api.request('PUT', `${SCOPE}/secrets/used`, body)).body).toMatchObject({
      code: 'STILL_IN_USE',
      detail: `The builtin secret used is used by ${ORG}/secret-managers/signed`,
    });
  });

  it('are of the very secret: not of another of its name, nor of one that was used before', async () => {
    await put('secrets/used', builtin(), PROJECT);
    expect((await usesOf('secrets/used', PROJECT)).count).toBe(0);
    await connect('inner', 'used', {}, PROJECT);
    expect((await usesOf('secrets/used', PROJECT)).count).toBe(1);
    await api.ok('DELETE', `${ORG}/secret-managers/signed`);
    expect(await usesOf('secrets/used')).toEqual({ count: 0, uses: [] });
    expect((await api.request('DELETE', `${SCOPE}/secrets/used`)).status).toBe(204);
  });

  it('of what is not there are not found', async () => {
    for (const path of ['secrets/none', 'secret-managers/none'])
      expect((await api.request('GET', `${SCOPE}/${path}/uses`)).body.code).toBe('NOT_FOUND');
  });

  it('are counted where an error cannot name them all', async () => {
    await put('secrets/popular', builtin());
    for (let n = 10; n < 33; n += 1) await connect(`popular-${n}`, 'popular');
    const { body } = await api.request('DELETE', `${SCOPE}/secrets/popular`);
    expect(body.detail).toContain(`${SCOPE}/connectors/popular-29 and 3 more`);
    expect(body.detail).not.toContain('popular-30');
    expect(await usesOf('secrets/popular')).toMatchObject({ count: 23 });
  });
});

describe('the uses of a secret manager', () => {
  it('are the secrets that it keeps a version of, and the connectors that refer to a value in it', async () => {
    await put('secret-managers/store', managerOf({ kind: 'vault-kv' }));
    expect(await usesOf('secret-managers/store')).toEqual({ count: 0, uses: [] });
    await put('secrets/stored', { manager: 'store', reference });
    await put('secrets/stored', { manager: 'store', reference });
    await put('secrets/inner', { manager: 'store', reference }, PROJECT);
    const credential = { username: 'x', reference: 'vault-kv://store/team/git#password' };
    const body = { url: stack.repositoryUrl, connectivity: 'delegate', credential };
    await put('connectors/stored', body, ORG);
    const uses = [
      { what: 'secret', scope: SCOPE, id: 'stored' },
      { what: 'connector', scope: ORG, id: 'stored' },
      { what: 'secret', scope: PROJECT, id: 'inner' },
    ];
    expect(await usesOf('secret-managers/store')).toEqual({ count: 3, uses });
    const refused = await api.request('DELETE', `${SCOPE}/secret-managers/store`);
    expect(refused.body.detail).toBe(
      `The secret manager store is used by ${SCOPE}/secrets/stored, ${ORG}/connectors/stored, ${PROJECT}/secrets/inner`,
    );
  });

  it('last while an earlier version could still be needed', async () => {
    await put('secrets/stored', builtin());
    await api.ok('DELETE', `${PROJECT}/secrets/inner`);
    await api.ok('DELETE', `${ORG}/connectors/stored`);
    const uses = [{ what: 'secret', scope: SCOPE, id: 'stored' }];
    expect(await usesOf('secret-managers/store')).toEqual({ count: 1, uses });
    await sql(stack.databaseUrl, 'delete from secret_version where superseded_at is not null');
    expect((await api.request('DELETE', `${SCOPE}/secret-managers/store`)).status).toBe(204);
  });
});

describe('a secret of a wider scope', () => {
  it('is used by connectors and secret managers of a narrower one; not the reverse', async () => {
    await put('secrets/wide', builtin());
    await connect('narrow', 'wide', {}, PROJECT);
    await put('secrets/narrow', builtin(), PROJECT);
    const wide = managerOf({ kind: 'vault-kv' });
    await put('secret-managers/narrow', { ...wide, credential: 'wide' }, PROJECT);
    const refusals = [
      await world.refused('secret-managers/wide', { ...wide, credential: 'narrow' }),
      await world.refused('connectors/wide', {
        url: stack.repositoryUrl,
        connectivity: 'delegate',
        credential: { username: 'x', secret: 'narrow' },
      }),
    ];
    expect(refusals.map(({ code }) => code)).toEqual(['NOT_FOUND', 'NOT_FOUND']);
  });
});
