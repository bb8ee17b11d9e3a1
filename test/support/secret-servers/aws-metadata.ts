// What lends an identity on the spot: the metadata of a virtual machine, in sessions, and the address of a container.
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AwsAccounts } from './aws-accounts.js';

const ROLES = '/latest/meta-data/iam/security-credentials/';

export class AwsMetadata {
  readonly asked: string[] = [];
  readonly violations: string[] = [];
  /** Authorization that the container must show. */
  readonly token = randomBytes(16).toString('hex');
  lifeMs = 3_600_000;
  /** Answers instead. */
  instead: { status: number; body: string } | 'silent' | undefined;
  readonly #sessions = new Set<string>();
  readonly #server: http.Server;

  private constructor(readonly accounts: AwsAccounts) {
    this.#server = http.createServer((request, response) => this.#serve(request, response));
  }

  static async open(accounts: AwsAccounts): Promise<AwsMetadata> {
    const server = new AwsMetadata(accounts);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
    if (this.violations.length > 0) throw new Error(`Violations: ${this.violations.join('; ')}`);
  }

  #serve({ method, url, headers }: http.IncomingMessage, response: http.ServerResponse): void {
    this.asked.push(`${method} ${url}`);
    if (this.instead === 'silent') return;
    if (this.instead !== undefined)
      return void response.writeHead(this.instead.status).end(this.instead.body);
    if (`${method} ${url}` === 'GET /container') {
      if (headers.authorization !== this.token) return void response.writeHead(401).end();
      return void response.end(JSON.stringify(this.#lend('container')));
    }
    if (`${method} ${url}` === 'PUT /latest/api/token') return this.#open(headers, response);
    if (!this.#sessions.has(String(headers['x-aws-ec2-metadata-token'])))
      return this.#violate(response, `${method} ${url} without a session`);
    if (`${method} ${url}` === `GET ${ROLES}`) return void response.end('machine-role');
    if (`${method} ${url}` === `GET ${ROLES}machine-role`)
      return void response.end(
        JSON.stringify({ Code: 'Success', Type: 'AWS-HMAC', ...this.#lend('machine') }),
      );
    this.#violate(response, `${method} ${url}`);
  }

  #open(headers: http.IncomingHttpHeaders, response: http.ServerResponse): void {
    const seconds = Number(headers['x-aws-ec2-metadata-token-ttl-seconds']);
    if (!(seconds >= 1 && seconds <= 21_600)) return this.#violate(response, 'a session without an end');
    const session = randomBytes(24).toString('base64');
    this.#sessions.add(session);
    response.end(session);
  }

  #lend(principal: string): object {
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = this.accounts.issue(
      principal,
      this.lifeMs,
    );
    return {
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      Token: sessionToken,
      Expiration: expiration?.toISOString(),
    };
  }

  #violate(response: http.ServerResponse, what: string): void {
    this.violations.push(what);
    response.writeHead(401).end();
  }
}
