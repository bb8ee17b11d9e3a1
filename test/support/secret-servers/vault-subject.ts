// What the suites ask of a Vault: the faults by name, the policies as the documentation has them, and setups of our clients.
import fs from 'node:fs';
import { Secret } from '../../../src/kernel/secret.js';
import type { ProviderSetup } from '../../../workers/secret-managers/provider.js';
import type { VaultSettings } from '../../../workers/secret-managers/vault-session.js';
import { type Fault, keeper } from '../../conformance/secret-manager.conformance.js';
import type { Interference, VaultServer } from './vault.js';

export const roleId = 'c7f9a1';
export const secretId = '5d2b8e';

/** The policy that the reference page recommends for this engine. */
export function documentedPolicy(mount: 'transit' | 'secret'): string {
  const page = fs.readFileSync('docs/reference/secret-managers.md', 'utf8');
  const [, policy] =
    [...page.matchAll(/```hcl\n(.*?)```/gs)].find(([, text]) => text?.includes(`path "${mount}/`)) ?? [];
  if (policy === undefined) throw new Error(`The page has no policy for ${mount}`);
  return policy;
}

export const approle: VaultSettings['auth'] = { method: 'approle', mount: 'approle', roleId };

/** What a client of this server is made with: AppRole, and the given settings. */
export function setupFor<S extends object>(
  { address }: Pick<VaultServer, 'address'>,
  settings: S & Partial<VaultSettings>,
  more: Partial<Omit<ProviderSetup<unknown>, 'settings'>> = {},
) {
  return {
    keeper,
    settings: { address, auth: approle, ...settings },
    credential: new Secret(Buffer.from(secretId)),
    deadlineMs: 5_000,
    proxy: undefined,
    ...more,
  };
}

const refuse = (status: number, ...errors: string[]) => ({ status, body: { errors } });
const isSignIn = (path: string): boolean => path.startsWith('auth/');

/** Each fault, as the real one would have it. */
export const faults: Partial<Record<Fault, Interference>> = {
  denied: ({ path }) =>
    isSignIn(path) ? undefined : refuse(403, '1 error occurred:\n\t* permission denied\n\n'),
  'not-signed-in': ({ path }) =>
    path.endsWith('/login') ? refuse(400, 'invalid role or secret ID') : undefined,
  throttled: () => ({ ...refuse(429, 'rate limit quota exceeded'), headers: { 'retry-after': '7' } }),
  down: () => 'hang-up',
  silent: () => 'silence',
  garbled: ({ path }) => (isSignIn(path) ? undefined : { text: '<html>It works!</html>' }),
  sealed: () => refuse(503, 'Vault is sealed'),
  'key-gone': ({ path }) =>
    path.startsWith('transit/decrypt') ? refuse(400, 'encryption key not found') : undefined,
  'other-plaintext': ({ path }) =>
    path.startsWith('transit/decrypt')
      ? { status: 200, body: { data: { plaintext: Buffer.alloc(32, 'other').toString('base64') } } }
      : undefined,
  'version-gone': ({ path }) =>
    path.startsWith('secret/data')
      ? {
          status: 404,
          body: { data: { data: null, metadata: { version: 1, destroyed: true, deletion_time: '' } } },
        }
      : undefined,
  'not-there': ({ path }) => (path.startsWith('secret/data') ? refuse(404) : undefined),
};
