// A Vault on loopback, as far as secret managers need one: real keys, versions, tokens and policies, and a clock that can be
// set forward. It remembers everything that a client of ours may not send, and `close` fails over it.
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { type Call, type Engine, KvEngine, type Reply, TransitEngine, Violation } from './vault-engines.js';
import { type Token, type TokenTerms, VaultTokens } from './vault-tokens.js';

export interface VaultOptions {
  /** PEM; without it, it speaks plain HTTP. */
  tls?: { cert: Buffer; key: Buffer };
  /** The only one there is; none is the root. */
  namespace?: string;
}

export interface Seen {
  method: string;
  path: string;
  token: string | undefined;
}

/** What is answered instead of the truth; `silence` never, `hang-up` by closing the connection. A promise holds it back. */
type Other = Reply | 'silence' | 'hang-up' | { text: string; status?: number } | undefined;
export type Interference = (seen: Seen) => Other | Promise<Other>;

const hour: TokenTerms = {
  ttlSeconds: 3_600,
  maxTtlSeconds: null,
  type: 'service',
  isRenewable: true,
  uses: null,
  policies: ['work'],
};
const deny: Reply = { status: 403, body: { errors: ['permission denied'] } };

export class VaultServer {
  readonly kv = new KvEngine();
  readonly transit = new TransitEngine();
  readonly tokens = new VaultTokens(() => this.now());
  readonly mounts = new Map<string, Engine>([
    ['secret', this.kv],
    ['transit', this.transit],
  ]);
  readonly seen: Seen[] = [];
  readonly violations: string[] = [];
  /** Connections that were made to it. */
  connections = 0;
  interfere: Interference = () => undefined;
  #aheadMs = 0;
  readonly #namespace: string | undefined;
  readonly #server: http.Server;
  readonly #sockets = new Set<net.Socket>();
  readonly #isSecure: boolean;

