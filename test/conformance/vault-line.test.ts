// What stands between the client of Vault and OpenBao and the server: statuses, certificates, proxies, redirects, time, size.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { VaultKv } from '../../workers/secret-managers/vault-kv.js';
import type { VaultSettings } from '../../workers/secret-managers/vault-session.js';
import { type Certificates, makeCertificates } from '../support/certificates.js';
import { ConnectProxy } from '../support/connect-proxy.js';
import { VaultServer } from '../support/secret-servers/vault.js';
import {
  approle,
  documentedPolicy,
  roleId,
  secretId,
  setupFor,
} from '../support/secret-servers/vault-subject.js';
import { codeFrom, failureFrom } from '../unit/support/refusals.js';
import { keeper } from './secret-manager.conformance.js';

interface More {
  auth?: VaultSettings['auth'];
  ca?: string;
  address?: string;
  deadlineMs?: number;
  proxy?: { url: string; bypass: string[] };
}

let stores: VaultKv[] = [];
const closings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const store of stores) await store.close();
  stores = [];
  for (const close of closings.splice(0)) await close();
});

function open(server: VaultServer, { auth, ca, address, ...rest }: More = {}): VaultKv {
  const settings = { kind: 'vault-kv' as const, mount: 'secret', prefix: 'sallyport' };
  const own = { ...(auth && { auth }), ...(ca && { ca }), ...(address && { address }) };
  const store = new VaultKv(setupFor(server, { ...settings, ...own }, rest));
  stores.push(store);
  return store;
}

async function read(store: VaultKv, signal?: AbortSignal): Promise<string> {
  const { value } = await store.read({ path: 'sallyport/db', field: 'user', version: null }, signal);
  return value.use((bytes) => bytes.toString());
}

async function start(tls?: { cert: Buffer; key: Buffer }): Promise<VaultServer> {
  const server = await VaultServer.start(tls === undefined ? {} : { tls });
  server.tokens.writePolicy('work', documentedPolicy('secret'));
  server.allowAppRole(roleId, secretId);
  server.kv.put('sallyport/db', { user: 'ann' });
  return server;
}

