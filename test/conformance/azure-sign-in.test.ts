// Who the delegate is for Azure: by which way it signs in, how often, and what becomes of a refusal.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { AzureKeyVault } from '../../workers/secret-managers/azure-key-vault.js';
import { machineQuestion } from '../../workers/secret-managers/azure-managed-identity.js';
import type { AzureServer } from '../support/secret-servers/azure.js';
import { client, refuseSignIn, tenant } from '../support/secret-servers/azure-entra.js';
import { AzureWorld } from '../support/secret-servers/azure-subject.js';
import { codeFrom, failureFrom } from '../unit/support/refusals.js';
import { keeper } from './secret-manager.conformance.js';

let world: AzureWorld;
let server: AzureServer;
let folder: string;
beforeAll(async () => {
  world = await AzureWorld.start();
  ({ server } = world);
  server.vault.put('db', 'correct-horse');
  folder = fs.mkdtempSync('/tmp/sallyport-azure-');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await world.reset();
});
afterAll(async () => {
  fs.rmSync(folder, { recursive: true, force: true });
  await world?.close();
});

async function read(store: AzureKeyVault): Promise<string> {
  const { value } = await store.read({ path: 'db', field: null, version: null });
  const text = value.use((bytes) => bytes.toString());
  value.wipe();
  return text;
}

describe('With a client’s secret', () => {
  it('it signs in once for everybody, and not again', async () => {
    const store = world.open();
    expect(await Promise.all(Array.from({ length: 8 }, () => read(store)))).toEqual(
      Array.from({ length: 8 }, () => 'correct-horse'),
    );
    expect(await read(store)).toBe('correct-horse');
    expect(server.entra.signIns).toEqual(['secret']);
  });

  it('it signs in once more after the token was refused, in reading and in writing', async () => {
    const store = world.open();
    await read(store);
    server.entra.revokeAll();
    expect(await read(store)).toBe('correct-horse');
    server.entra.revokeAll();
    await store.write('written', Buffer.from('value'), { onlyIfAbsent: true, version: randomUUID() });
    expect(server.vault.secrets.get('written')).toHaveLength(1);
    expect(server.entra.signIns).toHaveLength(3);
  });

  it('it gives up when that token is refused as well', async () => {
    const store = world.open();
    server.interfere = ({ at }) => (at === 'vault' ? server.challenge() : undefined);
    expect(await failureFrom(read(store))).toMatchObject({
      code: 'SECRET_MANAGER_SIGN_IN_REFUSED',
      data: { ...keeper, reason: expect.stringContaining('HTTP 401') as string },
    });
    expect(server.entra.signIns).toHaveLength(2);
  });

  it('it exchanges a token before its end', async () => {
    const store = world.open();
    server.entra.lifeSeconds = -5;
    await read(store);
    const challenges = server.count('vault');
    server.entra.lifeSeconds = 3_600;
    await read(store);
    await read(store);
    expect(server.entra.signIns).toHaveLength(2);
    // The vault was asked without a token, with one, and with the same.
    expect(server.count('vault')).toBe(challenges + 3);
  });

  it.each([
    [401, 'invalid_client', 7000215, 'SECRET_MANAGER_SIGN_IN_REFUSED', 'AADSTS7000215'],
    [401, 'invalid_client', 7000222, 'SECRET_MANAGER_SIGN_IN_REFUSED', 'AADSTS7000222'],
    [400, 'unauthorized_client', 700016, 'SECRET_MANAGER_MISCONFIGURED', 'no such client'],
    [400, 'invalid_request', 90002, 'SECRET_MANAGER_MISCONFIGURED', 'no such tenant'],
    [403, 'access_denied', 53003, 'SECRET_MANAGER_SIGN_IN_REFUSED', 'AADSTS53003'],
    [404, 'not_found', 1, 'SECRET_MANAGER_MISCONFIGURED', 'cannot be signed in to'],
    [429, 'temporarily_unavailable', 90055, 'SECRET_MANAGER_THROTTLED', '429'],
    [500, 'server_error', 90033, 'SECRET_MANAGER_UNAVAILABLE', '500'],
    [503, 'temporarily_unavailable', 90033, 'SECRET_MANAGER_UNAVAILABLE', '503'],
  ])(
    '%i %s (%i) is told as %s, and is over when it has passed',
    async (status, error, number, code, reason) => {
      const store = world.open();
      server.interfere = ({ at, method }) =>
        at === 'authority' && method === 'POST' ? refuseSignIn(error, number, status) : undefined;
      const failure = await failureFrom(read(store));
      expect(failure).toMatchObject({ code, data: { reason: expect.stringContaining(reason) as string } });
      expect(JSON.stringify(failure.toWire())).not.toContain('told by it');
      server.interfere = () => undefined;
      expect(await read(store)).toBe('correct-horse');
    },
  );

  it('an answer without a token is none', async () => {
    const body = { token_type: 'Bearer', expires_in: 3_600 };
    server.interfere = ({ at, method }) =>
      at === 'authority' && method === 'POST' ? { status: 200, body } : undefined;
    expect(await codeFrom(read(world.open()))).toBe('SECRET_MANAGER_GARBLED');
  });

  it.each([
    ['a JSON object', '{"clientSecret": "a-long-secret"}'],
    ['nothing', ''],
    ['two lines', 'a-long-secret\nanother-one'],
  ])('%s is no credential, and is not shown', async (_, credential) => {
    const failure = await failureFrom((async () => read(world.open({ credential })))());
    expect(failure.code).toBe('SECRET_MANAGER_MISCONFIGURED');
    expect(JSON.stringify(failure.toWire())).not.toContain('a-long-secret');
  });

  it.each(['tenant', 'client'] as const)('the settings must name the %s', async (name) => {
    vi.stubEnv('AZURE_TENANT_ID', tenant);
    vi.stubEnv('AZURE_CLIENT_ID', client);
    const environment = { AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: client };
    const opening = (async () => world.open({ settings: { [name]: undefined }, environment }))();
    expect(await codeFrom(opening)).toBe('SECRET_MANAGER_MISCONFIGURED');
  });
});

