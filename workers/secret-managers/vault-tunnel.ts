// An HTTP proxy on the way to Vault or OpenBao, always through CONNECT.
import http from 'node:http';
import https from 'node:https';
import net, { BlockList, type Socket } from 'node:net';
import tls from 'node:tls';

/** The proxy said no, or nothing. */
export class ProxyRefused extends Error {}

/** 'vault.corp' is bypassed by itself, by '.corp', and as an address by a range that holds it. */
export function isBypassed(host: string, bypass: readonly string[]): boolean {
  const family = net.isIP(host);
  if (family === 0)
    return bypass.some(
      (entry) => host === entry.replace(/^\./, '') || (entry.startsWith('.') && host.endsWith(entry)),
    );
  const ranges = new BlockList();
  for (const entry of bypass) {
    const [address = '', bits] = entry.split('/');
    const type = net.isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (net.isIP(address) === 0) continue;
    if (bits === undefined) ranges.addAddress(address, type);
    else ranges.addSubnet(address, Number(bits), type);
  }
  return ranges.check(host, family === 6 ? 'ipv6' : 'ipv4');
}

interface Tunnel {
  proxy: URL;
  isSecure: boolean;
  timeoutMs: number;
  signal: AbortSignal;
}

/** Makes the agent connect through a CONNECT of the proxy, which then sees a name and bytes, and no token. */
export function tunnel(agent: http.Agent, way: Tunnel): void {
  agent.createConnection = (options, done = () => undefined) => {
    void connect(way, options as tls.ConnectionOptions, done);
    return undefined;
  };
}

async function connect(
  way: Tunnel,
  options: tls.ConnectionOptions,
  done: (error: Error | null, line: Socket) => void,
): Promise<void> {
  let line: Socket;
  try {
    const socket = await openTunnel(way, `${options.host}:${options.port}`);
    line = way.isSecure ? tls.connect({ ...options, socket }) : socket;
  } catch (error) {
    return done(error as Error, undefined as never);
  }
  done(null, line);
}

function openTunnel({ proxy, timeoutMs, signal }: Tunnel, target: string): Promise<Socket> {
  const [user, password] = [decodeURIComponent(proxy.username), decodeURIComponent(proxy.password)];
  const login = Buffer.from(`${user}:${password}`).toString('base64');
  const request = (proxy.protocol === 'https:' ? https : http).request({
    host: proxy.hostname,
    port: proxy.port === '' ? undefined : proxy.port,
    method: 'CONNECT',
    path: target,
    agent: false,
    timeout: timeoutMs,
    signal,
    headers: {
      host: target,
      ...(user === '' && password === '' ? {} : { 'proxy-authorization': `Basic ${login}` }),
    },
  });
  return new Promise((resolve, reject) => {
    const refuse = (reason: string): void => {
      request.destroy();
      reject(new ProxyRefused(reason));
    };
    request.on('connect', (response, socket: Socket, head) => {
      // What comes before anything was sent would be taken for the other side’s.
      if (response.statusCode === 200 && head.length === 0) return resolve(socket.setTimeout(0));
      socket.destroy();
      refuse(`the proxy answered ${response.statusCode}`);
    });
    request.on('response', (response) => refuse(`the proxy answered ${response.statusCode}`));
    request.on('timeout', () => refuse('the proxy did not answer in time'));
    request.on('error', (error) => refuse(`the line to the proxy broke (${codeOf(error)})`));
    request.end();
  });
}

/** An error’s own code, where it has the form of one. */
export function codeOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? code : 'unknown';
}