describe('Over plain HTTP', () => {
  let server: VaultServer;
  beforeAll(async () => {
    server = await start();
  });
  beforeEach(() => {
    server.interfere = () => undefined;
  });
  afterAll(() => server?.close());

  const refuse = (status: number, ...errors: string[]) => ({ status, body: { errors } });

  const foundUser = (user: string) => ({
    status: 200,
    body: { data: { data: { user }, metadata: { version: 1 } } },
  });

  it.each([
    [400, 'told by it', 'SECRET_MANAGER_MISCONFIGURED'],
    [401, 'told by it', 'SECRET_MANAGER_SIGN_IN_REFUSED'],
    [403, 'permission denied', 'SECRET_MANAGER_DENIED'],
    [404, 'no handler for route "secret/data/x"', 'SECRET_MANAGER_MISCONFIGURED'],
    [405, 'unsupported operation', 'SECRET_MANAGER_MISCONFIGURED'],
    [412, 'required index state not present', 'SECRET_MANAGER_UNAVAILABLE'],
    [418, 'told by it', 'SECRET_MANAGER_GARBLED'],
    [429, 'rate limit quota exceeded', 'SECRET_MANAGER_THROTTLED'],
    [500, 'local node not active but active cluster node not found', 'SECRET_MANAGER_UNAVAILABLE'],
    [502, 'told by it', 'SECRET_MANAGER_UNAVAILABLE'],
    [503, 'Vault is sealed', 'SECRET_MANAGER_SEALED'],
    [503, 'no healthy upstream', 'SECRET_MANAGER_UNAVAILABLE'],
  ])('%i %j is told as its code, without its text', async (status, text, code) => {
    server.interfere = ({ path }) => (path.startsWith('secret/') ? refuse(status, text) : undefined);
    const failure = await failureFrom(read(open(server)));
    expect(failure).toMatchObject({
      code,
      data: { ...keeper, reason: expect.stringContaining(`${status}`) as string },
    });
    expect(JSON.stringify(failure.toWire())).not.toContain(text);
  });

  it('what is asked for in Retry-After goes along, within bounds', async () => {
    const after = async (header: string): Promise<unknown> => {
      server.interfere = () => ({ ...refuse(429), headers: { 'retry-after': header } });
      return (await failureFrom(read(open(server)))).data;
    };
    expect(await after('7')).toMatchObject({ retryAfterSeconds: 7 });
    expect(await after('9999999999')).toMatchObject({ retryAfterSeconds: 86_400 });
    expect(await after('soon')).not.toHaveProperty('retryAfterSeconds');
  });

  it.each([301, 302, 307, 308])('a redirect of %i is not followed', async (status) => {
    const other = await start();
    closings.push(() => other.close());
    server.interfere = ({ path }) => ({ status, headers: { location: `${other.address}/v1/${path}` } });
    const code = status === 307 ? 'SECRET_MANAGER_UNAVAILABLE' : 'SECRET_MANAGER_MISCONFIGURED';
    expect(await codeFrom(read(open(server)))).toBe(code);
    expect(other.seen).toEqual([]);
  });

  it.each([
    ['HTML', { text: '<html>It works!</html>' }],
    ['a JSON list', { text: '[]' }],
    ['JSON that is cut off', { text: '{"data":{"data":{"user":"ann"}' }],
    ['nothing', { text: '' }],
    ['more than any value has', foundUser('x'.repeat(5 * 1024 * 1024))],
    ['a value without its version', { status: 200, body: { data: { data: { user: 'ann' } } } }],
  ])('an answer that is %s is garbled', async (_, reply) => {
    server.interfere = ({ path }) => (path.startsWith('secret/') ? reply : undefined);
    expect(await codeFrom(read(open(server)))).toBe('SECRET_MANAGER_GARBLED');
  });

  it('connections are kept for what is asked next', async () => {
    const store = open(server);
    const before = server.connections;
    for (let turn = 0; turn < 5; turn++) await read(store);
    await store.close();
    expect(server.connections).toBe(before + 1);
  });

  it('a kept connection that is gone is no reason to fail a read', async () => {
    const store = open(server);
    await read(store);
    let hangsUp = true;
    server.interfere = () => {
      if (!hangsUp) return undefined;
      hangsUp = false;
      return 'hang-up';
    };
    expect(await read(store)).toBe('ann');
    expect(hangsUp).toBe(false);
  });

  it('a new connection that is gone is not tried again', async () => {
    const before = server.seen.length;
    server.interfere = () => 'hang-up';
    // The first that a given token is used for may be repeated, a login may not.
    for (const auth of [approle, { method: 'token' as const }])
      expect(await codeFrom(read(open(server, { auth })))).toBe('SECRET_MANAGER_UNAVAILABLE');
    expect(server.seen.length).toBe(before + 2);
  });

  it('one deadline is over everything that a call does, and leaves no connection and no timer', async () => {
    const store = open(server, { deadlineMs: 1_500 });
    let login = 0;
    server.interfere = ({ path }) => {
      if (path.endsWith('/login')) login++;
      return path.endsWith('/login') ? undefined : 'silence';
    };
    const failure = await failureFrom(
      store.write('sallyport/x', Buffer.from('v'), { onlyIfAbsent: false, version: randomUUID() }),
    );
    expect(failure).toMatchObject({
      code: 'SECRET_MANAGER_UNAVAILABLE',
      data: { reason: 'no answer within 1.5 s' },
    });
    expect(login).toBe(1);
    await store.close();
    await vi.waitFor(() => expect(server.open).toBe(0), 30_000);
  });

  it('what was cancelled before it began asks nothing', async () => {
    const before = server.seen.length;
    expect(await codeFrom(read(open(server), AbortSignal.abort()))).toBe('SECRET_MANAGER_UNAVAILABLE');
    expect(server.seen.length).toBe(before);
  });

  it('an address where nobody listens is not to be reached', async () => {
    const failure = await failureFrom(read(open(server, { address: 'http://127.0.0.1:9' })));
    expect(failure).toMatchObject({
      code: 'SECRET_MANAGER_UNAVAILABLE',
      data: { ...keeper, reason: 'the connection failed (ECONNREFUSED)' },
    });
  });

  it('what speaks no HTTP is garbled', async () => {
    const other = http.createServer().on('connection', (socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    closings.push(() => new Promise((resolve) => other.close(() => resolve())));
    const address = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    expect(await codeFrom(read(open(server, { address })))).toBe('SECRET_MANAGER_GARBLED');
  });
});

describe('Over TLS', () => {
  let certificates: Certificates;
  let server: VaultServer;
  let ca: string;
  beforeAll(async () => {
    certificates = makeCertificates();
    const { certificateFile, keyFile } = certificates.server;
    server = await start({ cert: fs.readFileSync(certificateFile), key: fs.readFileSync(keyFile) });
    ca = fs.readFileSync(certificates.authorityFile, 'utf8');
  });
  afterAll(async () => {
    await server?.close();
    certificates?.remove();
  });

  it('the authority of the settings is believed', async () => {
    expect(await read(open(server, { ca }))).toBe('ann');
  });

  it.each([
    ['no authority', () => undefined],
    ['another authority', () => fs.readFileSync(certificates.selfSigned.certificateFile, 'utf8')],
    ['an authority that is damaged', () => '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
  ])('%s is no reason to send anything', async (_, choose) => {
    const before = server.seen.length;
    const other = choose();
    expect(await codeFrom(read(open(server, other === undefined ? {} : { ca: other })))).toBe(
      'SECRET_MANAGER_MISCONFIGURED',
    );
    expect(server.seen.length).toBe(before);
  });

  it('the environment does not switch verification off', async () => {
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const code = await codeFrom(read(open(server))).finally(() => vi.unstubAllEnvs());
    warnings.mockRestore();
    expect(code).toBe('SECRET_MANAGER_MISCONFIGURED');
  });

  describe('and a proxy', () => {
    let proxy: ConnectProxy;
    afterEach(() => proxy.close());

    it('it is reached by CONNECT, by name, and shows the proxy nothing', async () => {
      proxy = await ConnectProxy.open({ credential: 'user:pass word' });
      const url = proxy.url.replace('//', '//user:pass%20word@');
      const address = `https://vault.git.test:${server.port}`;
      const store = open(server, { ca, address, proxy: { url, bypass: [] } });
      expect([await read(store), await read(store)]).toEqual(['ann', 'ann']);
      expect(proxy.lines).toEqual([`vault.git.test:${server.port}`]);
      expect([proxy.addresses, proxy.authorizations]).toEqual([[], []]);
    });

    it('a certificate for another name is not believed behind it', async () => {
      proxy = await ConnectProxy.open();
      const address = `https://vault.other.test:${server.port}`;
      const before = server.seen.length;
      const code = await codeFrom(read(open(server, { ca, address, proxy: { url: proxy.url, bypass: [] } })));
      expect([code, proxy.lines.length, server.seen.length - before]).toEqual([
        'SECRET_MANAGER_MISCONFIGURED',
        1,
        0,
      ]);
    });

    it('authorities that are damaged are told behind it', async () => {
      proxy = await ConnectProxy.open();
      const damaged = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
      const code = await codeFrom(read(open(server, { ca: damaged, proxy: { url: proxy.url, bypass: [] } })));
      expect(code).toBe('SECRET_MANAGER_MISCONFIGURED');
    });

    it.each([['127.0.0.0/8'], ['127.0.0.1']])('it is passed by for %s', async (entry) => {
      proxy = await ConnectProxy.open();
      expect(await read(open(server, { ca, proxy: { url: proxy.url, bypass: ['.corp', entry] } }))).toBe(
        'ann',
      );
      expect(proxy.lines).toEqual([]);
    });

    it.each([['localhost'], ['.localhost']])('it is passed by for the name %s', async (entry) => {
      proxy = await ConnectProxy.open();
      const address = `https://localhost:${server.port}`;
      expect(await read(open(server, { ca, address, proxy: { url: proxy.url, bypass: [entry] } }))).toBe(
        'ann',
      );
      expect(proxy.lines).toEqual([]);
    });

    it('its refusal is told', async () => {
      proxy = await ConnectProxy.open({ refuseWith: 403 });
      const failure = await failureFrom(
        read(open(server, { ca, proxy: { url: proxy.url, bypass: ['10.0.0.0/8'] } })),
      );
      expect(failure).toMatchObject({
        code: 'SECRET_MANAGER_UNAVAILABLE',
        data: { ...keeper, reason: 'the proxy answered 403' },
      });
    });
  });
});

it('A proxy is reached by CONNECT for plain HTTP as well, so that it sees no token', async () => {
  const server = await start();
  const proxy = await ConnectProxy.open();
  closings.push(
    () => server.close(),
    () => proxy.close(),
  );
  expect(await read(open(server, { proxy: { url: proxy.url, bypass: [] } }))).toBe('ann');
  expect([proxy.lines, proxy.addresses]).toEqual([[`127.0.0.1:${server.port}`], []]);
});

it('A proxy that never answers keeps nobody, and no connection, beyond closing', async () => {
  const server = await start();
  const silent = net.createServer((socket) => void socket.on('error', () => undefined).resume());
  let connections = 0;
  silent.on('connection', (socket) => {
    connections++;
    socket.on('close', () => connections--);
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  closings.push(
    () => server.close(),
    () => new Promise((resolve) => silent.close(() => resolve())),
  );
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const store = open(server, { deadlineMs: 30_000, proxy: { url, bypass: [] } });
  const reading = codeFrom(read(store));
  await vi.waitFor(() => expect(connections).toBe(1), 30_000);
  await store.close();
  expect(await reading).toBe('SECRET_MANAGER_UNAVAILABLE');
  await vi.waitFor(() => expect(connections).toBe(0), 30_000);
});
