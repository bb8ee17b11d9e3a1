// Long work gives the event loop its turns, and ends early when nobody waits for it any more.

/** Work between two turns of the event loop. */
const SLICE_MS = 10;

export class Breath {
  readonly #check: (() => void) | undefined;
  #sliceEndsAt = performance.now() + SLICE_MS;

  /** `check` is called at every turn; what it throws ends the work. */
  constructor(check?: () => void) {
    this.#check = check;
  }

  /** Whether it is time for a turn. Asking costs less than waiting, so tight loops ask first. */
  get isDue(): boolean {
    return performance.now() >= this.#sliceEndsAt;
  }

  /** Gives the event loop a turn when it is time for one. */
  async take(): Promise<void> {
    if (!this.isDue) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#check?.();
    this.#sliceEndsAt = performance.now() + SLICE_MS;
  }
}
