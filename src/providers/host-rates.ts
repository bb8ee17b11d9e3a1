// How much the APIs of hosts still answer, as they say themselves: by origin and credential, since limits are a credential’s.
// Only so many requests are under way at one origin.
import { AgedMap } from '../kernel/aged-map.js';
import type { Rate } from './host-api.js';

/** What a host that asks for patience without saying how much gets. */
const PATIENCE_MS = 60_000;
/** No host is believed to want more. */
const PATIENCE_MS_MAX = 2 * 60 * 60 * 1_000;
const REMEMBERED_MAX = 10_000;
const UNDER_WAY_MAX = 8;

type Headers = Readonly<Record<string, string>>;

/** What the headers of an answer say of the limit; null where they say nothing. */
export function readRate(headers: Headers, now: number): Rate | null {
  const number = (name: string): number | null => {
    const text = headers[`x-ratelimit-${name}`] ?? headers[`ratelimit-${name}`] ?? '';
    return /^\d{1,15}$/.test(text.trim()) ? Number(text) : null;
  };
  const [limit, remaining, reset] = [number('limit'), number('remaining'), number('reset')];
  if (limit === null && remaining === null) return null;
  return { limit, remaining, resetAt: reset === null ? null : momentOf(reset, now), blockedUntil: null };
}

/** Seconds since 1970, or from now where they are too few for that. */
const momentOf = (seconds: number, now: number): number =>
  seconds > 1_000_000_000 ? seconds * 1_000 : now + seconds * 1_000;

/** How long an answer that refuses asks to wait. */
export function patienceOf(headers: Headers, now: number): number {
  const asked = retryAfterOf(headers, now) ?? untilReset(headers, now) ?? PATIENCE_MS;
  return Math.min(Math.max(asked, 0), PATIENCE_MS_MAX);
}

/** '120' and an HTTP date → milliseconds from now. */
export function retryAfterOf(headers: Headers, now: number): number | null {
  const text = (headers['retry-after'] ?? '').trim();
  if (/^\d{1,9}(?:\.\d{1,3})?$/.test(text)) return Math.min(Number(text) * 1_000, PATIENCE_MS_MAX);
  const at = /^[A-Z][a-z]{2,8},? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? null : Math.min(Math.max(at - now, 0), PATIENCE_MS_MAX);
}

function untilReset(headers: Headers, now: number): number | null {
  const rate = readRate(headers, now);
  return rate?.remaining === 0 && rate.resetAt !== null ? rate.resetAt - now : null;
}

interface Turns {
  underWay: number;
  waiting: (() => void)[];
}

export class HostRates {
  readonly #rates = new AgedMap<Rate>({ ageMsMax: PATIENCE_MS_MAX, weightMax: REMEMBERED_MAX });
  readonly #turns = new Map<string, Turns>();
  readonly #underWayMax: number;

  constructor({ underWayMax = UNDER_WAY_MAX }: { underWayMax?: number } = {}) {
    this.#underWayMax = underWayMax;
  }

  of(key: string): Rate | null {
    return this.#rates.get(key) ?? null;
  }

  /** Notes an answer. One that asked for patience is heard until its time is over. */
  note(key: string, headers: Headers, askedForMs: number | null, now = Date.now()): void {
    const said = readRate(headers, now);
    if (said === null && askedForMs === null) return;
    const known = this.of(key);
    const rate = said ?? known ?? { limit: null, remaining: null, resetAt: null };
    const isSpent = rate.remaining === 0 && rate.resetAt !== null && rate.resetAt > now;
    const until = [
      askedForMs === null ? 0 : now + askedForMs,
      isSpent ? Math.min(rate.resetAt ?? 0, now + PATIENCE_MS_MAX) : 0,
      // An answer that was under way meanwhile takes nothing back.
      known?.blockedUntil ?? 0,
    ];
    const blockedUntil = Math.max(...until);
    this.#rates.put(key, { ...rate, blockedUntil: blockedUntil > now ? blockedUntil : null });
  }

  /** For how long nothing is to be asked. */
  waitMs(key: string, now = Date.now()): number {
    return Math.max(0, (this.of(key)?.blockedUntil ?? 0) - now);
  }

  /** Waits for a turn at the origin; whoever gets one gives it back. */
  async take(origin: string, signal: AbortSignal): Promise<() => void> {
    const turns = this.#turns.get(origin) ?? { underWay: 0, waiting: [] };
    this.#turns.set(origin, turns);
    if (turns.underWay < this.#underWayMax) turns.underWay += 1;
    else await waitIn(turns, signal);
    let isBack = false;
    return () => {
      if (!isBack) this.#giveBack(origin, turns);
      isBack = true;
    };
  }

  #giveBack(origin: string, turns: Turns): void {
    const next = turns.waiting.shift();
    if (next !== undefined) return next();
    turns.underWay -= 1;
    if (turns.underWay === 0) this.#turns.delete(origin);
  }
}

function waitIn({ waiting }: Turns, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      waiting.splice(waiting.indexOf(enter), 1);
      reject(signal.reason);
    };
    const enter = (): void => {
      signal.removeEventListener('abort', leave);
      resolve();
    };
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    waiting.push(enter);
  });
}
