// Forgets events that have been kept for long enough, a few at a time.
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Log } from '../kernel/log.js';
import { EventsRepository } from './events.repository.js';

const ROUND_MS = 60_000;
/** Of one statement, so that none takes long. */
const STEP = 1_000;
/** Of one round, so that the database has other turns. */
const STEPS_MAX = 100;

@Injectable()
export class EventRetention {
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | undefined;
  #isStopping = false;

  constructor(
    private readonly config: Config,
    private readonly events: EventsRepository,
    private readonly log: Log,
  ) {}

  async start(): Promise<void> {
    if (await this.events.settleRestored())
      this.log.warn('the database was restored: events of before come first, some of them again');
    this.#timer = setInterval(() => this.#begin(), ROUND_MS).unref();
    this.#begin();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#timer);
    await this.#round;
  }

  #begin(): void {
    this.#round ??= this.#prune()
      .catch((error: unknown) => this.log.debug({ err: error }, 'forgetting events'))
      .finally(() => {
        this.#round = undefined;
      });
  }

  async #prune(): Promise<void> {
    for (let step = 0; step < STEPS_MAX && !this.#isStopping; step += 1)
      if ((await this.events.prune(this.config.SALLYPORT_EVENTS_KEEP_DAYS, STEP)) < STEP) return;
  }
}
