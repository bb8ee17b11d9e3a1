// So many turns at a time, given to parties one after the other: who asks for a thousand delays who asks for one by a single
// turn of each. Of those who are to work at the same place one works at a time, or so many as it holds, and who waits for a place
// holds no turn. And room for those who wait, of which none may take what the others need.

interface Waiter {
  party: string;
  place: string;
  /** Parties that were at the place while this one waited for it and had come before them. */
  passedBy: Set<string>;
  /** @param payer the party whose turn it is */
  begin: (payer: string) => void;
}

export class FairTurns {
  /** Who waits, by party, in the order in which the parties come next. */
  readonly #waiting = new Map<string, Waiter[]>();
  /** Who waits at each place, in the order in which they came. */
  readonly #rows = new Map<string, Waiter[]>();
  /** How many are at work, by place. */
  readonly #busy = new Map<string, number>();
  #taken = 0;

  constructor(
    private readonly max: number,
    private readonly atPlaceMax = 1,
  ) {}

  /** Whether somebody waits for a turn, and not only for a place. */
  get areWanted(): boolean {
    return this.#next() !== undefined;
  }

  /** Runs `work` when it is the party's turn and there is room at the place. */
  async take<T>(party: string, place: string, work: () => Promise<T>): Promise<T> {
    const payer = await new Promise<string>((begin) => {
      this.#join({ party, place, passedBy: new Set(), begin });
      this.#fill();
    });
    try {
      return await work();
    } finally {
      this.#count(place, -1);
      this.#moveLast(payer);
      this.#fill();
    }
  }

  #join(waiter: Waiter): void {
    append(this.#waiting, waiter.party, waiter);
    append(this.#rows, waiter.place, waiter);
  }

  #leave(waiter: Waiter): void {
    remove(this.#waiting, waiter.party, waiter);
    remove(this.#rows, waiter.place, waiter);
  }

  /**
   * Gives the turns that are free. Who had one is the last in the row from its beginning, and again from its end: those who
   * came meanwhile come first.
   */
  #fill(): void {
    while (this.#taken < this.max) {
      const next = this.#next();
      if (next === undefined) return;
      const { party, place } = next;
      const served = this.#firstAt(next);
      this.#leave(served);
      this.#count(place, 1);
      this.#moveLast(party);
      served.begin(party);
    }
  }

  #count(place: string, change: 1 | -1): void {
    const there = (this.#busy.get(place) ?? 0) + change;
    if (there > 0) this.#busy.set(place, there);
    else this.#busy.delete(place);
    this.#taken += change;
  }

  #hasRoom(place: string): boolean {
    return (this.#busy.get(place) ?? 0) < this.atPlaceMax;
  }

  /** Of the first party that waits for a free place, what it came for first. */
  #next(): Waiter | undefined {
    for (const waiting of this.#waiting.values()) {
      const found = waiting.find(({ place }) => this.#hasRoom(place));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /**
   * Who works at the place in this turn. A party may pass those who came there before it, but each of them once: after that
   * it lends them its turn. So nobody waits at a place for ever because its own turns fall while others are there.
   */
  #firstAt(asker: Waiter): Waiter {
    const row = this.#rows.get(asker.place) ?? [];
    const earlier = row.slice(0, row.indexOf(asker));
    const passed = earlier.find(({ passedBy }) => passedBy.has(asker.party));
    if (passed !== undefined) return passed;
    for (const { passedBy } of earlier) passedBy.add(asker.party);
    return asker;
  }

  #moveLast(party: string): void {
    const own = this.#waiting.get(party);
    if (own === undefined) return;
    this.#waiting.delete(party);
    this.#waiting.set(party, own);
  }
}

function append<T>(lists: Map<string, T[]>, key: string, item: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}

function remove<T>(lists: Map<string, T[]>, key: string, item: T): void {
  const list = lists.get(key) ?? [];
  const at = list.indexOf(item);
  if (at >= 0) list.splice(at, 1);
  if (list.length === 0) lists.delete(key);
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
