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
  readonly #dropped: (value: V) => void;
  #weight = 0;
  #timer: NodeJS.Timeout | undefined;

  /** With an age of 0 nothing is remembered. `dropped` is told of every value that is remembered no more. */
  constructor({
    ageMsMax,
    weightMax,
    dropped = () => undefined,
  }: {
    ageMsMax: number;
    weightMax: number;
    dropped?: (value: V) => void;
  }) {
    this.#ageMsMax = ageMsMax;
    this.#weightMax = weightMax;
    this.#dropped = dropped;
  }

  get(key: string): V | undefined {
    return this.getAll([key])[0];
  }

  /** As they are at one moment: looking for one drops none of the others. */
  getAll(keys: readonly string[]): (V | undefined)[] {
    this.#dropOld();
    return keys.map((key) => this.#entries.get(key)?.value);
  }

  put(key: string, value: V, weight = 1): void {
    this.delete(key);
    if (this.#ageMsMax === 0 || weight > this.#weightMax) return this.#dropped(value);
    this.#entries.set(key, { value, weight, put: { wall: Date.now(), steady: performance.now() } });
    this.#weight += weight;
    this.#dropOld();
    this.#awaitNext();
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#weight -= entry.weight;
    this.#entries.delete(key);
    this.#dropped(entry.value);
  }

  clear(): void {
    for (const key of this.keys()) this.delete(key);
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
