// Hosts behind an HTTP proxy, and what the proxy is never asked for.
import fs from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AddressRanges } from '../../src/git/address-policy.js';
import type { Network } from '../../src/git/network.js';
import type { NetworkOptions } from '../../src/git/network-dial.js';
import { Proxy, type ProxyOptions as ProxySettings } from '../../src/git/network-proxy.js';
import { type Certificates, makeCertificates } from '../support/certificates.js';
import { ConnectProxy, type ProxyOptions } from '../support/connect-proxy.js';
import { type EngineName, Engines, networkOf, resolverOf } from '../support/engines.js';
import { GitWorld, type TestRepository } from '../support/git-world.js';
import { TlsFront } from '../support/tls-front.js';

let world: GitWorld;
let certificates: Certificates;
let front: TlsFront;
let repository: TestRepository;
const engines = new Engines();
const proxies: ConnectProxy[] = [];

beforeAll(async () => {
  world = await GitWorld.open();
  certificates = makeCertificates();
  front = await TlsFront.open(world.host.url, { pair: certificates.server, http2: true });
  repository = world.create({ files: { 'a.yaml': 'a: 1\n' } });
});
afterEach(async () => {
  for (const proxy of proxies.splice(0)) await proxy.close();
});
afterAll(async () => {
  engines.close();
  await front.close();
  certificates.remove();
  await world.close();
});

const openProxy = async (options: ProxyOptions = {}): Promise<ConnectProxy> => {
  const proxy = await ConnectProxy.open(options);
  proxies.push(proxy);
  return proxy;
};
/** `a.git.test` and `proxy.test` are on loopback, `inner.git.test` is not allowed, other names are not known. */
const names = {
  'a.git.test': ['127.0.0.1'],
  'proxy.test': ['127.0.0.1'],
  'inner.git.test': ['10.9.8.7'],
};
const through = (url: string, more: Partial<NetworkOptions & ProxySettings> = {}): Network => {
  const { bypass = [], resolves = false, ...options } = more;
  return networkOf({
    addresses: { allowPrivate: false, allowed: AddressRanges.parse('127.0.0.0/8') ?? undefined },
    ca: fs.readFileSync(certificates.authorityFile, 'utf8'),
    proxy: new Proxy(url, { bypass, resolves }),
    resolve: resolverOf(names),
    ...options,
  });
};
const encrypted = (host: string): string => `https://${host}:${front.port}`;

describe.each<EngineName>(['in-process', 'native'])('the %s engine behind a proxy', (name) => {
  const head = (base: string, network: Network): Promise<string | null> => {
    const remote = world.remote(new URL(repository.remote.url).pathname, base);
    return engines.open(name, remote, network, { deadlineMs: 20_000 }).head('main');
  };
  const expected = (): string | null => repository.reference.head('main');

  it('reaches the host through it, and the proxy sees no credential', async () => {
    const proxy = await openProxy();
    const seen = front.requests.length;
    expect(await head(encrypted('a.git.test'), through(proxy.url))).toBe(expected());
    expect(front.requests.length).toBeGreaterThan(seen);
    expect(new Set(proxy.lines)).toEqual(new Set([`a.git.test:${front.port}`]));
    expect(proxy.authorizations).toEqual([]);
  });

  it('reaches a proxy by its name', async () => {
    const proxy = await openProxy();
    expect(await head(encrypted('a.git.test'), through(`http://proxy.test:${proxy.port}`))).toBe(expected());
    expect(proxy.lines).not.toEqual([]);
  });

  it('reaches a host without encryption through it', async () => {
    const proxy = await openProxy();
    expect(await head(`http://a.git.test:${new URL(world.host.url).port}`, through(proxy.url))).toBe(
      expected(),
    );
    expect([...proxy.lines, ...proxy.addresses].join()).toContain(
      `a.git.test:${new URL(world.host.url).port}`,
    );
  });

  it('says to the proxy who it is', async () => {
    const proxy = await openProxy({ credential: 'ada:p@ss:wörd' });
    const known = proxy.url.replace('//', `//ada:${encodeURIComponent('p@ss:wörd')}@`);
    expect(await head(encrypted('a.git.test'), through(known))).toBe(expected());
    const failure = await head(encrypted('a.git.test'), through(proxy.url)).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'GIT_UNREACHABLE', data: { reason: 'the proxy answered 407' } });
  });

  it('is told when the proxy makes no line', async () => {
    const proxy = await openProxy({ refuseWith: 503 });
    const failure = await head(encrypted('a.git.test'), through(proxy.url)).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'GIT_UNREACHABLE', data: { reason: 'the proxy answered 503' } });
  });

  it.each(['a.git.test', '.git.test', 'other,.test'])('goes past it for %s', async (bypass) => {
    const proxy = await openProxy();
    const network = through(proxy.url, { bypass: bypass.split(',') });
    expect(await head(encrypted('a.git.test'), network)).toBe(expected());
    expect(proxy.lines).toEqual([]);
  });

  it('goes past it for a range of addresses', async () => {
    const proxy = await openProxy();
    expect(await head(encrypted('127.0.0.1'), through(proxy.url, { bypass: ['127.0.0.0/8'] }))).toBe(
      expected(),
    );
    expect(proxy.lines).toEqual([]);
    expect(await head(encrypted('127.0.0.1'), through(proxy.url, { bypass: ['10.0.0.0/8'] }))).toBe(
      expected(),
    );
    expect(proxy.lines).not.toEqual([]);
  });

  it.each(['inner.git.test', '10.9.8.7', '[fd00::1]', '169.254.169.254', '127.0.0.1'])(
    'does not ask it for %s, which is not allowed here',
    async (host) => {
      const proxy = await openProxy();
      const network = through(proxy.url, {
        addresses: { allowPrivate: host === '169.254.169.254' },
        resolves: true,
      });
      await expect(head(encrypted(host), network)).rejects.toMatchObject({ code: 'GIT_ADDRESS_DENIED' });
      expect(proxy.lines).toEqual([]);
    },
  );

  it('leaves names that are not known here to it only when told so', async () => {
    const proxy = await openProxy();
    const unknown = encrypted('unknown.git.test');
    await expect(head(unknown, through(proxy.url))).rejects.toMatchObject({ code: 'GIT_UNREACHABLE' });
    expect(proxy.lines).toEqual([]);
    expect(await head(unknown, through(proxy.url, { resolves: true }))).toBe(expected());
    expect(new Set(proxy.lines)).toEqual(new Set([`unknown.git.test:${front.port}`]));
  });

  it('does not dial a proxy where nothing may be dialled', async () => {
    const failure = head(encrypted('a.git.test'), through('http://169.254.169.254:3128'));
    await expect(failure).rejects.toMatchObject({ code: 'GIT_ADDRESS_DENIED' });
  });
});
