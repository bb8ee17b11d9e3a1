// HTTP as Vault and OpenBao speak it: JSON both ways, within bounds, to one address and nowhere else; redirects are not followed.
import http from 'node:http';
import https from 'node:https';
import { type Keeper, type ProviderSetup, refusal } from './provider.js';
import { codeOf, isBypassed, ProxyRefused, tunnel } from './vault-tunnel.js';

const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
const RETRY_AFTER_SECONDS_MAX = 86_400;
const IDLE_MS_MAX = 15_000;
const SOCKETS_MAX = 32;

export interface Question {
  method: 'GET' | 'POST';
  /** Below `/v1/`, encoded. */
  path: string;
  body?: object;
  /** Whether it may be asked again when a kept connection turns out to be gone. */
  isRepeatable?: boolean;
}

export interface Answer {
  status: number;
  /** A JSON object, or undefined where there was none. */
  body: object | undefined;
  retryAfterSeconds: number | undefined;
}

interface Limits {
  keeper: Keeper;
  deadlineMs: number;
  signal?: AbortSignal | undefined;
}

/** Does the work under a signal that ends with the caller’s, or when the time is over; it always ends within that. */
export async function within<T>(
  { keeper, deadlineMs, signal }: Limits,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ending = new AbortController();
  const end = (reason: string): void => ending.abort(refusal('SECRET_MANAGER_UNAVAILABLE', keeper, reason));
  const cancel = (): void => end('it was cancelled');
  const timer = setTimeout(() => end(`no answer within ${deadlineMs / 1_000} s`), deadlineMs);
  signal?.addEventListener('abort', cancel, { once: true });
  if (signal?.aborted === true) cancel();
  try {
    return await orEnded(work, ending.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
  }
}

async function orEnded<T>(work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let stop: () => void = () => undefined;
  const ended = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work(signal), ended]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

export class VaultLine {
  readonly #keeper: Keeper;
  readonly #address: URL;
  readonly #headers: Record<string, string>;
  readonly #agent: http.Agent;
  readonly #ending = new AbortController();

  constructor(
    { keeper, proxy, deadlineMs }: Pick<ProviderSetup<unknown>, 'keeper' | 'proxy' | 'deadlineMs'>,
    settings: { address: string; namespace?: string | undefined; ca?: string | undefined },
  ) {
    this.#keeper = keeper;
    this.#address = new URL(settings.address);
    const namespace = settings.namespace === undefined ? {} : { 'x-vault-namespace': settings.namespace };
    this.#headers = { 'x-vault-request': 'true', accept: 'application/json', ...namespace };
    const kept = { keepAlive: true, maxSockets: SOCKETS_MAX, timeout: IDLE_MS_MAX };
    const isSecure = this.#address.protocol === 'https:';
    // Said outright, since the environment can switch verification off for everything that does not say.
    const trust = { rejectUnauthorized: true, ...(settings.ca === undefined ? {} : { ca: settings.ca }) };
    this.#agent = isSecure ? new https.Agent({ ...kept, ...trust }) : new http.Agent(kept);
    if (proxy !== undefined && !isBypassed(this.#address.hostname, proxy.bypass))
      tunnel(this.#agent, {
        proxy: new URL(proxy.url),
        isSecure,
        timeoutMs: deadlineMs,
        signal: this.#ending.signal,
      });
  }

  /** @throws SECRET_MANAGER_UNAVAILABLE, SECRET_MANAGER_GARBLED, SECRET_MANAGER_MISCONFIGURED; the signal’s reason */
  async send(question: Question, token: string | null, signal: AbortSignal): Promise<Answer> {
    try {
      return await this.#exchange(question, token, signal);
    } catch (error) {
      if (!(error instanceof KeptLineGone) || question.isRepeatable !== true || signal.aborted)
        throw this.#explain(error, signal);
    }
    try {
      return await this.#exchange(question, token, signal);
    } catch (error) {
      throw this.#explain(error, signal);
    }
  }

  close(): void {
    this.#ending.abort();
    this.#agent.destroy();
  }

  async #exchange(question: Question, token: string | null, signal: AbortSignal): Promise<Answer> {
    const body = question.body === undefined ? null : Buffer.from(JSON.stringify(question.body));
    const request = (this.#address.protocol === 'https:' ? https : http).request({
      host: this.#address.hostname,
      port: this.#address.port === '' ? undefined : this.#address.port,
      method: question.method,
      path: `/v1/${question.path}`,
      agent: this.#agent,
      signal,
      headers: {
        ...this.#headers,
        ...(token === null ? {} : { 'x-vault-token': token }),
        ...(body === null ? {} : { 'content-type': 'application/json', 'content-length': body.byteLength }),
      },
    });
    try {
      const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
        request.on('response', resolve).on('error', reject);
        request.end(body ?? undefined);
      });
      return await readAnswer(response);
    } catch (error) {
      request.destroy();
      if (request.reusedSocket && ['ECONNRESET', 'EPIPE'].includes(codeOf(error)))
        throw new KeptLineGone('the connection was kept too long', { cause: error });
      throw error;
    } finally {
      body?.fill(0);
    }
  }

  #explain(error: unknown, signal: AbortSignal): Error {
    if (signal.aborted) return signal.reason as Error;
    const code = codeOf(error instanceof KeptLineGone ? error.cause : error);
    const because = (reason: string, as: Parameters<typeof refusal>[0]): Error =>
      refusal(as, this.#keeper, reason, { cause: error });
    if (error instanceof Unreadable || code.startsWith('HPE_'))
      return because(
        error instanceof Unreadable ? error.message : `what came is no HTTP (${code})`,
        'SECRET_MANAGER_GARBLED',
      );
    if (code.startsWith('ERR_OSSL'))
      return because(
        `the authorities of the settings are no certificates (${code})`,
        'SECRET_MANAGER_MISCONFIGURED',
      );
    if (/CERT|ISSUER|SELF_SIGNED|ALTNAME|VERIFY/.test(code))
      return because(`its certificate is not to be trusted (${code})`, 'SECRET_MANAGER_MISCONFIGURED');
    const reason = error instanceof ProxyRefused ? error.message : `the connection failed (${code})`;
    return because(reason, 'SECRET_MANAGER_UNAVAILABLE');
  }
}

class KeptLineGone extends Error {}
class Unreadable extends Error {}

async function readAnswer(response: http.IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.byteLength;
      if (bytes > ANSWER_BYTES_MAX)
        throw new Unreadable(`its answer has more than ${ANSWER_BYTES_MAX} bytes`);
    }
    const status = response.statusCode ?? 0;
    const body = parseObject(chunks);
    if (body === undefined && status >= 200 && status < 300 && status !== 204)
      throw new Unreadable('its answer is no JSON object');
    return { status, body, retryAfterSeconds: parseRetryAfter(response.headers['retry-after']) };
  } finally {
    for (const chunk of chunks) chunk.fill(0);
  }
}

function parseObject(chunks: Buffer[]): object | undefined {
  const whole = Buffer.concat(chunks);
  try {
    const parsed: unknown = JSON.parse(whole.toString('utf8'));
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  } finally {
    whole.fill(0);
  }
}

function parseRetryAfter(header: string | undefined): number | undefined {
  if (header === undefined || !/^\d{1,10}$/.test(header)) return undefined;
  return Math.min(Number(header), RETRY_AFTER_SECONDS_MAX);
}
