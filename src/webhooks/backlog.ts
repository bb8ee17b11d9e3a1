// How much may wait to be processed. Where those who process stand still, what is proven must not fill the database: the host is asked
// to come again, and what it does not send again is found by the next poll.
import { Injectable } from '@nestjs/common';
import { Failure } from '../kernel/failure.js';
import { DeliveriesRepository, type WaitingOf } from './deliveries.repository.js';
import type { Doorplate } from './webhooks.repository.js';

export const backlogLimits = {
  rowsMax: 100_000,
  bytesMax: 1024 * 1024 * 1024,
  /** Of one webhook, the rest is for the others. */
  share: 0.5,
} as const;

/** For so long a look at the database is taken for the truth. */
const SEEN_MS = 1_000;

@Injectable()
export class Backlog {
  #seen: WaitingOf[] = [];
  #seenAt = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;

  constructor(private readonly deliveries: DeliveriesRepository) {}

  /** @throws WEBHOOK_DOOR_FULL */
  async assertRoom({ scope, id }: Pick<Doorplate, 'scope' | 'id'>): Promise<void> {
    if (performance.now() - this.#seenAt > SEEN_MS) {
      this.#looking ??= this.#look();
      await this.#looking;
    }
    const own = this.#seen.filter((one) => one.scope === scope && one.connector === id);
    if (isTooMuch(this.#seen, 1) || isTooMuch(own, backlogLimits.share))
      throw new Failure('WEBHOOK_DOOR_FULL', { reason: 'too many deliveries wait to be processed' });
  }

  async #look(): Promise<void> {
    try {
      this.#seen = await this.deliveries.waitingByWebhook();
      this.#seenAt = performance.now();
    } finally {
      this.#looking = undefined;
    }
  }
}

function isTooMuch(waiting: WaitingOf[], share: number): boolean {
  const rows = waiting.reduce((sum, one) => sum + one.rows, 0);
  const bytes = waiting.reduce((sum, one) => sum + one.bytes, 0);
  return rows >= backlogLimits.rowsMax * share || bytes >= backlogLimits.bytesMax * share;
}
