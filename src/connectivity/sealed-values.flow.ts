// What happens to a value that a client sealed: a delegate is asked at once, and again until the value has expired.
import { Injectable } from '@nestjs/common';
import { Failure } from '../kernel/failure.js';
import { Log } from '../kernel/log.js';
import type { SealedValueRecord } from '../secrets/sealed-values.repository.js';
import { SealedValuesRepository } from '../secrets/sealed-values.repository.js';
import type { SecretRecord } from '../secrets/secrets.repository.js';
import { DelegatedSecrets } from './delegated-secrets.js';

const SWEEP_MS = 2_000;
const CLAIMED_MAX = 16;

/** `pending`: a delegate has yet to take it. */
export type Kept =
  | { state: 'kept'; record: SecretRecord; created: boolean }
  | { state: 'pending'; waitsFor: string };

@Injectable()
export class SealedValuesFlow {
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  constructor(
    private readonly values: SealedValuesRepository,
    private readonly delegated: DelegatedSecrets,
    private readonly log: Log,
  ) {}

  start(): void {
    this.#timer = setInterval(() => {
      this.#looking ??= this.#sweep().finally(() => {
        this.#looking = undefined;
      });
    }, SWEEP_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  /** @throws what ends it for good; then nothing of the value is left here */
  async accept(value: SealedValueRecord): Promise<Kept> {
    await this.values.put(value);
    return this.#keep(value);
  }

  async #keep(value: SealedValueRecord): Promise<Kept> {
    try {
      const kept = await this.delegated.keep(value);
      await this.values.delete(value.version);
      return { state: 'kept', ...kept };
    } catch (error) {
      const failure = Failure.from(error, `secret version ${value.version}`);
      if (failure.disposition !== 'stop') {
        await this.values.release(value.version);
        return { state: 'pending', waitsFor: failure.message };
      }
      await this.values.delete(value.version);
      throw failure;
    }
  }

  async #sweep(): Promise<void> {
    try {
      await this.values.forgetExpired();
      const claimed = await this.values.claim(CLAIMED_MAX);
      await Promise.all(
        claimed.map((value) =>
          this.#keep(value).catch((error: unknown) =>
            this.log.warn({ err: error, secret: value.secret, version: value.version }, 'secret not kept'),
          ),
        ),
      );
    } catch (error) {
      this.log.warn({ err: error }, 'sweep of sealed values');
    }
  }
}
