// Whether a delegate could reach a host when it last tried: remembered for a while, a failure only briefly.
const REACHED_MS = 10 * 60_000;
const NOT_REACHED_MS = 15_000;
const ENTRIES_MAX = 10_000;

interface Reach {
  ok: boolean;
  detail: string;
}

export class ReachMemory {
  readonly #entries = new Map<string, Reach & { until: number }>();

  note(delegate: string, host: string, ok: boolean, detail: string): void {
    const key = keyOf(delegate, host);
    this.#entries.delete(key);
    this.#entries.set(key, { ok, detail, until: Date.now() + (ok ? REACHED_MS : NOT_REACHED_MS) });
    if (this.#entries.size > ENTRIES_MAX) this.#entries.delete(this.#entries.keys().next().value as string);
  }

  of(delegate: string, host: string): Reach | undefined {
    const entry = this.#entries.get(keyOf(delegate, host));
    return entry === undefined || entry.until < Date.now() ? undefined : entry;
  }
}

const keyOf = (delegate: string, host: string): string => `${delegate} ${host}`;
