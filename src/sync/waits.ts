// Requests that wait for their operation. The writer in this process wakes them at once; a look at the database finds
// what another manager finished.
import { Injectable } from '@nestjs/common';
import { OperationsRepository } from './operations.repository.js';

const LOOK_MS = 250;

@Injectable()
export class Waits {
  readonly #waiting = new Map<string, Set<() => void>>();
  #timer: NodeJS.Timeout | undefined;
  #isReleased = false;
  #isLooking = false;

  constructor(private readonly operations: OperationsRepository) {}

  /** Resolves when the operation has ended, or after `ms`, or when the manager drains. */
  async until(operation: string, ms: number): Promise<void> {
    if (ms <= 0 || this.#isReleased) return;
    const wakers = this.#waiting.get(operation) ?? new Set();
    this.#waiting.set(operation, wakers);
    this.#timer ??= setInterval(() => void this.#look(), LOOK_MS);
    let wake = (): void => undefined;
    let timeout: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      wake = resolve;
      wakers.add(wake);
      timeout = setTimeout(resolve, ms);
    });
    clearTimeout(timeout);
    wakers.delete(wake);
    if (wakers.size === 0) this.#waiting.delete(operation);
  }

  /** These operations have ended. */
  wake(operations: Iterable<string>): void {
    for (const operation of operations) for (const wake of this.#waiting.get(operation) ?? []) wake();
  }

  /** Nobody waits any longer, nor begins to: the manager drains. */
  release(): void {
    this.#isReleased = true;
    clearInterval(this.#timer);
    this.wake([...this.#waiting.keys()]);
  }

  async #look(): Promise<void> {
    if (this.#waiting.size === 0 || this.#isLooking) return;
    this.#isLooking = true;
    const ended = await this.operations.finished([...this.#waiting.keys()]).catch(() => []);
    this.#isLooking = false;
    this.wake(ended);
  }
}
