// What git has to be told so that it reaches a host as the network of this process does. All of it goes into the environment:
// an argument would show a proxy's password to every user of the machine.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { isIP } from 'node:net';
import path from 'node:path';
import { bundleRoots, type Network } from '../../src/git/network.js';
import {
  checkBehind,
  type NetworkOptions,
  resolveChecked,
  resolveProxy,
} from '../../src/git/network-dial.js';
import type { Proxy } from '../../src/git/network-proxy.js';
import { named } from './addresses.js';
import { KEY_DESCRIPTOR } from './scripts.js';

type Settings = [string, string][];

/**
 * Settings for commands that talk to the host of this URL. The addresses in them were checked, and no others are dialled.
 * @throws Failure GIT_ADDRESS_DENIED, GIT_UNREACHABLE for a name that does not resolve
 */
export async function describeNetwork(url: URL, network: Network, root: string): Promise<Settings> {
  const { proxy, client } = network.options;
  const bundle = writeBundle(network, root);
  return [
    ...(proxy?.serves(url.hostname) === true
      ? await goThrough(proxy, url, network)
      : await goDirectly(url, network)),
    ...(bundle === null ? [] : ([['http.sslCAInfo', bundle]] as Settings)),
    ...(client === undefined ? [] : describeClient(client, root)),
  ];
}

/** Of a key that is a secret there is no file: the wrapper of git holds it open under this name, for whatever git starts. */
function describeClient(client: NonNullable<NetworkOptions['client']>, root: string): Settings {
  if ('certificateFile' in client)
    return [
      ['http.sslCert', client.certificateFile],
      ['http.sslKey', client.keyFile],
    ];
  return [
    ['http.sslCert', writeOnce(client.certificate, 'certificate', root)],
    ['http.sslKey', `/proc/self/fd/${KEY_DESCRIPTOR}`],
  ];
}

async function goDirectly(url: URL, { options }: Network): Promise<Settings> {
  const found = await named(url.host, resolveChecked(url.hostname, options.addresses, options.resolve));
  return pin(url.hostname, Number(url.port || (url.protocol === 'https:' ? 443 : 80)), found);
}

async function goThrough(proxy: Proxy, url: URL, { options }: Network): Promise<Settings> {
  await named(url.host, checkBehind(proxy, url.hostname, options));
  const found = await named(new URL(proxy.url).host, resolveProxy(proxy, options));
  const address = new URL(proxy.url);
  address.username = encodeURIComponent(proxy.username);
  // One that is a secret is asked for.
  if (!proxy.isOfConnector) address.password = encodeURIComponent(proxy.password ?? '');
  return [
    ['http.proxy', address.href],
    ['http.proxyAuthMethod', 'basic'],
    ...pin(proxy.host, proxy.port, found),
  ];
}

/** 'git.example', 443 → http.curloptResolve=git.example:443:192.0.2.1; nothing for a literal address. */
function pin(hostname: string, port: number, found: { address: string; family: number }[]): Settings {
  if (isIP(hostname.replace(/^\[|\]$/g, '')) !== 0) return [];
  const literals = found.map(({ address, family }) => (family === 6 ? `[${address}]` : address));
  return [['http.curloptResolve', `${hostname}:${port}:${literals.join(',')}`]];
}

/** git knows one file of roots, not two. */
function writeBundle(network: Network, root: string): string | null {
  const roots = bundleRoots(network);
  return roots === null ? null : writeOnce(roots, 'roots', root);
}

/** A file is named for its content, since engines may share the folder. */
function writeOnce(content: string, name: string, root: string): string {
  const digest = createHash('sha256').update(content).digest('hex').slice(0, 16);
  const file = path.join(root, `${name}-${digest}.pem`);
  if (fs.existsSync(file)) return file;
  const fresh = `${file}-${process.pid}`;
  fs.writeFileSync(fresh, content, { mode: 0o600 });
  fs.renameSync(fresh, file);
  return file;
}
