// A Git host that lets nobody in, and notes the passwords it was shown.
import http from 'node:http';
import type { AddressInfo } from 'node:net';

export class WatchedHost {
  /** `user:password` of every request that had one. */
  readonly seen: string[] = [];
  requests = 0;

  private constructor(private readonly server: http.Server) {
    server.on('request', (request, response) => {
      this.requests += 1;
      const [, basic] = /^Basic (\S+)$/.exec(request.headers.authorization ?? '') ?? [];
      if (basic !== undefined) this.seen.push(Buffer.from(basic, 'base64').toString('utf8'));
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
    });
  }

  static async start(): Promise<WatchedHost> {
    const host = new WatchedHost(http.createServer());
    await new Promise<void>((resolve) => host.server.listen(0, '127.0.0.1', resolve));
    return host;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/watched.git`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