describe('As a workload of Kubernetes', () => {
  const environmentWith = (assertion: string): Record<string, string> => {
    const file = path.join(folder, 'token');
    fs.writeFileSync(file, `${assertion}\n`);
    return { AZURE_FEDERATED_TOKEN_FILE: file, AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: client };
  };

  it('it shows what Kubernetes signed, as it is in the file at the time', async () => {
    const environment = environmentWith(server.entra.makeAssertion('somebody else'));
    const store = world.open({ credential: null, environment });
    expect(await codeFrom(read(store))).toBe('SECRET_MANAGER_SIGN_IN_REFUSED');
    environmentWith(server.entra.makeAssertion());
    expect(await read(store)).toBe('correct-horse');
    expect(server.entra.signIns).toEqual(['assertion', 'assertion']);
  });

  it('it is what the settings say rather than the environment', async () => {
    const environment = {
      ...environmentWith(server.entra.makeAssertion()),
      AZURE_TENANT_ID: 'another',
      AZURE_CLIENT_ID: 'another',
    };
    const store = world.open({ credential: null, environment, settings: { tenant, client } });
    expect(await read(store)).toBe('correct-horse');
  });

  it('it goes no other way when this one is shut', async () => {
    const environment = {
      ...environmentWith(server.entra.makeAssertion(undefined, -1)),
      ...server.machineEnvironment,
    };
    const store = world.open({ credential: null, environment });
    expect(await codeFrom(read(store))).toBe('SECRET_MANAGER_SIGN_IN_REFUSED');
    fs.rmSync(path.join(folder, 'token'));
    const failure = await failureFrom(read(store));
    expect(failure).toMatchObject({
      code: 'SECRET_MANAGER_SIGN_IN_REFUSED',
      data: { reason: 'the workload’s token file cannot be read' },
    });
    expect(failure.message).not.toContain(folder);
    expect(server.count('machine')).toBe(0);
  });

  it('it needs tenant and client', async () => {
    const environment = { ...environmentWith('x'), AZURE_TENANT_ID: undefined };
    const opening = (async () => world.open({ credential: null, environment }))();
    expect(await codeFrom(opening)).toBe('SECRET_MANAGER_MISCONFIGURED');
  });
});

