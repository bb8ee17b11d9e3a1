// What stands between the delegate and Azure: statuses, certificates, proxies, redirects, time, size.
import { getActiveResourcesInfo } from 'node:process';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { AzureKeyVault } from '../../workers/secret-managers/azure-key-vault.js';
import { ConnectProxy } from '../support/connect-proxy.js';
import type { AzureServer } from '../support/secret-servers/azure.js';
import { tenant } from '../support/secret-servers/azure-entra.js';
import { AzureWorld } from '../support/secret-servers/azure-subject.js';
import { refuse } from '../support/secret-servers/azure-vault.js';
import { codeFrom, failureFrom } from '../unit/support/refusals.js';
import { keeper } from './secret-manager.conformance.js';

let world: AzureWorld;
let server: AzureServer;
const closings: (() => Promise<void>)[] = [];
beforeAll(async () => {
  world = await AzureWorld.start();
  ({ server } = world);
  server.vault.put('db', 'correct-horse');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await world.reset();
  for (const close of closings.splice(0)) await close();
});
afterAll(() => world?.close());

async function read(store: AzureKeyVault, signal?: AbortSignal): Promise<string> {
  const { value } = await store.read({ path: 'db', field: null, version: null }, signal);
  const text = value.use((bytes) => bytes.toString());
  value.wipe();
  return text;
}

const atVault = (answer: ReturnType<AzureServer['interfere']>): void => {
  server.interfere = ({ at, isSignedIn }) => (at === 'vault' && isSignedIn ? answer : undefined);
};

describe('An answer', () => {
  it.each([
    [400, 'BadParameter', undefined, 'SECRET_MANAGER_MISCONFIGURED'],
    [403, 'Forbidden', undefined, 'SECRET_MANAGER_DENIED'],
    [403, 'Forbidden', 'AccessDenied', 'SECRET_MANAGER_DENIED'],
    [403, 'Forbidden', 'ForbiddenByPolicy', 'SECRET_MANAGER_DENIED'],
    [403, 'Forbidden', 'ForbiddenByRbac', 'SECRET_MANAGER_DENIED'],
    [403, 'Forbidden', 'ForbiddenByFirewall', 'SECRET_MANAGER_DENIED'],
    [403, 'Forbidden', 'SecretDisabled', 'SECRET_VERSION_GONE'],
    [404, 'SecretNotFound', undefined, 'SECRET_NOT_IN_STORE'],
    [404, 'NotFound', undefined, 'SECRET_MANAGER_MISCONFIGURED'],
    [408, 'RequestTimeout', undefined, 'SECRET_MANAGER_UNAVAILABLE'],
    [409, 'Conflict', 'ObjectIsBeingDeleted', 'SECRET_VERSION_GONE'],
    [418, 'Teapot', undefined, 'SECRET_MANAGER_GARBLED'],
    [429, 'Throttled', undefined, 'SECRET_MANAGER_THROTTLED'],
    [500, 'InternalError', undefined, 'SECRET_MANAGER_UNAVAILABLE'],
    [503, 'ServiceUnavailable', undefined, 'SECRET_MANAGER_UNAVAILABLE'],
  ])('of %i %s (%s) is told as %s, without its text', async (status, outer, inner, code) => {
    atVault(refuse(status, outer, inner));
    const failure = await failureFrom(read(world.open()));
    expect(failure).toMatchObject({ code, data: keeper });
    expect(JSON.stringify(failure.toWire())).not.toContain('told by it');
    expect(failure.message).toContain('7d0a4f6e-0f5b-4e43-9d64-6a2b6c9f0e77');
  });

  it.each([
    [401, 'SECRET_MANAGER_SIGN_IN_REFUSED'],
    [403, 'SECRET_MANAGER_DENIED'],
    [404, 'SECRET_MANAGER_MISCONFIGURED'],
    [502, 'SECRET_MANAGER_UNAVAILABLE'],
    [200, 'SECRET_MANAGER_GARBLED'],
    [204, 'SECRET_MANAGER_GARBLED'],
  ])('of %i that says nothing, or not as it should, is told as %s', async (status, code) => {
    for (const text of ['', '<html>', 'null', '"text"', '{"error":']) {
      atVault({ status, text });
      expect(await codeFrom(read(world.open())), text).toBe(code);
      atVault({ status, text, headers: { 'content-type': 'application/json' } });
      expect(await codeFrom(read(world.open())), text).toBe(code);
    }
  });

  it('tells when to come again, within bounds', async () => {
    const after = async (header: string): Promise<unknown> => {
      atVault({ ...refuse(429, 'Throttled'), headers: { 'retry-after': header } });
      return (await failureFrom(read(world.open()))).data;
    };
    expect(await after('7')).toMatchObject({ retryAfterSeconds: 7 });
    expect(await after('9999999999')).toMatchObject({ retryAfterSeconds: 86_400 });
    expect(await after('soon')).not.toHaveProperty('retryAfterSeconds');
  });

  it('that is too long is not read to its end', async () => {
    atVault({ text: `"${'a'.repeat(2 * 1024 * 1024)}"` });
    expect(await codeFrom(read(world.open()))).toBe('SECRET_MANAGER_GARBLED');
  });

  it.each([301, 302, 307, 308])('of %i is not followed, from the vault or the authority', async (status) => {
    const headers = { location: `${server.authority}/elsewhere` };
    atVault({ status, headers });
    expect(await codeFrom(read(world.open()))).toBe('SECRET_MANAGER_MISCONFIGURED');
    server.interfere = ({ at }) => (at === 'authority' ? { status, headers } : undefined);
    expect(await codeFrom(read(world.open()))).toBe('SECRET_MANAGER_MISCONFIGURED');
    expect(server.count('authority', /elsewhere/)).toBe(0);
  });

  it('of the authority that names another place for tokens is not followed', async () => {
    const other = server.authority.replace('localhost', '127.0.0.1');
    server.interfere = ({ at, method }) => {
      if (at !== 'authority' || method !== 'GET') return undefined;
      const base = `${other}/${tenant}`;
      const body = {
        issuer: `${server.authority}/${tenant}/v2.0`,
        authorization_endpoint: `${base}/a`,
        token_endpoint: `${base}/oauth2/v2.0/token`,
        jwks_uri: `${base}/keys`,
      };
      return { status: 200, body };
    };
    expect(await codeFrom(read(world.open()))).toBe('SECRET_MANAGER_MISCONFIGURED');
    expect(server.entra.signIns).toEqual([]);
  });
});

