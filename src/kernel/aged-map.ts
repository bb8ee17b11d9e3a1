// What may be remembered for a while: everything goes after a fixed time, whether anybody asks or not, and the oldest earlier
// where there is too much.

interface Entry<V> {
  value: V;
  weight: number;
  put: Moment;
}

/** By two clocks: one stands still while the machine sleeps, the other may be set back. */
interface Moment {
  wall: number;
  steady: number;
}

export class AgedMap<V> {
  readonly #entries = new Map<string, Entry<V>>();
  readonly #ageMsMax: number;
  readonly #weightMax: number;
  #weight = 0;
  #timer: NodeJS.Timeout | undefined;

  /** With an age of 0 nothing is remembered. */
  constructor({ ageMsMax, weightMax }: { ageMsMax: number; weightMax: number }) {
    this.#ageMsMax = ageMsMax;
    this.#weightMax = weightMax;
  }

  get(key: string): V | undefined {
    this.#dropOld();
    return this.#entries.get(key)?.value;
  }

  put(key: string, value: V, weight = 1): void {
    this.delete(key);
    if (this.#ageMsMax === 0 || weight > this.#weightMax) return;
    this.#entries.set(key, { value, weight, put: { wall: Date.now(), steady: performance.now() } });
    this.#weight += weight;
    this.#dropOld();
    this.#awaitNext();
  }

  delete(key: string): void {
    this.#weight -= this.#entries.get(key)?.weight ?? 0;
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
    this.#weight = 0;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  keys(): string[] {
    return [...this.#entries.keys()];
  }

  get size(): number {
    return this.#entries.size;
  }

  /** They stand in the order in which they were put. */
  #dropOld(): void {
    for (const [key, { put }] of this.#entries) {
      const isOld = ageMsOf(put) >= this.#ageMsMax;
      if (!isOld && this.#weight <= this.#weightMax) return;
      this.delete(key);
    }
  }

  #awaitNext(): void {
    if (this.#timer !== undefined) return;
    const [oldest] = this.#entries.values();
    if (oldest === undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#dropOld();
      this.#awaitNext();
    }, this.#ageMsMax - ageMsOf(oldest.put)).unref();
  }
}

const ageMsOf = ({ wall, steady }: Moment): number => Math.max(Date.now() - wall, performance.now() - steady);
