// A proxy for CONNECT and for whole addresses that counts, and reaches the names it knows on loopback.
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';

export interface ProxyOptions {
  /** `user:password`; without one, nobody is asked. */
  credential?: string;
  /** What it answers to every CONNECT instead of a line. */
  refuseWith?: number;
  /** What it shows to those who come by TLS; without it, nobody does. */
  tls?: { key: string; cert: string };
}

export class ConnectProxy {
  /** Targets of CONNECT, in order. */
  readonly lines: string[] = [];
  /** Whole addresses that were asked for. */
  readonly addresses: string[] = [];
  /** The `authorization` headers it saw. */
  readonly authorizations: string[] = [];

  private constructor(
    private readonly scheme: 'http' | 'https',
    readonly port: number,
    readonly close: () => Promise<void>,
  ) {}

  static async open(options: ProxyOptions = {}): Promise<ConnectProxy> {
    let proxy: ConnectProxy;
    const sockets = new Set<net.Socket>();
    const isWelcome = (request: http.IncomingMessage): boolean => {
      if (request.headers.authorization !== undefined)
        proxy.authorizations.push(request.headers.authorization);
      if (options.credential === undefined) return true;
      const expected = `Basic ${Buffer.from(options.credential).toString('base64')}`;
      return request.headers['proxy-authorization'] === expected;
    };
    const fetch = (request: http.IncomingMessage, response: http.ServerResponse): void => {
      const status = isWelcome(request) ? undefined : 407;
      if (status !== undefined) return void response.writeHead(status).end();
      const url = new URL(request.url ?? '');
      proxy.addresses.push(url.href);
      const { 'proxy-authorization': _, 'proxy-connection': __, ...headers } = request.headers;
      const options_ = { host: '127.0.0.1', port: url.port, path: url.pathname + url.search, headers };
      const upstream = http.request({ ...options_, method: request.method, agent: false });
      upstream.on('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      upstream.on('error', () => response.destroy());
      request.pipe(upstream);
    };
    const server =
      options.tls === undefined ? http.createServer(fetch) : https.createServer(options.tls, fetch);
    server.on('connect', (request, near: net.Socket, head) => {
      proxy.lines.push(request.url ?? '');
      const status = isWelcome(request) ? options.refuseWith : 407;
      if (status !== undefined)
        return near.end(
          `HTTP/1.1 ${status} No\r\nProxy-Authenticate: Basic realm="p"\r\nContent-Length: 0\r\n\r\n`,
        );
      const port = Number(/:(\d+)$/.exec(request.url ?? '')?.[1]);
      const far = net.connect(port, '127.0.0.1', () => {
        near.write('HTTP/1.1 200 Connection established\r\n\r\n');
        far.write(head);
        near.pipe(far).pipe(near);
      });
      far.on('error', () => near.destroy()).on('close', () => near.destroy());
      near.on('error', () => far.destroy()).on('close', () => far.destroy());
    });
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const close = (): Promise<void> =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      });
    const scheme = options.tls === undefined ? 'http' : 'https';
    proxy = new ConnectProxy(scheme, (server.address() as AddressInfo).port, close);
    return proxy;
  }

  get url(): string {
    return `${this.scheme}://127.0.0.1:${this.port}`;
  }
}
