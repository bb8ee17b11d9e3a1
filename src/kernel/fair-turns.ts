// So many turns at a time, given to parties one after the other: who asks for a thousand delays who asks for one by a single
// turn of each.

export class FairTurns {
  /** Who waits, by party, in the order in which the parties come next. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #taken = 0;

  constructor(private readonly max: number) {}

  /** Runs `work` when it is the party's turn. */
  async take<T>(party: string, work: () => Promise<T>): Promise<T> {
    if (this.#taken < this.max) this.#taken += 1;
    else await new Promise<void>((resolve) => this.#join(party, resolve));
    try {
      return await work();
    } finally {
      this.#pass();
    }
  }

  #join(party: string, begin: () => void): void {
    const own = this.#waiting.get(party);
    if (own === undefined) this.#waiting.set(party, [begin]);
    else own.push(begin);
  }

  /** Gives the turn to the party that has waited longest for one, which then is the last in the row. */
  #pass(): void {
    const next = this.#waiting.entries().next().value;
    if (next === undefined) {
      this.#taken -= 1;
      return;
    }
    const [party, [begin, ...others]] = next;
    this.#waiting.delete(party);
    if (others.length > 0) this.#waiting.set(party, others);
    begin?.();
  }
}
