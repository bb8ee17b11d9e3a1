// Git hosts that asked for patience, and until when this manager heeds it: one place for all that talks to them. What one account was
// asked, all that it does there waits for, and nobody else: a limit is a credential’s more often than an address’s. Only where several
// accounts were asked do the looks of all of them wait, and for moments: who was not asked finds out soon. A limit of the API says
// nothing of Git. What comes of an account's own delegates or of its own proxy is no word of the host for anybody else.
import { Injectable } from '@nestjs/common';
import { AgedMap } from '../kernel/aged-map.js';
import { tell } from '../kernel/facts.js';
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

/** What a host’s API says of how much more it answers. */
export interface ApiRate {
  limit: number | null;
  remaining: number | null;
  /** Milliseconds since 1970. */
  resetAt: number | null;
}

/** What this manager knows of a host’s patience with a connector. Others may have been told other things. */
export interface HostPatience {
  /** Until then it is not asked; null: nothing stands in the way. */
  git: Date | null;
  api: Date | null;
  /** As the API said it last. */
  rate: ApiRate | null;
}

const RATES_MAX = 10_000;
/** What hosts say may be anything; from here on it has no date that everybody can read. */
const MOMENT_MAX = Date.UTC(10_000, 0);

/** Nobody is left alone for longer: a limit of an hour is the longest that hosts are known to have. */
const ASKED_MS_MAX = 2 * 3_600_000;

/** So many accounts speak for an address, and for so long. */
const SEVERAL = 3;
const OTHERS_MS_MAX = 30_000;

@Injectable()
export class HostPauses {
  readonly #pauses = new Map<string, Pause>();
  readonly #rates = new AgedMap<ApiRate>({ ageMsMax: ASKED_MS_MAX, weightMax: RATES_MAX });
  /** By host and account: until when others heed what it was asked. */
  readonly #told = new Map<string, Map<Scope, number>>();

  /** Hears what a failure asks of those who call as this connector does. One that came of a pause must not be told again. */
  hear(failure: Failure, caller: Caller): void {
    const ms = askedMs(failure);
    if (ms <= 0) return;
    const { code, data } = failure;
    const { host, status = 429 } = data as { host?: string; status?: number };
    const pause = { end: performance.now() + ms, status };
    const kind = code.startsWith('HOST_API_') ? 'api' : 'git';
    tell('git.pause', { host: hostOf(caller.url), kind, seconds: ms / 1_000 });
    if (kind === 'api') return this.#put(ofApi(caller), pause);
    // A secret manager or a token endpoint may have said it as well.
    if (code !== 'GIT_HOST_ERROR' || host !== hostOf(caller.url)) return this.#put(ofLooks(caller), pause);
    if (caller.connectivity === 'manager' && caller.trust === null)
      this.#tell(caller, Math.min(ms, OTHERS_MS_MAX));
    this.#put(ofAccount(caller), pause);
  }

  /** Hears what the API says in its answers. */
  note(rate: ApiRate | null, caller: Pick<Caller, 'scope' | 'id'>): void {
    if (rate === null) return;
    const isDate = rate.resetAt !== null && rate.resetAt < MOMENT_MAX;
    this.#rates.put(ofApi(caller), isDate ? rate : { ...rate, resetAt: null });
  }

  known(caller: Caller): HostPatience {
    const now = Date.now();
    const untilOf = (ms: number): Date | null => (ms > 0 ? new Date(now + ms) : null);
    const rate = this.#rates.get(ofApi(caller));
    return {
      git: untilOf(this.forLooks(caller)),
      api: untilOf(this.#left(ofApi(caller), ofAccount(caller)).ms),
      // What it said of a time that is over says nothing of this one.
      rate: rate === undefined || (rate.resetAt !== null && rate.resetAt <= now) ? null : rate,
    };
  }

  /** Milliseconds for which it is not to look. */
  forLooks(caller: Caller): number {
    return Math.max(this.#left(ofAccount(caller), ofLooks(caller)).ms, this.#leftForAll(caller));
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

  #tell({ scope, url }: Caller, ms: number): void {
    const host = hostOf(url);
    const ends = this.#told.get(host) ?? new Map<Scope, number>();
    const account = accountOf(scope);
    ends.set(account, Math.max(ends.get(account) ?? 0, performance.now() + ms));
    this.#told.set(host, ends);
  }

  /** As long as there are several. */
  #leftForAll({ url }: Caller): number {
    const host = hostOf(url);
    const ends = this.#told.get(host) ?? new Map<Scope, number>();
    const now = performance.now();
    for (const [account, end] of ends) if (end <= now) ends.delete(account);
    if (ends.size === 0) this.#told.delete(host);
    const [end = now] = [...ends.values()].toSorted((one, other) => other - one).slice(SEVERAL - 1);
    return end - now;
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

const ofAccount = ({ scope, url }: Pick<Caller, 'scope' | 'url'>): string =>
  `${accountOf(scope)} at ${hostOf(url)}`;
const ofLooks = ({ scope, id }: Caller): string => `looks of ${scope}/connectors/${id}`;
const ofApi = ({ scope, id }: Pick<Caller, 'scope' | 'id'>): string => `API of ${scope}/connectors/${id}`;

export function hostOf(url: string): string {
  return URL.parse(url)?.host ?? /^[^@]*@?([^:/]+)/.exec(url)?.[1] ?? url;
}
