// A Git host of a product of one's choice, on loopback: real HTTP in front of the engine in host-state.ts. Every request is held
// against the description of the product's API; what it does not describe is answered 599 and kept as a violation.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ApiDescription, problemsOf } from './api-description.js';
import { HostState } from './host-state.js';

export interface HostRequest {
  method: string;
  /** Below the API’s own path, undecoded. */
  path: string;
  query: Record<string, string>;
  headers: Record<string, string>;
  body: unknown;
}

export interface Reply {
  status: number;
  json?: unknown;
  text?: string;
  headers?: Record<string, string>;
}

export interface Route {
  method: string;
  /** Matched against the whole path; its groups are decoded. */
  path: RegExp;
  answer: (asked: Asked) => Reply;
}

export interface Asked {
  state: HostState;
  request: HostRequest;
  groups: string[];
  /** Of the API, for links. */
  url: string;
}

export interface Dialect {
  /** Path of the API on the host: `/api/v4`. */
  root: string;
  routes: Route[];
  isKnown: (headers: Record<string, string>) => boolean;
  /** What it answers a credential that it does not know. */
  stranger: Reply;
  notFound: Reply;
  description: ApiDescription;
}

/** What happens to an answer on its way: another goes out, or the connection is cut. The request was carried out. */
export type Meddle = (request: HostRequest, reply: Reply) => Reply | 'cut' | undefined;

export class HostServer {
  state = new HostState();
  readonly requests: HostRequest[] = [];
  readonly violations: string[] = [];
  meddle: Meddle | undefined;
  /** Instead of an answer; nothing is carried out. */
  instead: ((request: HostRequest) => Reply | undefined) | undefined;
  readonly #server: http.Server;

  private constructor(private readonly dialect: Dialect) {
    this.#server = http.createServer((incoming, outgoing) => void this.#serve(incoming, outgoing));
  }

  static async start(dialect: Dialect): Promise<HostServer> {
    const server = new HostServer(dialect);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return this.origin + this.dialect.root;
  }

  reset(): void {
    this.state = new HostState();
    this.requests.length = 0;
    this.violations.length = 0;
    this.meddle = undefined;
    this.instead = undefined;
  }

  /** @throws unless everything that was asked is described */
  assertDescribed(): void {
    if (this.violations.length > 0) throw new Error(`Not in the description: ${this.violations.join('; ')}`);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(incoming: http.IncomingMessage, outgoing: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const request = this.#read(incoming, Buffer.concat(chunks).toString('utf8'));
    this.requests.push(request);
    const reply = this.instead?.(request) ?? this.#answer(request);
    const sent = this.meddle?.(request, reply) ?? reply;
    if (sent === 'cut') return void incoming.socket.destroy();
    const text = sent.text ?? (sent.json === undefined ? '' : JSON.stringify(sent.json));
    const type = sent.text === undefined ? 'application/json' : 'text/html';
    outgoing.writeHead(sent.status, { ...(text === '' ? {} : { 'content-type': type }), ...sent.headers });
    outgoing.end(text);
  }

  #read(incoming: http.IncomingMessage, text: string): HostRequest {
    const url = new URL(incoming.url ?? '/', this.origin);
    const { root } = this.dialect;
    return {
      method: incoming.method ?? '',
      path: url.pathname.startsWith(root) ? url.pathname.slice(root.length) : `!${url.pathname}`,
      query: Object.fromEntries(url.searchParams),
      headers: incoming.headers as Record<string, string>,
      body: text === '' ? undefined : JSON.parse(text),
    };
  }

  #answer(request: HostRequest): Reply {
    const { dialect, state } = this;
    if (!dialect.isKnown(request.headers)) return dialect.stranger;
    const problems = problemsOf(dialect.description, request);
    if (problems.length > 0) {
      this.violations.push(...problems);
      return { status: 599, json: { message: problems.join('; ') } };
    }
    for (const { method, path, answer } of dialect.routes) {
      const match = method === request.method ? path.exec(request.path) : null;
      if (match !== null)
        return answer({ state, request, url: this.url, groups: match.slice(1).map(decodeURIComponent) });
    }
    return dialect.notFound;
  }
}
