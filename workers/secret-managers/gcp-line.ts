// One line to a service of Google, or to what stands in for it: TLS unless it is told otherwise, through the proxy where there is
// one. Made here rather than by the clients, which would ask the environment for proxies and authorities.
import { X509Certificate } from 'node:crypto';
import net from 'node:net';
import tls from 'node:tls';
import { Proxy, ProxyRefused } from '../../src/git/network-proxy.js';
import { type Keeper, type ProviderSetup, refusal } from './provider.js';

/** Why no connection came about. */
export interface LineFault {
  isUntrusted: boolean;
  /** In our own words. */
  reason: string;
}

interface LineOptions {
  keeper: Keeper;
  ca?: string | undefined;
  proxy?: ProviderSetup<unknown>['proxy'];
  connectMs: number;
}

const UNTRUSTED = /CERT|ISSUER|SELF_SIGNED|ALTNAME|VERIFY|^ERR_TLS_|^ERR_SSL_|^EPROTO$/;

export class GcpLine {
  readonly isSecure: boolean;
  /** `host:port` of the endpoint, whatever lies on the way. */
  readonly authority: string;
  /** Why the last attempt to connect failed; undefined after one that did not. */
  lastFault: LineFault | undefined;
  readonly #host: string;
  readonly #context: tls.SecureContext | undefined;
  readonly #proxy: Proxy | undefined;
  readonly #connectMs: number;
  readonly #sockets = new Set<net.Socket>();

  /** @throws SECRET_MANAGER_MISCONFIGURED */
  constructor(endpoint: string, { keeper, ca, proxy, connectMs }: LineOptions) {
    const { protocol, hostname, port } = new URL(endpoint);
    this.isSecure = protocol === 'https:';
    this.#host = hostname;
    this.authority = `${hostname}:${port || (this.isSecure ? '443' : '80')}`;
    this.#context = this.isSecure ? openContext(ca, keeper) : undefined;
    const way =
      proxy === undefined ? undefined : new Proxy(proxy.url, { bypass: [...proxy.bypass], resolves: true });
    this.#proxy = way?.serves(hostname) === true ? way : undefined;
    this.#connectMs = connectMs;
  }

  /** `host:port` where its TCP connections go: the proxy or the endpoint. */
  get hop(): string {
    if (this.#proxy === undefined) return this.authority;
    const { host, port } = this.#proxy;
    return `${net.isIPv6(host) ? `[${host}]` : host}:${port}`;
  }

  /** A connection of its own, without ALPN. */
  async connect(): Promise<net.Socket> {
    const { hostname, port } = new URL(`tcp://${this.hop}`);
    const socket = net.connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) });
    try {
      await this.#once(socket, 'connect');
    } catch (error) {
      socket.destroy();
      throw this.#note(error);
    }
    return await this.complete(socket);
  }

  /** Makes a connection to the hop one to the endpoint. */
  async complete(tcp: net.Socket, protocols?: string[]): Promise<net.Socket> {
    this.#keep(tcp);
    try {
      const reached = this.#proxy === undefined ? tcp : await this.#tunnel(tcp, this.#proxy);
      const socket = this.#context === undefined ? reached : await this.#secure(reached, protocols);
      this.lastFault = undefined;
      return socket;
    } catch (error) {
      tcp.destroy();
      throw this.#note(error);
    }
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #tunnel(tcp: net.Socket, proxy: Proxy): Promise<net.Socket> {
    const open = (socket: net.Socket): Promise<net.Socket> =>
      // HTTP/2 has both sides begin.
      proxy.open(socket, this.authority, this.#connectMs, { hostMaySpeakFirst: !this.isSecure });
    if (proxy.url.protocol === 'http:') return await open(tcp);
    const socket = tls.connect({ socket: tcp, ...nameOf(proxy.host), rejectUnauthorized: true });
    await this.#once(socket, 'secureConnect');
    return await open(socket);
  }

  async #secure(socket: net.Socket, protocols: string[] | undefined): Promise<net.Socket> {
    const secured = tls.connect({
      socket,
      ...nameOf(this.#host),
      secureContext: this.#context,
      // Said outright, since the environment can switch it off for everything that does not say.
      rejectUnauthorized: true,
      ...(protocols === undefined ? {} : { ALPNProtocols: protocols }),
    });
    await this.#once(secured, 'secureConnect');
    return secured;
  }

  #keep(socket: net.Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  #once(socket: net.Socket, event: 'connect' | 'secureConnect'): Promise<void> {
    this.#keep(socket);
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => end(() => reject(error));
      const closed = (): void => fail(coded('ECONNRESET'));
      const timer = setTimeout(() => fail(coded('ETIMEDOUT')), this.#connectMs);
      const end = (settle: () => void): void => {
        clearTimeout(timer);
        socket.off('close', closed);
        settle();
      };
      // A handler stays: what fails later fails whoever uses the socket.
      socket.on('error', fail);
      socket.once('close', closed);
      socket.once(event, () => end(resolve));
    });
  }

  #note(error: unknown): LineError {
    const code = codeOf(error);
    const reason = error instanceof ProxyRefused ? error.message : `no connection (${code})`;
    this.lastFault = UNTRUSTED.test(code)
      ? { isUntrusted: true, reason: `the certificate is not to be trusted (${code})` }
      : { isUntrusted: false, reason };
    return new LineError(this.lastFault, { cause: error });
  }
}

export class LineError extends Error {
  override readonly name = 'LineError';

  constructor(
    readonly fault: LineFault,
    options?: ErrorOptions,
  ) {
    super(fault.reason, options);
  }
}

function openContext(ca: string | undefined, keeper: Keeper): tls.SecureContext {
  if (ca === undefined) return tls.createSecureContext();
  try {
    // One that cannot be read would be passed over.
    for (const certificate of ca.split(/(?=-----BEGIN )/)) new X509Certificate(certificate);
    return tls.createSecureContext({ ca });
  } catch (cause) {
    const reason = `the authorities of the settings are no certificates (${codeOf(cause)})`;
    throw refusal('SECRET_MANAGER_MISCONFIGURED', keeper, reason, { cause });
  }
}

/** An address is verified as well, but is no name to send. */
const nameOf = (host: string) => (net.isIP(host) === 0 ? { host, servername: host } : { host });

const coded = (code: string): Error => Object.assign(new Error(code), { code });

export function codeOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  return /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? code : 'unknown';
}
