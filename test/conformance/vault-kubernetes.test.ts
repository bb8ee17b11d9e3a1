// Signing in to Vault and OpenBao with the service account of a pod.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Secret } from '../../src/kernel/secret.js';
import { VaultKv } from '../../workers/secret-managers/vault-kv.js';
import { VaultServer } from '../support/secret-servers/vault.js';
import { documentedPolicy, secretId, setupFor } from '../support/secret-servers/vault-subject.js';
import { failureFrom } from '../unit/support/refusals.js';
import { keeper } from './secret-manager.conformance.js';

const auth = { method: 'kubernetes' as const, mount: 'kubernetes/eu', role: 'sallyport' };
const settings = { kind: 'vault-kv' as const, mount: 'secret', prefix: 'sallyport', auth };

let server: VaultServer;
let stores: VaultKv[];
let folder: string;
let tokenFile: string;
beforeEach(async () => {
  server = await VaultServer.start();
  server.tokens.writePolicy('work', documentedPolicy('secret'));
  server.kv.put('sallyport/db', { user: 'ann' });
  stores = [];
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-kubernetes-'));
  tokenFile = path.join(folder, 'token');
});
afterEach(async () => {
  for (const store of stores) await store.close();
  await server.close();
  fs.rmSync(folder, { recursive: true });
});

function open(credential: Secret | null): VaultKv {
  const store = new VaultKv(setupFor(server, settings, { credential }), { tokenFile });
  stores.push(store);
  return store;
}

async function read(store: VaultKv): Promise<string> {
  const { value } = await store.read({ path: 'sallyport/db', field: 'user', version: null });
  return value.use((bytes) => bytes.toString());
}

it('shows the token that is in its file at the moment of each login', async () => {
  fs.writeFileSync(tokenFile, 'aaa.bbb.ccc');
  server.allowKubernetes('sallyport', 'aaa.bbb.ccc');
  const store = open(null);
  expect(await read(store)).toBe('ann');
  fs.writeFileSync(tokenFile, 'ddd.eee.fff\n');
  server.tokens.doors.kubernetes.length = 0;
  server.allowKubernetes('sallyport', 'ddd.eee.fff');
  server.tokens.revokeAll();
  expect(await read(store)).toBe('ann');
  expect(server.count('auth/kubernetes/eu/login')).toBe(2);
});

it('is refused with a token that is not its role’s', async () => {
  fs.writeFileSync(tokenFile, 'aaa.bbb.ccc');
  const failure = await failureFrom(read(open(null)));
  expect(failure).toMatchObject({ code: 'SECRET_MANAGER_SIGN_IN_REFUSED', data: keeper });
});

it.each([
  ['no file', () => undefined],
  ['a file with something else', () => fs.writeFileSync(tokenFile, 'root:x:0:0::/root:/bin/sh\n')],
  ['a file that is too long', () => fs.writeFileSync(tokenFile, `a.b.${'c'.repeat(20_000)}`)],
])('with %s does not log in', async (_, prepare) => {
  prepare();
  const failure = await failureFrom(read(open(null)));
  expect(failure.code).toBe('SECRET_MANAGER_MISCONFIGURED');
  expect(JSON.stringify(failure.toWire())).not.toContain(folder);
  expect(server.seen).toEqual([]);
});

it('takes no credential', async () => {
  fs.writeFileSync(tokenFile, 'aaa.bbb.ccc');
  const failure = await failureFrom(read(open(new Secret(Buffer.from(secretId)))));
  expect(failure.code).toBe('SECRET_MANAGER_MISCONFIGURED');
});
