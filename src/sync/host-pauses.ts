// Git hosts that asked for patience, and until when this manager heeds it: one place for all that talks to them. A look can wait,
// and is held for as long as anybody was asked to. What somebody waits for is held by what its own account was asked: a limit is a
// credential’s more often than an address’s, and what one account has to wait for is not another one’s. A limit of the API says
// nothing of Git. What comes of an account's own delegates or of its own proxy is no word of the host for anybody else.
import { Injectable } from '@nestjs/common';
import { Failure } from '../kernel/failure.js';
import { accountOf, type Scope } from '../scopes/scope.js';

/** A connector, as far as it matters here. */
interface Caller {
  scope: Scope;
  id: string;
  url: string;
  /** How the host was reached; where this is not known, its word counts for the account. */
  connectivity?: 'manager' | 'delegate';
  trust?: object | null;
}

interface Pause {
  /** On the clock of `performance.now()`. */
  end: number;
  /** What the host answered. */
  status: number;
}

@Injectable()
export class HostPauses {
  readonly #pauses = new Map<string, Pause>();

  /** Hears what a failure asks of those who call as this connector does. One that came of a pause must not be told again. */
  hear(failure: Failure, caller: Caller): void {
    const ms = askedMs(failure);
    if (ms <= 0) return;
    const { code, data } = failure;
    const { host, status = 429 } = data as { host?: string; status?: number };
    const pause = { end: performance.now() + ms, status };
    if (code.startsWith('HOST_API_')) return this.#put(ofApi(caller), pause);
    // A secret manager or a token endpoint may have said it as well.
    if (code !== 'GIT_HOST_ERROR' || host !== hostOf(caller.url)) return this.#put(ofLooks(caller), pause);
    if (caller.connectivity === 'manager' && caller.trust === null) this.#put(ofHost(caller), pause);
    this.#put(ofAccount(caller), pause);
  }

  /** Milliseconds for which nobody is to look. */
  forLooks(caller: Caller): number {
    return this.#left(ofHost(caller), ofAccount(caller), ofLooks(caller)).ms;
  }

  /** What the Git work of the connector waits for, as the host has said it; undefined where it may begin. */
  forWork(caller: Pick<Caller, 'scope' | 'url'>): Failure | undefined {
    const { ms, status } = this.#left(ofAccount(caller));
    if (ms <= 0) return undefined;
    const retryAfterSeconds = Math.ceil(ms / 1_000);
    return new Failure('GIT_HOST_ERROR', { host: hostOf(caller.url), status, retryAfterSeconds }) as Failure;
  }

  /** What `attempt` at the host’s API waits for; undefined where it may be made. */
  forApi(caller: Caller, attempt: string): Failure | undefined {
    const { ms: retryAfterMs } = this.#left(ofApi(caller), ofAccount(caller));
    if (retryAfterMs <= 0) return undefined;
    return new Failure('HOST_API_RATE_LIMITED', {
      host: hostOf(caller.url),
      attempt,
      retryAfterMs,
    }) as Failure;
  }

  #put(key: string, pause: Pause): void {
    if (pause.end > (this.#pauses.get(key)?.end ?? 0)) this.#pauses.set(key, pause);
  }

  /** The longest of these. */
  #left(...keys: string[]): { ms: number; status: number } {
    let longest = { ms: 0, status: 0 };
    for (const key of keys) {
      const { end = 0, status = 0 } = this.#pauses.get(key) ?? {};
      const ms = end - performance.now();
      if (ms <= 0) this.#pauses.delete(key);
      else if (ms > longest.ms) longest = { ms, status };
    }
    return longest;
  }
}

/** Nobody is left alone for longer: a limit of an hour is the longest that hosts are known to have. */
const ASKED_MS_MAX = 2 * 3_600_000;

/** Milliseconds that the host, or whoever is on the way to it, asked for; what a delegate tells may be anything. */
export function askedMs({ data }: Failure): number {
  const { retryAfterMs = 0, retryAfterSeconds = 0 } = data as Record<string, unknown>;
  const asked = [Number(retryAfterMs), Number(retryAfterSeconds) * 1_000].filter(Number.isFinite);
  return Math.min(Math.max(0, ...asked), ASKED_MS_MAX);
}

/** What is waited for, and until when where somebody has said so. */
export function explainWait(failure: Failure): string {
  const ms = askedMs(failure);
  if (ms <= 0) return failure.message;
  return `${failure.message}, until ${new Date(Date.now() + ms).toISOString().replace(/\.\d+Z$/, 'Z')}`;
}

const ofHost = ({ url }: Pick<Caller, 'url'>): string => `looks at ${hostOf(url)}`;
const ofAccount = ({ scope, url }: Pick<Caller, 'scope' | 'url'>): string =>
  `${accountOf(scope)} at ${hostOf(url)}`;
const ofLooks = ({ scope, id }: Caller): string => `looks of ${scope}/connectors/${id}`;
const ofApi = ({ scope, id }: Caller): string => `API of ${scope}/connectors/${id}`;

export function hostOf(url: string): string {
  return URL.parse(url)?.host ?? /^[^@]*@?([^:/]+)/.exec(url)?.[1] ?? url;
}
