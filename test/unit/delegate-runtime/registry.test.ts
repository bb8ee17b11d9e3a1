// Which secret managers a delegate keeps open, and how it lets go of them: against a Vault, where a farewell revokes a token.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type CarriedManager, ManagerSettings } from '../../../src/contract/secret-managers.js';
import { openKeyFile } from '../../../src/envelope/key-file.js';
import { redact } from '../../../src/kernel/redact.js';
import { Keyring } from '../../../workers/secret-managers/keyring.js';
import { SecretManagerRegistry } from '../../../workers/secret-managers/registry.js';
import { VaultServer } from '../../support/secret-servers/vault.js';
import { approle, documentedPolicy, roleId, secretId } from '../../support/secret-servers/vault-subject.js';
import { failureFrom } from '../support/refusals.js';

let home: string;
let vault: VaultServer;
let registry: SecretManagerRegistry;
beforeEach(async () => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-registry-'));
  vault = await VaultServer.start();
  vault.tokens.writePolicy('work', documentedPolicy('secret'));
  vault.allowAppRole(roleId, secretId);
  registry = new SecretManagerRegistry({
    deployment: 'test',
    keyring: new Keyring(openKeyFile(path.join(home, 'keyring.json'), { createIfMissing: true }), 'test'),
    deadlineMs: 5_000,
    dataKeyMsMax: 0,
    proxy: undefined,
    environment: {},
    assertAllowed: () => undefined,
    assertPathAllowed: () => undefined,
  });
});
afterEach(async () => {
  await registry.close();
  await vault.close();
  fs.rmSync(home, { recursive: true });
});

const place = { scope: 'accounts/acme', secret: 'git-token' };
const builtin = { kind: 'builtin' as const, value: Buffer.from(secretId).toString('base64') };
const settingsOf = (role: string) =>
  ManagerSettings.parse({ kind: 'vault-kv', address: vault.address, auth: { ...approle, roleId: role } });
const put = (revision: string, more: Partial<CarriedManager> = {}) => {
  const settings = settingsOf(roleId);
  const carried = { scope: 'accounts/acme', id: 'team', revision, settings, credential: builtin, ...more };
  return registry.use(carried, (manager) => manager.put(Buffer.from('value'), place));
};
const isRevocation = ({ path: asked }: { path: string }): boolean => asked.endsWith('/revoke-self');
/** A wiped credential is struck out no more. */
const isKnown = (credential = secretId): boolean => redact(credential) !== credential;

it('answers while what an edit outdated is still being let go of, and closing waits for that', async () => {
  const { promise: isLetGo, resolve: letGo } = Promise.withResolvers<undefined>();
  await put('1');
  vault.interfere = (seen) => (isRevocation(seen) ? isLetGo : undefined);
  vault.allowAppRole('other', 'edited-secret-id');
  await put('2', {
    settings: settingsOf('other'),
    credential: { kind: 'builtin', value: Buffer.from('edited-secret-id').toString('base64') },
  });
  expect(isKnown()).toBe(true);
  const order: string[] = [];
  const closed = registry.close().then(() => order.push('closed'));
  await expect.poll(() => vault.seen.filter(isRevocation).length).toBe(2);
  order.push('let go');
  letGo(undefined);
  await closed;
  expect(order).toEqual(['let go', 'closed']);
  expect([isKnown(), isKnown('edited-secret-id')]).toEqual([false, false]);
});

it('forgets the credential of one that could not be opened, and tries anew', async () => {
  const settings = ManagerSettings.parse({ kind: 'azure-key-vault', vault: 'https://team.vault.example' });
  for (let times = 0; times < 2; times += 1) {
    expect((await failureFrom(put('1', { settings }))).code).toBe('SECRET_MANAGER_MISCONFIGURED');
    await registry.close();
    expect(isKnown()).toBe(false);
  }
});
