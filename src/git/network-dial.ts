// Makes connections. Names are checked when they resolve, literal addresses (which are never looked up) before they are
// dialled, and the peer of every open socket once more.
import dns from 'node:dns';
import fs from 'node:fs';
import net, { type LookupFunction } from 'node:net';
import tls from 'node:tls';
import { callbackify } from 'node:util';
import { buildConnector } from 'undici';
import { Failure } from '../kernel/failure.js';
import { type AddressPolicy, lookupAllowed, requireAllowed } from './address-policy.js';
import type { Proxy } from './network-proxy.js';

export interface NetworkOptions {
  addresses: AddressPolicy;
  proxy?: Proxy | undefined;
  /** Certificates in PEM that are trusted besides those every process trusts. */
  ca?: string | undefined;
  /** What this side shows to a host that asks who it is: files in PEM, or, where it is a secret, the PEM itself. */
  client?: { certificateFile: string; keyFile: string } | { certificate: string; key: Buffer } | undefined;
  /** Whether the in-process engine speaks HTTP/2 with hosts that offer it. */
  http2: boolean;
  /** Looks names up; the system's way where nothing else is said. */
  resolve?: typeof dns.lookup | undefined;
}

type Connector = buildConnector.connector;

const CONNECT_TIMEOUT_MS = 10_000;
const UNRESOLVED = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA', 'EAI_NONAME']);

/** Connects as this network does: directly or through its proxy, to allowed addresses alone. */
export function connectorOf(network: NetworkOptions): Connector {
  const direct = connectChecked(network.addresses, network);
  const { proxy } = network;
  if (proxy === undefined) return direct;
  const tunnelled = connectThrough(proxy, network);
  return (options, callback) => (proxy.serves(options.hostname) ? tunnelled : direct)(options, callback);
}

/**
 * The addresses of a name or literal address, each of them allowed.
 * @throws Failure GIT_ADDRESS_DENIED; the name server's error
 */
export async function resolveChecked(
  hostname: string,
  policy: AddressPolicy,
  resolve: typeof dns.lookup = dns.lookup,
): Promise<dns.LookupAddress[]> {
  const name = hostname.replace(/^\[|\]$/g, '');
  if (net.isIP(name) !== 0) {
    requireAllowed(name, name, policy);
    return [{ address: name, family: net.isIP(name) }];
  }
  return new Promise((done, reject) => {
    lookupAllowed(policy, resolve)(name, { all: true }, (error, found) => {
      if (error === null) done(found as dns.LookupAddress[]);
      else reject(error);
    });
  });
}

/**
 * What can be known here of a host behind a proxy is checked here; the proxy, which looks the name up again, has the last word.
 * @throws Failure GIT_ADDRESS_DENIED; the name server's error where the proxy does not resolve
 */
export async function checkBehind(proxy: Proxy, hostname: string, network: NetworkOptions): Promise<void> {
  try {
    await resolveChecked(hostname, network.addresses, network.resolve);
  } catch (error) {
    const isUnknown = UNRESOLVED.has((error as NodeJS.ErrnoException).code ?? '');
    if (!proxy.resolves || !isUnknown) throw error;
  }
}

/** The addresses of the proxy itself. */
export function resolveProxy(proxy: Proxy, { resolve }: NetworkOptions): Promise<dns.LookupAddress[]> {
  return resolveChecked(proxy.host, proxy.addresses, resolve);
}

function connectChecked(policy: AddressPolicy, network: NetworkOptions): Connector {
  const connect = build(network, { lookup: lookupAllowed(policy, network.resolve) });
  return (options, callback) => {
    const { hostname } = options;
    const literal = /^[\d.]+$|:/.test(hostname) ? denied(hostname, hostname, policy) : null;
    if (literal !== null) return callback(literal, null);
    connect(options, (error, socket) => {
      if (error !== null) return callback(error, null);
      const refusal = denied(hostname, socket.remoteAddress ?? 'an unknown address', policy);
      if (refusal === null) return callback(null, socket);
      socket.destroy();
      callback(refusal, null);
    });
  };
}

function connectThrough(proxy: Proxy, network: NetworkOptions): Connector {
  // The certificate and the protocol are for the host, not for the proxy.
  const toProxy = connectChecked(proxy.addresses, { ...network, client: undefined, http2: false });
  const encrypt = build(network, {});
  const open = async ({ hostname, port, protocol }: buildConnector.Options): Promise<net.Socket> => {
    await checkBehind(proxy, hostname, network);
    const { protocol: scheme } = proxy.url;
    const socket = await dial(toProxy, {
      hostname: proxy.host,
      host: proxy.url.host,
      protocol: scheme,
      port: String(proxy.port),
    });
    const name = hostname.includes(':') && !hostname.startsWith('[') ? `[${hostname}]` : hostname;
    const target = `${name}:${port || (protocol === 'https:' ? 443 : 80)}`;
    return proxy.open(socket, target, CONNECT_TIMEOUT_MS);
  };
  const opening = callbackify(open);
  return (options, callback) => {
    opening(options, (error: Error | null, httpSocket) => {
      if (error !== null) callback(error, null);
      else if (options.protocol === 'https:') encrypt({ ...options, httpSocket }, callback);
      else callback(null, httpSocket);
    });
  };
}

function dial(connect: Connector, options: buildConnector.Options): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    connect(options, (error, socket) => (error === null ? resolve(socket) : reject(error)));
  });
}

function build(network: NetworkOptions, more: { lookup?: LookupFunction }): Connector {
  const { ca, client, http2 } = network;
  return buildConnector({
    allowH2: http2,
    timeout: CONNECT_TIMEOUT_MS,
    ...(ca === undefined ? {} : { ca: [...tls.getCACertificates('default'), ca] }),
    ...(client === undefined ? {} : readClient(client)),
    ...more,
  } as buildConnector.BuildOptions);
}

function readClient(client: NonNullable<NetworkOptions['client']>) {
  if ('key' in client) return { cert: client.certificate, key: client.key };
  return { cert: fs.readFileSync(client.certificateFile), key: fs.readFileSync(client.keyFile) };
}

function denied(host: string, address: string, policy: AddressPolicy): Error | null {
  try {
    requireAllowed(host, address, policy);
    return null;
  } catch (error) {
    return Failure.from(error);
  }
}
