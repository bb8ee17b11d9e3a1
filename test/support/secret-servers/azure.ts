// An Azure on loopback, as far as a key vault needs one: the vault and the authority under names of their own on one HTTPS server,
// and an app's identity endpoint. It remembers everything that a client of ours may not send, and `close` fails over it.
import http from 'node:http';
import https from 'node:https';
import type net from 'node:net';
import type { AddressInfo } from 'node:net';
import { Entra, tenant } from './azure-entra.js';
import { type Call, type Reply, refuse, Vault, Violation } from './azure-vault.js';

export interface Seen {
  at: 'vault' | 'authority' | 'machine';
  method: string;
  path: string;
  isSignedIn: boolean;
}

type Other =
  | Reply
  | 'silence'
  | 'hang-up'
  | { text: string; status?: number; headers?: Record<string, string> }
  | undefined;
export type Interference = (seen: Seen) => Other | Promise<Other>;

const API_VERSION = '2026-04-01';

export class AzureServer {
  readonly vault = new Vault(() => this.vaultUrl);
  readonly entra = new Entra(() => this.authority);
  readonly seen: Seen[] = [];
  readonly userAgents = new Set<string | undefined>();
  readonly violations: string[] = [];
  /** What the vault says that its tokens are for. */
  resource = 'https://vault.localhost';
  /** Which tenant the vault says that it belongs to. */
  tenant = tenant;
  interfere: Interference = () => undefined;
  readonly #server: https.Server;
  readonly #machine: http.Server;
  readonly #sockets = new Set<net.Socket>();