describe('With a managed identity', () => {
  it.each([
    ['its own', {}],
    ['the one that the settings name', { client }],
  ])('it asks for %s', async (_, settings) => {
    const environment = server.machineEnvironment;
    expect(await read(world.open({ credential: null, environment, settings }))).toBe('correct-horse');
    expect(server.entra.signIns).toEqual(['machine']);
  });

  it('it asks anew after a token was refused', async () => {
    const store = world.open({ credential: null, environment: server.machineEnvironment });
    await read(store);
    server.entra.revokeAll();
    expect(await read(store)).toBe('correct-horse');
    expect(server.entra.signIns).toEqual(['machine', 'machine']);
  });

  it.each([
    [400, 'SECRET_MANAGER_SIGN_IN_REFUSED'],
    [404, 'SECRET_MANAGER_UNAVAILABLE'],
    [429, 'SECRET_MANAGER_THROTTLED'],
    [500, 'SECRET_MANAGER_UNAVAILABLE'],
    [200, 'SECRET_MANAGER_GARBLED'],
  ])('an answer of %i is told as %s', async (status, code) => {
    server.interfere = ({ at }) => (at === 'machine' ? { status, body: {} } : undefined);
    const store = world.open({ credential: null, environment: server.machineEnvironment });
    expect(await codeFrom(read(store))).toBe(code);
  });

  it('it asks nobody but its own machine', async () => {
    for (const IDENTITY_ENDPOINT of ['http://example.com/msi', 'https://127.0.0.1/msi', 'msi']) {
      const environment = { ...server.machineEnvironment, IDENTITY_ENDPOINT };
      const store = world.open({ credential: null, environment });
      expect(await codeFrom(read(store))).toBe('SECRET_MANAGER_MISCONFIGURED');
    }
  });

  it('it asks the machine itself where the environment of an app says nothing', () => {
    const { url, headers } = machineQuestion(
      { MSI_ENDPOINT: 'http://localhost/shell', AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://other' },
      'https://vault.azure.net',
      client,
    );
    expect(url.href).toBe(
      `http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net&client_id=${client}`,
    );
    expect(headers).toEqual({ metadata: 'true' });
  });
});

describe('Whatever the environment holds', () => {
  it('no developer’s login and no other authority is used', async () => {
    const elsewhere = {
      AZURE_AUTHORITY_HOST: 'https://127.0.0.1:9',
      AZURE_CLIENT_SECRET: 'a-developers-secret',
      AZURE_USERNAME: 'developer',
      AZURE_PASSWORD: 'password',
      AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://127.0.0.1:9',
      MSI_ENDPOINT: 'http://127.0.0.1:9',
      AZURE_TENANT_ID: tenant,
      AZURE_CLIENT_ID: client,
      PATH: '',
    };
    for (const [name, value] of Object.entries(elsewhere)) vi.stubEnv(name, value);
    expect(await read(world.open({ environment: elsewhere }))).toBe('correct-horse');
    const environment = { ...elsewhere, ...server.machineEnvironment };
    expect(await read(world.open({ credential: null, environment }))).toBe('correct-horse');
    expect(server.entra.signIns).toEqual(['secret', 'machine']);
  });

  it('a region in it leads nowhere: what is not the authority is not asked', async () => {
    vi.stubEnv('AZURE_REGIONAL_AUTHORITY_NAME', 'westeurope');
    expect(await codeFrom(read(world.open()))).toBe('SECRET_MANAGER_MISCONFIGURED');
    expect(server.entra.signIns).toEqual([]);
  });
});

describe('The vault', () => {
  afterEach(() => {
    server.resource = 'https://vault.localhost';
    server.tenant = tenant;
  });

  it.each(['https://vault.azure.net', 'https://team.vault.localhost', 'https://ault.localhost', 'nonsense'])(
    'gets no token for %s',
    async (resource) => {
      server.resource = resource;
      expect(await codeFrom(read(world.open()))).toBe('SECRET_MANAGER_MISCONFIGURED');
      expect(server.entra.signIns).toEqual([]);
    },
  );

  it('gets no token when it belongs to another tenant', async () => {
    server.tenant = tenant.replace('a', 'b');
    expect(await failureFrom(read(world.open()))).toMatchObject({
      code: 'SECRET_MANAGER_MISCONFIGURED',
      data: { reason: 'the vault belongs to another tenant' },
    });
    expect(server.entra.signIns).toEqual([]);
  });
});
