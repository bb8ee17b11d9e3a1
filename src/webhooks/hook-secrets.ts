// The opened secrets of webhooks. An opening is on record and good for a minute, so that a burst of deliveries is one; which version
// is current is known from the database at every delivery, so that an edit counts at once.
import { Injectable } from '@nestjs/common';
import { OWN_ACCORD, type Purpose } from '../contract/audit.js';
import { AgedMap } from '../kernel/aged-map.js';
import { Failure } from '../kernel/failure.js';
import type { Secret } from '../kernel/secret.js';
import { SecretsRepository } from '../secrets/secrets.repository.js';
import { SecretsService } from '../secrets/secrets.service.js';
import type { Doorplate } from './webhooks.repository.js';

type Reference = Doorplate['secrets'][number];

const OPENED_MS = 60_000;
/** Whoever knows an address must not have openings recorded without end by it. */
const FAILED_MS = 5_000;
const REMEMBERED_MAX = 256;

@Injectable()
export class HookSecrets {
  readonly #opened = new AgedMap<Secret>({
    ageMsMax: OPENED_MS,
    weightMax: REMEMBERED_MAX,
    dropped: (secret) => secret.wipe(),
  });
  readonly #failed = new AgedMap<true>({ ageMsMax: FAILED_MS, weightMax: REMEMBERED_MAX });
  readonly #opening = new Map<string, Promise<string>>();

  constructor(
    private readonly secrets: SecretsRepository,
    private readonly opener: SecretsService,
  ) {}

  /**
   * Lends those that can be opened, in order, for one call that must not wait for anything. `complete`: whether that is all.
   * @throws DATABASE_UNAVAILABLE
   */
  async use<T>(plate: Doorplate, consume: (secrets: Secret[], complete: boolean) => T): Promise<T> {
    for (let isAgain = false; ; isAgain = true) {
      const keys = await Promise.all(plate.secrets.map((reference) => this.#ensure(reference, plate)));
      // Between here and the end of the call nothing is forgotten, and so nothing wiped.
      const lent = this.#opened.getAll(keys).filter((secret) => secret !== undefined);
      const isComplete = lent.length === plate.secrets.length;
      // One may have become too old while another was opened.
      if (isComplete || isAgain) return consume(lent, isComplete);
    }
  }

  /** At the end of the process. */
  wipe(): void {
    this.#opened.clear();
  }

  /** What it is remembered under, if it could be opened. */
  async #ensure(reference: Reference, plate: Doorplate): Promise<string> {
    const key = keyOf(reference);
    if (this.#opened.get(key) !== undefined || this.#failed.get(key) !== undefined) return key;
    const running = this.#opening.get(key);
    if (running !== undefined) return running;
    const opening = this.#open(reference, plate).finally(() => this.#opening.delete(key));
    this.#opening.set(key, opening);
    return opening;
  }

  async #open({ scope, secret, version }: Reference, { scope: of, id }: Doorplate): Promise<string> {
    const purpose: Purpose = {
      kind: 'webhook',
      subject: `${of}/connectors/${id}/webhook`,
      operations: [],
      actors: [OWN_ACCORD],
    };
    try {
      const held = await this.secrets.held(scope, secret);
      const opened = await this.opener.open(held, purpose);
      // It may have been edited since the look at it: then this is the version that counts.
      const key = keyOf({ scope, secret, version: held.stored.version });
      this.#opened.put(key, opened);
      return key;
    } catch (error) {
      if (!(error instanceof Failure) || error.code === 'DATABASE_UNAVAILABLE') throw error;
      const key = keyOf({ scope, secret, version });
      this.#failed.put(key, true);
      return key;
    }
  }
}

const keyOf = ({ scope, secret, version }: Reference): string => `${scope} ${secret} ${version}`;
