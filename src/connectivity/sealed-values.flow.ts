// What happens to a value that a client sealed: a delegate is asked at once, and again until the value has expired. A later
// write to the secret, or its deletion, takes the value away; whoever is at it then finds it gone.
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { OWN_ACCORD, type Purpose } from '../contract/audit.js';
import { Failure } from '../kernel/failure.js';
import { Log } from '../kernel/log.js';
import { type SealedValueRecord, SealedValuesRepository } from '../secrets/sealed-values.repository.js';
import type { SecretRecord } from '../secrets/secrets.repository.js';
import { SecretsService } from '../secrets/secrets.service.js';
import { DelegatedSecrets } from './delegated-secrets.js';

const SWEEP_MS = 2_000;
/** Values that this manager is at, besides those it was just given. */
const CLAIMED_MAX = 16;
/** On top of the secret manager's own time: longer than any task about it waits. */
const CLAIM_MARGIN_MS = 30_000;

/** `pending`: a delegate has yet to take it. */
export type Kept =
  | { state: 'kept'; record: SecretRecord; created: boolean }
  | { state: 'pending'; waitsFor: string };

@Injectable()
export class SealedValuesFlow {
  #timer: NodeJS.Timeout | undefined;
  readonly #running = new Set<Promise<void>>();
  readonly #claimMs: number;

  constructor(
    config: Config,
    private readonly values: SealedValuesRepository,
    private readonly secrets: SecretsService,
    private readonly delegated: DelegatedSecrets,
    private readonly log: Log,
  ) {
    this.#claimMs = 2 * config.SALLYPORT_SECRETS_DEADLINE_SECONDS * 1_000 + CLAIM_MARGIN_MS;
  }

  start(): void {
    this.#timer = setInterval(() => this.#run(this.#sweep()), SWEEP_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /**
   * Sent again, a value has no second effect: it is kept already, or somebody is at it.
   * @throws what ends it for good; then nothing of the value is left here
   */
  async accept(value: SealedValueRecord, actor: string): Promise<Kept> {
    const known = await this.secrets.admit(value);
    if (known !== undefined) return { state: 'kept', record: known, created: false };
    await this.delegated.requireGroup(value);
    const isNew = await this.values.put(value, actor, this.#claimMs);
    return isNew
      ? this.#keep(value, actor)
      : { state: 'pending', waitsFor: 'the same value is on its way already' };
  }

  async #keep(value: SealedValueRecord, actor: string): Promise<Kept> {
    try {
      const kept = await this.secrets.adopt(value, await this.delegated.keep(value, purposeOf(value, actor)));
      if (kept !== undefined) return { state: 'kept', ...kept };
    } catch (error) {
      const failure = Failure.from(error, `secret version ${value.version}`);
      if (failure.disposition === 'stop') await this.values.delete(value);
      else await this.values.release(value);
      if (failure.disposition === 'stop') throw failure;
      return { state: 'pending', waitsFor: failure.message };
    }
    const reason = 'the secret was written or deleted meanwhile';
    throw new Failure('SECRET_VALUE_REFUSED', { secret: value.secret, reason });
  }

  async #sweep(): Promise<void> {
    await this.values.forgetExpired();
    const claimed = await this.values.claim(Math.max(0, CLAIMED_MAX - this.#running.size), this.#claimMs);
    for (const { value, requestedBy } of claimed) this.#run(this.#keep(value, requestedBy ?? OWN_ACCORD));
  }

  #run(work: Promise<unknown>): void {
    const done = work.then(
      () => undefined,
      (error: unknown) => this.log.warn({ err: error }, 'sealed values'),
    );
    this.#running.add(done);
    void done.finally(() => this.#running.delete(done));
  }
}

const purposeOf = ({ scope, secret }: SealedValueRecord, actor: string): Purpose => ({
  kind: 'secret-value',
  subject: `${scope}/secrets/${secret}`,
  operations: [],
  actors: [actor],
});
