// Calls of routes, in this order, and the status that each is answered with.
import { randomUUID } from 'node:crypto';

import { type Api, eventually } from './api.js';

export type RouteCall = [
  status: number,
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
];

/** Of a connector `tracked`, which is gone afterwards. */
export const trackingCalls = (connectors: string): RouteCall[] => [
  [201, 'PUT', `${connectors}/tracked/tracking`, { branches: ['nowhere'] }],
  [200, 'PUT', `${connectors}/tracked/tracking`, { files: [{ pattern: 'own/{id}.yaml', kind: 'pipeline' }] }],
  [404, 'PUT', `${connectors}/tracked/tracking`, { files: [{ pattern: 'own/{id}.yaml', kind: 'none' }] }],
  [404, 'PUT', `${connectors}/none/tracking`, {}],
  [200, 'GET', `${connectors}/tracked/tracking`],
  [202, 'POST', `${connectors}/tracked/tracking/poll`],
  [200, 'GET', `${connectors}/tracked/tracking/problems?limit=1`],
  [400, 'GET', `${connectors}/tracked/tracking/problems?cursor=x`],
  [204, 'DELETE', `${connectors}/tracked/tracking`],
  [404, 'GET', `${connectors}/tracked/tracking`],
  [404, 'POST', `${connectors}/tracked/tracking/poll`],
  [204, 'DELETE', `${connectors}/tracked`],
];

/** Of a delegate of group `described`, which is revoked afterwards, and of the token it enrolled with. */
export const delegateCalls = (
  scope: string,
  { delegate, token }: { delegate: string; token: string },
): RouteCall[] => [
  [404, 'POST', `${scope}/explain`, { connector: 'none' }],
  [200, 'POST', `${scope}/explain`, { connector: 'direct' }],
  [200, 'GET', `${scope}/delegate-tokens`],
  [204, 'DELETE', `${scope}/delegate-tokens/${token}`],
  [404, 'DELETE', `${scope}/delegate-tokens/${randomUUID()}`],
  [200, 'GET', `${scope}/delegates`],
  [200, 'GET', `${scope}/delegate-groups`],
  [202, 'POST', `${scope}/delegate-groups/described/rotate`, { keys: ['sealing'] }],
  [404, 'POST', `${scope}/delegate-groups/none/rotate`, {}],
  [200, 'POST', `${delegate}/drain`],
  [200, 'POST', `${delegate}/disable`],
  [200, 'POST', `${delegate}/enable`],
  [200, 'POST', `${delegate}/revoke`],
  [404, 'POST', `${delegate}/enable`],
  [409, 'POST', `${scope}/delegate-groups/described/rotate`, {}],
];

/** Of a secret manager `own`, which is gone afterwards. @param unmade a value sealed to nobody that could open it */
export const managerCalls = (scope: string, unmade: object): RouteCall[] => {
  const manager = `${scope}/secret-managers/own`;
  const vault = { kind: 'vault-kv', address: 'https://vault.example', auth: { method: 'token' } };
  return [
    [201, 'PUT', manager, { settings: { kind: 'keyring' } }],
    [200, 'PUT', manager, { settings: { kind: 'keyring' }, group: 'local' }],
    [422, 'PUT', manager, { settings: { kind: 'keyring' }, credential: 'git-direct' }],
    [404, 'PUT', `${scope}/secret-managers/vault`, { settings: vault, credential: 'none' }],
    [200, 'GET', manager],
    [200, 'GET', `${scope}/secret-managers`],
    [200, 'GET', `${manager}/uses`],
    [404, 'GET', `${scope}/secret-managers/none/uses`],
    [200, 'GET', `${manager}/sealing-key`],
    [200, 'POST', `${manager}/check`],
    [404, 'POST', `${scope}/secret-managers/none/check`],
    [200, 'PUT', manager, { settings: { kind: 'keyring' }, group: 'away' }],
    [503, 'GET', `${manager}/sealing-key`],
    [202, 'PUT', `${scope}/secrets/sealed`, { manager: 'own', sealed: unmade }],
    [202, 'PUT', `${scope}/secrets/sealed`, { manager: 'own', sealed: unmade }],
    [422, 'PUT', `${scope}/secrets/sealed`, { manager: 'own', sealed: { ...unmade, expiresAt: 1 } }],
    [404, 'PUT', `${scope}/secrets/sealed`, { manager: 'none', sealed: unmade }],
    [204, 'DELETE', manager],
    [404, 'GET', manager],
  ];
};