  private constructor(pair: { cert: Buffer; key: Buffer }) {
    const listen =
      (serve: (request: http.IncomingMessage, text: string) => [Seen, () => Reply]) =>
      (request: http.IncomingMessage, response: http.ServerResponse): void => {
        this.#serve(request, response, serve).catch((error: unknown) => {
          this.violations.push(String(error));
          response.destroy();
        });
      };
    this.#server = https.createServer(
      pair,
      listen((request, text) => this.#route(request, text)),
    );
    this.#machine = http.createServer(listen((request) => this.#routeMachine(request)));
    for (const server of [this.#server, this.#machine])
      server.on('connection', (socket: net.Socket) => {
        this.#sockets.add(socket);
        socket.on('close', () => this.#sockets.delete(socket));
      });
  }

  static async start(pair: { cert: Buffer; key: Buffer }): Promise<AzureServer> {
    const azure = new AzureServer(pair);
    for (const server of [azure.#server, azure.#machine])
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return azure;
  }

  get vaultUrl(): string {
    return `https://team.vault.localhost:${portOf(this.#server)}`;
  }

  get authority(): string {
    return `https://localhost:${portOf(this.#server)}`;
  }

  /** What the environment of an app holds. */
  get machineEnvironment(): Record<string, string> {
    return {
      IDENTITY_ENDPOINT: `http://127.0.0.1:${portOf(this.#machine)}/msi/token`,
      IDENTITY_HEADER: this.entra.identityHeader,
    };
  }

  /** Connections that are open. */
  get open(): number {
    return this.#sockets.size;
  }

  count(at: Seen['at'], path = /./): number {
    return this.seen.filter((one) => one.at === at && path.test(one.path)).length;
  }

  /** Everything that is kept, in a form that changes when it does. */
  state(): string {
    return JSON.stringify([[...this.vault.secrets], [...this.vault.deleted]]);
  }

  /** @throws Error when a client sent what it may not */
  async close(): Promise<void> {
    const closed = [this.#server, this.#machine].map(
      (server) => new Promise<void>((resolve) => server.close(() => resolve())),
    );
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
    if (this.violations.length > 0) throw new Error(`Sent to Azure:\n${this.violations.join('\n')}`);
  }

  async #serve(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    route: (request: http.IncomingMessage, text: string) => [Seen, () => Reply],
  ): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    this.userAgents.add(request.headers['user-agent']);
    const [seen, answer] = route(request, Buffer.concat(chunks).toString('utf8'));
    this.seen.push(seen);
    const other = await this.interfere(seen);
    if (other === 'silence') return;
    if (other === 'hang-up') return void response.destroy();
    if (other !== undefined && 'text' in other)
      return void response
        .writeHead(other.status ?? 200, { 'content-type': 'text/html', ...other.headers })
        .end(other.text);
    const reply = other ?? this.#guard(answer);
    const type = { 'content-type': 'application/json; charset=utf-8' };
    const id = { 'x-ms-request-id': '7d0a4f6e-0f5b-4e43-9d64-6a2b6c9f0e77' };
    response
      .writeHead(reply.status, { ...type, ...id, ...reply.headers })
      .end(reply.body === undefined ? '' : JSON.stringify(reply.body));
  }

  #guard(answer: () => Reply): Reply {
    try {
      return answer();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.violations.push(error.message);
      return refuse(400, 'BadParameter');
    }
  }

  #route({ method = '', url = '', headers }: http.IncomingMessage, text: string): [Seen, () => Reply] {
    const { hostname, pathname, searchParams } = new URL(url, `https://${headers.host}`);
    const isSignedIn = headers.authorization !== undefined;
    if (hostname === 'localhost') {
      const seen: Seen = { at: 'authority', method, path: pathname, isSignedIn };
      return [seen, () => this.entra.handle(method, pathname, new URLSearchParams(text))];
    }
    const seen: Seen = { at: 'vault', method, path: pathname, isSignedIn };
    return [
      seen,
      () => {
        if (hostname !== 'team.vault.localhost') throw new Violation(`a request to ${hostname}`);
        this.#assertQuery(searchParams);
        return this.#askVault(seen, headers, text);
      },
    ];
  }

  #assertQuery(query: URLSearchParams): void {
    if (query.get('api-version') !== API_VERSION)
      throw new Violation(`api-version ${query.get('api-version')}`);
    const others = [...query.keys()].filter((name) => !['api-version', 'maxresults'].includes(name));
    if (others.length > 0) throw new Violation(`a query for ${others.join(', ')}`);
  }

  #askVault({ method, path }: Seen, headers: http.IncomingHttpHeaders, text: string): Reply {
    const [, token] = /^Bearer (\S+)$/.exec(headers.authorization ?? '') ?? [];
    if (token === undefined) {
      if (text !== '') throw new Violation('a body without a token');
      return this.challenge();
    }
    if (!this.entra.isGood(token, this.resource)) return this.challenge();
    if (text !== '' && headers['content-type'] !== 'application/json')
      throw new Violation('a body that is no JSON');
    if (method === 'GET' && text !== '') throw new Violation('a GET with a body');
    const body = text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>);
    const call: Call = { method, path: path.replace(/\/$/, ''), body };
    if (!this.entra.rights.has(Vault.rightFor(call))) return refuse(403, 'Forbidden', 'ForbiddenByPolicy');
    return this.vault.handle(call);
  }

  /** What is said to whoever is not signed in. */
  challenge(): Reply {
    const at = `authorization="${this.authority}/${this.tenant}", resource="${this.resource}"`;
    return { ...refuse(401, 'Unauthorized'), headers: { 'www-authenticate': `Bearer ${at}` } };
  }

  #routeMachine({ method = '', url = '', headers }: http.IncomingMessage): [Seen, () => Reply] {
    const { pathname, searchParams } = new URL(url, 'http://machine');
    const header = headers['x-identity-header'] as string | undefined;
    return [
      { at: 'machine', method, path: pathname, isSignedIn: header !== undefined },
      () => {
        if (method !== 'GET' || pathname !== '/msi/token') throw new Violation(`${method} ${pathname}`);
        return this.entra.handleMachine(searchParams, header);
      },
    ];
  }
}

const portOf = (server: http.Server | https.Server): number => (server.address() as AddressInfo).port;