describe('A connection', () => {
  it('is trusted by the authorities of the settings alone', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    expect(await failureFrom(read(world.open({ settings: { ca: undefined } })))).toMatchObject({
      code: 'SECRET_MANAGER_MISCONFIGURED',
      data: { ...keeper, reason: expect.stringContaining('not to be trusted') as string },
    });
    const port = new URL(server.vaultUrl).port;
    const vault = `https://team.other.localhost:${port}`;
    expect(await codeFrom(read(world.open({ settings: { vault } })))).toBe('SECRET_MANAGER_MISCONFIGURED');
    const ca = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    const opening = (async () => world.open({ settings: { ca } }))();
    expect(await codeFrom(opening)).toBe('SECRET_MANAGER_MISCONFIGURED');
  });

  it.each([{ vault: 'http://team.vault.localhost:1' }, { authority: 'http://localhost:1' }])(
    'is never without TLS: %j',
    async (settings) => {
      expect(await codeFrom((async () => world.open({ settings }))())).toBe('SECRET_MANAGER_MISCONFIGURED');
    },
  );

  it('that nobody takes is told as such', async () => {
    const vault = 'https://team.vault.localhost:1';
    expect(await failureFrom(read(world.open({ settings: { vault } })))).toMatchObject({
      code: 'SECRET_MANAGER_UNAVAILABLE',
      data: { reason: expect.stringContaining('ECONNREFUSED') as string },
    });
  });

  it('goes through the proxy, but for what is reached without', async () => {
    const proxy = await ConnectProxy.open({ credential: 'ann:secret' });
    closings.push(() => proxy.close());
    const url = `http://ann:secret@127.0.0.1:${proxy.port}`;
    const [vault, authority] = [server.vaultUrl, server.authority].map((one) => new URL(one).host);
    expect(await read(world.open({ proxy: { url, bypass: [] } }))).toBe('correct-horse');
    expect(new Set(proxy.lines)).toEqual(new Set([vault, authority]));
    proxy.lines.length = 0;
    expect(await read(world.open({ proxy: { url, bypass: ['.vault.localhost'] } }))).toBe('correct-horse');
    expect(new Set(proxy.lines)).toEqual(new Set([authority]));
  });

  it('does not go through a proxy for what is on the machine', async () => {
    const proxy = await ConnectProxy.open();
    closings.push(() => proxy.close());
    const way = { url: `http://127.0.0.1:${proxy.port}`, bypass: [] };
    const store = world.open({ credential: null, environment: server.machineEnvironment, proxy: way });
    expect(await read(store)).toBe('correct-horse');
    expect(new Set(proxy.lines)).toEqual(new Set([new URL(server.vaultUrl).host]));
    expect(proxy.addresses).toEqual([]);
  });

  it.each([407, 502])(
    'that the proxy refuses with %i is told without the proxy’s password',
    async (status) => {
      const proxy = await ConnectProxy.open({ refuseWith: status });
      closings.push(() => proxy.close());
      const way = { url: `http://ann:secret@127.0.0.1:${proxy.port}`, bypass: [] };
      const failure = await failureFrom(read(world.open({ proxy: way })));
      expect(failure.code).toBe('SECRET_MANAGER_UNAVAILABLE');
      expect(JSON.stringify(failure.toWire())).not.toContain('secret@');
    },
  );

  it('is not led by a proxy or a vault of the environment', async () => {
    for (const name of ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY']) vi.stubEnv(name, 'http://127.0.0.1:9');
    expect(await read(world.open())).toBe('correct-horse');
  });

  it('tells nobody what runs here', async () => {
    await read(world.open());
    expect([...server.userAgents]).toEqual(['sallyport']);
  });
});