/** Of a secret manager `ring`, which is gone afterwards, and of an operation on its secrets. */
export const secretOperationCalls = (scope: string, id: string): RouteCall[] => {
  const manager = `${scope}/secret-managers/ring`;
  const operations = `${scope}/secret-operations`;
  const migrate = { action: 'migrate', manager: 'ring', to: 'builtin' };
  return [
    [202, 'POST', operations, { action: 'reencrypt', manager: 'ring' }],
    [202, 'POST', operations, { ...migrate, revealToManager: true }],
    [422, 'POST', operations, migrate],
    [422, 'POST', operations, { ...migrate, to: 'ring' }],
    [404, 'POST', operations, { ...migrate, manager: 'none' }],
    [400, 'POST', operations, { action: 'rewrap' }],
    [400, 'POST', operations, { action: 'destroy', manager: 'ring' }],
    [200, 'GET', `${operations}?limit=2`],
    [200, 'GET', `${operations}/${id}`],
    [404, 'GET', `${operations}/${randomUUID()}`],
    [200, 'POST', `${operations}/${id}/cancel`],
    [404, 'POST', `${operations}/${randomUUID()}/cancel`],
    [200, 'POST', `${operations}/${id}/retry`],
    [404, 'POST', `${operations}/${randomUUID()}/retry`],
    [200, 'GET', `${manager}/keys`],
    [200, 'GET', `${scope}/secret-managers/builtin/keys`],
    [404, 'GET', `${scope}/secret-managers/none/keys`],
    [204, 'POST', `${manager}/keys/retire`, { key: 'old' }],
    [404, 'POST', `${scope}/secret-managers/none/keys/retire`, { key: 'old' }],
    [400, 'POST', `${manager}/keys/retire`, { key: '' }],
    [204, 'POST', `${manager}/keys/reinstate`, { key: 'old' }],
    [404, 'POST', `${manager}/keys/reinstate`, { key: 'old' }],
    [204, 'DELETE', manager],
  ];
};

/** Of a connector `imported`, where an import has been reported; it is gone afterwards. `url` has user name and password. */
export async function importCalls(api: Api, scope: string, url: string): Promise<RouteCall[]> {
  const connectors = `${scope}/connectors`;
  const { username, password, origin, pathname } = new URL(url);
  await api.ok('PUT', `${scope}/secrets/imported`, { manager: 'builtin', value: password });
  await api.ok('PUT', `${connectors}/imported`, {
    url: `${origin}${pathname}`,
    connectivity: 'manager',
    credential: { username, secret: 'imported' },
  });
  const { id } = await api.ok('POST', `${connectors}/imported/imports`, { branch: 'main', dryRun: true });
  await eventually(
    async () => (await api.ok('GET', `${connectors}/imported/imports/${id}`)).state !== 'reporting',
    'the import to have ended',
  );
  return [
    [202, 'POST', `${connectors}/imported/imports`, { branch: 'nowhere', folder: 'a' }],
    [404, 'POST', `${connectors}/none/imports`, { branch: 'main' }],
    [404, 'POST', `${connectors}/imported/imports`, { branch: 'main', files: [NAMELESS] }],
    [400, 'POST', `${connectors}/imported/imports`, { branch: 'main', folder: 'a', files: [FILE] }],
    [400, 'POST', `${connectors}/imported/imports`, { branch: 'main', files: [FILE, FILE] }],
    [400, 'POST', `${connectors}/imported/imports`, { branch: 'main', files: [FOREIGN] }],
    [200, 'GET', `${connectors}/imported/imports?limit=1`],
    [400, 'GET', `${connectors}/imported/imports?cursor=x`],
    [404, 'GET', `${connectors}/none/imports`],
    [200, 'GET', `${connectors}/imported/imports/${id}`],
    [404, 'GET', `${connectors}/imported/imports/00000000-0000-4000-8000-000000000000`],
    [200, 'GET', `${connectors}/imported/imports/${id}/files?outcome=create&limit=1`],
    [400, 'GET', `${connectors}/imported/imports/${id}/files?cursor=.`],
    [202, 'POST', `${connectors}/imported/imports/${id}/apply`],
    [200, 'POST', `${connectors}/imported/imports/${id}/cancel`],
    [200, 'GET', `${connectors}/imported/drift?branch=main`],
    [404, 'GET', `${connectors}/none/drift`],
    [404, 'POST', `${connectors}/imported/drift/repair`, {}],
    [201, 'PUT', `${connectors}/imported/tracking`, { branches: ['nowhere'] }],
    [200, 'POST', `${connectors}/imported/drift/repair`, {}],
    [404, 'POST', `${connectors}/imported/drift/repair`, { branch: 'other' }],
    [200, 'POST', `${connectors}/imported/rename`, { url: `${origin}${pathname}` }],
    [404, 'POST', `${connectors}/none/rename`, { url: `${origin}${pathname}` }],
    [422, 'POST', `${connectors}/imported/rename`, { url: 'no url' }],
    [204, 'DELETE', `${connectors}/imported`],
    [204, 'DELETE', `${scope}/secrets/imported`],
  ];
}

