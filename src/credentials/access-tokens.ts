// Short-lived tokens of this process: in memory alone, struck out of every message, and wiped when they end. Whoever asks while one
// is fetched waits for the same.
import { Secret } from '../kernel/secret.js';
import type { Grant } from './token-endpoint.js';

interface Kept {
  token: Secret;
  timer: NodeJS.Timeout;
}

/** With more, those go that nobody has used for longest. */
const KEPT_MAX = 4_096;
/** Before its end a token is used no more: what is begun with it has to be finished with it. */
const MARGIN_MS_MAX = 300_000;
const TIMER_MS_MAX = 2_147_483_647;

/** Until when a token is used that ends then. */
export function usableUntil(expiresAt: number, now = Date.now()): number {
  return expiresAt - Math.min(MARGIN_MS_MAX, Math.max(0, expiresAt - now) / 4);
}

export interface Taken {
  /** The asker's own, to be wiped. */
  secret: Secret;
  /** Whether it was fetched for this asker, or one that asked meanwhile. */
  isFresh: boolean;
}

export class AccessTokens {
  /** The one that was used last at the end. */
  readonly #kept = new Map<string, Kept>();
  readonly #running = new Map<string, Promise<void>>();

  /** The token that is known by this name. */
  find(key: string): Secret | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    return copy(kept.token);
  }

  /** The token of this name; where there is none, what `fetch` brings. */
  async take(key: string, fetch: () => Promise<Grant>): Promise<Taken> {
    const known = this.find(key);
    if (known !== undefined) return { secret: known, isFresh: false };
    let running = this.#running.get(key);
    if (running === undefined) {
      running = fetch()
        .then((grant) => {
          grant.rotated?.wipe();
          this.keep(key, grant);
        })
        .finally(() => this.#running.delete(key));
      this.#running.set(key, running);
    }
    await running;
    const found = this.find(key);
    // It ended, or was forgotten, in this very moment.
    return found === undefined ? this.take(key, fetch) : { secret: found, isFresh: true };
  }

  /** Takes the token over. */
  keep(key: string, { token, expiresAt }: Pick<Grant, 'token' | 'expiresAt'>): void {
    this.forget(key);
    const ms = Math.max(1, Math.min(TIMER_MS_MAX, usableUntil(expiresAt) - Date.now()));
    const timer = setTimeout(() => this.forget(key), ms).unref();
    this.#kept.set(key, { token, timer });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT_MAX && oldest !== undefined) this.forget(oldest);
  }

  forget(key: string): void {
    const kept = this.#kept.get(key);
    if (kept === undefined) return;
    clearTimeout(kept.timer);
    kept.token.wipe();
    this.#kept.delete(key);
  }

  close(): void {
    for (const key of this.#kept.keys()) this.forget(key);
  }
}

const copy = (secret: Secret): Secret => secret.use((bytes) => new Secret(Buffer.from(bytes)));