  private constructor({ tls, namespace }: VaultOptions) {
    this.#namespace = namespace;
    this.#isSecure = tls !== undefined;
    const listen = (request: http.IncomingMessage, response: http.ServerResponse): void => {
      this.#serve(request, response).catch((error: unknown) => {
        this.violations.push(String(error));
        response.destroy();
      });
    };
    this.#server = tls === undefined ? http.createServer(listen) : https.createServer(tls, listen);
    this.#server.on('connection', (socket: net.Socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(options: VaultOptions = {}): Promise<VaultServer> {
    const server = new VaultServer(options);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `${this.#isSecure ? 'https' : 'http'}://127.0.0.1:${this.port}`;
  }

  /** Connections that are open. */
  get open(): number {
    return this.#sockets.size;
  }

  /** Ends every connection, as a restart would. */
  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** How often something was asked. */
  count(path: string | RegExp): number {
    return this.seen.filter((one) => (typeof path === 'string' ? one.path === path : path.test(one.path)))
      .length;
  }

  now(): number {
    return Date.now() + this.#aheadMs;
  }

  /** Lets time pass at this side alone. */
  advance(seconds: number): void {
    this.#aheadMs += seconds * 1_000;
  }

  allowAppRole(
    roleId: string,
    secretId: string,
    { secretIdUses = Infinity, ...terms }: DoorTerms = {},
  ): void {
    this.tokens.doors.approle.push({
      role: roleId,
      proof: secretId,
      usesLeft: secretIdUses,
      terms: { ...hour, ...terms },
    });
  }

  allowKubernetes(role: string, jwt: string, terms: Partial<TokenTerms> = {}): void {
    this.tokens.doors.kubernetes.push({ role, proof: jwt, usesLeft: Infinity, terms: { ...hour, ...terms } });
  }

  /** A token made by an administrator. */
  makeToken(terms: Partial<TokenTerms> = {}): string {
    return this.tokens.issue({ ...hour, ...terms }).text;
  }

  /** Everything that is kept, in a form that changes when it does. */
  state(): string {
    const keys = [...this.transit.keys].map(([name, key]) => [
      name,
      { ...key, versions: key.versions.map(String) },
    ]);
    return JSON.stringify([[...this.kv.paths], keys]);
  }

  /** @throws Error when a client sent what it may not */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.hangUp();
    await closed;
    if (this.violations.length > 0) throw new Error(`Sent to the Vault:\n${this.violations.join('\n')}`);
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'http://vault');
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const token = request.headers['x-vault-token'] as string | undefined;
    const seen = {
      method: request.method ?? '',
      path: decodeURIComponent(url.pathname.slice('/v1/'.length)),
      token,
    };
    this.seen.push(seen);
    const other = await this.interfere(seen);
    if (other === 'silence') return;
    if (other === 'hang-up') return void response.destroy();
    if (other !== undefined && 'text' in other)
      return void response.writeHead(other.status ?? 200, { 'content-type': 'text/html' }).end(other.text);
    const reply =
      other ?? this.#answer(request, seen, url.searchParams, Buffer.concat(chunks).toString('utf8'));
    const body = reply.body === undefined ? '' : JSON.stringify({ request_id: 'b9b0d8e2', ...reply.body });
    response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers }).end(body);
  }

  #answer(request: http.IncomingMessage, seen: Seen, query: URLSearchParams, text: string): Reply {
    try {
      if (!(request.url ?? '').startsWith('/v1/')) throw new Violation(`${request.url} is not below /v1/`);
      this.#assertForm(request, text);
      const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
      if (request.headers['x-vault-namespace'] !== this.#namespace) return deny;
      return this.#route(seen, { method: seen.method, path: seen.path, query, body });
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.violations.push(error.message);
      return { status: 400, body: { errors: ['this may not be sent'] } };
    }
  }

  #assertForm({ method, headers }: http.IncomingMessage, text: string): void {
    if (headers['x-vault-request'] !== 'true') throw new Violation('a request without X-Vault-Request');
    if (method === 'GET' && text !== '') throw new Violation('a GET with a body');
    if (method !== 'GET' && headers['content-type'] !== 'application/json')
      throw new Violation('a body that is no JSON');
  }

  #route({ token: text }: Seen, call: Call): Reply {
    const login = /^auth\/([\w/-]+)\/login$/.exec(call.path);
    if (login !== null) {
      if (text !== undefined) throw new Violation('a login that shows a token');
      const method = login[1]?.includes('kubernetes') === true ? 'kubernetes' : 'approle';
      return this.tokens.logIn(method, call);
    }
    if (text === undefined) throw new Violation(`${call.method} ${call.path} without a token`);
    const token = this.tokens.use(text);
    if (token === undefined) return { status: 403, body: { errors: ['permission denied', 'invalid token'] } };
    if (call.path.startsWith('auth/token/')) return this.#askAboutToken(call, token);
    return this.#askEngine(call, token);
  }

  #askAboutToken(call: Call, token: Token): Reply {
    if (!this.tokens.allows(token, call.method === 'GET' ? 'read' : 'update', call.path)) return deny;
    return this.tokens.handle({ ...call, path: call.path.slice('auth/token/'.length) }, token);
  }

  #askEngine(call: Call, token: Token): Reply {
    const asked = call.path.replace(/^sys\/internal\/ui\/mounts\//, '');
    const [mount, engine] = [...this.mounts].find(([name]) => `${asked}/`.startsWith(`${name}/`)) ?? [];
    if (mount === undefined || engine === undefined) return deny;
    if (asked !== call.path) {
      if (!this.tokens.hasAnyRightIn(token, mount)) return deny;
      return {
        status: 200,
        body: { data: { type: engine.type, path: `${mount}/`, options: engine.options } },
      };
    }
    const path = call.path.slice(mount.length + 1);
    const writes = engine.exists(path) ? 'update' : 'create';
    const may = this.tokens.allows(token, call.method === 'GET' ? 'read' : writes, call.path);
    return may ? engine.handle({ ...call, path }) : deny;
  }
}

type DoorTerms = Partial<TokenTerms> & { secretIdUses?: number };