describe('A call', () => {
  it.each(['vault', 'authority'] as const)('is made once more when %s broke the line', async (where) => {
    let left = 1;
    server.interfere = ({ at }) => (at === where && left-- > 0 ? 'hang-up' : undefined);
    expect(await read(world.open())).toBe('correct-horse');
  });

  it.each(['vault', 'authority'] as const)('ends within its deadline when %s is silent', async (where) => {
    server.interfere = ({ at }) => (at === where ? 'silence' : undefined);
    const started = performance.now();
    expect(await codeFrom(read(world.open({ deadlineMs: 2_000 })))).toBe('SECRET_MANAGER_UNAVAILABLE');
    expect(performance.now() - started).toBeLessThan(3_500);
  });

  it.each(['vault', 'authority'] as const)(
    'ends at once when it is cancelled while %s is silent',
    async (where) => {
      const cancel = new AbortController();
      server.interfere = ({ at }) => {
        if (at !== where) return undefined;
        cancel.abort();
        return 'silence';
      };
      const started = performance.now();
      expect(await failureFrom(read(world.open({ deadlineMs: 60_000 }), cancel.signal))).toMatchObject({
        code: 'SECRET_MANAGER_UNAVAILABLE',
        data: { reason: 'it was cancelled' },
      });
      expect(performance.now() - started).toBeLessThan(5_000);
    },
  );

  it('that is cancelled before it begins asks nothing', async () => {
    const before = server.seen.length;
    expect(await codeFrom(read(world.open(), AbortSignal.abort()))).toBe('SECRET_MANAGER_UNAVAILABLE');
    expect(server.seen.length).toBe(before);
  });

  it('that is cancelled does not end the sign-in that others wait for', async () => {
    const cancel = new AbortController();
    let go = (): void => undefined;
    const reached = new Promise<void>((resolve) => {
      server.interfere = ({ at, method }) => {
        if (at !== 'authority' || method !== 'POST') return undefined;
        resolve();
        return new Promise((answer) => {
          go = () => answer(undefined);
        });
      };
    });
    const store = world.open();
    const [first, second] = [codeFrom(read(store, cancel.signal)), read(store)];
    await reached;
    cancel.abort();
    expect(await first).toBe('SECRET_MANAGER_UNAVAILABLE');
    go();
    expect(await second).toBe('correct-horse');
  });
});

it('Nothing is left after it is closed, whatever was under way', async () => {
  const timers = (): number => getActiveResourcesInfo().filter((one) => one === 'Timeout').length;
  const before = timers();
  const store = world.open({ deadlineMs: 60_000 });
  await read(store);
  server.interfere = () => 'silence';
  const reading = codeFrom(read(store));
  await vi.waitUntil(() => server.seen.at(-1)?.path === '/secrets/db/', 30_000);
  await store.close();
  expect(await reading).toBe('SECRET_MANAGER_UNAVAILABLE');
  await vi.waitUntil(() => server.open === 0, 30_000);
  expect(timers()).toBeLessThanOrEqual(before + 1);
});
