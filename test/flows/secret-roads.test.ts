// What a secret outside asks of the road that a save takes: who may carry it, and what that one's own policy says.
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/api.js';
import type { VaultServer } from '../support/secret-servers/vault.js';
import type { Stack } from '../support/stack.js';
import { PROJECT, SCOPE, VaultedStack } from '../support/vaulted-stack.js';

const world = new VaultedStack();
const { put, refused, managerOf, connect, save, seal } = world;
let stack: Stack;
let vault: VaultServer;
beforeAll(async () => {
  ({ stack, vault } = await world.start());
  const { password } = stack.accounts.delegate;
  vault.kv.put('team/git', { password });
  await put('secrets/referred', { manager: 'kv', reference: { path: 'team/git', field: 'password' } });
  await connect('referred', 'referred');
  for (const manager of ['kv', 'transit']) {
    await put(`secrets/git-${manager}`, await seal(`git-${manager}`, password, manager));
    await connect(`by-${manager}`, `git-${manager}`);
  }
});
afterAll(() => world.stop());

describe('what a secret outside asks of the road', () => {
  it('is a delegate: a connector that the manager serves cannot use it', async () => {
    const { code } = await refused('connectors/direct-kv', {
      url: stack.repositoryUrl,
      connectivity: 'manager',
      credential: { username: 'x', secret: 'git-kv' },
    });
    expect(code).toBe('SECRET_OUT_OF_REACH');
    const { manager } = await stack.api.ok('POST', `${SCOPE}/explain`, { connector: 'by-kv' });
    expect(manager).toMatchObject({ eligible: false, reasons: [{ code: 'secret' }] });
  });

  it('is a delegate that has the tags of both, and of one group', async () => {
    await put('secret-managers/tagged', { ...managerOf({ kind: 'vault-kv' }), tags: ['hsm'] });
    await put('secrets/tagged', { manager: 'tagged', reference: { path: 'team/git', field: 'password' } });
    await connect('tagged', 'tagged');
    const { carriedBy, delegates } = await stack.api.ok('POST', `${SCOPE}/explain`, { connector: 'tagged' });
    expect(carriedBy).toBeNull();
    expect(delegates[0].reasons).toContainEqual({ code: 'tag', detail: 'it lacks hsm' });
    await put('secret-managers/tagged', { ...managerOf({ kind: 'vault-kv' }), group: 'other' });
    await connect('tagged', 'tagged', { group: 'local' });
    expect((await save('tagged')).body).toMatchObject({ code: 'SECRET_MANAGER_UNFIT' });
  });

  it('is not the delegate’s own identity, where its policy does not list the address', async () => {
    const settings = {
      kind: 'vault-kv',
      address: vault.address,
      auth: { method: 'kubernetes', role: 'any' },
    };
    await put('secret-managers/ambient', { settings });
    const asked = vault.seen.length;
    expect(await stack.api.ok('POST', `${SCOPE}/secret-managers/ambient/check`)).toMatchObject({
      ok: false,
      code: 'DELEGATE_POLICY_REFUSED',
      detail: expect.stringContaining('identity'),
    });
    expect(vault.seen.length).toBe(asked);
  });

  it('is a delegate that reaches it: where one does not, another is asked', async () => {
    const folder = `${stack.home}/cut-off`;
    const nowhere = { SALLYPORT_GIT_PROXY_URL: 'http://127.0.0.1:9', SALLYPORT_DATA_DIR: folder };
    // Of two delegates that are equally idle, the narrower one is asked first.
    await stack.startDelegate(undefined, nowhere, { group: 'cut-off', scope: PROJECT });
    await put('secret-managers/near', { ...managerOf({ kind: 'vault-kv' }), group: 'cut-off' }, PROJECT);
    await eventually(
      async () =>
        (await stack.api.ok('POST', `${PROJECT}/secret-managers/near/check`)).code ===
        'SECRET_MANAGER_UNAVAILABLE',
      'the one that is cut off to have been asked',
    );
    await put('secret-managers/near', managerOf({ kind: 'vault-kv' }), PROJECT);
    expect(await stack.api.ok('POST', `${PROJECT}/secret-managers/near/check`)).toMatchObject({ ok: true });
    await stack.delegates.pop()?.kill('SIGTERM');
  });

  it('is what the delegate’s own policy allows, whatever the manager says', async () => {
    for (const one of stack.delegates.splice(0)) await one.kill('SIGTERM');
    const folder = `${stack.home}/delegate`;
    const rule = `kind: vault-kv, addresses: ['${vault.address}'], paths: ['secret/other/**']`;
    fs.writeFileSync(`${folder}/policy.yaml`, `secrets: { allow: [{ ${rule} }] }\n`);
    await stack.startDelegate(undefined, { SALLYPORT_DATA_DIR: folder });
    const asked = vault.seen.length;
    expect((await save('by-transit')).body).toMatchObject({
      code: 'DELEGATE_POLICY_REFUSED',
      detail: expect.stringContaining('secrets.allow'),
    });
    expect((await save('referred')).body).toMatchObject({
      code: 'DELEGATE_POLICY_REFUSED',
      detail: expect.stringContaining('team/git'),
    });
    expect(vault.seen.slice(asked).filter(({ path }) => /^(secret|transit)\//.test(path))).toEqual([]);
  });
});
