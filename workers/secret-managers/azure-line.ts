// The connections to Azure. They are made here and not by Azure's clients, which would ask the environment for a proxy, follow
// where an answer points and read whatever comes.
import { X509Certificate } from 'node:crypto';
import dns from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import type { SecretClientOptions } from '@azure/keyvault-secrets';
import { Proxy } from '../../src/git/network-proxy.js';
import { AzureFault } from './azure-faults.js';
import type { ProviderSetup } from './provider.js';

/** What Azure's clients send through. */
export type HttpClient = NonNullable<SecretClientOptions['httpClient']>;
type Request = Parameters<HttpClient['sendRequest']>[0];
type Response = Awaited<ReturnType<HttpClient['sendRequest']>>;

export interface Question {
  url: URL;
  method: string;
  headers: Record<string, string>;
  body?: string;
  signal?: AbortSignal | undefined;
  /** It is next to this process: no TLS, no proxy. */
  isNear?: boolean;
}

export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  text: string;
}

const CONNECTIONS_MAX = 16;
const IDLE_MS = 30_000;
/** Longer than the longest answer that means anything. */
const ANSWER_BYTES_MAX = 1024 * 1024;
const UNTRUSTED = /CERT|ISSUER|SELF_SIGNED|ALTNAME|VERIFY|^ERR_TLS_|^ERR_SSL_|^EPROTO$/;

export class AzureLine {
  readonly #agent: LineAgent;
  readonly #near = new http.Agent();
  readonly #attemptMs: number;
  #isClosed = false;

  /** @throws AzureFault */
  constructor(ca: string | undefined, proxy: ProviderSetup<unknown>['proxy'], attemptMs: number) {
    this.#agent = new LineAgent(openContext(ca), proxy, attemptMs);
    this.#attemptMs = attemptMs;
  }

  /** @throws AzureFault unless it was answered, whatever the answer is */
  ask({ url, method, headers, body, signal, isNear = false }: Question): Promise<Answer> {
    if (this.#isClosed) return Promise.reject(unavailable('it was closed'));
    const { request } = isNear ? http : https;
    const agent = isNear ? this.#near : this.#agent;
    const sent = { ...headers, 'accept-encoding': 'identity', 'user-agent': 'sallyport' };
    return new Promise((resolve, reject) => {
      const asked = request(url, { method, headers: sent, agent, ...(signal && { signal }) });
      const fail = (fault: AzureFault): void => {
        clearTimeout(timer);
        reject(fault);
        asked.destroy();
      };
      const timer = setTimeout(() => fail(unavailable('no answer in time')), this.#attemptMs);
      asked.on('error', (error) => fail(toFault(error)));
      asked.once('response', (answer) => {
        collect(answer).then((text) => {
          clearTimeout(timer);
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text });
        }, fail);
      });
      asked.end(body);
    });
  }

  /**
   * For one of Azure's clients, which gets no further than to this origin.
   * @param watch hears of every answer and of why there was none
   */
  clientOf(origin: string, watch: (seen: Answer | AzureFault) => void = () => undefined): HttpClient {
    return {
      sendRequest: async (request) => {
        try {
          const answer = await this.#send(request, origin);
          watch(answer);
          return toResponse(request, answer);
        } catch (error) {
          if (error instanceof AzureFault) watch(error);
          throw error;
        }
      },
    };
  }

  close(): void {
    this.#isClosed = true;
    this.#near.destroy();
    this.#agent.destroy();
  }

  async #send({ url, method, headers, body, abortSignal }: Request, origin: string): Promise<Answer> {
    const target = new URL(url);
    if (target.origin !== origin || target.protocol !== 'https:') throw elsewhere();
    return await this.ask({
      url: target,
      method,
      headers: headers.toJSON(),
      ...(typeof body === 'string' ? { body } : {}),
      // The pipeline has made a real one of whatever it was given.
      signal: abortSignal as AbortSignal | undefined,
    });
  }
}

/** Through the proxy where there is one, by CONNECT. */
class LineAgent extends https.Agent {
  readonly #proxy: Proxy | undefined;
  readonly #connectMs: number;
  readonly #lines = new Set<net.Socket>();

  constructor(secureContext: tls.SecureContext, proxy: ProviderSetup<unknown>['proxy'], connectMs: number) {
    // Said outright, since the environment can switch it off for everything that does not say.
    const trust = { secureContext, rejectUnauthorized: true };
    const pool = { keepAlive: true, maxSockets: CONNECTIONS_MAX, timeout: IDLE_MS };
    super({ ...trust, ...pool, lookup } as https.AgentOptions);
    if (proxy !== undefined)
      this.#proxy = new Proxy(proxy.url, { bypass: [...proxy.bypass], resolves: true });
    this.#connectMs = connectMs;
  }

