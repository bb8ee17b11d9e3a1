// A whole stack beside a Vault: secret managers of both its kinds, and the requests that tests make of them.
import { randomUUID } from 'node:crypto';
import { sealValue } from '../../src/sealing/client-sealing.js';
import type { Json } from './api.js';
import { VaultServer } from './secret-servers/vault.js';
import { documentedPolicy, roleId, secretId } from './secret-servers/vault-subject.js';
import { Stack, type StackOptions } from './stack.js';

export const SCOPE = 'accounts/demo';
export const PROJECT = `${SCOPE}/orgs/o/projects/p`;

export class VaultedStack {
  stack!: Stack;
  vault!: VaultServer;

  async start(options: StackOptions = {}): Promise<this> {
    this.vault = await VaultServer.start();
    const referred = 'path "secret/data/team/*" { capabilities = ["read"] }';
    const transit = documentedPolicy('transit');
    const keys = ['sallyport', 'other'].map((key) => transit.replaceAll('/sallyport"', `/${key}"`));
    const policy = [documentedPolicy('secret'), ...keys, referred].join('\n');
    this.vault.tokens.writePolicy('work', policy);
    this.vault.allowAppRole(roleId, secretId);
    for (const key of ['sallyport', 'other']) this.vault.transit.make(key);
    this.stack = await Stack.start('real', options);
    await this.put('secrets/vault-secret-id', { manager: 'builtin', value: secretId });
    await this.put('secret-managers/transit', this.managerOf({ kind: 'vault-transit', key: 'sallyport' }));
    await this.put('secret-managers/kv', this.managerOf({ kind: 'vault-kv' }));
    await this.stack.api.ok('PUT', `${SCOPE}/orgs/o`, {});
    await this.stack.api.ok('PUT', PROJECT, {});
    return this;
  }

  async stop(): Promise<void> {
    await this.stack.assertSoundAtRest();
    await this.stack.stop();
    await this.vault.close();
  }

  readonly put = (path: string, body: unknown, scope = SCOPE): Promise<Json> =>
    this.stack.api.ok('PUT', `${scope}/${path}`, body);

  /** The problem that the request is answered with. */
  readonly refused = async (path: string, body: unknown, scope = SCOPE): Promise<Json> => {
    const { status, body: problem } = await this.stack.api.request('PUT', `${scope}/${path}`, body);
    if (status < 400) throw new Error(`PUT ${scope}/${path} was not refused but answered ${status}`);
    return problem;
  };

  readonly managerOf = (settings: Record<string, unknown>) => ({
    settings: { address: this.vault.address, auth: { method: 'approle', roleId }, ...settings },
    credential: 'vault-secret-id',
  });

  /** A connector to the repository by delegates, with this secret. */
  readonly connect = (id: string, secret: string, more: Record<string, unknown> = {}, scope = SCOPE) => {
    const { repositoryUrl: url, accounts } = this.stack;
    const credential = { username: accounts.delegate.username, secret };
    return this.put(`connectors/${id}`, { url, connectivity: 'delegate', credential, ...more }, scope);
  };

  readonly save = (connector: string, headers: Record<string, string> = {}) =>
    this.stack.api.save(
      `e${randomUUID().replaceAll('-', '_')}`,
      'name: x\n',
      { connector, branch: 'main' },
      headers,
    );

  /** The body that a client sends: the value sealed to the group that the secret manager names. */
  readonly seal = async (secret: string, value: string, manager: string, scope = SCOPE) => {
    const target = await this.stack.api.ok('GET', `${SCOPE}/secret-managers/${manager}/sealing-key`);
    const version = randomUUID();
    const expiresAt = Date.now() + 10 * 60_000;
    const place = { scope, secret, version, managerScope: SCOPE, manager, expiresAt };
    const sealed = await sealValue(Buffer.from(value), target, place, target.fingerprint);
    return { manager, sealed: { group: target.group, version, expiresAt, ...sealed } };
  };
}
