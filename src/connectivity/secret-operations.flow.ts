// Work on many secrets: a few at a time, each of them done by whichever manager claims it. A claim lives as long as its holder;
// what a killed process was at is begun anew by another.
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { inSpan } from '../kernel/concern.js';
import { tell } from '../kernel/facts.js';
import { Failure } from '../kernel/failure.js';
import { Log } from '../kernel/log.js';
import { step } from '../kernel/step.js';
import type { Scope } from '../scopes/scope.js';
import {
  type SecretOperationItem,
  type SecretOperationRecord,
  SecretOperationsRepository,
} from '../secrets/secret-operations.repository.js';
import { type SecretOperationWish, SecretSettlement } from '../secrets/secret-settlement.js';
import { SecretsRepository } from '../secrets/secrets.repository.js';
import { SecretRenewal } from './secret-renewal.js';

const SWEEP_MS = 1_000;
const FORGET_MS = 3_600_000;
/** Secrets that this manager is at. */
const RUNNING_MAX = 8;

@Injectable()
export class SecretOperationsFlow {
  readonly #timers: NodeJS.Timeout[] = [];
  /** What runs, and under which claim. */
  readonly #running = new Map<Promise<void>, string>();
  readonly #claimMs: number;
  readonly #graceHours: number;
  #heart: NodeJS.Timeout | undefined;
  #isSweeping = false;
  #isStopping = false;

  constructor(
    config: Config,
    private readonly operations: SecretOperationsRepository,
    private readonly settlement: SecretSettlement,
    private readonly secrets: SecretsRepository,
    private readonly renewal: SecretRenewal,
    private readonly log: Log,
  ) {
    this.#claimMs = config.SALLYPORT_LEASE_SECONDS * 1_000;
    this.#graceHours = config.SALLYPORT_SECRETS_GRACE_HOURS;
  }

  start(): void {
    this.#timers.push(setInterval(() => void this.#sweep(), SWEEP_MS));
    this.#timers.push(
      setInterval(() => {
        this.#note(this.secrets.forgetSuperseded(this.#graceHours));
        this.#note(this.operations.forgetFinished());
      }, FORGET_MS),
    );
    this.#heart = setInterval(() => this.#note(this.#renewClaims()), this.#claimMs / 3);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const timer of this.#timers) clearInterval(timer);
    while (this.#running.size > 0) await Promise.all(this.#running.keys());
    clearInterval(this.#heart);
  }

  /** @throws SCOPE_NOT_FOUND, NOT_FOUND, SECRET_MANAGER_UNFIT, SECRET_REVEAL_UNCONFIRMED, INPUT_REFUSED */
  async accept(wish: SecretOperationWish): Promise<SecretOperationRecord> {
    const record = await step('secret-operation.accept', () => this.settlement.accept(wish));
    const { id, scope, action, from, to, requestedBy } = record;
    this.log.info({ audit: true, id, scope, action, from, to, requestedBy }, 'secret operation accepted');
    void this.#sweep();
    return record;
  }

  /** @throws NOT_FOUND */
  async cancel(scope: Scope, id: string, actor: string): Promise<SecretOperationRecord> {
    this.log.info({ audit: true, id, scope, actor }, 'secret operation cancelled');
    return this.operations.cancel(scope, id);
  }

  /** @throws NOT_FOUND */
  async retry(scope: Scope, id: string, actor: string): Promise<SecretOperationRecord> {
    this.log.info({ audit: true, id, scope, actor }, 'secret operation tried again');
    return this.operations.retry(scope, id);
  }

  async #sweep(): Promise<void> {
    if (this.#isSweeping || this.#isStopping) return;
    this.#isSweeping = true;
    try {
      const items = await this.operations.claim(RUNNING_MAX - this.#running.size, this.#claimMs);
      if (items.length > 0)
        await step('secret-operation.begin', async () => items.map((item) => this.#run(item)));
    } catch (error) {
      this.log.warn({ err: error }, 'secret operations');
    } finally {
      this.#isSweeping = false;
    }
  }

  #run(item: SecretOperationItem): void {
    const done = inSpan({ name: 'secret-operation.item', parent: null }, () => this.#do(item))
      .catch((error: unknown) => this.log.warn({ err: error }, 'secret operations'))
      .finally(() => {
        this.#running.delete(done);
        void this.#sweep();
      });
    this.#running.set(done, item.holder);
  }

  async #do(item: SecretOperationItem): Promise<void> {
    const { action } = item.operation;
    try {
      const held = await this.settlement.find(item);
      if (held === undefined) return await this.settlement.skip(item);
      const stored = await step('secret-operation.renew', () => this.renewal.renew(item, held));
      await step('secret-operation.settle', () => this.settlement.settle(item, held, stored));
      tell('secret.renewal', { action, code: 'OK' });
    } catch (error) {
      const failure = Failure.from(error, `secret operation ${item.operation.id}`);
      tell('secret.renewal', { action, code: failure.code });
      if (failure.code === 'INTERNAL') this.log.error({ err: error }, 'secret operation');
      if (failure.disposition === 'stop') await this.settlement.fail(item, failure.toWire());
      else await this.operations.release(item, failure.toWire());
    }
  }

  async #renewClaims(): Promise<void> {
    await this.operations.renew([...new Set(this.#running.values())], this.#claimMs);
  }

  #note(work: Promise<void>): void {
    work.catch((error: unknown) => this.log.warn({ err: error }, 'secret operations'));
  }
}
