// The connections to the services of AWS: through the proxy where there is one, trusting the settings' own authorities.
import { X509Certificate } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { Proxy } from '../../src/git/network-proxy.js';
import { SignInFault } from './aws-faults.js';
import type { ProviderSetup } from './provider.js';

const CONNECTIONS_MAX = 16;
const IDLE_MS = 30_000;

export interface AwsLine {
  httpAgent: http.Agent;
  httpsAgent: https.Agent;
  close: () => void;
}

type Created = (error: Error | null, stream: Duplex) => void;

/** Said outright, since the environment can switch it off for everything that does not say. */
const verified = { rejectUnauthorized: true };

/** @throws SignInFault */
export function openLine(
  ca: string | undefined,
  proxy: ProviderSetup<unknown>['proxy'],
  connectMs: number,
): AwsLine {
  const options = { keepAlive: true, maxSockets: CONNECTIONS_MAX, timeout: IDLE_MS };
  const trust = { ...verified, ...(ca === undefined ? {} : { ca: readable(ca) }) };
  const tunnel = proxy === undefined ? undefined : new Tunnel(proxy.url, proxy.bypass, connectMs);
  const httpAgent = new LineAgent(options, tunnel);
  const httpsAgent = new SecureLineAgent({ ...options, ...trust }, tunnel);
  return {
    httpAgent,
    httpsAgent,
    close: () => {
      httpAgent.destroy();
      httpsAgent.destroy();
      tunnel?.close();
    },
  };
}

/** One that cannot be read would be passed over, or told as a fault of the line. */
function readable(ca: string): string {
  try {
    for (const certificate of ca.split(/(?=-----BEGIN )/)) new X509Certificate(certificate);
    return ca;
  } catch (cause) {
    const reason = 'the authorities of the settings are no certificates';
    throw new SignInFault('SECRET_MANAGER_MISCONFIGURED', reason, { cause });
  }
}

class LineAgent extends http.Agent {
  readonly #tunnel: Tunnel | undefined;

  constructor(options: http.AgentOptions, tunnel: Tunnel | undefined) {
    super(options);
    this.#tunnel = tunnel;
  }

  override createConnection(options: http.ClientRequestArgs, created: Created): Duplex | null | undefined {
    const tunnel = this.#tunnel?.for(options.host);
    if (tunnel === undefined) return super.createConnection(options, created);
    tunnel.open(options, created, (line) => line);
    return undefined;
  }
}

class SecureLineAgent extends https.Agent {
  readonly #tunnel: Tunnel | undefined;

  constructor(options: https.AgentOptions, tunnel: Tunnel | undefined) {
    super(options);
    this.#tunnel = tunnel;
  }

  override createConnection(options: https.RequestOptions, created: Created): Duplex | null | undefined {
    const tunnel = this.#tunnel?.for(options.host);
    if (tunnel === undefined) return super.createConnection(options, created);
    tunnel.open(options, created, (line) =>
      tls.connect({ ...(options as tls.ConnectionOptions), socket: line }),
    );
    return undefined;
  }
}

/** Lines through the proxy, by CONNECT. */
class Tunnel {
  readonly #proxy: Proxy;
  readonly #connectMs: number;
  readonly #lines = new Set<net.Socket>();

  constructor(url: string, bypass: readonly string[], connectMs: number) {
    this.#proxy = new Proxy(url, { bypass: [...bypass], resolves: true });
    this.#connectMs = connectMs;
  }

  /** Itself, where this host is reached through it. */
  for(host: string | null | undefined): Tunnel | undefined {
    return this.#proxy.serves(host ?? '') ? this : undefined;
  }

  open(
    { host, port }: Pick<http.ClientRequestArgs, 'host' | 'port'>,
    created: Created,
    wrap: (line: net.Socket) => Duplex,
  ): void {
    const name = net.isIPv6(host ?? '') ? `[${host}]` : host;
    this.#dial(`${name}:${port}`).then(
      (line) => created(null, wrap(line)),
      // Node takes the error alone; its type asks for a stream as well.
      (error: Error) => (created as (error: Error) => void)(error),
    );
  }

  close(): void {
    for (const line of this.#lines) line.destroy();
  }

  async #dial(target: string): Promise<net.Socket> {
    const { url, host, port } = this.#proxy;
    const isSecure = url.protocol === 'https:';
    const name = net.isIP(host) === 0 ? { servername: host } : {};
    const socket = isSecure ? tls.connect({ host, port, ...name, ...verified }) : net.connect({ host, port });
    this.#lines.add(socket);
    socket.once('close', () => this.#lines.delete(socket));
    await new Promise<void>((resolve, reject) => {
      const fail = (error: Error): void => {
        socket.destroy();
        reject(error);
      };
      socket.setTimeout(this.#connectMs, () => fail(Object.assign(new Error(), { code: 'ETIMEDOUT' })));
      socket.once('error', fail);
      socket.once(isSecure ? 'secureConnect' : 'connect', () => {
        socket.off('error', fail);
        resolve();
      });
    });
    return await this.#proxy.open(socket, target, this.#connectMs);
  }
}