  override createConnection(
    options: https.RequestOptions,
    created: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    const { host, port } = options;
    const proxy = this.#proxy;
    if (proxy?.serves(host ?? '') !== true) return super.createConnection(options, created);
    this.#dial(proxy, `${host}:${port}`).then(
      (line) => created(null, tls.connect({ ...(options as tls.ConnectionOptions), socket: line })),
      // Node takes the error alone; its type asks for a stream as well.
      created as (error: Error) => void,
    );
    return undefined;
  }

  override destroy(): void {
    super.destroy();
    for (const line of this.#lines) line.destroy();
  }

  async #dial(proxy: Proxy, target: string): Promise<net.Socket> {
    const { url, host, port } = proxy;
    const name = net.isIP(host) === 0 ? { servername: host } : {};
    const isSecure = url.protocol === 'https:';
    const socket = isSecure
      ? tls.connect({ host, port, ...name, rejectUnauthorized: true })
      : net.connect({ host, port });
    this.#lines.add(socket);
    socket.once('close', () => this.#lines.delete(socket));
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.once('close', () => reject(Object.assign(new Error(), { code: 'ECONNRESET' })));
      socket.setTimeout(this.#connectMs, () => socket.destroy());
      socket.once(isSecure ? 'secureConnect' : 'connect', resolve);
    });
    return await proxy.open(socket, target, this.#connectMs);
  }
}

/** Names below localhost are this machine, whatever the resolver knows of them (RFC 6761, 6.3). */
const lookup: net.LookupFunction = (hostname, options, done) =>
  dns.lookup(/(?:^|\.)localhost$/i.test(hostname) ? 'localhost' : hostname, options, done);

function openContext(ca: string | undefined): tls.SecureContext {
  try {
    // The context takes over what it can read, and says nothing of the rest.
    if (ca !== undefined) new X509Certificate(ca);
    return tls.createSecureContext(ca === undefined ? {} : { ca });
  } catch (error) {
    const reason = `the authorities of the settings are no certificates (${codeOf(error)})`;
    throw new AzureFault('SECRET_MANAGER_MISCONFIGURED', reason);
  }
}

function collect(answer: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    answer.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength;
      chunks.push(chunk);
      if (bytes > ANSWER_BYTES_MAX)
        reject(new AzureFault('SECRET_MANAGER_GARBLED', 'the answer is too long'));
    });
    answer.on('error', () => reject(unavailable('the answer broke off')));
    answer.once('end', () => {
      const whole = Buffer.concat(chunks);
      resolve(whole.toString('utf8'));
      for (const chunk of [whole, ...chunks]) chunk.fill(0);
    });
  });
}

function toResponse(request: Request, { status, headers, text }: Answer): Response {
  const kept = new Map(Object.entries(headers).map(([name, value]) => [name, String(value)]));
  // The client stumbles over an error that says nothing, or not as it should.
  const bodyAsText = status < 300 || isObject(text) ? text : '{}';
  if (bodyAsText !== text) kept.set('content-type', 'application/json');
  return { request, status, headers: new AnswerHeaders(kept), bodyAsText };
}

function isObject(text: string): boolean {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null;
  } catch {
    return false;
  }
}

class AnswerHeaders implements Iterable<[string, string]> {
  readonly #kept: Map<string, string>;

  constructor(kept: Map<string, string>) {
    this.#kept = kept;
  }

  get(name: string): string | undefined {
    return this.#kept.get(name.toLowerCase());
  }

  has(name: string): boolean {
    return this.#kept.has(name.toLowerCase());
  }

  set(name: string, value: string | number | boolean): void {
    this.#kept.set(name.toLowerCase(), String(value));
  }

  delete(name: string): void {
    this.#kept.delete(name.toLowerCase());
  }

  toJSON(): Record<string, string> {
    return Object.fromEntries(this.#kept);
  }

  [Symbol.iterator](): Iterator<[string, string]> {
    return this.#kept.entries();
  }
}

function toFault(error: Error): AzureFault {
  const code = codeOf(error);
  if (code === 'ABORT_ERR') return unavailable('nobody waits for it any more');
  return UNTRUSTED.test(code)
    ? new AzureFault('SECRET_MANAGER_MISCONFIGURED', `the connection is not to be trusted (${code})`)
    : unavailable(`no connection (${code})`);
}

function codeOf(error: unknown): string {
  const { code = '' } = error as NodeJS.ErrnoException;
  return /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? code : 'unknown';
}

const unavailable = (reason: string): AzureFault => new AzureFault('SECRET_MANAGER_UNAVAILABLE', reason);
const elsewhere = (): AzureFault =>
  new AzureFault('SECRET_MANAGER_MISCONFIGURED', 'it points to another address, which is not followed');
