// JSON over HTTPS, as the APIs of all hosts speak it, for the length of one call of HostApi and under one credential. Only what
// changes nothing is asked again after a fault. Redirects are not followed, and pages are read at the same origin alone.
import { setTimeout as delay } from 'node:timers/promises';
import type { z } from 'zod';
import { askHost, type HostAsk } from '../git/host-http.js';
import type { Network } from '../git/network.js';
import type { Deadline } from '../git/session.js';
import { Failure } from '../kernel/failure.js';
import type { HostRates } from './host-rates.js';
import { type Asking, askedPatienceMs, type HostReply, type RefusalRow, refusalOf } from './host-refusals.js';

export interface LineOptions {
  /** Address of the API, without trailing slash. */
  api: string;
  /** Sent with every request, the proof of who asks among them. */
  headers: Readonly<Record<string, string>>;
  network: Network;
  deadline: Deadline;
  rates: HostRates;
  /** Under which the limits are noted. */
  rateKey: string;
  refusals: readonly RefusalRow[];
  /** Before a question is asked again, the first time. */
  pauseMs: number;
}

export type Query = Readonly<Record<string, string | number | boolean>>;

/** What is asked, and in words what for. */
export interface Ask {
  /** `open the pull request` */
  attempt: string;
  /** Below the API, encoded. */
  path: string;
  query?: Query;
  /** Branches that a refusal may be about. */
  head?: string;
  base?: string;
}

/** Where the next page is: a query, or a link of the host’s; null after the last one. */
export type NextPage = (reply: { headers: HostReply['headers']; json: unknown }) => Query | string | null;

const PAGES_MAX = 20;
const AGAIN_MAX = 2;
export const PAUSE_MS = 150;
/** For longer than this nobody waits inside of a call; the failure says how long it would be. */
const RATE_PATIENCE_MS = 5_000;

export class HostLine {
  readonly host: string;

  constructor(private readonly options: LineOptions) {
    this.host = new URL(options.api).host;
  }

  async get<T>(schema: z.ZodType<T>, ask: Ask): Promise<T> {
    return this.#read(schema, ask, await this.#send('GET', ask));
  }

  /** Null where the host knows no such thing. */
  async find<T>(schema: z.ZodType<T>, ask: Ask): Promise<T | null> {
    try {
      return await this.get(schema, ask);
    } catch (error) {
      if (error instanceof Failure && error.code === 'HOST_API_NOT_FOUND') return null;
      throw error;
    }
  }

  async post<T>(schema: z.ZodType<T>, ask: Ask, body?: unknown): Promise<T> {
    return this.#read(schema, ask, await this.#send('POST', ask, body));
  }

  async put<T>(schema: z.ZodType<T>, ask: Ask, body: unknown): Promise<T> {
    return this.#read(schema, ask, await this.#send('PUT', ask, body));
  }

  async patch<T>(schema: z.ZodType<T>, ask: Ask, body: unknown): Promise<T> {
    return this.#read(schema, ask, await this.#send('PATCH', ask, body));
  }

