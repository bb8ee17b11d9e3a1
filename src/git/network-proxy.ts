// An HTTP proxy on the way to a host. All traffic goes through CONNECT, so that the proxy sees names and bytes, no requests.
import http from 'node:http';
import net, { type Socket } from 'node:net';
import { type AddressPolicy, AddressRanges } from './address-policy.js';

export interface ProxyOptions {
  /** Hosts that are reached without it: names, names of domains with a dot in front, ranges of addresses. */
  bypass: string[];
  /** Whether names that only the proxy can resolve are left to it. */
  resolves: boolean;
  /**
   * Of a connector's: where it may be itself. The operator's own may be on any address but those that are forbidden.
   */
  addresses?: AddressPolicy | undefined;
}

/** The proxy answered, and the answer was no. No byte reached the host. */
export class ProxyRefused extends Error {
  override readonly name = 'ProxyRefused';
  readonly code = 'PROXY_REFUSED';
}

export class Proxy {
  readonly url: URL;
  readonly resolves: boolean;
  readonly addresses: AddressPolicy;
  /** Whether a connector names it: its password is a secret then. */
  readonly isOfConnector: boolean;
  readonly #names: string[];
  readonly #ranges: AddressRanges | null;

  /** The URL may hold a user name and a password; neither is part of `url`. */
  constructor(url: string, options: ProxyOptions) {
    const parsed = new URL(url);
    this.username = decodeURIComponent(parsed.username);
    this.password = parsed.password === '' ? undefined : decodeURIComponent(parsed.password);
    parsed.username = '';
    parsed.password = '';
    this.url = parsed;
    this.resolves = options.resolves;
    this.isOfConnector = options.addresses !== undefined;
    this.addresses = options.addresses ?? { allowPrivate: true };
    const isRange = (entry: string): boolean => AddressRanges.parse(entry) !== null;
    this.#names = options.bypass.filter((entry) => !isRange(entry));
    this.#ranges = AddressRanges.parse(options.bypass.filter(isRange).join(','));
  }

  readonly username: string;
  readonly password: string | undefined;

  get host(): string {
    return plainHost(this.url.hostname);
  }

  get port(): number {
    if (this.url.port !== '') return Number(this.url.port);
    return this.url.protocol === 'https:' ? 443 : 80;
  }

  /** Whether this host is reached through the proxy. */
  serves(hostname: string): boolean {
    const host = plainHost(hostname);
    if (net.isIP(host) !== 0) return this.#ranges?.has(host) !== true;
    return !this.#names.some(
      (name) => host === name.replace(/^\./, '') || (name.startsWith('.') && host.endsWith(name)),
    );
  }

  /**
   * Asks the proxy, over an open connection to it, for a line to `target` (`name:port`). Where nothing is encrypted and the host
   * may speak first, what it has said is still there to be read. @throws ProxyRefused
   */
  open(
    socket: Socket,
    target: string,
    timeoutMs: number,
    { hostMaySpeakFirst = false }: { hostMaySpeakFirst?: boolean } = {},
  ): Promise<Socket> {
    const headers: Record<string, string> = {
      host: target,
      connection: 'keep-alive',
      'user-agent': 'git/sallyport',
    };
    if (this.username !== '' || this.password !== undefined)
      headers['proxy-authorization'] =
        `Basic ${Buffer.from(`${this.username}:${this.password ?? ''}`).toString('base64')}`;
    const request = http.request({
      method: 'CONNECT',
      path: target,
      headers,
      createConnection: () => socket,
      timeout: timeoutMs,
      maxHeaderSize: 16_384,
    });
    return new Promise((resolve, reject) => {
      const refuse = (reason: string): void => {
        socket.destroy();
        reject(new ProxyRefused(reason));
      };
      request.on('connect', (answer, line: Socket, head) => {
        if (answer.statusCode !== 200) return refuse(`the proxy answered ${answer.statusCode}`);
        // What comes before anything was sent would be taken for the host's.
        if (head.length > 0 && !hostMaySpeakFirst) return refuse('the proxy spoke in the name of the host');
        if (head.length > 0) line.unshift(head);
        line.setTimeout(0).removeAllListeners('timeout');
        resolve(line);
      });
      request.on('response', (answer) => refuse(`the proxy answered ${answer.statusCode}`));
      request.on('timeout', () => refuse('the proxy did not answer in time'));
      request.on('error', (error) => refuse(`the line to the proxy broke (${codeOf(error)})`));
      request.end();
    });
  }
}

function codeOf(error: NodeJS.ErrnoException): string {
  return error.code ?? 'unknown';
}

/** '[::1]' → '::1', 'Git.Example.' → 'git.example' */
function plainHost(hostname: string): string {
  return hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
}