const FILE = { path: 'a.yaml', kind: 'pipeline', id: 'a' };
const NAMELESS = { ...FILE, kind: 'none' };
const FOREIGN = { ...FILE, scope: 'accounts/another' };

/** Of a scope, its secrets, connectors, entities and operations. */
export function scopeCalls(
  scope: string,
  { connector, password }: { connector: unknown; password: string },
): RouteCall[] {
  const file = { connector: 'direct', branch: 'main' };
  return [
    [scope === 'accounts/demo' ? 200 : 201, 'PUT', scope, { displayName: 'One' }],
    [200, 'PUT', scope, { displayName: 'Two' }],
    [200, 'GET', scope],
    [201, 'PUT', `${scope}/secrets/own`, { manager: 'builtin', value: 'hidden' }],
    [200, 'PUT', `${scope}/secrets/own`, { manager: 'builtin', value: password }],
    [200, 'GET', `${scope}/secrets/own`],
    [404, 'GET', `${scope}/secrets/none`],
    [200, 'GET', `${scope}/secrets?limit=1`],
    [400, 'GET', `${scope}/secrets?limit=0`],
    [200, 'GET', `${scope}/secrets/own/versions`],
    [404, 'GET', `${scope}/secrets/none/versions`],
    [200, 'GET', `${scope}/secrets/own/uses?limit=1`],
    [404, 'GET', `${scope}/secrets/none/uses`],
    [200, 'POST', `${scope}/secrets/own/refresh`],
    [404, 'POST', `${scope}/secrets/none/refresh`],
    [200, 'GET', `${scope}/secrets/own/audit?limit=1`],
    [200, 'GET', `${scope}/secrets/own/access`],
    [404, 'GET', `${scope}/secrets/none/access`],
    [200, 'GET', `${scope}/secret-audit?actor=admin`],
    [400, 'GET', `${scope}/secret-audit?since=yesterday`],
    [200, 'GET', `${scope}/audit?limit=1`],
    [400, 'GET', `${scope}/audit?since=yesterday`],
    [201, 'PUT', `${scope}/connectors/own`, connector],
    [200, 'PUT', `${scope}/connectors/own`, connector],
    [200, 'GET', `${scope}/connectors/own`],
    [200, 'GET', `${scope}/connectors?limit=1`],
    [400, 'GET', `${scope}/connectors?cursor=own`],
    [200, 'POST', `${scope}/connectors/own/check`],
    [404, 'POST', `${scope}/connectors/none/check`],
    [409, 'DELETE', `${scope}/secrets/own`],
    [204, 'DELETE', `${scope}/connectors/own`],
    [404, 'DELETE', `${scope}/connectors/own`],
    [204, 'DELETE', `${scope}/secrets/own`],
    [201, 'PUT', `${scope}/entities/pipeline/one`, { yaml: 'name: one\n', git: file }],
    [200, 'PUT', `${scope}/entities/pipeline/one`, { yaml: 'name: two\n', git: {} }],
    [412, 'PUT', `${scope}/entities/pipeline/one`, 'name: x\n', { 'if-none-match': '*' }],
    [409, 'PUT', `${scope}/entities/pipeline/one`, 'name: x\n', { 'if-match': `"${'0'.repeat(40)}"` }],
    [422, 'PUT', `${scope}/entities/pipeline/one`, 'name: 1\n'],
    [200, 'GET', `${scope}/entities/pipeline/one`],
    [200, 'GET', `${scope}/entities/pipeline/one/compare?from=main&to=main`],
    [200, 'GET', `${scope}/entities/pipeline/one/history?limit=1`],
    [400, 'GET', `${scope}/entities/pipeline/one/history?cursor=x`],
    [200, 'GET', `${scope}/entities?limit=1`],
    [200, 'GET', `${scope}/entities?search=ON`],
    [400, 'GET', `${scope}/entities?search=%25`],
    [200, 'GET', `${scope}/operations?limit=1`],
    [400, 'GET', `${scope}/operations?limit=0`],
    [202, 'PUT', `${scope}/entities/pipeline/two`, { yaml: 'name: x\n', git: file }, { prefer: 'wait=0' }],
    [200, 'PUT', `${scope}/entities/pipeline/two?connector=direct&branch=main`, 'name: y\n'],
    [202, 'DELETE', `${scope}/entities/pipeline/one`, undefined, { prefer: 'wait=0' }],
    [200, 'DELETE', `${scope}/entities/pipeline/two`],
    [404, 'GET', `${scope}/entities/pipeline/two`],
  ];
}