  /** What is not there is deleted already. */
  async delete(ask: Ask): Promise<void> {
    try {
      await this.#send('DELETE', ask);
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'HOST_API_NOT_FOUND') throw error;
    }
  }

  /** Page by page; who has found enough leaves. @throws HOST_API_UNSUPPORTED for more pages than are read */
  async *pages<T>(schema: z.ZodType<T>, ask: Ask, next: NextPage, pagesMax = PAGES_MAX): AsyncGenerator<T> {
    let url = this.#urlOf(ask);
    for (let page = 0; page < pagesMax; page += 1) {
      const reply = await this.#send('GET', ask, undefined, url);
      yield this.#read(schema, ask, reply);
      const to = next(reply);
      if (to === null) return;
      url =
        typeof to === 'string'
          ? this.#follow(ask, url, to)
          : this.#urlOf({ ...ask, query: { ...ask.query, ...to } });
    }
    throw new Failure('HOST_API_UNSUPPORTED', {
      ...this.#named(ask),
      reason: `it has more than ${pagesMax} pages of them`,
    });
  }

  #urlOf({ path, query = {} }: Ask): URL {
    const url = new URL(this.options.api + path);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
    return url;
  }

  /** A link of the host’s own may lead anywhere; the credential goes nowhere else. */
  #follow(ask: Ask, from: URL, link: string): URL {
    const url = URL.parse(link, from.href);
    const api = new URL(this.options.api);
    if (url?.origin === api.origin && url.pathname.startsWith(`${api.pathname.replace(/\/$/, '')}/`))
      return url;
    throw this.#garbled(ask, 'its next page is elsewhere');
  }

  async #send(
    method: HostAsk['method'],
    ask: Ask,
    body?: unknown,
    url = this.#urlOf(ask),
  ): Promise<HostReply> {
    for (let again = 0; ; again += 1) {
      try {
        return await this.#exchange(method, ask, body, url);
      } catch (error) {
        const failure = Failure.from(error);
        const pauseMs = pauseBefore(failure, {
          isRead: method === 'GET',
          again,
          pauseMs: this.options.pauseMs,
        });
        if (pauseMs === null || pauseMs > this.#remainingMs()) throw failure;
        await this.#pause(ask, pauseMs);
      }
    }
  }

  async #exchange(method: HostAsk['method'], ask: Ask, body: unknown, url: URL): Promise<HostReply> {
    const { rates, rateKey, deadline, network, refusals } = this.options;
    await this.#awaitLimit(ask);
    const giveBack = await rates.take(url.origin, deadline.signal).catch((error: unknown) => {
      throw this.#unreachable(ask, error);
    });
    try {
      const reply = await askHost(network, deadline, { url, method, ...this.#encode(body) }).then(
        (answer): HostReply => {
          const text = answer.body.toString('utf8');
          return { status: answer.status, headers: answer.headers, text, json: parse(text) };
        },
        (error: unknown) => {
          throw this.#translate(ask, Failure.from(error));
        },
      );
      const failure = refusalOf(refusals, { ...ask, host: this.host } satisfies Asking, reply);
      rates.note(rateKey, reply.headers, askedPatienceMs(failure, reply, Date.now()));
      if (failure !== null) throw failure;
      return reply;
    } finally {
      giveBack();
    }
  }

  #encode(body: unknown): Pick<HostAsk, 'headers' | 'body'> {
    const headers = { accept: 'application/json', ...this.options.headers };
    if (body === undefined) return { headers };
    return {
      headers: { ...headers, 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify(body)),
    };
  }

  /** @throws HOST_API_RATE_LIMITED where the host asked for more patience than a call has */
  async #awaitLimit(ask: Ask): Promise<void> {
    const waitMs = this.options.rates.waitMs(this.options.rateKey);
    if (waitMs === 0) return;
    if (waitMs > RATE_PATIENCE_MS || waitMs > this.#remainingMs())
      throw new Failure('HOST_API_RATE_LIMITED', { ...this.#named(ask), retryAfterMs: waitMs });
    await this.#pause(ask, waitMs);
  }

  /** Waits within the deadline of the call. */
  async #pause(ask: Ask, ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.options.deadline.signal }).catch((error: unknown) => {
      throw this.#unreachable(ask, error);
    });
  }

  /** As `pause`, for whoever asks the host again for something that it does not show yet. */
  async patience(attempt: string, ms: number): Promise<boolean> {
    if (ms > this.#remainingMs()) return false;
    await this.#pause({ attempt, path: '' }, ms);
    return true;
  }

  #remainingMs(): number {
    return Math.max(0, this.options.deadline.endsAt - performance.now());
  }

  #read<T>(schema: z.ZodType<T>, ask: Ask, reply: HostReply): T {
    const parsed = schema.safeParse(reply.json);
    if (parsed.success) return parsed.data;
    if (reply.json === undefined && reply.text !== '')
      throw this.#garbled(ask, `status ${reply.status} with something that is not JSON`);
    const [issue] = parsed.error.issues;
    throw this.#garbled(ask, `${issue?.path.join('.') || 'it'} is not as it should be`);
  }

  #named({ attempt }: Ask): { host: string; attempt: string } {
    return { host: this.host, attempt };
  }

  #garbled(ask: Ask, reason: string): Failure {
    return new Failure('HOST_API_GARBLED', { ...this.#named(ask), reason }) as Failure;
  }

  #unreachable(ask: Ask, cause: unknown): Failure {
    const reason = `no answer within ${this.options.deadline.totalMs / 1_000} s`;
    return new Failure('HOST_API_UNREACHABLE', { ...this.#named(ask), reason }, { cause }) as Failure;
  }

  /** What the network reports is the same for Git and for an API; what to do about it is not. */
  #translate(ask: Ask, failure: Failure): Failure {
    const { code } = failure;
    const reason = 'reason' in failure.data ? String(failure.data.reason) : '';
    if (code === 'GIT_TIMEOUT' || code === 'GIT_CANCELLED') return this.#unreachable(ask, failure);
    if (code === 'GIT_ANSWER_INVALID') return this.#garbled(ask, reason);
    if (code === 'GIT_LIMIT_EXCEEDED')
      return this.#garbled(ask, 'it is larger than what is read of an answer');
    if (code !== 'GIT_UNREACHABLE') return failure;
    return new Failure(
      'HOST_API_UNREACHABLE',
      { ...this.#named(ask), reason },
      { cause: failure },
    ) as Failure;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Milliseconds before it is asked again; null where that does not help, or could do it twice. */
export function pauseBefore(
  failure: Failure,
  { isRead, again, pauseMs }: { isRead: boolean; again: number; pauseMs: number },
): number | null {
  if (again >= AGAIN_MAX) return null;
  // What was refused for its number was not done.
  if (failure.code === 'HOST_API_RATE_LIMITED') {
    const { retryAfterMs } = (failure as Failure<'HOST_API_RATE_LIMITED'>).data;
    return retryAfterMs > RATE_PATIENCE_MS ? null : retryAfterMs;
  }
  if (!isRead || (failure.code !== 'HOST_API_UNREACHABLE' && failure.code !== 'HOST_API_FAULT')) return null;
  const { retryAfterMs = 0 } = failure.data as { retryAfterMs?: number };
  if (retryAfterMs > RATE_PATIENCE_MS) return null;
  return Math.max(retryAfterMs, pauseMs * 2 ** again * (1 + Math.random()));
}

/** The `rel="next"` of a Link header. */
export function nextLink(headers: HostReply['headers']): string | null {
  for (const part of (headers.link ?? '').slice(0, 8_192).split(',')) {
    const [, link] = /^\s*<([^<>]{1,4096})>\s*;.{0,256}\brel="?next"?/.exec(part) ?? [];
    if (link !== undefined) return link;
  }
  return null;
}
