// What stands between both kinds on Google Cloud and Google: statuses, certificates, proxies, time, size.
import fs from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { GcpSecretManager } from '../../workers/secret-managers/gcp-secret-manager.js';
import { type Certificates, makeCertificates } from '../support/certificates.js';
import { ConnectProxy } from '../support/connect-proxy.js';
import { GoogleServer } from '../support/secret-servers/google.js';
import { Refusal } from '../support/secret-servers/google-refusal.js';
import { PROJECT } from '../support/secret-servers/google-secrets.js';
import { setupFor } from '../support/secret-servers/google-subject.js';
import { failureFrom } from '../unit/support/refusals.js';
import { keeper } from './secret-manager.conformance.js';

interface More {
  ca?: string;
  endpoint?: string;
  tokenEndpoint?: string;
  deadlineMs?: number;
  proxy?: { url: string; bypass: string[] };
}

const closings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0).toReversed()) await close();
});

function open(server: GoogleServer, { deadlineMs, proxy, ...settings }: More = {}): GcpSecretManager {
  const full = { kind: 'gcp-secret-manager' as const, project: PROJECT, prefix: 'sallyport', ...settings };
  const store = new GcpSecretManager(
    setupFor(server, full, { ...(deadlineMs && { deadlineMs }), ...(proxy && { proxy }) }),
  );
  closings.push(() => store.close());
  return store;
}

async function read(store: GcpSecretManager, signal?: AbortSignal): Promise<string> {
  const { value } = await store.read({ path: 'db', field: null, version: null }, signal);
  return value.use((bytes) => bytes.toString());
}

async function start(tls?: { cert: Buffer; key: Buffer }): Promise<GoogleServer> {
  const server = await GoogleServer.start(tls === undefined ? {} : { tls });
  server.secrets.put('db', Buffer.from('value'));
  return server;
}

