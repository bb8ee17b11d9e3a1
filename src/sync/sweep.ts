// Finds what no job told of: lanes whose writer died, whose job was lost, or whose pause is over. Needs no queue.
import { Injectable } from '@nestjs/common';
import { Log } from '../kernel/log.js';
import { LaneFlow } from './lane.flow.js';
import { LanesRepository } from './lanes.repository.js';
import { OperationsRepository } from './operations.repository.js';

const SWEEP_MS = 1_000;
const FORGET_MS = 3_600_000;

@Injectable()
export class Sweep {
  readonly #timers: NodeJS.Timeout[] = [];
  #lastFault: string | undefined;
  /** A slow database must not see one look pile up on another. */
  #isLooking = false;

  constructor(
    private readonly lanes: LanesRepository,
    private readonly operations: OperationsRepository,
    private readonly flow: LaneFlow,
    private readonly log: Log,
  ) {}

  start(): void {
    this.#timers.push(setInterval(() => void this.sweep(), SWEEP_MS));
    this.#timers.push(setInterval(() => void this.#forget(), FORGET_MS));
    void this.sweep();
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** Why the last sweep could not look, if so. */
  get fault(): string | undefined {
    return this.#lastFault;
  }

  async sweep(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      // Here and at once, since the queue may be what has failed.
      for (const due of await this.lanes.due()) this.flow.begin(due);
      this.#lastFault = undefined;
    } catch (error) {
      this.#lastFault = (error as Error).message;
      this.log.warn({ err: error }, 'sweep');
    } finally {
      this.#isLooking = false;
    }
  }

  async #forget(): Promise<void> {
    await this.operations
      .forgetOldKeys()
      .catch((error: unknown) => this.log.warn({ err: error }, 'forgetting keys'));
  }
}
