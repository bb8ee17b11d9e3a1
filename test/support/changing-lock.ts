// A door before a Git host that lets in whoever has the password of this very moment, and nobody with an earlier one.
import http from 'node:http';
import type { AddressInfo } from 'node:net';

export class ChangingLock {
  /** Nobody’s, until it is set. */
  password: string | undefined;
  readonly #server: http.Server;

  private constructor(
    private readonly hostUrl: string,
    private readonly account: { username: string; password: string },
  ) {
    this.#server = http.createServer((request, response) => this.#receive(request, response));
  }

  /** @param account as whom the host sees everybody who comes through */
  static async before(
    hostUrl: string,
    account: { username: string; password: string },
  ): Promise<ChangingLock> {
    const lock = new ChangingLock(hostUrl, account);
    await new Promise<void>((resolve) => lock.#server.listen(0, '127.0.0.1', resolve));
    return lock;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  #receive(request: http.IncomingMessage, response: http.ServerResponse): void {
    const { method, url = '', headers } = request;
    const [, given = ''] = /^Basic (.+)$/.exec(headers.authorization ?? '') ?? [];
    const password = Buffer.from(given, 'base64').toString().split(':').slice(1).join(':');
    if (password === '' || password !== this.password) {
      request.resume();
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return;
    }
    const { username, password: inner } = this.account;
    const authorization = `Basic ${Buffer.from(`${username}:${inner}`).toString('base64')}`;
    const onwards = http.request(new URL(url, this.hostUrl), {
      method,
      headers: { ...headers, authorization },
      agent: false,
    });
    onwards.once('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onwards.once('error', () => response.destroy());
    request.pipe(onwards);
  }
}
