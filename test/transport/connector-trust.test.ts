// The trust of a connector, with both engines: an authority, a client certificate whose key is a secret, a proxy whose password is
// one. Neither is in an argument, an environment or a file.
import fs from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  ConnectorNetworks,
  type TrustSecrets,
  type TrustSettings,
} from '../../src/credentials/connector-network.js';
import type { Network } from '../../src/git/network.js';
import { Secret } from '../../src/kernel/secret.js';
import { type Certificates, makeCertificates } from '../support/certificates.js';
import { ConnectProxy } from '../support/connect-proxy.js';
import { type EngineName, Engines, networkOf } from '../support/engines.js';
import { GitWorld, type TestRepository } from '../support/git-world.js';
import { LeakSearch, ProcessWatch } from '../support/leaks.js';
import { TlsFront } from '../support/tls-front.js';

const PASSWORD = 'proxy-canary-5f1c9a';

let world: GitWorld;
let certificates: Certificates;
let repository: TestRepository;
let front: TlsFront;
let proxy: ConnectProxy;
const engines = new Engines();
const networks: ConnectorNetworks[] = [];

beforeAll(async () => {
  world = await GitWorld.open();
  certificates = makeCertificates();
  repository = world.create({ files: { 'a.yaml': 'a: 1\n' } });
  proxy = await ConnectProxy.open({ credential: `ada:${PASSWORD}` });
  const clientsOf = certificates.authorityFile;
  front = await TlsFront.open(world.host.url, { pair: certificates.server, http2: false, clientsOf });
});
afterEach(() => {
  for (const one of networks.splice(0)) one.close();
});
afterAll(async () => {
  engines.close();
  await front.close();
  await proxy.close();
  certificates.remove();
  await world.close();
});

const read = (file: string): string => fs.readFileSync(file, 'utf8');
const secretOf = (text: string): Secret => new Secret(Buffer.from(text));
const secrets = (): Promise<TrustSecrets> =>
  Promise.resolve({
    clientKey: secretOf(read(certificates.client.keyFile)),
    proxyPassword: secretOf(PASSWORD),
  });
const whole = (): TrustSettings => ({
  ca: read(certificates.authorityFile),
  clientCertificate: read(certificates.client.certificateFile),
  proxyUrl: proxy.url,
  proxyUsername: 'ada',
});

async function trusting(settings: TrustSettings, base = networkOf(), open = secrets): Promise<Network> {
  const made = new ConnectorNetworks(base);
  networks.push(made);
  return made.find(settings, 'v1', open);
}

describe.each<EngineName>(['in-process', 'native'])('the %s engine', (name) => {
  const head = (network: Network): Promise<string | null> => {
    const remote = world.remote(new URL(repository.remote.url).pathname, front.url);
    return engines.open(name, remote, network, { deadlineMs: 20_000 }).head('main');
  };

  it('goes through the proxy, believes the authority and shows the certificate', async () => {
    const before = proxy.lines.length;
    const key = read(certificates.client.keyFile).split('\n')[1] as string;
    const watch = new ProcessWatch(new LeakSearch([PASSWORD, key]));
    const found = await head(await trusting(whole()));
    expect(watch.stop()).toEqual([]);
    expect(found).toBe(repository.reference.head('main'));
    expect(proxy.lines.length).toBeGreaterThan(before);
  });

  it.each<[string, Partial<TrustSettings>]>([
    ['the authority', { ca: undefined }],
    ['the certificate', { clientCertificate: undefined }],
    ['the user of the proxy', { proxyUsername: 'eve' }],
  ])('does not get there without %s', async (_, less) => {
    await expect(head(await trusting({ ...whole(), ...less }))).rejects.toMatchObject({
      code: expect.stringMatching(
        /^GIT_(UNREACHABLE|ENGINE_FAILED|ANSWER_INVALID|HOST_ERROR|AUTH_REJECTED)$/,
      ),
    });
  });

  it('leaves the proxy out for hosts that it is not for', async () => {
    const before = proxy.lines.length;
    await head(await trusting({ ...whole(), noProxy: ['127.0.0.1'] }));
    expect(proxy.lines.length).toBe(before);
  });

  it('dials a connector’s proxy by the rules for hosts', async () => {
    const closed = networkOf({ addresses: { allowPrivate: false } });
    const network = await trusting({ ...whole(), noProxy: [] }, closed);
    await expect(head(network)).rejects.toMatchObject({ code: 'GIT_ADDRESS_DENIED' });
  });
});

it('networks are kept for as long as nothing of them changes, and secrets are opened once for each', async () => {
  const made = new ConnectorNetworks(networkOf());
  networks.push(made);
  let opened = 0;
  const open = (): Promise<TrustSecrets> => {
    opened += 1;
    return secrets();
  };
  const first = await made.find(whole(), 'v1', open);
  expect(await made.find(whole(), 'v1', open)).toBe(first);
  expect(opened).toBe(1);
  expect(await made.find(whole(), 'v2', open)).not.toBe(first);
  expect(await made.find({ ...whole(), noProxy: ['a'] }, 'v1', open)).not.toBe(first);
  expect(opened).toBe(3);
  expect(await made.find(null, '', open)).toBe(made.base);
});

it('who asks at the same moment gets the same network, which stays open', async () => {
  const made = new ConnectorNetworks(networkOf());
  networks.push(made);
  const [one, other] = await Promise.all([
    made.find(whole(), 'v1', secrets),
    made.find(whole(), 'v1', secrets),
  ]);
  expect(other).toBe(one);
});

it('no file is left of a key', () => {
  expect(fs.readdirSync('/dev/shm').filter((file) => file.startsWith('sallyport-'))).toEqual([]);
});
