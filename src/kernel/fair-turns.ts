// So many turns at a time, given to parties one after the other: who asks for a thousand delays who asks for one by a single
// turn of each. And room for those who wait, of which none may take what the others need.

export class FairTurns {
  /** Who waits, by party, in the order in which the parties come next. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #taken = 0;

  constructor(private readonly max: number) {}

  /** Whether somebody waits for a turn. */
  get areWanted(): boolean {
    return this.#waiting.size > 0;
  }

  /** Runs `work` when it is the party's turn. */
  async take<T>(party: string, work: () => Promise<T>): Promise<T> {
    if (this.#taken < this.max) this.#taken += 1;
    else await new Promise<void>((resolve) => this.#join(party, resolve));
    try {
      return await work();
    } finally {
      this.#pass(party);
    }
  }

  #join(party: string, begin: () => void): void {
    const own = this.#waiting.get(party);
    if (own === undefined) this.#waiting.set(party, [begin]);
    else own.push(begin);
  }

  /**
   * Gives the turn on to the party that comes next. Who had a turn is the last in the row from its beginning, and again from
   * its end: those who came meanwhile come first.
   */
  #pass(from: string): void {
    const own = this.#waiting.get(from);
    if (own !== undefined) this.#moveLast(from, own);
    const next = this.#waiting.entries().next().value;
    if (next === undefined) {
      this.#taken -= 1;
      return;
    }
    const [party, [begin, ...others]] = next;
    this.#moveLast(party, others);
    begin?.();
  }

  #moveLast(party: string, waiting: (() => void)[]): void {
    this.#waiting.delete(party);
    if (waiting.length > 0) this.#waiting.set(party, waiting);
  }
}

/** Room of which a party may fill no more than it leaves free. Who has nothing in it always finds a place. */
export class FairRoom {
  readonly #places = new Map<string, number>();
  #taken = 0;

  constructor(private readonly max: number) {}

  /** Takes a place; whether there was one for this party. */
  enter(party: string): boolean {
    const own = this.#places.get(party) ?? 0;
    if (own > 0 && own >= this.max - this.#taken) return false;
    this.#places.set(party, own + 1);
    this.#taken += 1;
    return true;
  }

  leave(party: string): void {
    const left = (this.#places.get(party) ?? 0) - 1;
    if (left > 0) this.#places.set(party, left);
    else this.#places.delete(party);
    this.#taken -= 1;
  }
}
