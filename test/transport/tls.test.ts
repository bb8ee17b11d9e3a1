// Whom the engines trust, and who they say they are.
import fs from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Network } from '../../src/git/network.js';
import { type Certificates, makeCertificates } from '../support/certificates.js';
import { type EngineName, Engines, networkOf, resolverOf } from '../support/engines.js';
import { GitWorld, type TestRepository } from '../support/git-world.js';
import { type FrontOptions, TlsFront } from '../support/tls-front.js';

let world: GitWorld;
let certificates: Certificates;
let repository: TestRepository;
const engines = new Engines();
const fronts: TlsFront[] = [];

beforeAll(async () => {
  world = await GitWorld.open();
  certificates = makeCertificates();
  repository = world.create({ files: { 'a.yaml': 'a: 1\n' } });
});
afterEach(async () => {
  for (const front of fronts.splice(0)) await front.close();
});
afterAll(async () => {
  engines.close();
  certificates.remove();
  await world.close();
});

const openFront = async (options: Partial<FrontOptions> = {}): Promise<TlsFront> => {
  const front = await TlsFront.open(world.host.url, { pair: certificates.server, http2: true, ...options });
  fronts.push(front);
  return front;
};
const authority = (): string => fs.readFileSync(certificates.authorityFile, 'utf8');
const address = (): string => new URL(repository.remote.url).pathname;

describe.each<EngineName>(['in-process', 'native'])('the %s engine', (name) => {
  const head = (front: TlsFront, network: Network, base = front.url): Promise<string | null> =>
    engines.open(name, world.remote(address(), base), network, { deadlineMs: 20_000 }).head('main');

  it('trusts an authority of its own only when it is named', async () => {
    const front = await openFront();
    await expect(head(front, networkOf())).rejects.toMatchObject({ code: 'GIT_UNREACHABLE' });
    expect(front.requests).toEqual([]);
    expect(await head(front, networkOf({ ca: authority() }))).toBe(repository.reference.head('main'));
  });

  it('refuses a certificate that signed itself', async () => {
    const front = await openFront({ pair: certificates.selfSigned });
    const failure = head(front, networkOf({ ca: authority() }));
    await expect(failure).rejects.toMatchObject({ code: 'GIT_UNREACHABLE' });
    expect(front.requests).toEqual([]);
  });

  it('refuses a certificate for another name', async () => {
    const front = await openFront();
    const resolve = resolverOf({ 'a.git.test': ['127.0.0.1'], 'git.other': ['127.0.0.1'] });
    const network = networkOf({ ca: authority(), resolve });
    expect(await head(front, network, `https://a.git.test:${front.port}`)).toMatch(/^[0-9a-f]{40}$/);
    const seen = front.requests.length;
    const failure = head(front, network, `https://git.other:${front.port}`);
    await expect(failure).rejects.toMatchObject({ code: 'GIT_UNREACHABLE' });
    expect(front.requests).toHaveLength(seen);
  });

  it('shows its own certificate to a host that asks for one', async () => {
    const front = await openFront({ clientsOf: certificates.authorityFile });
    const ca = authority();
    await expect(head(front, networkOf({ ca }))).rejects.toMatchObject({ code: 'GIT_UNREACHABLE' });
    expect(front.requests).toEqual([]);
    const network = networkOf({ ca, client: certificates.client });
    expect(await head(front, network)).toBe(repository.reference.head('main'));
  });

  it.each([
    { host: true, here: true },
    { host: true, here: false },
    { host: false, here: true },
  ])('speaks HTTP/2 where both sides do: %j', async ({ host, here }) => {
    const front = await openFront({ http2: host });
    await head(front, networkOf({ ca: authority(), http2: here }));
    const versions = new Set(front.requests.map((request) => request.split(' ')[0]));
    // Whether the system git does is its own matter.
    const isSpoken = host && (here || name === 'native');
    expect([...versions]).toEqual([isSpoken ? '2.0' : '1.1']);
  });
});
