// How a process reaches Git hosts: which addresses it dials, through which proxy, whom it trusts and who it says it is. One
// network for a policy; its connections are pooled and never serve another one.
import fs from 'node:fs';
import tls from 'node:tls';
import { Agent } from 'undici';
import { registerSecret } from '../kernel/redact.js';
import type { AddressRanges } from './address-policy.js';
import { connectorOf, type NetworkOptions } from './network-dial.js';
import { Proxy } from './network-proxy.js';

/** The settings of a process that make its network, under the names of its configuration. */
export interface NetworkSettings {
  SALLYPORT_GIT_ALLOW_PRIVATE: boolean;
  SALLYPORT_GIT_ALLOWED_RANGES?: AddressRanges | undefined;
  SALLYPORT_GIT_DENIED_RANGES?: AddressRanges | undefined;
  SALLYPORT_GIT_PROXY_URL?: string | undefined;
  SALLYPORT_GIT_PROXY_BYPASS?: string[] | undefined;
  SALLYPORT_GIT_PROXY_RESOLVES: boolean;
  SALLYPORT_GIT_CA_FILE?: string | undefined;
  SALLYPORT_GIT_CLIENT_CERTIFICATE_FILE?: string | undefined;
  SALLYPORT_GIT_CLIENT_KEY_FILE?: string | undefined;
  SALLYPORT_GIT_HTTP2: boolean;
}

const CONNECTIONS_MAX = 32;
/** Many hosts keep an idle connection for a minute or longer; what they announce themselves is kept to. */
const IDLE_MS = 30_000;
const HEADER_BYTES_MAX = 16_384;
/** So many requests share an HTTP/2 connection. */
const STREAMS_MAX = 32;
/** A connection for many requests that fell silent is found out within two of these. */
const PING_MS = 5_000;

/**
 * Larger bodies always go over HTTP/1.1. A request over HTTP/2 that ends with a part of its body unsent (an early answer, a
 * deadline) can leave Node's http2 in a loop without end, which takes the whole process.
 */
const HTTP2_BODY_BYTES_MAX = 16 * 1024;

export class Network {
  #plain: Agent | undefined;
  #multiplexed: Agent | undefined;

  constructor(readonly options: NetworkOptions) {}

  /** The connections for a request with a body of this size. */
  agentFor(bodyBytes: number): Agent {
    if (this.options.http2 && bodyBytes <= HTTP2_BODY_BYTES_MAX)
      return (this.#multiplexed ??= openAgent(this.options));
    return (this.#plain ??= openAgent({ ...this.options, http2: false }));
  }

  /** Requests that run are finished. */
  async close(): Promise<void> {
    await Promise.all([this.#plain?.close(), this.#multiplexed?.close()]);
  }
}

function openAgent(options: NetworkOptions): Agent {
  return new Agent({
    connect: connectorOf(options),
    connections: CONNECTIONS_MAX,
    allowH2: options.http2,
    h2Options: { pingInterval: PING_MS, maxConcurrentStreams: STREAMS_MAX },
    keepAliveTimeout: IDLE_MS,
    maxHeaderSize: HEADER_BYTES_MAX,
    // The deadline of the operation is the only clock.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

/** The network of a process. The files it names were looked at with the other settings. */
export function openNetwork(settings: NetworkSettings): Network {
  const { SALLYPORT_GIT_PROXY_URL: url, SALLYPORT_GIT_CA_FILE: caFile } = settings;
  const certificateFile = settings.SALLYPORT_GIT_CLIENT_CERTIFICATE_FILE;
  const keyFile = settings.SALLYPORT_GIT_CLIENT_KEY_FILE;
  const proxy =
    url === undefined
      ? undefined
      : new Proxy(url, {
          bypass: settings.SALLYPORT_GIT_PROXY_BYPASS ?? [],
          resolves: settings.SALLYPORT_GIT_PROXY_RESOLVES,
        });
  if (proxy?.password !== undefined) registerSecret(proxy.password);
  return new Network({
    addresses: {
      allowPrivate: settings.SALLYPORT_GIT_ALLOW_PRIVATE,
      allowed: settings.SALLYPORT_GIT_ALLOWED_RANGES,
      denied: settings.SALLYPORT_GIT_DENIED_RANGES,
    },
    proxy,
    ca: caFile === undefined ? undefined : fs.readFileSync(caFile, 'utf8'),
    client: certificateFile === undefined || keyFile === undefined ? undefined : { certificateFile, keyFile },
    http2: settings.SALLYPORT_GIT_HTTP2,
  });
}

/** For what is no Git: the same proxy and authorities, addresses of its own, and nobody is shown a certificate. */
export function openNetworkBesideGit(
  settings: NetworkSettings,
  { allowPrivate, allowed }: { allowPrivate: boolean; allowed?: AddressRanges | undefined },
): Network {
  return openNetwork({
    SALLYPORT_GIT_ALLOW_PRIVATE: allowPrivate,
    SALLYPORT_GIT_ALLOWED_RANGES: allowed,
    SALLYPORT_GIT_DENIED_RANGES: settings.SALLYPORT_GIT_DENIED_RANGES,
    SALLYPORT_GIT_PROXY_URL: settings.SALLYPORT_GIT_PROXY_URL,
    SALLYPORT_GIT_PROXY_BYPASS: settings.SALLYPORT_GIT_PROXY_BYPASS,
    SALLYPORT_GIT_PROXY_RESOLVES: settings.SALLYPORT_GIT_PROXY_RESOLVES,
    SALLYPORT_GIT_CA_FILE: settings.SALLYPORT_GIT_CA_FILE,
    SALLYPORT_GIT_HTTP2: false,
  });
}

const plain = new Map<boolean, Network>();

/** The network without proxy, certificates or ranges of its own. */
export function plainNetwork(allowPrivate: boolean): Network {
  const known = plain.get(allowPrivate);
  if (known !== undefined) return known;
  const network = new Network({ addresses: { allowPrivate }, http2: false });
  plain.set(allowPrivate, network);
  return network;
}

/** The roots a program of this system trusts, and the network's own, in PEM; `null` where it has none of its own. */
export function bundleRoots({ options }: Network): string | null {
  if (options.ca === undefined) return null;
  return [...tls.getCACertificates('system'), options.ca].join('\n');
}
