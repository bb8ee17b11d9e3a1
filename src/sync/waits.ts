// Requests that wait until something has ended. Whoever ends it in this process wakes them at once; a look at the database finds
// what another manager ended.
import { Injectable } from '@nestjs/common';
import { OperationsRepository } from './operations.repository.js';

const LOOK_MS = 250;

export abstract class EndsAwaited {
  readonly #waiting = new Map<string, Set<() => void>>();
  #timer: NodeJS.Timeout | undefined;
  #isReleased = false;
  #isLooking = false;

  /** Which of these have ended. */
  protected abstract ended(ids: string[]): Promise<string[]>;

  /** Resolves when it has ended, or after `ms`, or when the manager drains. */
  async until(id: string, ms: number): Promise<void> {
    if (ms <= 0 || this.#isReleased) return;
    const wakers = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, wakers);
    this.#timer ??= setInterval(() => void this.look(), LOOK_MS);
    let wake = (): void => undefined;
    let timeout: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      wake = resolve;
      wakers.add(wake);
      timeout = setTimeout(resolve, ms);
    });
    clearTimeout(timeout);
    wakers.delete(wake);
    if (wakers.size === 0) this.#waiting.delete(id);
  }

  /** These have ended. */
  wake(ids: Iterable<string>): void {
    for (const id of ids) for (const wake of this.#waiting.get(id) ?? []) wake();
  }

  /** Nobody waits any longer, nor begins to: the manager drains. */
  release(): void {
    this.#isReleased = true;
    clearInterval(this.#timer);
    this.wake([...this.#waiting.keys()]);
  }

  async look(): Promise<void> {
    if (this.#waiting.size === 0 || this.#isLooking) return;
    this.#isLooking = true;
    const ended = await this.ended([...this.#waiting.keys()]).catch(() => []);
    this.#isLooking = false;
    this.wake(ended);
  }
}

/** Waits for operations. */
@Injectable()
export class Waits extends EndsAwaited {
  constructor(private readonly operations: OperationsRepository) {
    super();
  }

  protected override ended(ids: string[]): Promise<string[]> {
    return this.operations.finished(ids);
  }
}
