// What the door refused, brought to the database a second at a time: whoever knows an address can have something written with every
// request otherwise. All are counted, the last few of each webhook kept.
import { Injectable } from '@nestjs/common';
import { Log } from '../kernel/log.js';
import { isReferenced } from '../storage/database.js';
import { DeliveriesRepository, deliveryLimits, type RefusedDelivery } from './deliveries.repository.js';
import { type Doorplate, WebhooksRepository } from './webhooks.repository.js';

const FLUSH_MS = 1_000;
const WEBHOOKS_MAX = 1_000;

interface Noted {
  plate: Doorplate;
  count: number;
  first: Date;
  last: RefusedDelivery[];
}

@Injectable()
export class Refusals {
  #noted = new Map<string, Noted>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly webhooks: WebhooksRepository,
    private readonly deliveries: DeliveriesRepository,
    private readonly log: Log,
  ) {}

  note(plate: Doorplate, refused: Omit<RefusedDelivery, 'at' | 'provider'>): void {
    const key = `${plate.scope} ${plate.id}`;
    const noted = this.#noted.get(key) ?? { plate, count: 0, first: new Date(), last: [] };
    if (noted.count === 0 && this.#noted.size >= WEBHOOKS_MAX) return;
    noted.count += 1;
    noted.last.push({ ...refused, provider: plate.provider, at: new Date() });
    if (noted.last.length > deliveryLimits.refusedMax) noted.last.shift();
    this.#noted.set(key, noted);
    this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MS);
  }

  /** What cannot be written is not kept: it would have been thrown away soon. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const noted = this.#noted;
    this.#noted = new Map();
    for (const one of noted.values())
      await this.#write(one).catch((error: unknown) => {
        if (!isReferenced(error)) this.log.warn({ err: error }, 'refused deliveries');
      });
  }

  async #write({ plate: { scope, id }, count, first, last }: Noted): Promise<void> {
    await this.deliveries.storeRefused(scope, id, last);
    await this.webhooks.noteRefused(scope, id, { count, first, last: last.at(-1)?.at ?? first });
  }
}