describe('Over plain HTTP/2', () => {
  let server: GoogleServer;
  beforeAll(async () => {
    server = await start();
  });
  beforeEach(() => {
    server.interfere = () => undefined;
  });
  afterAll(() => server?.close());

  const about = (reason: string) => ({ type: 'ErrorInfo' as const, reason, domain: 'googleapis.com' });

  it.each([
    [1, [], 'SECRET_MANAGER_UNAVAILABLE'],
    [2, [], 'SECRET_MANAGER_GARBLED'],
    [3, [], 'SECRET_MANAGER_MISCONFIGURED'],
    [4, [], 'SECRET_MANAGER_UNAVAILABLE'],
    [5, [], 'SECRET_NOT_IN_STORE'],
    [7, [], 'SECRET_MANAGER_DENIED'],
    [7, [about('IAM_PERMISSION_DENIED')], 'SECRET_MANAGER_DENIED'],
    [7, [about('SERVICE_DISABLED')], 'SECRET_MANAGER_MISCONFIGURED'],
    [7, [about('CONSUMER_INVALID')], 'SECRET_MANAGER_MISCONFIGURED'],
    [7, [about('constructor')], 'SECRET_MANAGER_DENIED'],
    [8, [], 'SECRET_MANAGER_THROTTLED'],
    [9, [], 'SECRET_VERSION_GONE'],
    [10, [], 'SECRET_MANAGER_UNAVAILABLE'],
    [11, [], 'SECRET_MANAGER_MISCONFIGURED'],
    [12, [], 'SECRET_MANAGER_MISCONFIGURED'],
    [13, [], 'SECRET_MANAGER_UNAVAILABLE'],
    [14, [], 'SECRET_MANAGER_UNAVAILABLE'],
    [15, [], 'SECRET_MANAGER_GARBLED'],
    [16, [], 'SECRET_MANAGER_SIGN_IN_REFUSED'],
    [99, [], 'SECRET_MANAGER_GARBLED'],
  ])('the status %i with %j is told as its code, without its text', async (status, details, code) => {
    server.interfere = () => new Refusal(status, 'told by it', ...details);
    const failure = await failureFrom(read(open(server)));
    expect(failure).toMatchObject({ code, data: keeper });
    expect(JSON.stringify(failure.toWire())).not.toContain('told by it');
  });

  it.each([
    [7, 7],
    [0, undefined],
    [1_000_000, undefined],
  ])('is asked again when it says so: after %i seconds', async (seconds, told) => {
    server.interfere = () =>
      new Refusal(8, 'Quota exceeded.', { type: 'RetryInfo', retryDelay: { seconds } });
    const failure = await failureFrom(read(open(server)));
    expect(failure.data).toEqual({
      ...keeper,
      reason: 'too many requests (RESOURCE_EXHAUSTED)',
      ...(told && { retryAfterSeconds: told }),
    });
  });

  it.each([
    [14, 2],
    [16, 2],
    [8, 1],
    [13, 1],
    [7, 1],
  ])('is asked no more often than this when it goes on answering %i: %i', async (status, times) => {
    server.interfere = () => new Refusal(status, 'no');
    const asked = server.seen.length;
    await failureFrom(read(open(server)));
    expect(server.seen.length - asked).toBe(times);
  });

  it('is asked once more when it could not answer', async () => {
    const once = [new Refusal(14, 'no')];
    server.interfere = () => once.pop();
    expect(await read(open(server))).toBe('value');
  });

  it('answers over a new connection when the old one was cut', async () => {
    const store = open(server);
    const before = server.connections;
    expect(await read(store)).toBe('value');
    server.hangUp();
    expect(await read(store)).toBe('value');
    expect(server.connections - before).toBe(2);
  });

  it('is one connection for many questions', async () => {
    const store = open(server);
    const before = server.connections;
    await read(store);
    await Promise.all(Array.from({ length: 20 }, () => read(store)));
    expect(server.connections - before).toBe(1);
  });

  it('has until the deadline and no longer, also for two attempts', async () => {
    server.interfere = ({ method }) => (method === 'accessSecretVersion' ? 'silence' : undefined);
    const began = performance.now();
    const failure = await failureFrom(read(open(server, { deadlineMs: 300 })));
    expect(failure.code).toBe('SECRET_MANAGER_UNAVAILABLE');
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it('hears that nobody waits any more', async () => {
    const store = open(server);
    await read(store);
    server.interfere = () => 'silence';
    const cancelled = server.cancelled;
    const asked = server.seen.length;
    const cancel = new AbortController();
    const reading = failureFrom(read(store, cancel.signal));
    await vi.waitFor(() => expect(server.seen.length).toBe(asked + 1), 30_000);
    cancel.abort();
    expect((await reading).message).toContain('it was cancelled');
    await vi.waitFor(() => expect(server.cancelled).toBe(cancelled + 1), 30_000);
  });

  it('is asked nothing by a call that was cancelled before', async () => {
    const asked = [server.seen.length, server.accounts.asked];
    const failure = await failureFrom(read(open(server), AbortSignal.abort()));
    expect(failure.code).toBe('SECRET_MANAGER_UNAVAILABLE');
    expect([server.seen.length, server.accounts.asked]).toEqual(asked);
  });

  it('answers nothing with what is no message', async () => {
    server.interfere = () => Buffer.from('<html>');
    expect((await failureFrom(read(open(server)))).code).toBe('SECRET_MANAGER_GARBLED');
  });

  it('answers nothing with more than a megabyte', async () => {
    server.interfere = () => ({ answer: { payload: { data: Buffer.alloc(1024 * 1024) } } });
    expect(await failureFrom(read(open(server)))).toMatchObject({
      code: 'SECRET_MANAGER_GARBLED',
      data: { reason: 'the answer is too long (RESOURCE_EXHAUSTED)' },
    });
  });

  it('keeps no connection after the end', async () => {
    await vi.waitFor(() => expect(server.open).toBe(0), 30_000);
    const store = open(server);
    await read(store);
    expect(server.open).toBe(1);
    await store.close();
    await vi.waitFor(() => expect(server.open).toBe(0), 30_000);
  });

  it('is not there where nobody listens', async () => {
    const probe = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => probe.once('listening', resolve));
    const endpoint = `http://127.0.0.1:${(probe.address() as AddressInfo).port}`;
    await new Promise((resolve) => probe.close(resolve));
    expect((await failureFrom(read(open(server, { endpoint })))).code).toBe('SECRET_MANAGER_UNAVAILABLE');
  });

  it('is not there where something else listens', async () => {
    const other = http.createServer((_, response) => response.end('It works!')).listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    closings.push(async () => {
      other.closeAllConnections();
      await new Promise((resolve) => other.close(resolve));
    });
    const endpoint = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const failure = await failureFrom(read(open(server, { endpoint, deadlineMs: 1_000 })));
    expect(failure.code).toBe('SECRET_MANAGER_UNAVAILABLE');
  });

  describe('through a proxy', () => {
    async function openProxy(
      options: { credential?: string; refuseWith?: number } = {},
    ): Promise<ConnectProxy> {
      const proxy = await ConnectProxy.open(options);
      closings.push(() => proxy.close());
      return proxy;
    }

    it('is reached by CONNECT, and so is what gives tokens', async () => {
      const proxy = await openProxy({ credential: 'ann:pa ss' });
      const url = `http://ann:pa%20ss@127.0.0.1:${proxy.port}`;
      expect(await read(open(server, { proxy: { url, bypass: [] } }))).toBe('value');
      expect(proxy.lines.toSorted()).toEqual(
        [server.url, server.accounts.url].map((text) => new URL(text).host).toSorted(),
      );
      expect(proxy.addresses).toEqual([]);
      expect(proxy.authorizations).toEqual([]);
      expect(server.seen.at(-1)?.authority).toBe(new URL(server.url).host);
    });

    it('is reached past it where the host is bypassed', async () => {
      const proxy = await openProxy({ refuseWith: 403 });
      const bypass = ['127.0.0.0/8'];
      expect(await read(open(server, { proxy: { url: proxy.url, bypass } }))).toBe('value');
      expect(proxy.lines).toEqual([]);
    });

    it('names by name what only the proxy can resolve', async () => {
      const proxy = await openProxy();
      const named = (url: string): string => url.replace('127.0.0.1', 'google.corp.invalid');
      const [endpoint, tokenEndpoint] = [named(server.url), server.accounts.url];
      const way = { url: proxy.url, bypass: ['127.0.0.1'] };
      const store = open(server, { endpoint, tokenEndpoint, proxy: { ...way, bypass: ['127.0.0.1/32'] } });
      expect(await read(store)).toBe('value');
      expect(proxy.lines).toEqual([new URL(endpoint).host]);
      expect(server.seen.at(-1)?.authority).toBe(new URL(endpoint).host);
    });

    it.each([407, 403, 502])('is not reached where the proxy answers %i', async (refuseWith) => {
      const proxy = await openProxy({ refuseWith });
      const failure = await failureFrom(read(open(server, { proxy: { url: proxy.url, bypass: [] } })));
      expect(failure).toMatchObject({
        code: 'SECRET_MANAGER_UNAVAILABLE',
        data: { ...keeper, reason: `the proxy answered ${refuseWith}` },
      });
    });
  });
});

describe('Over TLS', () => {
  let certificates: Certificates;
  let server: GoogleServer;
  let ca: string;
  const pem = (file: string): string => fs.readFileSync(file, 'utf8');
  beforeAll(async () => {
    certificates = makeCertificates();
    const { certificateFile, keyFile } = certificates.server;
    server = await start({ cert: fs.readFileSync(certificateFile), key: fs.readFileSync(keyFile) });
    ca = pem(certificates.authorityFile);
  });
  afterEach(() => vi.unstubAllEnvs());
  afterAll(async () => {
    await server?.close();
    certificates?.remove();
  });

  it('is believed with the authority of the settings', async () => {
    expect(await read(open(server, { ca }))).toBe('value');
  });

  it('is believed through a proxy, under the name that was asked for', async () => {
    const proxy = await ConnectProxy.open();
    closings.push(() => proxy.close());
    const endpoint = server.url.replace('127.0.0.1', 'kms.git.test');
    expect(await read(open(server, { ca, endpoint, proxy: { url: proxy.url, bypass: [] } }))).toBe('value');
    expect(proxy.lines).toContain(new URL(endpoint).host);
  });

  it('is not believed through a proxy under a name that its certificate does not have', async () => {
    const proxy = await ConnectProxy.open();
    closings.push(() => proxy.close());
    const endpoint = server.url.replace('127.0.0.1', 'kms.other.test');
    const store = open(server, { ca, endpoint, proxy: { url: proxy.url, bypass: ['127.0.0.1/32'] } });
    expect((await failureFrom(read(store))).code).toBe('SECRET_MANAGER_MISCONFIGURED');
  });

  it.each([
    ['without the authority', () => undefined],
    ['with another authority', () => pem(certificates.selfSigned.certificateFile)],
  ])('is not believed %s, whatever the environment says', async (_, authority) => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    vi.stubEnv('GRPC_DEFAULT_SSL_ROOTS_FILE_PATH', certificates.authorityFile);
    const asked = server.seen.length;
    const given = authority();
    const failure = await failureFrom(read(open(server, given === undefined ? {} : { ca: given })));
    expect(failure).toMatchObject({ code: 'SECRET_MANAGER_MISCONFIGURED', data: keeper });
    expect(failure.message).toContain('the certificate is not to be trusted');
    expect(server.seen.length).toBe(asked);
  });

  it('is not believed by its gRPC alone either', async () => {
    const plain = await start();
    closings.push(() => plain.close());
    const store = open(plain, { endpoint: server.url, ca: pem(certificates.selfSigned.certificateFile) });
    expect((await failureFrom(read(store))).code).toBe('SECRET_MANAGER_MISCONFIGURED');
  });

  it('is not asked with authorities that are no certificates', () => {
    const settings = { ca: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' };
    expect(() => open(server, settings)).toThrow('the authorities of the settings are no certificates');
  });
});
